"""Money and time in whole numbers: no float takes part (specification 1.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from bot.errors import InputError, LedgerError

Shares = tuple[tuple[str, int], ...]
"""Departments with their basis points; they sum to 10 000."""

WHOLE: Final = 10_000
"""Basis points in a whole."""

_EXPONENTS: Final = {
    currency: exponent
    for exponent, currencies in (
        (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
        (3, "BHD IQD JOD KWD LYD OMR TND"),
        (4, "CLF UYW"),
    )
    for currency in currencies.split()
}
_TYPED: Final = re.compile(r"(?P<whole>[0-9]{1,12})(?:\.(?P<fraction>[0-9]+))?")
_SYMBOLS: Final = {"GBP": "£", "EUR": "€", "USD": "$", "JPY": "¥", "INR": "₹", "KRW": "₩"}


def exponent(currency: str) -> int:
    """Return how many decimals a currency has (ISO 4217): JPY 0, GBP 2, KWD 3."""
    return _EXPONENTS.get(currency, 2)


def symbol(currency: str) -> str:
    """Return what stands before an amount: ``£``, or the code and a space."""
    return _SYMBOLS.get(currency, f"{currency} ")


def display(minor: int, *, exponent: int, symbol: str) -> str:
    """Return an amount as people read it: 332500 → ``£3,325.00``."""
    sign = "-" if minor < 0 else ""
    whole, fraction = divmod(abs(minor), 10**exponent)
    decimals = f".{fraction:0{exponent}d}" if exponent else ""
    return f"{sign}{symbol}{whole:,}{decimals}"


def parse(text: str, *, exponent: int) -> int:
    """Return an amount that a person typed, in minor units: ``12.5`` with two decimals → 1250.

    Only digits and one point: ``1,250`` is 1250 to one reader and 1.25 to another, so it is refused.

    Raises:
        InputError: it is no such amount, or has more decimals than the currency.
    """
    example = f"12.{'50000'[:exponent]}" if exponent else "12"
    found = _TYPED.fullmatch(text.strip())
    if found is None:
        raise InputError(f"this is no amount; write it with digits and a point only, such as {example}")
    whole, fraction = found["whole"], found["fraction"] or ""
    if len(fraction) > exponent:
        raise InputError(f"this has more decimals than the currency; write such as {example}")
    return int(whole + fraction.ljust(exponent, "0"))


def cost_minor(seconds: int, rate_minor_per_hour: int) -> int:
    """Return the price of ``seconds`` in minor units, half rounded up."""
    return (seconds * rate_minor_per_hour + 1800) // 3600


def scaled_seconds(base_seconds: int, channel_pct: int) -> int:
    """Return ``channel_pct`` per cent of ``base_seconds``, half rounded up."""
    return (base_seconds * channel_pct + 50) // 100


def check_shares(shares: Sequence[tuple[str, int]]) -> None:
    """Do nothing when the shares are positive and sum to a whole.

    Raises:
        LedgerError: ``E_SHARES``, they do not.
    """
    if any(type(points) is not int or points <= 0 for _, points in shares):
        raise LedgerError(
            "E_SHARES", "a share must be a whole number of basis points above 0; leave out who bears nothing"
        )
    total = sum(points for _, points in shares)
    if total != WHOLE:
        raise LedgerError("E_SHARES", f"the shares sum to {total} basis points; make them sum to {WHOLE}")


def split(total: int, shares: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return ``total`` parted by the shares, in their order; the parts sum to it exactly.

    The largest remainders get the odd units, ties go to the earlier share.

    Raises:
        LedgerError: ``E_SHARES``, the shares are not positive or do not sum to a whole.
    """
    check_shares(shares)
    if len(shares) == 1:
        return [(shares[0][0], total)]
    parts = [total * points // WHOLE for _, points in shares]
    remainders = [total * points % WHOLE for _, points in shares]
    order = sorted(range(len(shares)), key=lambda index: (-remainders[index], index))
    for index in order[: total - sum(parts)]:
        parts[index] += 1
    return [(name, part) for (name, _), part in zip(shares, parts, strict=True)]
