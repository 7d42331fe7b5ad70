"""Vector 15: initiatives within a share of operating expense."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import InputError
from bot.reports.data import as_data
from bot.reports.priorities import Effect, Initiative, Ruling, envelope, lifetime_multiple, priorities
from tests.reports.books import differences, vector

VECTOR = vector("15")
INPUT = VECTOR["input"]
CLV = vector("16")["clv"]
IDEAS = [
    Initiative(
        id=entry["id"],
        title=entry["title"],
        owner=entry["owner"],
        one_off_minor=entry["one_off_minor"],
        run_minor_per_year=entry["run_minor_per_year"],
        effects={reason: Effect(*points) for reason, points in entry["effects_bp_low_point_high"].items()},
    )
    for entry in INPUT["initiatives"]
]


def ranked(ideas: list[Initiative] | None = None, **changes: Any) -> Any:
    return priorities(
        IDEAS if ideas is None else ideas,
        **{
            "annual_cost_minor": INPUT["annual_cost_minor"],
            "opex_12m_minor": INPUT["opex_12m_minor"],
            "cap_bp": INPUT["cap_bp"],
            **changes,
        },
    )


def test_the_ranking_is_what_the_vector_says() -> None:
    assert differences(as_data(ranked()), VECTOR["expect"]) == []


def test_the_lifetime_of_a_customer_is_a_scenario_as_the_vector_says() -> None:
    multiple = lifetime_multiple(CLV["retention"], CLV["discount"])

    assert multiple == pytest.approx(CLV["expect_multiple"], abs=1e-6)
    assert round(CLV["margin_minor"] * multiple) == CLV["expect_minor"]


@pytest.mark.parametrize("cap", [-1, 1001])
def test_more_than_a_tenth_of_opex_is_refused(cap: int) -> None:
    with pytest.raises(InputError, match="cap_bp"):
        envelope(60_000_000, cap)


def test_the_executive_pins_and_drops_with_a_reason_that_is_shown() -> None:
    rulings = [Ruling("i6", "pin", "Ann", "we promised it"), Ruling("i3", "drop", "Ann", "engineering is full")]

    found = ranked(rulings=rulings)

    assert (found.chosen[0].id, found.chosen[0].why) == ("i6", "pinned by Ann: we promised it")
    assert [choice.why for choice in found.not_chosen if choice.id == "i3"] == ["dropped by Ann: engineering is full"]


def test_even_a_pinned_initiative_stays_within_the_envelope() -> None:
    found = ranked(rulings=[Ruling("i4", "pin", "Ann", "strategy")])

    assert "i4" not in [choice.id for choice in found.chosen]


def test_what_costs_more_to_run_than_it_removes_is_not_chosen() -> None:
    dear = replace(IDEAS[5], run_minor_per_year=200_000, one_off_minor=0)

    (choice,) = ranked([dear]).not_chosen

    assert choice.why == "does not pay back on the low estimate"


def test_what_never_pays_back_has_no_month() -> None:
    (choice,) = ranked([replace(IDEAS[5], run_minor_per_year=243_000)]).not_chosen

    assert choice.payback_months_point is None


def test_what_costs_nothing_is_ranked_too() -> None:
    free = replace(IDEAS[5], one_off_minor=0, run_minor_per_year=0)

    assert [choice.id for choice in ranked([free]).chosen] == ["i6"]


@pytest.mark.parametrize("effect", [Effect(-1, 0, 0), Effect(2, 1, 3), Effect(0, 1, 10_001)])
def test_effects_that_cannot_be_are_refused(effect: Effect) -> None:
    with pytest.raises(InputError, match="low <= point <= high"):
        ranked([replace(IDEAS[0], effects={"where_is_it": effect})])


def test_a_cost_below_0_is_refused() -> None:
    with pytest.raises(InputError, match="below 0"):
        ranked([replace(IDEAS[0], one_off_minor=-1)])


def test_an_initiative_that_is_there_or_ruled_on_twice_is_refused() -> None:
    with pytest.raises(InputError, match="i1 is submitted twice"):
        ranked([*IDEAS, IDEAS[0]])
    with pytest.raises(InputError, match="i1 is ruled on twice"):
        ranked(rulings=[Ruling("i1", "pin", "Ann", "yes"), Ruling("i1", "drop", "Bob", "no")])


def test_a_ruling_needs_a_reason() -> None:
    with pytest.raises(InputError, match="needs a reason"):
        ranked(rulings=[Ruling("i1", "pin", "Ann", " ")])


points = st.lists(st.integers(0, 10_000), min_size=3, max_size=3).map(lambda three: Effect(*sorted(three)))


@given(
    ideas=st.lists(
        st.builds(
            Initiative,
            id=st.sampled_from("abcdef"),
            title=st.just("x"),
            owner=st.just("y"),
            one_off_minor=st.integers(0, 10**6),
            run_minor_per_year=st.integers(0, 10**5),
            effects=st.dictionaries(st.sampled_from(("where_is_it", "billing_error", "new")), points),
        ),
        max_size=6,
        unique_by=lambda idea: idea.id,
    ),
    cap=st.integers(0, 1000),
    data=st.data(),
)
def test_the_envelope_holds_no_waste_is_removed_twice_and_the_order_never_matters(
    ideas: list[Initiative], cap: int, data: st.DataObject
) -> None:
    found = ranked(ideas, cap_bp=cap)

    assert ranked(data.draw(st.permutations(ideas)), cap_bp=cap) == found
    assert len(found.chosen) + len(found.not_chosen) == len(ideas)
    spent = sum(choice.outlay_first_year_minor for choice in found.chosen)
    assert spent + found.envelope_left_minor == found.envelope_minor
    assert found.envelope_left_minor >= 0
    whole = INPUT["annual_cost_minor"]["where_is_it"] + INPUT["annual_cost_minor"]["billing_error"]
    assert sum(choice.waste_removed_low_minor for choice in found.chosen) <= whole
