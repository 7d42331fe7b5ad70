"""Reads what ``replay`` is given: a cost configuration in the form of vector 01 and events in the form of vector 02."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from bot.domain import Quadrant
from bot.errors import InputError, LedgerError
from bot.ledger.model import CostModel
from bot.ledger.money import check_shares
from bot.ledger.taxonomy import Reason, taxonomy

_T = TypeVar("_T")
_YEAR_MAX = 2999
"""Past it a date is a slip of the pen, and near the last one there is nothing that could come after it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An object of the file with its name, so that a wrong key can be named."""

    name: str
    values: Mapping[str, Any]

    def text(self, key: str) -> str:
        """The text under ``key``."""
        return self._given(key, str)

    def number(self, key: str, default: int | None = None) -> int:
        """The whole number under ``key``."""
        return default if default is not None and key not in self.values else self._given(key, int)

    def positive(self, key: str) -> int:
        """The whole number under ``key``, 1 or more."""
        found = self.number(key)
        if found < 1:
            raise InputError(f"{self.name}: {key} must be 1 or more")
        return found

    def number_or_none(self, key: str) -> int | None:
        """The whole number under ``key``; None when it is null or missing."""
        return None if self.values.get(key) is None else self._given(key, int)

    def seconds_or_none(self, key: str) -> int | None:
        """The seconds under ``key``, 0 or more; None when it is null or missing."""
        found = self.number_or_none(key)
        if found is not None and found < 0:
            raise InputError(f"{self.name}: {key} must be 0 or more")
        return found

    def day(self, key: str = "date") -> date:
        """The date under ``key``."""
        try:
            found = date.fromisoformat(self.text(key))
        except ValueError as error:
            raise InputError(f"{self.name}: {key} is no date; write such as 2026-09-01") from error
        if found.year > _YEAR_MAX:
            raise InputError(f"{self.name}: {key} is after the year {_YEAR_MAX}; correct it")
        return found

    def says(self, key: str) -> bool:
        """True when ``key`` is there and true."""
        return self.values.get(key) is True

    def entry(self, key: str) -> Entry:
        """The object under ``key``."""
        return Entry(f"{self.name}: {key}", self._given(key, dict))

    def texts(self, key: str) -> list[str]:
        """The list of texts under ``key``."""
        found = self.list(key)
        if not all(type(one) is str for one in found):
            raise InputError(f"{self.name}: {key} must be a list of texts")
        return found

    def list(self, key: str) -> list[Any]:
        """The list under ``key``."""
        return self._given(key, list)

    def _given(self, key: str, kind: type[_T]) -> _T:
        found = self.values.get(key)
        if type(found) is not kind:
            expected = {str: "a text", int: "a whole number", dict: "an object", list: "a list"}[kind]
            raise InputError(f"{self.name}: {key} must be {expected}")
        return found


def cost_config(raw: Mapping[str, Any]) -> CostModel:
    """Return the cost model of a configuration in the form of vector 01.

    Raises:
        InputError: a key is missing or wrong.
    """
    config = Entry("config", raw)
    value, rates = config.entry("value"), config.entry("rate_minor_per_hour")
    reasons = config.entry("reasons")
    return CostModel(
        config_version=config.text("version"),
        currency=config.text("currency"),
        rate_minor_per_hour=rates.number("default"),
        channel_pct=_numbers(config, "channel_pct"),
        followon_seconds=config.number("followon_seconds"),
        after_resolved_owner="service",
        taxonomy=taxonomy(config.text("version"), tuple(_reason(reasons.entry(name), name) for name in reasons.values)),
        bot_fixed_minor=config.number("bot_fixed_minor"),
        promise_seconds=config.positive("promise_seconds"),
        praise_public_minor=value.number("praise_public_minor"),
        saved_customer_margin_12m_minor=value.number("saved_customer_margin_12m_minor"),
        saved_customer_uplift_bp=value.number("saved_customer_uplift_bp"),
        estimate_expiry_days=config.number("estimate_expiry_days"),
        repeat_window_days=config.number("repeat_window_days"),
        rate_minor_per_hour_by_channel=_numbers_or_none(rates, "by_channel"),
        rate_minor_per_hour_by_queue=_numbers_or_none(rates, "by_queue"),
        fixed_minor=_numbers_or_none(config, "fixed_minor"),
    )


def _numbers(entry: Entry, key: str) -> dict[str, int]:
    table = entry.entry(key)
    return {name: table.number(name) for name in table.values}


def _numbers_or_none(entry: Entry, key: str) -> dict[str, int]:
    return _numbers(entry, key) if key in entry.values else {}


def _reason(entry: Entry, name: str) -> Reason:
    try:
        quadrant = Quadrant(entry.text("quadrant"))
        owners = tuple((str(dept), points) for dept, points in entry.list("owners"))
        check_shares(owners)
    except (ValueError, TypeError, LedgerError) as error:
        raise InputError(f"{entry.name}: quadrant or owners cannot be read ({error})") from error
    seconds = entry.number("seconds")
    return Reason(name, title=name, tag=None, quadrant=quadrant, demand="unknown", owners=owners, seconds=seconds)
