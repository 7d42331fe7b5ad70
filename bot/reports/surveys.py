"""Survey scores with their intervals. Context only: they never post money (specification 1.7)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.reports.figures import percent
from bot.reports.probability import Z95

ANSWERS_MIN: Final = 30
"""Below so many answers a score is not shown."""

EASY_FROM: Final = 6
_HUNDRED: Final = 100


@dataclass(frozen=True, slots=True)
class Nps:
    """Net promoter score, -100 to 100, with its 95 % interval; all None without answers."""

    n: int
    nps: float | None
    low: float | None
    high: float | None
    show: bool


@dataclass(frozen=True, slots=True)
class Ces:
    """Customer effort: how many of those asked found it easy (6 or 7 of 7)."""

    n: int
    easy: int
    share: str
    mean: float | None


def nps(*, promoters: int, passives: int, detractors: int) -> Nps:
    """Return the score; ``show`` is False below 30 answers."""
    n = promoters + passives + detractors
    if not n:
        return Nps(0, None, None, None, show=False)
    balance = (promoters - detractors) / n
    error = math.sqrt(max(0.0, ((promoters + detractors) / n - balance**2) / n))
    low, high = (_HUNDRED * (balance + side * Z95 * error) for side in (-1, 1))
    return Nps(n, _HUNDRED * balance, max(low, -_HUNDRED), min(high, _HUNDRED), n >= ANSWERS_MIN)


def ces(scores: Sequence[int]) -> Ces:
    """Return the share of easy answers on the scale from 1 to 7.

    Raises:
        ValueError: a score is off the scale.
    """
    if any(not 1 <= score <= 7 for score in scores):  # noqa: PLR2004  # the scale
        message = "an effort score lies between 1 and 7"
        raise ValueError(message)
    easy = sum(score >= EASY_FROM for score in scores)
    return Ces(len(scores), easy, percent(easy, len(scores)), sum(scores) / len(scores) if scores else None)
