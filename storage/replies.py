"""Answers on their way to customers: one row a case, each sent at most once.

A row goes ``waiting → sending → sent``, or ends ``refused``, ``unknown`` or ``dropped``. ``sending`` is committed
before the platform is asked, and a platform cannot be asked whether it has an answer already: so one that was being
sent when its process died is ``unknown`` and never sent again. A person has to look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlmodel import Session, col

from bot.domain import CaseState
from storage import models
from storage.models_incidents import Reply
from storage.sql import changed, insert_new

LOST_AFTER: Final = timedelta(minutes=10)
"""No platform takes so long to answer: whoever was sending is gone."""
ON_ITS_WAY: Final = ("waiting", "sending")
MAY_BE_THERE: Final = (*ON_ITS_WAY, "unknown")
"""States in which a customer may have got the answer, or will: nobody sends another one."""


def enqueue(session: Session, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Store answers; return their cases. One stored before, or to a case with one under way, is passed over."""
    found: list[int] = []
    for row in rows:
        statement = insert_new(session, Reply).values(**row).returning(col(Reply.case_id))
        found += session.scalars(statement).all()
    return found


def is_known(session: Session, action_id: str) -> bool:
    """True when this very action has stored answers before."""
    return session.scalar(select(col(Reply.id)).where(col(Reply.action_id) == action_id).limit(1)) is not None


def head(session: Session, channel: str, *, now: datetime) -> Reply | None:
    """Return the next answer to send in a channel."""
    query = select(Reply).where(col(Reply.channel) == channel, *_due(now)).order_by(col(Reply.id)).limit(1)
    return session.scalar(query.execution_options(populate_existing=True))


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return col(Reply.state) == "waiting", or_(col(Reply.next_at).is_(None), col(Reply.next_at) <= now)


def next_at(session: Session, channel: str) -> datetime | None:
    """Return when the next waiting answer of a channel may be sent; None when none waits, or one may be at once."""
    query = select(func.min(col(Reply.next_at))).where(col(Reply.channel) == channel, col(Reply.state) == "waiting")
    return session.scalar(query)


def channels_with_work(session: Session, *, now: datetime) -> list[str]:
    """Return the channels in which an answer may be sent now, or was being sent when its process died."""
    lost = (col(Reply.state) == "sending") & (col(Reply.taken_at) <= now - LOST_AFTER)
    is_due, may_be_sent = _due(now)
    query = select(col(Reply.channel)).where(or_(lost, is_due & may_be_sent)).distinct()
    return sorted(session.scalars(query))


def take(session: Session, reply: Reply, *, now: datetime) -> bool:
    """Note that an answer is about to be sent; False when another process was faster."""
    mine = update(Reply).where(col(Reply.id) == reply.id, col(Reply.state) == "waiting")
    return changed(session, mine.values(state="sending", attempts=reply.attempts + 1, taken_at=now)) == 1


def settle(session: Session, reply_id: int | None, *, was: str = "sending", state: str, **values: object) -> bool:
    """Note what became of an answer; False when it was settled meanwhile."""
    mine = update(Reply).where(col(Reply.id) == reply_id, col(Reply.state) == was)
    return changed(session, mine.values(state=state, **values)) == 1


def hold(session: Session, channel: str, *, until: datetime) -> None:
    """Send nothing more in a channel before ``until``: the platform has asked for it, or does not answer."""
    waiting = update(Reply).where(col(Reply.channel) == channel, col(Reply.state) == "waiting")
    changed(session, waiting.values(next_at=until))


def lost(session: Session, channel: str, *, now: datetime) -> list[Reply]:
    """Return answers that were being sent when their process died."""
    query = select(Reply).where(
        col(Reply.channel) == channel, col(Reply.state) == "sending", col(Reply.taken_at) <= now - LOST_AFTER
    )
    return list(session.scalars(query.order_by(col(Reply.id))))


def unanswered(session: Session, incident_id: str, *, but: Sequence[str]) -> list[models.Case]:
    """Return the cases of an incident that nobody has claimed, without those that have an answer in a state of ``but``.

    Oldest first.
    """
    table = models.Case
    query = select(table).where(*_unanswered(incident_id, but)).order_by(col(table.id))
    return list(session.scalars(query))


def unanswered_count(session: Session, incident_id: str) -> int:
    """Return how many customers of an incident an answer would be sent to now."""
    query = select(func.count()).select_from(models.Case).where(*_unanswered(incident_id, MAY_BE_THERE))
    return session.scalar(query) or 0


def _unanswered(incident_id: str, but: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    table = models.Case
    has_one = select(col(Reply.id)).where(col(Reply.case_id) == col(table.id), col(Reply.state).in_(but))
    return col(table.incident_id) == incident_id, col(table.state) == CaseState.OPEN.value, ~has_one.exists()


def counts(session: Session, incident_id: str) -> dict[str, int]:
    """Return how many answers of an incident are in which state."""
    query = select(col(Reply.state), func.count()).where(col(Reply.incident_id) == incident_id)
    return {state: int(number) for state, number in session.execute(query.group_by(col(Reply.state)))}


def troubles(session: Session, incident_id: str) -> dict[str, list[int]]:
    """Return the cases of an incident whose answer did not arrive for sure, by what went wrong."""
    query = select(col(Reply.error), col(Reply.case_id)).where(
        col(Reply.incident_id) == incident_id, col(Reply.state).in_(["refused", "unknown", "dropped"])
    )
    found: dict[str, list[int]] = {}
    for error, case_id in session.execute(query.order_by(col(Reply.id))):
        found.setdefault(error, []).append(case_id)
    return found


def in_bulk(session: Session, incident_ids: Sequence[str]) -> dict[str, int]:
    """Return how many cases of incidents were answered, or resolved with a note, together with others."""
    query = select(col(Reply.incident_id), func.count(func.distinct(col(Reply.case_id))))
    query = query.where(col(Reply.incident_id).in_(incident_ids), col(Reply.state) == "sent")
    return {incident_id: int(number) for incident_id, number in session.execute(query.group_by(col(Reply.incident_id)))}
