"""``earmark db backup`` and ``earmark db restored``: copies, and going on from one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy import Engine as Database

from bot.app import open_database
from bot.config import Settings
from bot.errors import EarmarkError, InputError, StorageError
from bot.parts import utc_now
from bot.soundness import audited
from storage import backup, db, relocation


def back_up(settings: Settings, file: Path, *, now: Callable[[], datetime] = utc_now) -> None:
    """Copy the SQLite database into ``file`` and verify the copy; Earmark may run meanwhile.

    Raises:
        InputError: the database is none that can be copied so, or the file exists.
        StorageError: the copy cannot be made, or its ledger does not verify.
    """
    database = open_database(settings)
    if database.dialect.name != "sqlite":
        raise InputError("this database is PostgreSQL: back it up with pg_dump, as docs/operating.md says")
    made_at = now()
    try:
        db.require_newest(database)
        backup.copy(database, file)
    finally:
        database.dispose()
    report = _marked(db.connect(f"sqlite:///{file}"), made_at)
    size = file.stat().st_size / 2**20
    click.echo(
        f"{file}: {size:,.1f} MiB, whole and on the disk. Its ledger verifies: {report['journals']} journals, head"
        f" {str(report['head'])[:16]}.\nIt holds what people wrote: keep it as safe as the database itself."
    )


def _marked(copy: Database, made_at: datetime) -> dict[str, object]:
    """Tell the copy that it is one, and verify its ledger."""
    try:
        with db.transaction(copy) as session:
            relocation.copied(session, made_at=made_at)
        with db.reading(copy) as session:
            report = audited(session)
    finally:
        copy.dispose()
    if report["problem"]:
        raise StorageError(f"the copy was made, but its ledger does not verify: {report['problem']}; keep an older one")
    return report


def restored(settings: Settings, made_at: datetime | None) -> None:
    """Note that the database was put back from a copy made then; without a time, when it last did something.

    Raises:
        EarmarkError: the database has never done anything.
    """
    database = open_database(settings)
    try:
        db.require_newest(database)
        with db.transaction(database) as session:
            at = made_at or relocation.last_sign(session)
            if at is None:
                raise EarmarkError("this database is new: nothing was ever posted from it, so there is nothing to note")
            relocation.copied(session, made_at=at)
    finally:
        database.dispose()
    click.echo(
        f"Noted: this database is a copy of {at:%Y-%m-%d %H:%M:%S} UTC. Cards posted since then are looked for in Slack"
        " before any is posted again. Start Earmark."
    )
