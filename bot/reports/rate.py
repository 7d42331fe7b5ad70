"""What an hour of work costs: the payroll over the hours that can be worked (specification 1.6). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.errors import InputError
from bot.reports.figures import rounded

_FULL_PCT: Final = 100


@dataclass(frozen=True, slots=True)
class Rate:
    """The rate that a month's payroll gives, beside the one that contacts are priced at.

    ``approved_by`` is empty while the configured rate is a placeholder.
    """

    payroll_minor: int
    paid_hours: int
    practical_capacity_pct: int
    rate_minor: int
    configured_rate_minor: int
    approved_by: str


def rate(
    payroll_minor: int, *, paid_hours: int, practical_capacity_pct: int, configured_minor: int, approved_by: str
) -> Rate:
    """Return the fully loaded cost of an hour of practical capacity, half up.

    Raises:
        InputError: there is no payroll to divide, or nobody said how many hours it paid.
    """
    if payroll_minor <= 0:
        raise InputError("there is no payroll of that month; import it with: earmark import payroll FILE")
    if paid_hours <= 0:
        raise InputError("say how many hours the payroll paid, such as --paid-hours 1600")
    return Rate(
        payroll_minor,
        paid_hours,
        practical_capacity_pct,
        rounded(payroll_minor * _FULL_PCT, paid_hours * practical_capacity_pct),
        configured_minor,
        approved_by,
    )
