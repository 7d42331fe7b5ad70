"""``earmark db move``: an installation leaves SQLite for PostgreSQL with one command."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import click
from sqlalchemy import Engine as Database
from sqlmodel import Session

from bot import config
from bot.app import open_database
from bot.config import Settings
from bot.errors import ConfigError, InputError, StorageError
from bot.parts import utc_now
from bot.soundness import audited
from storage import db, ledger_reports, moving


def run(settings: Settings, *, to_url: str, to_env: str, now: Callable[[], datetime] = utc_now) -> None:
    """Move everything to the database that ``to_url``, or the environment variable ``to_env``, names.

    Raises:
        InputError: that is no PostgreSQL, or has a password where others can read it.
        StorageError: a bot is at work, the new database is not empty, or the copy does not verify.
    """
    old, new = open_database(settings), _target(to_url, to_env)
    try:
        db.require_newest(old)
        if db.revision(new) is None:
            db.upgrade(new)
        db.require_newest(new)
        with _progress() as progress:
            rows = moving.move(old, new, check=_check, now=now(), progress=progress)
        where = new.url.render_as_string(hide_password=True)
    finally:
        old.dispose()
        new.dispose()
    count, tables = sum(rows.values()), sum(1 for rows_of in rows.values() if rows_of)
    click.echo(
        f"Moved {count:,} rows of {tables} tables to {where}; the ledger verifies there with the same head.\n"
        "Now name that database in earmark.database_url_env, or earmark.database_url, and start Earmark.\n"
        "The old database is closed: no Earmark starts on it. Keep it until the new one has a backup."
    )


def _target(url: str, variable: str) -> Database:
    if bool(url) == bool(variable):
        raise InputError("say where to move to: either --to URL, or --to-env and the variable that holds the URL")
    if url and config.has_password(url):
        raise InputError(
            "--to: a password here could be read by everybody on this machine; put the URL into an environment"
            " variable, and name that with --to-env"
        )
    try:
        target = db.connect(config.secret(variable).get_secret_value() if variable else url)
    except ConfigError as error:
        raise InputError(str(error).replace("earmark.database_url:", "--to:")) from error
    if target.dialect.name != "postgresql":
        raise InputError(f"--to: {target.dialect.name} is not PostgreSQL; write postgresql://user@host/name")
    return target


def _check(old: Session, new: Session) -> None:
    """Verify the whole chain where it now is.

    Raises:
        StorageError: it does not verify, or is not the one that was there.
    """
    report, before = audited(new), ledger_reports.totals(old)
    if report["problem"]:
        raise StorageError(
            f"the ledger does not verify ({report['problem']}); nothing was moved: see 'earmark ledger verify'"
        )
    if (report["journals"], report["head"]) != (before.journals, before.head):
        raise StorageError("the ledger's last journal is not the same in both databases; nothing was moved")


@contextmanager
def _progress() -> Iterator[moving.Progress]:
    """A bar on standard error while somebody watches."""
    if not sys.stderr.isatty():
        yield lambda _table, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description:>26}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("moving", total=None)
        yield lambda table, done, total: bar.update(task, description=table, completed=done, total=total)
