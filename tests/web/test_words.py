"""How the board says things."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from bot.views import CaseEventView
from bot.web import words
from bot.web.board import JournalLine, JournalView

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (89 * 60 + 59, "89 min"),
        (90 * 60, "1 h"),
        (47 * 3600 + 3599, "47 h"),
        (48 * 3600, "2 d"),
        (-600, "10 min"),  # how far, not which way
    ],
)
def test_a_length_of_time_is_said_in_one_unit_and_never_rounded_up(seconds: float, said: str) -> None:
    assert words.span(seconds) == said


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (None, "never"),
        (NOW, "just now"),
        (NOW - timedelta(seconds=9), "just now"),
        (NOW - timedelta(seconds=10), "10 s ago"),
        (NOW + timedelta(hours=1), "just now"),  # the platform's clock runs ahead of ours
    ],
)
def test_a_time_is_said_as_how_long_ago_it_was(at: datetime | None, said: str) -> None:
    assert words.ago(at, NOW) == said


@pytest.mark.parametrize(
    ("share", "said"), [(0, "0 %"), (0.004, "0 %"), (0.876, "88 %"), (0.9999, "99 %"), (1.0, "100 %")]
)
def test_a_share_never_rounds_up_to_certainty(share: float, said: str) -> None:
    assert words.percent(share) == said


@pytest.mark.parametrize(
    ("minor", "currency", "said"),
    [(125050, "GBP", "£1,250.50"), (7, "GBP", "£0.07"), (1250, "JPY", "¥1,250"), (1250, "KWD", "KWD 1.250")],
)
def test_money_has_the_decimals_of_its_currency(minor: int, currency: str, said: str) -> None:
    assert words.money(minor, currency) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("short", "short"),
        ("a\n line\t b", "a line b"),
        ("0123456789", "0123456789"),
        ("0123456789x", "0123456789…"),
        (" " * 30 + "later", "…"),
    ],
)
def test_a_long_text_is_cut_with_a_mark(text: str, said: str) -> None:
    assert words.clip(text, 10) == said


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("reason", "it is the default of the reason"),
        ("rule:strike", "rule strike of the taxonomy decided it"),
        ("manual", "a supervisor decided it for this case"),
        ("unheard of", ""),
    ],
)
def test_the_source_of_a_quadrant_is_said_in_words(source: str, said: str) -> None:
    assert words.quadrant_source(source) == said


def _journal(kind: str, *lines: JournalLine, status: str = "posted", **values: str | bool) -> JournalView:
    return JournalView(
        seq=1,
        kind=kind,
        status=status,
        effective_date=date(2026, 3, 2),
        resolution=str(values.get("resolution", "")),
        is_reversal=bool(values.get("is_reversal", False)),
        memo="",
        lines=lines,
    )


COUNTED = (
    JournalLine("Expenses:Contact:Waste", "TAG", "N", 1, "logistics", tag="complaint"),
    JournalLine("Equity:Counts", "TAG", "N", -1, "service"),
)
WORK = (
    JournalLine("Expenses:Contact:Waste", "SEC", "M", 410, "logistics"),
    JournalLine("Expenses:Contact:Waste", "GBP", "M", 342, "logistics"),
    JournalLine("Equity:Pool:Service", "SEC", "M", -410, "service"),
    JournalLine("Equity:Pool:Service", "GBP", "M", -342, "service"),
)
SPLIT = (
    JournalLine("Expenses:Contact:Serve", "GBP", "E", 270, "product_quality"),
    JournalLine("Expenses:Contact:Serve", "GBP", "E", 180, "logistics"),
)


SPLIT_SAID = (
    "Work expected, not spent yet: £2.70 (estimated), charged to product quality as asset contacts;"
    " £1.80 (estimated), charged to logistics as asset contacts."
)


@pytest.mark.parametrize(
    ("journal", "said"),
    [
        (_journal("tag", *COUNTED), "Counted: 1 complaint tag, charged to logistics as liability contacts."),
        (
            _journal("cost_hold", *SPLIT, status="pending"),
            SPLIT_SAID,
        ),
        (
            _journal("cost", *WORK, resolution="post"),
            "Work done: 6 min 50 s and £3.42 (measured), charged to logistics as liability contacts.",
        ),
        (
            _journal("cost_void", resolution="void"),
            "Expected work let go: nobody worked on it, so nothing was spent.",
        ),
        (
            _journal("reversal", *COUNTED, is_reversal=True),
            "Taken back: 1 complaint tag, charged to logistics as liability contacts.",
        ),
        (_journal("budget_fund"), "Budget fund."),
    ],
)
def test_a_journal_is_said_in_a_sentence_with_its_basis(journal: JournalView, said: str) -> None:
    assert words.journal_words(journal, "GBP") == said


def test_a_line_shows_its_side() -> None:
    assert [words.line_amount(line) for line in WORK] == ["+410 SEC", "+£3.42", "−410 SEC", "−£3.42"]  # noqa: RUF001  # a minus sign is meant


def test_an_event_is_said_in_words() -> None:
    event = CaseEventView(
        "not_for_us", "Ada", NOW, {"queue": "care-billing", "why": "rule 'a_b'", "mention": 7, "x": ""}
    )

    assert words.event_words(event) == "Not for us"
    assert words.event_details(event) == [("queue", "care billing"), ("why", "rule 'a_b'")]
