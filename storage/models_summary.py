"""The nightly summaries as they were made. No ``from __future__ import annotations`` here: SQLModel reads them."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Text
from sqlalchemy.types import JSON
from sqlmodel import Field, SQLModel


class SummaryThread(SQLModel, table=True):
    """What goes into the thread of a night's summary: the figures as they were, and which mentions stand for them."""

    __tablename__ = "summary_thread"

    edition: str = Field(primary_key=True)
    on_date: date = Field(primary_key=True)
    csv: str = Field(sa_type=Text)
    reason: str = ""
    """The dearest waste; its mentions are the examples."""
    examples: list[Any] = Field(default_factory=list, sa_type=JSON)
    """Pairs of kind and mention id: who wrote what is looked up when it is shown, and may be gone by then."""


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
