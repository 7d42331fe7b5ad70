"""What one nightly summary is made of: a dataclass a line (specification 3). None is a section without data.

Names of incidents, teams and initiatives come from people and are kept as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from bot.reports.footer import Footer


@dataclass(frozen=True, slots=True)
class Demand:
    """Line 1. ``usual`` is the median of the last four same weekdays; a comparison with yesterday would be noise."""

    contacts: int
    complaints: int
    requests: int
    praise: int
    pending: int = 0
    usual: int | None = None


@dataclass(frozen=True, slots=True)
class Waste:
    """Line 2, in minor units: the day, the month to date with its range, and the baseline at this volume."""

    day_minor: int
    month_minor: int
    month_cost_minor: int
    range_minor: tuple[int, int] | None = None
    baseline_minor: int | None = None


class TopReason(NamedTuple):
    """A reason's waste this month."""

    reason: str
    owner: str
    cost_minor: int
    contacts: int


@dataclass(frozen=True, slots=True)
class Origins:
    """Line 3. ``mover`` is the reason that rose most, with its rise in whole per cent week on week."""

    top: Sequence[TopReason]
    mover: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Spike:
    """Line 4: an incident that is open, or was closed since the last summary."""

    name: str
    peak_ratio: float
    excess: int
    cost_minor: int


@dataclass(frozen=True, slots=True)
class Resolution:
    """Line 5: observed first-contact resolution of matured episodes, this month and last."""

    solved: int
    matured: int
    repeat_cost_minor: int
    last_solved: int = 0
    last_matured: int = 0


@dataclass(frozen=True, slots=True)
class PromisesKept:
    """Line 6."""

    kept: int
    promised: int
    overdue: int = 0
    overdue_queue: str = ""


@dataclass(frozen=True, slots=True)
class Replies:
    """Line 7."""

    median_minutes: float
    within: int
    counted: int
    target_minutes: int


@dataclass(frozen=True, slots=True)
class LoyaltyLine:
    """Line 8. ``credited_minor`` only where an experiment is credited; ``credited_note`` names it."""

    praise: int
    bought_again: int = 0
    customers: int = 0
    credited_minor: int = 0
    credited_note: str = ""
    window_days: int = 90


@dataclass(frozen=True, slots=True)
class RequestsLine:
    """Line 9. ``waiting_team`` has most of those waiting."""

    passed: int
    waiting: int = 0
    waiting_team: str = ""
    limit_days: int = 14


@dataclass(frozen=True, slots=True)
class Charges:
    """Line 10: what departments are shown or, where recharge is switched on, charged."""

    by_department: Sequence[tuple[str, int]]
    disputed: int = 0
    is_recharge: bool = False


@dataclass(frozen=True, slots=True)
class SavingsLine:
    """Line 11. ``saving_low_minor`` is the 95 % floor; ``next_item`` the best initiative that is not paid for yet."""

    saving_low_minor: int
    budget_left_minor: int
    next_item: str = ""
    next_outlay_minor: int = 0


@dataclass(frozen=True, slots=True)
class Night:
    """Everything one summary says. None is a section without data."""

    day: date
    days_in_month: int
    currency: str
    trust: Footer
    is_month_open: bool = True
    is_over: bool = True
    """False while the day goes on: the same lines, of what there is so far."""
    demand: Demand | None = None
    waste: Waste | None = None
    origins: Origins | None = None
    spike: Spike | None = None
    resolution: Resolution | None = None
    promises: PromisesKept | None = None
    replies: Replies | None = None
    loyalty: LoyaltyLine | None = None
    requests: RequestsLine | None = None
    charges: Charges | None = None
    savings: SavingsLine | None = None
