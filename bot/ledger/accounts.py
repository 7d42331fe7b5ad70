"""The chart of accounts: few accounts, many dimensions (specification 1.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from bot.domain import Quadrant

Root = Literal["asset", "liability", "equity", "income", "expense"]

VALUE_UNREALISED: Final = "Assets:Value:Unrealised"
VALUE_REALISED: Final = "Assets:Value:Realised"
BUDGET_AVAILABLE: Final = "Assets:Budget:Available"
BUDGET_INITIATIVES: Final = "Assets:Budget:Initiatives"
PROMISES: Final = "Liabilities:Promises"
POOL: Final = "Equity:Pool:Service"
FUNDING_ACTUAL: Final = "Equity:Funding:Actual"
SAVINGS: Final = "Equity:Savings"
FUNDING_GOODWILL: Final = "Equity:Funding:Goodwill"
SAVINGS_UNFUNDED: Final = "Equity:Savings:Unfunded"
COUNTS: Final = "Equity:Counts"
SPREAD_WORD: Final = "Income:Value:SpreadWord"
BUY_AGAIN: Final = "Income:Value:BuyAgain"
BUY_MORE: Final = "Income:Value:BuyMore"
VALUE_EXPIRED: Final = "Income:Value:Expired"
WASTE: Final = "Expenses:Contact:Waste"
AUTOMATE: Final = "Expenses:Contact:Automate"
SIMPLIFY: Final = "Expenses:Contact:Simplify"
SERVE: Final = "Expenses:Contact:Serve"
SUSPENSE: Final = "Expenses:Contact:Unclassified"
GOODWILL: Final = "Expenses:Goodwill"
RECHARGE: Final = "Expenses:Recharge"
INNOVATION: Final = "Expenses:Innovation"


@dataclass(frozen=True, slots=True)
class Account:
    """One account. ``path`` is its public name; ``code`` orders accounts in reports."""

    path: str
    code: str
    root: Root


CHART: Final[dict[str, Account]] = {
    account.path: account
    for account in (
        Account(VALUE_UNREALISED, "1010", "asset"),
        Account(VALUE_REALISED, "1020", "asset"),
        Account(BUDGET_AVAILABLE, "1110", "asset"),
        Account(BUDGET_INITIATIVES, "1120", "asset"),
        Account(PROMISES, "2010", "liability"),
        Account(POOL, "3010", "equity"),
        Account(FUNDING_ACTUAL, "3020", "equity"),
        Account(SAVINGS, "3030", "equity"),
        Account(FUNDING_GOODWILL, "3040", "equity"),
        Account(SAVINGS_UNFUNDED, "3050", "equity"),
        Account(COUNTS, "3090", "equity"),
        Account(SPREAD_WORD, "4010", "income"),
        Account(BUY_AGAIN, "4020", "income"),
        Account(BUY_MORE, "4030", "income"),
        Account(VALUE_EXPIRED, "4090", "income"),
        Account(WASTE, "5010", "expense"),
        Account(AUTOMATE, "5020", "expense"),
        Account(SIMPLIFY, "5030", "expense"),
        Account(SERVE, "5040", "expense"),
        Account(SUSPENSE, "5090", "expense"),
        Account(GOODWILL, "5110", "expense"),
        Account(RECHARGE, "5210", "expense"),
        Account(INNOVATION, "5310", "expense"),
    )
}
"""Every account, by path, in the order of the codes."""

OF_QUADRANT: Final[dict[Quadrant, str]] = {
    Quadrant.LIABILITY: WASTE,
    Quadrant.AUTOMATE: AUTOMATE,
    Quadrant.SIMPLIFY: SIMPLIFY,
    Quadrant.ASSET: SERVE,
    Quadrant.UNCLASSIFIED: SUSPENSE,
}
"""The expense account that bears contacts of a quadrant."""

CONTACT_ACCOUNTS: Final = tuple(OF_QUADRANT.values())
"""The accounts 50xx, over which TAG counts live tags and CNT contacts."""

SERVICE: Final = "service"
"""The department that works the contacts; the other side of most lines."""

UNASSIGNED: Final = "unassigned"
"""The owner of what nobody owns yet. Shown, never charged."""
