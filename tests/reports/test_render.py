"""Any report as JSON, as tables in the terminal and as CSV."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bot.reports.cells import Cell
from bot.reports.data import as_data
from bot.reports.facts import Period
from bot.reports.figures import percent, rounded
from bot.reports.footer import Footer
from bot.reports.grid import by_segment, grid
from bot.reports.priorities import Initiative, priorities
from bot.reports.promises import PromiseFact, promises
from bot.reports.recharge import gates, recharge
from bot.reports.render import as_csv, renderables, safe, shown
from bot.reports.spikes import Counts, spikes
from bot.reports.statement import statement
from bot.reports.tables import tables
from bot.reports.top import Background, Candidate, top_wastes
from tests.reports.books import acme, small_book

FOOTER = Footer(2262750, 1364750, 188, 200, 2262750, 3800000, ("ledger.cost.rate_minor_per_hour",))
AT = datetime(2026, 9, 1, tzinfo=UTC)
EVIL = '=HYPERLINK("http://sample.invalid")'


REPORTS: dict[str, object] = {
    "statement": statement(
        Period(date(2026, 9, 1), date(2026, 9, 30)), currency="GBP", posted=small_book(), to_date=small_book()
    ),
    "grid": grid(acme(), currency="GBP"),
    "segments": by_segment(acme(), currency="GBP"),
    "recharge": recharge(acme(), currency="GBP"),
    "top wastes": top_wastes(acme(), period="2026-09", currency="GBP"),
    "promises": promises([PromiseFact("p1", AT, AT, queue=EVIL)], as_of=AT),
    "spikes": spikes([Counts("x", 12, [1, 2, 3, 4]), Counts("y", 1, [])]),
    "gates": gates(
        closed_periods=0,
        audit_ok=0,
        audit_n=0,
        measured_minor=0,
        contact_cost_minor=0,
        unassigned_minor=0,
        waste_minor=0,
    ),
}


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_every_report_becomes_json_tables_and_csv(report: object) -> None:
    footer = json.loads(json.dumps(as_data(report, FOOTER)))["footer"]
    assert (footer["text"], footer["measured_share"], footer["absorption"]) == (FOOTER.text, "60.3%", "59.5%")
    assert all(len(row) == len(table.columns) for table in tables(report) for row in table.rows)
    assert tables(report)
    assert FOOTER.text.split(";")[0] in printed(report)
    assert list(csv.reader(io.StringIO(as_csv(report))))


def printed(report: object) -> str:
    file = io.StringIO()
    console = Console(width=300, file=file, color_system=None)
    for part in renderables(report, currency="GBP", footer=FOOTER):
        console.print(part)
    return file.getvalue()


def test_the_terminal_shows_money_as_people_read_it() -> None:
    shown = printed(grid(acme(), currency="GBP"))

    assert "£15,912.50" in shown
    assert "eliminate" in shown
    assert "where_is_it" in shown


def test_csv_has_minor_units_and_the_names_of_the_fields() -> None:
    text = as_csv(by_segment(acme(), currency="GBP"))

    assert text.splitlines() == [
        "segment,contacts,cost_minor,waste_minor,share_of_waste,waste_share_of_cost",
        ",7800,2262750,1591250,100.0%,70.3%",
    ]


def test_rows_inside_rows_are_a_table_of_their_own() -> None:
    candidate = Candidate("m1", 5, AT, is_public=True, is_erased=False)
    report = top_wastes(
        acme(),
        period="2026-09",
        currency="GBP",
        limit=1,
        backgrounds={"outage_fault": Background(candidates=(candidate,))},
    )

    found = {table.title: table for table in tables(report)}

    assert found["top: examples"].columns == ("of rank", "kind", "mention_id")
    assert [[cell.value for cell in row] for row in found["top: examples"].rows] == [
        [1, "dearest", "m1"],
        [1, "latest", "m1"],
        [1, "typical", "m1"],
    ]


# Each of these makes some spreadsheet run what follows.
STARTS = ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"]  # noqa: RUF001  # wide ones work too


@pytest.mark.parametrize("start", STARTS, ids=ascii)
def test_a_text_that_begins_like_a_formula_gets_an_apostrophe(start: str) -> None:
    assert safe(f"{start}1+1") == f"'{start}1+1"


@pytest.mark.parametrize("text", ["", "a=1", "1+1", "12.5%", "-12.5%"])
def test_other_text_and_our_own_shares_stay_as_they_are(text: str) -> None:
    assert safe(text) == text


@given(title=st.text(max_size=20))
def test_a_title_of_a_stranger_runs_nowhere_in_csv(title: str) -> None:
    idea = Initiative("i1", title, title, 100, 0, {})
    report = priorities([idea], annual_cost_minor={}, opex_12m_minor=0, cap_bp=0)

    cells = [cell for row in csv.reader(io.StringIO(as_csv(report), newline="")) for cell in row]

    assert not [cell for cell in cells if cell[:1] in set("=+@\t\r\n")]
    assert not [cell for cell in cells if cell[:1] == "-" and not cell.removesuffix("%")[1:].replace(".", "").isdigit()]


def test_negative_numbers_stay_numbers_in_csv() -> None:
    idea = Initiative("i1", "x", "y", 100, 50, {})

    text = as_csv(priorities([idea], annual_cost_minor={}, opex_12m_minor=0, cap_bp=0))

    assert ",-50," in text


def test_mark_up_and_escape_codes_do_nothing_in_the_terminal() -> None:
    late = PromiseFact("p1", AT, AT, queue="[red]x[/red]\x1b[2J\nnext")

    assert "[red]x[/red] [2J next" in printed(promises([late], as_of=AT))


def test_a_footer_leaves_out_what_is_not_known() -> None:
    assert FOOTER.text == (
        "60.3% of cost is measured time; tag audit 188/200 right; ledger explains 59.5% of the service payroll;"
        " placeholders nobody approved yet: ledger.cost.rate_minor_per_hour."
    )
    assert "ledger explains 100.1% of the service payroll, ALARM: more than it cost, so the rate or" in absorbing(1001)
    assert "ledger explains 100.0% of the service payroll." in absorbing(1000)
    assert "ledger explains 40.0% of the service payroll." in absorbing(400)
    assert "ledger explains 39.9% of the service payroll, which is little." in absorbing(399)
    assert replace(FOOTER, audit_n=0, pool_minor=0, placeholders=()).text == (
        "60.3% of cost is measured time; no tag audited yet; no service payroll imported."
    )


@dataclass(frozen=True)
class Odd:
    """What no report may hold."""

    value: object


def test_data_without_a_plain_form_is_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        as_data(Odd({1}))


def test_floats_keep_six_decimals_and_what_is_not_finite_is_null() -> None:
    assert as_data(Odd((1 / 3, float("nan"), float("inf"), -0.0000001))) == {"value": [0.333333, None, None, 0.0]}


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (2530, 3557, "71.1%"),
        (1, 2000, "0.1%"),  # half away from zero
        (-1, 2000, "-0.1%"),
        (1, 2001, "0.0%"),
        (-1, 2001, "0.0%"),  # never minus nothing
        (5, -10, "-50.0%"),
        (1, 0, "n/a"),
    ],
)
def test_a_share_has_one_decimal(part: int, whole: int, expected: str) -> None:
    assert percent(part, whole) == expected


@given(numerator=st.integers(-(10**12), 10**12), denominator=st.integers(-(10**6), 10**6).filter(bool))
def test_rounding_is_never_off_by_more_than_half(numerator: int, denominator: int) -> None:
    assert abs(2 * (rounded(numerator, denominator) * denominator - numerator)) <= abs(denominator)
    assert rounded(-numerator, denominator) == -rounded(numerator, denominator)


def absorbing(minor: int) -> str:
    return replace(FOOTER, absorbed_minor=minor, pool_minor=1000, placeholders=()).text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.2963, "1.296"), (0.0793651, "0.079"), (0.00337, "0.0034"), (1234.5, "1,234.500"), (0.0, "0.000")],
)
def test_a_figure_shows_no_more_decimals_than_it_knows(value: float, text: str) -> None:
    assert shown(Cell(value), currency="GBP") == text
