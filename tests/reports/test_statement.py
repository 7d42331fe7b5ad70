"""Vector 04: the value/waste statement and the balance sheet of the small book."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.ledger.accounts import WASTE
from bot.reports.data import as_data
from bot.reports.facts import LineSum, Period
from bot.reports.statement import absorption_verdict, statement
from tests.reports.books import differences, line_sums, small_book, vector

SEPTEMBER = Period(date(2026, 9, 1), date(2026, 9, 30))


def small_statement() -> Any:
    return statement(
        SEPTEMBER,
        currency="GBP",
        posted=small_book(since=SEPTEMBER.first),
        to_date=small_book(),
        pending=small_book(status="pending"),
        prior_period=[line for line in small_book(since=SEPTEMBER.first) if line.reason == "product_defect"],
    )


def test_the_statement_of_the_small_book_is_what_the_vector_says() -> None:
    assert differences(as_data(small_statement()), vector("04")["expect"]) == []


def test_a_statement_without_lines_has_no_shares() -> None:
    found = statement(SEPTEMBER, currency="GBP", posted=[], to_date=[])

    assert found.ratios.waste_share_of_contact_cost == "n/a"
    assert found.absorption.verdict == "no payroll imported"
    assert found.net.total == 0


def test_what_belongs_to_a_closed_period_is_named_beside_the_figures() -> None:
    assert small_statement().prior_period_minor == 450


def test_an_amount_in_another_currency_is_not_added() -> None:
    lines = [LineSum(WASTE, "GBP", "M", 500), LineSum(WASTE, "EUR", "M", 900)]

    assert statement(SEPTEMBER, currency="GBP", posted=lines, to_date=lines).contact_cost.total == 500


def test_contacts_that_cost_more_than_the_payroll_raise_an_alarm() -> None:
    assert absorption_verdict(10_001, 10_000).startswith("alarm")
    assert absorption_verdict(10_000, 10_000) == "plausible"
    assert absorption_verdict(4_000, 10_000) == "plausible"
    assert absorption_verdict(3_999, 10_000) == "the ledger explains little of the payroll"


@given(lines=line_sums)
def test_i17_the_check_line_is_minus_the_sum_of_all_lines_whatever_they_are(lines: list[LineSum]) -> None:
    check = statement(
        SEPTEMBER, currency="GBP", posted=[], to_date=lines
    ).balance_sheet.check_assets_minus_liabilities_minus_equity_minus_result

    for basis in ("E", "M", "R"):
        whole = sum(
            line.amount
            for line in lines
            if line.commodity == "GBP" and line.basis == basis and line.account != "Equity:Counts"
        )
        assert getattr(check, basis) == whole


@given(lines=line_sums, seed=st.randoms(use_true_random=False))
def test_the_order_of_lines_never_matters(lines: list[LineSum], seed: Any) -> None:
    mixed = list(lines)
    seed.shuffle(mixed)

    assert statement(SEPTEMBER, currency="GBP", posted=lines, to_date=lines) == statement(
        SEPTEMBER, currency="GBP", posted=mixed, to_date=mixed
    )
