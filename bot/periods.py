"""Closing a month of the books: what has to be settled first, and the seal (specification 1.9)."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Final

from sqlmodel import Session

from bot.config import LedgerSettings
from bot.errors import InputError
from bot.parts import Parts
from bot.soundness import refuse_broken
from storage import ledger, periods
from storage.db import transaction
from storage.periods import Period

UNCLASSIFIED_BP_MAX: Final = 500
"""More of the cost without a reason than this, in basis points, has to be accepted by whoever closes."""

_PERIOD: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


def soften(parts: Parts, period: str) -> str:
    """Mark a month as soft: over, and not yet closed; return a sentence.

    Raises:
        InputError: it is no month, or not over.
    """
    _refuse_unfinished(parts, period)
    with transaction(parts.database) as session:
        ledger.take_turn(session.connection())
        periods.soften(session, period, now=parts.now())
    return (
        f"{period} is softly closed, and with it every month before: only supervisors and finance still post into it."
        " Correct what is wrong, then close it."
    )


def close(parts: Parts, period: str, *, by: str, accept_unclassified: bool = False) -> Period:
    """Close and seal a month; a month that is closed already is returned as it was sealed.

    Raises:
        InputError: something has to be settled first; the sentence says what.
    """
    _refuse_unfinished(parts, period)
    refuse_broken(parts.database)
    with transaction(parts.database) as session:
        ledger.take_turn(session.connection())
        closed = {one.period: one for one in periods.periods(session) if one.state == "closed"}
        if period in closed:
            return closed[period]
        _refuse_out_of_order(session, period, last_closed=max(closed, default=""))
        _refuse_open_work(session, period, parts)
        if not accept_unclassified:
            _refuse_unclassified(session, period, parts.settings.ledger)
        return periods.seal(session, period, by=by, now=parts.now())


def require_closed(session: Session, period: str) -> None:
    """Do nothing when a month is closed.

    Raises:
        InputError: it is not; decisions about money rest on figures that cannot change any more.
    """
    if not _PERIOD.fullmatch(period):
        raise InputError(f"--period {period}: this is no month; write such as 2026-09")
    if not any(one.period == period and one.state == "closed" for one in periods.periods(session)):
        raise InputError(
            f"--period {period}: only figures of a closed month are final; close it first with:"
            f" earmark ledger close {period}"
        )


def _refuse_unfinished(parts: Parts, period: str) -> None:
    if not _PERIOD.fullmatch(period):
        raise InputError(f"PERIOD: '{period}' is no month; write such as 2026-09")
    if parts.book_date(parts.now()) <= periods.last_day(period):
        raise InputError(f"PERIOD: {period} is not over yet; close it from {_day_after(period)} on")


def _day_after(period: str) -> date:
    return periods.last_day(period) + timedelta(days=1)


def _refuse_out_of_order(session: Session, period: str, *, last_closed: str) -> None:
    if period < last_closed:
        raise InputError(f"PERIOD: {last_closed} is closed, and with it every month before")
    first = periods.first_open_month(session)
    if first is not None and first < period:
        raise InputError(f"PERIOD: {first} is still open; close that one first")


def _refuse_open_work(session: Session, period: str, parts: Parts) -> None:
    """Expected work that is older than a hold may be has to be finished or let go."""
    days = parts.settings.ledger.cost.hold_expiry_days
    oldest = parts.book_date(parts.now()) - timedelta(days=days)
    holds = periods.unresolved_holds(session, until=min(oldest, periods.last_day(period)))
    if holds:
        raise InputError(
            f"{len(holds)} cases of {period} or before have waited for more than {days} days, the first with the hold"
            f" '{holds[0]}'; resolve them, or give them back to their queues and let them run out"
        )


def _refuse_unclassified(session: Session, period: str, settings: LedgerSettings) -> None:
    unclassified, total = periods.unclassified(session, period, settings.currency)
    if unclassified * 10_000 > total * UNCLASSIFIED_BP_MAX:
        share = unclassified * 100 // total if total else 100
        raise InputError(
            f"{share} % of the cost of {period} has no reason; retag those cases, or close with --accept-unclassified"
        )
