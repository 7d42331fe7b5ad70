"""Engines and transactions. SQLite by default, PostgreSQL by another URL; the code above does not know which."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlmodel import Session

from bot.errors import ConfigError, StorageError

BUSY_TIMEOUT_MS = 10_000
MIGRATIONS = Path(__file__).parent / "migrations"

_READ_ONLY = "earmark_read_only"
_AFTER_COMMIT = "earmark_after_commit"

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
        engine = sqlalchemy.create_engine(parsed, pool_size=pool_size, max_overflow=10, pool_pre_ping=is_server)
    except (ArgumentError, NoSuchModuleError) as error:
        raise ConfigError(
            "earmark.database_url: this is no database URL; write sqlite:///earmark.sqlite"
            " or postgresql://user@host/name"
        ) from error
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"earmark.database_url: the driver '{error.name}' is not installed; pip install 'earmark[postgres]'"
        ) from error
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


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get(_READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """One writing transaction: committed at the end, rolled back on any error, callbacks run after the commit.

    On SQLite it begins IMMEDIATE, so that two writers wait for each other instead of failing half-way.

    Raises:
        StorageError: the database is unreachable, locked for too long, or full.
    """
    with _errors_named(engine), Session(engine, expire_on_commit=False) as session:
        with session.begin():
            yield session
        for callback in session.info.get(_AFTER_COMMIT, ()):
            callback()


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """One reading transaction: a consistent snapshot that takes no write lock.

    Raises:
        StorageError: the database is unreachable.
    """
    with _errors_named(engine), engine.connect() as connection:
        options: dict[str, Any] = {_READ_ONLY: True}
        if engine.dialect.name == "postgresql":
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with Session(connection.execution_options(**options)) as session:
            yield session
            session.rollback()


def after_commit(session: Session, callback: Callable[[], None]) -> None:
    """Have ``callback`` run once ``session``'s transaction is committed; never if it is rolled back."""
    session.info.setdefault(_AFTER_COMMIT, []).append(callback)


@contextmanager
def _errors_named(engine: Engine) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        # The driver's own words, without the statement and its parameters: those hold text of mentions.
        reason = str(error.orig).strip().splitlines()[0] if error.orig else type(error).__name__
        where = engine.url.render_as_string(hide_password=True)
        raise StorageError(
            f"the database {where} refused or did not answer ({reason}); check that it runs, its address and its disk"
        ) from error


def upgrade(engine: Engine) -> str:
    """Bring the database to the newest schema; return its revision. Safe to run twice.

    Raises:
        StorageError: the database is unreachable, or newer than this program.
    """
    from alembic import command

    with _errors_named(engine), engine.connect() as connection:
        command.upgrade(_alembic(connection), "head")
        connection.commit()
    return newest_revision()


def revision(engine: Engine) -> str | None:
    """Return the schema revision of the database; None before the first migration.

    Raises:
        StorageError: the database is unreachable.
    """
    from alembic.runtime.migration import MigrationContext

    with _errors_named(engine), engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str:
    """Return the schema revision this program was written for."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(MIGRATIONS)).get_current_head() or ""


def require_newest(engine: Engine) -> None:
    """Do nothing when the schema is the newest.

    Raises:
        StorageError: it is not; the sentence says which command mends it.
    """
    found, wanted = revision(engine), newest_revision()
    if found == wanted:
        return
    state = "is empty" if found is None else f"has schema {found}, this program needs {wanted}"
    raise StorageError(f"the database {state}; run 'earmark db upgrade'", permanent=True)


def _alembic(connection: Connection) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
