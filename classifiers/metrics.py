"""Measures of a tagger: F1, calibration error, and how far each may be off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.intp]
_RESAMPLES = 1000
_BINS = 10
_SEED = 11
_TAILS = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and F1 of one class. A class nobody predicted and nobody is in scores 0."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def score(predicted: Sequence[bool], true: Sequence[bool]) -> Score:
    """Return precision, recall and F1 of the class that ``true`` marks."""
    both = sum(said and is_so for said, is_so in zip(predicted, true, strict=True))
    precision, recall = both / max(1, sum(predicted)), both / max(1, sum(true))
    return Score(precision, recall, 2 * both / max(1, sum(predicted) + sum(true)))


def macro_f1(predicted: Sequence[str], true: Sequence[str]) -> float:
    """Return the mean F1 of the classes that occur in ``true``."""
    classes = sorted(set(true))
    return sum(
        score([said == name for said in predicted], [is_so == name for is_so in true]).f1 for name in classes
    ) / len(classes)


def accuracy(predicted: Sequence[str], true: Sequence[str]) -> float:
    """Return the share of equal pairs."""
    return sum(said == is_so for said, is_so in zip(predicted, true, strict=True)) / len(true)


def calibration_error(probabilities: Sequence[float], true: Sequence[bool]) -> float:
    """Return the expected calibration error over ten bins of equal width."""
    chance, outcome = np.asarray(probabilities), np.asarray(true, dtype=float)
    bins = np.minimum((chance * _BINS).astype(int), _BINS - 1)
    gaps = [
        abs(float(chance[bins == at].mean() - outcome[bins == at].mean())) * int((bins == at).sum()) for at in set(bins)
    ]
    return sum(gaps) / len(chance)


def bootstrap(count: int, measure: Callable[[Indices], float]) -> Interval:
    """Return ``measure`` over all ``count`` items, with its interval over resamples of them."""
    chance = np.random.default_rng(_SEED)
    values = [measure(chance.integers(0, count, count)) for _ in range(_RESAMPLES)]
    low, high = np.percentile(values, _TAILS)
    return Interval(measure(np.arange(count)), float(low), float(high))
