"""How far the waste figure moves with each assumption, and counts corrected for tagging errors (specification 6)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Final, NamedTuple

from bot.reports.figures import rounded
from bot.reports.probability import Interval, wilson

MINUTES_PCT: Final = 30
RATE_PCT: Final = 10

_HUNDRED: Final = 100
_COIN: Final = 1e-9
"""Sensitivity + specificity - 1 at or below this says the tag is no better than a coin."""


class Audit(NamedTuple):
    """What people found when they checked randomly drawn tags: flagged or not, and what was right."""

    flagged_right: int
    flagged_wrong: int
    unflagged_right: int
    unflagged_wrong: int

    @property
    def right(self) -> int:
        """How many were tagged rightly."""
        return self.flagged_right + self.unflagged_right

    @property
    def n(self) -> int:
        """How many were checked."""
        return sum(self)


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How often the tagger finds what is there (sensitivity) and leaves what is not (specificity)."""

    sensitivity: float
    specificity: float
    sensitivity_range: Interval
    specificity_range: Interval


@dataclass(frozen=True, slots=True)
class Corrected:
    """The share and number of contacts that truly belong to the tag."""

    share: float
    contacts: int


@dataclass(frozen=True, slots=True)
class Disputed:
    """A reason that a department says is no waste, and what stands on it."""

    reason: str
    cost_minor: int
    why: str = "the department says these contacts have business value"


@dataclass(frozen=True, slots=True)
class Swing:
    """What one assumption alone makes of the figure."""

    assumption: str
    low_minor: int
    high_minor: int
    swing_minor: int
    why: str


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The widest bar first: it says which assumption to measure next."""

    base_minor: int
    corrected_share: float | None
    corrected_contacts: int | None
    tornado: tuple[Swing, ...]


def corrected_share(flagged: int, n: int, *, sensitivity: float, specificity: float) -> float | None:
    """Return the true share by Rogan and Gladen, between 0 and 1; None where the tag is no better than a coin."""
    informative = sensitivity + specificity - 1
    if n <= 0 or informative <= _COIN:
        return None
    return min(1.0, max(0.0, (flagged / n + specificity - 1) / informative))


def corrected(flagged: int, n: int, *, sensitivity: float, specificity: float) -> Corrected | None:
    """Return the corrected share and count; None where the tag is no better than a coin."""
    share = corrected_share(flagged, n, sensitivity=sensitivity, specificity=specificity)
    return None if share is None else Corrected(share, math.floor(share * n + 0.5))


def accuracy(audit: Audit) -> Accuracy | None:
    """Return what an audit says of the tagger; None before both kinds were drawn."""
    there = audit.flagged_right + audit.unflagged_wrong
    absent = audit.unflagged_right + audit.flagged_wrong
    if not there or not absent:
        return None
    return Accuracy(
        audit.flagged_right / there,
        audit.unflagged_right / absent,
        wilson(audit.flagged_right, there),
        wilson(audit.unflagged_right, absent),
    )


def sensitivity(
    *,
    measured_minor: int,
    estimated_minor: int,
    flagged: int,
    n: int,
    found: Accuracy | None = None,
    disputed: Iterable[Disputed] = (),
) -> Sensitivity:
    """Return the tornado of a waste figure, one assumption at a time.

    ``flagged`` of all ``n`` contacts are waste as tagged.
    """
    base = measured_minor + estimated_minor
    swings = [_minutes(base, estimated_minor), _rate(base), *(_disputed(base, one) for one in disputed)]
    tagging = _tagging(base, flagged, n, found) if found else None
    right = corrected(flagged, n, sensitivity=found.sensitivity, specificity=found.specificity) if found else None
    swings += [tagging] if tagging else []
    return Sensitivity(
        base_minor=base,
        corrected_share=right.share if right else None,
        corrected_contacts=right.contacts if right else None,
        tornado=tuple(sorted(swings, key=lambda swing: (-swing.swing_minor, swing.assumption))),
    )


def _swing(assumption: str, ends: Iterable[int], why: str) -> Swing:
    low, *_, high = sorted(ends)
    return Swing(assumption, low, high, high - low, why)


def _minutes(base: int, estimated: int) -> Swing:
    part = rounded(estimated * MINUTES_PCT, _HUNDRED)
    name = f"default minutes (estimated contacts only) -{MINUTES_PCT}%/+{MINUTES_PCT}%"
    return _swing(name, (base - part, base + part), "no measurement behind them")


def _rate(base: int) -> Swing:
    part = rounded(base * RATE_PCT, _HUNDRED)
    return _swing(f"hourly rate -{RATE_PCT}%/+{RATE_PCT}%", (base - part, base + part), "finance range")


def _disputed(base: int, one: Disputed) -> Swing:
    return _swing(f"{one.reason} is not waste (disputed quadrant)", (base - one.cost_minor, base), one.why)


def _tagging(base: int, flagged: int, n: int, found: Accuracy) -> Swing | None:
    """The range over the audit's intervals; the raw count is biased, so it need not lie inside."""
    if not flagged:
        return None
    shares = [
        corrected_share(flagged, n, sensitivity=sensitive, specificity=specific)
        for sensitive, specific in product(found.sensitivity_range, found.specificity_range)
    ]
    known = [math.floor(share * n * base / flagged) for share in shares if share is not None]
    if len(known) < len(shares):
        return None
    why = f"sensitivity {_range(found.sensitivity_range)}, specificity {_range(found.specificity_range)}"
    return _swing("tagging errors (audit sample)", known, why)


def _range(interval: Interval) -> str:
    return f"{interval.low:.2f}-{interval.high:.2f}"
