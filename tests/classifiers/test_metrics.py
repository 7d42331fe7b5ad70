from __future__ import annotations

import numpy as np
import pytest

from classifiers.learning.fit import logistic_fit
from classifiers.metrics import accuracy, bootstrap, calibration_error, macro_f1, score


def test_f1_is_the_harmonic_mean_of_precision_and_recall() -> None:
    found = score([True, True, True, False], [True, False, False, True])

    assert found.precision == pytest.approx(1 / 3)
    assert (found.recall, found.f1) == (0.5, 0.4)


def test_a_class_that_never_occurs_scores_nothing_and_breaks_nothing() -> None:
    assert score([False], [False]).f1 == 0.0


def test_macro_f1_weighs_a_rare_class_like_a_common_one() -> None:
    assert macro_f1(["a", "a", "a", "a"], ["a", "a", "a", "b"]) == pytest.approx((6 / 7) / 2)
    assert accuracy(["a", "a", "a", "a"], ["a", "a", "a", "b"]) == 0.75


def test_calibration_error_is_the_gap_between_promise_and_outcome() -> None:
    assert calibration_error([0.75, 0.75, 0.75, 0.75], [True, True, True, False]) == 0.0
    assert calibration_error([0.95, 0.95, 0.05, 0.05], [True, False, True, False]) == pytest.approx(0.45)


def test_an_interval_surrounds_its_value() -> None:
    outcomes = np.array([1.0] * 80 + [0.0] * 20)

    interval = bootstrap(100, lambda places: float(outcomes[places].mean()))

    assert interval.value == 0.8
    assert 0.68 < interval.low < 0.76
    assert 0.84 < interval.high < 0.92
    assert str(interval).startswith("0.800 [0.")


def test_a_fitted_scale_finds_the_odds_in_the_data() -> None:
    values = np.array([[0.0]] * 100 + [[1.0]] * 100)
    truth = np.array([True] * 20 + [False] * 80 + [True] * 80 + [False] * 20)

    slope, offset = logistic_fit(values, truth)

    # log(0.2 / 0.8) at 0 and log(0.8 / 0.2) at 1
    assert offset == pytest.approx(-1.386, abs=0.01)
    assert slope == pytest.approx(2.773, abs=0.01)
