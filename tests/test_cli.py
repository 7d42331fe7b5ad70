"""The command line: every command explains itself, and bad input ends in one sentence and exit code 2."""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Iterator, Sequence

import click
import pytest

from bot.cli import cli
from tests.terminal import EARMARK, Ended, Terminal, run

SECRET = "xoxb-1234-never-print-this"
PASSWORD = "never-print-this-either"


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
