"""Vector 07: savings against the baseline, and the innovation budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import InputError
from bot.reports.data import as_data
from bot.reports.savings import Baseline, ConfirmedSaving, Volume, budget, overdispersion, savings
from tests.reports.books import differences, vector

VECTOR = vector("07")
INPUT = VECTOR["input"]
BASELINE = Baseline(
    weeks=13,
    driver=INPUT["baseline_driver"],
    volumes={reason: Volume(**volume) for reason, volume in INPUT["baseline"].items()},
)
ACTUAL = {
    row["reason"]: Volume(row["contacts"], row["cost_measured"] + row["cost_estimated"])
    for row in vector("00")["rows"]
    if row["reason"] in INPUT["baseline"]
}


def test_the_savings_are_what_the_vector_says() -> None:
    found = savings(BASELINE, ACTUAL, driver_now=INPUT["driver_now"], phi=INPUT["phi"])

    assert differences(as_data(found), VECTOR["expect"]) == []


def test_the_budget_is_what_the_vector_says() -> None:
    confirmed = [ConfirmedSaving(month["month"], month["confirmed_minor"]) for month in VECTOR["budget"]["months"]]

    found = budget(confirmed, share_bp=VECTOR["budget"]["share_bp"])

    assert differences(as_data(found), VECTOR["budget"]["expect"]) == []


def test_a_saving_names_the_initiative_it_is_claimed_for_and_shows_where_none_is() -> None:
    found = savings(BASELINE, ACTUAL, driver_now=96_000, initiatives={"where_is_it": "i1"})

    assert [row.initiative for row in found.rows] == ["i1", "", "", ""]


def test_seven_weeks_are_no_baseline_and_credit_nothing() -> None:
    found = savings(BASELINE._replace(weeks=7), ACTUAL, driver_now=96_000)

    assert {row.verdict for row in found.rows} == {"baseline too short"}
    assert found.total_creditable_minor == 0


def test_a_month_that_took_back_more_contacts_than_came_is_no_more_certain_than_one_with_as_many() -> None:
    month = {"where_is_it": Volume(-1000, 332_500)}

    found = savings(BASELINE, {**ACTUAL, **month}, driver_now=96_000)

    (row,) = (row for row in found.rows if row.reason == "where_is_it")
    came = savings(BASELINE, {**ACTUAL, "where_is_it": Volume(1000, 332_500)}, driver_now=96_000)
    assert row.se_minor == next(row.se_minor for row in came.rows if row.reason == "where_is_it") > 0


def test_a_new_reason_is_dearer_in_the_total_and_has_no_baseline() -> None:
    found = savings(BASELINE, {"new": Volume(10, 5000)}, driver_now=96_000)

    (row,) = (row for row in found.rows if row.reason == "new")
    assert (row.saving_minor, row.creditable_minor, row.verdict) == (-5000, 0, "no baseline")


@pytest.mark.parametrize(("before", "now"), [(0, 1), (1, 0), (-1, 1)])
def test_a_driver_of_nothing_is_refused(before: int, now: int) -> None:
    with pytest.raises(InputError, match="driver"):
        savings(BASELINE._replace(driver=before), ACTUAL, driver_now=now)


def test_overdispersion_is_the_variance_over_the_mean_of_weeks() -> None:
    assert overdispersion([10, 14, 6, 10, 14, 6, 10, 10]) == 1.0  # never less than chance
    assert overdispersion([10, 30, 10, 30, 10, 30, 10, 30]) == pytest.approx(5.714286, abs=1e-6)
    assert overdispersion([10] * 7) == 2.0  # too few weeks
    assert overdispersion([0] * 8) == 2.0


volumes = st.dictionaries(
    st.sampled_from("abc"), st.builds(Volume, st.integers(0, 5000), st.integers(0, 10**7)), min_size=1
)


@given(
    before=volumes, now=volumes, driver=st.integers(1, 10**6), driver_now=st.integers(1, 10**6), phi=st.floats(0.1, 9)
)
def test_effects_sum_to_the_saving_and_the_interval_contains_it(
    before: dict[str, Volume], now: dict[str, Volume], driver: int, driver_now: int, phi: float
) -> None:
    found = savings(Baseline(13, driver, before), now, driver_now=driver_now, phi=phi)

    for row in found.rows:
        assert row.saving_minor == row.rate_effect_minor + row.unit_cost_effect_minor
        assert row.low_minor <= row.saving_minor <= row.high_minor
        assert 0 <= row.creditable_minor <= max(row.saving_minor, 0)
    assert found.total_saving_minor == sum(row.saving_minor for row in found.rows)


def test_only_cashable_savings_fund_the_budget_unless_the_book_says_all() -> None:
    confirmed = [ConfirmedSaving("2026-07", 1000), ConfirmedSaving("2026-07", 600, "capacity")]

    assert budget(confirmed, share_bp=5000).funded_total_minor == 500
    assert budget(confirmed, share_bp=5000, funds="all").funded_total_minor == 800


def test_a_share_above_the_whole_is_refused() -> None:
    with pytest.raises(InputError, match="10001"):
        budget([], share_bp=10_001)


months = st.lists(
    st.builds(ConfirmedSaving, st.integers(1, 12).map("2026-{:02d}".format), st.integers(-(10**6), 10**6)), max_size=15
)


@given(confirmed=months, share=st.integers(0, 10_000), data=st.data())
def test_i14_the_high_water_mark_never_funds_a_saving_twice(
    confirmed: list[ConfirmedSaving], share: int, data: st.DataObject
) -> None:
    found = budget(confirmed, share_bp=share)

    assert budget(data.draw(st.permutations(confirmed)), share_bp=share) == found
    assert all(row.funded_minor >= 0 for row in found.rows)
    assert found.funded_total_minor == sum(row.funded_minor for row in found.rows)
    # Never more than the share of the highest level the savings ever stood at, and to the penny that much.
    best = max([0, *(row.cumulative_minor for row in found.rows)])
    assert found.funded_total_minor == best * share // 10_000
