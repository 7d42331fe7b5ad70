"""``earmark incident`` as a supervisor types it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result

from bot import incidents
from bot.cli import cli
from bot.errors import InputError
from tests.installation import Clock, Installation, line
from tests.looking import take_in

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
INCIDENT = "outage_fault-2026-11-18T11"
FAULT = "complaint/outage_fault: the card reader does not work"

Earmark = Callable[..., Result]


@pytest.fixture
def earmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Earmark]:
    """The command line in a folder with a config, and a database in which an incident of twelve cases goes on."""
    handlers, level = logging.root.handlers[:], logging.root.level
    (tmp_path / "config.toml").write_text(
        '[earmark]\ndatabase_url = "sqlite:///earmark.sqlite"\nlog_level = "error"\n'
        '[[channels]]\nname = "feed"\nconnector = "replay"\npath = "feed.jsonl"\n'
        '[[queues]]\nname = "care"\n[[routes]]\nqueue = "care"\n'
    )
    monkeypatch.chdir(tmp_path)
    place = Installation(tmp_path, f"sqlite:///{tmp_path / 'earmark.sqlite'}", Clock(NOON - timedelta(minutes=1)))
    app = place.open()
    weeks = [line(100 + n, FAULT) | {"created_at": (NOON - timedelta(weeks=n, minutes=9)).isoformat()} for n in (4, 5)]
    burst = [line(n, FAULT) | {"created_at": (NOON - timedelta(minutes=2)).isoformat()} for n in range(1, 13)]
    take_in(app, place, *weeks, *burst)
    incidents.watch(app.parts)
    app.parts.database.dispose()
    yield lambda *words: CliRunner().invoke(cli, ["incident", *words])
    # Commands set up logging for the whole process; other tests listen to it.
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def test_an_incident_is_listed_and_shown_with_what_was_done_to_it(earmark: Earmark) -> None:
    renamed = earmark("rename", INCIDENT, "Card reader fault", "--by", "Eve")
    removed = earmark("remove", "3", "--by", "Eve")
    listed, shown = earmark("list", "--open"), earmark("show", INCIDENT)

    assert renamed.output == "The incident is called Card reader fault now.\n"
    assert removed.output == "It is no part of the incident.\n"
    assert listed.output == (
        f"{INCIDENT}  open  Card reader fault: 11 cases (11 unclaimed, 0 claimed, 0 closed), 11 mentions,"
        " 12.0x usual at peak, since 18 Nov 11:00 UTC\n"
    )
    assert "hour of 18 Nov 11:00: 12 where 1 are usual  tenfold" in shown.output
    assert "renamed by Eve" in shown.output


def test_as_json_it_is_one_object(earmark: Earmark) -> None:
    shown = json.loads(earmark("show", INCIDENT, "--json").output)
    [listed] = json.loads(earmark("list", "--json").output)["incidents"]

    assert (shown["id"], shown["cases"], shown["hours"][-1]["usual"]) == (INCIDENT, 12, 1.0)
    assert shown["case_ids"] == list(range(3, 15))
    assert listed.items() <= shown.items()


def test_a_case_is_put_in_and_the_incident_closed(earmark: Earmark) -> None:
    added = earmark("add", INCIDENT, "1", "--by", "Eve")
    closed = earmark("close", INCIDENT, "--by", "Eve")

    assert added.output == "This case is part of the incident.\n"
    assert closed.output == "The incident is closed; its cases stay as they are.\n"
    assert json.loads(earmark("show", INCIDENT, "--json").output)["cases"] == 13
    assert earmark("list", "--open").output == "No incident goes on.\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("show", "nothing"), "there is no incident 'nothing'; see earmark incident list"),
        (("rename", "nothing", "X", "--by", "Eve"), "There is no incident 'nothing'; see earmark incident list."),
        (("rename", INCIDENT, " ", "--by", "Eve"), "An incident needs a name, such as Card reader fault."),
        (("add", INCIDENT, "99", "--by", "Eve"), "There is no case 99."),
        (("add", INCIDENT, "5", "--by", "Eve"), "Case 5 is part of Outage fault already."),
        (("remove", "1", "--by", "Eve"), "Case 1 is part of no incident."),
        (("close", INCIDENT, "--by", " "), "--by: say who does it, such as --by 'Eve Example'"),
    ],
)
def test_wrong_input_ends_with_a_sentence(earmark: Earmark, words: tuple[str, ...], sentence: str) -> None:
    result = earmark(*words)

    assert isinstance(result.exception, InputError)
    assert str(result.exception) == sentence
