"""The tables of incidents: what they were, hour by hour, what people did to them, and what was answered.

The rules of :mod:`storage.models` hold here too, also that no annotation is postponed.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.types import JSON
from sqlmodel import Field, SQLModel

_Big: Any = BigInteger().with_variant(Integer(), "sqlite")
_OPEN = text("state = 'open'")
_UNDER_WAY = text("is_public AND state IN ('waiting', 'sending', 'unknown')")


class Incident(SQLModel, table=True):
    """Many cases with one cause in a short time. Its id is its reason and its first hour: whoever sees it first."""

    __tablename__ = "incident"
    __table_args__ = (
        # Of two processes that see the same spike exactly one opens it.
        Index("incident_open", "reason", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("incident_of_reason", "reason", "began_at"),
        CheckConstraint("state IN ('open', 'closed')", name="incident_state"),
    )

    id: str = Field(primary_key=True)
    """Such as ``outage_fault-2026-11-18T11``, in UTC."""
    reason: str
    """Empty where no reason stands out and all of them together do."""
    name: str
    state: str = "open"
    rule: str
    """What was compared: ``hour`` of the week, or ``day`` while the book is young."""
    began_at: datetime
    seen_at: datetime
    """The last unusual hour: two ordinary ones after it end the incident."""
    opened_at: datetime
    """When it was noticed."""
    closed_at: datetime | None = None
    closed_by: str = ""
    """``earmark``, or the supervisor who closed it by hand; then it stays closed until things were ordinary again."""
    answer: str = Field(default="", sa_type=Text)
    """What a supervisor answered to all of it, for those who wrote later."""
    shown: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    """The figures that Slack was last asked to show."""
    version: int = 1
    slack_channel: str = ""
    slack_ts: str = ""


class IncidentHour(SQLModel, table=True):
    """What was counted in an hour of an incident, or in a day, and what was usual."""

    __tablename__ = "incident_hour"

    incident_id: str = Field(foreign_key="incident.id", primary_key=True)
    at: datetime = Field(primary_key=True)
    mentions: int
    baseline: float
    level: str


class Reply(SQLModel, table=True):
    """What is said to a customer, or noted where nothing can be: one row a case and press, sent at most once."""

    __tablename__ = "reply"
    __table_args__ = (
        UniqueConstraint("action_id", "case_id"),
        # While a customer may get one, or may have got it, there is no second one.
        Index("reply_under_way", "case_id", unique=True, sqlite_where=_UNDER_WAY, postgresql_where=_UNDER_WAY),
        Index("reply_waiting", "state", "channel", "id"),
        Index("reply_of_incident", "incident_id", "state"),
        CheckConstraint("state IN ('waiting', 'sending', 'sent', 'refused', 'unknown', 'dropped')", name="reply_state"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=_Big)
    action_id: str
    case_id: int = Field(foreign_key="case.id", sa_type=_Big)
    incident_id: str | None = Field(default=None, foreign_key="incident.id")
    channel: str
    """The channel that the case came in by, which sends it."""
    text: str = Field(sa_type=Text)
    is_public: bool = True
    """False: a note in the case's history, and no customer sees it."""
    actor: str
    actor_name: str = ""
    state: str = "waiting"
    """refused: the platform did not take it. unknown: it may be public, so a person has to look. dropped: needless."""
    attempts: int = 0
    next_at: datetime | None = None
    taken_at: datetime | None = None
    error: str = Field(default="", sa_type=Text)
    external_id: str = ""
    url: str = Field(default="", sa_type=Text)
    created_at: datetime
    sent_at: datetime | None = None


class IncidentEvent(SQLModel, table=True):
    """The audit trail of an incident. ``action_id`` is unique, so that a repeated click does nothing."""

    __tablename__ = "incident_event"
    __table_args__ = (Index("incident_event_of", "incident_id", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=_Big)
    action_id: str = Field(unique=True)
    incident_id: str = Field(foreign_key="incident.id")
    kind: str
    actor: str
    actor_name: str = ""
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    at: datetime
