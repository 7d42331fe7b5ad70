"""The night's random sample of taggings for supervisors to judge (specification 3, 5 and 6).

Of a day's taggings those are drawn whose SHA-256 of ``date:mention id`` is smallest: nobody can pick them, and whoever
knows the ids can draw again. The day is that of the tagging, so that each one stands in exactly one draw, also that of
an old post. All of a day's taggings have the same chance; there are no strata.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from bot.parts import Parts
from bot.reports.figures import drawn
from storage import audits
from storage.db import reading, transaction

_DAY: Final = timedelta(days=1)

log = structlog.get_logger(__name__)


def draw_missing(parts: Parts, days: Sequence[date]) -> int:
    """Draw the sample of each day that has none, the oldest first; return how many were drawn."""
    with reading(parts.database) as session:
        there = audits.drawn_on(session, days)
    return sum(draw(parts, day) for day in sorted(set(days) - there))


def draw(parts: Parts, day: date) -> bool:
    """Draw the sample of a day; False when another process has, or none is wanted."""
    size = parts.settings.ledger.audit.sample_per_night
    if not size:
        return False
    zone = ZoneInfo(parts.settings.earmark.timezone)
    since, until = (datetime.combine(one, time(), zone).astimezone(UTC) for one in (day, day + _DAY))
    with reading(parts.database) as session:
        everything = audits.population(session, since=since, until=until)
    chosen = [int(name) for name in drawn(map(str, everything), seed=day.isoformat(), limit=size)]
    with transaction(parts.database) as session:
        is_new = audits.keep(session, day, chosen, population=len(everything), now=parts.now())
    if is_new:
        log.info("audit_drawn", day=day.isoformat(), population=len(everything), drawn=len(chosen))
    return is_new
