"""Vector 05: the grid of Acme, and the nine cases that pick a quadrant."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from bot.domain import Quadrant, RepeatKind, Tag
from bot.ledger.accounts import AUTOMATE, SUSPENSE, WASTE
from bot.ledger.model import CostModel
from bot.ledger.quadrants import ByHand, cell
from bot.ledger.taxonomy import Override, Reason, taxonomy
from bot.reports.data import as_data
from bot.reports.facts import LineSum
from bot.reports.grid import Approval, SegmentRow, by_segment, grid, movement
from tests.reports.books import acme, differences, vector

PRECEDENCE = vector("05")["precedence"]


def test_the_grid_of_acme_is_what_the_vector_says() -> None:
    assert differences(as_data(grid(acme(), currency="GBP")), vector("05")["expect"]) == []


@pytest.fixture(scope="module")
def model() -> CostModel:
    """Acme's reasons with the two overrides of the vector."""
    reasons = tuple(
        Reason(
            id=row["reason"],
            title=row["reason"],
            tag=None,
            quadrant=Quadrant(row["quadrant"]),
            demand="unknown",
            owners=tuple((dept, points) for dept, points in row["owners"]),
            seconds=300,
        )
        for row in vector("00")["rows"]
    )
    overrides = tuple(_override(entry) for entry in PRECEDENCE["overrides"])
    return CostModel("test", "GBP", 3000, {}, 60, "service", taxonomy("test", reasons, overrides))


def _override(entry: Mapping[str, Any]) -> Override:
    when = entry["when"]
    return Override(
        id=entry["id"],
        quadrant=Quadrant(entry["quadrant"]),
        owners=tuple((dept, points) for dept, points in entry["owners"]),
        reason=(when["reason"],),
        segment=(when["segment"],) if "segment" in when else (),
        phrase_any=tuple(when.get("phrase_any", ())),
        valid_from=_day(entry["valid_from"]),
        valid_to=_day(entry["valid_to"]),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


@pytest.mark.parametrize("case", PRECEDENCE["cases"], ids=str)
def test_the_quadrant_of_a_contact_is_what_the_vector_says(model: CostModel, case: dict[str, Any]) -> None:
    contact, expected = case["contact"], case["expect"]

    found = cell(
        model,
        tag=Tag(contact["tag"]),
        reason=contact["reason"],
        text=contact["text"],
        segment=contact.get("segment", ""),
        repeat=RepeatKind(contact.get("repeat", "none")),
        on=date.fromisoformat(contact["on"]),
        by_hand=ByHand(Quadrant(contact["manual"])) if "manual" in contact else None,
    )

    assert (found.quadrant, found.quadrant_source) == (expected["quadrant"], expected["source"])
    assert found.account == expected.get("account", found.account)


def test_suspense_stays_in_its_own_cell_and_says_where_the_tags_would_put_it() -> None:
    lines = [
        LineSum(SUSPENSE, "GBP", "E", 250, "unassigned", None, "liability"),
        LineSum(WASTE, "GBP", "M", 900, "billing", "billing_error", "liability"),
    ]

    found = grid(lines, currency="GBP")

    assert found.grid[Quadrant.LIABILITY].cost_minor == 900
    assert found.grid[Quadrant.UNCLASSIFIED].cost_minor == 250
    assert found.provisional == {"liability": 250}


def test_a_segment_shows_how_much_of_the_waste_falls_on_it() -> None:
    lines = [
        LineSum(WASTE, "CNT", "N", 2, segment="vip"),
        LineSum(WASTE, "GBP", "M", 300, segment="vip"),
        LineSum(AUTOMATE, "GBP", "E", 100, segment="vip"),
        LineSum(WASTE, "GBP", "E", 700, segment=None),
    ]

    assert by_segment(lines, currency="GBP") == (
        SegmentRow("", 0, 700, 700, "70.0%", "100.0%"),
        SegmentRow("vip", 2, 400, 300, "30.0%", "75.0%"),
    )


def test_a_reason_that_grows_with_sales_has_not_moved() -> None:
    now = [LineSum(WASTE, "CNT", "N", 120, reason="a"), LineSum(WASTE, "CNT", "N", 90, reason="b")]
    before = [LineSum(WASTE, "CNT", "N", 60, reason="a"), LineSum(WASTE, "CNT", "N", 30, reason="b")]

    rows = movement(
        now, before, driver_now=20_000, driver_before=10_000, approvals=[Approval("a", "Ann", date(2026, 9, 1))]
    )

    assert [(row.reason, row.per_1000_now, row.per_1000_before, row.change) for row in rows] == [
        ("b", 4.5, 3.0, "50.0%"),
        ("a", 6.0, 6.0, "0.0%"),
    ]
    assert [(row.approved_by, row.approved_on) for row in rows] == [("", None), ("Ann", date(2026, 9, 1))]


def test_a_new_reason_has_no_change() -> None:
    rows = movement([LineSum(WASTE, "CNT", "N", 1, reason="new")], [], driver_now=1000, driver_before=0)

    assert (rows[0].change, rows[0].per_1000_before) == ("n/a", None)
