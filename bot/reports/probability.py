"""Intervals and tail probabilities; exact to far more digits than any report prints.

The standard library has the normal distribution. Student's t needs the incomplete beta function, and a statistics
package of tens of megabytes for one function would not earn its place in the default install.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final, NamedTuple

Z95: Final = 1.959964
"""Standard deviations either side of the mean that hold 95 % of a normal distribution."""

_NORMAL: Final = NormalDist()
_ENOUGH: Final = 1e-15
_TERMS_MAX: Final = 10_000
_TINY: Final = 1e-300


class Interval(NamedTuple):
    """A 95 % interval."""

    low: float
    high: float


def wilson(successes: int, n: int) -> Interval:
    """Return Wilson's score interval of a share; it never leaves 0 to 1 and holds the share itself.

    Raises:
        ValueError: ``n`` is not above 0.
    """
    if n <= 0:
        message = "a share of nothing has no interval"
        raise ValueError(message)
    share, square = successes / n, Z95 * Z95
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = Z95 * math.sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    # Rounding may leave the ends a hair on the wrong side of the share.
    return Interval(max(0.0, min(middle - half, share)), min(1.0, max(middle + half, share)))


def newcombe(successes: tuple[int, int], sizes: tuple[int, int]) -> Interval:
    """Return Newcombe's hybrid score interval (1998, method 10) of the first share less the second."""
    (first, second), (n_first, n_second) = successes, sizes
    share, other = first / n_first, second / n_second
    (low, high), (other_low, other_high) = wilson(first, n_first), wilson(second, n_second)
    return Interval(
        share - other - math.hypot(share - low, other_high - other),
        share - other + math.hypot(high - share, other - other_low),
    )


def normal_quantile(probability: float) -> float:
    """Return the z below which ``probability`` of a normal distribution lies."""
    return _NORMAL.inv_cdf(probability)


def normal_p(z: float) -> float:
    """Return the two-sided probability of a normal deviate at least as far from 0 as ``z``."""
    return math.erfc(abs(z) / math.sqrt(2))


def chi2_p(chi2: float) -> float:
    """Return the probability of at least ``chi2`` with one degree of freedom."""
    return math.erfc(math.sqrt(chi2 / 2))


def student_p(t: float, df: float) -> float:
    """Return the two-sided probability of at least ``t`` with ``df`` degrees of freedom, which may be a fraction."""
    return _incomplete_beta(df / 2, 0.5, df / (df + t * t))


def student_quantile(df: float, confidence: float = 0.95) -> float:
    """Return the t that leaves ``1 - confidence`` outside -t to t."""
    low, high = 0.0, 1.0
    while student_p(high, df) > 1 - confidence:
        low, high = high, high * 2
    while high - low > high * _ENOUGH * 10:
        middle = (low + high) / 2
        if middle in {low, high}:
            break
        low, high = (middle, high) if student_p(middle, df) > 1 - confidence else (low, middle)
    return (low + high) / 2


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function (DLMF 8.17), by its continued fraction on the side that converges."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    log_front = a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(log_front) / (a * _fraction(a, b, x))


def _fraction(a: float, b: float, x: float) -> float:
    """``1 + d1/(1 + d2/(1 + …))`` of DLMF 8.17.22, by Lentz's method as modified by Thompson and Barnett."""
    value, upper, lower = 1.0, 1.0, 0.0
    for number in range(1, _TERMS_MAX):
        half = number // 2
        if number % 2:
            term = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        else:
            term = half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
        lower = 1 / ((1 + term * lower) or _TINY)
        upper = (1 + term / upper) or _TINY
        value *= upper * lower
        if abs(upper * lower - 1) < _ENOUGH:
            break
    return value
