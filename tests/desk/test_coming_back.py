"""A customer writes again within a day: a short piece of work more, for what the case is about."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.app import App
from bot.domain import CaseState
from tests.desk.desks import ANN, COUNTED, PARCEL, WORK_EXPECTED
from tests.installation import Clock, Installation, assert_books_agree, line
from tests.looking import case, pending, posted, take_in

MINUTE = {("Waste", "logistics", "GBP", "E"): 50, ("Waste", "logistics", "SEC", "E"): 60}
THANKED = {("Serve", "service", "TAG", "N"): 1}


def come_back(running: App, installation: Installation) -> None:
    """A resolved complaint, and a thank-you under it an hour later."""
    take_in(running, installation, line(1, PARCEL, author="mia"))
    running.desk.resolve(case(running).id, ANN, action_id="a1")
    installation.clock.forward(hours=1)
    take_in(running, installation, line(2, "praise/praise: it came, thank you", author="mia", minutes=60))


def test_what_a_thank_you_takes_is_borne_by_the_case_it_came_back_to(running: App, installation: Installation) -> None:
    come_back(running, installation)
    installation.clock.forward(hours=1)

    running.desk.resolve(case(running).id, ANN, action_id="a2")

    twice = {key: WORK_EXPECTED[key] + MINUTE[key] for key in MINUTE}
    assert posted(running) == COUNTED | THANKED | twice
    assert pending(running) == {}
    assert_books_agree(running)


@pytest.fixture
def without_minute(tmp_path: Path, sqlite_url: str) -> Installation:
    return Installation(tmp_path, sqlite_url, Clock(), settings={"ledger": {"cost": {"followon_seconds": 0}}})


def test_a_case_that_comes_back_for_nothing_costs_only_what_was_measured(without_minute: Installation) -> None:
    running = without_minute.open()
    come_back(running, without_minute)
    assert case(running).state is CaseState.OPEN
    assert pending(running) == {}

    running.desk.claim(case(running).id, ANN, action_id="a2")
    without_minute.clock.forward(seconds=90)
    running.desk.resolve(case(running).id, ANN, action_id="a3")

    # 90 s from claiming to resolving, and 30 s after it.
    measured = {("Waste", "logistics", "GBP", "M"): 100, ("Waste", "logistics", "SEC", "M"): 120}
    assert posted(running) == COUNTED | THANKED | WORK_EXPECTED | measured
    assert_books_agree(running)
    without_minute.close()


def test_a_case_that_comes_back_for_nothing_and_is_let_be_costs_nothing_more(without_minute: Installation) -> None:
    running = without_minute.open()
    come_back(running, without_minute)

    running.desk.resolve(case(running).id, ANN, action_id="a2")

    assert posted(running) == COUNTED | THANKED | WORK_EXPECTED
    assert_books_agree(running)
    without_minute.close()
