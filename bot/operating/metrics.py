"""What the database says of the installation, as Prometheus reads it; the same from every process.

Names from the configuration and from the program are the only labels. A scrape is a handful of indexed queries.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry
from sqlalchemy import Engine as Database

from bot.config import Settings
from bot.engine import Pulse
from bot.errors import EarmarkError
from bot.operating.attention import is_alive
from bot.parts import Parts
from storage.channels import ChannelHealth
from storage.db import reading
from storage.vitals import Check, Vitals, vitals

Labelled = Iterable[tuple[Sequence[str], float]]


class Figures(CollectorRegistry):
    """A registry whose figures are read anew at each scrape."""

    def __init__(self, parts: Parts, pulse: Callable[[], Pulse]) -> None:
        super().__init__()
        self.register(_Reader(parts, pulse))


class _Reader(Collector):
    def __init__(self, parts: Parts, pulse: Callable[[], Pulse]) -> None:
        self._parts = parts
        self._pulse = pulse

    def describe(self) -> list[Metric]:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every figure; where the database does not answer, those that need none."""
        pulse, now = self._pulse(), self._parts.now()
        yield _gauge("earmark_info", "The version that runs.", ("version",), [((version("earmark"),), 1)])
        yield _plain("earmark_engine_running", "1 while steps are begun.", float(not pulse.stopped))
        yield _gauge("earmark_steps_failing", "Keys of a step that failed when last tried.", ("step",), _failing(pulse))
        try:
            with reading(self._parts.database) as session:
                found = vitals(session, [queue.name for queue in self._parts.settings.queues], now=now)
        except EarmarkError:
            yield _plain("earmark_database_up", "1 while the database answers.", 0)
            return
        yield _plain("earmark_database_up", "1 while the database answers.", 1)
        yield from _waiting(found, self._parts.settings, now)
        yield from _channels(found.channels, now)
        yield from _cases(found)
        yield from _ledger(found, now)
        yield from _disk(self._parts.database)


def _failing(pulse: Pulse) -> Labelled:
    steps = [failing.step for failing in pulse.failing]
    return [((step,), steps.count(step)) for step in sorted(set(steps))]


def _waiting(found: Vitals, settings: Settings, now: datetime) -> Iterator[Metric]:
    oldest = [(("tag", ""), _age(found.oldest_untagged_at, now)), (("clock", ""), _age(found.clock_due_at, now))]
    oldest += [(("deliver", line.slack_channel), _age(line.oldest_at, now)) for line in found.lines]
    oldest += [(("reply", one.channel), _age(one.oldest_at, now)) for one in found.answers]
    oldest += [(("poll", name), age) for name, age in overdue_polls(found.channels, settings, now)]
    says = "Age of what has waited longest for a step, by its channel or Slack channel; 0 when nothing waits."
    yield _gauge("earmark_oldest_waiting_seconds", says, ("step", "key"), oldest)
    counts = [(("tag", ""), float(found.untagged))]
    counts += [(("deliver", line.slack_channel), float(line.waiting)) for line in found.lines]
    counts += [(("reply", one.channel), float(one.waiting)) for one in found.answers]
    yield _gauge("earmark_waiting", "How much waits for a step.", ("step", "key"), counts)
    yield _plain("earmark_mentions_set_aside", "Mentions that could not be tagged.", found.set_aside)
    dead = [((line.slack_channel,), line.dead) for line in found.lines]
    yield _gauge("earmark_outbox_dead", "Cards and summaries that Slack refused for good.", ("slack_channel",), dead)
    roles = [beat.role for beat in found.processes if is_alive(beat, now)]
    alive = [((role,), roles.count(role)) for role in sorted({beat.role for beat in found.processes})]
    yield _gauge("earmark_processes", "Processes that gave a sign of life within a minute.", ("role",), alive)


def overdue_polls(channels: Sequence[ChannelHealth], settings: Settings, now: datetime) -> list[tuple[str, float]]:
    """Return for each configured channel how many seconds ago its next poll was due; 0 when it is not due yet."""
    known = {channel.name: channel for channel in channels}
    found = []
    for channel in settings.channels:
        health = known.get(channel.name)
        if health is None or health.polled_at is None:
            continue
        due = health.polled_at + timedelta(seconds=channel.poll_seconds)
        found.append((channel.name, max(0.0, (now - max(due, health.next_poll_at or due)).total_seconds())))
    return found


def _channels(channels: Sequence[ChannelHealth], now: datetime) -> Iterator[Metric]:
    lag = [((one.name,), _age(one.caught_up_at, now)) for one in channels if one.caught_up_at]
    says = "Time since a poll left nothing behind at the platform."
    yield _gauge("earmark_channel_lag_seconds", says, ("channel",), lag)
    good = [((one.name,), one.read_at.timestamp()) for one in channels if one.read_at]
    yield _gauge("earmark_channel_good_poll_timestamp_seconds", "The last good poll.", ("channel",), good)
    failures = [((one.name,), float(one.failures)) for one in channels]
    yield _gauge("earmark_channel_failures", "Failed polls in a row.", ("channel",), failures)
    for name, says, field in (
        ("earmark_mentions_received", "Mentions stored, since the beginning.", "mention_count"),
        ("earmark_channel_skipped", "Items that could not be read.", "skipped_count"),
        ("earmark_channel_requests", "Requests to the platform.", "requests"),
        ("earmark_channel_billed_items", "Items that the platform bills for.", "billed_items"),
    ):
        family = CounterMetricFamily(name, says, labels=("channel",))
        for one in channels:
            family.add_metric((one.name,), getattr(one, field))
        yield family


def _cases(found: Vitals) -> Iterator[Metric]:
    for name, says, field in (
        ("earmark_cases_open", "Cases that somebody has to finish.", "open"),
        ("earmark_cases_unclaimed", "Open cases that nobody took.", "unclaimed"),
        ("earmark_cases_overdue", "Open cases past their due time.", "overdue"),
    ):
        yield _gauge(name, says, ("queue",), [((queue.queue,), getattr(queue, field)) for queue in found.queues])


def _ledger(found: Vitals, now: datetime) -> Iterator[Metric]:
    journals = CounterMetricFamily("earmark_ledger_journals", "Journals in the ledger.")
    journals.add_metric((), found.journals)
    yield journals
    check: Check | None = found.check
    if check is not None:
        yield _plain("earmark_ledger_ok", "1 when the last check of the whole ledger held.", float(not check.problem))
        yield _plain("earmark_ledger_check_age_seconds", "Time since that check.", _age(check.at, now))


def _disk(database: Database) -> Iterator[Metric]:
    free = disk_free(database)
    if free is not None:
        yield _plain("earmark_disk_free_bytes", "Free space where the SQLite file is.", free)


def disk_free(database: Database) -> int | None:
    """Return the free bytes beside an SQLite file; None for another database, whose disk is not ours to see."""
    name = database.url.database
    if database.dialect.name != "sqlite" or not name:
        return None
    return shutil.disk_usage(Path(name).resolve().parent).free


def _age(at: datetime | None, now: datetime) -> float:
    return max(0.0, (now - at).total_seconds()) if at else 0.0


def _plain(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(name, says, value=value)


def _gauge(name: str, says: str, labels: Sequence[str], values: Labelled) -> Metric:
    family = GaugeMetricFamily(name, says, labels=labels)
    for label, value in values:
        family.add_metric(label, value)
    return family
