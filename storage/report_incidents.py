"""What the reports read of stored incidents: what their cases cost, and what of a span of days was theirs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import String, and_, cast, func, select
from sqlmodel import Session, col

from bot.ledger.accounts import CONTACT_ACCOUNTS
from storage import models, replies
from storage.ledger_rows import JOURNAL, LINE
from storage.ledger_sums import CASE_SUM
from storage.report_cases import NOT_A_CONTACT


class Worked(NamedTuple):
    """The cases of an incident, their posted cost, and how many of them were answered together."""

    cases: int = 0
    cost_minor: int = 0
    in_bulk: int = 0


def worked(session: Session, incident_ids: Sequence[str], *, unit: str) -> dict[str, Worked]:
    """Return what the cases of incidents cost, each at its own time: measured, by default, or in bulk."""
    case = models.Case
    cost = and_(CASE_SUM.c.case_id == cast(col(case.id), String), CASE_SUM.c.commodity == unit)
    query = (
        select(col(case.incident_id), func.count(func.distinct(col(case.id))), func.sum(CASE_SUM.c.amount))
        .outerjoin(CASE_SUM, cost)
        .where(col(case.incident_id).in_(incident_ids), col(case.closed_how) != NOT_A_CONTACT)
        .group_by(col(case.incident_id))
    )
    in_bulk = replies.in_bulk(session, incident_ids)
    return {
        incident_id: Worked(int(cases), int(amount or 0), in_bulk.get(incident_id, 0))
        for incident_id, cases, amount in session.execute(query)
    }


class Posted(NamedTuple):
    """A sum of what was posted on a day for the cases of incidents."""

    day: date
    reason: str
    account: str
    commodity: str
    amount: int


def posted(session: Session, *, first: date, last: date, unit: str) -> list[Posted]:
    """Return contacts and cost of the cases of incidents that are booked in the days, by day, reason and account."""
    case = models.Case
    of_incidents = select(cast(col(case.id), String)).where(col(case.incident_id).is_not(None))
    keys = (JOURNAL.c.effective_date, LINE.c.reason, LINE.c.account, LINE.c.commodity)
    query = (
        select(*keys, func.sum(LINE.c.amount))
        .join(JOURNAL, JOURNAL.c.seq == LINE.c.journal_seq)
        .where(
            LINE.c.case_id.in_(of_incidents),
            LINE.c.account.in_(CONTACT_ACCOUNTS),
            LINE.c.commodity.in_(["CNT", unit]),
            JOURNAL.c.status == "posted",
            JOURNAL.c.effective_date.between(first, last),
        )
        .group_by(*keys)
    )
    return [
        Posted(day, reason or "", account, commodity, int(amount))
        for day, reason, account, commodity, amount in session.connection().execute(query)
    ]
