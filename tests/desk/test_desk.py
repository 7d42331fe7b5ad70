"""What people do to a case, what the books and Slack say of it afterwards, and that a repeated click says nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot import pipeline
from bot.app import App
from bot.domain import CaseState, Tag
from bot.errors import CaseError
from storage import models
from storage.outbox import Kind
from tests.desk.desks import ANN, BOB, BOTH, COUNTED, EVE, PARCEL, WORK_EXPECTED, configured, retag
from tests.installation import START, Installation, assert_books_agree, line
from tests.looking import case, contacts, history, journal_kinds, orders, pending, posted, rows, take_in, waiting

# -- claim and release -------------------------------------------------------------------------------------------


def test_a_claim_gives_the_case_an_owner_and_moves_nothing_in_the_books(running: App, open_case: int) -> None:
    outcome = running.desk.claim(open_case, ANN, action_id="a1")

    assert (outcome.changed, outcome.message) == (True, "You have claimed this case.")
    assert (case(running).state, case(running).owner_name) == (CaseState.CLAIMED, "Ann")
    assert [one.id for one in running.desk.cases_of(ANN)] == [open_case]
    assert posted(running) == COUNTED
    assert pending(running) == WORK_EXPECTED
    assert orders(running) == [
        ("C0CARE", Kind.CARD, open_case),
        ("C0CARE", Kind.CARD_EDIT, open_case),
        ("C0CARE", Kind.NOTE, open_case),
    ]


def test_a_released_case_waits_in_its_queue_again(running: App, open_case: int) -> None:
    running.desk.claim(open_case, ANN, action_id="a1")

    running.desk.release(open_case, ANN, action_id="a2")

    assert waiting(running, "care") == [open_case]
    assert (case(running).state, case(running).owner) == (CaseState.OPEN, "")
    assert running.desk.cases_of(ANN) == []


def test_nobody_but_the_owner_or_a_supervisor_takes_a_case_from_its_owner(running: App, open_case: int) -> None:
    running.desk.claim(open_case, ANN, action_id="a1")

    for press in (running.desk.claim, running.desk.release, running.desk.resolve, running.desk.not_for_us):
        with pytest.raises(CaseError, match="Ann has claimed this case"):
            press(open_case, BOB, action_id="b1")

    assert case(running).owner_name == "Ann"
    assert history(running) == [("opened", "Earmark"), ("claimed", "Ann")]


# -- resolve, not for us -----------------------------------------------------------------------------------------


def test_resolving_turns_the_work_expected_into_work_done(running: App, open_case: int) -> None:
    running.desk.resolve(open_case, ANN, action_id="a1")

    assert case(running).state is CaseState.RESOLVED
    assert posted(running) == COUNTED | WORK_EXPECTED
    assert pending(running) == {}
    assert journal_kinds(running) == ["tag", "cost_hold", "cost"]


def test_not_for_us_takes_the_tags_back_and_nothing_was_spent(running: App, open_case: int) -> None:
    running.desk.not_for_us(open_case, ANN, action_id="a1")

    assert case(running).state is CaseState.DISMISSED
    assert case(running).mentions[0].tags == ()
    assert posted(running) == {}
    assert pending(running) == {}
    assert contacts(running) == 0
    assert journal_kinds(running) == ["tag", "cost_hold", "cost_void", "reversal"]


def test_not_for_us_takes_back_the_tags_of_every_mention_of_the_case(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, PARCEL, author="max"))
    take_in(running, installation, line(2, BOTH, author="max"))
    take_in(running, installation, line(3, PARCEL, author="zoe"))

    running.desk.not_for_us(case(running).id, ANN, action_id="a1")

    assert posted(running) == COUNTED


def test_not_for_us_of_a_case_that_came_back_keeps_the_work_that_was_done(
    running: App, installation: Installation, open_case: int
) -> None:
    running.desk.resolve(open_case, ANN, action_id="a1")
    take_in(running, installation, line(2, "praise/praise: buy my watches", author="max", minutes=30))

    running.desk.not_for_us(open_case, ANN, action_id="a2")

    assert posted(running) == WORK_EXPECTED
    assert pending(running) == {}


def test_a_closed_case_is_closed(running: App, open_case: int) -> None:
    running.desk.resolve(open_case, ANN, action_id="a1")

    for press in (running.desk.claim, running.desk.release, running.desk.not_for_us):
        with pytest.raises(CaseError, match=r"This case is closed already \(resolved\)"):
            press(open_case, EVE, action_id="b1")


def test_the_present_case_is_said_when_it_stands_so_already(running: App, open_case: int) -> None:
    assert running.desk.release(open_case, ANN, action_id="a1").changed is False
    running.desk.resolve(open_case, ANN, action_id="a2")

    outcome = running.desk.resolve(open_case, ANN, action_id="a3")

    assert outcome.changed is False
    assert journal_kinds(running) == ["tag", "cost_hold", "cost"]


def test_there_is_no_such_case(running: App) -> None:
    with pytest.raises(CaseError, match=r"There is no case 4711\."):
        running.desk.claim(4711, ANN, action_id="a1")


# -- one click, delivered twice ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["claim", "resolve", "not_for_us"])
def test_an_action_with_an_id_that_was_seen_does_nothing(running: App, open_case: int, name: str) -> None:
    press: Callable[..., Any] = getattr(running.desk, name)
    press(open_case, ANN, action_id="same")
    before = (case(running), orders(running), journal_kinds(running))

    outcome = press(open_case, ANN, action_id="same")

    assert (outcome.changed, outcome.message) == (False, "That was done already.")
    assert (case(running), orders(running), journal_kinds(running)) == before


def test_a_retag_with_an_id_that_was_seen_does_nothing(running: App, open_case: int) -> None:
    retag(running, open_case, Tag.REQUEST, "how_to")
    before = (case(running), orders(running), journal_kinds(running))

    retag(running, open_case, Tag.REQUEST, "how_to")

    assert (case(running), orders(running), journal_kinds(running)) == before


# -- holds that run out ------------------------------------------------------------------------------------------


def test_a_case_that_nobody_takes_in_three_days_is_closed_and_costs_nothing(
    running: App, installation: Installation, open_case: int
) -> None:
    installation.clock.forward(days=3, seconds=-1)
    assert pipeline.expire_holds(running.parts) == 0
    installation.clock.forward(seconds=1)

    assert pipeline.expire_holds(running.parts) == 1
    assert pipeline.expire_holds(running.parts) == 0

    view = case(running)
    assert (view.state, view.closed_how, view.owner) == (CaseState.RESOLVED, "no_action", "")
    assert posted(running) == COUNTED
    assert pending(running) == {}
    assert history(running)[1:] == [("no_action", "Earmark")]


def test_a_claimed_case_keeps_its_hold_however_long_it_takes(
    running: App, installation: Installation, open_case: int
) -> None:
    running.desk.claim(open_case, ANN, action_id="a1")
    installation.clock.forward(days=30)

    assert pipeline.expire_holds(running.parts) == 0

    assert pending(running) == WORK_EXPECTED


def test_a_case_that_was_given_back_runs_out_three_days_later(
    running: App, installation: Installation, open_case: int
) -> None:
    running.desk.claim(open_case, ANN, action_id="a1")
    installation.clock.forward(days=10)
    running.desk.release(open_case, ANN, action_id="a2")

    assert pipeline.expire_holds(running.parts) == 0
    installation.clock.forward(days=3)
    assert pipeline.expire_holds(running.parts) == 1

    assert posted(running) == COUNTED
    assert pending(running) == {}


# -- on the other database ---------------------------------------------------------------------------------------


def test_postgresql_keeps_the_same_of_every_action(
    tmp_path: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-none")
    installation = configured(tmp_path, postgresql_url)
    running = installation.open()
    take_in(running, installation, *(line(number, BOTH, author=f"a{number}") for number in range(1, 6)))
    first, second, third, fourth, fifth = waiting(running, "care")

    running.desk.claim(first, ANN, action_id="a1")
    running.desk.release(first, ANN, action_id="a2")
    retag(running, second, Tag.REQUEST, "how_to", action_id="a3")
    running.desk.resolve(third, ANN, action_id="a4")
    take_in(running, installation, line(6, PARCEL, author="a3"))
    running.desk.not_for_us(fourth, ANN, action_id="a5")
    running.desk.claim(fifth, ANN, action_id="a6")
    installation.clock.forward(days=3)

    assert pipeline.expire_holds(running.parts) == 3
    assert [row.closed_how for row in rows(running, models.Case)] == ["no_action"] * 3 + ["not_for_us", ""]
    assert contacts(running) == 4
    assert {key: sum_ for key, sum_ in posted(running).items() if key[2] == "GBP"} == {
        ("Waste", "billing", "GBP", "E"): 450
    }
    assert {key: sum_ for key, sum_ in pending(running).items() if key[2] == "GBP"} == {
        ("Waste", "billing", "GBP", "E"): 450
    }
    assert_books_agree(running)
    running.parts.database.dispose()


# -- what is told ------------------------------------------------------------------------------------------------


def test_the_history_tells_who_did_what(running: App, open_case: int) -> None:
    running.desk.claim(open_case, ANN, action_id="a1")
    running.desk.release(open_case, ANN, action_id="a2")
    retag(running, open_case, Tag.REQUEST, "how_to", by=BOB, action_id="a3")
    running.desk.resolve(open_case, EVE, action_id="a4")

    assert history(running) == [
        ("opened", "Earmark"),
        ("claimed", "Ann"),
        ("released", "Ann"),
        ("retagged", "Bob"),
        ("resolved", "Eve"),
    ]
    told = case(running).events[3]
    assert told.at == START.replace(hour=10)
    assert told.detail == {"tag": "request", "reason": "how_to", "department": "digital", "queue": "help"}
