"""Root-cause notes: who says what is behind a reason, and where it is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot import notes
from bot.app import App
from bot.cli import cli
from bot.domain import Actor
from bot.errors import InputError
from bot.reporting.ask import Ask
from bot.reporting.money import Top, top
from bot.reports.render import as_csv, shown
from bot.reports.tables import tables
from storage.db import reading
from storage.models_notes import ReasonNote
from tests.installation import Installation, line
from tests.looking import case, rows, take_in

ANN = Actor("slack:UANN", "Ann")
CAUSE = "the carrier scans parcels a day late"


@pytest.fixture
def running(tmp_path: Path, database_url: str) -> Iterator[App]:
    """A resolved complaint about a parcel."""
    place = Installation(tmp_path, database_url)
    running = place.open()
    take_in(running, place, line(1, "complaint/where_is_it: where is my parcel"))
    running.desk.resolve(case(running).id, ANN, action_id="r1")
    yield running
    running.parts.database.dispose()


def dearest(running: App) -> Top:
    with reading(running.parts.database) as session:
        return top(Ask(session, running.parts.settings, "2026-11", running.parts.now()), running.parts.model)


def test_a_note_stands_beside_the_waste_with_who_wrote_it_and_when(running: App) -> None:
    said = notes.write(running.parts, "where_is_it", f" {CAUSE}\n", by="Sue")

    assert said == f"Noted on where_is_it: {CAUSE}"
    assert dearest(running).top[0].root_cause == f"{CAUSE} (Sue, 2026-11-18)"


def test_the_newest_note_counts_and_the_older_ones_stay(running: App) -> None:
    notes.write(running.parts, "where_is_it", "the strike", by="Sue")
    notes.write(running.parts, "where_is_it", CAUSE, by="Tom")

    again = notes.write(running.parts, "where_is_it", CAUSE, by="Tom")

    assert again == "The note on where_is_it says that already."
    assert [(row.text, row.written_by) for row in rows(running, ReasonNote)] == [("the strike", "Sue"), (CAUSE, "Tom")]
    assert dearest(running).top[0].root_cause.startswith(CAUSE)


def test_a_note_is_taken_back_by_an_empty_one(running: App) -> None:
    notes.write(running.parts, "where_is_it", CAUSE, by="Sue")

    said = notes.write(running.parts, "where_is_it", "", by="Sue")

    assert said == "The note on where_is_it is taken back."
    assert dearest(running).top[0].root_cause == ""


def test_a_waste_that_nobody_explains_or_attacks_says_so(running: App) -> None:
    [_, table, *_] = tables(dearest(running))

    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert shown(row["root_cause"], currency="GBP") == "none yet"
    assert shown(row["initiative"], currency="GBP") == "none yet"
    assert {"trend", "repeat_rate"} <= set(row)
    assert "none yet" not in as_csv(dearest(running))


@pytest.mark.parametrize(
    ("reason", "text", "by", "sentence"),
    [
        ("where", CAUSE, "Sue", "there is no reason 'where' in the taxonomy; known: where_is_it, delay_cancel"),
        ("unclassified", CAUSE, "Sue", "there is no reason 'unclassified'"),
        ("where_is_it", CAUSE, " ", "--by: say who writes the note"),
        ("where_is_it", "a" * 281, "Sue", "a note has at most 280 characters, this one 281"),
    ],
)
def test_a_note_that_cannot_be_says_why(running: App, reason: str, text: str, by: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        notes.write(running.parts, reason, text, by=by)


def test_the_command_needs_a_name() -> None:
    done = CliRunner().invoke(cli, ["ledger", "note", "where_is_it", CAUSE])

    assert done.exit_code == 2
    assert "--by" in done.output
