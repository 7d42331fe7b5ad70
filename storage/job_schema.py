"""The job table of the cluster engine: procrastinate's own schema, brought to the version that is installed.

It stands beside our tables in PostgreSQL and is no part of our migrations: its makers version it by themselves. The
comment of its table says which of their migrations was the last one here.
"""

from __future__ import annotations

import re
from importlib import resources
from importlib.util import find_spec

from sqlalchemy import Connection, text

from bot.errors import StorageError

_TABLE = "procrastinate_jobs"
# Up to a semicolon, but for those in comments, in quotes and in the bodies of functions.
_STATEMENT = re.compile(r"(?:--[^\n]*|'[^']*'|\$\w*\$.*?\$\w*\$|[^;])+", re.DOTALL)


def is_own(table: str | None) -> bool:
    """True when a table is ours, and so a matter of our migrations."""
    return not (table or "").startswith("procrastinate_")


def upgrade(connection: Connection) -> None:
    """Bring the job table to the newest version, and commit; nothing on SQLite, or without procrastinate."""
    if connection.dialect.name != "postgresql" or find_spec("procrastinate") is None:
        return
    found = revision(connection)
    if found is None:
        _run(connection, (resources.files("procrastinate.sql") / "schema.sql").read_text("utf-8"))
        _note(connection, newest_revision())
        return
    for name, statements in _migrations().items():
        if name > found:
            _migrate(connection, statements)
            _note(connection, name)


def revision(connection: Connection) -> str | None:
    """Return the last migration the job table has had; "" when nobody noted it, None when there is no such table."""
    if connection.scalar(text("SELECT to_regclass(:table)"), {"table": _TABLE}) is None:
        return None
    return connection.scalar(text("SELECT obj_description(CAST(:table AS regclass))"), {"table": _TABLE}) or ""


def newest_revision() -> str:
    """Return the last migration of the procrastinate that is installed."""
    return max(_migrations())


def require_newest(connection: Connection) -> None:
    """Do nothing when the job table is as the installed procrastinate wants it.

    Raises:
        StorageError: it is not; the sentence says which command mends it.
    """
    if revision(connection) != newest_revision():
        raise StorageError(
            "the database has no job table for engine = 'cluster', or an old one; run 'earmark db upgrade'",
            permanent=True,
        )


def _migrations() -> dict[str, str]:
    """Their migrations by name, in order: the names begin with the version that brought them."""
    folder = resources.files("procrastinate.sql.migrations")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return {file.name.removesuffix(".sql"): file.read_text("utf-8") for file in files}


def _migrate(connection: Connection, statements: str) -> None:
    """Apply one of their migrations: whole, unless it adds a word to a type, which must be committed to be used."""
    if "ADD VALUE" not in statements:
        _run(connection, statements)
        return
    for statement in _STATEMENT.findall(statements):
        if statement.strip():
            _run(connection, statement)
            connection.commit()


def _note(connection: Connection, name: str) -> None:
    _run(connection, f"COMMENT ON TABLE {_TABLE} IS '{name}'")
    connection.commit()


def _run(connection: Connection, statements: str) -> None:
    # Several statements in one string: the driver takes them only without parameters, SQLAlchemy always brings some.
    if not connection.in_transaction():
        connection.begin()
    connection.connection.cursor().execute(statements)
