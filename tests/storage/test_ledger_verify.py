"""Checking the ledger in the database: what was changed behind our back is found, at any size."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Engine, insert

from bot.config import LedgerSettings
from bot.domain import Tag
from bot.ledger.journal import Draft
from bot.ledger.model import CostModel, cost_model
from bot.ledger.postings import Contact, cost, hold, reversal, tag_journals
from bot.ledger.quadrants import cell
from bot.ledger.taxonomy import load_taxonomy
from bot.ledger.verify import Broken, Verdict
from storage import ledger_scan, ledger_triggers, periods
from storage.db import reading, transaction
from storage.ledger import post, record_config
from storage.ledger_reports import tag_balance
from storage.ledger_rows import PERIOD
from storage.ledger_verify import verify

NOW = datetime(2026, 9, 10, 12, tzinfo=UTC)
TODAY = date(2026, 9, 10)


@pytest.fixture(scope="module")
def model() -> CostModel:
    return cost_model(LedgerSettings(), load_taxonomy())


def drafts_of(case_id: str, model: CostModel) -> list[Draft]:
    """Four journals: a tag, a hold, the work that resolves it, and its reversal."""
    found = cell(model, tag=Tag.COMPLAINT, reason="where_is_it")
    contact = Contact(case_id, "x", "social", Tag.COMPLAINT, "where_is_it", found)
    held = hold(case_id, contact, on=TODAY, model=model)
    done = cost(case_id, contact, on=TODAY, model=model, resolves=held.key, seconds=300, hold=held)
    tags = tag_journals(
        case_id, contact, tag=Tag.COMPLAINT, primary=True, opens=True, on=TODAY, group_ref=case_id, model=model
    )
    return [*tags, held, done, reversal(f"{case_id}:undo", done, memo="wrong case")]


@pytest.fixture
def books(ledger: Engine, model: CostModel) -> Engine:
    """Three cases, four journals each."""
    with transaction(ledger) as session:
        record_config(session, model, NOW)
        post(session, [draft for case_id in "abc" for draft in drafts_of(case_id, model)], now=NOW)
    return ledger


def verdict_of(engine: Engine) -> Verdict:
    with reading(engine) as session:
        return verify(session)


def tampered(engine: Engine, *statements: str) -> Verdict:
    """What checking says after somebody with all rights has removed the triggers."""
    with engine.begin() as connection:
        ledger_triggers.remove(connection)
        for statement in statements:
            connection.exec_driver_sql(statement)
    return verdict_of(engine)


def test_an_untouched_ledger_verifies(books: Engine) -> None:
    assert (verdict_of(books).ok, verdict_of(books).journals) == (True, 12)


@pytest.mark.parametrize(
    ("statements", "broken"),
    [
        # One line of a pair, then both: sums still hold, only the digest shows it.
        (["UPDATE ledger_line SET amount = 2 WHERE journal_seq = 5 AND n=1"], (5, "b:tag", ("payload", "unbalanced"))),
        (["UPDATE ledger_line SET amount = 2 * amount WHERE journal_seq = 5"], (5, "b:tag", ("payload",))),
        (["UPDATE ledger_line SET dept = 'billing' WHERE journal_seq = 7 AND n = 1"], (7, "b:cost", ("payload",))),
        (["UPDATE ledger_journal SET effective_date = '2026-08-01' WHERE seq = 5"], (5, "b:tag", ("payload",))),
        (["UPDATE ledger_journal SET memo = 'fine' WHERE seq = 5"], (5, "b:tag", ("payload",))),
        (["UPDATE ledger_journal SET actor_ref = 'slack:U9' WHERE seq = 5"], (5, "b:tag", ("payload",))),
        (["UPDATE ledger_journal SET id = 'other' WHERE seq = 5"], (5, "b:tag", ("id",))),
        (["UPDATE ledger_journal SET hash = prev_hash WHERE seq = 5"], (5, "b:tag", ("hash",))),
        (["UPDATE ledger_journal SET status = 'posted' WHERE seq = 2"], (2, "a:hold", ("payload",))),
        (
            ["DELETE FROM ledger_line WHERE journal_seq = 5", "DELETE FROM ledger_journal WHERE seq = 5"],
            (6, "b:hold", ("sequence", "chain")),
        ),
        # The hold that seq 3 resolves: its lines go to another key.
        (["UPDATE ledger_journal SET idem_key = 'z:hold' WHERE seq = 2"], (2, "z:hold", ("hash", "id", "payload"))),
        (["UPDATE ledger_journal SET reverses_id = NULL WHERE seq = 4"], (4, "a:undo:rev-cost", ("payload",))),
    ],
)  # fmt: skip
def test_tampering_is_found_and_the_first_broken_journal_is_named(
    books: Engine, statements: list[str], broken: tuple[int, str, tuple[str, ...]]
) -> None:
    verdict = tampered(books, *statements)

    assert verdict.broken == Broken(*broken)
    assert verdict.journals == broken[0] - 1 or "sequence" in broken[2]


def test_a_ledger_cut_off_at_the_end_is_found_where_its_period_is_sealed(books: Engine) -> None:
    with transaction(books) as session:
        periods.seal(session, "2026-09", by="Finance", now=NOW)
    assert verdict_of(books).ok

    verdict = tampered(
        books, "DELETE FROM ledger_line WHERE journal_seq = 12", "DELETE FROM ledger_journal WHERE seq = 12"
    )

    assert verdict.broken == Broken(12, "", ("missing, but sealed",))


def test_a_seal_that_does_not_fit_its_journal_is_found(books: Engine) -> None:
    with books.begin() as connection:
        row = {"period": "2026-09", "state": "closed", "closed_by": "finance", "last_seq": 6, "last_hash": "f" * 64}
        connection.execute(insert(PERIOD), row)

    assert verdict_of(books).broken == Broken(6, "b:hold", ("sealed otherwise",))


def test_checking_goes_page_by_page_and_tells_how_far_it_is(books: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_scan, "PAGE", 5)  # so that targets lie on earlier pages
    seen: list[tuple[int, int]] = []

    with reading(books) as session:
        verdict = verify(session, progress=lambda done, total: seen.append((done, total)))

    assert verdict.ok
    assert seen == [(5, 12), (10, 12), (12, 12)]


def test_writers_at_the_same_time_make_one_chain(ledger: Engine, model: CostModel) -> None:
    with transaction(ledger) as session:
        record_config(session, model, NOW)
    start = threading.Barrier(4)

    def write(name: str) -> None:
        start.wait()
        for number in range(5):
            with transaction(ledger) as session:
                # The first two are also written by another thread.
                case_id = f"shared-{number}" if number < 2 else f"{name}-{number}"
                post(session, drafts_of(case_id, model), now=NOW)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    verdict = verdict_of(ledger)
    with reading(ledger) as session:
        tags = tag_balance(session)
    assert (verdict.ok, verdict.journals) == (True, 4 * (2 + 4 * 3))
    assert tags == {("complaint", "where_is_it", "x"): 2 + 4 * 3}
