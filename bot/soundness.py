"""Is the ledger sound: its chain, its sums, and a TAG balance that is the live tags."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from bot.errors import InputError
from storage import ledger_reports, ledger_verify, mentions
from storage.db import reading
from storage.vitals import Check


def check(session: Session, *, now: datetime) -> Check:
    """Return the verdict of a full check of the ledger, as it is kept for the operator."""
    report = audited(session)
    return Check(now, int(str(report["journals"])), str(report["problem"]))


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


def refuse_broken(database: Engine) -> None:
    """Do nothing when the ledger is sound.

    Raises:
        InputError: it is not; whatever rests on its figures has to wait.
    """
    with reading(database) as session:
        problem = audited(session)["problem"]
    if problem:
        raise InputError(f"the ledger does not verify ({problem}); see 'earmark ledger verify'")


def _tag_problem(balance: dict[tuple[str, str, str], int], live: dict[tuple[str, str, str], int]) -> str:
    for key in sorted({*balance, *live}):
        if balance.get(key, 0) != live.get(key, 0):
            name = " / ".join(key)
            return f"TAG balance of {name} is {balance.get(key, 0)}, live tags are {live.get(key, 0)}"
    return ""
