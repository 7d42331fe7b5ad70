"""What an auditor asks of the ledger: a case in plain words, a book replayed, all of it for beancount."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Final

import click

from bot.app import open_database
from bot.config import Settings
from bot.errors import InputError
from bot.ledger.beancount import Export
from bot.ledger.explain import Sentence, explain
from bot.ledger.replay import replay
from bot.parts import utc_now
from bot.reports.data import as_data
from storage import cases, db, ledger, ledger_pages

WORKED_BOOK_COSTS: Final = Path(__file__).parent / "ledger" / "worked_book_costs.json"
"""The cost model of the specification's worked book, for books that bring none."""

_JSON_NAME: Final = re.compile(r"[\w.-]+\.json")


def explain_case(settings: Settings, case_id: int, *, as_json: bool) -> None:
    """Print every journal of a case in plain words, and the mentions that the case is made of.

    Raises:
        InputError: neither the case nor a journal of it exists.
        StorageError: the database is unreachable or has an older schema.
    """
    database = open_database(settings)
    db.require_newest(database)
    with db.reading(database) as session:
        found = explain(ledger.journals_of(session, case_id=str(case_id)))
        view = cases.case_view(session, case_id)
    database.dispose()
    if not found and view is None:
        raise InputError(f"there is no case {case_id}, and no journal about one")
    mentions = [{"id": one.id, "posted_at": one.posted_at} for one in view.mentions] if view else []
    if as_json:
        rows = {"case": case_id, "journals": as_data(found), "mentions": [_mention(one) for one in mentions]}
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for sentence in found:
        click.echo(_line(sentence))
    said = ", ".join(f"{one['id']} ({one['posted_at']:%Y-%m-%d %H:%M} UTC)" for one in mentions)
    click.echo(f"Mentions of case {case_id}: {said or 'none'}.")


def explain_group(settings: Settings, group: str, *, as_json: bool) -> None:
    """Print every journal of a decision about money in plain words, such as those of ``recharge:2026-09``.

    Raises:
        InputError: there is no such journal.
        StorageError: the database is unreachable or has an older schema.
    """
    database = open_database(settings)
    db.require_newest(database)
    with db.reading(database) as session:
        found = explain(ledger.journals_of(session, group_ref=group))
    database.dispose()
    if not found:
        raise InputError(
            f"there is no journal of '{group}'; give the number of a case, or a decision such as recharge:2026-09,"
            " saving:2026-09, budget, experiment:NAME or the id of an initiative"
        )
    if as_json:
        click.echo(json.dumps({"group": group, "journals": as_data(found)}, ensure_ascii=False))
        return
    for sentence in found:
        click.echo(_line(sentence))


def _mention(one: dict[str, Any]) -> dict[str, Any]:
    return {"id": one["id"], "posted_at": one["posted_at"].isoformat()}


def _line(sentence: Sentence) -> str:
    mark = " (pending)" if sentence.is_pending else ""
    return f"{sentence.seq:>7}  {sentence.date}{mark}  {sentence.text}"


def replay_book(file: Path, *, cost_file: Path | None, as_json: bool) -> None:
    """Post a book of events in memory and print its balances.

    Raises:
        InputError: a file cannot be read, or an event not understood.
        LedgerError: an event does not fit the books.
    """
    book = _object(file)
    result = replay(book | {"config": _costs(book, file, cost_file)})
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False))
        return
    click.echo(
        f"{result['journal_count']} journals, {result['live_tags']} live tags, {result['live_contacts']} contacts."
    )
    for row in result["posted_balances"]:
        click.echo(f"{row['account']:<32} {row['dept']:<18} {row['commodity']}/{row['basis']} {row['amount']:>14,}")


def _costs(book: dict[str, Any], file: Path, cost_file: Path | None) -> dict[str, Any]:
    """The cost model to price by: the one asked for, the book's own, the file it names, or that of the worked book."""
    own = book.get("config")
    if cost_file is None and isinstance(own, dict):
        return own
    if not (own is None or isinstance(own, dict | str)):
        raise InputError(f"{file}: config must be a cost model as an object, or a text that names its file")
    named = _JSON_NAME.search(own) if isinstance(own, str) else None
    beside = file.parent / named[0] if named else None
    costs = _object(cost_file or (beside if beside and beside.is_file() else WORKED_BOOK_COSTS))
    found = costs.get("config", costs)
    if not isinstance(found, dict):
        raise InputError(f"{cost_file or beside} must hold a cost model as one JSON object")
    return found


def _object(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text("utf-8"))
        json.dumps(found, ensure_ascii=False).encode()
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeEncodeError as error:
        raise InputError(f"{file} has half a character in a text (a lone \\uD800 to \\uDFFF); correct it") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file} is not JSON") from error
    if not isinstance(found, dict):
        raise InputError(f"{file} must hold one JSON object")
    return found


def export(settings: Settings, file: Path) -> int:
    """Write the whole ledger as beancount text; return the number of journals. Memory does not grow with it.

    Raises:
        InputError: the file cannot be written.
        StorageError: the database is unreachable or has an older schema.
    """
    database = open_database(settings)
    db.require_newest(database)
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as out, db.reading(database) as session:
            total = ledger_pages.count(session)
            with _progress(total) as advance:
                out.writelines(f"{line}\n" for line in _lines(session, advance))
        part.replace(file)
    except OSError as error:
        raise InputError(f"cannot write {file}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
        database.dispose()
    return total


def _lines(session: Any, advance: Callable[[int], None]) -> Iterator[str]:
    writer = Export()
    yield from writer.opening(ledger_pages.first_day(session) or date(utc_now().year, 1, 1))
    for page in ledger_pages.pages(session):
        for journal in page:
            yield from writer.entry(journal)
        advance(len(page))
    yield from writer.closing()


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error while somebody watches."""
    if not sys.stderr.isatty():
        yield lambda _journals: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("writing journals", total=total)
        yield lambda journals: bar.advance(task, journals)
