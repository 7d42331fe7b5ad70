"""Vector 03: canonical form, ids, the chain, idempotency, tampering."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bot.errors import LedgerError
from bot.ledger.book import Book
from bot.ledger.journal import START, Draft, Journal, Line, canonical, chained, digest, journal_id
from bot.ledger.verify import verify

VECTORS = Path(__file__).parent / "vectors"
VECTOR: dict[str, Any] = json.loads((VECTORS / "03_idempotency_and_chain.json").read_text("utf-8"))
JOURNALS: list[dict[str, Any]] = json.loads((VECTORS / "02_postings.json").read_text("utf-8"))["journals"]
GBP = frozenset({"GBP"})


def draft_of(entry: dict[str, Any]) -> Draft:
    original = entry.get("original")
    return Draft(
        key=entry["key"],
        kind=entry["kind"],
        status=entry["status"],
        effective=date.fromisoformat(entry["effective"]),
        original=date.fromisoformat(original) if original else None,
        lines=tuple(_line(line) for line in entry.get("lines", [])),
        resolves=entry.get("resolves"),
        resolution=entry.get("resolution"),
        reverses=entry.get("reverses"),
        memo=entry.get("memo", ""),
    )


def _line(entry: dict[str, Any]) -> Line:
    """The vector writes the initiative of a budget line where a case would stand."""
    line = Line(**entry)
    return line._replace(case_id=None, initiative_id=line.case_id) if "Budget" in line.account else line


@pytest.fixture
def book() -> Book:
    """The 65 journals of vector 02."""
    book = Book(GBP)
    for entry in JOURNALS:
        book.post(draft_of(entry))
    return book


def test_the_canonical_form_and_the_hash_are_what_the_vector_says() -> None:
    example = VECTOR["canonical_example"]

    assert canonical(example["payload"]) == example["canonical"]
    assert digest(example["payload"]) == example["payload_sha256"]
    assert chained(START, example["payload_sha256"], example["key"], example["seq"]) == example["expect_hash"]
    assert START == "0" * 64


def test_a_journal_id_follows_from_its_key() -> None:
    assert journal_id(VECTOR["journal_id"]["key"]) == VECTOR["journal_id"]["expect"]


def test_the_digest_of_a_journal_never_changes() -> None:
    # Pinned: journals of every ledger in use were written with it.
    line = Line("Expenses:Contact:Waste", "TAG", "N", 1, "logistics", "where_is_it", "complaint", case_id="17")
    other = line._replace(account="Equity:Counts", amount=-1, dept="service")
    draft = Draft("e:tag", "tag", "posted", date(2026, 9, 1), (line, other), group_ref="17", memo="é")

    assert canonical(draft.payload()) == (
        '{"effective":"2026-09-01","group_ref":"17","key":"e:tag","kind":"tag","lines":'
        '[["Expenses:Contact:Waste","TAG","N",1,"logistics","where_is_it","complaint",null,null,null,null,"17"],'
        '["Equity:Counts","TAG","N",-1,"service","where_is_it","complaint",null,null,null,null,"17"]],'
        '"memo":"é","status":"posted"}'
    )


def test_letters_beyond_ascii_stand_as_they_are() -> None:
    assert canonical({"b": "é", "a": 1}) == '{"a":1,"b":"é"}'


def test_the_same_key_and_payload_returns_the_first_journal_and_writes_nothing(book: Book) -> None:
    expected = VECTOR["expect"]["replay_same_payload"]
    entry = next(entry for entry in JOURNALS if entry["key"] == expected["key"])
    assert book.seq == expected["journals_before"]

    journal, is_new = book.post(draft_of(entry))

    assert (journal.key, is_new, book.seq) == (expected["key"], expected["new"], expected["journals_after"])


def test_the_same_key_with_another_payload_is_refused(book: Book) -> None:
    expected = VECTOR["expect"]["replay_other_payload"]
    entry = next(entry for entry in JOURNALS if entry["key"] == expected["key"])
    head = book.head

    with pytest.raises(LedgerError) as refusal:
        book.post(replace(draft_of(entry), memo="changed"))

    assert refusal.value.code == expected["error"]
    assert book.head == head


def test_i5_replaying_everything_gives_the_same_head(book: Book) -> None:
    again = Book(GBP)
    for entry in JOURNALS:
        again.post(draft_of(entry))

    assert again.seq == VECTOR["expect"]["full_replay_journals"]
    assert again.head == book.head


def test_a_clean_book_verifies(book: Book) -> None:
    verdict = verify(book.journals, GBP)

    assert (verdict.ok, verdict.journals, verdict.head) == (True, 65, book.head)


def tampered(journals: list[Journal], seq: int, *amounts: int) -> list[Journal]:
    changed = list(journals)
    journal = changed[seq - 1]
    lines = list(journal.draft.lines)
    for index, amount in enumerate(amounts):
        lines[index] = lines[index]._replace(amount=amount)
    changed[seq - 1] = replace(journal, draft=replace(journal.draft, lines=tuple(lines)))
    return changed


def test_a_change_of_one_line_is_found(book: Book) -> None:
    verdict = verify(tampered(book.journals, 5, 2), GBP)

    assert verdict.broken is not None
    assert verdict.broken.seq == 5
    assert list(verdict.broken.problems) == VECTOR["expect"]["tampered_one_line_of_seq_5_found_by_verify"]


def test_a_balanced_change_is_found(book: Book) -> None:
    verdict = verify(tampered(book.journals, 5, 2, -2), GBP)

    assert verdict.broken is not None
    assert verdict.broken.seq == 5
    assert list(verdict.broken.problems) == VECTOR["expect"]["tampered_balanced_change_of_seq_5_found_by_verify"]


@pytest.mark.parametrize(
    ("seq", "changes", "problem"),
    [
        (5, {"payload_sha256": "0" * 64}, "hash"),  # the digest itself rewritten
        (5, {"hash": "0" * 64}, "hash"),
        (5, {"prev_hash": "0" * 64}, "chain"),
        (5, {"seq": 50}, "sequence"),
        (5, {"id": "15375f1d-7adf-52c8-bf38-c4f4bc29d2b9"}, "id"),  # another journal's
    ],
)
def test_a_change_of_what_surrounds_the_payload_is_found(
    book: Book, seq: int, changes: dict[str, Any], problem: str
) -> None:
    journals = book.journals
    journals[seq - 1] = replace(journals[seq - 1], **changes)

    broken = verify(journals, GBP).broken

    assert broken is not None
    assert problem in broken.problems


def test_a_rewritten_journal_breaks_the_chain_at_the_next_one(book: Book) -> None:
    journals = book.journals
    old = journals[4]
    forged = replace(old.draft, memo="forged")
    journals[4] = replace(
        old, draft=forged, payload_sha256=forged.sha256, hash=chained(old.prev_hash, forged.sha256, forged.key, 5)
    )

    broken = verify(journals, GBP).broken

    assert broken is not None
    assert (broken.seq, broken.problems) == (6, ("chain",))


def test_a_removed_journal_is_found(book: Book) -> None:
    journals = book.journals
    del journals[4]

    broken = verify(journals, GBP).broken

    assert broken is not None
    assert (broken.seq, broken.problems) == (6, ("sequence", "chain"))


def test_i19_no_line_can_hold_what_leads_to_a_person() -> None:
    names = {*Line._fields, *(field.name for field in fields(Draft))}

    assert not names & set(VECTOR["erasure"]["forbidden_columns"])
