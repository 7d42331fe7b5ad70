"""``earmark ledger statement`` and its siblings: one month's report as a table, as JSON or as CSV."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import click

from bot.app import cost_model_of, open_database
from bot.config import Settings
from bot.errors import InputError
from bot.parts import utc_now
from bot.reporting.ask import Ask, month_of, period
from bot.reports.data import as_data
from bot.reports.render import as_csv, renderables
from storage import db

BUILDERS: Final[Mapping[str, str]] = {
    "statement": "money:statement",
    "grid": "money:grid",
    "recharge": "recharge:recharge",
    "top": "money:top",
    "sensitivity": "money:sensitivity",
    "accuracy": "audits:accuracy",
    "repeats": "contacts:repeats",
    "response": "contacts:response",
    "spikes": "contacts:spikes",
    "promises": "promises:promises",
    "loyalty": "customers:loyalty",
    "experiment": "customers:experiment",
    "requests": "passed:requests",
    "savings": "plans:savings",
    "priorities": "plans:priorities",
    "rate": "plans:rate",
    "budget": "budget:report",
    "value": "value:value",
}
"""Where each report is made, loaded when it is asked for."""

WIDTH: Final = 200
"""Columns of a table that goes into a file or a pipe."""


def run(  # noqa: PLR0913  # the options of the command
    settings: Settings,
    name: str,
    *,
    month: str | None,
    as_json: bool,
    csv_file: Path | None,
    options: Mapping[str, Any] | None = None,
    now: Callable[[], datetime] = utc_now,
) -> None:
    """Print a report with its footer, or write it as CSV.

    Raises:
        InputError: the month cannot be read, or the report lacks something that has to be imported.
        StorageError: the database is unreachable or has an older schema.
    """
    if month is not None:
        period(month)
    database = open_database(settings)
    try:
        db.require_newest(database)
        with db.reading(database) as session:
            ask = Ask(session, settings, month or "", now(), options or {})
            if month is None:
                ask = Ask(session, settings, month_of(ask.today), ask.now, ask.options)
            _print(ask, name, as_json=as_json, csv_file=csv_file)
    finally:
        database.dispose()


def build(ask: Ask, name: str) -> object:
    """Return a report of :data:`BUILDERS`."""
    module, _, function = BUILDERS[name].partition(":")
    builder = getattr(import_module(f"bot.reporting.{module}"), function)
    return builder(ask, cost_model_of(ask.settings.ledger)) if name == "top" else builder(ask)


def _print(ask: Ask, name: str, *, as_json: bool, csv_file: Path | None) -> None:
    report, footer = build(ask, name), ask.footer()
    if csv_file is not None:
        write_text(csv_file, f"{as_csv(report)}\n{as_csv(footer)}")
        click.echo(f"{name} of {ask.month} written to {csv_file}. {footer.text}", err=True)
    elif as_json:
        click.echo(json.dumps(as_data(report, footer), ensure_ascii=False))
    else:
        _show(report, ask, name)


def _show(report: object, ask: Ask, name: str) -> None:
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    console.print(f"{name.capitalize()} of {ask.month} - management accounts, memo money", style="bold", markup=False)
    found = False
    for number, part in enumerate(renderables(report, currency=ask.currency, footer=ask.footer())):
        found = found or number > 0
        console.print(part, markup=False)
    if not found:
        console.print("There is nothing to report for this month yet.", markup=False)


def write_text(path: Path, text: str) -> None:
    """Write a file.

    Raises:
        InputError: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
