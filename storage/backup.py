"""Copies an SQLite database while others write to it: one consistent moment, whole on the disk or not there at all."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy import Engine

from bot.errors import InputError, StorageError


def copy(engine: Engine, file: Path) -> None:
    """Write a copy of the database into ``file``, which must not exist; only its owner may read it.

    Raises:
        InputError: the file exists, or cannot be written where it is asked for.
        StorageError: the database cannot be read, or the copy is damaged.
    """
    if file.exists():
        raise InputError(f"{file}: it exists already; name a file that does not, so that no older copy is lost")
    part = file.with_name(f"{file.name}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        _copy_into(engine, part)
        _on_the_disk(part)
        part.rename(file)
        _on_the_disk(file.parent)
    except FileExistsError as error:
        raise InputError(f"{part}: a backup into it runs, or was broken off; remove it if none runs") from error
    except OSError as error:
        _remove(part)
        raise InputError(f"{file}: it cannot be written ({error.strerror}); check its folder and its disk") from error
    except BaseException:
        _remove(part)
        raise


def _copy_into(engine: Engine, part: Path) -> None:
    """All pages in one step: in several, each write of another process would begin the copy anew."""
    try:
        with closing(sqlite3.connect(part)) as target, closing(engine.raw_connection()) as source:
            driver = source.driver_connection
            if not isinstance(driver, sqlite3.Connection):
                raise StorageError("only an SQLite database can be copied so", permanent=True)
            driver.backup(target)
            # No -wal file beside the copy: it is one file, to be carried anywhere.
            target.execute("PRAGMA journal_mode=DELETE")
            damage = target.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise StorageError(f"the copy was not made ({error}); check the disk of {part.parent}") from error
    if damage != "ok":
        raise StorageError(f"the copy is damaged ({damage}); the database itself may be: run 'earmark ledger verify'")


def _on_the_disk(path: Path) -> None:
    """Have the kernel write it out, so that it survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(part: Path) -> None:
    for name in (part, part.with_name(f"{part.name}-journal"), part.with_name(f"{part.name}-wal")):
        with suppress(OSError):
            name.unlink()
