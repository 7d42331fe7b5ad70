"""The rate of an hour: payroll over the hours that can be worked."""

from __future__ import annotations

import pytest

from bot.errors import InputError
from bot.reports.rate import rate


def of(payroll_minor: int, paid_hours: int, pct: int = 80) -> int:
    found = rate(
        payroll_minor,
        paid_hours=paid_hours,
        practical_capacity_pct=pct,
        configured_minor=3000,
        approved_by="",
    )
    return found.rate_minor


def test_an_hour_costs_the_payroll_over_the_hours_that_can_be_worked() -> None:
    # £38,400.00 for 1,600 paid hours, of which 1,280 can be worked.
    assert of(38_400_00, 1600) == 30_00
    assert of(38_400_00, 1600, pct=100) == 24_00


def test_half_a_penny_is_rounded_up() -> None:
    assert of(100, 8) == 16
    assert of(1, 2, pct=100) == 1


def test_without_payroll_or_hours_there_is_no_rate() -> None:
    with pytest.raises(InputError, match="no payroll of that month"):
        of(0, 1600)
    with pytest.raises(InputError, match="--paid-hours 1600"):
        of(38_400_00, 0)
