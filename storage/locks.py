"""Locks that PostgreSQL keeps for as long as a connection lives: a killed process drops them, a frozen one does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from storage.db import errors_named

# The schema is part of the name: locks belong to a whole database, and two installations may share one.
_NAME = "hashtextextended(current_schema() || ':' || :name, 0)"


@dataclass(slots=True)
class Held:
    """A lock that was held when it was taken. ``connection`` is None where one process is all there is."""

    connection: Connection | None
    _is_lost: bool = False

    def is_held(self) -> bool:
        """True while nobody else can have taken the lock: its own connection still answers."""
        if self.connection is None:
            return True
        try:
            # Once it is broken it stays so: SQLAlchemy would open a new connection, which holds nothing.
            if not self._is_lost:
                self.connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            self._is_lost = True
        return not self._is_lost


@contextmanager
def only_one(engine: Engine, name: str) -> Iterator[Held | None]:
    """Hold the lock ``name`` on a connection of its own; None while somebody else holds it. SQLite needs none.

    Raises:
        StorageError: the database is unreachable.
    """
    if engine.dialect.name != "postgresql":
        yield Held(None)
        return
    with errors_named(engine):
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        with errors_named(engine):
            is_taken = bool(connection.scalar(text(f"SELECT pg_try_advisory_lock({_NAME})"), {"name": name}))
        yield Held(connection) if is_taken else None
    finally:
        _release(connection)


def _release(connection: Connection) -> None:
    try:
        # Also where the lock was not taken: a pooled connection must never go back with one.
        connection.execute(text("SELECT pg_advisory_unlock_all()"))
    except SQLAlchemyError:
        # Broken, or broken before: with it went the lock.
        connection.invalidate()
    connection.close()
