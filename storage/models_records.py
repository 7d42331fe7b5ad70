"""The record beside the ledger: when journals were written, and how months and cost models stood when they were.

No ``from __future__ import annotations`` here: SQLModel reads the annotations.
"""

from datetime import datetime

from sqlalchemy import BigInteger, Column
from sqlmodel import Field, SQLModel


class LedgerRecord(SQLModel, table=True):
    """One writing into the ledger's tables. Append-only, by triggers, and a chain of its own."""

    __tablename__ = "ledger_record"

    n: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    what: str
    """``journals``, ``period`` or ``config``."""
    ref: str
    """Of journals the first and last ``seq``, such as ``17-24``; else the key of the row."""
    recorded_at: datetime
    sha256: str
    """Of journals the hash of the last one; else the digest of the row."""
    hash: str
