"""I20: the reports tie, whatever the lines are."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from bot.domain import Quadrant
from bot.ledger.accounts import WASTE
from bot.ledger.money import split
from bot.reports.facts import LineSum, Period
from bot.reports.figures import percent
from bot.reports.grid import by_segment, grid
from bot.reports.recharge import recharge
from bot.reports.statement import statement
from bot.reports.top import top_wastes
from tests.reports.books import DEPARTMENTS, acme, line_sums, small_book, vector

SEPTEMBER = Period(date(2026, 9, 1), date(2026, 9, 30))

accruals = st.lists(
    st.builds(
        LineSum,
        account=st.just(WASTE),
        commodity=st.just("GBP"),
        basis=st.just("E"),
        amount=st.integers(1, 10**6),
        dept=st.sampled_from(DEPARTMENTS),
        reason=st.just("delay_cancel"),
    ),
    max_size=4,
)


def check(lines: list[LineSum], promised: list[LineSum], limit: int) -> None:
    found = statement(SEPTEMBER, currency="GBP", posted=lines, to_date=lines)
    waste = found.costs[WASTE].total
    cells = grid(lines, currency="GBP")
    top = top_wastes(lines, period="2026-09", currency="GBP", limit=limit)
    charged = recharge(lines, currency="GBP", accruals=promised)

    assert cells.grid[Quadrant.LIABILITY].cost_minor == waste
    assert cells.total_cost_minor == found.contact_cost.total
    assert sum(cell.cost_minor for cell in cells.grid.values()) == cells.total_cost_minor
    assert sum(row.cost_minor for row in cells.grid[Quadrant.LIABILITY].reasons) == waste
    assert sum(row.cost_minor for row in top.top) + top.rest_minor == top.waste_total_minor == waste
    assert sum(row.waste_minor for row in by_segment(lines, currency="GBP")) == waste
    assert charged.waste_minor == waste
    assert waste == (
        charged.charged_minor
        + charged.own_failures_of_service_minor
        + charged.external_minor
        + charged.unassigned_minor
        + charged.open_promises_minor
    )
    assert sum(charged.eligible.values()) == charged.charged_minor + charged.goodwill_charged_minor


@given(lines=line_sums, promised=accruals, limit=st.integers(0, 5))
def test_i20_statement_grid_top_wastes_and_recharge_tie(
    lines: list[LineSum], promised: list[LineSum], limit: int
) -> None:
    check(lines + promised, promised, limit)


def test_i20_both_books_of_the_specification_tie() -> None:
    check(small_book(since=SEPTEMBER.first), small_book(only="e31b:promise"), 3)
    check(acme(), [], 3)


def test_the_totals_of_acme_are_what_the_vector_says() -> None:
    given_totals, rows = vector("00")["totals"], vector("00")["rows"]
    cells = grid(acme(), currency="GBP").grid.values()

    measured = sum(line.amount for line in acme() if line.basis == "M")

    assert sum(cell.contacts for cell in cells) == given_totals["contacts"]
    assert sum(cell.cost_minor for cell in cells) == given_totals["cost"]
    assert measured == given_totals["cost_measured"]
    assert sum(row["repeats"] for row in rows) == given_totals["repeats"]
    assert percent(given_totals["cost"], vector("00")["actual_service_pool_minor"]) == given_totals["absorbed_share"]


@given(lines=line_sums, data=st.data())
def test_the_order_and_the_cut_of_lines_never_matter(lines: list[LineSum], data: st.DataObject) -> None:
    mixed = data.draw(st.permutations([half for line in lines for half in _halves(line)]))

    assert grid(mixed, currency="GBP") == grid(lines, currency="GBP")
    assert by_segment(mixed, currency="GBP") == by_segment(lines, currency="GBP")
    assert recharge(mixed, currency="GBP") == recharge(lines, currency="GBP")
    assert top_wastes(mixed, period="2026-09", currency="GBP") == top_wastes(lines, period="2026-09", currency="GBP")


@given(total=st.integers(0, 10**9), first=st.integers(1, 9999))
def test_i13_departments_that_share_a_contact_are_charged_its_cost_to_the_penny(total: int, first: int) -> None:
    parts = split(total, [("billing", first), ("logistics", 10_000 - first)])
    lines = [LineSum(WASTE, "GBP", "M", minor, dept, "x", "liability") for dept, minor in parts]

    assert recharge(lines, currency="GBP").charged_minor == total


def _halves(line: LineSum) -> list[LineSum]:
    half = line.amount // 2
    return [line._replace(amount=half), line._replace(amount=line.amount - half)]
