"""The tables of requests passed on to product teams. No postponed annotations here: SQLModel reads them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, Text, text
from sqlmodel import Field, SQLModel

_Big: Any = BigInteger().with_variant(Integer(), "sqlite")
_STILL_OPEN = text("state NOT IN ('shipped', 'declined')")


class ProductRequest(SQLModel, table=True):
    """What customers ask of a product team. The times say how it stood at any moment; ``state`` how it stands now."""

    __tablename__ = "request"
    __table_args__ = (
        # Of two agents who open the same one together the second joins the first one's.
        Index(
            "request_open_title",
            "team",
            "title_key",
            unique=True,
            sqlite_where=_STILL_OPEN,
            postgresql_where=_STILL_OPEN,
        ),
        Index("request_state", "state", "id"),
        CheckConstraint(
            "state IN ('new', 'passed', 'acknowledged', 'planned', 'shipped', 'declined')", name="request_state_known"
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=_Big)
    team: str
    title: str = Field(sa_type=Text)
    """What is asked for, in an agent's words; empty once it was erased with the only person who asked."""
    title_key: str = Field(sa_type=Text)
    """The title without case and double spaces: what two agents call the same is the same."""
    state: str = "new"
    why: str = Field(default="", sa_type=Text)
    """What the team says to customers at the end, such as why it declines."""
    version: int = 1
    """Counts changes; an answer is written only if it still is what was read."""
    created_at: datetime
    passed_at: datetime | None = None
    acknowledged_at: datetime | None = None
    planned_at: datetime | None = None
    ended_at: datetime | None = None


class RequestAsk(SQLModel, table=True):
    """A case whose customer asks for it."""

    __tablename__ = "request_ask"
    __table_args__ = (Index("request_ask_of_case", "case_id"),)

    request_id: int = Field(foreign_key="request.id", primary_key=True, sa_type=_Big)
    case_id: int = Field(foreign_key="case.id", primary_key=True, sa_type=_Big)
    asked_at: datetime
    """When the case was opened: the customer has asked since."""
    joined_at: datetime
    told_at: datetime | None = None
    """When the customer was told how it ended."""
    told_by: str = ""


class RequestEvent(SQLModel, table=True):
    """The audit trail of a request. ``action_id`` is unique, so that a repeated click does nothing."""

    __tablename__ = "request_event"
    __table_args__ = (Index("request_event_of_request", "request_id", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=_Big)
    action_id: str = Field(unique=True)
    request_id: int = Field(foreign_key="request.id", sa_type=_Big)
    kind: str
    actor: str
    actor_name: str = ""
    at: datetime
