"""What only the nightly summary reads: the contacts of a day, thanks, and what of the budget is spoken for."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import func, or_, select
from sqlmodel import Session, col

from bot.domain import Tag
from bot.ledger.accounts import BUDGET_AVAILABLE, BUDGET_INITIATIVES
from storage import models
from storage.ledger_rows import JOURNAL, LINE, PERIOD
from storage.ledger_sums import SUM
from storage.report_cases import NOT_A_CONTACT


class Opened(NamedTuple):
    """How many contacts of a tag were opened, and how many of them nobody had taken up."""

    tag: str
    contacts: int
    untouched: int


def opened(session: Session, *, since: datetime, until: datetime) -> list[Opened]:
    """Return the contacts opened from ``since`` to before ``until`` by tag, as they stood at ``until``."""
    case = models.Case
    taken_up = or_(col(case.claimed_at) < until, col(case.closed_at) < until)
    query = (
        select(col(case.tag), func.count(), func.count().filter(func.coalesce(taken_up, False).is_(False)))
        .where(col(case.opened_at) >= since, col(case.opened_at) < until, col(case.closed_how) != NOT_A_CONTACT)
        .group_by(col(case.tag))
        .order_by(col(case.tag))
    )
    return [Opened(tag, int(contacts), int(untouched)) for tag, contacts, untouched in session.execute(query)]


def thanks(session: Session, *, since: datetime, until: datetime) -> int:
    """Return how many contacts opened from ``since`` to before ``until`` are public praise."""
    case, mention = models.Case, models.Mention
    query = (
        select(func.count())
        .select_from(case)
        .join(mention, col(mention.id) == col(case.id))
        .where(
            col(case.opened_at) >= since,
            col(case.opened_at) < until,
            col(case.tag) == Tag.PRAISE.value,
            col(case.closed_how) != NOT_A_CONTACT,
            col(mention.is_private).is_(False),
        )
    )
    return session.scalar(query) or 0


def budget_left(session: Session, *, last: date, unit: str) -> int:
    """Return the innovation budget that was granted up to a day and is not given to an initiative, in minor units."""
    query = select(func.sum(SUM.c.amount)).where(
        SUM.c.status == "posted",
        SUM.c.effective_date <= last,
        SUM.c.account == BUDGET_AVAILABLE,
        SUM.c.commodity == unit,
    )
    return int(session.scalar(query) or 0)


def funded(session: Session) -> set[str]:
    """Return the initiatives that were given budget."""
    query = (
        select(LINE.c.initiative_id)
        .join(JOURNAL, JOURNAL.c.seq == LINE.c.journal_seq)
        .where(LINE.c.account == BUDGET_INITIATIVES, JOURNAL.c.status == "posted")
    )
    return {initiative for initiative in session.scalars(query.distinct()) if initiative}


def is_open(session: Session, month: str) -> bool:
    """True while a month such as ``2026-09`` takes postings."""
    return session.scalar(select(PERIOD.c.state).where(PERIOD.c.period == month)) != "closed"
