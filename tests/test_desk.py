"""What people do to a case, what the books and Slack say of it afterwards, and that a repeated click says nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot import pipeline
from bot.app import App
from bot.domain import Actor, CaseState, Priority, Tag
from bot.errors import CaseError
from storage import models
from storage.outbox import Kind
from tests.installation import START, Installation, assert_books_agree, line
from tests.looking import case, contacts, history, journal_kinds, orders, pending, posted, rows, take_in, waiting

ANN, BOB = Actor("slack:UANN", "Ann"), Actor("slack:UBOB", "Bob")
EVE = Actor("slack:UEVE", "Eve", is_supervisor=True)
PARCEL = "complaint/where_is_it: where is my parcel"
BOTH = "complaint+request/billing_error: charged twice, please mend it"
COUNTED = {("Waste", "logistics", "CNT", "N"): 1, ("Waste", "logistics", "TAG", "N"): 1}
WORK_EXPECTED = {("Waste", "logistics", "GBP", "E"): 250, ("Waste", "logistics", "SEC", "E"): 300}


@pytest.fixture
def installation(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-none")
    return configured(tmp_path, sqlite_url)


def configured(folder: Path, url: str) -> Installation:
    """Four queues: two have a Slack channel of their own, one shares the first's, one has none."""
    settings: dict[str, Any] = {
        "queues": [
            {"name": "care", "slack_channel": "C0CARE"},
            {"name": "help", "slack_channel": "C0HELP"},
            {"name": "sales", "slack_channel": "C0CARE"},
            {"name": "quiet"},
        ],
        "routes": [
            {"queue": "help", "reason": "how_to", "priority": "low"},
            {"queue": "sales", "reason": "buy_interest"},
            {"queue": "quiet", "reason": "leave_cancel"},
            {"queue": "care"},
        ],
        "slack": {},
    }
    return Installation(folder, url, settings=settings)


@pytest.fixture
def running(installation: Installation) -> Iterator[App]:
    running = installation.open()
    yield running
    assert_books_agree(running)
    running.parts.database.dispose()


@pytest.fixture
def open_case(running: App, installation: Installation) -> int:
    """A complaint about a parcel, an hour old, due now."""
    installation.clock.forward(hours=1)
    take_in(running, installation, line(1, PARCEL, author="max"))
    return case(running).id


def retag(running: App, case_id: int, tag: Tag, reason: str, *, by: Actor = EVE, action_id: str = "retag") -> None:
    running.desk.retag(case_id, by, action_id=action_id, tags=[tag], primary=tag, reason=reason)


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


# -- retag -------------------------------------------------------------------------------------------------------


def test_a_retag_reverses_the_tag_and_expects_the_work_of_the_new_reason(running: App, open_case: int) -> None:
    retag(running, open_case, Tag.COMPLAINT, "billing_error")

    view = case(running)
    assert (view.tag, view.reason, view.department, view.queue) == (Tag.COMPLAINT, "billing_error", "billing", "care")
    assert posted(running) == {("Waste", "billing", "CNT", "N"): 1, ("Waste", "billing", "TAG", "N"): 1}
    assert pending(running) == {("Waste", "billing", "GBP", "E"): 450, ("Waste", "billing", "SEC", "E"): 540}
    assert journal_kinds(running) == ["tag", "cost_hold", "reversal", "tag", "cost_void", "cost_hold"]


def test_a_retagged_case_is_resolved_at_the_price_of_its_new_reason(running: App, open_case: int) -> None:
    retag(running, open_case, Tag.COMPLAINT, "billing_error")

    running.desk.resolve(open_case, EVE, action_id="a2")

    assert posted(running)["Waste", "billing", "GBP", "E"] == 450
    assert pending(running) == {}


def test_a_retag_of_a_resolved_case_moves_the_work_done_and_leaves_it_closed(running: App, open_case: int) -> None:
    running.desk.resolve(open_case, ANN, action_id="a1")

    retag(running, open_case, Tag.REQUEST, "how_to")

    assert (case(running).state, case(running).queue) == (CaseState.RESOLVED, "care")
    assert posted(running) == {
        ("Automate", "digital", "CNT", "N"): 1,
        ("Automate", "digital", "TAG", "N"): 1,
        ("Automate", "digital", "GBP", "E"): 200,
        ("Automate", "digital", "SEC", "E"): 240,
    }
    assert pending(running) == {}


def test_a_mention_with_two_tags_can_be_retagged_to_one_and_back(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, BOTH))
    case_id = case(running).id

    retag(running, case_id, Tag.REQUEST, "billing_error", action_id="r1")
    assert posted(running)["Waste", "billing", "TAG", "N"] == 1
    both = (Tag.REQUEST, Tag.COMPLAINT)
    running.desk.retag(case_id, EVE, action_id="r2", tags=both, primary=Tag.COMPLAINT, reason="billing_error")

    assert posted(running) == {("Waste", "billing", "CNT", "N"): 1, ("Waste", "billing", "TAG", "N"): 2}
    assert case(running).mentions[0].tags == (Tag.COMPLAINT, Tag.REQUEST)
    assert [(row.n, row.source, row.actor) for row in rows(running, models.Tagging)] == [
        (1, "model", ""),
        (2, "human", "slack:UEVE"),
        (3, "human", "slack:UEVE"),
    ]


def test_a_retag_leaves_the_tags_of_mentions_that_joined_alone(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, PARCEL, author="max"))
    take_in(running, installation, line(2, PARCEL, author="max"))

    retag(running, case(running).id, Tag.REQUEST, "buy_interest")

    assert posted(running) == {
        ("Serve", "sales", "CNT", "N"): 1,
        ("Serve", "sales", "TAG", "N"): 1,
        ("Waste", "logistics", "TAG", "N"): 1,
    }


def test_a_retag_that_changes_the_queue_moves_the_card_and_frees_the_case(running: App, open_case: int) -> None:
    running.desk.claim(open_case, ANN, action_id="a1")

    retag(running, open_case, Tag.REQUEST, "how_to", by=ANN)

    view = case(running)
    assert (view.queue, view.priority, view.state, view.owner) == ("help", Priority.LOW, CaseState.OPEN, "")
    assert view.due_at == datetime(2026, 11, 18, 13, 0, tzinfo=UTC)
    assert waiting(running, "help") == [open_case]
    assert orders(running)[3:] == [("C0CARE", Kind.REMOVE, open_case), ("C0HELP", Kind.CARD, open_case)]


def test_a_case_that_moved_while_claimed_runs_out_if_its_new_queue_does_not_take_it(
    running: App, installation: Installation, open_case: int
) -> None:
    running.desk.claim(open_case, ANN, action_id="a1")
    installation.clock.forward(days=10)
    retag(running, open_case, Tag.REQUEST, "how_to", by=ANN)

    assert pipeline.expire_holds(running.parts) == 0
    installation.clock.forward(days=3)
    assert pipeline.expire_holds(running.parts) == 1

    assert pending(running) == {}


def test_a_retag_within_one_queue_changes_how_urgent_the_case_is(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, "praise/praise: well done, my bill is wrong"))
    assert case(running).due_at == datetime(2026, 11, 19, 9, 0, tzinfo=UTC)
    running.desk.claim(case(running).id, ANN, action_id="a1")

    retag(running, case(running).id, Tag.COMPLAINT, "billing_error", by=ANN)

    view = case(running)
    assert (view.queue, view.owner_name) == ("care", "Ann")
    assert view.due_at == datetime(2026, 11, 18, 10, 0, tzinfo=UTC)


def test_a_re_opened_case_that_is_retagged_is_due_from_its_re_opening_on(
    running: App, installation: Installation, open_case: int
) -> None:
    running.desk.resolve(open_case, ANN, action_id="a1")
    installation.clock.forward(hours=10)
    take_in(running, installation, line(2, PARCEL, author="max", minutes=600))
    take_in(running, installation, line(3, PARCEL, author="max", minutes=630))

    retag(running, open_case, Tag.REQUEST, "how_to")

    assert case(running).due_at == datetime(2026, 11, 18, 19 + 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("buy_interest", [("C0CARE", Kind.CARD_EDIT), ("C0CARE", Kind.NOTE)]),  # the other queue has the same channel
        ("leave_cancel", [("C0CARE", Kind.REMOVE)]),  # the other queue has none
    ],
)
def test_a_card_moves_only_where_the_slack_channel_is_another(
    running: App, open_case: int, reason: str, expected: list[tuple[str, Kind]]
) -> None:
    retag(running, open_case, Tag.REQUEST, reason)

    assert [(channel, kind) for channel, kind, _ in orders(running)[1:]] == expected


def test_a_retag_answers_the_doubt(running: App, installation: Installation) -> None:
    take_in(running, installation, line(1, "complaint/where_is_it?hardly sure: hm"))
    assert running.desk.review_count() == 1

    retag(running, case(running).id, Tag.COMPLAINT, "where_is_it")

    assert running.desk.review_count() == 0


@pytest.mark.parametrize(
    ("tags", "primary", "reason", "told"),
    [
        ([Tag.PRAISE], Tag.COMPLAINT, "where_is_it", "The primary tag must be one of the tags."),
        ([Tag.PRAISE], Tag.PRAISE, "weather", "There is no reason 'weather' in the taxonomy."),
    ],
)
def test_a_retag_that_makes_no_sense_is_refused(
    running: App, open_case: int, tags: list[Tag], primary: Tag, reason: str, told: str
) -> None:
    with pytest.raises(CaseError, match=told):
        running.desk.retag(open_case, ANN, action_id="a1", tags=tags, primary=primary, reason=reason)


def test_a_dismissed_case_has_no_tags_to_correct(running: App, open_case: int) -> None:
    running.desk.not_for_us(open_case, ANN, action_id="a1")

    with pytest.raises(CaseError, match="it has no tags to correct"):
        retag(running, open_case, Tag.PRAISE, "praise")


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
