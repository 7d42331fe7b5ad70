"""Sums of the ledger, kept beside it so that a report over a million journals reads a few thousand rows.

They hold nothing that the journals do not say: :mod:`storage.ledger_sums` writes them in the transaction that posts,
and ``earmark ledger verify`` recounts them. No ``from __future__ import annotations`` here: SQLModel reads them.
"""

from datetime import date

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel


class LedgerSum(SQLModel, table=True):
    """What the lines that share these values sum up to. ``pending`` rows are holds that nothing has resolved."""

    __tablename__ = "ledger_sum"
    __table_args__ = ({"sqlite_with_rowid": False},)

    effective_date: date = Field(primary_key=True)
    is_late: bool = Field(primary_key=True)
    """It belongs to an earlier day, whose period was closed."""
    status: str = Field(primary_key=True)
    account: str = Field(primary_key=True)
    commodity: str = Field(primary_key=True)
    """CNT or a currency: no report asks for tags or seconds by day."""
    basis: str = Field(primary_key=True)
    dept: str = Field(primary_key=True)
    reason: str = Field(primary_key=True)
    quadrant: str = Field(primary_key=True)
    segment: str = Field(primary_key=True)
    amount: int = Field(sa_type=BigInteger)


class LedgerCaseSum(SQLModel, table=True):
    """The posted cost of a case, on the accounts that bear contacts."""

    __tablename__ = "ledger_case_sum"
    __table_args__ = ({"sqlite_with_rowid": False},)

    case_id: str = Field(primary_key=True)
    commodity: str = Field(primary_key=True)
    amount: int = Field(sa_type=BigInteger)
