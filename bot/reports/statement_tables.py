"""The statement as finance reads it: value, contact cost, other cost, net; then the balance sheet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from bot.ledger import accounts
from bot.reports.cells import Cell, Table
from bot.reports.statement import CONTACT_COST, OTHER_COST, VALUE, Amounts, Statement

_NAMES: Final[Mapping[str, str]] = {
    accounts.SPREAD_WORD: "Spread the word",
    accounts.BUY_AGAIN: "Buy again",
    accounts.BUY_MORE: "Buy more",
    accounts.VALUE_EXPIRED: "Estimates expired",
    accounts.SERVE: "Serve (asset)",
    accounts.AUTOMATE: "Automate",
    accounts.SIMPLIFY: "Simplify",
    accounts.WASTE: "Waste (liability)",
    accounts.SUSPENSE: "Unclassified",
    accounts.GOODWILL: "Goodwill",
    accounts.INNOVATION: "Innovation",
}
_COLUMNS: Final = ("line", "E estimated", "M measured", "R realised", "all bases")

_LATE_COLUMNS: Final = ("belongs to", "line", "department", "reason", "basis", "amount")


def statement_tables(report: Statement) -> list[Table]:
    """Return the statement, the balance sheet, and the figures that say how to take them."""
    first, last = report.period
    late = tuple(_prior_period(report))
    return [
        Table(f"Management accounts, memo money: {first} to {last}", _COLUMNS, tuple(_profit_and_loss(report))),
        Table(f"Balance sheet at {last}", _COLUMNS, tuple(_balance_sheet(report))),
        Table("How to take it", ("figure", "value"), tuple(_figures(report))),
        *([Table("Prior-period corrections", _LATE_COLUMNS, late)] if late else []),
    ]


def _profit_and_loss(report: Statement) -> Iterable[tuple[Cell, ...]]:
    for path in VALUE:
        yield _row(_NAMES[path], report.value[path])
    yield _row("Value", report.value_total)
    for path in CONTACT_COST:
        yield _row(_NAMES[path], report.costs[path])
    yield _row("Contact cost", report.contact_cost)
    for path in OTHER_COST:
        yield _row(_NAMES[path], report.costs[path])
    yield _row("Net", report.net)


def _balance_sheet(report: Statement) -> Iterable[tuple[Cell, ...]]:
    sheet = report.balance_sheet
    for side in (sheet.assets, sheet.liabilities, sheet.equity):
        for path, amounts in side.items():
            yield _row(path, amounts)
    yield _row("Result to date", sheet.result_to_date)
    yield _row("Check (0 in a book that balances)", sheet.check_assets_minus_liabilities_minus_equity_minus_result)


def _row(name: str, amounts: Amounts) -> tuple[Cell, ...]:
    return (Cell(name), *(Cell(minor, is_money=True) for minor in (amounts.E, amounts.M, amounts.R, amounts.total)))


def _prior_period(report: Statement) -> Iterable[tuple[Cell, ...]]:
    for row in report.prior_period:
        named = (row.belongs_to, _NAMES.get(row.account, row.account), row.dept, row.reason, row.basis)
        yield (*map(Cell, named), Cell(row.amount_minor, is_money=True))


def _figures(report: Statement) -> Iterable[tuple[Cell, Cell]]:
    ratios, absorption = report.ratios, report.absorption
    yield Cell("Waste, share of contact cost"), Cell(ratios.waste_share_of_contact_cost)
    yield Cell("Measured, share of contact cost"), Cell(ratios.measured_share_of_contact_cost)
    yield Cell("Unclassified, share of contact cost"), Cell(ratios.unclassified_share_of_contact_cost)
    yield Cell("Pending, in none of the figures"), Cell(report.pending_minor, is_money=True)
    yield Cell("Belongs to closed periods"), Cell(report.prior_period_minor, is_money=True)
    yield Cell("Service payroll"), Cell(absorption.actual_pool_minor, is_money=True)
    yield Cell("Explained by contacts"), Cell(absorption.absorbed_minor, is_money=True)
    yield Cell("Explained, share of payroll"), Cell(absorption.share)
    yield Cell("Unused or other capacity"), Cell(absorption.unused_minor, is_money=True)
    yield Cell("Verdict on rates and minutes"), Cell(absorption.verdict)
