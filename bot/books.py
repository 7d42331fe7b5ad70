"""``earmark ledger`` and ``earmark db``: what an operator or an auditor asks of the database."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
import structlog
from sqlalchemy import Engine as Database

from bot.app import open_database
from bot.config import Settings
from bot.errors import StorageError
from bot.parts import utc_now
from bot.soundness import audited
from storage import db, ledger, vitals
from storage.vitals import Check


def upgrade(settings: Settings) -> str:
    """Bring the database to the newest schema; return a sentence.

    Raises:
        StorageError: the database is unreachable.
    """
    database = open_database(settings)
    before = db.revision(database)
    after = db.upgrade(database)
    database.dispose()
    return f"The database is at schema {after}" + (" already." if before == after else f" (was {before or 'empty'}).")


def verify(settings: Settings, *, as_json: bool, rebuild_sums: bool = False) -> bool:
    """Recompute the ledger and compare its TAG balance with the live tags; print the verdict; True when all holds.

    With ``rebuild_sums`` the sums that reports read are counted anew from the journals before.

    Raises:
        StorageError: the database is unreachable or has an older schema.
    """
    database = open_database(settings)
    db.require_newest(database)
    if rebuild_sums:
        with db.transaction(database) as session:
            ledger.rebuild_sums(session)
    with db.reading(database) as session, _progress() as progress:
        report = audited(session, progress)
    _keep(database, report)
    database.dispose()
    click.echo(json.dumps(report) if as_json else _sentence(report))
    return bool(report["ok"])


def _keep(database: Database, report: dict[str, object]) -> None:
    """Tell ``earmark status`` and the metrics of it; a copy that can only be read is verified all the same."""
    found = Check(utc_now(), int(str(report["journals"])), str(report["problem"]))
    try:
        with db.transaction(database) as session:
            vitals.record_check(session, found)
    except StorageError as error:
        structlog.get_logger(__name__).warning("check_not_kept", error=str(error))


def _sentence(report: dict[str, object]) -> str:
    if report["problem"]:
        return f"The ledger does NOT verify: {report['problem']}."
    return (
        f"The ledger verifies: {report['journals']} journals, chain and sums recomputed; "
        f"TAG balance {report['tag_balance']} = live tags {report['live_tags']}; head {str(report['head'])[:16]}."
    )


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """A bar on standard error while somebody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("verifying journals", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
