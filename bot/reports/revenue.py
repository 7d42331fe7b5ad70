"""Revenue of two arms: Welch's test, and CUPED where there is a period before (specification 2.9)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev, variance
from typing import Final, NamedTuple

from bot.errors import InputError
from bot.reports.probability import student_p, student_quantile

_CUSTOMERS_MIN: Final = 2


class Sample(NamedTuple):
    """An arm's outcome: mean, standard deviation (n - 1) and size."""

    mean: float
    sd: float
    n: int


class Customer(NamedTuple):
    """One customer's revenue strictly before the assignment, and in the outcome window."""

    before: float
    outcome: float


@dataclass(frozen=True, slots=True)
class Difference:
    """Treatment less control with its 95 % interval; degrees of freedom by Welch and Satterthwaite."""

    diff: float
    se: float
    df: float
    t: float
    p: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Cuped:
    """The difference as it is, and after taking off what the time before already explains."""

    theta: float
    raw: Difference
    adjusted: Difference
    variance_removed: float


def welch(treatment: Sample, control: Sample) -> Difference:
    """Return the difference of two means whose variances need not be equal.

    Raises:
        InputError: an arm has fewer than two customers, or nothing varies.
    """
    if min(treatment.n, control.n) < _CUSTOMERS_MIN:
        raise InputError("a comparison needs at least two customers in each arm")
    parts = [(arm.sd**2 / arm.n, arm.n - 1) for arm in (treatment, control)]
    square = sum(part for part, _ in parts)
    if square <= 0:
        raise InputError("all customers of each arm have the same outcome, so there is nothing to compare")
    error, diff = math.sqrt(square), treatment.mean - control.mean
    df = square**2 / sum(part**2 / n for part, n in parts)
    half = student_quantile(df) * error
    return Difference(diff, error, df, diff / error, student_p(diff / error, df), diff - half, diff + half)


def cuped(treatment: Sequence[Customer], control: Sequence[Customer]) -> Cuped:
    """Return the comparison adjusted by ``y - θ (x - mean x)`` with x before and y after, θ pooled over both arms.

    Raises:
        InputError: an arm has fewer than two customers, or nothing varies.
    """
    everybody = [*treatment, *control]
    raw = welch(_sample([one.outcome for one in treatment]), _sample([one.outcome for one in control]))
    theta = _theta(everybody)
    middle = mean(one.before for one in everybody)
    left, right = (
        _sample([one.outcome - theta * (one.before - middle) for one in arm]) for arm in (treatment, control)
    )
    adjusted = welch(left, right)
    return Cuped(theta, raw, adjusted, 1 - (adjusted.se / raw.se) ** 2)


def _sample(outcomes: Sequence[float]) -> Sample:
    if len(outcomes) < _CUSTOMERS_MIN:
        raise InputError("a comparison needs at least two customers in each arm")
    return Sample(mean(outcomes), stdev(outcomes), len(outcomes))


def _theta(everybody: Sequence[Customer]) -> float:
    """The slope of the outcome on the time before; 0 where the time before was the same for all."""
    spread = variance([one.before for one in everybody])
    if not spread:
        return 0.0
    before, after = mean(one.before for one in everybody), mean(one.outcome for one in everybody)
    together = math.fsum((one.before - before) * (one.outcome - after) for one in everybody)
    return together / (len(everybody) - 1) / spread
