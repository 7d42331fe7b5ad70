"""The report on requests passed on to product teams."""

from __future__ import annotations

from datetime import date, datetime

from bot.reporting.ask import Ask
from bot.reports import requests as reported
from storage import requests as stored


def requests(ask: Ask) -> reported.Requests:
    """Return how product teams dealt with what customers asked for, as it stood at the end of the month or now.

    What had ended before the month began is not in it.
    """
    return reported.requests(facts(ask), as_of=ask.last)


def facts(ask: Ask) -> list[reported.RequestFact]:
    """Return the requests of the month as the report takes them."""
    return [_fact(ask, row) for row in stored.stood(ask.session, at=ask.as_of, since=ask.since)]


def _fact(ask: Ask, row: stored.StoodAt) -> reported.RequestFact:
    return reported.RequestFact(
        id=str(row.id),
        team=row.team,
        customers=row.customers,
        first_asked=_day(ask, row.first_asked_at),
        passed=_day(ask, row.passed_at) if row.passed_at else None,
        acknowledged=_day(ask, row.acknowledged_at) if row.acknowledged_at else None,
        state=row.state,
        customers_told=row.customers_told,
    )


def _day(ask: Ask, moment: datetime) -> date:
    return moment.astimezone(ask.zone).date()
