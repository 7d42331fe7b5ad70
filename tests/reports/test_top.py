"""Vector 08: the dearest wastes and their examples."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ledger.accounts import WASTE
from bot.reports.data import as_data
from bot.reports.facts import LineSum
from bot.reports.top import Background, Candidate, examples, excerpt, masked, top_wastes
from tests.reports.books import acme, differences, vector

EXAMPLES = vector("08")["examples"]
CANDIDATES = [
    Candidate(entry["id"], entry["cost_minor"], datetime.fromisoformat(entry["at"]), entry["public"], entry["erased"])
    for entry in EXAMPLES["mentions"]
]


def test_the_top_wastes_of_acme_are_what_the_vector_says() -> None:
    found = top_wastes(acme(), period="2026-09", currency="GBP")

    assert differences(as_data(found), vector("08")["expect"]) == []


def test_the_examples_are_what_the_vector_says() -> None:
    found = examples(CANDIDATES, period=EXAMPLES["period"], reason=EXAMPLES["reason"])

    assert [[one.kind, one.mention_id] for one in found] == EXAMPLES["expect"]


@given(mixed=st.permutations(CANDIDATES))
def test_the_order_of_candidates_never_matters(mixed: list[Candidate]) -> None:
    assert examples(mixed, period="2026-09", reason="x") == examples(CANDIDATES, period="2026-09", reason="x")


def test_nothing_private_or_erased_is_an_example() -> None:
    at = datetime(2026, 9, 1, tzinfo=UTC)
    hidden = [
        Candidate("m1", 9, at, is_public=False, is_erased=False),
        Candidate("m2", 9, at, is_public=True, is_erased=True),
    ]

    assert examples(hidden, period="2026-09", reason="x") == ()


def test_what_is_not_listed_is_in_the_rest() -> None:
    found = top_wastes(acme(), period="2026-09", currency="GBP", limit=2)

    assert [row.reason for row in found.top] == ["outage_fault", "where_is_it"]
    assert found.rest_minor == 1591250 - 348500 - 332500


def test_equal_costs_are_ordered_by_contacts_and_then_by_name() -> None:
    lines = [
        line
        for reason, contacts in (("b", 1), ("a", 1), ("c", 2))
        for line in (
            LineSum(WASTE, "GBP", "M", 100, reason=reason),
            LineSum(WASTE, "CNT", "N", contacts, reason=reason),
        )
    ]

    assert [row.reason for row in top_wastes(lines, period="2026-09", currency="GBP").top] == ["c", "a", "b"]


def test_what_is_known_of_a_reason_stands_beside_it_and_what_is_not_is_visibly_empty() -> None:
    known = {
        "where_is_it": Background("Logistics", repeats=298, trend="12.0%", root_cause="late scans", initiative="i1")
    }

    first, second = top_wastes(acme(), period="2026-09", currency="GBP", backgrounds=known).top[:2]

    assert (second.owner, second.repeat_rate, second.initiative) == ("Logistics", "24.0%", "i1")
    assert (first.owner, first.repeat_rate, first.initiative) == ("", "n/a", "")


@pytest.mark.parametrize(
    ("handle", "expected"),
    [("@maria", "@ma•••"), ("al", "@a•••"), ("x", "@•••"), ("", "")],  # never the whole handle
)
def test_a_handle_is_masked(handle: str, expected: str) -> None:
    assert masked(handle) == expected


@pytest.mark.parametrize("text", [None, "", " \n\t", "\x00"])
def test_a_text_that_is_gone_says_so(text: str | None) -> None:
    assert excerpt(text) == "[removed]"


@given(text=st.text(max_size=400))
def test_an_excerpt_is_one_line_of_at_most_140_characters(text: str) -> None:
    found = excerpt(text)

    assert len(found) <= 140
    assert found.isprintable()


def test_a_short_text_stays_as_it_is() -> None:
    assert excerpt("Where is\nmy order?") == "Where is my order?"
