"""What the specification (1.11) demands of journals and their chain, each invariant in its own words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Final

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot.ledger.accounts import (
    BUDGET_AVAILABLE,
    BUDGET_INITIATIVES,
    CHART,
    CONTACT_ACCOUNTS,
)
from bot.ledger.book import Book
from bot.ledger.journal import Journal, chained, digest
from bot.ledger.postings import reversal, void
from bot.ledger.totals import balances
from bot.ledger.verify import verify
from storage import ledger, models, periods
from storage.db import reading, transaction
from tests.ledger.books import GBP, STATUSES, Books, Invariant, registered_in, sums_of

ALL: Final[dict[str, Invariant]] = {}
invariant = registered_in(ALL)


@invariant
def i1_per_journal_and_commodity_and_basis_amounts_sum_to_0(books: Books) -> None:
    for journal in books.both:
        assert not any(sums_of([journal]).values()), journal.key


@invariant
def i2_a_journal_has_two_lines_or_more_and_none_is_zero_and_a_void_has_none(books: Books) -> None:
    for journal in books.both:
        number = len(journal.draft.lines)
        assert number == 0 if journal.draft.resolution == "void" else number >= 2, journal.key
        assert all(line.amount for line in journal.draft.lines)
    books.must_have(any(journal.draft.resolution == "void" for journal in books.journals))


@invariant
def i3_amounts_are_integers_below_2_to_the_53_of_a_known_account_and_unit_with_its_basis(books: Books) -> None:
    for journal in books.both:
        for line in journal.draft.lines:
            assert type(line.amount) is int
            assert abs(line.amount) < 2**53
            assert line.account in CHART
            assert line.commodity in {"TAG", "CNT", "SEC", "GBP"}
            assert (line.basis == "N") == (line.commodity in {"TAG", "CNT"})


@invariant
def i4_seq_has_no_gaps_and_chain_and_digests_recompute_and_the_database_refuses_a_change(books: Books) -> None:
    head = "0" * 64
    for seq, journal in enumerate(books.journals, start=1):
        assert journal.seq == seq
        assert journal.payload_sha256 == digest(journal.draft.payload())
        head = chained(head, journal.payload_sha256, journal.key, seq)
        assert journal.hash == head
    for statement in ("UPDATE ledger_journal SET memo = 'x' WHERE seq = 1", "DELETE FROM ledger_line WHERE id = 1"):
        with books.month.running.parts.database.connect() as connection, pytest.raises(DBAPIError):
            connection.execute(text(statement))


@invariant
def i5_posting_again_changes_nothing_and_a_replay_gives_identical_hashes(books: Books) -> None:
    before = books.head()
    drafts = [journal.draft for journal in books.journals]

    with transaction(books.month.running.parts.database) as session:
        again = ledger.post(session, drafts, now=books.month.now + timedelta(days=99))
    replay = Book(GBP)
    replayed = [replay.post(draft)[0] for draft in drafts]

    assert not any(posted.is_new for posted in again)
    assert books.head() == before
    assert [journal.hash for journal in replayed] == [journal.hash for journal in books.journals]


@invariant
def i6_another_payload_under_a_known_key_is_an_error_and_changes_nothing(books: Books) -> None:
    for journal in Random(6).sample(books.journals, 20):
        changed = replace(journal.draft, memo=f"{journal.draft.memo}!")
        with books.refused(changed) as error:
            assert error.value.code == "E_IDEMPOTENCY_CONFLICT"


@invariant
def i7_the_tag_balance_is_the_number_of_live_tags_per_tag_reason_and_channel(books: Books) -> None:
    live: Counter[tuple[str, str, str]] = Counter()
    channel_of = {mention.id: mention.channel for mention in books.rows(models.Mention)}
    for tag in books.rows(models.Tag):
        live[tag.tag, tag.reason, channel_of[tag.mention_id]] += tag.is_live
    booked: Counter[tuple[str | None, ...]] = Counter()
    for _, line in books.posted():
        if line.commodity == "TAG" and line.account in CONTACT_ACCOUNTS:
            booked[line.tag, line.reason, line.channel] += line.amount

    assert {key: number for key, number in booked.items() if number} == {k: n for k, n in live.items() if n}
    books.must_have(sum(booked.values()))


@invariant
def i8_the_contact_balance_is_the_live_contacts_each_with_at_most_one_open_hold(books: Books) -> None:
    cases = books.rows(models.Case)
    counted = sum(
        line.amount for _, line in books.posted() if (line.commodity, line.account[:8]) == ("CNT", "Expenses")
    )
    resolved = {journal.draft.resolves for journal in books.journals}
    open_holds = [one for one in books.journals if one.draft.kind == "cost_hold" and one.key not in resolved]
    held = Counter(one.draft.lines[0].case_id for one in open_holds)

    assert counted == sum(case.state != "dismissed" and case.merged_into is None for case in cases)
    assert set(held.values()) <= {1}
    assert {one.key for one in open_holds} == {case.hold_key for case in cases if case.hold_key}


@invariant
def i9_a_pending_journal_is_resolved_at_most_once_and_moves_no_posted_balance(books: Books) -> None:
    resolved = Counter(journal.draft.resolves for journal in books.both if journal.draft.resolves)
    assert max(resolved.values()) == 1
    without = [journal for journal in books.journals if journal.draft.status == "posted"]
    assert balances(without, status="posted") == books.head()[2]
    done = next(iter(resolved))
    with books.refused(void("again", resolves=done, on=books.month.now.date(), memo="")) as error:
        assert error.value.code == "E_ALREADY_RESOLVED"


@invariant
def i10_a_reversal_mirrors_its_target_line_by_line_once_and_is_never_reversed(books: Books) -> None:
    by_key = {journal.key: journal for journal in books.both}
    reversals = [journal for journal in books.both if journal.draft.reverses]
    for journal in reversals:
        target = by_key[journal.draft.reverses or ""].draft
        assert journal.draft.lines == tuple(line._replace(amount=-line.amount) for line in target.lines)
        assert target.reverses is None
    assert max(Counter(journal.draft.reverses for journal in reversals).values()) == 1
    ours = next(journal.draft for journal in books.journals if journal.draft.reverses)
    for draft, code in (
        (reversal("x", by_key[ours.reverses or ""].draft, memo="", on=books.month.now.date()), "E_ALREADY_REVERSED"),
        (reversal("y", ours, memo="", on=books.month.now.date()), "E_REVERSAL_OF_REVERSAL"),
    ):
        with books.refused(draft) as error:
            assert error.value.code == code


@invariant
def i11_nothing_is_posted_into_a_closed_period_and_the_trial_balance_is_the_seal(books: Books) -> None:
    with reading(books.month.running.parts.database) as session:
        [sealed] = [one for one in periods.periods(session) if one.state == "closed"]
        now = periods.trial_balances(session.connection(), [sealed.period])[sealed.period]
    [row] = [one for one in books.rows(models.LedgerPeriod) if one.state == "closed"]
    later = [journal for journal in books.journals if journal.seq > (sealed.last_seq or 0)]
    late = [journal for journal in later if journal.draft.original is not None]

    assert row.trial_balance == now
    assert all(journal.draft.effective > periods.last_day(sealed.period) for journal in later)
    assert all((one.draft.original or one.draft.effective) <= periods.last_day(sealed.period) for one in late)
    books.must_have(late)


@invariant
def i24_permuting_independent_events_changes_seq_and_hashes_and_no_balance(books: Books) -> None:
    groups = independent(books.journals)
    shuffled = Random(24).sample(groups, len(groups))
    book = Book(GBP)

    for group in shuffled:
        for journal in group:
            book.post(journal.draft)

    books.must_have(len(groups) > 10)
    assert book.head != books.journals[-1].hash
    for status in STATUSES:
        assert balances(book.journals, status=status) == balances(books.journals, status=status)
    assert verify(book.journals, GBP).ok


def independent(journals: Sequence[Journal]) -> list[list[Journal]]:
    """The journals in groups that have nothing to do with each other: no case and no journal in common."""
    group_of: dict[str, int] = {}
    groups: dict[int, list[Journal]] = {}
    for journal in journals:
        names = {journal.key, journal.draft.resolves, journal.draft.reverses, f"ref {journal.draft.group_ref}"}
        names |= {f"ref {line.case_id}" for line in journal.draft.lines if line.case_id}
        # What is given has to be granted first.
        names |= {line.account for line in journal.draft.lines} & {BUDGET_AVAILABLE, BUDGET_INITIATIVES}
        known = {group_of[name] for name in names if name in group_of}
        home = min(known, default=journal.seq)
        merged = sorted({one.seq: one for other in known for one in groups.pop(other)}.items())
        groups[home] = [*(one for _, one in merged), journal]
        group_of.update({name: home for name in names if name})
        group_of.update({name: home for name, group in group_of.items() if group in known})
    return list(groups.values())
