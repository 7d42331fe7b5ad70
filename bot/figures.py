"""``earmark ledger lines``: the journals and mentions behind a figure of a report."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal

import click
from sqlmodel import Session

from bot.app import open_database
from bot.config import Settings
from bot.errors import InputError
from bot.ledger.accounts import CHART
from bot.ledger.money import display, exponent, symbol
from bot.reporting.ask import period
from bot.reports.render import safe
from storage import db, ledger_lines, report_facts
from storage.ledger_lines import LedgerLine, Wanted

SHOWN: Final = 50
"""Lines that a person is shown; a file gets all."""

_PAGE: Final = 2_000
_COUNTED: Final = ("TAG", "CNT", "SEC")


@dataclass(frozen=True, slots=True)
class Question:
    """The options of the command. ``month`` is such as ``2026-09``; with ``to_date`` all days before count too."""

    month: str
    to_date: bool = False
    unit: str = ""
    account: str = ""
    dept: str | None = None
    reason: str | None = None
    segment: str | None = None
    basis: str | None = None
    pending: bool = False
    late: bool = False
    promises: Literal["only", "without"] | None = None


def wanted(question: Question, *, currency: str) -> Wanted:
    """Return which lines the options ask for.

    Raises:
        InputError: the month cannot be read, or the account is in no chart.
    """
    days = period(question.month)
    if question.account and not any(f"{path}:".startswith(f"{question.account}:") for path in CHART):
        raise InputError(f"--account {question.account}: there is no such account; write one of {', '.join(CHART)}")
    return Wanted(
        first=None if question.to_date or question.pending else days.first,
        last=days.last,
        unit=question.unit or currency,
        account=question.account,
        dept=question.dept,
        reason=question.reason,
        segment=question.segment,
        basis=question.basis,
        status="pending" if question.pending else "posted",
        is_late=question.late,
        open_promises=None if question.promises is None else question.promises == "only",
    )


def run(settings: Settings, question: Question, *, as_json: bool, csv_file: Path | None) -> None:
    """Print the lines behind a figure and what they add up to, or write all of them into a file.

    Raises:
        InputError: an option cannot be understood, or the file not be written.
        StorageError: the database is unreachable or has an older schema.
    """
    period(question.month)
    database = open_database(settings)
    try:
        db.require_newest(database)
        with db.reading(database) as session:
            currency = report_facts.currency(session) or settings.ledger.currency
            _tell(session, wanted(question, currency=currency), as_json=as_json, csv_file=csv_file)
    finally:
        database.dispose()


def _tell(session: Session, what: Wanted, *, as_json: bool, csv_file: Path | None) -> None:
    if csv_file is not None:
        _write(csv_file, session, what)
        click.echo(f"{_summed(session, what)} All lines are in {csv_file}.", err=True)
    elif as_json:
        _print_json(session, what)
    else:
        for row in told(session, what, limit=SHOWN):
            click.echo(_line(row, what.unit))
        click.echo(_summed(session, what))


def told(session: Session, what: Wanted, *, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """Yield the lines with the mentions of their cases, a page at a time."""
    found = ledger_lines.lines(session, what, limit=limit)
    while page := list(islice(found, _PAGE)):
        mentions = ledger_lines.mentions_of(session, [line.case_id for line in page])
        yield from (_row(line, mentions) for line in page)


def _row(line: LedgerLine, mentions: dict[str, list[int]]) -> dict[str, Any]:
    return {**line._asdict(), "date": line.date.isoformat(), "mentions": mentions.get(line.case_id, [])}


def _print_json(session: Session, what: Wanted) -> None:
    found = ledger_lines.total(session, what)
    click.echo(f'{{"unit": {json.dumps(what.unit)}, "amount": {found.amount}, "journals": {found.journals}, "lines": [')
    before = ""
    for row in told(session, what):
        click.echo(f"{before}{json.dumps(row, ensure_ascii=False)}", nl=False)
        before = ",\n"
    click.echo("]}")


def _write(path: Path, session: Session, what: Wanted) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([*LedgerLine._fields, "mentions"])
            for row in told(session, what):
                values = {**row, "mentions": " ".join(map(str, row["mentions"]))}
                writer.writerow([safe(value) if isinstance(value, str) else value for value in values.values()])
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def _line(row: dict[str, Any], unit: str) -> str:
    about = f"case {row['case_id']}, mentions {', '.join(map(str, row['mentions']))}" if row["case_id"] else ""
    what = f"{row['seq']:>8}  {row['date']}  {row['kind']:<14}"
    place = f"{row['account']:<30} {row['dept']:<16} {row['reason']:<16} {row['basis']}"
    return f"{what} {place} {_amount(row['amount'], unit):>12}  {about}".rstrip()


def _amount(amount: int, unit: str) -> str:
    return f"{amount:,}" if unit in _COUNTED else display(amount, exponent=exponent(unit), symbol=symbol(unit))


def _summed(session: Session, what: Wanted) -> str:
    found = ledger_lines.total(session, what)
    more = f" The first {SHOWN} lines are shown; --csv FILE writes all." if found.lines > SHOWN else ""
    return f"{_amount(found.amount, what.unit)} in {found.lines:,} lines of {found.journals:,} journals.{more}"
