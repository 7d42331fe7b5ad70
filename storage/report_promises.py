"""What the reports on promises read: each with its case, and with what it is booked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, and_, func, or_, select
from sqlmodel import Session, SQLModel, col

from bot.ledger.accounts import PROMISES
from storage import models, models_operations
from storage.ledger_rows import JOURNAL, LINE, chunks

PROMISE: Final[Table] = SQLModel.metadata.tables[models_operations.Promise.__tablename__]

_NAMES: Final = ("id", "case_id", "kind", "made_by_name", "made_at", "due_at", "fulfilled_at", "cancelled_at")


@dataclass(frozen=True, slots=True)
class PromiseRow:
    """A promise, where its case is worked, and whose work is awaited."""

    id: int
    case_id: int
    kind: str
    made_by_name: str
    made_at: datetime
    due_at: datetime
    fulfilled_at: datetime | None
    cancelled_at: datetime | None
    queue: str
    department: str
    accrued_seconds: int
    accrued_minor: int


def promises(session: Session, *, since: datetime, until: datetime, as_of: datetime, unit: str) -> list[PromiseRow]:
    """Return the promises due from ``since`` to before ``until`` and those owed at ``as_of``, the earliest due first.

    What was made after ``as_of`` is left out.
    """
    case = models.Case
    is_due = and_(PROMISE.c.due_at >= since, PROMISE.c.due_at < until)
    query = (
        select(*(PROMISE.c[name] for name in _NAMES), col(case.queue), col(case.department), PROMISE.c.accrual_key)
        .join(case, col(case.id) == PROMISE.c.case_id)
        .where(PROMISE.c.made_at <= as_of, or_(is_due, _is_owed(as_of)))
        .order_by(PROMISE.c.due_at, PROMISE.c.id)
    )
    found = session.execute(query).all()
    accrued = _accrued(session, [row.accrual_key for row in found])
    return [
        _row(row, accrued.get((row.accrual_key, "SEC"), 0), accrued.get((row.accrual_key, unit), 0)) for row in found
    ]


def _row(row: Any, seconds: int, minor: int) -> PromiseRow:
    return PromiseRow(*(*row[:-1], seconds, minor))


def _is_owed(as_of: datetime) -> ColumnElement[bool]:
    ends = (PROMISE.c.fulfilled_at, PROMISE.c.cancelled_at)
    return and_(*(or_(end.is_(None), end > as_of) for end in ends))


def _accrued(session: Session, keys: Sequence[str]) -> dict[tuple[str, str], int]:
    """What the accruals with these keys book, by key and commodity."""
    found: dict[tuple[str, str], int] = {}
    for chunk in chunks(keys):
        query = (
            select(JOURNAL.c.idem_key, LINE.c.commodity, func.sum(LINE.c.amount))
            .join(LINE, LINE.c.journal_seq == JOURNAL.c.seq)
            .where(JOURNAL.c.idem_key.in_(chunk), LINE.c.account == PROMISES)
            .group_by(JOURNAL.c.idem_key, LINE.c.commodity)
        )
        found |= {(key, commodity): -int(amount) for key, commodity, amount in session.connection().execute(query)}
    return found
