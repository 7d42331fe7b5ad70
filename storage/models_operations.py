"""The tables of what people owe and assume beside the cases, and of how the installation itself is doing.

Promises and estimates are outside the ledger and may change; their journals are in it and may not. The rules of
:mod:`storage.models` hold here too, also that no annotation is postponed.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, Text
from sqlmodel import Field, SQLModel

_Big: Any = BigInteger().with_variant(Integer(), "sqlite")


class Promise(SQLModel, table=True):
    """A time given to a customer. What is open or broken and not cancelled is still owed."""

    __tablename__ = "promise"
    __table_args__ = (
        Index("promise_of_case", "case_id", "state"),
        Index("promise_alarm", "alarm_at"),
        CheckConstraint("state IN ('open', 'kept', 'late', 'broken', 'cancelled')", name="promise_state"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=_Big)
    case_id: int = Field(foreign_key="case.id", sa_type=_Big)
    made_by: str
    """The agent, such as ``slack:U123``."""
    made_by_name: str = ""
    made_at: datetime
    due_at: datetime
    kind: str
    state: str = "open"
    fulfilled_at: datetime | None = None
    cancelled_at: datetime | None = None
    """Also of one that was broken before: it stays broken, and nothing is owed any more."""
    alarm_at: datetime | None = None
    """When the clock looks at it next: before it is due, then when it is; None once it has."""
    accrual_key: str
    """The idempotency key of the journal that accrues the work owed."""


class ValueEstimate(SQLModel, table=True):
    """Value that the ledger assumes. ``state``: live, or what became of it; the balance is the sum of the live ones."""

    __tablename__ = "value_estimate"
    __table_args__ = (
        Index("value_estimate_age", "state", "assumed_on"),
        Index("value_estimate_of_case", "case_id"),
        CheckConstraint("state IN ('live', 'reversed', 'released', 'expired')", name="value_estimate_state"),
    )

    journal_key: str = Field(primary_key=True)
    case_id: int = Field(foreign_key="case.id", sa_type=_Big)
    behaviour: str
    """spread_word, buy_again or buy_more."""
    amount_minor: int = Field(sa_type=BigInteger)
    assumed_on: date
    state: str = "live"
    ended_key: str = ""
    """The idempotency key of the journal that ended it."""


class Process(SQLModel, table=True):
    """A process that runs the bot, by the last sign of life it gave; one that stopped properly has no row."""

    __tablename__ = "process"

    name: str = Field(primary_key=True)
    """Machine and process id, such as ``bot-1:4711``."""
    role: str
    version: str
    trouble: str = Field(default="", sa_type=Text)
    """What fails in it, a sentence a line; empty while all is well."""
    started_at: datetime
    beat_at: datetime


class LedgerCheck(SQLModel, table=True):
    """What the last check of the whole ledger found; one row. It is no part of the ledger."""

    __tablename__ = "ledger_check"

    id: int = Field(default=1, primary_key=True)
    at: datetime
    journals: int = Field(sa_type=BigInteger)
    problem: str = Field(default="", sa_type=Text)
    """Empty when every journal, hash and sum holds."""


class Relocation(SQLModel, table=True):
    """This database was moved to another one, and is not to be used any more."""

    __tablename__ = "relocation"

    at: datetime = Field(primary_key=True)
    to_database: str = Field(sa_type=Text)
    """Without a password."""


class Restoration(SQLModel, table=True):
    """This database is a copy: what happened after ``made_at`` it does not know, though Slack may show it."""

    __tablename__ = "restoration"

    made_at: datetime = Field(primary_key=True)
    resumed_at: datetime | None = None
    """When work went on from the copy; None while it lies on a shelf."""
