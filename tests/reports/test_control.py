"""Vector 12: proof by control group."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import InputError
from bot.reports.control import Arm, Plan, arms, churn_test, sizes, split_check
from bot.reports.data import as_data
from bot.reports.probability import newcombe, student_p, student_quantile, wilson
from bot.reports.revenue import Customer, Sample, cuped, welch
from tests.reports.books import differences, vector

VECTOR = vector("12")
CHURN = VECTOR["churn"]["input"]
PLAN = Plan(treatment_bp=CHURN["planned_treatment_bp"])


def example() -> Any:
    return churn_test(
        Arm(**CHURN["treatment"]), Arm(**CHURN["control"]), PLAN, margin_12m_minor=CHURN["margin_12m_minor"]
    )


def test_the_churn_example_is_what_the_vector_says() -> None:
    data: Any = as_data(example())

    assert differences({**data, **data["effect"]}, VECTOR["churn"]["expect"]) == []


def test_two_small_arms_show_no_evidence_as_the_vector_says() -> None:
    arms_of = VECTOR["too_small"]["input"]

    data: Any = as_data(churn_test(Arm(**arms_of["treatment"]), Arm(**arms_of["control"]), Plan(), margin_12m_minor=1))

    assert differences({**data, **data["effect"]}, VECTOR["too_small"]["expect"]) == []


def test_a_broken_split_is_invalid_as_the_vector_says_and_shows_no_effect() -> None:
    broken = VECTOR["broken_split"]["input"]

    found = churn_test(Arm(broken["treatment_n"], 1), Arm(broken["control_n"], 1), PLAN, margin_12m_minor=24000)

    assert differences(as_data(found), VECTOR["broken_split"]["expect"]) == []
    assert (found.effect, found.creditable_value_minor) == (None, 0)


@pytest.mark.parametrize(
    "plan",
    [
        replace(PLAN, is_window_over=False),
        replace(PLAN, treatment_n=6001),
        replace(PLAN, control_n=3001),
    ],
    ids=str,
)
def test_who_looks_too_early_sees_only_that(plan: Plan) -> None:
    found = churn_test(Arm(**CHURN["treatment"]), Arm(**CHURN["control"]), plan, margin_12m_minor=24000)

    assert (found.verdict, found.effect, found.creditable_value_minor) == ("too early", None, 0)


def test_an_empty_arm_is_too_early() -> None:
    assert churn_test(Arm(0, 0), Arm(0, 0), Plan()).verdict == "too early"


def test_more_churn_is_an_increase_and_credits_nothing() -> None:
    found = churn_test(Arm(3000, 300), Arm(3000, 200), Plan(), margin_12m_minor=24000)

    assert (found.verdict, found.creditable_value_minor) == ("increase", 0)
    assert found.effect is not None
    assert found.effect.number_needed_to_treat is None


def test_where_nobody_left_the_relative_interval_is_not_known() -> None:
    found = churn_test(Arm(100, 0), Arm(100, 9), Plan())

    assert found.effect is not None
    assert (found.effect.relative_reduction, found.effect.relative_low) == (1.0, None)


def test_where_nobody_left_at_all_there_is_no_evidence() -> None:
    found = churn_test(Arm(100, 0), Arm(100, 0), Plan())

    assert found.effect is not None
    assert (found.verdict, found.effect.p, found.effect.relative_reduction) == ("no evidence either way", 1.0, None)


@pytest.mark.parametrize("arm", [Arm(10, 11), Arm(10, -1)], ids=str)
def test_an_arm_cannot_lose_more_than_it_has(arm: Arm) -> None:
    with pytest.raises(InputError, match="cannot have lost"):
        churn_test(arm, Arm(10, 1), Plan())


@pytest.mark.parametrize("points", [0, 10_000])
def test_a_plan_without_a_control_group_is_refused(points: int) -> None:
    with pytest.raises(InputError, match="both arms"):
        split_check(1, 1, treatment_bp=points)


def test_assignment_is_what_the_vector_says() -> None:
    rule = VECTOR["assignment"]

    assert arms(rule["expect"], salt=rule["salt"], treatment_bp=rule["treatment_bp"]) == rule["expect"]


@pytest.mark.parametrize("case", VECTOR["planning"]["cases"], ids=str)
def test_sample_sizes_are_what_the_vector_says(case: dict[str, Any]) -> None:
    found = sizes(
        control_rate=case["control"],
        treatment_rate=case["treatment"],
        ratio_control_over_treatment=case["ratio_control_over_treatment"],
        alpha=VECTOR["planning"]["alpha"],
        power=VECTOR["planning"]["power"],
    )

    assert (found.treatment, found.control) == (case["expect_treatment"], case["expect_control"])


@pytest.mark.parametrize(("control", "treatment"), [(0.1, 0.1), (0.0, 0.1), (0.1, 1.0)])
def test_sizes_need_two_different_rates(control: float, treatment: float) -> None:
    with pytest.raises(InputError):
        sizes(control_rate=control, treatment_rate=treatment)


def test_sizes_need_a_control_group() -> None:
    with pytest.raises(InputError, match="ratio"):
        sizes(control_rate=0.08, treatment_rate=0.06, ratio_control_over_treatment=0)


def test_revenue_by_welch_is_what_the_vector_says() -> None:
    given_arms = VECTOR["revenue_welch"]["input"]

    found = welch(Sample(**given_arms["treatment"]), Sample(**given_arms["control"]))

    assert differences(as_data(found), VECTOR["revenue_welch"]["expect"]) == []


def test_revenue_by_cuped_is_what_the_vector_says() -> None:
    given_arms = VECTOR["revenue_cuped"]["input"]

    found = cuped(*([Customer(*pair) for pair in given_arms[arm]] for arm in ("treatment", "control")))

    assert differences(as_data(found), VECTOR["revenue_cuped"]["expect"]) == []


def test_a_time_before_that_was_the_same_for_all_explains_nothing() -> None:
    found = cuped([Customer(1, 3), Customer(1, 5)], [Customer(1, 2), Customer(1, 8)])

    assert (found.theta, found.variance_removed) == (0.0, 0.0)


@pytest.mark.parametrize("sample", [Sample(1.0, 1.0, 1), Sample(1.0, 0.0, 9)], ids=str)
def test_revenue_that_cannot_be_compared_is_refused(sample: Sample) -> None:
    with pytest.raises(InputError):
        welch(sample, Sample(1.0, 0.0, 9))
    with pytest.raises(InputError):
        cuped([Customer(1, 1)], [Customer(1, 1), Customer(1, 2)])


# Student's t as printed in any table: degrees of freedom and the two-sided 95 % point.
@pytest.mark.parametrize(
    ("df", "expected"), [(1, 12.706205), (2, 4.302653), (10, 2.228139), (30, 2.042272), (1e6, 1.959966)]
)
def test_students_t_is_what_the_tables_print(df: float, expected: float) -> None:
    assert student_quantile(df) == pytest.approx(expected, abs=1e-6)
    assert student_p(expected, df) == pytest.approx(0.05, abs=1e-6)


def test_one_degree_of_freedom_is_cauchys_distribution() -> None:
    for t in (0.0, 0.5, 1.0, 3.0, 50.0):
        assert student_p(t, 1) == pytest.approx(1 - 2 * math.atan(t) / math.pi, abs=1e-12)


@given(n=st.integers(1, 10**6), share=st.floats(0, 1), m=st.integers(1, 10**6), other=st.floats(0, 1))
def test_intervals_contain_the_point(n: int, share: float, m: int, other: float) -> None:
    first, second = int(n * share), int(m * other)

    low, high = wilson(first, n)
    diff_low, diff_high = newcombe((first, second), (n, m))

    assert 0 <= low <= first / n <= high <= 1
    assert diff_low <= first / n - second / m <= diff_high


def test_a_share_of_nothing_has_no_interval() -> None:
    with pytest.raises(ValueError, match="nothing"):
        wilson(0, 0)


@given(n=st.integers(2, 5000), m=st.integers(2, 5000), data=st.data())
def test_nothing_is_credited_without_a_proven_reduction(n: int, m: int, data: st.DataObject) -> None:
    treatment, control = Arm(n, data.draw(st.integers(0, n))), Arm(m, data.draw(st.integers(0, m)))

    found = churn_test(treatment, control, Plan(), margin_12m_minor=24000)

    assert found.creditable_value_minor >= 0
    assert not found.creditable_value_minor or found.verdict == "reduction"
    if found.effect:
        assert found.effect.diff_low <= found.effect.diff <= found.effect.diff_high
        assert found.creditable_value_minor <= max(found.effect.value_point_minor, 0)
