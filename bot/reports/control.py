"""Proof by control group: churn (specification 2.9). Analysis by assignment, one outcome, fixed before.

Verdicts in order: invalid where the split is off, too early where an arm or the window is not complete (and then no
figure is shown, so that nobody stops when it looks good), reduction, increase, no evidence either way.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

from bot.errors import InputError
from bot.ledger.money import WHOLE
from bot.reports.figures import rounded
from bot.reports.probability import Z95, chi2_p, newcombe, normal_p, normal_quantile

INVALID: Final = "invalid: sample ratio mismatch"
TOO_EARLY: Final = "too early"
REDUCTION: Final = "reduction"
INCREASE: Final = "increase"
NO_EVIDENCE: Final = "no evidence either way"

_SPLIT_P_MIN: Final = 0.001
_HASH_DIGITS: Final = 8


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm as assigned, treated or not, and how many of it left."""

    n: int
    churned: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What was fixed before: the split, the sizes to reach, and whether the outcome window is over."""

    treatment_bp: int = 5000
    treatment_n: int = 0
    control_n: int = 0
    is_window_over: bool = True


@dataclass(frozen=True, slots=True)
class SplitCheck:
    """Whether the arms have the sizes that were planned (χ² with one degree of freedom)."""

    srm_chi2: float
    srm_p: float
    is_valid: bool


@dataclass(frozen=True, slots=True)
class ChurnEffect:
    """Treatment less control. Below 0 is good: fewer left.

    The relative figures are None where an arm lost nobody: the log of 0 has no interval. ``number_needed_to_treat``
    None where nobody was kept.
    """

    rate_treatment: float
    rate_control: float
    diff: float
    diff_low: float
    diff_high: float
    z: float
    p: float
    relative_reduction: float | None
    relative_low: float | None
    relative_high: float | None
    number_needed_to_treat: int | None
    customers_kept: float
    customers_kept_low: float
    customers_kept_high: float
    value_point_minor: int


@dataclass(frozen=True, slots=True)
class ChurnTest:
    """The verdict and, once it may be looked at, the effect. Only the far end of the interval is ever credited."""

    verdict: str
    treatment_n: int
    control_n: int
    srm_chi2: float
    srm_p: float
    effect: ChurnEffect | None
    creditable_value_minor: int


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many customers each arm needs."""

    treatment: int
    control: int


def assigned(unit: str, *, salt: str, treatment_bp: int) -> Literal["treatment", "control"]:
    """Return the arm of a customer; the same salt and unit always give the same arm."""
    lot = int(hashlib.sha256(f"{salt}:{unit}".encode()).hexdigest()[:_HASH_DIGITS], 16)
    return "treatment" if lot % WHOLE < treatment_bp else "control"


def split_check(treatment_n: int, control_n: int, *, treatment_bp: int) -> SplitCheck:
    """Return whether the arms' sizes fit the planned split.

    Raises:
        InputError: the plan leaves an arm empty.
    """
    if not 0 < treatment_bp < WHOLE:
        raise InputError(f"treatment_bp is {treatment_bp}: give 1 to {WHOLE - 1}, so that both arms have customers")
    whole = treatment_n + control_n
    expected = whole * treatment_bp / WHOLE, whole * (WHOLE - treatment_bp) / WHOLE
    chi2 = (
        sum((n - wanted) ** 2 / wanted for n, wanted in zip((treatment_n, control_n), expected, strict=True))
        if whole
        else 0.0
    )
    p = chi2_p(chi2)
    return SplitCheck(chi2, p, p >= _SPLIT_P_MIN)


def churn_test(treatment: Arm, control: Arm, plan: Plan, *, margin_12m_minor: int = 0) -> ChurnTest:
    """Return what the experiment shows; ``margin_12m_minor`` is what one customer brings in a year.

    Raises:
        InputError: an arm lost more customers than it has, or the plan leaves an arm empty.
    """
    for arm in (treatment, control):
        if not 0 <= arm.churned <= arm.n:
            raise InputError(f"an arm of {arm.n} customers cannot have lost {arm.churned}")
    check = split_check(treatment.n, control.n, treatment_bp=plan.treatment_bp)
    verdict, effect = _judged(check, treatment, control, plan, margin_12m_minor)
    credit = math.floor(effect.customers_kept_low * margin_12m_minor) if effect and verdict == REDUCTION else 0
    return ChurnTest(verdict, treatment.n, control.n, check.srm_chi2, check.srm_p, effect, credit)


def _judged(check: SplitCheck, treatment: Arm, control: Arm, plan: Plan, margin: int) -> tuple[str, ChurnEffect | None]:
    if not check.is_valid:
        return INVALID, None
    is_full = treatment.n >= max(plan.treatment_n, 1) and control.n >= max(plan.control_n, 1)
    if not is_full or not plan.is_window_over:
        return TOO_EARLY, None
    effect = _effect(treatment, control, margin)
    if effect.diff_high < 0:
        return REDUCTION, effect
    return (INCREASE if effect.diff_low > 0 else NO_EVIDENCE), effect


def _effect(treatment: Arm, control: Arm, margin: int) -> ChurnEffect:
    share, other = treatment.churned / treatment.n, control.churned / control.n
    low, high = newcombe((treatment.churned, control.churned), (treatment.n, control.n))
    z = _pooled_z(treatment, control)
    relative, relative_low, relative_high = _relative(treatment, control)
    kept = Fraction(control.churned * treatment.n, control.n) - treatment.churned
    return ChurnEffect(
        rate_treatment=share,
        rate_control=other,
        diff=share - other,
        diff_low=low,
        diff_high=high,
        z=z,
        p=normal_p(z),
        relative_reduction=relative,
        relative_low=relative_low,
        relative_high=relative_high,
        number_needed_to_treat=math.ceil(treatment.n / kept) if kept > 0 else None,
        customers_kept=float(kept),
        customers_kept_low=-high * treatment.n,
        customers_kept_high=-low * treatment.n,
        value_point_minor=rounded(kept.numerator * margin, kept.denominator),
    )


def _pooled_z(treatment: Arm, control: Arm) -> float:
    pooled = (treatment.churned + control.churned) / (treatment.n + control.n)
    error = math.sqrt(pooled * (1 - pooled) * (1 / treatment.n + 1 / control.n))
    return (treatment.churned / treatment.n - control.churned / control.n) / error if error else 0.0


def _relative(treatment: Arm, control: Arm) -> tuple[float | None, float | None, float | None]:
    """One less the ratio of the rates, with Katz's log interval."""
    if not treatment.churned or not control.churned:
        return (1.0 if control.churned else None), None, None
    ratio = (treatment.churned / treatment.n) / (control.churned / control.n)
    error = math.sqrt(1 / treatment.churned - 1 / treatment.n + 1 / control.churned - 1 / control.n)
    return 1 - ratio, 1 - ratio * math.exp(Z95 * error), 1 - ratio * math.exp(-Z95 * error)


def sizes(
    *,
    control_rate: float,
    treatment_rate: float,
    ratio_control_over_treatment: float = 1.0,
    alpha: float = 0.05,
    power: float = 0.8,
) -> Sizes:
    """Return how many customers each arm needs to see the difference with that power.

    Raises:
        InputError: the rates are alike or are no rates, or the ratio leaves no control group.
    """
    rates = (control_rate, treatment_rate)
    if control_rate == treatment_rate or not all(0 < rate < 1 for rate in rates):
        raise InputError("give two different rates between 0 and 1, such as 0.08 and 0.06")
    if ratio_control_over_treatment <= 0:
        raise InputError("give a ratio of control to treatment above 0, such as 0.5")
    deviates = normal_quantile(1 - alpha / 2) + normal_quantile(power)
    spread = treatment_rate * (1 - treatment_rate) + control_rate * (1 - control_rate) / ratio_control_over_treatment
    n = deviates**2 * spread / (control_rate - treatment_rate) ** 2
    return Sizes(math.ceil(n), math.ceil(n * ratio_control_over_treatment))


def arms(units: Iterable[str], *, salt: str, treatment_bp: int) -> dict[str, Literal["treatment", "control"]]:
    """Return the arm of every customer."""
    return {unit: assigned(unit, salt=salt, treatment_bp=treatment_bp) for unit in units}
