"""The tables of the tag audit. No ``from __future__ import annotations`` here: SQLModel reads the annotations."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, UniqueConstraint
from sqlalchemy.types import JSON
from sqlmodel import Field, SQLModel

_Big: Any = BigInteger().with_variant(Integer(), "sqlite")


class AuditDraw(SQLModel, table=True):
    """The draw of one date: made once, whoever was first. ``population`` taggings were in it."""

    __tablename__ = "audit_draw"

    on_date: date = Field(primary_key=True)
    """The day on which the taggings were made, in the reporting time zone."""
    population: int
    drawn: int
    drawn_at: datetime


class AuditSample(SQLModel, table=True):
    """One drawn tagging, the tagger's first of its mention, and what a supervisor said of it. It holds no words."""

    __tablename__ = "audit_sample"
    __table_args__ = (
        UniqueConstraint("on_date", "place"),
        CheckConstraint("(judged_at IS NULL) = (is_right IS NULL)", name="audit_sample_judged_whole"),
        Index("audit_sample_judged", "judged_at"),
    )

    mention_id: int = Field(foreign_key="mention.id", primary_key=True, sa_type=_Big)
    on_date: date = Field(foreign_key="audit_draw.on_date")
    place: int
    """Its place in the draw, from 1: the order in which it is judged, so that nobody picks."""
    quadrant: str = ""
    """Where the books had the contact that it opened when it was drawn; empty where it opened none."""
    is_right: bool | None = None
    """Nothing had to be corrected; NULL until it is judged."""
    tags: list[Any] = Field(default_factory=list, sa_type=JSON)
    """The tags that are right, by the supervisor."""
    primary_tag: str = ""
    reason: str = ""
    judged_quadrant: str = ""
    """Where the contact belongs with these; empty where it should not be one."""
    judged_by: str = ""
    judged_by_name: str = ""
    judged_at: datetime | None = None
    action_id: str | None = Field(default=None, unique=True)
    """Of the press that judged it; the same press delivered twice is told from another."""
