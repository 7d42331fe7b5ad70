"""Vector 18: what the ledger refuses, with which code, and that a refusal changes nothing."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bot.errors import LedgerError
from bot.ledger.book import Book
from bot.ledger.decide import SENTENCES
from bot.ledger.journal import Draft, Line

VECTOR: dict[str, Any] = json.loads((Path(__file__).parent / "vectors" / "18_rejections.json").read_text("utf-8"))
TODAY = date(2026, 9, 10)
GBP = frozenset({"GBP"})

# The case's name → what its draft does to a journal of the book below.
HOLDS: dict[str, dict[str, Any]] = {
    "resolve_twice": {"resolves": "voided:hold", "resolution": "post"},
    "resolve_posted": {"resolves": "posted:cost", "resolution": "post"},
    "reverse_twice": {"reverses": "reversed:cost"},
    "reverse_pending": {"reverses": "open:hold"},
    "reverse_reversal": {"reverses": "reversed:rev"},
    "reverse_not_mirror": {"reverses": "posted:cost"},
    "closed": {"effective": date(2026, 8, 31)},
}


def lines(
    *amounts: int, debit: str = "Expenses:Contact:Waste", credit: str = "Equity:Pool:Service"
) -> tuple[Line, ...]:
    return tuple(
        Line(account, "GBP", "E", amount, "service") for account, amount in zip((debit, credit), amounts, strict=True)
    )


def draft(key: str, **changes: Any) -> Draft:
    values: dict[str, Any] = {"kind": "cost", "status": "posted", "effective": TODAY, "lines": lines(250, -250)}
    return Draft(key=key, **(values | changes))


@pytest.fixture
def book() -> Book:
    """One open and one voided hold, a posted cost, a reversed cost, £1.00 of budget; August is closed."""
    book = Book(GBP, closed_through=date(2026, 8, 31))
    book.post(draft("open:hold", kind="cost_hold", status="pending"))
    book.post(draft("voided:hold", kind="cost_hold", status="pending"))
    book.post(draft("voided:void", kind="cost_void", lines=(), resolves="voided:hold", resolution="void"))
    book.post(draft("posted:cost"))
    book.post(draft("reversed:cost"))
    book.post(draft("reversed:rev", kind="reversal", lines=lines(-250, 250), reverses="reversed:cost"))
    funds = (
        Line("Assets:Budget:Available", "GBP", "R", 100, "service"),
        Line("Equity:Savings:Unfunded", "GBP", "R", -100, "service"),
    )
    book.post(draft("fund", kind="budget_fund", lines=funds))
    return book


def state(book: Book) -> tuple[int, str, list[str]]:
    return book.seq, book.head, [journal.hash for journal in book.journals]


@pytest.mark.parametrize("case", VECTOR["cases"], ids=lambda case: case["case"])
def test_the_ledger_refuses_it_with_this_code_and_stays_as_it_was(book: Book, case: dict[str, Any]) -> None:
    refused = draft(
        "new", lines=tuple(Line(**line, dept="service") for line in case["lines"]), **HOLDS.get(case["case"], {})
    )
    before = state(book)

    with pytest.raises(LedgerError) as refusal:
        book.post_strictly(refused)

    assert refusal.value.code == case["expect_error"]
    assert state(book) == before


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("E_NOT_INTEGER", {"lines": lines(bool(1), -1)}),  # a bool is an int to Python
        ("E_TOO_LARGE", {"lines": lines(2**53, -(2**53))}),
        ("E_VOID_HAS_LINES", {"resolves": "open:hold", "resolution": "void"}),
        ("E_INCOMPLETE", {"resolves": "open:hold"}),  # post or void is not said
        ("E_INCOMPLETE", {"resolution": "post"}),  # of which hold is not said
        ("E_INCOMPLETE", {"resolves": "open:hold", "resolution": "post", "status": "pending"}),
        ("E_INCOMPLETE", {"reverses": "posted:cost", "status": "pending", "lines": lines(-250, 250)}),
        ("E_UNKNOWN_JOURNAL", {"resolves": "nowhere", "resolution": "post"}),
        ("E_UNKNOWN_JOURNAL", {"reverses": "nowhere"}),
        ("E_IDEMPOTENCY_CONFLICT", {"key": "posted:cost", "memo": "something else"}),
    ],
)  # fmt: skip
def test_the_ledger_refuses_more_than_the_vector_names(book: Book, code: str, changes: dict[str, Any]) -> None:
    values = {"key": "new"} | changes
    before = state(book)

    with pytest.raises(LedgerError) as refusal:
        book.post(draft(**values))

    assert refusal.value.code == code
    assert state(book) == before


def test_a_refusal_says_what_to_do() -> None:
    book = Book(GBP)

    with pytest.raises(LedgerError, match=r"E_UNBALANCED: journal 'new' is refused: debits and credits differ"):
        book.post(draft("new", lines=lines(250, -249)))

    assert all(sentence.count(";") == 1 for sentence in SENTENCES.values())


def test_a_budget_is_kept_by_initiative(book: Book) -> None:
    def moved(key: str, debit: str, credit: str, initiative: str) -> Draft:
        both = lines(60, -60, debit=debit, credit=credit)
        return draft(
            key,
            lines=tuple(
                Line(line.account, "GBP", "R", line.amount, "service", initiative_id=initiative) for line in both
            ),
        )

    book.post(moved("give", "Assets:Budget:Initiatives", "Assets:Budget:Available", "i1"))

    with pytest.raises(LedgerError) as refusal:
        book.post(moved("spend", "Expenses:Innovation", "Assets:Budget:Initiatives", "i2"))
    assert refusal.value.code == "E_BUDGET_OVERDRAWN"
    book.post(moved("spend", "Expenses:Innovation", "Assets:Budget:Initiatives", "i1"))
