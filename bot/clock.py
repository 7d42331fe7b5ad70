"""Working time: when an answer is due, and how many working minutes lie between two moments.

A moment is working time when the clock on the wall of the queue's time zone shows one of its hours on a day that
is no holiday. Minutes are real ones: where a clock change takes an hour out of a span, the span is an hour shorter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import groupby, pairwise
from typing import TypeAlias
from zoneinfo import ZoneInfo

from bot.config import Queue
from bot.hours import WorkingSpan

LOOKAHEAD_DAYS = 3_660
"""How far ahead a due time is looked for: ten years. The longest SLA, a year of minutes, ends sooner in a real week."""

_DAY = timedelta(days=1)
_MIDNIGHT = time()
_ROUND_THE_CLOCK = ((timedelta(0), _DAY),)

_Spans: TypeAlias = tuple[tuple[timedelta, timedelta], ...]


def due_at(start: datetime, minutes: int, queue: Queue, default_timezone: str) -> datetime:
    """Return the moment (UTC) at which ``minutes`` working minutes of ``queue`` have passed since ``start``.

    It lies inside working hours or on the closing minute of a span: 1 minute from Friday 17:29 is Friday 17:30.
    A queue that is closed for :data:`LOOKAHEAD_DAYS` on end is given the end of that stretch, so that its cases
    have a due time at all.
    """
    left = timedelta(minutes=minutes)
    horizon = start.astimezone(UTC) + LOOKAHEAD_DAYS * _DAY
    for opens, closes in _calendar(queue, default_timezone).between(start, horizon):
        if left <= closes - opens:
            return opens + left
        left -= closes - opens
    return horizon


def on_the_clock(day: str, time_of_day: str, zone: str) -> datetime:
    """Return the moment (UTC) at which a clock on the wall in ``zone`` shows that day and time, ISO forms of both.

    A time that a clock change shows twice is the first of the two; one that it leaves out is as much later.

    Raises:
        ValueError: there is no such day or time.
    """
    local = datetime.fromisoformat(f"{day}T{time_of_day}")
    if local.tzinfo is not None:
        raise ValueError("a clock on the wall shows no time zone")
    return local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def working_minutes_between(start: datetime, end: datetime, queue: Queue, default_timezone: str) -> int:
    """Return the whole working minutes of ``queue`` from ``start`` to ``end``; 0 where ``end`` is not later."""
    spans = _calendar(queue, default_timezone).between(start, end)
    return sum((closes - opens for opens, closes in spans), timedelta(0)) // timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Calendar:
    """A queue's hours, ready to be asked. ``week`` has the merged spans of Monday to Sunday, from midnight."""

    zone: ZoneInfo
    week: tuple[_Spans, ...]
    holidays: frozenset[date]

    def between(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the working spans from ``start`` to ``end`` in UTC, in order, cut to fit."""
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        day = start.date()
        while datetime.combine(day, _MIDNIGHT, UTC) < end:
            spans = ((max(opens, start), min(closes, end)) for opens, closes in _spans_of_day(self, day))
            yield from (span for span in spans if span[0] < span[1])
            day += _DAY

    def on_the_wall(self, opens: datetime, closes: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the working spans between two local times that no clock change separates."""
        day = opens.date()
        while datetime.combine(day, _MIDNIGHT) < closes:
            midnight = datetime.combine(day, _MIDNIGHT)
            hours = () if day in self.holidays else self.week[day.weekday()]
            spans = ((max(midnight + start, opens), min(midnight + end, closes)) for start, end in hours)
            yield from (span for span in spans if span[0] < span[1])
            day += _DAY


@lru_cache(maxsize=1024)
def _calendar(queue: Queue, default_timezone: str) -> _Calendar:
    return _Calendar(
        zone=ZoneInfo(queue.timezone or default_timezone),
        week=_merged_week(queue.spans) if queue.hours else (_ROUND_THE_CLOCK,) * 7,
        holidays=frozenset(queue.holidays),
    )


@lru_cache(maxsize=8192)
def _spans_of_day(calendar: _Calendar, day: date) -> tuple[tuple[datetime, datetime], ...]:
    """Return the working spans within one UTC day; a local day of 23 or 25 hours needs no case of its own here."""
    spans = []
    for start, end in pairwise(_constant_stretches(calendar.zone, datetime.combine(day, _MIDNIGHT, UTC))):
        offset = _offset(start, calendar.zone)
        on_the_wall = [(moment + offset).replace(tzinfo=None) for moment in (start, end)]
        for opens, closes in calendar.on_the_wall(*on_the_wall):
            spans.append(((opens - offset).replace(tzinfo=UTC), (closes - offset).replace(tzinfo=UTC)))
    return tuple(spans)


def _constant_stretches(zone: ZoneInfo, midnight: datetime) -> tuple[datetime, ...]:
    """Return the bounds of the stretches of a UTC day with one offset each: two bounds, or three on a clock change."""
    low, high = midnight, midnight + _DAY
    before = _offset(low, zone)
    if _offset(high, zone) == before:
        return (low, high)
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
    return (midnight, high, midnight + _DAY)


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def _merged_week(spans: tuple[WorkingSpan, ...]) -> tuple[_Spans, ...]:
    by_weekday = {day: _merged(group) for day, group in groupby(spans, key=lambda span: span.weekday)}
    return tuple(by_weekday.get(weekday, ()) for weekday in range(7))


def _merged(spans: Iterator[WorkingSpan]) -> _Spans:
    """Return the spans of one weekday, sorted by start, without overlaps: time is never counted twice."""
    merged: list[tuple[timedelta, timedelta]] = []
    for span in spans:
        start, end = _since_midnight(span.start), _DAY if span.end is None else _since_midnight(span.end)
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def _since_midnight(clock: time) -> timedelta:
    return timedelta(hours=clock.hour, minutes=clock.minute)
