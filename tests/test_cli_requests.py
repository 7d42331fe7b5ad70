"""Requests on the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine

from bot.domain import Actor
from tests.installation import START, Installation, line, work
from tests.terminal import Earmark, terminal

TEAMS = '[[product_teams]]\nname = "mobile"\n'


@pytest.fixture
def earmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Earmark]:
    """A terminal beside an installation with one request, of two customers, that nobody told its team of."""
    settings = {"product_teams": [{"name": "mobile"}]}
    place = Installation(tmp_path, f"sqlite:///{tmp_path / 'earmark.sqlite'}", settings=settings)
    place.publish([line(number, "request/feature_request: dark please") for number in (1, 2)])
    app = place.open()
    work(app)
    ann = Actor("slack:U1", "Ann")
    app.desk.pass_on(1, ann, action_id="p", team="mobile", title="Dark\x1b[31m mode")
    app.desk.pass_on(2, ann, action_id="q", joins=1)
    app.parts.database.dispose()
    with terminal(tmp_path, monkeypatch, capsys, TEAMS) as run, time_machine.travel(START.replace(hour=20), tick=False):
        yield run


def test_the_list_shows_what_goes_on_and_on_request_what_ended(earmark: Earmark) -> None:
    _, before, _ = earmark("request", "list")
    earmark("request", "pass", "1", "--by", "Ann")
    earmark("request", "ship", "1", "--by", "Pat")
    _, after, _ = earmark("request", "list", "--team", "mobile")
    _, everything, _ = earmark("request", "list", "--all")

    assert before == ("    1  not passed on yet mobile         2 customers    Dark [31m mode\n1 requests.\n")
    assert after == "There is no request.\n"
    assert "    1  shipped           mobile         2 customers    Dark [31m mode\n" in everything


def test_a_request_is_answered_step_by_step_and_shows_who_did_what(earmark: Earmark) -> None:
    said = [
        earmark("request", "pass", "1", "--by", "Ann")[1],
        earmark("request", "ack", "1", "--by", "Pat")[1],
        earmark("request", "plan", "1", "--by", "Pat")[1],
        earmark("request", "decline", "1", "--by", "Pat", "--why", "Few would use it.")[1],
        earmark("request", "told", "2", "--by", "Ann")[1],
    ]

    assert said == [
        "Request 1 is passed on now.\n",
        "Request 1 is acknowledged now.\n",
        "Request 1 is planned now.\n",
        "Request 1 is declined now.\n",
        "Thank you, the customer knows.\n",
    ]
    _, out, _ = earmark("request", "show", "1")
    assert out.splitlines()[1:] == [
        "       Few would use it.",
        "       2026-11-18 09:00 UTC  opened by Ann",
        "       2026-11-18 20:00 UTC  passed by Ann",
        "       2026-11-18 20:00 UTC  acknowledged by Pat",
        "       2026-11-18 20:00 UTC  planned by Pat",
        "       2026-11-18 20:00 UTC  declined by Pat",
        "       Cases that ask for it: 1, 2 (told).",
    ]
    _, out, _ = earmark("ledger", "requests", "--period", "2026-11", "--json")
    assert json.loads(out)["teams"]["mobile"] == {
        "requests": 1, "customers": 2, "passed": 1, "acknowledged": 1, "median_days_to_acknowledge": 0.0,
        "waiting_over_limit": [], "shipped": 0, "told_back": "50.0%",
    }  # fmt: skip


def test_the_report_is_a_table_with_a_footer(earmark: Earmark) -> None:
    code, out, _ = earmark("ledger", "requests", "--period", "2026-11")

    assert code == 0
    assert "mobile" in out
    assert "no tag audited yet" in out


def test_as_json_a_request_has_its_history_and_its_cases(earmark: Earmark) -> None:
    _, out, _ = earmark("request", "show", "1", "--json")

    found = json.loads(out)
    assert (found["state"], found["customers"], found["first_asked_at"]) == ("new", 2, "2026-11-18T09:00:00+00:00")
    assert found["history"] == [{"kind": "opened", "by": "Ann", "at": "2026-11-18T09:00:00+00:00"}]
    assert found["cases"] == [{"case": 1, "told": False}, {"case": 2, "told": False}]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["ack", "1", "--by", "Pat"], "Request 1 was not passed on to its team yet; do that first."),
        (["ack", "9", "--by", "Pat"], "There is no request 9."),
        (["show", "9"], "there is no request 9; earmark request list --all shows them"),
        (["pass", "1", "--by", "  "], "--by is empty; write who says so"),
        (["decline", "1", "--by", "Pat"], "Missing option '--why'"),
        (["told", "1", "--by", "Ann"], "There is nothing to tell this customer"),
        (["told", "9", "--by", "Ann"], "There is no case 9."),
    ],
)
def test_what_cannot_be_ends_with_one_sentence(earmark: Earmark, given: list[str], sentence: str) -> None:
    code, out, err = earmark("request", *given)

    assert (code, out) == (2, "")
    assert sentence in err
