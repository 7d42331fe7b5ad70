"""Vector 06: who is shown or charged what, how it is disputed, and that it sums to 0."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import InputError
from bot.ledger.accounts import GOODWILL, WASTE
from bot.ledger.money import split
from bot.ledger.recharges import Item, ItemState
from bot.reports.disputes import answer_due, dispute, is_overdue, propose, samples, settle
from bot.reports.facts import LineSum
from bot.reports.recharge import gates, proposals, recharge
from tests.reports.books import small_book, vector

SMALL = vector("06")["small_book"]["expect"]
ACME = vector("06")["acme"]
MONDAY = date(2026, 10, 5)


def small(items: list[Item] | None = None) -> Any:
    return recharge(
        small_book(since=date(2026, 9, 1)),
        currency="GBP",
        accruals=small_book(only="e31b:promise"),
        items=items or [],
    )


def test_the_small_book_is_shown_back_as_the_vector_says() -> None:
    found = small()

    assert found.eligible == SMALL["eligible"]
    assert found.not_charged == SMALL["not_charged"]
    assert (found.open_promises_minor, found.goodwill_charged_minor) == (250, 1000)
    assert found.recharge_balance_per_dept == {}


def test_the_small_book_is_charged_as_the_vector_says() -> None:
    items = [
        settle(propose(dept, minor, on=MONDAY), SMALL["recharge_balance_per_dept"][dept], on=MONDAY)
        for dept, minor in small().eligible.items()
    ]

    found = small(items)

    steps = [
        {"dept": step.dept, "proposed": step.proposed, "accepted": step.accepted, "released": step.released}
        for step in found.steps
    ]
    assert steps == SMALL["steps"]
    assert found.recharge_balance_per_dept == SMALL["recharge_balance_per_dept"]
    assert found.recharge_balance_all_depts == SMALL["recharge_balance_all_depts"]


def test_acme_is_charged_as_the_vector_says() -> None:
    owners = {row["reason"]: row["owners"] for row in vector("00")["rows"]}
    lines = [
        LineSum(WASTE, "GBP", "M", minor, dept, row["reason"], "liability")
        for row in ACME["rows"]
        for dept, minor in [
            *split(row["to_owners_minor"], owners[row["reason"]]),
            ("service", row["cost_minor"] - row["to_owners_minor"]),
        ]
    ]

    found = recharge(lines, currency="GBP")

    expected = ACME["expect"]
    assert list(found.eligible.items()) == list(expected["charges"].items())
    assert (found.waste_minor, found.charged_minor) == (expected["waste_minor"], expected["charged_minor"])
    assert found.own_failures_of_service_minor == expected["own_failures_of_service_minor"]
    assert found.charged_share == expected["charged_share"]


def test_weather_and_waste_nobody_owns_are_shown_and_not_charged() -> None:
    lines = [
        LineSum(WASTE, "GBP", "E", 700, "external", "delay_cancel", "liability"),
        LineSum(WASTE, "GBP", "E", 200, "unassigned", "x", "liability"),
        LineSum(GOODWILL, "GBP", "R", 50, "external", "delay_cancel", "liability"),
        LineSum(GOODWILL, "GBP", "R", 30, "sales", "buy_interest", "asset"),
    ]

    found = recharge(lines, currency="GBP")

    assert found.eligible == {}
    assert (found.external_minor, found.unassigned_minor) == (700, 200)
    assert (found.goodwill_charged_minor, found.goodwill_not_charged_minor) == (0, 80)


def test_a_correction_after_the_charge_shows_what_is_to_be_returned() -> None:
    lines = [LineSum(WASTE, "GBP", "M", 300, "billing")]
    charged = settle(propose("billing", 500, on=MONDAY), 500, on=MONDAY)

    assert recharge(lines, currency="GBP", items=[charged]).to_return == {"billing": 200}


def test_a_dispute_keeps_the_money_open_until_it_is_settled() -> None:
    item = dispute(propose("billing", 1500, on=MONDAY), on=date(2026, 10, 19), why="carrier strike")

    assert (item.state, item.is_open, item.released_minor) == (ItemState.DISPUTED, True, 0)
    partly = settle(item, 1000, on=date(2026, 10, 20))
    assert (partly.state, partly.released_minor, partly.why) == (ItemState.PARTLY_ACCEPTED, 500, "carrier strike")
    assert settle(item, 0, on=date(2026, 10, 20)).state is ItemState.RELEASED


def test_a_proposal_can_be_disputed_for_ten_working_days() -> None:
    item = propose("billing", 1500, on=MONDAY)

    assert answer_due(MONDAY) == date(2026, 10, 19)
    assert answer_due(MONDAY, holidays=[date(2026, 10, 12)]) == date(2026, 10, 20)
    with pytest.raises(InputError, match="2026-10-19"):
        dispute(item, on=date(2026, 10, 20), why="too late")


def test_a_proposal_shows_ten_cases_that_nobody_picked() -> None:
    cases = [f"k{number}" for number in range(40)]

    drawn = samples(cases, period="2026-09", dept="billing")

    assert len(drawn) == 10
    assert samples(cases[::-1], period="2026-09", dept="billing") == drawn
    assert samples(cases, period="2026-10", dept="billing") != drawn
    assert sorted(samples(cases[:3], period="2026-09", dept="billing")) == ["k0", "k1", "k2"]


def test_silence_accepts_nothing() -> None:
    item = propose("billing", 1500, on=MONDAY)

    assert not is_overdue(item, today=date(2026, 10, 19))
    assert is_overdue(item, today=date(2026, 10, 20))
    assert (item.state, item.accepted_minor) == (ItemState.PROPOSED, 0)


CHANGES: dict[str, Callable[[Item], Item]] = {
    "disputed before it was made": lambda item: dispute(item, on=date(2026, 10, 4), why="x"),
    "disputed without a reason": lambda item: dispute(item, on=MONDAY, why="  "),
    "disputed twice": lambda item: dispute(dispute(item, on=MONDAY, why="x"), on=MONDAY, why="x"),
    "more accepted than proposed": lambda item: settle(item, 1501, on=MONDAY),
    "less than nothing accepted": lambda item: settle(item, -1, on=MONDAY),
    "settled before it was made": lambda item: settle(item, 1, on=date(2026, 10, 4)),
    "settled twice": lambda item: settle(settle(item, 1, on=MONDAY), 1, on=MONDAY),
    "nothing proposed": lambda item: propose(item.dept, 0, on=MONDAY),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_does_not_fit_a_proposal_is_refused(change: Callable[[Item], Item]) -> None:
    with pytest.raises(InputError):
        change(propose("billing", 1500, on=MONDAY))


amounts = st.dictionaries(st.sampled_from(("billing", "logistics", "sales")), st.integers(-500, 5000))


@given(eligible_over_time=st.lists(amounts, max_size=5), shares=st.lists(st.integers(0, 100), min_size=1))
def test_i12_recharge_sums_to_0_and_nothing_is_charged_twice(
    eligible_over_time: list[dict[str, int]], shares: list[int]
) -> None:
    items: list[Item] = []
    for eligible in eligible_over_time:
        for dept, minor in proposals(eligible, items).items():
            accepted = minor * shares[len(items) % len(shares)] // 100
            items.append(settle(propose(dept, minor, on=MONDAY, number=len(items)), accepted, on=MONDAY))

    found = recharge([], currency="GBP", items=items)

    assert found.recharge_balance_all_depts == 0
    for dept, borne in found.recharge_balance_per_dept.items():
        most = max([0, *(eligible.get(dept, 0) for eligible in eligible_over_time)])
        assert dept == "service" or 0 <= borne <= most


def test_the_gates_open_only_when_all_four_hold() -> None:
    figures: dict[str, int] = {
        "closed_periods": 3,
        "audit_ok": 90,
        "audit_n": 100,
        "measured_minor": 500,
        "contact_cost_minor": 1000,
        "unassigned_minor": 99,
        "waste_minor": 1000,
    }
    assert all(gate.holds for gate in gates(**figures))

    # Each figure just under its limit closes its own gate and no other.
    for name, value, closed in (
        ("closed_periods", 2, "closed periods of show-back"),
        ("audit_ok", 89, "tagging accuracy"),
        ("measured_minor", 499, "measured share"),
        ("unassigned_minor", 100, "waste nobody owns"),
    ):
        assert [gate.name for gate in gates(**{**figures, name: value}) if not gate.holds] == [closed]


def test_without_data_no_gate_holds() -> None:
    found = gates(
        closed_periods=0,
        audit_ok=0,
        audit_n=0,
        measured_minor=0,
        contact_cost_minor=0,
        unassigned_minor=0,
        waste_minor=0,
    )

    assert not any(gate.holds for gate in found)
