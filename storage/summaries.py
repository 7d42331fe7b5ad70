"""The nightly summaries: one a date, made once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlmodel import Session, col

from storage.models_summary import Summary, SummaryThread
from storage.sql import insert_new

EDITION = "nightly"
"""The only one there is; a summary for one queue would be another."""


@dataclass(frozen=True, slots=True)
class Thread:
    """What goes under a summary: the day's figures, and the mentions that stand for the dearest waste."""

    csv: str
    reason: str = ""
    examples: tuple[tuple[str, int], ...] = ()
    """Kind and id of mentions."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A summary as it was made: its lines, in Slack's mark-up, with names not escaped yet."""

    day: date
    lines: tuple[str, ...]
    is_alarm: bool
    thread: Thread | None = None
    """None under an alarm."""


def keep(session: Session, kept: Kept, *, now: datetime) -> bool:
    """Store the summary of a day; False when that day has one, which stays as it is."""
    row = {"edition": EDITION, "on_date": kept.day, "is_alarm": kept.is_alarm, "lines": list(kept.lines)}
    statement = insert_new(session, Summary).values(**row, made_at=now)
    is_new = session.scalar(statement.returning(col(Summary.on_date))) is not None
    if is_new and kept.thread is not None:
        thread = {"csv": kept.thread.csv, "reason": kept.thread.reason, "examples": list(kept.thread.examples)}
        session.execute(insert_new(session, SummaryThread).values(edition=EDITION, on_date=kept.day, **thread))
    return is_new


def of(session: Session, day: date) -> Kept | None:
    """Return the summary of a day; None when none was made."""
    row = session.get(Summary, (EDITION, day))
    return Kept(row.on_date, tuple(row.lines), row.is_alarm, thread_of(session, day)) if row is not None else None


def thread_of(session: Session, day: date) -> Thread | None:
    """Return what goes under the summary of a day; None when nothing was kept for it."""
    row = session.get(SummaryThread, (EDITION, day))
    return Thread(row.csv, row.reason, tuple((kind, number) for kind, number in row.examples)) if row else None


def first_day(session: Session) -> date | None:
    """Return the first day that has a summary; None before the first."""
    found: date | None = session.scalar(select(func.min(col(Summary.on_date))).where(col(Summary.edition) == EDITION))
    return found


def made(session: Session, days: Sequence[date]) -> set[date]:
    """Return those of the days that have a summary."""
    query = select(col(Summary.on_date)).where(col(Summary.edition) == EDITION, col(Summary.on_date).in_(days))
    return set(session.scalars(query))
