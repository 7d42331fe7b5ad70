"""The nightly summaries as they were made. No ``from __future__ import annotations`` here: SQLModel reads them."""

from datetime import date, datetime
from typing import Any

from sqlalchemy.types import JSON
from sqlmodel import Field, SQLModel


class Summary(SQLModel, table=True):
    """What one night said about one day: once, whoever counted it. It holds figures, and nothing of a person."""

    __tablename__ = "summary"

    edition: str = Field(primary_key=True)
    on_date: date = Field(primary_key=True)
    """The day that is summed up, in the reporting time zone."""
    is_alarm: bool = False
    """The ledger did not verify, and the one line says so."""
    lines: list[Any] = Field(default_factory=list, sa_type=JSON)
    """The lines as made, for a place that parses Slack's mark-up; names in them are not escaped yet."""
    made_at: datetime
