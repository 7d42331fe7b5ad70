"""Is the ledger sound: its chain, its sums, and a TAG balance that is the live tags."""

from __future__ import annotations

from sqlmodel import Session

from storage import ledger_reports, ledger_verify, mentions


def audited(session: Session, progress: ledger_verify.Progress | None = None) -> dict[str, object]:
    """Return what a full check of the ledger found; ``problem`` is "" when all holds."""
    verdict = ledger_verify.verify(session, progress)
    balance, live = ledger_reports.tag_balance(session), mentions.live_tags(session)
    problem = str(verdict.broken) if verdict.broken else _tag_problem(balance, live)
    return {
        "ok": not problem,
        "journals": verdict.journals,
        "head": verdict.head,
        "live_tags": sum(live.values()),
        "tag_balance": sum(balance.values()),
        "problem": problem,
    }


def _tag_problem(balance: dict[tuple[str, str, str], int], live: dict[tuple[str, str, str], int]) -> str:
    for key in sorted({*balance, *live}):
        if balance.get(key, 0) != live.get(key, 0):
            name = " / ".join(key)
            return f"TAG balance of {name} is {balance.get(key, 0)}, live tags are {live.get(key, 0)}"
    return ""
