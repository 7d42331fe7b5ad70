"""What supervisors know about causes. No ``from __future__ import annotations`` here: SQLModel reads them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, Text
from sqlmodel import Field, SQLModel

_Big: Any = BigInteger().with_variant(Integer(), "sqlite")


class ReasonNote(SQLModel, table=True):
    """What is behind the contacts of a reason, in the words of a supervisor. The newest counts, the older ones stay."""

    __tablename__ = "reason_note"
    __table_args__ = (Index("reason_note_of_reason", "reason", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=_Big)
    reason: str
    text: str = Field(sa_type=Text)
    """Empty takes back the one before."""
    written_by: str
    written_at: datetime
