"""The nightly job: a day that is over is summed up once, and its summary ordered for Slack (specification 3).

No cron decides when. Whenever the clock ticks, the days are looked for that are over in the reporting time zone and
have no row in ``summary``; the row and the order for Slack are one transaction. So a clock change, a restart, a second
process or a machine that slept make neither none nor two. A ledger that does not verify gets one alarm line instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlmodel import Session

from bot.config import Settings
from bot.ledger.model import CostModel
from bot.parts import Parts
from bot.reporting.night import night
from bot.reports.night import Night
from bot.reports.summary import alarm, summary
from bot.soundness import audited
from storage import outbox, report_facts, summaries
from storage.db import reading, transaction
from storage.outbox import Kind, Order
from storage.summaries import Kept

CATCH_UP_DAYS = 3
"""Days at most that are summed up late, such as after a machine was off: older news nobody waits for."""

_DAY = timedelta(days=1)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Summed:
    """The summary of a day, and its figures; None where the ledger does not verify."""

    kept: Kept
    night: Night | None


def last_over(now: datetime, zone: ZoneInfo, *, post_after: str = "00:00") -> date:
    """Return the latest day to sum up: it is over, and the clock on the wall shows ``post_after`` or later."""
    local = now.astimezone(zone)
    return local.date() - (_DAY if local.time() >= time.fromisoformat(post_after) else 2 * _DAY)


def run(parts: Parts) -> int:
    """Sum up the days that wait for it, the oldest first, as the channel is read; return how many were."""
    with reading(parts.database) as session:
        days = due(session, parts.settings, parts.now())
    return sum(_sum_up(parts, day) for day in days)


def due(session: Session, settings: Settings, now: datetime) -> list[date]:
    """Return the days to sum up, the oldest first: at most :data:`CATCH_UP_DAYS`, none before the book or the first.

    An installation begins with its latest day: nobody asked for a summary before.
    """
    last = last_over(now, ZoneInfo(settings.earmark.timezone), post_after=settings.summary.post_after)
    days = [last - number * _DAY for number in reversed(range(CATCH_UP_DAYS))]
    first, begun = report_facts.first_day(session), summaries.first_day(session) or last
    made = summaries.made(session, days)
    return [day for day in days if first is not None and day >= max(first, begun) and day not in made]


def sum_up(session: Session, settings: Settings, model: CostModel, day: date) -> Summed:
    """Check the ledger and make the summary of a day, or the alarm in its place."""
    problem = str(audited(session)["problem"])
    if problem:
        return Summed(Kept(day, (alarm(day, problem),), is_alarm=True), None)
    figures = night(session, settings, model, day)
    return Summed(Kept(day, tuple(summary(figures)), is_alarm=False), figures)


def order(session: Session, settings: Settings, day: date, *, now: datetime) -> bool:
    """Have Slack show the summary of a day; False when it was ordered before, or there is no channel for it."""
    channel = slack_channel(settings)
    key = f"summary:{summaries.EDITION}:{day}"
    placed = Order(channel, Kind.SUMMARY, None, key, {"date": day.isoformat()})
    return bool(channel) and outbox.enqueue(session, [placed], now=now) > 0


def slack_channel(settings: Settings) -> str:
    """The Slack channel for summaries; empty where none is shown."""
    return settings.summary.slack_channel if settings.slack else ""


def _sum_up(parts: Parts, day: date) -> bool:
    with reading(parts.database) as session:
        kept = sum_up(session, parts.settings, parts.model, day).kept
    with transaction(parts.database) as session:
        if not summaries.keep(session, kept, now=parts.now()):
            # Another process was faster, and has ordered it.
            return False
        if order(session, parts.settings, day, now=parts.now()):
            parts.submit(session, "deliver", slack_channel(parts.settings))
    if kept.is_alarm:
        log.error("ledger_does_not_verify", day=day.isoformat())
    log.info("summed_up", day=day.isoformat(), lines=len(kept.lines))
    return True
