"""Spikes and what an incident cost, without exaggeration (specification 2.10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.ledger.money import cost_minor
from bot.spikes import WEEKS, WEEKS_MIN, Climb, Hour, Incident, Level, Reading, climb, day_reading, incidents, reading


@dataclass(frozen=True, slots=True)
class Counts:
    """One reason's counts; the reason "" is all of them together.

    ``same_hours`` are the counts of this hour of the week in the weeks before, the latest last; ``days`` the daily
    counts before today, oldest first.
    """

    reason: str
    hour: int
    same_hours: Sequence[int]
    today: int = 0
    days: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class SpikeRow:
    """How unusual a reason is now. ``rule`` names what was compared; ``reading`` None while history is too short."""

    reason: str
    count: int
    rule: str
    reading: Reading | None
    climb: Climb | None


@dataclass(frozen=True, slots=True)
class Work:
    """What the team did about an incident: cards one by one, and answers in bulk."""

    handled_individually: int
    seconds_each: int
    answered_in_bulk: int
    bulk_seconds: int = 60


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """What one incident was and cost: cards one by one at their time, bulk answers at theirs, the rest at nothing."""

    reason: str
    name: str
    began_at: datetime
    ended_at: datetime
    mentions: int
    expected: float
    excess: float
    peak_ratio: float
    cost_minor: int
    id: str = ""
    """Empty where the hours were found unusual afterwards and nobody was told, as after a backfill."""
    cases: int | None = None
    answered_in_bulk: int | None = None


@dataclass(frozen=True, slots=True)
class SpikeReport:
    """Reasons by how unusual they are, then the incidents in order of time."""

    reasons: tuple[SpikeRow, ...]
    incidents: tuple[IncidentRow, ...]


def spike_row(counts: Counts) -> SpikeRow:
    """Return how unusual one reason is: by the hour of the week, or by days under four weeks of history."""
    slow = climb([*counts.days, counts.today]) if counts.days else None
    if len(counts.same_hours) >= WEEKS_MIN:
        found = reading(counts.hour, counts.same_hours[-WEEKS:])
        return SpikeRow(counts.reason, counts.hour, "same hour of the week", found, slow)
    return SpikeRow(counts.reason, counts.today, "days (EARS C2)", day_reading(counts.today, counts.days), slow)


def incident_cost(work: Work, *, rate_minor_per_hour: int) -> int:
    """Return the price of the work, each card and answer rounded as the ledger posts it."""
    return work.handled_individually * cost_minor(
        work.seconds_each, rate_minor_per_hour
    ) + work.answered_in_bulk * cost_minor(work.bulk_seconds, rate_minor_per_hour)


def incident_row(incident: Incident, *, cost_minor: int, name: str = "") -> IncidentRow:
    """Return the figures of an incident; ``cost_minor`` is what is posted under it, or :func:`incident_cost`."""
    return IncidentRow(
        reason=incident.reason,
        name=name,
        began_at=incident.hours[0].at,
        ended_at=incident.hours[-1].at,
        mentions=incident.mentions,
        expected=incident.expected,
        excess=incident.mentions - incident.expected,
        peak_ratio=incident.peak_ratio,
        cost_minor=cost_minor,
    )


def spikes(
    counts: Iterable[Counts],
    hours: Iterable[Hour] = (),
    costs_minor: Mapping[tuple[str, datetime], int] | None = None,
    known: Sequence[IncidentRow] = (),
) -> SpikeReport:
    """Return the report; ``costs_minor`` are posted costs by (reason, first hour) of an incident.

    ``known`` incidents were seen at the time; of ``hours`` only those of no known one make further incidents.
    """
    costs = costs_minor or {}
    rows = sorted((spike_row(one) for one in counts), key=_most_unusual_first)
    found = [
        incident_row(incident, cost_minor=costs.get((incident.reason, incident.hours[0].at), 0))
        for incident in incidents(hours)
        if not any(_overlap(incident, row) for row in known)
    ]
    return SpikeReport(tuple(rows), tuple(sorted([*known, *found], key=lambda row: (row.began_at, row.reason))))


def _overlap(incident: Incident, row: IncidentRow) -> bool:
    first, last = incident.hours[0].at, incident.hours[-1].at
    # Under four weeks of history a stored one is counted by the day.
    day = timedelta(days=1) if row.began_at == row.ended_at else timedelta(0)
    return incident.reason == row.reason and first <= row.ended_at + day and row.began_at <= last


def _most_unusual_first(row: SpikeRow) -> tuple[bool, float, str]:
    if row.reading is None:
        return (True, 0.0, row.reason)
    return (row.reading.level is Level.NONE, -row.reading.z, row.reason)
