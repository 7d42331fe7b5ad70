"""The tables of what is imported. Every row knows where it came from: ``(source, external_id)`` is there once.

``digest`` is of what stood in the file, so that the same line again is known for the same.
No ``from __future__ import annotations`` in this file: SQLModel reads the annotations.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, UniqueConstraint
from sqlalchemy.types import JSON
from sqlmodel import Field, SQLModel

_Big: Any = BigInteger().with_variant(Integer(), "sqlite")


class _Imported(SQLModel):
    """What all imported rows have."""

    id: int | None = Field(default=None, primary_key=True, sa_type=_Big)
    source: str
    external_id: str
    digest: str
    imported_at: datetime


class CustomerRecord(_Imported, table=True):
    """What a source says of a customer: since when, until when, and under which handle they write."""

    __tablename__ = "customer_record"
    __table_args__ = (UniqueConstraint("source", "external_id"),)

    ref: str = Field(index=True)
    segment: str
    active_from: date | None = None
    active_to: date | None = None
    platform: str
    author: str


class LoyaltyEvent(_Imported, table=True):
    """Something a customer did: bought, renewed, upgraded, recommended, left."""

    __tablename__ = "loyalty_event"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        Index("loyalty_event_of", "customer_ref", "occurred_at"),
    )

    customer_ref: str
    type: str
    occurred_at: datetime
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str
    product: str


class Driver(_Imported, table=True):
    """What contacts grow with, by day: orders, flights, active customers."""

    __tablename__ = "driver"
    __table_args__ = (UniqueConstraint("source", "external_id"), Index("driver_of", "name", "on_date"))

    on_date: date
    name: str
    quantity: int = Field(sa_type=BigInteger)


class Payroll(_Imported, table=True):
    """The payroll of a service team for a month such as ``2026-09``; in the ledger as ``pool_actual``."""

    __tablename__ = "payroll"
    __table_args__ = (UniqueConstraint("source", "external_id"),)

    period: str = Field(index=True)
    team: str
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str


class Goodwill(_Imported, table=True):
    """A refund or gesture for a case; in the ledger as ``goodwill``."""

    __tablename__ = "goodwill"
    __table_args__ = (UniqueConstraint("source", "external_id"),)

    case_id: int = Field(foreign_key="case.id", index=True, sa_type=_Big)
    paid_on: date
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str


class BotAnswer(_Imported, table=True):
    """A case that a bot or a self-service page answered alone; in the ledger at a fixed price, without time."""

    __tablename__ = "bot_answer"
    __table_args__ = (UniqueConstraint("source", "external_id"),)

    case_id: int = Field(foreign_key="case.id", index=True, sa_type=_Big)
    answered_at: datetime
    bot: str


class Survey(_Imported, table=True):
    """An answer to a survey: ``nps`` from 0 to 10, ``ces`` from 1 to 7."""

    __tablename__ = "survey"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        Index("survey_at", "answered_at"),
        CheckConstraint("kind IN ('nps', 'ces')", name="survey_kind"),
    )

    kind: str
    score: int
    answered_at: datetime
    customer_ref: str


class Experiment(_Imported, table=True):
    """A comparison with a control group, as it was fixed before; ``external_id`` is its name in assignments."""

    __tablename__ = "experiment"
    __table_args__ = (UniqueConstraint("source", "external_id"), UniqueConstraint("external_id"))

    title: str
    salt: str
    """With one, the arm of every customer is computed from it, and an assignment that differs is refused."""
    treatment_bp: int
    treatment_n: int
    control_n: int
    window_days: int
    margin_12m_minor: int = Field(sa_type=BigInteger)


class ExperimentAssignment(_Imported, table=True):
    """The arm of one customer in one experiment."""

    __tablename__ = "experiment_assignment"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        UniqueConstraint("experiment", "customer_ref"),
        CheckConstraint("arm IN ('treatment', 'control')", name="experiment_assignment_arm"),
    )

    experiment: str
    customer_ref: str
    arm: str
    assigned_at: datetime


class Initiative(_Imported, table=True):
    """An idea that shall shrink what contacts cost; ``external_id`` is its id in reports and in the ledger.

    ``effects`` holds low, point and high basis points by reason. ``ruling`` is an executive's, with who and why.
    """

    __tablename__ = "initiative"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        UniqueConstraint("external_id"),
        CheckConstraint("ruling IN ('', 'pin', 'drop')", name="initiative_ruling"),
    )

    title: str
    owner: str
    one_off_minor: int = Field(sa_type=BigInteger)
    run_minor_per_year: int = Field(sa_type=BigInteger)
    effects: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    evidence: str
    ruling: str
    ruled_by: str
    ruled_why: str
