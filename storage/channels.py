"""Queries on channels: cursors, health, skipped items."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlmodel import Session, col

from bot.domain import Page, Skipped
from storage import models
from storage.sql import changed, insert_new

SKEW_MAX: Final = timedelta(minutes=1)
"""How far two clocks that are right may lie apart."""
_REASON_LENGTH_MAX = 500


@dataclass(frozen=True, slots=True)
class Place:
    """Where a channel was left: its cursor, and the version that a move must find unchanged."""

    cursor: str | None
    version: int


@dataclass(frozen=True, slots=True)
class ChannelHealth:
    """How a channel is doing, for the operator. Counts are since the beginning."""

    name: str
    polled_at: datetime | None
    read_at: datetime | None
    caught_up_at: datetime | None
    next_poll_at: datetime | None
    last_mention_at: datetime | None
    failures: int
    error: str
    notice: str
    mention_count: int
    skipped_count: int
    requests: int
    billed_items: int


def place(session: Session, channel: str) -> Place:
    """Return where ``channel`` was left; a channel never polled has no cursor."""
    row = session.get(models.ChannelState, channel)
    return Place(row.cursor, row.version) if row else Place(None, 0)


def advance(session: Session, channel: str, was: Place, page: Page, *, new_count: int, now: datetime) -> bool:
    """Move the cursor to the end of ``page``; False when another process moved it since ``was`` was read.

    Must be called in the transaction that stores the page's mentions; on False that transaction must not commit.
    """
    ensure(session, [channel])
    state = models.ChannelState
    moved = changed(
        session,
        update(state)
        .where(col(state.name) == channel, col(state.version) == was.version)
        .values(
            cursor=page.cursor,
            version=was.version + 1,
            polled_at=now,
            read_at=now,
            failures=0,
            error="",
            mention_count=col(state.mention_count) + new_count,
            skipped_count=col(state.skipped_count) + len(page.skipped),
            requests=col(state.requests) + page.cost.requests,
            billed_items=col(state.billed_items) + page.cost.billed_items,
            **({} if page.more else {"caught_up_at": now}),
            **({"last_mention_at": now} if new_count else {}),
            **({"notice": page.notice} if page.notice else {}),
        ),
    )
    record_skipped(session, channel, page.skipped, now)
    return moved == 1


def wait_until(session: Session, channel: str, at: datetime | None) -> None:
    """Ask for no poll of ``channel`` before ``at``; None lifts the wait."""
    state = models.ChannelState
    session.execute(update(state).where(col(state.name) == channel).values(next_poll_at=at))


def record_failure(session: Session, channel: str, error: str, *, next_poll_at: datetime, now: datetime) -> None:
    """Note a failed poll: the cursor stays, the sentence is shown to the operator."""
    ensure(session, [channel])
    state = models.ChannelState
    session.execute(
        update(state)
        .where(col(state.name) == channel)
        .values(failures=col(state.failures) + 1, error=error, polled_at=now, next_poll_at=next_poll_at)
    )


def forget_cursor(session: Session, channel: str, was: Place, notice: str) -> None:
    """Drop a cursor that the platform no longer accepts; the next poll is a bounded backfill."""
    state = models.ChannelState
    session.execute(
        update(state)
        .where(col(state.name) == channel, col(state.version) == was.version)
        .values(cursor=None, version=was.version + 1, notice=notice)
    )


def next_poll_at(session: Session, channel: str, *, now: datetime) -> datetime | None:
    """Return the time before which ``channel`` must not be polled; None when it may be at once.

    A wait that was noted later than ``now`` counts for nothing: the clock was set back since, perhaps by years.
    """
    row = session.get(models.ChannelState, channel)
    if row is None or (row.polled_at is not None and row.polled_at > now + SKEW_MAX):
        return None
    return row.next_poll_at


def failures(session: Session, channel: str) -> int:
    """Return how many polls of ``channel`` have failed in a row."""
    query = select(col(models.ChannelState.failures)).where(col(models.ChannelState.name) == channel)
    return session.scalar(query) or 0


def ensure(session: Session, names: Iterable[str]) -> None:
    """Have a row for each channel."""
    defaults = models.ChannelState(name="").model_dump()
    session.execute(insert_new(session, models.ChannelState), [{**defaults, "name": name} for name in names])


def record_skipped(session: Session, channel: str, skipped: Sequence[Skipped], now: datetime) -> None:
    """Keep what could not be read, once."""
    if not skipped:
        return
    rows = [
        {"channel": channel, "source_id": item.source_id, "reason": item.reason[:_REASON_LENGTH_MAX], "at": now}
        for item in skipped
    ]
    session.execute(insert_new(session, models.Skipped), rows)


def health(session: Session) -> list[ChannelHealth]:
    """Return how each channel is doing, by name."""
    rows = session.scalars(select(models.ChannelState).order_by(col(models.ChannelState.name)))
    return [
        ChannelHealth(
            name=row.name,
            polled_at=row.polled_at,
            read_at=row.read_at,
            caught_up_at=row.caught_up_at,
            next_poll_at=row.next_poll_at,
            last_mention_at=row.last_mention_at,
            failures=row.failures,
            error=row.error,
            notice=row.notice,
            mention_count=row.mention_count,
            skipped_count=row.skipped_count,
            requests=row.requests,
            billed_items=row.billed_items,
        )
        for row in rows
    ]


def skipped(session: Session, *, limit: int) -> list[tuple[str, Skipped, datetime]]:
    """Return the latest items that could not be read: channel, item, when; newest first."""
    table = models.Skipped
    rows = session.scalars(select(table).order_by(col(table.id).desc()).limit(limit))
    return [(row.channel, Skipped(row.source_id, row.reason), row.at) for row in rows]
