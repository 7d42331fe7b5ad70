"""Amounts in other currencies, converted for a report at dated rates that the report prints (specification 1.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from bot.ledger.money import exponent
from bot.reports.facts import LineSum
from bot.reports.figures import rounded

MILLION: Final = 1_000_000
COUNTS: Final = frozenset({"TAG", "CNT", "SEC"})


@dataclass(frozen=True, slots=True)
class Rate:
    """From ``on``, one unit of ``currency`` is ``millionths`` of a unit of the book's: 0.85 is 850 000."""

    currency: str
    on: date
    millionths: int


@dataclass(frozen=True, slots=True)
class Converted:
    """Sums in the book's currency, the rates used, and the currencies for which there was none.

    What could not be converted stays in its own currency and in no total; the report has to say so.
    """

    sums: tuple[LineSum, ...]
    rates: tuple[Rate, ...]
    without_rate: tuple[str, ...]


def converted(sums: Iterable[LineSum], *, currency: str, rates: Iterable[Rate], on: date) -> Converted:
    """Return the sums at the latest rate of each currency that holds on a day. Posting never converts."""
    lines = list(sums)
    strange = sorted({line.commodity for line in lines} - COUNTS - {currency})
    latest = {rate.currency: rate for rate in sorted(rates, key=lambda rate: rate.on) if rate.on <= on}
    return Converted(
        sums=tuple(_converted(line, currency, latest.get(line.commodity)) for line in lines),
        rates=tuple(latest[name] for name in strange if name in latest),
        without_rate=tuple(name for name in strange if name not in latest),
    )


def _converted(line: LineSum, currency: str, rate: Rate | None) -> LineSum:
    if rate is None or line.commodity == currency:
        return line
    units = line.amount * rate.millionths * 10 ** exponent(currency)
    return line._replace(commodity=currency, amount=rounded(units, MILLION * 10 ** exponent(line.commodity)))
