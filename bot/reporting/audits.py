"""The report on the tag audit, and what other reports take from it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlmodel import Session

from bot.domain import Quadrant
from bot.reporting.ask import Ask
from bot.reports.sensitivity import Audit
from bot.reports.tag_audit import AUDIT_DAYS, NightFact, TagAudit, confusion, tag_audit
from storage import audits


def accuracy(ask: Ask) -> TagAudit:
    """Return how often the tagger is right, by the nights up to the last day of the report."""
    return of_window(ask.session, last=ask.last, by=ask.now)


def of_window(session: Session, *, last: date, by: datetime) -> TagAudit:
    """Return what was judged up to ``by`` of the :data:`AUDIT_DAYS` nights that end with the day ``last``."""
    first = last - timedelta(days=AUDIT_DAYS - 1)
    rows = audits.nights(session, first=first, last=last, by=by)
    pairs = [(one.said, one.judged) for one in audits.verdicts(session, first=first, last=last, by=by)]
    nights = [NightFact(row.on_date, row.population, row.drawn, row.judged, row.right) for row in rows]
    return tag_audit(nights, pairs, first=first, last=last)


def of_waste(ask: Ask) -> Audit:
    """Return how many judged contacts the books rightly and wrongly had as waste: what corrects their count."""
    first = ask.last - timedelta(days=AUDIT_DAYS - 1)
    cells = audits.cells(ask.session, first=first, last=ask.last, by=ask.now)
    waste = Quadrant.LIABILITY.value
    return confusion((found == waste, judged == waste) for found, judged in cells.elements())
