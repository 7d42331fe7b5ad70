"""Engines and transactions. SQLite by default, PostgreSQL by another URL; the code above does not know which."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlmodel import Session

from bot.errors import ConfigError, StorageError
from storage import job_schema
from storage.refusals import refused

BUSY_TIMEOUT_MS = 10_000
MIGRATIONS = Path(__file__).parent / "migrations"

_READ_ONLY = "earmark_read_only"
_BEFORE_COMMIT, _AFTER_COMMIT = "earmark_before_commit", "earmark_after_commit"

# FULL, because a commit must survive power loss: NORMAL may lose the last ones in WAL mode.
# recursive_triggers, because without it INSERT OR REPLACE gets past the ledger's delete trigger.
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
    "PRAGMA recursive_triggers=ON",
    "PRAGMA temp_store=MEMORY",
)


# A server that is gone without a word is noticed within seconds, not after the kernel's quarter of an hour …
_PATIENCE = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
# … and the server notices within seconds that a machine of ours is gone, and drops its locks; its own wait is two hours
_IMPATIENCE = "SET tcp_keepalives_idle = 4; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 4"
# A process that is frozen in the middle of a transaction must not hold up all others: its transaction is rolled back.
_NO_LOITERING = "SET LOCAL idle_in_transaction_session_timeout = '10s'"
_POOL_WAIT_S = 10.0


def connect(url: str, *, pool_size: int = 10) -> Engine:
    """Return an engine for a database URL; nothing is opened yet.

    Raises:
        ConfigError: the URL cannot be read, or its driver is not installed.
    """
    try:
        parsed = make_url(url)
        if parsed.drivername in {"postgresql", "postgres"}:
            parsed = parsed.set(drivername="postgresql+psycopg")
        is_server = parsed.get_backend_name() != "sqlite"
        patience = {key: value for key, value in _PATIENCE.items() if is_server and key not in parsed.query}
        engine = sqlalchemy.create_engine(
            parsed,
            pool_size=pool_size,
            max_overflow=10,
            pool_pre_ping=is_server,
            pool_timeout=_POOL_WAIT_S,
            connect_args=patience,
        )
    except (ArgumentError, NoSuchModuleError) as error:
        raise ConfigError(
            "earmark.database_url: this is no database URL; write sqlite:///earmark.sqlite"
            " or postgresql://user@host/name"
        ) from error
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"earmark.database_url: the driver '{error.name}' is not installed; pip install 'earmark[postgres]'"
        ) from error
    if is_server:
        event.listen(engine, "connect", _set_impatience)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_pragmas(connection: Any, _record: object) -> None:
    # The driver must not begin transactions by itself: only BEGIN IMMEDIATE takes the write lock before reading.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _set_impatience(connection: Any, _record: object) -> None:
    connection.execute(_IMPATIENCE)
    connection.commit()


def address(engine: Engine) -> str:
    """Return the address of a PostgreSQL as its own tools read it, with its password."""
    url = engine.url.set(drivername="postgresql")
    patience = {key: str(value) for key, value in _PATIENCE.items() if key not in url.query}
    return url.update_query_dict(patience).render_as_string(hide_password=False)


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get(_READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """One writing transaction: committed at the end, rolled back on any error, with callbacks before and after.

    On SQLite it begins IMMEDIATE, so that two writers wait for each other instead of failing half-way.

    Raises:
        StorageError: the database is unreachable, locked for too long, or full.
    """
    with errors_named(engine), Session(engine, expire_on_commit=False) as session:
        with session.begin() as begun:
            if engine.dialect.name == "postgresql":
                session.connection().exec_driver_sql(_NO_LOITERING)
            yield session
            for callback in session.info.get(_BEFORE_COMMIT, ()) if begun.is_active else ():
                callback()
        for callback in session.info.get(_AFTER_COMMIT, ()):
            callback()


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """One reading transaction: a consistent snapshot that takes no write lock.

    Raises:
        StorageError: the database is unreachable.
    """
    with errors_named(engine), engine.connect() as connection:
        options: dict[str, Any] = {_READ_ONLY: True}
        if engine.dialect.name == "postgresql":
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with Session(connection.execution_options(**options)) as session:
            yield session
            session.rollback()


def before_commit(session: Session, callback: Callable[[], None]) -> None:
    """Have ``callback`` run as the last thing in ``session``'s transaction, once all else went well."""
    session.info.setdefault(_BEFORE_COMMIT, []).append(callback)


def is_reading(connection: Connection) -> bool:
    """Whether the connection is in a reading transaction on a database that others can open too."""
    is_private = connection.dialect.name == "sqlite" and connection.engine.url.database in {None, "", ":memory:"}
    return bool(connection.get_execution_options().get(_READ_ONLY, False)) and not is_private


def after_commit(session: Session, callback: Callable[[], None]) -> None:
    """Have ``callback`` run once ``session``'s transaction is committed; never if it is rolled back."""
    session.info.setdefault(_AFTER_COMMIT, []).append(callback)


@contextmanager
def errors_named(engine: Engine) -> Iterator[None]:
    """Have the driver's errors leave as StorageError, in words that hold nothing of a mention."""
    try:
        yield
    except (DBAPIError, PoolTimeoutError) as error:
        raise refused(engine, error) from error


def upgrade(engine: Engine) -> str:
    """Bring the database to the newest schema; return its revision. Safe to run twice.

    Raises:
        StorageError: the database is unreachable, or newer than this program.
    """
    from alembic import command

    with errors_named(engine), engine.connect() as connection, _only_upgrade(connection):
        command.upgrade(_alembic(connection), "head")
        connection.commit()
        job_schema.upgrade(connection)
    return newest_revision()


@contextmanager
def _only_upgrade(connection: Connection) -> Iterator[None]:
    """Of several nodes that meet an empty database one makes the tables, and the others then find them."""
    if connection.dialect.name != "postgresql":
        yield
        return
    connection.execute(text("SELECT pg_advisory_lock(hashtextextended(current_schema(), 0))"))
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock_all()"))
        connection.commit()


def revision(engine: Engine) -> str | None:
    """Return the schema revision of the database; None before the first migration.

    Raises:
        StorageError: the database is unreachable.
    """
    from alembic.runtime.migration import MigrationContext

    with errors_named(engine), engine.connect() as connection:
        reading_only = connection.execution_options(**{_READ_ONLY: True})
        return MigrationContext.configure(reading_only).get_current_revision()


@cache
def newest_revision() -> str:
    """Return the schema revision this program was written for."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(MIGRATIONS)).get_current_head() or ""


def require_newest(engine: Engine, *, with_jobs: bool = False) -> None:
    """Do nothing when the schema is the newest, and with ``with_jobs`` that of the job table too.

    Raises:
        StorageError: it is not; the sentence says which command mends it.
    """
    found, wanted = revision(engine), newest_revision()
    if found != wanted:
        state = "is empty" if found is None else f"has schema {found}, this program needs {wanted}"
        raise StorageError(f"the database {state}; run 'earmark db upgrade'", permanent=True)
    if with_jobs:
        with errors_named(engine), engine.connect() as connection:
            job_schema.require_newest(connection)


def _alembic(connection: Connection) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
