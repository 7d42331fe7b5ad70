"""Stored incidents as the reports take them: what was counted at the time, and what their cases cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.reporting.ask import Ask
from bot.reports.spikes import IncidentRow, incident_row
from bot.spikes import Hour, Incident, Level
from storage import incidents, report_incidents
from storage.models_incidents import Incident as Row
from storage.models_incidents import IncidentHour
from storage.report_incidents import Worked


def stored(ask: Ask) -> list[IncidentRow]:
    """Return the incidents with an unusual hour in the month up to its end, or to now, oldest first."""
    rows = incidents.between(ask.session, since=ask.since, until=ask.as_of)
    hours = incidents.hours_of(ask.session, [row.id for row in rows])
    worked = report_incidents.worked(ask.session, [row.id for row in rows], unit=ask.currency)
    counted = [(row, as_counted(row, hours.get(row.id, ()), until=ask.as_of)) for row in rows]
    return [
        _row(row, found, worked.get(row.id, Worked()))
        for row, found in counted
        if found is not None and found.hours[-1].at >= ask.since
    ]


def as_counted(row: Row, hours: Sequence[IncidentHour], *, until: datetime) -> Incident | None:
    """Return a stored incident up to its last unusual hour before ``until``; None when there is none."""
    unusual = [hour.at for hour in hours if hour.level != Level.NONE.value and hour.at < until]
    if not unusual:
        return None
    counted = (
        Hour(row.reason, hour.at, hour.mentions, hour.baseline, Level(hour.level))
        for hour in hours
        if hour.at <= unusual[-1]
    )
    return Incident(row.reason, tuple(counted))


def _row(row: Row, found: Incident, worked: Worked) -> IncidentRow:
    made = incident_row(found, cost_minor=worked.cost_minor, name=row.name)
    return replace(made, id=row.id, cases=worked.cases, answered_in_bulk=worked.in_bulk)
