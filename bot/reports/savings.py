"""Savings against a baseline at today's volume, and the innovation budget they fund (specification 2.4)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, variance
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from bot.errors import InputError
from bot.ledger.money import WHOLE
from bot.reports.figures import rounded
from bot.reports.probability import Z95

WEEKS_MIN: Final = 8
PHI: Final = 2.0

SAVING: Final = "saving"
DEARER: Final = "dearer"
NOTHING: Final = "not distinguishable from zero"
NO_BASELINE: Final = "no baseline"
SHORT_BASELINE: Final = "baseline too short"

SavingClass = Literal["cashable", "capacity"]
"""Finance's word: fewer hours bought, or time freed."""


class Volume(NamedTuple):
    """Contacts and their posted cost."""

    contacts: int
    cost_minor: int


class Baseline(NamedTuple):
    """What was before: incident hours left out. ``driver`` is the orders (flights, customers) of its weeks."""

    weeks: int
    driver: int
    volumes: Mapping[str, Volume]
    drivers: Mapping[str, int] = MappingProxyType({})
    """The driver of reasons that lose hours to incidents."""

    def driver_of(self, reason: str) -> int:
        """The driver of the hours that are left of a reason."""
        return self.drivers.get(reason, self.driver)


@dataclass(frozen=True, slots=True)
class Saving:
    """One reason against its baseline. Saving = rate effect + unit cost effect, exactly.

    ``creditable_minor`` is the lower end of the 95 % interval, never below 0. ``initiative`` is the one this saving
    is claimed for; empty is visible.
    """

    reason: str
    baseline_contacts: int
    baseline_cost_minor: int
    baseline_unit_minor: int
    expected_contacts: int
    expected_cost_minor: int
    actual_contacts: int
    actual_cost_minor: int
    saving_minor: int
    rate_effect_minor: int
    unit_cost_effect_minor: int
    se_minor: float
    low_minor: int
    high_minor: int
    creditable_minor: int
    verdict: str
    initiative: str


@dataclass(frozen=True, slots=True)
class Savings:
    """All rows, losers included, and their total, so that nobody reports only the winners."""

    rows: tuple[Saving, ...]
    total_saving_minor: int
    total_creditable_minor: int


def savings(
    baseline: Baseline,
    actual: Mapping[str, Volume],
    *,
    driver_now: int,
    phi: float | Mapping[str, float] = PHI,
    initiatives: Mapping[str, str] | None = None,
) -> Savings:
    """Return each reason's saving, the largest first. ``initiatives`` are ids by reason.

    Raises:
        InputError: the driver of the baseline or of now is not above 0.
    """
    if baseline.driver <= 0 or driver_now <= 0:
        raise InputError("savings need a driver above 0 in both periods; import drivers, or choose another one")
    claimed = initiatives or {}
    rows = [
        _saving(
            reason,
            baseline,
            actual.get(reason, Volume(0, 0)),
            driver_now,
            phi if isinstance(phi, int | float) else phi.get(reason, PHI),
            claimed.get(reason, ""),
        )
        for reason in baseline.volumes.keys() | actual.keys()
    ]
    rows.sort(key=lambda row: (-row.saving_minor, row.reason))
    return Savings(tuple(rows), sum(row.saving_minor for row in rows), sum(row.creditable_minor for row in rows))


def _saving(reason: str, baseline: Baseline, actual: Volume, driver_now: int, phi: float, initiative: str) -> Saving:
    before = baseline.volumes.get(reason, Volume(0, 0))
    unit = rounded(before.cost_minor, before.contacts) if before.contacts else 0
    driver = baseline.driver_of(reason)
    expected = rounded(before.contacts * driver_now * unit, driver)
    saving = expected - actual.cost_minor
    exact_contacts = before.contacts * driver_now / driver
    spread = exact_contacts**2 / before.contacts if before.contacts else 0.0
    # Corrections of earlier months can take back more contacts than came: they are events as uncertain as others.
    error = abs(unit) * math.sqrt(phi * (abs(actual.contacts) + abs(spread)))
    low, high = math.floor(saving - Z95 * error), math.floor(saving + Z95 * error)
    verdict = _verdict(before, baseline.weeks, low, high)
    return Saving(
        reason=reason,
        baseline_contacts=before.contacts,
        baseline_cost_minor=before.cost_minor,
        baseline_unit_minor=unit,
        expected_contacts=rounded(before.contacts * driver_now, baseline.driver),
        expected_cost_minor=expected,
        actual_contacts=actual.contacts,
        actual_cost_minor=actual.cost_minor,
        saving_minor=saving,
        rate_effect_minor=expected - actual.contacts * unit,
        unit_cost_effect_minor=actual.contacts * unit - actual.cost_minor,
        se_minor=error,
        low_minor=low,
        high_minor=high,
        creditable_minor=low if verdict == SAVING else 0,
        verdict=verdict,
        initiative=initiative,
    )


def _verdict(before: Volume, weeks: int, low: int, high: int) -> str:
    if not before.contacts:
        return NO_BASELINE
    if weeks < WEEKS_MIN:
        return SHORT_BASELINE
    if low > 0:
        return SAVING
    return DEARER if high < 0 else NOTHING


def overdispersion(weekly_counts: Sequence[int]) -> float:
    """Return φ, the variance of weekly counts over their mean; never below 1, and 2 under eight weeks."""
    if len(weekly_counts) < WEEKS_MIN or not any(weekly_counts):
        return PHI
    return max(1.0, variance(weekly_counts) / mean(weekly_counts))


@dataclass(frozen=True, slots=True)
class ConfirmedSaving:
    """A saving (or, below 0, a loss) that finance confirmed for a month such as ``2026-09``."""

    month: str
    confirmed_minor: int
    saving_class: SavingClass = "cashable"


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """One month. Only a new high of the cumulative saving funds: a bad month must be made good first."""

    month: str
    confirmed_minor: int
    cumulative_minor: int
    new_high_minor: int
    high_water_minor: int
    funded_minor: int


@dataclass(frozen=True, slots=True)
class Budget:
    """The innovation budget by month."""

    rows: tuple[BudgetRow, ...]
    funded_total_minor: int


def budget(
    confirmed: Iterable[ConfirmedSaving], *, share_bp: int, funds: Literal["cashable", "all"] = "cashable"
) -> Budget:
    """Return what each month's confirmed savings fund: ``share_bp`` of every new high-water mark.

    Raises:
        InputError: the share is not between 0 and 10 000 basis points.
    """
    if not 0 <= share_bp <= WHOLE:
        raise InputError(f"{share_bp} is no share: give 0 to {WHOLE} basis points")
    months: Counter[str] = Counter()
    for saving in confirmed:
        months[saving.month] += saving.confirmed_minor if funds == "all" or saving.saving_class == "cashable" else 0
    rows: list[BudgetRow] = []
    cumulative = high = 0
    for month, minor in sorted(months.items()):
        cumulative += minor
        reached = max(high, cumulative)
        # The difference of two rounded totals, so that pennies lost to rounding in one month come back in the next.
        funded = reached * share_bp // WHOLE - high * share_bp // WHOLE
        rows.append(BudgetRow(month, minor, cumulative, reached - high, reached, funded))
        high = reached
    return Budget(tuple(rows), sum(row.funded_minor for row in rows))
