"""Shares, rounding and short texts as every report prints them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from bot.ledger.money import display, exponent, symbol

NOT_AVAILABLE: Final = "n/a"
"""What stands where a share has nothing to be a share of."""


MONEY: Final[Mapping[str, str]] = MappingProxyType({"unit": "minor"})
"""Metadata of a field that holds minor units, or a mapping to them, where the name does not end in ``_minor``."""


DETAIL: Final[Mapping[str, str]] = MappingProxyType({"unit": "detail"})
"""Metadata of a field with one entry for each contact or promise: for programs, and left out of tables."""


VISIBLE: Final[Mapping[str, str]] = MappingProxyType({"unit": "visible"})
"""Metadata of a field whose emptiness says something: its column stays, and tables for people say "none yet"."""


def rounded(numerator: int, denominator: int) -> int:
    """Return the quotient as a whole number, half away from zero; no float takes part."""
    sign = -1 if (numerator < 0) != (denominator < 0) else 1
    part, whole = abs(numerator), abs(denominator)
    return sign * ((2 * part + whole) // (2 * whole))


def percent(part: int, whole: int) -> str:
    """Return a share with one decimal, such as ``71.1%``; ``n/a`` of nothing."""
    if not whole:
        return NOT_AVAILABLE
    tenths = rounded(part * 1000, whole)
    return f"{'-' if tenths < 0 else ''}{abs(tenths) // 10}.{abs(tenths) % 10}%"


def drawn(ids: Iterable[str], *, seed: str, limit: int) -> list[str]:
    """Return the ``limit`` ids with the smallest SHA-256 of ``seed:id``: a lot that nobody picked.

    Everybody who knows the ids can draw again and gets the same, in whatever order they come.
    """
    return sorted(set(ids), key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).hexdigest())[:limit]


def money(minor: int, currency: str) -> str:
    """Return an amount with its decimals: 332500 → ``£3,325.00``."""
    return display(minor, exponent=exponent(currency), symbol=symbol(currency))


def whole_money(minor: int, currency: str) -> str:
    """Return an amount in whole currency units, half away from zero: 57880 → ``£579``."""
    return display(rounded(minor, 10 ** exponent(currency)), exponent=0, symbol=symbol(currency))


def counted(number: int, noun: str) -> str:
    """Return a count with its noun: ``1 line``, ``2 lines``, ``1,201 contacts``."""
    return f"{number:,} {noun if abs(number) == 1 else f'{noun}s'}"


def title(name: str) -> str:
    """Return an id as people read it: ``where_is_it`` → ``where is it``."""
    return one_line(name.replace("_", " "))


def one_line(text: str) -> str:
    """Return a text of people on one line, without control and other invisible characters."""
    shown = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(shown.split())
