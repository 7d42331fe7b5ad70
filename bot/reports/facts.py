"""What ledger reports are made of: sums of posted lines, as one GROUP BY returns them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final, NamedTuple

from bot.domain import UNCLASSIFIED, Quadrant
from bot.ledger.accounts import OF_QUADRANT
from bot.ledger.journal import Basis

QUADRANT_OF: Final = {account: quadrant for quadrant, account in OF_QUADRANT.items()}
"""The quadrant whose contacts an expense account bears."""


class LineSum(NamedTuple):
    """The sum of all lines that share these values; debits are positive.

    Reports add sums up again, so it does not matter how finely they are cut: one a line is as right as one an account.
    """

    account: str
    commodity: str
    basis: Basis
    amount: int
    dept: str = ""
    reason: str | None = None
    quadrant: str | None = None
    segment: str | None = None

    @property
    def cell(self) -> Quadrant | None:
        """The quadrant of the account; None for one that does not bear contacts.

        The account decides, not the snapshot on the line: suspense stays suspense until somebody sets a reason, and
        so the grid's cells add up to the statement.
        """
        return QUADRANT_OF.get(self.account)

    @property
    def why(self) -> str:
        """The reason's id, or ``unclassified``."""
        return self.reason or UNCLASSIFIED


class Period(NamedTuple):
    """The days a report covers, both inclusive, in the reporting time zone."""

    first: date
    last: date


def priced(sums: Iterable[LineSum], currency: str) -> list[LineSum]:
    """Return the sums in the book's currency that contacts bear (accounts 50xx)."""
    return [line for line in sums if line.commodity == currency and line.cell is not None]


def counted_contacts(sums: Iterable[LineSum]) -> list[LineSum]:
    """Return the sums that count contacts."""
    return [line for line in sums if line.commodity == "CNT" and line.cell is not None]
