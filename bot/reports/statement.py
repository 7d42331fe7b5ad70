"""The value/waste statement and the balance sheet (specification 2.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bot.ledger import accounts
from bot.ledger.accounts import CHART, Root
from bot.ledger.journal import Basis
from bot.reports.facts import LineSum, Period, priced
from bot.reports.figures import MONEY, percent

VALUE: Final = (accounts.SPREAD_WORD, accounts.BUY_AGAIN, accounts.BUY_MORE, accounts.VALUE_EXPIRED)
CONTACT_COST: Final = (
    accounts.SERVE,
    accounts.AUTOMATE,
    accounts.SIMPLIFY,
    accounts.WASTE,
    accounts.SUSPENSE,
)
OTHER_COST: Final = (accounts.GOODWILL, accounts.INNOVATION)

LITTLE_PCT: Final = 40
"""Below this share of the payroll the ledger explains little of the cost."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """Minor units by basis: estimated, measured, realised. The total adds bases, so whoever prints it labels it."""

    E: int = field(metadata=MONEY)
    M: int = field(metadata=MONEY)
    R: int = field(metadata=MONEY)
    total: int = field(metadata=MONEY)


@dataclass(frozen=True, slots=True)
class Ratios:
    """Shares of the contact cost."""

    waste_share_of_contact_cost: str
    measured_share_of_contact_cost: str
    unclassified_share_of_contact_cost: str


@dataclass(frozen=True, slots=True)
class Absorption:
    """How much of the service payroll the contacts explain. The rest is unused or other capacity, not spread."""

    actual_pool_minor: int
    absorbed_minor: int
    share: str
    unused_minor: int
    verdict: str


@dataclass(frozen=True, slots=True)
class BalanceSheet:
    """What stands at the end of the period. The last line is 0 for every basis in a book that balances."""

    assets: Mapping[str, Amounts]
    liabilities: Mapping[str, Amounts]
    equity: Mapping[str, Amounts]
    result_to_date: Amounts
    check_assets_minus_liabilities_minus_equity_minus_result: Amounts


@dataclass(frozen=True, slots=True)
class PriorPeriod:
    """Contact cost that stands in this period because its own was closed by then."""

    belongs_to: str
    """The month it belongs to, such as ``2026-08``."""
    account: str
    dept: str
    reason: str
    basis: Basis
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Statement:
    """Management accounts in memo money. ``pending_minor`` is expected work and in none of the other figures.

    ``prior_period_minor`` is the part of the contact cost that belongs to periods already closed, ``prior_period`` what
    it is made of.
    """

    period: Period
    currency: str
    value: Mapping[str, Amounts]
    value_total: Amounts
    costs: Mapping[str, Amounts]
    costs_total: Amounts
    net: Amounts
    contact_cost: Amounts
    ratios: Ratios
    absorption: Absorption
    pending_minor: int
    prior_period_minor: int
    balance_sheet: BalanceSheet
    prior_period: tuple[PriorPeriod, ...] = ()


def statement(
    period: Period,
    *,
    currency: str,
    posted: Iterable[LineSum],
    to_date: Iterable[LineSum],
    pending: Iterable[LineSum] = (),
    prior_period: Iterable[LineSum] = (),
) -> Statement:
    """Return the statement of a period from sums over posted lines.

    ``posted`` are the lines effective in the period, ``to_date`` all lines up to its end, ``pending`` the open holds,
    ``prior_period`` those of ``posted`` whose original date lies in an earlier period.
    """
    book = _Book(posted, currency)
    value = {path: book.credit(path) for path in VALUE}
    costs = {path: book.debit(path) for path in (*CONTACT_COST, *OTHER_COST)}
    value_total, costs_total = total(value.values()), total(costs.values())
    contact_cost = total(costs[path] for path in CONTACT_COST)
    return Statement(
        period=period,
        currency=currency,
        value=value,
        value_total=value_total,
        costs=costs,
        costs_total=costs_total,
        net=_difference(value_total, costs_total),
        contact_cost=contact_cost,
        ratios=_ratios(costs, contact_cost),
        absorption=_absorption(book),
        pending_minor=sum(line.amount for line in priced(pending, currency)),
        prior_period_minor=sum(line.amount for line in priced(prior_period, currency)),
        balance_sheet=_balance_sheet(_Book(to_date, currency)),
    )


class _Book:
    """Balances of one currency by account and basis."""

    def __init__(self, sums: Iterable[LineSum], currency: str) -> None:
        self._balances: Counter[tuple[str, Basis]] = Counter()
        for line in sums:
            if line.commodity == currency:
                self._balances[line.account, line.basis] += line.amount

    def debit(self, path: str) -> Amounts:
        """The balance of an account with debits positive."""
        return _amounts(*(self._balances[path, basis] for basis in ("E", "M", "R")))

    def credit(self, path: str) -> Amounts:
        """The balance of an account with credits positive."""
        return _difference(_amounts(0, 0, 0), self.debit(path))


def _amounts(estimated: int, measured: int, realised: int) -> Amounts:
    return Amounts(E=estimated, M=measured, R=realised, total=estimated + measured + realised)


def total(amounts: Iterable[Amounts]) -> Amounts:
    """Return the sum, each basis for itself."""
    rows = list(amounts)
    return _amounts(sum(row.E for row in rows), sum(row.M for row in rows), sum(row.R for row in rows))


def _difference(minuend: Amounts, subtrahend: Amounts) -> Amounts:
    return _amounts(minuend.E - subtrahend.E, minuend.M - subtrahend.M, minuend.R - subtrahend.R)


def _ratios(costs: Mapping[str, Amounts], contact_cost: Amounts) -> Ratios:
    return Ratios(
        waste_share_of_contact_cost=percent(costs[accounts.WASTE].total, contact_cost.total),
        measured_share_of_contact_cost=percent(contact_cost.M, contact_cost.total),
        unclassified_share_of_contact_cost=percent(costs[accounts.SUSPENSE].total, contact_cost.total),
    )


def _absorption(book: _Book) -> Absorption:
    pool = book.debit(accounts.POOL)
    absorbed = -pool.E - pool.M
    return Absorption(
        actual_pool_minor=pool.R,
        absorbed_minor=absorbed,
        share=percent(absorbed, pool.R),
        unused_minor=pool.R - absorbed,
        verdict=absorption_verdict(absorbed, pool.R),
    )


def absorption_verdict(absorbed: int, actual: int) -> str:
    """Return what the share of the payroll that contacts explain says about the rates and minutes."""
    if actual <= 0:
        return "no payroll imported"
    if absorbed > actual:
        return "alarm: the contacts cost more than the payroll; the rate or the minutes are too high"
    if absorbed * 100 < actual * LITTLE_PCT:
        return "the ledger explains little of the payroll"
    return "plausible"


def _balance_sheet(book: _Book) -> BalanceSheet:
    assets = {path: book.debit(path) for path in _paths("asset")}
    liabilities = {path: book.credit(path) for path in _paths("liability")}
    equity = {path: book.credit(path) for path in _paths("equity") if path != accounts.COUNTS}
    result = total(book.credit(path) for path in (*_paths("income"), *_paths("expense")))
    claims = total((*liabilities.values(), *equity.values(), result))
    return BalanceSheet(assets, liabilities, equity, result, _difference(total(assets.values()), claims))


def _paths(root: Root) -> Sequence[str]:
    return [path for path, account in CHART.items() if account.root == root]
