"""The tables of what finance decides beside the ledger: recharges, confirmed savings, budget, proven value.

They may change; the journals that carry their money may not. No ``from __future__ import annotations`` here: SQLModel
reads them.
"""

from datetime import date
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlalchemy.types import JSON
from sqlmodel import Field, SQLModel


class RechargeItem(SQLModel, table=True):
    """One proposal to one department for one month; ``number`` counts those to it in the month."""

    __tablename__ = "recharge_item"
    __table_args__ = (
        Index("recharge_item_of_state", "state"),
        CheckConstraint(
            "state IN ('proposed', 'disputed', 'accepted', 'partly_accepted', 'released')", name="recharge_item_state"
        ),
        CheckConstraint("accepted_minor BETWEEN 0 AND proposed_minor", name="recharge_item_accepted"),
    )

    period: str = Field(primary_key=True)
    dept: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    state: str = "proposed"
    proposed_minor: int = Field(sa_type=BigInteger)
    proposed_on: date
    proposed_by: str
    samples: list[Any] = Field(default_factory=list, sa_type=JSON)
    """The ids of at most ten cases, drawn by lot."""
    disputed_on: date | None = None
    disputed_by: str = ""
    disputed_why: str = ""
    accepted_minor: int = Field(default=0, sa_type=BigInteger)
    settled_on: date | None = None
    settled_by: str = ""
    settled_why: str = ""
    hold_key: str
    """The idempotency key of the pending journal."""
    end_key: str = ""
    """The key of the journal that posted or voided it."""


class ConfirmedSaving(SQLModel, table=True):
    """A saving, or below 0 a loss, that finance confirmed for a month; ``number`` tells it from withdrawn ones.

    What the report said stands beside it: drivers may be imported anew, and the figure must still be explained.
    """

    __tablename__ = "confirmed_saving"
    __table_args__ = (
        CheckConstraint("saving_class IN ('cashable', 'capacity')", name="confirmed_saving_class"),
        CheckConstraint("amount_minor <> 0", name="confirmed_saving_amount"),
    )

    period: str = Field(primary_key=True)
    reason: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    saving_class: str
    initiative: str
    amount_minor: int = Field(sa_type=BigInteger)
    saving_minor: int = Field(sa_type=BigInteger)
    low_minor: int = Field(sa_type=BigInteger)
    high_minor: int = Field(sa_type=BigInteger)
    confirmed_on: date
    confirmed_by: str
    why: str
    journal_key: str
    withdrawn_on: date | None = None
    withdrawn_by: str = ""
    withdrawn_why: str = ""


class BudgetFunding(SQLModel, table=True):
    """A month up to which confirmed savings were turned into budget, and the high-water mark they reached."""

    __tablename__ = "budget_funding"

    period: str = Field(primary_key=True)
    funds: str
    share_bp: int
    high_before_minor: int = Field(sa_type=BigInteger)
    high_water_minor: int = Field(sa_type=BigInteger)
    funded_minor: int = Field(sa_type=BigInteger)
    funded_on: date
    funded_by: str
    journal_key: str


class RealisedValue(SQLModel, table=True):
    """Value that was proven: by a control group, or by what finance signed. Each experiment and document once."""

    __tablename__ = "realised_value"
    __table_args__ = (
        CheckConstraint("behaviour IN ('spread_word', 'buy_again', 'buy_more')", name="realised_value_behaviour"),
        CheckConstraint("amount_minor > 0", name="realised_value_amount"),
    )

    event: str = Field(primary_key=True)
    """``experiment:NAME`` or ``document:REFERENCE``."""
    title: str
    behaviour: str
    amount_minor: int = Field(sa_type=BigInteger)
    released: int
    """How many estimates made way for it."""
    released_minor: int = Field(sa_type=BigInteger)
    realised_on: date
    realised_by: str
    why: str
    journal_key: str
