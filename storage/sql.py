"""The few words of SQL that SQLite and PostgreSQL spell differently, and compare-and-set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, SQLColumnExpression, String, Update, func, type_coerce
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel


def insert_new(session: Session, table: type[SQLModel]) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that passes over rows which would break a unique key."""
    return _insert(session, table).on_conflict_do_nothing()


def upsert(
    session: Session, table: type[SQLModel], *, key: Sequence[str], update: Sequence[str]
) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that instead updates the columns ``update`` where the unique ``key`` is taken."""
    statement = _insert(session, table)
    return statement.on_conflict_do_update(
        index_elements=list(key), set_={name: statement.excluded[name] for name in update}
    )


def _insert(session: Session, table: type[SQLModel]) -> sqlite.Insert | postgresql.Insert:
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def changed(session: Session, statement: Update) -> int:
    """Run an UPDATE and return how many rows it changed: the compare-and-set of everything that can race."""
    result = session.execute(statement.execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", result).rowcount


def hour_of(session: Session, column: SQLColumnExpression[Any]) -> ColumnElement[str]:
    """Return the hour of a time in UTC as text, such as ``2026-09-10 14``."""
    if session.get_bind().dialect.name == "postgresql":
        return func.to_char(func.timezone("UTC", column), "YYYY-MM-DD HH24")
    return func.substr(type_coerce(column, String), 1, 13)
