"""The command line: every command explains itself, and bad input ends in one sentence and exit code 2."""

from __future__ import annotations

import io
import json
import logging
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
import structlog

from bot import app
from bot.cli import cli, main
from tests.installation import ToldTagger, give_tables, line

SECRET = "xoxb-1234-never-print-this"
PASSWORD = "never-print-this-either"
ROOT = Path(__file__).parent.parent
EARMARK = (sys.executable, "-c", "from bot.cli import main; main()")
CONFIG = """
[earmark]
database_url = "sqlite:///{folder}/e.sqlite"
{earmark}

[[channels]]
name = "feed"
connector = "replay"
path = "{folder}/feed.jsonl"

[[queues]]
name = "care"
slack_channel = "C0CARE"

[[routes]]
queue = "care"

{more}
"""


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """What it said when it refused: one line, no traceback."""
        assert self.code == 2, self
        assert "Traceback" not in self.err
        [said] = [one for one in self.err.splitlines() if not one.startswith("{")]
        return said


@dataclass
class Terminal:
    """Types commands in a folder with a config, in this process."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]

    def configure(self, *, earmark: str = "", more: str = "") -> Path:
        (self.folder / "feed.jsonl").touch()
        path = self.folder / "config.toml"
        path.write_text(CONFIG.format(folder=self.folder, earmark=earmark, more=more))
        return path

    def type(self, *arguments: str, stdin: bytes = b"") -> Ended:
        self.monkeypatch.setattr(sys, "argv", ["earmark", *arguments])
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        said = self.capture.readouterr()
        return Ended(code, said.out, said.err)


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Terminal]:
    handlers, level = logging.root.handlers[:], logging.root.level
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(app, "tagger_of", lambda *_: ToldTagger())
    monkeypatch.delenv("SLACK_BOT_TOKEN", raising=False)
    yield Terminal(tmp_path, monkeypatch, capsys)
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def write(terminal: Terminal, *lines: dict[str, Any]) -> None:
    (terminal.folder / "feed.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a program of our own in a process of its own."""
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, cwd=ROOT)  # noqa: S603


# -- help and imports --------------------------------------------------------------------------------------------


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", [path for path, _ in commands(cli)], ids=" ".join)
def test_the_help_of_every_command_shows_an_example_that_names_it(terminal: Terminal, path: Sequence[str]) -> None:
    ended = terminal.type(*path, "--help")

    assert ended.code == 0
    assert re.search(rf"Example:  .*earmark {' '.join(path)}\b", ended.out)


def test_the_help_says_where_to_begin(terminal: Terminal) -> None:
    assert "Begin with:  earmark demo" in terminal.type("--help").out


def test_the_help_needs_none_of_the_large_libraries() -> None:
    code = (
        "import sys; sys.argv = ['earmark', '--help']\n"
        "from bot.cli import main\n"
        "main()\n"
        "large = 'sqlalchemy sqlmodel pydantic transformers onnxruntime numpy slack_bolt slack_sdk tweepy starlette"
        " uvicorn apscheduler rich structlog alembic'.split()\n"
        "print([name for name in large if name in sys.modules], file=sys.stderr)"
    )

    ended = run([sys.executable, "-c", code])

    assert ended.stderr.strip() == "[]"


# -- one sentence, exit code 2 -----------------------------------------------------------------------------------


def test_a_config_that_is_not_there(terminal: Terminal) -> None:
    ended = terminal.type("run", "--config", "nowhere.toml")

    assert "nowhere.toml: there is no such file; copy config.example.toml to nowhere.toml" in ended.sentence


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[earmark", "config.toml: is not valid TOML"),
        ("[earmark]\ntimezone = 'Mars'", "earmark.timezone: 'Mars' is no time zone"),
        ("channels = []", "config.toml: channels: this list is empty; add at least one"),
        ("\xff", "config.toml: is not valid TOML"),
    ],
)
def test_a_config_that_is_wrong(terminal: Terminal, text: str, told: str) -> None:
    (terminal.folder / "config.toml").write_bytes(text.encode("latin-1"))

    assert told in terminal.type("check").sentence


def test_a_folder_for_a_config(terminal: Terminal) -> None:
    ended = terminal.type("run", "--config", str(terminal.folder))

    assert ended.code == 2
    assert "is a directory" in ended.err
    assert "Traceback" not in ended.err


def test_a_channel_that_is_not_there(terminal: Terminal) -> None:
    terminal.configure()

    assert terminal.type("poll", "brand").sentence == "earmark: there is no channel 'brand' in the config; known: feed"


def test_a_backfill_from_the_future(terminal: Terminal) -> None:
    terminal.configure()

    assert "is not in the past; give an earlier time" in terminal.type("poll", "feed", "--since", "2999-01-01").sentence


def test_a_replay_file_that_is_not_there(terminal: Terminal) -> None:
    terminal.configure()
    (terminal.folder / "feed.jsonl").unlink()

    assert "feed.jsonl: No such file or directory" in terminal.type("poll", "feed").sentence


def test_a_file_to_tag_that_is_not_there(terminal: Terminal) -> None:
    assert terminal.type("tag", "nowhere.jsonl").sentence == (
        "earmark: nowhere.jsonl: cannot be read (No such file or directory); check its path and permissions"
    )


def test_a_secret_that_is_not_set(terminal: Terminal) -> None:
    terminal.configure(more="[slack]")

    assert "the environment variable SLACK_BOT_TOKEN is not set" in terminal.type("run").sentence


def test_a_database_that_has_no_tables_yet(terminal: Terminal) -> None:
    terminal.configure()

    assert "the database is empty; run 'earmark db upgrade'" in terminal.type("ledger", "verify").sentence


def test_a_port_that_is_taken(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = terminal.configure(more=f"[web]\nport = {port}")

        ended = run([*EARMARK, "run", "--config", str(config)])

    said = Ended(ended.returncode, ended.stdout, ended.stderr).sentence
    assert f"the board cannot listen on 127.0.0.1:{port} (Address already in use); choose another port" in said


def test_a_port_that_is_taken_stops_the_demo_before_its_work() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        ended = run([*EARMARK, "demo", "--port", str(port)])

    assert "choose another port" in Ended(ended.returncode, ended.stdout, ended.stderr).sentence


# -- secrets -----------------------------------------------------------------------------------------------------


def test_a_secret_that_was_pasted_into_the_config_is_not_repeated(terminal: Terminal) -> None:
    terminal.configure(more=f'[slack]\nbot_token_env = "{SECRET}"')

    ended = terminal.type("check")

    assert "slack.bot_token_env: this must be the name of an environment variable" in ended.sentence
    assert SECRET not in ended.out + ended.err


def test_a_password_is_not_printed_when_the_database_does_not_answer(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    terminal.monkeypatch.setenv("DATABASE_URL", f"postgresql://me:{PASSWORD}@127.0.0.1:{port}/e")
    terminal.configure(earmark='database_url_env = "DATABASE_URL"')

    for command in (["check"], ["run"], ["db", "upgrade"], ["ledger", "verify"]):
        ended = terminal.type(*command)

        assert ended.code == 2
        assert "Traceback" not in ended.err
        assert "connection refused" in (ended.out + ended.err).lower()
        assert PASSWORD not in ended.out + ended.err


def test_a_token_is_not_printed_when_slack_does_not_answer(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"):
        terminal.monkeypatch.setenv(name, SECRET)
    terminal.configure(more=f'[slack]\napi_url = "http://127.0.0.1:{port}/api/"')

    ended = terminal.type("check")

    assert ended.code == 2
    assert "FAIL  slack: Slack did not answer" in ended.out
    assert SECRET not in ended.out + ended.err


# -- tag ---------------------------------------------------------------------------------------------------------


def tagged(ended: Ended) -> list[tuple[str, list[str], str]]:
    return [(one["id"], one["tags"], one["reason"]) for one in map(json.loads, ended.out.splitlines())]


def test_json_lines_are_tagged_under_their_own_ids(terminal: Terminal) -> None:
    write(terminal, {"id": "p1", "text": "praise/praise: thanks"}, {"external_id": 7, "text": "hm"}, {"text": "hm"})

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


# -- check, db, poll, ledger -------------------------------------------------------------------------------------


def test_check_proves_every_part_and_stores_nothing(terminal: Terminal) -> None:
    terminal.configure()
    write(terminal, line(1, "hm"), line(2, "hm"))

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
    write(terminal, *(line(number, "hm", minutes=number) for number in range(700)))
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
    write(terminal, *(line(number, "complaint/where_is_it: where is it") for number in range(10)))
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


# -- demo --------------------------------------------------------------------------------------------------------


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
