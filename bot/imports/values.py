"""What may stand in a field of an import. Each function returns the value or raises ValueError with what is wrong.

The words never repeat what stood there: it may be somebody's name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, Final

AMOUNT_MAX: Final = 2**53 - 1
"""So far a number survives JSON and JavaScript."""

TEXT_MAX: Final = 300
LONG_MAX: Final = 100_000

_MONTH: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_WHOLE: Final = re.compile(r"[+-]?\d{1,16}")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_PARTS: Final = 3

Parse = Callable[[str], Any]
"""From the text of a field to its value."""


def words(text: str) -> str:
    """A short text on one line."""
    if len(text) > TEXT_MAX:
        raise ValueError(f"is longer than {TEXT_MAX} characters")
    if not text.isprintable():
        raise ValueError("has control characters")
    return text


def long_text(text: str) -> str:
    """A text of any form, such as that of a mention."""
    if len(text) > LONG_MAX:
        raise ValueError(f"is longer than {LONG_MAX} characters")
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def whole(text: str) -> int:
    """A whole number."""
    if not _WHOLE.fullmatch(text) or abs(int(text)) > AMOUNT_MAX:
        raise ValueError("is no whole number; amounts are in minor units, such as 1250 for 12.50")
    return int(text)


def natural(text: str) -> int:
    """A whole number not below 0."""
    number = whole(text)
    if number < 0:
        raise ValueError("is below 0")
    return number


def positive(text: str) -> int:
    """A whole number above 0."""
    number = whole(text)
    if number <= 0:
        raise ValueError("is not above 0")
    return number


def between(low: int, high: int) -> Parse:
    """A whole number from ``low`` to ``high``."""

    def parse(text: str) -> int:
        number = whole(text)
        if not low <= number <= high:
            raise ValueError(f"is not between {low} and {high}")
        return number

    return parse


def day(text: str) -> date:
    """A date such as 2026-09-01."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError("is no date; write such as 2026-09-01") from error


def day_or_none(text: str) -> date | None:
    """A date, or nothing."""
    return day(text) if text else None


def moment(text: str) -> datetime:
    """A time in ISO 8601, in UTC unless it says otherwise; a date alone is its midnight."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("is no time; write such as 2026-09-01T14:30:00+01:00") from error
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def moment_or_none(text: str) -> datetime | None:
    """A time, or nothing."""
    return moment(text) if text else None


def month(text: str) -> str:
    """A month such as 2026-09."""
    if not _MONTH.fullmatch(text) or text.startswith("0000"):
        raise ValueError("is no month; write such as 2026-09")
    return text


def currency(text: str) -> str:
    """An ISO 4217 code, or nothing, which is the book's currency."""
    if text and not _CURRENCY.fullmatch(text):
        raise ValueError("is no currency; write such as GBP")
    return text


def flag(text: str) -> bool:
    """True or false."""
    if text.lower() not in {"", "true", "false", "1", "0", "yes", "no"}:
        raise ValueError("is neither true nor false")
    return text.lower() in {"true", "1", "yes"}


def one_of(*choices: str) -> Parse:
    """One of some words."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"is none of: {', '.join(choice or 'nothing' for choice in choices)}")
        return text

    return parse


def effects(text: str) -> dict[str, list[int]]:
    """Low, point and high basis points by reason: ``where_is_it=2000/4000/6000; billing_error=500/900/1200``."""
    pairs = json.loads(text).items() if text.startswith("{") else [part.partition("=")[::2] for part in text.split(";")]
    found = {str(reason).strip(): _points(points) for reason, points in pairs}
    for points in found.values():
        if len(points) != _PARTS or not 0 <= points[0] <= points[1] <= points[2] <= 10_000:  # noqa: PLR2004  # all of it
            raise ValueError("needs low/point/high basis points of each reason, such as where_is_it=2000/4000/6000")
    return found


def _points(points: object) -> list[int]:
    parts = points if isinstance(points, list) else str(points).split("/")
    return [whole(str(part).strip()) for part in parts]
