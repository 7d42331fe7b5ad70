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

from bot import sampling, soundness
from bot.config import Settings
from bot.ledger.model import CostModel
from bot.parts import Parts
from bot.reporting.night import examples, night
from bot.reports.night import Night
from bot.reports.night_csv import figures_csv
from bot.reports.summary import alarm, summary
from storage import outbox, report_facts, summaries, vitals
from storage.db import reading, transaction
from storage.outbox import Kind, Order
from storage.summaries import Kept, Thread
from storage.vitals import Check

CATCH_UP_DAYS = 3
"""Days at most that are summed up late, such as after a machine was off: older news nobody waits for."""

_DAY = timedelta(days=1)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Summed:
    """The summary of a day, its figures, and what was found of the ledger; None where that does not verify."""

    kept: Kept
    night: Night | None
    check: Check


def last_over(now: datetime, zone: ZoneInfo, *, post_after: str = "00:00") -> date:
    """Return the latest day to sum up: it is over, and the clock on the wall shows ``post_after`` or later."""
    local = now.astimezone(zone)
    return local.date() - (_DAY if local.time() >= time.fromisoformat(post_after) else 2 * _DAY)


def run(parts: Parts) -> int:
    """Sum up the days that wait for it, the oldest first, as the channel is read; return how many were."""
    with reading(parts.database) as session:
        over = latest(session, parts.settings, parts.now())
        days = due(session, parts.settings, parts.now())
    sampling.draw_missing(parts, over)
    return sum(_sum_up(parts, day) for day in days)


def due(session: Session, settings: Settings, now: datetime) -> list[date]:
    """Return those of the :func:`latest` days that have no summary yet."""
    days = latest(session, settings, now)
    made = summaries.made(session, days)
    return [day for day in days if day not in made]


def latest(session: Session, settings: Settings, now: datetime) -> list[date]:
    """Return the days that are over, the oldest first: at most :data:`CATCH_UP_DAYS`, none before book or first.

    An installation begins with its latest day: nobody asked for a summary before.
    """
    last = last_over(now, ZoneInfo(settings.earmark.timezone), post_after=settings.summary.post_after)
    days = [last - number * _DAY for number in reversed(range(CATCH_UP_DAYS))]
    first, begun = report_facts.first_day(session), summaries.first_day(session) or last
    return [day for day in days if first is not None and day >= max(first, begun)]


def sum_up(session: Session, settings: Settings, model: CostModel, day: date, *, now: datetime) -> Summed:
    """Check the ledger and make the summary of a day, or the alarm in its place."""
    check = soundness.check(session, now=now)
    if check.problem:
        return Summed(Kept(day, (alarm(day, check.problem),), is_alarm=True), None, check)
    figures = night(session, settings, model, day)
    thread = Thread(figures_csv(figures), *examples(session, settings, day))
    return Summed(Kept(day, tuple(summary(figures)), is_alarm=False, thread=thread), figures, check)


def order(session: Session, settings: Settings, day: date, *, now: datetime) -> bool:
    """Have Slack show a day's summary and the reply under it; False when that was ordered before, or has no channel."""
    channel = slack_channel(settings)
    if not channel:
        return False
    key, date_ = f"summary:{summaries.EDITION}:{day}", day.isoformat()
    orders = [Order(channel, Kind.SUMMARY, None, key, {"date": date_})]
    if summaries.thread_of(session, day) is not None:
        under = {"date": date_, "under": key}
        orders.append(Order(channel, Kind.SUMMARY_THREAD, None, f"summary_thread:{summaries.EDITION}:{day}", under))
    return outbox.enqueue(session, orders, now=now) > 0


def slack_channel(settings: Settings) -> str:
    """The Slack channel for summaries; empty where none is shown."""
    return settings.summary.slack_channel if settings.slack else ""


def _sum_up(parts: Parts, day: date) -> bool:
    with reading(parts.database) as session:
        summed = sum_up(session, parts.settings, parts.model, day, now=parts.now())
    kept = summed.kept
    with transaction(parts.database) as session:
        vitals.record_check(session, summed.check)
        if not summaries.keep(session, kept, now=parts.now()):
            # Another process was faster, and has ordered it.
            return False
        if order(session, parts.settings, day, now=parts.now()):
            parts.submit(session, "deliver", slack_channel(parts.settings))
    if kept.is_alarm:
        log.error("ledger_does_not_verify", day=day.isoformat())
    log.info("summed_up", day=day.isoformat(), lines=len(kept.lines))
    return True
