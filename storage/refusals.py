"""What a database that refuses means, and what to do about it: full, read-only, locked, or away."""

from __future__ import annotations

import sqlite3
from enum import StrEnum
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from bot.errors import StorageError


class Refusal(StrEnum):
    """Why a database did not do what it was asked; the ``code`` of a :class:`~bot.errors.StorageError`."""

    FULL = "full"
    READ_ONLY = "read_only"
    LOCKED = "locked"
    OTHER = "other"


_SENTENCES: Final = {
    Refusal.FULL: "the disk of the database {where} is full ({reason}); free some space: nothing is lost, and the"
    " work goes on by itself",
    Refusal.READ_ONLY: "the database {where} can only be read ({reason}); let the user of this process write the file"
    " and its folder, or on PostgreSQL connect to the primary; the work then goes on by itself",
    Refusal.LOCKED: "the database {where} is locked by somebody else ({reason}); it is tried again by itself, so look"
    " for a long import, a backup by hand or an open sqlite3 only if this stays",
    Refusal.OTHER: "the database {where} refused or did not answer ({reason}); check that it runs, its address and its"
    " disk",
}

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_SQLSTATES: Final = {
    "53100": Refusal.FULL,
    "25006": Refusal.READ_ONLY,
    "55P03": Refusal.LOCKED,
    "40P01": Refusal.LOCKED,
}


def refused(engine: Engine, error: SQLAlchemyError) -> StorageError:
    """Return a driver's error as one sentence, without statement and parameters: those hold text of mentions."""
    said = error.orig if isinstance(error, DBAPIError) else None
    refusal = _refusal(said)
    reason = str(said).strip().splitlines()[0] if str(said or "").strip() else type(error).__name__
    where = engine.url.render_as_string(hide_password=True)
    return StorageError(_SENTENCES[refusal].format(where=where, reason=reason), code=refusal.value)


def _refusal(error: BaseException | None) -> Refusal:
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(getattr(error, "sqlite_errorname", "") or "")
    return _SQLSTATES.get(getattr(error, "sqlstate", None) or "", Refusal.OTHER)


def _of_sqlite(name: str) -> Refusal:
    # Extended codes, such as SQLITE_BUSY_SNAPSHOT, begin with the plain ones: https://sqlite.org/rescode.html
    if name.startswith("SQLITE_FULL"):
        return Refusal.FULL
    if name.startswith("SQLITE_READONLY"):
        return Refusal.READ_ONLY
    return Refusal.LOCKED if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) else Refusal.OTHER
