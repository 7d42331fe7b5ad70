"""The whole ledger in order, a bounded number of journals at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sqlalchemy import func, select
from sqlmodel import Session

from bot.ledger.journal import Journal
from storage.ledger_rows import JOURNAL, journals_where
from storage.ledger_scan import PAGE


def pages(session: Session) -> Iterator[list[Journal]]:
    """Yield all journals in the order of the chain."""
    seq = 0
    while page := journals_where(session.connection(), JOURNAL.c.seq > seq, limit=PAGE):
        seq = page[-1].seq
        yield page


def first_day(session: Session) -> date | None:
    """Return the earliest day of any journal; None in an empty ledger."""
    found: date | None = session.connection().execute(select(func.min(JOURNAL.c.effective_date))).scalar()
    return found


def count(session: Session) -> int:
    """Return how many journals there are."""
    return int(session.connection().execute(select(func.count()).select_from(JOURNAL)).scalar_one())
