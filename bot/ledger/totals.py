"""Sums over the ledger, as the board and the command line show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.domain import Quadrant, Tag
from bot.ledger.accounts import CHART
from bot.ledger.journal import Journal, Status


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


def balances(journals: Iterable[Journal], *, status: Status) -> list[Balance]:
    """Return the balances that are not 0, by code, department, unit and basis; pending ones are open holds only."""
    written = list(journals)
    resolved = {journal.draft.resolves for journal in written}
    sums: Counter[tuple[str, str, str, str]] = Counter()
    for journal in written:
        if journal.draft.status == status and (status == "posted" or journal.key not in resolved):
            for line in journal.draft.lines:
                sums[line.account, line.dept, line.commodity, line.basis] += line.amount
    return in_order(Balance(*key, amount) for key, amount in sums.items() if amount)


def in_order(rows: Iterable[Balance]) -> list[Balance]:
    """Return balances as reports show them: by code, department, unit and basis."""
    return sorted(rows, key=lambda row: (row.code, row.dept, row.commodity, row.basis))


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
