"""Incidents: what the clock counts and writes of them, and the cases that belong to one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlmodel import Session, col

from bot.domain import CaseState
from bot.views import CaseIncident
from storage import models
from storage.models_incidents import Incident, IncidentEvent, IncidentHour
from storage.sql import changed, insert_new, upsert

EARMARK = "earmark"
"""Who closes an incident that is over."""

_WAITING = (CaseState.OPEN.value, CaseState.CLAIMED.value)
_NO_CONTACT = ("not_for_us", "merged")
"""How cases end that are no contact of their own: an incident does not count them."""


# -- what the clock counts ---------------------------------------------------------------------------------------


def mentions_in(session: Session, *, since: datetime, until: datetime) -> dict[str, int]:
    """Return how many mentions of each reason were posted from ``since`` to before ``until``."""
    mention, tag = models.Mention, models.Tag
    query = (
        select(col(tag.reason), func.count())
        .select_from(mention)
        .join(tag, col(tag.mention_id) == col(mention.id))
        .where(col(mention.posted_at) >= since, col(mention.posted_at) < until, col(tag.is_live), col(tag.is_primary))
        .group_by(col(tag.reason))
    )
    return {reason: int(number) for reason, number in session.execute(query)}


# -- incidents ---------------------------------------------------------------------------------------------------


def of_id(session: Session, incident_id: str) -> Incident | None:
    """Return an incident."""
    return session.scalar(_anew(select(Incident).where(col(Incident.id) == incident_id)))


def row_for_update(session: Session, incident_id: str) -> Incident | None:
    """Return an incident's row, locked until the transaction ends."""
    return session.scalar(_anew(select(Incident).where(col(Incident.id) == incident_id).with_for_update()))


def open_ones(session: Session) -> list[Incident]:
    """Return the incidents that go on, oldest first."""
    query = select(Incident).where(col(Incident.state) == "open")
    return list(session.scalars(_anew(query.order_by(col(Incident.began_at), col(Incident.id)))))


def _anew(query: Select[Incident]) -> Select[Incident]:
    """Read what is stored, also where this transaction has read it before and changed it since."""
    return query.execution_options(populate_existing=True)


def latest(session: Session, reason: str) -> Incident | None:
    """Return the last incident of a reason, open or closed, locked until the transaction ends."""
    query = select(Incident).where(col(Incident.reason) == reason).order_by(col(Incident.began_at).desc()).limit(1)
    return session.scalar(_anew(query.with_for_update()))


def between(session: Session, *, since: datetime, until: datetime) -> list[Incident]:
    """Return the incidents with an unusual hour from ``since`` to before ``until``, oldest first."""
    query = select(Incident).where(col(Incident.seen_at) >= since, col(Incident.began_at) < until)
    return list(session.scalars(query.order_by(col(Incident.began_at), col(Incident.reason))))


def lately(session: Session, *, since: datetime) -> list[Incident]:
    """Return the incidents that go on, and those that were closed at or after ``since``."""
    query = select(Incident).where(or_(col(Incident.state) == "open", col(Incident.closed_at) >= since))
    return list(session.scalars(_anew(query.order_by(col(Incident.began_at), col(Incident.id)))))


def show_at(session: Session, incident_id: str, *, slack_ts: str) -> None:
    """Remember where Slack shows an incident."""
    change(session, incident_id, slack_ts=slack_ts)


def begin(session: Session, row: Mapping[str, Any]) -> bool:
    """Store a new incident; False when another process has, or one of that reason still goes on."""
    statement = insert_new(session, Incident).values(**row).returning(col(Incident.id))
    return session.scalar(statement) is not None


def change(session: Session, incident_id: str, **values: object) -> None:
    """Set columns of an incident whose row is locked."""
    changed(session, update(Incident).where(col(Incident.id) == incident_id).values(**values))


def record_hours(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Note what was counted; an hour that is counted again has its newer figures."""
    for row in rows:
        statement = upsert(session, IncidentHour, key=["incident_id", "at"], update=["mentions", "baseline", "level"])
        session.execute(statement.values(**row))


def hours_of(session: Session, incident_ids: Iterable[str]) -> dict[str, list[IncidentHour]]:
    """Return what was counted of incidents, in order of time."""
    query = select(IncidentHour).where(col(IncidentHour.incident_id).in_(list(incident_ids)))
    found: dict[str, list[IncidentHour]] = {}
    for row in session.scalars(query.order_by(col(IncidentHour.at))):
        found.setdefault(row.incident_id, []).append(row)
    return found


def record_event(session: Session, row: Mapping[str, Any]) -> bool:
    """Append to the history of incidents; False when this very action was recorded before."""
    statement = insert_new(session, IncidentEvent).values(**row).returning(col(IncidentEvent.id))
    return session.scalar(statement) is not None


def events_of(session: Session, incident_id: str) -> list[IncidentEvent]:
    """Return the history of an incident."""
    query = select(IncidentEvent).where(col(IncidentEvent.incident_id) == incident_id)
    return list(session.scalars(query.order_by(col(IncidentEvent.id))))


# -- its cases ---------------------------------------------------------------------------------------------------


def gather(session: Session, incident: Incident, *, limit: int) -> list[tuple[int, int, str]]:
    """Give an open incident the cases of its reason that were opened since it began and are in none.

    Returns (case, new version, queue) of each. Cases a supervisor took out stay out.
    """
    table = models.Case
    mine = select(col(table.id)).where(*_unclaimed_by_incidents(incident))
    if incident.reason:
        mine = mine.where(col(table.reason) == incident.reason)
    return _into(session, incident.id, list(session.scalars(mine.order_by(col(table.id)).limit(limit))))


def _unclaimed_by_incidents(incident: Incident) -> tuple[ColumnElement[bool], ...]:
    table = models.Case
    return (
        col(table.opened_at) >= incident.began_at,
        col(table.incident_id).is_(None),
        col(table.incident_by_hand).is_(False),
        col(table.closed_how).not_in(_NO_CONTACT),
    )


def _into(session: Session, incident_id: str, case_ids: Sequence[int]) -> list[tuple[int, int, str]]:
    if not case_ids:
        return []
    table = models.Case
    statement = (
        update(table)
        .where(col(table.id).in_(case_ids), col(table.incident_id).is_(None))
        .values(incident_id=incident_id, version=col(table.version) + 1)
        .returning(col(table.id), col(table.version), col(table.queue))
        .execution_options(synchronize_session=False)
    )
    return sorted(session.execute(statement).all())


def strays(session: Session, incident: Incident, reason: str, *, limit: int) -> list[tuple[int, str]]:
    """Return waiting cases of another ``reason`` opened since an incident began and in none, with their words."""
    table, mention = models.Case, models.Mention
    query = (
        select(col(table.id), col(mention.text))
        .join(mention, col(mention.id) == col(table.id))
        .where(*_unclaimed_by_incidents(incident), col(table.reason) == reason, col(table.state).in_(_WAITING))
        .order_by(col(table.id).desc())
        .limit(limit)
    )
    return [(case_id, words) for case_id, words in session.execute(query)]


def words_of(session: Session, incident_id: str, *, limit: int) -> list[str]:
    """Return the words with which an incident's latest cases were opened."""
    table, mention = models.Case, models.Mention
    query = (
        select(col(mention.text))
        .join(table, col(table.id) == col(mention.id))
        .where(col(table.incident_id) == incident_id)
        .order_by(col(table.id).desc())
        .limit(limit)
    )
    return list(session.scalars(query))


def take_in(session: Session, incident: Incident, case_ids: Sequence[int]) -> list[tuple[int, int, str]]:
    """Give an incident cases that are in none; return (case, new version, queue) of each."""
    return _into(session, incident.id, case_ids)


def join(session: Session, opened: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of new cases with the open incident that each belongs to, if any."""
    going_on = open_ones(session) if opened else []
    return [{**row, "incident_id": _joined(row, going_on)} for row in opened]


def _joined(row: Mapping[str, Any], going_on: Sequence[Incident]) -> str | None:
    mine = [one for one in going_on if one.reason in {row["reason"], ""} and row["opened_at"] >= one.began_at]
    # One that says why goes before one of everything.
    return max(mine, key=lambda one: one.reason).id if mine else None


@dataclass(frozen=True, slots=True)
class Tally:
    """How an incident stands: its cases, those nobody has, those somebody has, and all their mentions."""

    cases: int = 0
    unclaimed: int = 0
    claimed: int = 0
    mentions: int = 0

    @property
    def closed(self) -> int:
        """Cases that are done."""
        return self.cases - self.unclaimed - self.claimed


def tally(session: Session, incident_id: str) -> Tally:
    """Count the cases of an incident."""
    table = models.Case
    query = select(
        func.count(),
        func.count().filter(col(table.state) == CaseState.OPEN.value),
        func.count().filter(col(table.state) == CaseState.CLAIMED.value),
        func.coalesce(func.sum(col(table.mention_count)), 0),
    ).where(*_belongs(incident_id))
    return Tally(*(int(number) for number in session.execute(query).one()))


def _belongs(incident_id: str) -> tuple[ColumnElement[bool], ...]:
    table = models.Case
    return col(table.incident_id) == incident_id, col(table.closed_how).not_in(_NO_CONTACT)


def case_ids(session: Session, incident_id: str, *, states: Sequence[CaseState] = tuple(CaseState)) -> list[int]:
    """Return the cases of an incident in any of ``states``, oldest first."""
    table = models.Case
    query = select(col(table.id)).where(*_belongs(incident_id), col(table.state).in_([one.value for one in states]))
    return list(session.scalars(query.order_by(col(table.id))))


def busiest_queue(session: Session, incident_id: str) -> str:
    """Return the queue with most of an incident's cases; "" before it has any."""
    table = models.Case
    number = func.count()
    query = select(col(table.queue)).where(*_belongs(incident_id)).group_by(col(table.queue))
    return session.scalar(query.order_by(number.desc(), col(table.queue)).limit(1)) or ""


def banner(session: Session, incident_id: str | None) -> CaseIncident | None:
    """Return what a case's card says of the incident it belongs to."""
    incident = of_id(session, incident_id) if incident_id else None
    if incident is None:
        return None
    return CaseIncident(incident.id, incident.name, tally(session, incident.id).mentions, bool(incident.answer))


def listed(session: Session, *, limit: int, only_open: bool = False) -> list[Incident]:
    """Return incidents, those that go on first, then the latest."""
    query = select(Incident).where(col(Incident.state) == "open") if only_open else select(Incident)
    return list(session.scalars(query.order_by(col(Incident.state).desc(), col(Incident.began_at).desc()).limit(limit)))
