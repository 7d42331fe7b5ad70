"""Promises to customers: owed from the minute they are made until they are done or cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlmodel import col

from bot import promising
from bot.app import App
from bot.clock import on_the_clock
from bot.domain import Actor, CaseState, PromiseState, Tag
from bot.errors import CaseError
from storage import models, models_operations
from storage.db import reading
from tests.installation import START, Installation, assert_books_agree, line
from tests.looking import case, history, journal_kinds, posted, rows, take_in

ANN, BOB = Actor("slack:UANN", "Ann"), Actor("slack:UBOB", "Bob")
EVE = Actor("slack:UEVE", "Eve", is_supervisor=True)
PARCEL = "complaint/where_is_it: where is my parcel"
IN_AN_HOUR = START + timedelta(hours=1)


@pytest.fixture
def installation(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-none")
    return Installation(tmp_path, database_url, settings={"slack": {}})


@pytest.fixture
def running(installation: Installation) -> Iterator[App]:
    running = installation.open()
    yield running
    assert_books_agree(running)
    assert_owed_is_on_the_balance_sheet(running)
    running.parts.database.dispose()


@pytest.fixture
def open_case(running: App, installation: Installation) -> int:
    take_in(running, installation, line(1, PARCEL, author="max"))
    return case(running).id


def balance(running: App, account: str, unit: str) -> int:
    table = models.LedgerLine
    with reading(running.parts.database) as session:
        summed = select(func.sum(col(table.amount))).where(col(table.account) == account, col(table.commodity) == unit)
        return int(session.scalar(summed) or 0)


def assert_owed_is_on_the_balance_sheet(running: App) -> None:
    """I16: Liabilities:Promises are the accruals of open promises."""
    owed = [
        one
        for one in rows(running, models_operations.Promise)
        if one.state in {"open", "broken"} and one.cancelled_at is None
    ]
    assert balance(running, "Liabilities:Promises", "SEC") == -300 * len(owed)
    assert balance(running, "Liabilities:Promises", "GBP") == -250 * len(owed)


def state(running: App) -> list[str]:
    return [one.state for one in rows(running, models_operations.Promise)]


def notes(running: App) -> list[str]:
    """What was said in the cards' threads."""
    return [str(one.detail["event"]) for one in rows(running, models.OutboxMessage) if one.kind == "note"]


def test_a_promise_is_owed_and_shown_until_it_is_kept(running: App, installation: Installation, open_case: int) -> None:
    running.desk.claim(open_case, ANN, action_id="a1")

    running.desk.promise(open_case, ANN, IN_AN_HOUR, action_id="a2")

    promise = case(running).promise
    assert promise is not None
    assert (promise.due_at, promise.made_by_name, promise.state) == (IN_AN_HOUR, "Ann", PromiseState.OPEN)
    assert journal_kinds(running) == ["tag", "cost_hold", "promise_made"]
    assert balance(running, "Liabilities:Promises", "GBP") == -250


def test_a_kept_promise_is_booked_with_the_time_it_took(
    running: App, installation: Installation, open_case: int
) -> None:
    running.desk.claim(open_case, ANN, action_id="a1")
    installation.clock.forward(seconds=100)
    running.desk.promise(open_case, ANN, IN_AN_HOUR, action_id="a2")
    installation.clock.forward(seconds=40)
    running.desk.keep_promise(open_case, ANN, action_id="a3")
    installation.clock.forward(seconds=50)

    running.desk.resolve(open_case, ANN, action_id="a4")

    costs = [one.amount for one in rows(running, models.LedgerLine) if (one.commodity, one.basis) == ("SEC", "M")]
    # The promise: 40, and the 30 after it was kept. The case: 100 before it, and what is left of the tails after it.
    assert [amount for amount in costs if amount > 0] == [40 + 30, 100 + 30]
    assert (state(running), case(running).promise) == (["kept"], None)
    assert journal_kinds(running)[2:] == ["promise_made", "reversal", "cost", "cost"]


def test_a_promise_that_nobody_measured_costs_what_was_accrued(
    running: App, installation: Installation, open_case: int
) -> None:
    running.desk.resolve(open_case, ANN, action_id="a1")
    running.desk.promise(open_case, ANN, IN_AN_HOUR, action_id="a2")

    running.desk.keep_promise(open_case, BOB, action_id="b1")

    assert posted(running)["Waste", "logistics", "SEC", "E"] == 300 + 300


def test_a_promise_done_after_its_time_is_late(running: App, installation: Installation, open_case: int) -> None:
    running.desk.promise(open_case, ANN, IN_AN_HOUR, action_id="a1")
    installation.clock.forward(hours=2)
    promising.ring(running.parts)

    running.desk.keep_promise(open_case, ANN, action_id="a2")

    assert state(running) == ["late"]


def test_the_clock_reminds_15_minutes_before_and_says_once_that_a_promise_is_broken(
    running: App, installation: Installation, open_case: int
) -> None:
    running.desk.promise(open_case, ANN, IN_AN_HOUR, action_id="a1")
    heard = []

    for minutes in (44, 1, 1, 14, 1, 60):
        installation.clock.forward(minutes=minutes)
        promising.ring(running.parts)
        heard.append(notes(running)[1:])

    soon, broken = "promise_soon", "promise_broken"
    assert heard == [[], [soon], [soon], [soon, broken], [soon, broken], [soon, broken]]
    assert state(running) == ["broken"]
    assert history(running)[-1] == ("promise_broken", "Earmark")
    assert balance(running, "Liabilities:Promises", "GBP") == -250


def test_a_promise_cancelled_in_time_leaves_nothing_behind(
    running: App, installation: Installation, open_case: int
) -> None:
    before = posted(running)
    running.desk.promise(open_case, ANN, IN_AN_HOUR, action_id="a1")

    running.desk.cancel_promise(open_case, ANN, action_id="a2")

    assert (state(running), posted(running)) == (["cancelled"], before)
    assert promising.ring(running.parts) == 0


def test_a_promise_cancelled_too_late_stays_broken_and_is_owed_no_more(
    running: App, installation: Installation, open_case: int
) -> None:
    running.desk.promise(open_case, ANN, IN_AN_HOUR, action_id="a1")
    installation.clock.forward(hours=2)

    running.desk.cancel_promise(open_case, ANN, action_id="a2")

    assert state(running) == ["broken"]
    assert balance(running, "Liabilities:Promises", "GBP") == 0
    with pytest.raises(CaseError, match="Nothing is promised"):
        running.desk.keep_promise(open_case, ANN, action_id="a3")


def test_a_repeated_click_promises_and_keeps_once(running: App, installation: Installation, open_case: int) -> None:
    for _ in range(2):
        running.desk.promise(open_case, ANN, IN_AN_HOUR, action_id="a1")
    for _ in range(2):
        running.desk.keep_promise(open_case, ANN, action_id="a2")

    assert state(running) == ["kept"]
    assert journal_kinds(running) == ["tag", "cost_hold", "promise_made", "reversal", "cost"]


def test_of_several_promises_the_next_one_due_is_kept_first(
    running: App, installation: Installation, open_case: int
) -> None:
    running.desk.promise(open_case, ANN, IN_AN_HOUR + timedelta(hours=1), action_id="a1")
    running.desk.promise(open_case, ANN, IN_AN_HOUR, action_id="a2")

    running.desk.keep_promise(open_case, ANN, action_id="a3")

    assert state(running) == ["open", "kept"]


@pytest.mark.parametrize(
    ("hours", "message"), [(-1, "over already"), (0, "over already"), (24 * 366, "more than a year")]
)
def test_a_promise_for_no_sensible_time_is_refused(running: App, open_case: int, hours: int, message: str) -> None:
    with pytest.raises(CaseError, match=message):
        running.desk.promise(open_case, ANN, START + timedelta(hours=hours), action_id="a1")

    assert state(running) == []


def test_nobody_promises_on_the_case_of_another(running: App, open_case: int) -> None:
    running.desk.claim(open_case, ANN, action_id="a1")

    with pytest.raises(CaseError, match="Ann has claimed this case"):
        running.desk.promise(open_case, BOB, IN_AN_HOUR, action_id="b1")

    assert running.desk.promise(open_case, EVE, IN_AN_HOUR, action_id="e1").changed


def test_what_is_not_for_us_is_owed_nothing(running: App, open_case: int) -> None:
    running.desk.promise(open_case, ANN, IN_AN_HOUR, action_id="a1")

    running.desk.not_for_us(open_case, ANN, action_id="a2")

    assert (case(running).state, state(running), posted(running)) == (CaseState.DISMISSED, ["cancelled"], {})


def test_a_retag_estimates_the_work_on_a_promise_as_that_of_a_promise(running: App, open_case: int) -> None:
    running.desk.promise(open_case, ANN, IN_AN_HOUR, action_id="a1")
    running.desk.keep_promise(open_case, BOB, action_id="b1")

    running.desk.retag(
        open_case, EVE, action_id="e1", tags=[Tag.COMPLAINT], primary=Tag.COMPLAINT, reason="billing_error"
    )

    assert posted(running)["Waste", "billing", "SEC", "E"] == 300


def test_a_retag_moves_what_is_owed_to_who_caused_it(running: App, open_case: int) -> None:
    running.desk.promise(open_case, ANN, IN_AN_HOUR, action_id="a1")

    running.desk.retag(
        open_case, EVE, action_id="e1", tags=[Tag.COMPLAINT], primary=Tag.COMPLAINT, reason="billing_error"
    )
    owed = posted(running)
    running.desk.cancel_promise(open_case, ANN, action_id="a2")

    assert owed["Waste", "billing", "SEC", "E"] == 300
    assert ("Waste", "logistics", "SEC", "E") not in owed
    assert balance(running, "Liabilities:Promises", "SEC") == 0


def test_a_clock_on_the_wall_is_read_in_its_own_time_zone() -> None:
    assert on_the_clock("2026-07-01", "16:30", "Europe/London").isoformat() == "2026-07-01T15:30:00+00:00"
    # Shown twice in that night: the first.
    assert on_the_clock("2026-10-25", "01:30", "Europe/London").isoformat() == "2026-10-25T00:30:00+00:00"
    for day, time in (("2026-02-30", "10:00"), ("", ""), ("2026-07-01", "16:30Z")):
        with pytest.raises(ValueError, match=r"."):
            on_the_clock(day, time, "UTC")


def take(step: str, running: App, installation: Installation, one: int, *, number: int, minutes: int) -> None:
    """Do one thing; some come when there is nothing to keep or cancel, and are refused."""
    if step == "make":
        running.desk.promise(one, ANN, installation.clock() + timedelta(minutes=minutes), action_id=f"a{number}")
    elif step == "keep":
        running.desk.keep_promise(one, ANN, action_id=f"a{number}")
    elif step == "cancel":
        running.desk.cancel_promise(one, ANN, action_id=f"a{number}")
    else:
        installation.clock.forward(minutes=minutes)
        promising.ring(running.parts)


STEPS = st.lists(st.tuples(st.sampled_from(["make", "keep", "cancel", "wait"]), st.integers(1, 90)), max_size=12)


@pytest.mark.slow
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_i16_whatever_happens_the_balance_sheet_holds_what_is_owed(
    steps: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("promises")
    installation = Installation(folder, f"sqlite:///{folder / 'earmark.sqlite'}")
    running = installation.open()
    take_in(running, installation, line(1, PARCEL, author="max"))
    one = case(running).id

    for number, (step, minutes) in enumerate(steps):
        with suppress(CaseError):
            take(step, running, installation, one, number=number, minutes=minutes)
        assert_owed_is_on_the_balance_sheet(running)

    assert_books_agree(running)
    running.parts.database.dispose()
