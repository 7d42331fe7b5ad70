"""``earmark ledger reclass`` on the terminal: how far it is, and what moved."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from bot import app, reclass
from bot.app import Role
from bot.config import Settings
from bot.reclass import Reclassified
from bot.reports.data import as_data
from bot.reports.figures import counted
from storage import db


def run(settings: Settings, *, dry_run: bool, as_json: bool) -> None:
    """Apply the present configuration to the open periods, and print what moved between which accounts.

    Raises:
        StorageError: the database is unreachable or has an older schema.
    """
    # A role that polls nothing and serves nothing: the command needs the database and the cost model.
    parts = app.build(settings, role=Role.WORK).parts
    try:
        db.require_newest(parts.database)
        with _progress() as advance:
            found = reclass.run(parts, dry_run=dry_run, advance=advance)
    finally:
        parts.database.dispose()
    if as_json:
        click.echo(json.dumps({**_data(found), "dry_run": dry_run}, ensure_ascii=False))
    else:
        _show(found, settings.ledger.currency, dry_run=dry_run)


def _data(found: Reclassified) -> dict[str, object]:
    data = as_data(found)
    return dict(data) if isinstance(data, dict) else {}


def _show(found: Reclassified, currency: str, *, dry_run: bool) -> None:
    from rich.console import Console

    from bot.reports.render import renderables

    verb = "would be" if dry_run else "were"
    if not found.journals:
        click.echo(f"Nothing changes: what is open says the same under {found.config_version}.")
        return
    click.echo(
        f"{counted(found.cases, 'case')} {verb} brought to {found.config_version}"
        f" with {counted(found.journals, 'journal')}."
    )
    if found.moved:
        console = Console() if sys.stdout.isatty() else Console(width=120)
        for part in renderables(found.moved, currency=currency):
            console.print(part, markup=False)
    else:
        click.echo("No posted amount moves between accounts.")


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    """A count on standard error while somebody watches."""
    if not sys.stderr.isatty():
        yield lambda _cases: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("cases", total=None)
        yield lambda cases: bar.advance(task, cases)
