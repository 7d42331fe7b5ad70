"""Journals in plain words, so that a figure can be followed to what happened. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from bot.ledger.accounts import CONTACT_ACCOUNTS, COUNTS, FUNDING_ACTUAL, FUNDING_GOODWILL, POOL
from bot.ledger.journal import Draft, Journal, Line
from bot.ledger.money import display, exponent, symbol
from bot.ledger.postings import BULK

_MINUTE: Final = 60
_BASIS: Final = {"E": "estimated", "M": "measured", "R": "realised", "N": ""}
_OTHER_SIDE: Final = (POOL, COUNTS, FUNDING_ACTUAL, FUNDING_GOODWILL)
"""Accounts that only say where an amount came from."""

_WORDS: Final = {
    "cost_hold": "Work is expected; it is in no cost until somebody works",
    "cost": "Work was done",
    "cost_void": "Nobody worked, so nothing was spent",
    "merge": "The case is a duplicate and no contact of its own",
    "promise_made": "A promise was made: work owed to the customer",
    "goodwill": "Goodwill was paid",
    "value": "Value is assumed, not proven",
    "value_release": "Assumed value makes way for what was proven",
    "value_realise": "Value was proven",
    "value_expire": "Assumed value was never proven in time",
    "pool_actual": "The service team's payroll",
    "recharge_hold": "A recharge was proposed; it is in no account until it is accepted",
    "recharge": "A recharge was accepted",
    "recharge_void": "A proposed recharge was let go; nobody bears it",
    "saving_confirmed": "Finance confirmed a saving",
    "budget_fund": "Budget was granted out of savings",
    "budget_allocate": "Budget was given to an initiative",
    "budget_spend": "Budget was spent",
}

_DECIDED: Final = frozenset(kind for kind in _WORDS if kind.startswith(("recharge", "saving", "budget", "value_re")))
"""What people decide about money."""

SOURCES: Final = {
    "manual": "a supervisor said so",
    "repeat": "it is a repeat contact",
    "reason": "that is the reason's place",
    "tag": "that is the tag's place until a reason is known",
}
"""Why a contact stands where it does, by what decided; rules have names of their own."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One journal in plain words. ``pending`` ones are in no balance."""

    seq: int
    date: date
    kind: str
    is_pending: bool
    text: str
    key: str


def explain(journals: Sequence[Journal]) -> list[Sentence]:
    """Return a sentence for each journal, in the order of the chain."""
    seqs = {journal.key: journal.seq for journal in journals}
    return [
        Sentence(
            journal.seq,
            journal.draft.effective,
            journal.draft.kind,
            journal.draft.status == "pending",
            _sentence(journal.draft, seqs),
            journal.key,
        )
        for journal in journals
    ]


def _sentence(draft: Draft, seqs: dict[str, int]) -> str:
    parts = [_head(draft, seqs), _amounts(draft), _place(draft), _links(draft, seqs), _dates(draft), _actor(draft)]
    return "; ".join(part for part in parts if part) + "."


def _head(draft: Draft, seqs: dict[str, int]) -> str:
    if draft.kind == "tag":
        line = draft.lines[0]
        opens = " and counts as a contact" if any(one.commodity == "CNT" for one in draft.lines) else ""
        return f"The mention was tagged {line.tag} ({_named(line.reason or 'unclassified')}){opens}"
    if draft.kind == "reversal":
        why = f": {draft.memo}" if draft.memo else ""
        return f"Takes back {_journal(draft.reverses, seqs)}{why}"
    if draft.memo == BULK:
        incident = next((line.incident_id for line in draft.lines if line.incident_id), None)
        return f"Answered in bulk{f' with the other cases of the incident {incident}' if incident else ''}"
    memo = f" ({draft.memo})" if draft.memo else ""
    return f"{_WORDS.get(draft.kind, _named(draft.kind).capitalize())}{memo}"


def _amounts(draft: Draft) -> str:
    """What each department bears or is relieved of."""
    own = [line for line in draft.lines if line.account not in _OTHER_SIDE and line.commodity not in {"TAG", "CNT"}]
    sums: Counter[tuple[str, str, str, str]] = Counter()
    for line in own:
        sums[line.dept, line.account, line.commodity, line.basis] += line.amount
    return ", ".join(
        f"{_amount(amount, unit)}{f' {_BASIS[basis]}' if _BASIS[basis] else ''} to {dept} on {account}"
        for (dept, account, unit, basis), amount in sums.items()
        if amount
    )


def _amount(amount: int, unit: str) -> str:
    if unit == "SEC":
        minutes, seconds = divmod(abs(amount), _MINUTE)
        return f"{'-' if amount < 0 else ''}{minutes} min {seconds:02d} s"
    return display(amount, exponent=exponent(unit), symbol=symbol(unit))


def _place(draft: Draft) -> str:
    """Where a contact stands in the grid, and why there."""
    line: Line | None = next((line for line in draft.lines if line.account in CONTACT_ACCOUNTS), None)
    if line is None or not line.quadrant or draft.kind == "reversal":
        return ""
    source = line.quadrant_source or ""
    why = f"the rule {source.removeprefix('rule:')} says so" if source.startswith("rule:") else SOURCES.get(source, "")
    return f"{line.quadrant} because {why}" if why else line.quadrant


def _links(draft: Draft, seqs: dict[str, int]) -> str:
    if draft.resolves is None:
        return ""
    what = "settles the proposal" if draft.kind in {"recharge", "recharge_void"} else "ends the expected work"
    return f"{what} of {_journal(draft.resolves, seqs)}"


def _journal(key: str | None, seqs: dict[str, int]) -> str:
    return f"journal {seqs[key]}" if key in seqs else f"the journal {key}"


def _dates(draft: Draft) -> str:
    if draft.original is None:
        return ""
    return f"belongs to {draft.original}, whose period was closed"


def _actor(draft: Draft) -> str:
    """Who decided; of work on a case the case's history tells that."""
    return f"decided by {draft.actor_ref}" if draft.actor_ref and draft.kind in _DECIDED else ""


def _named(name: str) -> str:
    return name.replace("_", " ")
