"""Moves a whole database to PostgreSQL: all rows or none, checked before anybody can see them.

Source and target are held, so that nobody else writes to either meanwhile; the target is filled, checked and committed
in one transaction. Whatever is killed leaves an empty target, and the move begins again from zero. Rows are streamed:
memory does not grow with them. No other table of the target's database is touched or waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import JSON, Connection, Engine, Integer, Table, Text, func, select, type_coerce
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from bot.errors import StorageError
from storage import db, relocation, vitals
from storage.refusals import Refusal, refused
from storage.tables import tables

BATCH: Final = 2_000
HOLD_WAIT_S: Final = 10
"""How long somebody else may still write to the new database before the move gives up."""
QUIET: Final = timedelta(minutes=1)
"""A process that gave a sign of life within this time is at work."""

Progress = Callable[[str, int, int], None]
"""Called with the name of a table, and how many rows of how many in all are copied."""
Check = Callable[[Session, Session], None]
"""``check(source, target)`` raises when the books in the target are not those of the source."""


def move(source: Engine, target: Engine, *, check: Check, now: datetime, progress: Progress) -> dict[str, int]:
    """Copy all of ``source`` into ``target``, which has empty tables, and close the source; return rows by table.

    Raises:
        StorageError: somebody is at work on one of them, the target has rows, or the copy is not the same.
    """
    with db.transaction(source) as old:
        relocation.require_here(old)
        _require_quiet(old, now)
        counts = {table.name: _count(old.connection(), table) for table in tables()}
        with db.transaction(target) as new:
            _hold(new.connection())
            _require_empty(new.connection())
            _copy(old.connection(), new.connection(), counts, progress)
            _require_same(new.connection(), counts)
            check(old, new)
        relocation.moved(old, target.url.render_as_string(hide_password=True), now=now)
    return counts


def _require_quiet(session: Session, now: datetime) -> None:
    at_work = [beat for beat in vitals.processes(session) if now - beat.beat_at < QUIET]
    if at_work:
        names = ", ".join(f"{beat.name} ({beat.role})" for beat in at_work)
        raise StorageError(f"Earmark is at work on the old database: {names}; stop it first, then move")


def _hold(connection: Connection) -> None:
    """Keep all others from writing to the target. Once these locks are held, the move waits for nobody any more."""
    try:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{HOLD_WAIT_S}s'")
        connection.exec_driver_sql(f"LOCK TABLE {_names(connection)} IN SHARE ROW EXCLUSIVE MODE")
    except DBAPIError as error:
        if refused(connection.engine, error).code != Refusal.LOCKED:
            raise
        raise StorageError("somebody writes to the new database; stop that first, then move again") from error


def _names(connection: Connection) -> str:
    quote = connection.dialect.identifier_preparer.quote
    return ", ".join(quote(table.name) for table in tables())


def _require_empty(connection: Connection) -> None:
    for table in tables():
        if connection.execute(select(table).limit(1)).first() is not None:
            raise StorageError(
                f"the new database is not empty: its table {table.name} has rows; name an empty one. If a move of which"
                " you did not see the end has filled it, it is whole: use it as it is, or drop it and move again",
                permanent=True,
            )


def _require_same(connection: Connection, counts: dict[str, int]) -> None:
    for table in tables():
        found = _count(connection, table)
        if found != counts[table.name]:
            raise StorageError(f"{table.name} has {counts[table.name]} rows, but {found} arrived; nothing was moved")


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _copy(old: Connection, new: Connection, counts: dict[str, int], progress: Progress) -> None:
    # The triggers check each journal against the one before; the whole chain is checked once, at the end.
    _triggers(new, "DISABLE")
    total, done = sum(counts.values()), 0
    for table in tables():
        for copied in _copied(old, new, table):
            done += copied
            progress(table.name, done, total)
        _set_sequence(new, table)
    _triggers(new, "ENABLE")
    # By name: without, it would take in every table of the whole database, and wait for whoever is at work on those.
    new.exec_driver_sql(f"ANALYZE {_names(new)}")


def _triggers(connection: Connection, action: str) -> None:
    """Turn our own triggers on the ledger off or on, within the transaction; foreign keys hold all the time."""
    for table in tables():
        if table.name.startswith("ledger_"):
            connection.exec_driver_sql(f"ALTER TABLE {table.name} {action} TRIGGER USER")


def _copied(old: Connection, new: Connection, table: Table) -> Iterator[int]:
    """Copy a table, and yield after each batch how many rows it had."""
    # JSON is carried over as it was written; read and written anew, its null would become another null.
    columns = [type_coerce(column, Text) if isinstance(column.type, JSON) else column for column in table.columns]
    query = select(*columns).order_by(*table.primary_key.columns)
    rows = old.execute(query, execution_options={"yield_per": BATCH})
    quote = new.dialect.identifier_preparer.quote
    names = ", ".join(quote(column.name) for column in table.columns)
    driver: Any = new.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {quote(table.name)} ({names}) FROM STDIN") as copy:
        for batch in rows.partitions():
            for row in batch:
                copy.write_row(row)
            yield len(batch)


def _set_sequence(connection: Connection, table: Table) -> None:
    """Have the next id follow the last one."""
    [key, *others] = table.primary_key.columns
    if others or not isinstance(key.type, Integer):
        return
    quoted = connection.dialect.identifier_preparer.quote(table.name)
    name = connection.execute(select(func.pg_get_serial_sequence(quoted, key.name))).scalar()
    last = connection.execute(select(func.max(key))).scalar()
    if name is not None and last is not None:
        connection.execute(select(func.setval(name, last)))
