"""The way of one mention through every table it left something in; nothing of what anybody wrote."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from storage import models
from storage.ledger_rows import JOURNAL


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened. ``what`` is in words and ids."""

    at: datetime
    step: str
    what: str


def mention_id(session: Session, platform: str, external_id: str) -> int | None:
    """Return our id of a post; None when it is not stored, or its author was erased."""
    table = models.Mention
    query = select(col(table.id)).where(col(table.platform) == platform, col(table.external_id) == external_id)
    return session.scalar(query)


def trace(session: Session, mention: int) -> list[Step]:
    """Return what happened to a mention and to its case, in the order of time; none when there is no such mention."""
    row = session.get(models.Mention, mention)
    if row is None:
        return []
    steps = [*_received(row), *_tagged(session, mention)]
    if row.case_id is not None:
        steps += [*_worked(session, row.case_id), *_booked(session, row.case_id), *_shown(session, row.case_id)]
    return sorted(steps, key=lambda step: step.at)


def _received(row: models.Mention) -> Iterator[Step]:
    yield Step(row.posted_at, "posted", f"on {row.platform}")
    urgent = ", may be urgent" if row.is_urgent else ""
    yield Step(row.received_at, "received", f"from the channel {row.channel}{urgent}; it is now {row.state}")


def _tagged(session: Session, mention: int) -> Iterator[Step]:
    table = models.Tagging
    for row in session.scalars(select(table).where(col(table.mention_id) == mention)):
        by = f"by {row.model}" if row.source == "model" else "by a person"
        review = ", to be reviewed" if row.needs_review else ""
        what = f"{row.primary_tag or 'nothing'}, {row.reason}, {row.confidence:.0%} sure, {by}{review}"
        yield Step(row.at, "tagged", what)


def _worked(session: Session, case_id: int) -> Iterator[Step]:
    table = models.CaseEvent
    for row in session.scalars(select(table).where(col(table.case_id) == case_id)):
        of = row.detail.get("mention")
        yield Step(row.at, "case", f"{case_id} {row.kind}" + (f" by mention {of}" if of else f" by {row.actor}"))


def _booked(session: Session, case_id: int) -> Iterator[Step]:
    columns = (JOURNAL.c.seq, JOURNAL.c.kind, JOURNAL.c.status, JOURNAL.c.idem_key, JOURNAL.c.recorded_at)
    for row in session.execute(select(*columns).where(JOURNAL.c.group_ref == str(case_id))):
        yield Step(row.recorded_at, "booked", f"journal {row.seq}: {row.kind}, {row.status} ({row.idem_key})")


def _shown(session: Session, case_id: int) -> Iterator[Step]:
    table = models.OutboxMessage
    for row in session.scalars(select(table).where(col(table.case_id) == case_id)):
        name = f"message {row.id}, {row.kind} for {row.slack_channel}"
        yield Step(row.created_at, "ordered", name + (", urgent" if row.is_urgent else ""))
        if row.sent_at is not None:
            yield Step(row.sent_at, "sent", f"{name}, {row.error}" if row.error else f"{name}, ts {row.slack_ts}")
        elif row.state != "pending" or row.attempts:
            tried = row.last_attempt_at or row.created_at
            yield Step(tried, row.state, f"{name}, {row.attempts} attempts{f', {row.error}' if row.error else ''}")
