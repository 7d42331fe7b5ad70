"""Vector 01: seconds to money, percentages, splits, display."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import Quadrant
from bot.errors import LedgerError
from bot.ledger.model import CostModel
from bot.ledger.money import WHOLE, cost_minor, display, exponent, split, symbol
from bot.ledger.taxonomy import Reason, taxonomy

VECTOR: dict[str, Any] = json.loads((Path(__file__).parent / "vectors" / "01_cost_model.json").read_text("utf-8"))
CONFIG = VECTOR["config"]


@pytest.fixture(scope="module")
def model() -> CostModel:
    reasons = tuple(
        Reason(
            id=name,
            title=name,
            tag=None,
            quadrant=Quadrant(entry["quadrant"]),
            demand="unknown",
            owners=tuple((dept, points) for dept, points in entry["owners"]),
            seconds=entry["seconds"],
        )
        for name, entry in CONFIG["reasons"].items()
    )
    return CostModel(
        config_version=CONFIG["version"],
        currency=CONFIG["currency"],
        rate_minor_per_hour=CONFIG["rate_minor_per_hour"]["default"],
        channel_pct=CONFIG["channel_pct"],
        followon_seconds=CONFIG["followon_seconds"],
        after_resolved_owner="service",
        taxonomy=taxonomy("test", reasons),
    )


@pytest.mark.parametrize("case", VECTOR["cost"], ids=str)
def test_seconds_cost_what_the_vector_says(case: dict[str, int]) -> None:
    assert cost_minor(case["seconds"], case["rate_minor_per_hour"]) == case["expect_minor"]


@pytest.mark.parametrize("case", VECTOR["estimate"], ids=str)
def test_an_estimate_is_what_the_vector_says(model: CostModel, case: dict[str, Any]) -> None:
    effort = model.estimate(case["reason"], case["channel"])

    assert effort == (case["expect_seconds"], case["expect_minor"])


def test_a_channel_kind_without_a_percentage_counts_in_full(model: CostModel) -> None:
    assert model.estimate("where_is_it", "carrier pigeon") == (300, 250)


def test_an_unknown_reason_takes_as_long_as_an_unclassified_one(model: CostModel) -> None:
    assert model.estimate("no such reason", "x") == (300, 250)


@pytest.mark.parametrize("case", VECTOR["split"], ids=str)
def test_a_split_is_what_the_vector_says(case: dict[str, Any]) -> None:
    assert split(case["total"], case["shares"]) == [tuple(part) for part in case["expect"]]


@pytest.mark.parametrize("case", VECTOR["split_errors"], ids=str)
def test_shares_that_are_no_whole_are_refused(case: dict[str, Any]) -> None:
    with pytest.raises(LedgerError) as refusal:
        split(100, case["shares"])

    assert refusal.value.code == case["expect_error"]


@st.composite
def whole_shares(draw: st.DrawFn) -> list[tuple[str, int]]:
    cuts = sorted(draw(st.sets(st.integers(1, WHOLE - 1), max_size=6)))
    edges = [0, *cuts, WHOLE]
    return [(f"d{index}", high - low) for index, (low, high) in enumerate(pairwise(edges))]


@given(total=st.integers(0, 2**53 - 1), shares=whole_shares())
def test_i13_the_parts_of_a_split_sum_to_the_total(total: int, shares: list[tuple[str, int]]) -> None:
    parts = split(total, shares)

    assert sum(part for _, part in parts) == total
    assert [name for name, _ in parts] == [name for name, _ in shares]
    assert all(abs(part * WHOLE - total * points) < WHOLE for (_, part), (_, points) in zip(parts, shares, strict=True))


@pytest.mark.parametrize("case", VECTOR["display"], ids=str)
def test_an_amount_is_shown_as_the_vector_says(case: dict[str, Any]) -> None:
    assert display(case["minor"], exponent=case["exponent"], symbol=case["symbol"]) == case["expect"]


@pytest.mark.parametrize(("currency", "decimals"), [("JPY", 0), ("GBP", 2), ("KWD", 3), ("CLF", 4)])
def test_a_currency_has_the_decimals_of_iso_4217(currency: str, decimals: int) -> None:
    assert exponent(currency) == decimals


def test_a_currency_without_a_symbol_shows_its_code() -> None:
    assert display(150, exponent=exponent("CHF"), symbol=symbol("CHF")) == "CHF 1.50"
