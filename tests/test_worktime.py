"""Measured time: what agents' real steps on cards make of the cost of a case (specification 1.6)."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.app import App
from bot.domain import Actor, Tag
from bot.reports.measured import Step, seconds_to_book
from storage import models, worktime
from storage.db import reading
from tests.installation import START, Installation, line
from tests.looking import case, pending, posted, rows, take_in

ANN, BOB = Actor("slack:UANN", "Ann"), Actor("slack:UBOB", "Bob")
EVE = Actor("slack:UEVE", "Eve", is_supervisor=True)
PARCEL = "complaint/where_is_it: where is my parcel"
VECTOR = json.loads((Path(__file__).parent / "ledger/vectors/20_measured_time.json").read_text("utf-8"))


def cases(running: App, installation: Installation, count: int) -> list[int]:
    """Parcels of so many people."""
    take_in(running, installation, *(line(number, PARCEL, author=f"max-{number}") for number in range(count)))
    return [row.id for row in rows(running, models.Case)]


def work_done(running: App) -> dict[str, int]:
    """The posted seconds by what they rest on."""
    return {basis: amount for (_, _, unit, basis), amount in posted(running).items() if unit == "SEC"}


def at(time: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-18T{time}+00:00")


# -- in the installation -----------------------------------------------------------------------------------------


def test_the_time_between_claim_and_resolve_is_booked_as_measured(running: App, installation: Installation) -> None:
    [one] = cases(running, installation, 1)
    running.desk.claim(one, ANN, action_id="a1")
    installation.clock.forward(seconds=200)

    running.desk.resolve(one, ANN, action_id="a2")

    assert posted(running) == {
        ("Waste", "logistics", "CNT", "N"): 1,
        ("Waste", "logistics", "TAG", "N"): 1,
        ("Waste", "logistics", "SEC", "M"): 230,
        ("Waste", "logistics", "GBP", "M"): 192,
    }
    assert pending(running) == {}


def test_lunch_is_no_work(running: App, installation: Installation) -> None:
    [one] = cases(running, installation, 1)
    running.desk.claim(one, ANN, action_id="a1")
    installation.clock.forward(hours=1)

    running.desk.resolve(one, ANN, action_id="a2")

    assert work_done(running) == {"M": 300 + 30}


def test_one_press_measures_nothing_so_the_estimate_stands(running: App, installation: Installation) -> None:
    [one] = cases(running, installation, 1)

    running.desk.resolve(one, ANN, action_id="a1")

    assert work_done(running) == {"E": 300}


def test_what_is_not_for_us_costs_nothing_however_long_it_was_looked_at(
    running: App, installation: Installation
) -> None:
    [one] = cases(running, installation, 1)
    running.desk.claim(one, ANN, action_id="a1")
    installation.clock.forward(seconds=200)

    running.desk.not_for_us(one, ANN, action_id="a2")

    assert posted(running) == {}


def test_cards_worked_in_parallel_are_not_counted_twice(running: App, installation: Installation) -> None:
    one, two = cases(running, installation, 2)
    running.desk.claim(one, ANN, action_id="a1")
    installation.clock.forward(seconds=60)
    running.desk.claim(two, ANN, action_id="a2")
    installation.clock.forward(seconds=40)
    running.desk.resolve(one, ANN, action_id="a3")
    installation.clock.forward(seconds=20)

    running.desk.resolve(two, ANN, action_id="a4")

    # One: 60, and the 30 after its end. Two: 40, and of the 30 after its end the 20 that are not booked yet.
    assert work_done(running) == {"M": 60 + 30 + 40 + 20}


def test_all_agents_who_worked_on_a_case_count(running: App, installation: Installation) -> None:
    [one] = cases(running, installation, 1)
    running.desk.claim(one, ANN, action_id="a1")
    installation.clock.forward(seconds=60)
    running.desk.release(one, ANN, action_id="a2")
    installation.clock.forward(seconds=100)
    running.desk.claim(one, BOB, action_id="b1")
    installation.clock.forward(seconds=50)

    running.desk.resolve(one, BOB, action_id="b2")

    assert work_done(running) == {"M": 60 + 30 + 50 + 30}


def test_a_case_that_comes_back_books_only_what_came_after(running: App, installation: Installation) -> None:
    [one] = cases(running, installation, 1)
    running.desk.claim(one, ANN, action_id="a1")
    installation.clock.forward(seconds=200)
    running.desk.resolve(one, ANN, action_id="a2")
    installation.clock.forward(hours=1)
    take_in(running, installation, line(9, PARCEL, author="max-0", minutes=60))
    running.desk.claim(one, BOB, action_id="b1")
    installation.clock.forward(seconds=10)

    running.desk.resolve(one, BOB, action_id="b2")

    assert work_done(running) == {"M": 230 + 40}


def test_a_retag_keeps_measured_seconds(running: App, installation: Installation) -> None:
    [one] = cases(running, installation, 1)
    running.desk.claim(one, ANN, action_id="a1")
    installation.clock.forward(seconds=200)
    running.desk.resolve(one, ANN, action_id="a2")

    running.desk.retag(one, EVE, action_id="e1", tags=[Tag.COMPLAINT], primary=Tag.COMPLAINT, reason="billing_error")

    assert work_done(running) == {"M": 230}
    assert case(running).department == "billing"


def test_only_what_agents_did_around_a_case_is_read(running: App, installation: Installation) -> None:
    one, *others = cases(running, installation, 5)
    for number, other in enumerate(others):
        running.desk.claim(other, ANN, action_id=f"o{number}")
        installation.clock.forward(hours=1)
    running.desk.claim(one, ANN, action_id="a1")
    installation.clock.forward(hours=1)

    with reading(running.parts.database) as session:
        mine = [event for event in worktime.of_cases(session, [one]) if event.actor == ANN.ref]
        read = worktime.around(session, mine, before=timedelta(seconds=30), after=timedelta(seconds=300))

    assert [event.case_id for event in read] == [one]


# -- the pure rule -----------------------------------------------------------------------------------------------


def test_booked_at_the_end_of_the_day_vector_20_comes_out() -> None:
    actions = sorted(VECTOR["actions"], key=lambda action: (action["agent"], action["at"]))
    steps = [Step(action["agent"], at(action["at"]), action["card"] == "A") for action in actions]
    steps[6] = Step("ann", at("12:31:00"), counts=True, books=True)

    booked = seconds_to_book(steps, at=at("12:31:00"))

    assert actions[6]["at"] == "12:31:00"
    assert booked == {"ann": 570, "bob": 75}


def test_a_tail_ends_where_the_booking_is_made() -> None:
    steps = [
        Step("ann", at("09:00:00"), counts=True),
        Step("bob", at("09:01:50"), counts=True),
        Step("ann", at("09:02:00"), counts=True, books=True),
    ]

    assert seconds_to_book(steps, at=at("09:02:00")) == {"ann": 120 + 30, "bob": 10}


DAYS = st.lists(
    st.tuples(st.sampled_from(["ann", "bob"]), st.integers(0, 3), st.integers(0, 700), st.booleans()), max_size=40
)


@given(DAYS)
def test_i23_an_agent_books_no_more_than_the_clock_and_one_tail(day: list[tuple[str, int, int, bool]]) -> None:
    booked: dict[str, int] = {}
    history: list[dict[str, Any]] = []
    now = START
    for agent, card, pause, books in day:
        now += timedelta(seconds=pause)
        history.append({"agent": agent, "card": card, "at": now, "books": books, "is_open": True})
        if not books:
            continue
        steps = [Step(one["agent"], one["at"], one["card"] == card and one["is_open"], one["books"]) for one in history]
        for name, seconds in seconds_to_book(steps, at=now).items():
            booked[name] = booked.get(name, 0) + seconds
        for one in history:
            one["is_open"] &= one["card"] != card

    for name, seconds in booked.items():
        moments = [one["at"] for one in history if one["agent"] == name]
        assert seconds <= (moments[-1] - moments[0]).total_seconds() + 30
