"""Heads of departments answer what was proposed, and finance settles what they dispute."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from bot import periods, recharging
from bot.app import App
from bot.errors import InputError
from storage.db import transaction
from storage.models_money import RechargeItem
from tests.installation import Clock, Installation
from tests.looking import rows
from tests.recharging.autumn import (
    BILL,
    HEAD,
    LEDGER,
    PROPOSED_ON,
    assert_i12,
    kinds,
    propose,
    recharged,
    statement,
    worked,
)

pytestmark = pytest.mark.slow  # many ways through the books: CI takes them all


def test_what_is_accepted_is_charged_and_sums_to_zero(running: App) -> None:
    propose(running)

    said = recharging.accept(running.parts, "2026-11", "billing", by="Head of billing")

    assert said == "the proposal 1 to billing for 2026-11: £3.50 of £3.50 is charged to billing."
    assert recharged(running) == {"billing": 350, "service": -350}
    assert recharged(running, "pending") == {"logistics": 175, "service": -175}
    assert statement(running).recharge_balance_per_dept == {"billing": 350, "service": -350}


def test_an_answer_given_twice_is_booked_once(running: App) -> None:
    propose(running)
    recharging.accept(running.parts, "2026-11", "billing", by="Head of billing")

    said = recharging.accept(running.parts, "2026-11", "billing", by="Head of billing")

    assert said == "the proposal 1 to billing for 2026-11 was accepted before: £3.50."
    assert kinds(running).count("recharge") == 1
    with pytest.raises(InputError, match="the proposal to billing is settled: accepted"):
        recharging.accept(running.parts, "2026-11", "billing", by="Head of billing", amount_minor=100, why="less")


def test_a_part_is_accepted_with_a_reason_and_the_rest_is_let_go_for_good(running: App) -> None:
    propose(running)
    with pytest.raises(InputError, match="say with --why what is wrong with the rest"):
        recharging.accept(running.parts, "2026-11", "billing", by="Head of billing", amount_minor=100)

    recharging.accept(running.parts, "2026-11", "billing", by="Head of billing", amount_minor=100, why="one is not us")

    [step, _] = statement(running).steps
    assert (step.state, step.proposed, step.accepted, step.released) == ("partly_accepted", 350, 100, 250)
    assert recharged(running) == {"billing": 100, "service": -100}
    assert propose(running) == []


def test_a_dispute_leaves_the_money_pending_until_finance_settles_it(running: App) -> None:
    propose(running)

    recharging.dispute(running.parts, "2026-11", "billing", by="Head of billing", why="carrier strike")

    assert recharged(running, "pending")["billing"] == 350
    again = recharging.dispute(running.parts, "2026-11", "billing", by="Head of billing", why="carrier strike")
    assert again == "the proposal 1 to billing for 2026-11 is disputed already, since 2026-12-14."
    with pytest.raises(InputError, match="is disputed; accept all of it, or let finance settle it"):
        recharging.accept(running.parts, "2026-11", "billing", by="Head of billing", amount_minor=1, why="no")
    recharging.settle(running.parts, "2026-11", "billing", by="Finance", amount_minor=200, why="agreed on the phone")
    assert recharged(running) == {"billing": 200, "service": -200}
    assert [(one.what, one.by, one.why) for one in statement(running).said] == [
        ("disputed", "Head of billing", "carrier strike"),
        ("partly_accepted", "Finance", "agreed on the phone"),
    ]


def test_a_dispute_that_is_won_charges_nothing(running: App) -> None:
    propose(running)
    recharging.dispute(running.parts, "2026-11", "billing", by="Head of billing", why="carrier strike")

    recharging.settle(running.parts, "2026-11", "billing", by="Finance", amount_minor=0, why="they are right")

    assert recharged(running) == {}
    assert kinds(running) == ["recharge_hold", "recharge_hold", "recharge_void"]
    assert propose(running) == []


def test_silence_accepts_nothing(running: App, installation: Installation) -> None:
    propose(running)
    installation.clock.at = datetime(2026, 12, 30, 12, tzinfo=UTC)

    assert [one.is_overdue for one in statement(running).proposals] == [True, True]
    with pytest.raises(InputError, match="was not answered, and silence accepts nothing; it can be withdrawn with 0"):
        recharging.settle(running.parts, "2026-11", "billing", by="Finance", amount_minor=350, why="no answer")
    with pytest.raises(InputError, match="could be disputed until 2026-12-29"):
        recharging.dispute(running.parts, "2026-11", "billing", by="Head of billing", why="late")
    with pytest.raises(InputError, match="could be accepted in part until 2026-12-29"):
        recharging.accept(running.parts, "2026-11", "billing", by="Head of billing", amount_minor=1, why="late")
    recharging.accept(running.parts, "2026-11", "billing", by="Head of billing")
    assert recharged(running) == {"billing": 350, "service": -350}


def test_a_department_is_answered_for_by_its_head(running: App) -> None:
    propose(running)

    with pytest.raises(InputError, match="--by Ann: this is for the head of billing: Head of billing"):
        recharging.accept(running.parts, "2026-11", "billing", by="Ann")
    with pytest.raises(InputError, match="--by Head of billing: this is for finance"):
        recharging.settle(running.parts, "2026-11", "billing", by="Head of billing", amount_minor=0, why="no")
    with pytest.raises(InputError, match="nothing was proposed to 'sales' for 2026-11; see 'earmark ledger recharge"):
        recharging.accept(running.parts, "2026-11", "sales", by="Ann")


def test_a_ledger_that_does_not_verify_freezes_charging_and_not_disputes(tmp_path: Path, sqlite_url: str) -> None:
    place = Installation(tmp_path, sqlite_url, Clock(datetime(2026, 9, 3, tzinfo=UTC)), {"ledger": LEDGER})
    app = place.open()
    for month in (9, 10, 11):
        worked(app, place, BILL, datetime(2026, month, 3, 9, tzinfo=UTC))
    place.clock.at = PROPOSED_ON
    for month in (9, 10, 11):
        periods.close(app.parts, f"2026-{month:02d}", by="Finance")
    propose(app)
    with transaction(app.parts.database) as session:
        session.connection().exec_driver_sql("DROP TRIGGER ledger_line_no_update")
        session.connection().exec_driver_sql("UPDATE ledger_line SET amount = amount * 2 WHERE commodity = 'GBP'")

    with pytest.raises(InputError, match=r"the ledger does not verify \(journal"):
        recharging.accept(app.parts, "2026-11", "billing", by="Head of billing")
    with pytest.raises(InputError, match="the ledger does not verify"):
        propose(app)
    said = recharging.dispute(app.parts, "2026-11", "billing", by="Head of billing", why="wrong figures")
    assert said == "the proposal 1 to billing for 2026-11 is disputed: £1.75 stays pending until finance settles it."
    app.parts.database.dispose()


@pytest.mark.parametrize("seed", range(3))
def test_i12_holds_whatever_is_said_in_whatever_order(running: App, installation: Installation, seed: int) -> None:
    random = Random(seed)

    def minor() -> int:
        return random.choice([0, 1, 100, 175, 350, 900])

    steps: list[Callable[[str, str], object]] = [
        lambda period, _dept: recharging.propose(running.parts, period, by="Finance"),
        lambda period, dept: recharging.accept(
            running.parts, period, dept, by=HEAD.get(dept, "x"), amount_minor=random.choice([None, minor()]), why="part"
        ),
        lambda period, dept: recharging.dispute(running.parts, period, dept, by=HEAD.get(dept, "x"), why="no"),
        lambda period, dept: recharging.settle(
            running.parts, period, dept, by="Finance", amount_minor=minor(), why="talked"
        ),
    ]

    done = 0
    for _ in range(40):
        installation.clock.forward(days=random.choice([0, 0, 1]))
        try:
            random.choice(steps)(
                random.choice(["2026-09", "2026-10", "2026-11"]), random.choice(["billing", "logistics"])
            )
            done += 1
        except InputError:
            continue

    assert done > 5
    assert_i12(running)
    for row in rows(running, RechargeItem):
        assert row.accepted_minor <= row.proposed_minor
