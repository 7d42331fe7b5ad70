"""What commands do: tag, check, poll, verify, and the demo."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import sys
from pathlib import Path

import pytest

from bot import app
from bot.cli import main
from tests.installation import ToldTagger, give_tables, line
from tests.terminal import Ended, Terminal, run


def tagged(ended: Ended) -> list[tuple[str, list[str], str]]:
    return [(one["id"], one["tags"], one["reason"]) for one in map(json.loads, ended.out.splitlines())]


def test_json_lines_are_tagged_under_their_own_ids(terminal: Terminal) -> None:
    terminal.feed({"id": "p1", "text": "praise/praise: thanks"}, {"external_id": 7, "text": "hm"}, {"text": "hm"})

    ended = terminal.type("tag", "feed.jsonl")

    assert ended.code == 0
    assert tagged(ended) == [("p1", ["praise"], "praise"), ("7", [], "unclassified"), ("3", [], "unclassified")]
    assert set(json.loads(ended.out.splitlines()[0])) >= {
        *("id", "text", "tags", "primary", "scores", "confidence", "reason", "language", "model")
    }


def test_plain_lines_from_standard_input_are_tagged_under_their_numbers(terminal: Terminal) -> None:
    ended = terminal.type("tag", stdin=b"complaint/where_is_it: where is it\r\n\n  \npraise: ta")

    assert ended.code == 0
    assert tagged(ended) == [("1", ["complaint"], "where_is_it"), ("4", ["praise"], "unclassified")]


@pytest.mark.parametrize("stdin", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_nothing_to_tag_is_no_error(terminal: Terminal, stdin: bytes) -> None:
    assert terminal.type("tag", stdin=stdin) == Ended(0, "", "")


def test_binary_rubbish_is_tagged_as_the_text_it_is_not(terminal: Terminal) -> None:
    ended = terminal.type("tag", stdin=b"\x00\xff\xfe\x80\n\xed\xa0\x80\x1b[31m\n")

    assert ended.code == 0
    assert [one["id"] for one in map(json.loads, ended.out.splitlines())] == ["1", "2"]


def test_broken_json_is_named_by_its_line_and_the_rest_is_tagged(terminal: Terminal) -> None:
    stdin = b'{"id": 1, "text": "praise: ta"}\n{broken\n{"id": 3}\n[1]\n{"id": 5, "text": "hm"}\n'

    ended = terminal.type("tag", stdin=stdin)

    assert ended.code == 2
    assert [one for one, _, _ in tagged(ended)] == ["1", "5"]
    assert [re.findall(r"line \d", one) for one in ended.err.splitlines()[:3]] == [["line 2"], ["line 3"], ["line 4"]]
    assert ended.err.splitlines()[3] == "earmark: standard input: 3 lines could not be read and were passed over"


@pytest.mark.slow
def test_a_reader_that_has_had_enough_is_no_error() -> None:
    shell = shutil.which("bash")
    assert shell
    script = 'seq 3000 | "$0" -c "from bot.cli import main; main()" tag | head -1; echo "${PIPESTATUS[1]}"'

    ended = run([shell, "-c", script, sys.executable])

    first, code = ended.stdout.splitlines()
    assert json.loads(first)["id"] == "1"
    assert (code, ended.stderr) == ("0", "")


def test_check_proves_every_part_and_stores_nothing(terminal: Terminal) -> None:
    terminal.configure()
    terminal.feed(line(1, "hm"), line(2, "hm"))

    ended = terminal.type("check")

    assert ended.code == 0
    assert [re.sub(r":.*", "", one) for one in ended.out.splitlines()] == [
        "ok    config",
        "ok    routes",
        "ok    database",
        "ok    taxonomy",
        "ok    model",
        "ok    channel feed",
        "ok    slack",
        "All is well.",
    ]
    assert "ok    channel feed: answers; 2 mentions wait" in ended.out
    assert "reachable and empty" in terminal.type("check").out


def test_check_goes_on_after_a_part_that_fails(terminal: Terminal) -> None:
    config = terminal.configure(more="[slack]")
    config.write_text(
        config.read_text().replace('queue = "care"\n', 'queue = "care"\nreason = "no_such"\n\n[[routes]]\nqueue="care"')
    )
    (terminal.folder / "feed.jsonl").unlink()

    ended = terminal.type("check")

    assert ended.code == 2
    assert "FAIL  routes: routes[1].reason: the taxonomy has no reason 'no_such'" in ended.out
    assert "ok    model" in ended.out
    assert "FAIL  channel feed: " in ended.out
    assert "FAIL  slack: the environment variable SLACK_BOT_TOKEN is not set" in ended.out
    assert "of the checks failed; mend them from the top." in ended.out


def test_the_database_can_be_upgraded_twice(terminal: Terminal) -> None:
    terminal.configure()

    first, second = terminal.type("db", "upgrade"), terminal.type("db", "upgrade")

    assert (first.code, second.code) == (0, 0)
    assert re.fullmatch(r"The database is at schema \w+ \(was empty\)\.\n", first.out)
    assert re.fullmatch(r"The database is at schema \w+ already\.\n", second.out)


def test_poll_says_what_came_and_a_backfill_stores_nothing_twice(terminal: Terminal) -> None:
    terminal.configure()
    give_tables(terminal.folder / "e.sqlite")
    terminal.feed(*(line(number, "hm", minutes=number) for number in range(700)))
    with (terminal.folder / "feed.jsonl").open("a") as feed:
        feed.write("{broken\n")

    first = terminal.type("poll", "feed")
    again = terminal.type("poll", "feed")
    back = terminal.type("poll", "feed", "--since", "2026-11-18T18:40")

    assert first.out == "feed: 700 mentions read, 700 of them new, 1 could not be read (see the board, Channels).\n"
    assert again.out == "feed: 0 mentions read, 0 of them new, 0 could not be read.\n"
    assert back.out.startswith("feed: 120 mentions read, 0 of them new, ")


def worked(terminal: Terminal) -> Path:
    """A database with ten cases in its books."""
    terminal.configure()
    database = terminal.folder / "e.sqlite"
    give_tables(database)
    terminal.feed(*(line(number, "complaint/where_is_it: where is it") for number in range(10)))
    from bot import config

    running = app.build(config.load(terminal.folder / "config.toml"), tagger=ToldTagger())
    running.engine.wake("poll", "feed")
    running.engine.drain()
    running.parts.database.dispose()
    terminal.capture.readouterr()
    return database


def test_verify_says_that_the_ledger_verifies(terminal: Terminal) -> None:
    worked(terminal)

    ended = terminal.type("ledger", "verify")
    report = json.loads(terminal.type("ledger", "verify", "--json").out)

    assert ended.code == 0
    assert "The ledger verifies: 20 journals" in ended.out
    assert "TAG balance 10 = live tags 10" in ended.out
    assert (report["ok"], report["journals"], report["live_tags"], report["tag_balance"]) == (True, 20, 10, 10)


def tamper(database: Path, *statements: str) -> None:
    """What somebody could do who has the file and means to."""
    connection = sqlite3.connect(database)
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for statement in [*(f"DROP TRIGGER {name}" for (name,) in names), *statements]:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE ledger_line SET amount = 2 * amount WHERE journal_seq = 4", "4"),
        ("UPDATE ledger_journal SET memo = 'nothing' WHERE seq = 7", "7"),
        ("UPDATE tag SET is_live = 0 WHERE mention_id = 3", "TAG balance of complaint / where_is_it / feed is 10"),
    ],
)
def test_verify_exits_1_and_names_what_was_tampered_with(terminal: Terminal, statement: str, told: str) -> None:
    tamper(worked(terminal), statement)

    ended = terminal.type("ledger", "verify")
    report = json.loads(terminal.type("ledger", "verify", "--json").out)

    assert ended.code == 1
    assert ended.out.startswith("The ledger does NOT verify: ")
    assert re.search(rf"\b{re.escape(told)}\b", ended.out)
    assert report["ok"] is False
    assert told in report["problem"]


@pytest.mark.slow
def test_the_demo_works_the_whole_sample_and_its_counts_add_up(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(sys, "argv", ["earmark", "demo", "--once", "--json"])
    main()
    counts = json.loads(terminal.capture.readouterr().out)

    assert counts["mentions"] >= 300
    assert counts["tagged"] == counts["mentions"]
    assert counts["live_tags"] == counts["tag_balance"] > 0
    assert counts["cases"] == counts["cards"] > 0
    assert counts["cases"] <= counts["mentions"]
    assert counts["journals"] >= counts["tag_balance"] + counts["cases"]
    assert counts["ledger_ok"] is True
