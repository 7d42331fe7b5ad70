"""Vector 16: what each assumption is worth, and counts corrected for tagging errors."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.reports.data import as_data
from bot.reports.probability import Interval
from bot.reports.sensitivity import Accuracy, Audit, Disputed, accuracy, corrected, corrected_share, sensitivity
from tests.reports.books import differences, vector

VECTOR = vector("16")
INPUT = VECTOR["input"]
AUDITED = Accuracy(INPUT["sensitivity"], INPUT["specificity"], Interval(0.85, 0.94), Interval(0.93, 0.97))


def tornado(**changes: Any) -> Any:
    figures = {name: INPUT[name] for name in ("measured_minor", "estimated_minor", "flagged", "n")}
    return sensitivity(**{**figures, "found": AUDITED, "disputed": [Disputed("policy_price", 46500)], **changes})


def test_the_tornado_is_what_the_vector_says() -> None:
    assert differences(as_data(tornado()), VECTOR["expect"]) == []


@pytest.mark.parametrize("case", VECTOR["cases"], ids=str)
def test_a_corrected_share_is_what_the_vector_says(case: dict[str, Any]) -> None:
    found = corrected_share(
        case["flagged"], case["n"], sensitivity=case["sensitivity"], specificity=case["specificity"]
    )

    assert found == (None if case["expect_share"] is None else pytest.approx(case["expect_share"], abs=1e-6))


def test_a_tag_no_better_than_a_coin_corrects_nothing() -> None:
    assert corrected(300, 1000, sensitivity=0.3, specificity=0.7) is None
    assert corrected(0, 0, sensitivity=0.9, specificity=0.9) is None


def test_without_an_audit_the_tagging_bar_is_left_out() -> None:
    found = tornado(found=None)

    assert found.corrected_contacts is None
    assert not [swing for swing in found.tornado if "tagging" in swing.assumption]


def test_an_audit_so_small_that_the_tag_may_be_a_coin_has_no_bar() -> None:
    vague = Accuracy(0.9, 0.95, Interval(0.4, 0.99), Interval(0.5, 0.99))

    assert not [swing for swing in tornado(found=vague).tornado if "tagging" in swing.assumption]
    assert not [swing for swing in tornado(flagged=0).tornado if "tagging" in swing.assumption]


def test_an_audit_says_how_often_the_tag_is_right() -> None:
    audit = Audit(flagged_right=90, flagged_wrong=5, unflagged_right=95, unflagged_wrong=10)

    found = accuracy(audit)

    assert (audit.right, audit.n) == (185, 200)
    assert found is not None
    assert (found.sensitivity, found.specificity) == (0.9, 0.95)
    assert found.sensitivity_range.low < 0.9 < found.sensitivity_range.high


def test_an_audit_that_drew_only_one_kind_says_nothing() -> None:
    assert accuracy(Audit(10, 0, 0, 0)) is None


@given(flagged=st.integers(0, 500), unflagged=st.integers(0, 500), sens=st.floats(0, 1), spec=st.floats(0, 1))
def test_a_corrected_share_is_a_share(flagged: int, unflagged: int, sens: float, spec: float) -> None:
    found = corrected_share(flagged, flagged + unflagged, sensitivity=sens, specificity=spec)

    assert found is None or 0 <= found <= 1


@given(measured=st.integers(0, 10**8), estimated=st.integers(0, 10**8), flagged=st.integers(0, 9000))
def test_bars_are_sorted_by_swing_and_what_is_not_about_tags_contains_the_figure(
    measured: int, estimated: int, flagged: int
) -> None:
    found = tornado(measured_minor=measured, estimated_minor=estimated, flagged=flagged, n=9000)

    swings = [swing.swing_minor for swing in found.tornado]
    assert swings == sorted(swings, reverse=True)
    for swing in found.tornado:
        assert "tagging" in swing.assumption or swing.low_minor <= found.base_minor <= swing.high_minor
