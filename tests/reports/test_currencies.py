"""Amounts in other currencies: converted for the report, at a rate that is shown."""

from __future__ import annotations

from datetime import date

from bot.ledger.accounts import WASTE
from bot.reports.currencies import Rate, converted
from bot.reports.facts import LineSum

RATES = [
    Rate("EUR", date(2026, 9, 1), 850_000),
    Rate("EUR", date(2026, 8, 1), 900_000),
    Rate("EUR", date(2026, 10, 1), 500_000),
    Rate("JPY", date(2026, 9, 1), 5_250),
]
END = date(2026, 9, 30)


def test_the_latest_rate_that_holds_converts_and_is_named() -> None:
    lines = [LineSum(WASTE, "EUR", "M", 1001), LineSum(WASTE, "GBP", "M", 7), LineSum(WASTE, "SEC", "M", 60)]

    found = converted(lines, currency="GBP", rates=RATES, on=END)

    # 10.01 at 0.85 is 8.5085.
    assert [(line.commodity, line.amount) for line in found.sums] == [("GBP", 851), ("GBP", 7), ("SEC", 60)]
    assert found.rates == (RATES[0],)


def test_currencies_with_other_decimals_are_converted_by_their_value() -> None:
    yen = [LineSum(WASTE, "JPY", "R", 1000), LineSum(WASTE, "JPY", "R", -1000)]

    # 1000 yen at 0.00525 are 5.25.
    assert [line.amount for line in converted(yen, currency="GBP", rates=RATES, on=END).sums] == [525, -525]


def test_a_currency_without_a_rate_stays_as_it_is_and_is_named() -> None:
    lines = [LineSum(WASTE, "USD", "M", 100), LineSum(WASTE, "EUR", "M", 100)]

    found = converted(lines, currency="GBP", rates=RATES, on=date(2026, 7, 31))

    assert found.sums == tuple(lines)
    assert (found.rates, found.without_rate) == ((), ("EUR", "USD"))
