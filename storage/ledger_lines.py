"""The lines behind a figure: what a report adds up, one by one, with the cases and mentions they are about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlmodel import Session, col

from bot.ledger.accounts import CHART
from storage import models
from storage.ledger_rows import JOURNAL, LINE, chunks

UNCLASSIFIED: Final = "unclassified"
"""How reports call lines without a reason."""

_RESOLVING = JOURNAL.alias("resolving")
_REVERSING = JOURNAL.alias("reversing")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines: those that meet all that is given. "" is no segment.

    An account of the chart is itself alone: reports have a figure for ``Equity:Savings`` and one for
    ``Equity:Savings:Unfunded``. What stands above accounts of the chart means all of them.

    ``open_promises`` parts the lines that stand for promises still open from the others; None takes both.
    """

    first: date | None
    last: date
    unit: str
    account: str = ""
    dept: str | None = None
    reason: str | None = None
    segment: str | None = None
    quadrant: str | None = None
    basis: str | None = None
    status: Literal["posted", "pending"] = "posted"
    is_late: bool = False
    open_promises: bool | None = None


class LedgerLine(NamedTuple):
    """One line of a journal."""

    seq: int
    date: date
    kind: str
    key: str
    account: str
    dept: str
    reason: str
    basis: str
    amount: int
    case_id: str


def lines(session: Session, wanted: Wanted, *, limit: int | None = None) -> Iterator[LedgerLine]:
    """Yield the lines in the order of the chain, each with what it adds to the figure; debits are positive."""
    names = (JOURNAL.c.seq, JOURNAL.c.effective_date, JOURNAL.c.kind, JOURNAL.c.idem_key, LINE.c.account, LINE.c.dept)
    more = (func.coalesce(LINE.c.reason, ""), LINE.c.basis, LINE.c.amount, func.coalesce(LINE.c.case_id, ""))
    query = _of(select(*names, *more), wanted).order_by(LINE.c.journal_seq, LINE.c.n).limit(limit)
    for row in session.connection().execute(query.execution_options(stream_results=True)):
        yield LedgerLine._make(row)


class Sum(NamedTuple):
    """What the lines behind a figure add up to."""

    amount: int
    lines: int
    journals: int


def total(session: Session, wanted: Wanted) -> Sum:
    """Return the sum of the lines, and how many there are, in how many journals."""
    counted = (func.sum(LINE.c.amount), func.count(LINE.c.id), func.count(LINE.c.journal_seq.distinct()))
    found = session.connection().execute(_of(select(*counted), wanted)).one()
    return Sum(*(int(number or 0) for number in found))


def _of(query: Any, wanted: Wanted) -> Any:
    return query.join_from(LINE, JOURNAL, JOURNAL.c.seq == LINE.c.journal_seq).where(*_conditions(wanted))


def _conditions(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    yield LINE.c.commodity == wanted.unit
    yield JOURNAL.c.effective_date <= wanted.last
    yield JOURNAL.c.status == wanted.status
    if wanted.first is not None:
        yield JOURNAL.c.effective_date >= wanted.first
    if wanted.status == "pending":
        yield ~select(_RESOLVING.c.seq).where(_RESOLVING.c.resolves_id == JOURNAL.c.id).exists()
    if wanted.is_late:
        yield JOURNAL.c.original_date.is_not(None)
    if wanted.account in CHART:
        yield LINE.c.account == wanted.account
    elif wanted.account:
        yield LINE.c.account.startswith(f"{wanted.account}:", autoescape=True)
    yield from _dimensions(wanted)
    if wanted.open_promises is not None:
        taken_back = select(_REVERSING.c.seq).where(_REVERSING.c.reverses_id == JOURNAL.c.id).exists()
        is_open = (JOURNAL.c.kind == "promise_made") & ~taken_back
        yield is_open if wanted.open_promises else ~is_open


def _dimensions(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    for name in ("dept", "segment", "quadrant", "basis"):
        value = getattr(wanted, name)
        if value is not None:
            yield func.coalesce(LINE.c[name], "") == value
    if wanted.reason is not None:
        # A line may say in two ways that nobody knows why.
        names = ("", UNCLASSIFIED) if wanted.reason == UNCLASSIFIED else (wanted.reason,)
        yield func.coalesce(LINE.c.reason, "").in_(names)


def mentions_of(session: Session, case_ids: Sequence[str]) -> dict[str, list[int]]:
    """Return the mentions that cases are made of, by case. One that was merged has at least the one that opened it."""
    found: dict[str, list[int]] = {}
    numbers = [int(case_id) for case_id in case_ids if case_id.isdecimal()]
    for chunk in chunks(numbers):
        table = models.Mention
        rows = select(col(table.case_id), col(table.id)).where(col(table.case_id).in_(chunk)).order_by(col(table.id))
        for case_id, mention_id in session.connection().execute(rows):
            found.setdefault(str(case_id), []).append(int(mention_id or 0))
        # A case has the id of the mention that opened it; merged away, its mentions are at the other one.
        for number in chunk:
            found.setdefault(str(number), [number])
    return found
