"""The ledger's commands as an operator types them: what they print, and with which code they end."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine

from bot import cli
from bot.cli_reports import _HELP as REPORTS
from bot.imports.kinds import KINDS
from bot.reporting.command import BUILDERS
from tests.installation import Installation, line, work
from tests.terminal import Earmark, terminal

VECTORS = Path(__file__).parent / "ledger" / "vectors"


@pytest.fixture
def earmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Earmark]:
    """Runs the command line in a folder with a config."""
    with terminal(tmp_path, monkeypatch, capsys) as run:
        yield run


@pytest.fixture
def worked(tmp_path: Path, earmark: Earmark) -> None:
    """One complaint, posted on 18 November 2026, of which nobody has taken care yet."""
    place = Installation(tmp_path, f"sqlite:///{tmp_path / 'earmark.sqlite'}")
    place.publish([line(1, "complaint/billing_error: =cmd|charged twice", author="ann")])
    app = place.open()
    work(app)
    app.parts.database.dispose()


def test_the_command_line_knows_every_report_and_every_kind_of_import() -> None:
    assert set(REPORTS) == set(BUILDERS)
    assert set(cli.IMPORTS) == set(KINDS)


@pytest.mark.usefixtures("worked")
def test_a_report_is_a_table_with_a_footer(earmark: Earmark) -> None:
    code, out, _ = earmark("ledger", "grid", "--period", "2026-11")

    assert code == 0
    assert "Grid of 2026-11 - management accounts, memo money" in out
    assert "placeholders nobody approved yet: ledger.cost.rate_minor_per_hour, minutes of 17 reasons." in out


@pytest.mark.usefixtures("worked")
def test_a_report_as_json_is_one_object(earmark: Earmark) -> None:
    code, out, _ = earmark("ledger", "statement", "--period", "2026-11", "--json")

    report = json.loads(out)
    assert code == 0
    assert report["period"] == ["2026-11-01", "2026-11-30"]
    assert (report["contact_cost"]["total"], report["pending_minor"]) == (0, 450)
    assert report["footer"]["placeholders"] == ["ledger.cost.rate_minor_per_hour", "minutes of 17 reasons"]


@pytest.mark.usefixtures("worked")
def test_a_report_as_csv_goes_into_a_file(earmark: Earmark, tmp_path: Path) -> None:
    code, out, err = earmark("ledger", "statement", "--period", "2026-11", "--csv", "statement.csv")

    rows = list(csv.reader((tmp_path / "statement.csv").read_text("utf-8").splitlines()))
    assert (code, out) == (0, "")
    assert "statement of 2026-11 written to statement.csv" in err
    assert ["Pending, in none of the figures", "450"] in rows


@pytest.mark.usefixtures("worked")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("ledger", "grid", "--period", "September"), "--period September: this is no month; write such as 2026-09"),
        (("ledger", "savings", "--period", "2026-11"), "there is no driver 'orders' from"),
        (("ledger", "experiment", "calls"), "there is no experiment 'calls'"),
        (("ledger", "priorities"), "say what twelve months' operating expense is: --opex, or ledger.priorities"),
        (("ledger", "explain", "99"), "there is no case 99, and no journal about one"),
        (("ledger", "replay", "nowhere.json"), "cannot read nowhere.json"),
        (("ledger", "export", "--beancount", "nowhere/a.beancount"), "cannot write nowhere/a.beancount"),
        (("import", "customers", "nowhere.csv"), "cannot read nowhere.csv: it is no file"),
        (("import", "weather", "a.csv"), "'weather' is not one of"),
    ],
)
def test_bad_input_ends_with_one_sentence_and_code_2(
    earmark: Earmark, arguments: tuple[str, ...], sentence: str
) -> None:
    code, out, err = earmark(*arguments)

    assert (code, out) == (2, "")
    assert sentence in err
    assert "Traceback" not in err


def test_a_report_on_an_old_schema_says_what_to_do(earmark: Earmark) -> None:
    code, _, err = earmark("ledger", "statement")

    assert code == 2
    assert "run 'earmark db upgrade'" in err


@pytest.mark.usefixtures("worked")
def test_explain_tells_the_journals_of_a_case_and_its_mentions(earmark: Earmark) -> None:
    code, out, _ = earmark("ledger", "explain", "1")

    assert code == 0
    assert out.splitlines() == [
        (
            "      1  2026-11-18  The mention was tagged complaint (billing error) and counts as a contact;"
            " liability because that is the reason's place."
        ),
        (
            "      2  2026-11-18 (pending)  Work is expected; it is in no cost until somebody works;"
            " 9 min 00 s estimated to billing on Expenses:Contact:Waste,"
            " £4.50 estimated to billing on Expenses:Contact:Waste; liability because that is the reason's place."
        ),
        "Mentions of case 1: 1 (2026-11-18 09:00 UTC).",
    ]
    assert "charged twice" not in out


@pytest.mark.usefixtures("worked")
def test_explain_as_json_names_journals_and_mentions(earmark: Earmark) -> None:
    _, out, _ = earmark("ledger", "explain", "1", "--json")

    told = json.loads(out)
    assert [(one["seq"], one["kind"], one["is_pending"]) for one in told["journals"]] == [
        (1, "tag", False),
        (2, "cost_hold", True),
    ]
    assert told["mentions"] == [{"id": 1, "posted_at": "2026-11-18T09:00:00+00:00"}]


@pytest.mark.parametrize("how", ["beside the cost model", "alone", "with --cost"])
def test_replay_prints_what_the_worked_book_expects(earmark: Earmark, tmp_path: Path, how: str) -> None:
    book = (VECTORS / "02_postings.json").read_text("utf-8")
    (tmp_path / "book.json").write_text(book, encoding="utf-8")
    file = str(VECTORS / "02_postings.json") if how == "beside the cost model" else "book.json"
    more = ["--cost", str(VECTORS / "01_cost_model.json")] if how == "with --cost" else []

    code, out, _ = earmark("ledger", "replay", file, *more, "--json")

    assert code == 0
    assert json.loads(out) == json.loads(book)["expect"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("[]", "must hold one JSON object"), ("{", "is not JSON"), ('{"events": [{"id": "e1"}]}', "event e1")],
)
def test_a_book_that_cannot_be_replayed_says_why(earmark: Earmark, tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "book.json").write_text(content)

    code, _, err = earmark("ledger", "replay", "book.json", "--json")

    assert code == 2
    assert sentence in err


def test_an_import_makes_its_database_says_what_came_and_ends_with_2_when_a_line_did_not(
    earmark: Earmark, tmp_path: Path
) -> None:
    (tmp_path / "drivers.csv").write_text("name,date,quantity\norders,2026-09-01,100\norders,yesterday,100\n")

    first = earmark("import", "drivers", "drivers.csv")
    (tmp_path / "drivers.csv").write_text("name,date,quantity\norders,2026-09-01,100\n")
    second = earmark("import", "drivers", "drivers.csv")

    assert first == (
        2,
        "drivers: 2 lines read, 1 imported, 0 changed, 0 known already, 1 rejected (see drivers.csv.rejects.csv).\n",
        "",
    )
    assert second == (0, "drivers: 1 lines read, 0 imported, 0 changed, 1 known already, 0 rejected.\n", "")


def test_a_dry_run_says_so(earmark: Earmark, tmp_path: Path) -> None:
    (tmp_path / "drivers.csv").write_text("name,date,quantity\norders,2026-09-01,100\n")

    _, out, _ = earmark("import", "drivers", "drivers.csv", "--dry-run")

    assert out == "drivers: 1 lines read, 1 would be imported, 0 would be changed, 0 known already, 0 rejected.\n"


@pytest.mark.usefixtures("worked")
def test_the_export_is_a_file_with_every_journal(earmark: Earmark, tmp_path: Path) -> None:
    code, out, _ = earmark("ledger", "export", "--beancount", "ledger.beancount")

    text = (tmp_path / "ledger.beancount").read_text("utf-8")
    assert (code, out) == (0, "2 journals written to ledger.beancount.\n")
    assert '2026-11-18 * "tag" ""' in text
    assert '; pending: 2026-11-18 * "cost_hold" ""' in text
    assert "charged twice" not in text
    assert not (tmp_path / "ledger.beancount.part").exists()


# -- the nightly summary -------------------------------------------------------------------------------------------


@pytest.fixture
def the_next_day() -> Iterator[None]:
    """It is ten past eight on 19 November 2026."""
    with time_machine.travel(datetime(2026, 11, 19, 8, 10, tzinfo=UTC)):
        yield


@pytest.fixture
def with_slack(tmp_path: Path, worked: None) -> None:
    """The same configuration with a Slack channel for summaries."""
    with (tmp_path / "config.toml").open("a") as file:
        file.write('[slack]\n[summary]\nslack_channel = "C0EXEC"\n')


@pytest.mark.usefixtures("worked", "the_next_day")
def test_the_summary_is_that_of_yesterday(earmark: Earmark) -> None:
    code, out, err = earmark("summary")

    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0].startswith("*Value / waste ledger — Wed 18 Nov 2026* · Nov day 18 of 30, month open")
    assert lines[1] == "1. *Demand* 1 contact yesterday: 1 complaint, 0 requests, 0 praise. 1 not yet worked."
    assert lines[-1].startswith("_How far to trust this:_ no tag audited yet")


@pytest.mark.usefixtures("worked", "the_next_day")
def test_the_summary_as_json_has_the_lines_and_the_figures(earmark: Earmark) -> None:
    code, out, _ = earmark("summary", "--date", "2026-11-18", "--json")

    found = json.loads(out)
    assert (code, found["date"], found["ok"], found["post"]) == (0, "2026-11-18", True, None)
    assert found["night"]["demand"] == {
        "contacts": 1, "complaints": 1, "requests": 0, "praise": 0, "pending": 1, "usual": None
    }  # fmt: skip
    assert (found["night"]["waste"], found["night"]["promises"]) == (None, None)
    assert len(found["lines"]) == 3


@pytest.mark.usefixtures("worked", "the_next_day")
def test_the_figures_of_a_summary_go_into_a_file(earmark: Earmark, tmp_path: Path) -> None:
    code, _, _ = earmark("summary", "--csv", str(tmp_path / "figures.csv"))
    missing = earmark("summary", "--csv", str(tmp_path / "no" / "figures.csv"))

    rows = (tmp_path / "figures.csv").read_text(encoding="utf-8").splitlines()
    assert (code, rows[:2]) == (0, ["date,line,figure,value", "2026-11-18,1,demand.contacts,1"])
    assert (missing[0], "cannot write" in missing[2]) == (2, True)


@pytest.mark.usefixtures("with_slack", "the_next_day")
def test_a_summary_is_ordered_once_a_date(earmark: Earmark, tmp_path: Path) -> None:
    answers = [earmark("summary", "--post"), earmark("summary", "--post"), earmark("summary", "--post", "--json")]

    with sqlite3.connect(tmp_path / "earmark.sqlite") as connection:
        query = "SELECT slack_channel, detail FROM outbox_message WHERE kind = 'summary'"
        placed = connection.execute(query).fetchall()
        under = connection.execute("SELECT id FROM outbox_message WHERE kind = 'summary_thread'").fetchall()
    connection.close()
    assert placed == [("C0EXEC", '{"date": "2026-11-18"}')]
    assert len(under) == 1
    assert [code for code, _, _ in answers] == [0, 0, 0]
    assert answers[0][2] == "Ordered for C0EXEC; the running bot sends it.\n"
    assert answers[1][2] == "Ordered before for C0EXEC; the running bot sends it.\n"
    assert json.loads(answers[2][1])["post"] == "ordered before"


@pytest.mark.usefixtures("worked", "the_next_day")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--date", "2026-11-19"), "--date 2026-11-19: that day is not over in UTC; the last one is 2026-11-18"),
        (("--date", "soon"), "'soon' does not match the format '%Y-%m-%d'"),
        (("--post",), "summary.slack_channel: there is no Slack channel to post in; set it, and [slack]"),
    ],
)
def test_a_summary_that_cannot_be_made_says_why(earmark: Earmark, arguments: tuple[str, ...], sentence: str) -> None:
    code, out, err = earmark("summary", *arguments)

    assert (code, out) == (2, "")
    assert sentence in err


@pytest.mark.usefixtures("worked", "the_next_day")
def test_a_summary_of_a_ledger_that_does_not_verify_is_an_alarm(earmark: Earmark, tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "earmark.sqlite")
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("UPDATE ledger_line SET amount = amount + 1 WHERE id = 1")
    connection.commit()
    connection.close()

    code, out, _ = earmark("summary")

    assert code == 1
    assert len(out.splitlines()) == 1
    assert "ALARM: the ledger does not verify (journal 1 " in out
