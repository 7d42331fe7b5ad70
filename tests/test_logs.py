"""The log is JSON, a line an event; what strangers wrote and what is secret never gets into it."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import SecretStr
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from bot import logs, pipeline
from bot.domain import Actor, Page, Tagging
from bot.errors import ConnectorError
from connectors.replay import Replay
from tests.installation import Installation, line, work

WORDS = "my-very-private-words"
NOISE = {"timestamp", "level"}
SECRET = "xoxb-never-print-this"


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Standard error as a service sees it: no terminal."""
    handlers, level = logging.root.handlers[:], logging.root.level
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    logs.configure("debug")
    yield written
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def events(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(one) for one in stream.getvalue().splitlines()]


def test_an_event_is_one_line_of_json_with_level_and_time(stream: io.StringIO) -> None:
    structlog.get_logger("test").info("received", channel="brand", new=3)

    [told] = events(stream)
    assert {key: told[key] for key in ("event", "level", "channel", "new")} == {
        "event": "received",
        "level": "info",
        "channel": "brand",
        "new": 3,
    }
    assert told["timestamp"].endswith("Z")


class Written(io.StringIO):
    """Keeps what each single call wrote."""

    def __init__(self) -> None:
        super().__init__()
        self.at_once: list[str] = []

    def write(self, text: str) -> int:
        self.at_once.append(text)
        return super().write(text)


def test_each_line_is_written_at_once_so_that_what_libraries_say_cannot_come_between(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO
) -> None:
    written = Written()
    monkeypatch.setattr(sys, "stderr", written)
    logs.configure("info")

    structlog.get_logger("test").info("received")
    logging.getLogger("slack_sdk").error("no answer")

    assert [one.endswith("}\n") for one in written.at_once] == [True, True]
    assert stream.getvalue() == ""


def test_the_level_of_the_config_holds(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO) -> None:
    monkeypatch.setattr(sys, "stderr", stream)  # pytest has put its own back between the fixture and here
    logs.configure("warning")

    structlog.get_logger("test").info("received")
    structlog.get_logger("test").warning("poll_failed")

    assert [told["event"] for told in events(stream)] == ["poll_failed"]


def broken(depth: int = 3) -> None:
    """Fail with a message, a cause and a local value that all hold what must not be told."""
    secret = SecretStr(SECRET)
    if depth:
        broken(depth - 1)
    try:
        os.environ[f"{WORDS} {secret.get_secret_value()}"]
    except KeyError as error:
        raise ValueError(f"cannot read {WORDS!r} with {secret.get_secret_value()}") from error


def test_an_exception_is_told_by_its_type_and_frames_never_by_its_message(stream: io.StringIO) -> None:
    try:
        broken()
    except ValueError:
        structlog.get_logger("test").exception("step_failed", step="tag")

    [told] = events(stream)
    assert told["error_type"] == "ValueError"
    assert told["frames"][-1].startswith("test_logs.py:")
    assert told["frames"][-1].endswith(" broken")
    assert WORDS not in stream.getvalue()
    assert SECRET not in stream.getvalue()


def test_an_exception_that_is_handed_over_is_told_alike(stream: io.StringIO) -> None:
    try:
        broken()
    except ValueError as error:
        structlog.get_logger("test").error("step_failed", exc_info=error)

    assert events(stream)[0]["error_type"] == "ValueError"
    assert WORDS not in stream.getvalue()


def test_libraries_speak_from_warnings_on_in_the_same_form_and_without_messages_of_exceptions(
    stream: io.StringIO,
) -> None:
    library = logging.getLogger("some.library")
    library.info("chatter")
    library.warning("the connection to %s is slow", "a server")
    try:
        broken()
    except ValueError:
        library.exception("it broke")

    first, second = events(stream)
    assert (first["event"], first["level"]) == ("the connection to a server is slow", "warning")
    assert (second["event"], second["error_type"]) == ("it broke", "ValueError")
    assert WORDS not in stream.getvalue()


# -- a whole installation ----------------------------------------------------------------------------------------


def test_one_number_leads_from_the_poll_to_the_action(tmp_path: Path, sqlite_url: str, stream: io.StringIO) -> None:
    installation = Installation(tmp_path, sqlite_url)
    installation.publish([line(1, "praise: thanks"), line(2, f"complaint/where_is_it: {WORDS}"), line(3, "nothing")])
    running = installation.open()

    work(running)
    running.desk.claim(2, Actor("slack:UANN", "Ann"), action_id="press")

    of_second = [
        {key: told[key] for key in told if key not in NOISE} for told in events(stream) if told.get("trace") == 2
    ]
    assert of_second == [
        {"event": "mention_received", "trace": 2, "channel": "feed"},
        {"event": "mention_tagged", "trace": 2, "tag": "complaint", "case": 2},
        {"event": "acted", "trace": 2, "kind": "claimed"},
    ]
    assert [told["case"] for told in events(stream) if told["event"] == "mention_tagged"] == [1, 2, None]
    assert WORDS not in stream.getvalue()
    running.parts.database.dispose()


class Blabbing:
    """A tagger that cannot read some texts, and repeats them in its errors."""

    version = "blabbing"

    def tag(self, texts: Sequence[str]) -> list[Tagging]:
        if any(WORDS in text for text in texts):
            raise ValueError(f"cannot tag {texts!r}")
        return []


class Refused(Replay):
    """A connector that is refused; its cause knows the token."""

    def poll(self, cursor: str | None) -> Page:  # noqa: ARG002  # it is refused whatever it asks for
        cause = KeyError(f"GET https://api.example/?token={SECRET}")
        raise ConnectorError("the platform refused us; check the token", permanent=True) from cause


def test_a_day_with_every_kind_of_failure_puts_no_words_and_no_secret_into_the_log(
    tmp_path: Path, sqlite_url: str, stream: io.StringIO
) -> None:
    installation = Installation(tmp_path, sqlite_url)
    installation.publish([line(1, f"complaint/where_is_it: {WORDS}", author=WORDS, author_name=WORDS)])
    with installation.feed.open("a") as feed:
        feed.write(f'{{"{WORDS}": broken\n{{"id": 2, "text": ["{WORDS}"]}}\n')
    running = installation.open()

    while pipeline.receive(running.parts, "feed").more:
        pass
    pipeline.tag(replace(running.parts, tagger=Blabbing()))
    refused = Refused(Refused.Options(path=installation.feed), {})
    pipeline.receive(replace(running.parts, connectors={"feed": refused}), "feed")
    event.listen(running.parts.database, "commit", _refuse)
    running.engine.wake("tag")
    running.engine.drain()

    events_told = [told["event"] for told in events(stream)]
    assert "tagging_failed" in events_told
    assert "poll_failed" in events_told
    assert WORDS not in stream.getvalue()
    assert SECRET not in stream.getvalue()
    running.parts.database.dispose()


def _refuse(_connection: object) -> None:
    raise IntegrityError("INSERT INTO mention", {"text": WORDS}, ValueError("UNIQUE constraint failed"))
