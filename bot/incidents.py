"""Incidents as time goes by: the clock opens them, gathers their cases, and closes them (specification 2.10).

What is unusual is decided by :mod:`bot.spikes`; here is what is counted for it, every minute and over an index. Killed
anywhere or run by two processes at once it writes the same: an incident's id is its reason and its first hour.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from sqlmodel import Session

from bot import dispatch
from bot.domain import UNCLASSIFIED
from bot.likeness import is_nearly
from bot.parts import Parts
from bot.spikes import (
    C2_DAYS,
    C2_GAP_DAYS,
    COUNT_MIN,
    QUIET_HOURS_MAX,
    WEEKS_MIN,
    Level,
    Reading,
    belongs,
    day_reading,
    reading,
    same_hours,
)
from storage import db, incident_views, incidents, outbox, report_facts
from storage.models_incidents import Incident
from storage.outbox import Kind, Order

EVERYTHING: Final = ""
"""Stands for all reasons together."""
CASES_A_TURN: Final = 200
"""Cases at most that a turn gives to one incident; each has its card redrawn."""
TEXTS_COMPARED: Final = 20
SHOWN_AFTER: Final = timedelta(days=1)
"""So long after its end an incident is shown anew where figures move, such as when answers arrive."""

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_HOURS_LOOKED_AT: Final = QUIET_HOURS_MAX + 2
"""The present one, and those before it that a late mention can still make part of the same incident."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was counted of a reason. ``at`` is the hour, ``counts_from`` when the count begins: the hour, or its day."""

    reason: str
    at: datetime
    counts_from: datetime
    mentions: int
    read: Reading
    rule: str

    @property
    def is_unusual(self) -> bool:
        """True for a spike."""
        return self.read.level is not Level.NONE


def watch(parts: Parts) -> int:
    """Open, continue and close incidents as the last hours were; return how many go on."""
    now, zone = parts.now(), ZoneInfo(parts.settings.earmark.timezone)
    with db.reading(parts.database) as session:
        lately = [(one.reason, one.state) for one in incidents.lately(session, since=now - SHOWN_AFTER)]
        seen = list(look(session, now, zone, watched={reason for reason, state in lately if state == "open"}))
    if not (lately or any(one.is_unusual for one in seen)):
        return 0
    with db.transaction(parts.database) as session:
        _begin(session, seen, now)
        for incident in incidents.open_ones(session):
            _continue(parts, session, incident, seen, now)
        for incident in incidents.lately(session, since=now - SHOWN_AFTER):
            _show(parts, session, incident)
        return len(incidents.open_ones(session))


# -- counting ----------------------------------------------------------------------------------------------------


def look(session: Session, now: datetime, zone: ZoneInfo, *, watched: Iterable[str] = ()) -> Iterator[Seen]:
    """Yield how the last hours were, the earliest first, for each reason with enough mentions, and those ``watched``.

    An hour is held against the same hour of the weeks before, while the book is young against days.
    """
    first = report_facts.first_day(session)
    if first is None:
        return
    began = datetime.combine(first, time(), zone).astimezone(UTC)
    present = now.replace(minute=0, second=0, microsecond=0)
    came: dict[str, datetime] = {}
    for back in reversed(range(_HOURS_LOOKED_AT)):
        hour = present - back * _HOUR
        counts = _with_everything(incidents.mentions_in(session, since=hour, until=hour + _HOUR))
        came |= {reason: hour for reason, number in counts.items() if number}
        wanted = {reason for reason, number in counts.items() if number >= COUNT_MIN} | set(watched)
        weeks = [week for week in same_hours(hour, zone) if week >= began]
        if wanted and len(weeks) >= WEEKS_MIN:
            yield from _by_hour(session, hour, weeks, {reason: counts.get(reason, 0) for reason in sorted(wanted)})
        elif hour == present and len(weeks) < WEEKS_MIN:
            yield from _by_day(session, came, now.astimezone(zone).date(), zone, first)


def _with_everything(counts: Mapping[str, int]) -> dict[str, int]:
    return {**counts, EVERYTHING: sum(counts.values())}


def _by_hour(session: Session, hour: datetime, weeks: list[datetime], counts: Mapping[str, int]) -> Iterator[Seen]:
    before = [_with_everything(incidents.mentions_in(session, since=week, until=week + _HOUR)) for week in weeks]
    for reason, number in counts.items():
        history = [week.get(reason, 0) for week in before]
        yield Seen(reason, hour, hour, number, reading(number, history), "hour")


def _by_day(session: Session, came: Mapping[str, datetime], today: date, zone: ZoneInfo, first: date) -> Iterator[Seen]:
    """EARS C2 on the days' contacts, of which the books keep sums. The day goes on while anything comes at all.

    ``came``: in which of the last hours a reason came last.
    """
    days = [today - number * _DAY for number in reversed(range(C2_DAYS + C2_GAP_DAYS + 1))]
    if days[0] < first:
        return
    by_reason = report_facts.daily_contacts(session, first=days[0], last=today)
    by_reason[EVERYTHING] = {day: sum(counts.get(day, 0) for counts in by_reason.values()) for day in days}
    midnight = datetime.combine(today, time(), zone).astimezone(UTC)
    for reason, counts in sorted(by_reason.items()):
        series = [counts.get(day, 0) for day in days]
        found = day_reading(series[-1], series[:-1])
        if found is not None and came.get(reason, midnight - _HOUR) >= midnight:
            yield Seen(reason, came[reason], midnight, series[-1], found, "day")


# -- opening -----------------------------------------------------------------------------------------------------


def _begin(session: Session, seen: list[Seen], now: datetime) -> None:
    """Open what is new. Everything at once is an incident only where no single reason explains it."""
    unusual = [one for one in seen if one.is_unusual]
    by_reason = [one for one in unusual if one.reason != EVERYTHING]
    has_reason = by_reason or any(one.reason != EVERYTHING for one in incidents.open_ones(session))
    for one in by_reason if has_reason else unusual:
        known = incidents.latest(session, one.reason)
        if known is None or not belongs(one.at, to=known.seen_at):
            _open(session, one, now)
        else:
            _went_on(session, known, one)


def _open(session: Session, one: Seen, now: datetime) -> None:
    row = {
        "id": f"{one.reason or 'everything'}-{one.counts_from:%Y-%m-%dT%H}",
        "reason": one.reason,
        "name": one.reason.replace("_", " ").capitalize() or "Many contacts at once",
        "state": "open",
        "rule": one.rule,
        "began_at": one.counts_from,
        "seen_at": one.at,
        "opened_at": now,
    }
    if incidents.begin(session, row):
        log.warning("incident_opened", incident=row["id"], mentions=one.mentions, usual=one.read.baseline)


def _went_on(session: Session, known: Incident, one: Seen) -> None:
    """An incident that the clock had closed too soon opens again; one a supervisor closed stays so while it lasts."""
    values: dict[str, object] = {"seen_at": max(known.seen_at, one.at)}
    if known.state == "closed" and known.closed_by == incidents.EARMARK:
        values |= {"state": "open", "closed_at": None, "closed_by": "", "version": known.version + 1}
    incidents.change(session, known.id, **values)


# -- going on, and closing ---------------------------------------------------------------------------------------


def _continue(parts: Parts, session: Session, incident: Incident, seen: list[Seen], now: datetime) -> None:
    as_begun = (incident.reason, incident.rule)
    mine = [one for one in seen if (one.reason, one.rule) == as_begun and one.counts_from >= incident.began_at]
    incidents.record_hours(session, [_counted(incident, one) for one in mine])
    _gather(parts, session, incident)
    present = now.replace(minute=0, second=0, microsecond=0)
    if not belongs(present, to=incident.seen_at):
        close(session, incident, by=incidents.EARMARK, now=now)
        log.info("incident_closed", incident=incident.id)


def _counted(incident: Incident, one: Seen) -> dict[str, object]:
    return {
        "incident_id": incident.id,
        "at": one.counts_from,
        "mentions": one.mentions,
        "baseline": one.read.baseline,
        "level": one.read.level.value,
    }


def _gather(parts: Parts, session: Session, incident: Incident) -> None:
    """Give it the cases of its reason, and those without one whose words are nearly those of a case it has."""
    gathered = incidents.gather(session, incident, limit=CASES_A_TURN)
    if incident.reason not in {EVERYTHING, UNCLASSIFIED}:
        gathered += incidents.take_in(session, incident, _alike(session, incident))
    dispatch.redrawn(parts, session, gathered)


def _alike(session: Session, incident: Incident) -> list[int]:
    strays = incidents.strays(session, incident, UNCLASSIFIED, limit=CASES_A_TURN)
    words = incidents.words_of(session, incident.id, limit=TEXTS_COMPARED) if strays else []
    return [case_id for case_id, text in strays if any(is_nearly(text, known) for known in words)]


def close(session: Session, incident: Incident, *, by: str, now: datetime) -> None:
    """Say that an incident is over; its cases stay its own."""
    values = {"state": "closed", "closed_at": now, "closed_by": by, "version": incident.version + 1}
    incidents.change(session, incident.id, **values)


# -- what Slack shows --------------------------------------------------------------------------------------------


def _show(parts: Parts, session: Session, incident: Incident) -> None:
    """Have Slack show an incident whose figures moved, in the queue with most of its cases.

    One message an incident, edited in place: at most once a turn of the clock, and not while an edit still waits.
    """
    slack_channel = incident.slack_channel or parts.slack_channel(incidents.busiest_queue(session, incident.id))
    view = incident_views.view(session, incident.id)
    if not slack_channel or view is None or view.figures() == incident.shown:
        return
    if outbox.incident_waits(session, slack_channel, incident.id):
        return
    kind, version = (Kind.INCIDENT_EDIT, incident.version + 1) if incident.shown else (Kind.INCIDENT, 1)
    placed = Order(slack_channel, kind, None, f"{kind.value}:{incident.id}:v{version}", {"incident": incident.id})
    incidents.change(
        session, incident.id, shown=view.figures(), slack_channel=slack_channel, version=incident.version + 1
    )
    dispatch.order(parts, session, [placed], now=parts.now())
