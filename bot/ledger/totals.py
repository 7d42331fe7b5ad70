"""Sums over the ledger, as the board and the command line show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain import Quadrant, Tag
from bot.ledger.accounts import CHART


@dataclass(frozen=True, slots=True)
class Balance:
    """The sum of one account, department, unit and basis; debits are positive."""

    account: str
    dept: str
    commodity: str
    basis: str
    amount: int

    @property
    def code(self) -> str:
        """The account's code."""
        return CHART[self.account].code


@dataclass(frozen=True, slots=True)
class Cost:
    """Posted cost by what it rests on, in minor units. The two are never silently added."""

    estimated_minor: int = 0
    measured_minor: int = 0


@dataclass(frozen=True, slots=True)
class LedgerTotals:
    """The ledger at a glance. ``waste_by_department`` is the posted liability cost, dearest first.

    ``pending_minor`` is work we expect: holds that nobody has posted or voided yet.
    """

    currency: str
    journals: int
    head: str
    live_tags: Mapping[Tag, int]
    contacts: int
    cost: Mapping[Quadrant, Cost]
    pending_minor: int
    waste_by_department: tuple[tuple[str, Cost], ...]
