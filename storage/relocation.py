"""What became of this database as a whole: moved elsewhere, or put back from a copy."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select, update
from sqlmodel import Session, col

from bot.errors import StorageError
from storage import models
from storage.models_operations import Process, Relocation, Restoration
from storage.sql import changed, insert_new


def moved(session: Session, to_database: str, *, now: datetime) -> None:
    """Close this database: its rows are in another one from now on."""
    session.add(Relocation(to_database=to_database, at=now))


def require_here(session: Session) -> None:
    """Do nothing where this database is the one in use.

    Raises:
        StorageError: it was moved; two installations that go on from one would post everything twice.
    """
    last = session.scalar(select(Relocation).order_by(col(Relocation.at).desc()).limit(1))
    if last is not None:
        raise StorageError(
            f"this database was moved to {last.to_database} on {last.at:%Y-%m-%d %H:%M} UTC; set earmark.database_url"
            " or database_url_env to that one. To go on here after all, delete the rows of its table 'relocation'",
            permanent=True,
        )


def copied(session: Session, *, made_at: datetime) -> None:
    """Mark this database as a copy made at that time: what it has not posted may have been posted since."""
    session.execute(insert_new(session, Restoration).values(made_at=made_at))


def last_sign(session: Session) -> datetime | None:
    """Return when this database last noted that something happened; None when nothing ever did."""
    times = (
        session.scalar(select(func.max(col(models.ChannelState.polled_at)))),
        session.scalar(select(func.max(col(Process.beat_at)))),
        session.scalar(select(func.max(col(models.OutboxMessage.last_attempt_at)))),
    )
    return max((at for at in times if at is not None), default=None)


def resume(session: Session, *, now: datetime) -> bool:
    """Note that work goes on from a copy; False when this database is none, or it was noted before."""
    fresh = update(Restoration).where(col(Restoration.resumed_at).is_(None))
    return changed(session, fresh.values(resumed_at=now)) > 0


def last_resumed(session: Session) -> tuple[datetime, datetime] | None:
    """Return when the copy that work went on from was made, and when it went on; None where it never did."""
    query = (
        select(Restoration).where(col(Restoration.resumed_at).is_not(None)).order_by(col(Restoration.made_at).desc())
    )
    row = session.scalar(query.limit(1))
    return (row.made_at, row.resumed_at) if row is not None and row.resumed_at is not None else None
