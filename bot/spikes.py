"""Is this hour unusual, does something climb slowly, and which hours are one incident. Pure.

Median and MAD instead of mean and standard deviation: last month's incident must not hide the next one.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from statistics import mean, median, stdev
from typing import Final
from zoneinfo import ZoneInfo

WEEKS: Final = 8
"""How many earlier weeks the same hour of the week is compared with."""

WEEKS_MIN: Final = 4
"""Under this many weeks of history, days are compared instead."""

COUNT_MIN: Final = 10
Z_MIN: Final = 4.0
RATIO_MIN: Final = 2.0
RATIO_TENFOLD: Final = 10.0

_MAD_TO_SD: Final = 1.4826
"""The MAD of a normal distribution times this is its standard deviation."""

# EARS C2: seven days of baseline, two days of gap so that a spike does not raise its own baseline, threshold 3.
# https://surveillance.r-forge.r-project.org/pkgdown/reference/earsC.html
C2_DAYS: Final = 7
C2_GAP_DAYS: Final = 2
C2_MIN: Final = 3.0
C2_SD_MIN: Final = 1.0

CLIMB_REFERENCE_DAYS: Final = 28
CLIMB_SLACK: Final = 0.5
CLIMB_MIN: Final = 5.0

QUIET_HOURS_MAX: Final = 1
"""So many ordinary hours between two unusual ones do not end an incident."""


class Level(StrEnum):
    """How unusual a count is."""

    NONE = "none"
    SPIKE = "spike"
    TENFOLD = "tenfold"


@dataclass(frozen=True, slots=True)
class Reading:
    """A count held against what is usual: ``z`` in robust standard deviations, ``ratio`` as a multiple."""

    baseline: float
    spread: float
    z: float
    ratio: float
    level: Level


@dataclass(frozen=True, slots=True)
class Climb:
    """A slow rise: ``score`` is the CUSUM after the last day, ``days`` how long it has been above 0."""

    score: float
    days: int
    is_climbing: bool


@dataclass(frozen=True, slots=True)
class Hour:
    """The mentions of one reason in one hour, and what was usual."""

    reason: str
    at: datetime
    mentions: int
    baseline: float
    level: Level = Level.NONE


@dataclass(frozen=True, slots=True)
class Incident:
    """Unusual hours of one reason that follow each other."""

    reason: str
    hours: tuple[Hour, ...]

    @property
    def mentions(self) -> int:
        """All mentions in those hours."""
        return sum(hour.mentions for hour in self.hours)

    @property
    def expected(self) -> float:
        """How many would have been usual."""
        return sum(hour.baseline for hour in self.hours)

    @property
    def peak_ratio(self) -> float:
        """The highest multiple of the usual."""
        return max(hour.mentions / max(hour.baseline, 1.0) for hour in self.hours)


def same_hours(hour: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return when this hour of the week began in the weeks before, the oldest first, in UTC.

    It is the hour on the wall: people keep to their clocks, so a clock change must not shift what is usual.
    """
    local = hour.astimezone(zone)
    return [(local - timedelta(weeks=number)).astimezone(UTC) for number in range(WEEKS, 0, -1)]


def belongs(hour: datetime, *, to: datetime) -> bool:
    """True when an unusual hour goes on with what was unusual last in the hour ``to``."""
    return hour - to <= timedelta(hours=QUIET_HOURS_MAX + 1)


def reading(count: int, history: Sequence[int]) -> Reading:
    """Return how unusual ``count`` is for its hour of the week.

    ``history`` holds the counts of the same hour in up to eight weeks before, in any order.

    Raises:
        ValueError: there is no history.
    """
    middle = median(history)
    deviation = median(abs(past - middle) for past in history)
    baseline = max(middle, 1.0)
    spread = max(_MAD_TO_SD * deviation, math.sqrt(baseline))
    return _read(count, baseline, spread, z_min=Z_MIN)


def day_reading(today: int, days: Sequence[int]) -> Reading | None:
    """Return how unusual a day is by EARS C2, for channels too young for :func:`reading`.

    ``days`` are the counts of the days before, oldest first, yesterday last; None with fewer than nine.
    """
    past = days[-C2_DAYS - C2_GAP_DAYS : -C2_GAP_DAYS]
    if len(past) < C2_DAYS:
        return None
    return _read(today, max(mean(past), 1.0), max(stdev(past), C2_SD_MIN), z_min=C2_MIN)


def _read(count: int, baseline: float, spread: float, *, z_min: float) -> Reading:
    z, ratio = (count - baseline) / spread, count / baseline
    return Reading(baseline, spread, z, ratio, _level(count, z, ratio, z_min))


def _level(count: int, z: float, ratio: float, z_min: float) -> Level:
    if count < COUNT_MIN or z < z_min or ratio < RATIO_MIN:
        return Level.NONE
    return Level.TENFOLD if ratio >= RATIO_TENFOLD else Level.SPIKE


def climb(days: Sequence[int]) -> Climb | None:
    """Return whether daily counts rise slowly, by a one-sided CUSUM against the first four weeks.

    ``days`` are oldest first; None with no day after the first 28. It finds what no single day shows.
    """
    reference, since = days[:CLIMB_REFERENCE_DAYS], days[CLIMB_REFERENCE_DAYS:]
    if not since:
        return None
    usual = mean(reference)
    deviation = max(stdev(reference), math.sqrt(max(usual, 1.0)))
    score, above = 0.0, 0
    for count in since:
        score = max(0.0, score + (count - usual) / deviation - CLIMB_SLACK)
        above = above + 1 if score else 0
    return Climb(score, above, score >= CLIMB_MIN)


def incidents(hours: Iterable[Hour]) -> list[Incident]:
    """Return the unusual hours as incidents, by reason and then time.

    A single ordinary hour between two unusual ones belongs to the incident; those at its ends do not.
    """
    by_reason: defaultdict[str, list[Hour]] = defaultdict(list)
    for hour in hours:
        by_reason[hour.reason].append(hour)
    return [incident for _, series in sorted(by_reason.items()) for incident in _runs(series)]


def _runs(series: list[Hour]) -> list[Incident]:
    ordered = sorted(series, key=lambda hour: hour.at)
    runs: list[tuple[datetime, datetime]] = []
    for hour in ordered:
        if hour.level is Level.NONE:
            continue
        if runs and belongs(hour.at, to=runs[-1][1]):
            runs[-1] = (runs[-1][0], hour.at)
        else:
            runs.append((hour.at, hour.at))
    return [
        Incident(ordered[0].reason, tuple(hour for hour in ordered if first <= hour.at <= last)) for first, last in runs
    ]
