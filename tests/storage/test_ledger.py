"""Posting to the ledger in the database, and what reads from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Engine, event, func, insert, select
from sqlmodel import Session

from bot.config import LedgerSettings
from bot.domain import Quadrant, RepeatKind, Tag
from bot.errors import LedgerError
from bot.ledger.corrections import not_a_contact, retagged, standing
from bot.ledger.journal import Draft
from bot.ledger.model import CostModel, cost_model
from bot.ledger.postings import Contact, cost, hold, tag_journals, void
from bot.ledger.quadrants import cell
from bot.ledger.taxonomy import load_taxonomy
from bot.ledger.totals import Balance, Cost
from storage.db import reading, transaction
from storage.ledger import Posted, draft_by_key, journals_of, post, record_config
from storage.ledger_reports import RunningTotals, balances, tag_balance, totals
from storage.ledger_rows import CONFIG, JOURNAL, LINE, PERIOD
from storage.ledger_verify import verify

NOW = datetime(2026, 9, 10, 12, tzinfo=UTC)
TODAY = date(2026, 9, 10)


@pytest.fixture(scope="module")
def model() -> CostModel:
    return cost_model(LedgerSettings(), load_taxonomy())


@pytest.fixture
def books(ledger: Engine, model: CostModel) -> Engine:
    """An empty ledger with the model recorded."""
    with transaction(ledger) as session:
        record_config(session, model, NOW)
    return ledger


def contact(model: CostModel, case_id: str = "17", reason: str = "where_is_it", tag: Tag = Tag.COMPLAINT) -> Contact:
    found = cell(model, tag=tag, reason=reason, repeat=RepeatKind.NONE)
    return Contact(case_id, "x-mentions", "social", tag, reason, found, "A")


def opened(model: CostModel, case_id: str = "17", reason: str = "where_is_it", *, on: date = TODAY) -> list[Draft]:
    """The drafts of a mention that opens a case and is routed."""
    who, event_id = contact(model, case_id, reason), f"tag:{case_id}:complaint:v1"
    tags = tag_journals(event_id, who, tag=who.tag, primary=True, opens=True, on=on, group_ref=case_id, model=model)
    return [*tags, hold(event_id, who, on=on, model=model)]


def written(engine: Engine, drafts: list[Draft]) -> list[Posted]:
    with transaction(engine) as session:
        return post(session, drafts, now=NOW)


def state(engine: Engine) -> tuple[int, int, str | None]:
    with engine.connect() as connection:
        journals = connection.execute(select(func.count()).select_from(JOURNAL)).scalar_one()
        lines = connection.execute(select(func.count()).select_from(LINE)).scalar_one()
        head = connection.execute(select(JOURNAL.c.hash).order_by(JOURNAL.c.seq.desc()).limit(1)).scalar()
    return journals, lines, head


def close(engine: Engine, period: str) -> None:
    with engine.begin() as connection:
        last = connection.execute(select(JOURNAL.c.seq, JOURNAL.c.hash).order_by(JOURNAL.c.seq.desc()).limit(1)).first()
        row = {"period": period, "state": "closed", "closed_by": "finance"}
        connection.execute(insert(PERIOD), row | ({"last_seq": last.seq, "last_hash": last.hash} if last else {}))


def test_posting_gives_each_draft_its_place_in_the_chain(books: Engine, model: CostModel) -> None:
    first = written(books, opened(model, "17"))
    second = written(books, opened(model, "18"))

    assert [posted.seq for posted in (*first, *second)] == [1, 2, 3, 4]
    assert [posted.key for posted in first] == ["tag:17:complaint:v1:tag", "tag:17:complaint:v1:hold"]
    assert all(posted.is_new for posted in (*first, *second))
    with reading(books) as session:
        verdict = verify(session)
    assert (verdict.ok, verdict.journals, verdict.head) == (True, 4, second[-1].hash)


def test_i5_posting_again_returns_the_first_journals_and_writes_nothing(books: Engine, model: CostModel) -> None:
    first = written(books, opened(model))
    before = state(books)

    again = written(books, opened(model))

    assert again == [replace(posted, is_new=False) for posted in first]
    assert state(books) == before


def test_the_same_draft_twice_in_one_batch_is_written_once(books: Engine, model: CostModel) -> None:
    tag, held = opened(model)

    results = written(books, [tag, held, tag])

    assert [posted.is_new for posted in results] == [True, True, False]
    assert state(books)[0] == 2


def test_i6_a_changed_payload_under_an_old_key_is_refused_and_changes_nothing(books: Engine, model: CostModel) -> None:
    written(books, opened(model))
    before = state(books)

    with pytest.raises(LedgerError) as refusal:
        written(books, [*opened(model, "18"), replace(opened(model)[0], memo="other")])

    assert refusal.value.code == "E_IDEMPOTENCY_CONFLICT"
    assert state(books) == before


def test_a_day_in_a_closed_period_moves_to_the_first_open_day(books: Engine, model: CostModel) -> None:
    close(books, "2026-08")

    written(books, opened(model, on=date(2026, 8, 31)))

    with reading(books) as session:
        tag = draft_by_key(session, "tag:17:complaint:v1:tag")
    assert tag is not None
    assert (tag.effective, tag.original) == (date(2026, 9, 1), date(2026, 8, 31))


def test_a_repeated_draft_is_known_also_when_its_period_is_closed_now(books: Engine, model: CostModel) -> None:
    close(books, "2026-08")
    late = opened(model, on=date(2026, 8, 31))
    written(books, [*late, *opened(model, "18")])
    close(books, "2026-09")

    again = written(books, [*late, *opened(model, "18")])

    assert not any(posted.is_new for posted in again)


def test_nothing_is_posted_before_a_configuration_is_recorded(ledger: Engine, model: CostModel) -> None:
    with pytest.raises(LedgerError, match="E_NO_CONFIG"):
        written(ledger, opened(model))


def test_a_configuration_is_recorded_once_a_version(books: Engine, model: CostModel) -> None:
    with transaction(books) as session:
        record_config(session, model, datetime(2026, 10, 1, tzinfo=UTC))

    with books.connect() as connection:
        rows = connection.execute(select(CONFIG)).all()
    assert [(row.version, row.sha256, row.placeholders) for row in rows] == [
        (model.config_version, model.sha256, ["ledger.cost.rate_minor_per_hour", "minutes of 17 reasons"])
    ]


def resolved(model: CostModel, key: str, seconds: int | None, expected: Draft | None) -> Draft:
    return cost("slack:T1:C1:1", contact(model), on=TODAY, model=model, resolves=key, seconds=seconds, hold=expected)


def test_resolving_posts_the_hold_with_the_work_that_was_measured(books: Engine, model: CostModel) -> None:
    _, held = opened(model)
    written(books, opened(model))

    written(books, [resolved(model, held.key, 410, held)])

    with reading(books) as session:
        assert balances(session, status="pending") == []
        assert Balance("Expenses:Contact:Waste", "logistics", "GBP", "M", 342) in balances(session)


def test_i9_a_hold_is_resolved_at_most_once(books: Engine, model: CostModel) -> None:
    _, held = opened(model)
    written(books, opened(model))
    written(books, [void("slack:T1:C1:0", resolves=held.key, on=TODAY, memo="no action", group_ref="17")])
    before = state(books)

    with pytest.raises(LedgerError) as refusal:
        written(books, [resolved(model, held.key, None, held)])

    assert refusal.value.code == "E_ALREADY_RESOLVED"
    assert state(books) == before


def test_a_hold_and_what_resolves_it_may_be_posted_together(books: Engine, model: CostModel) -> None:
    tag, held = opened(model)

    written(books, [tag, held, resolved(model, held.key, None, held)])

    with reading(books) as session:
        assert Balance("Expenses:Contact:Waste", "logistics", "GBP", "E", 250) in balances(session)


def test_the_journals_of_a_case_include_what_acts_on_them(books: Engine, model: CostModel) -> None:
    _, held = opened(model)
    written(books, [*opened(model), *opened(model, "18")])
    # This void names no group: it is found by the hold it ends.
    written(books, [void("slack:T1:C1:0", resolves=held.key, on=TODAY, memo="no action")])

    with reading(books) as session:
        found = journals_of(session, case_id="17")

    assert [journal.draft.kind for journal in found] == ["tag", "cost_hold", "cost_void"]
    assert found[1].draft == held


def drafts_of(session: Session, case_id: str) -> list[Draft]:
    return [journal.draft for journal in journals_of(session, case_id=case_id)]


def test_retagging_a_case_moves_its_tag_and_its_measured_work(books: Engine, model: CostModel) -> None:
    tag, held = opened(model)
    written(books, [tag, held])
    written(books, [resolved(model, held.key, 600, held)])

    with transaction(books) as session:
        old = standing(drafts_of(session, "17"), [tag.key])
        new = contact(model, reason="billing_error")
        drafts = retagged("human:17:v2", old, new, tags=[Tag.COMPLAINT], on=date(2026, 9, 11), model=model)
        post(session, drafts, now=NOW)

    with reading(books) as session:
        assert tag_balance(session) == {("complaint", "billing_error", "x-mentions"): 1}
        sums = totals(session)
        assert verify(session).ok
    assert sums.waste_by_department == (("billing", Cost(0, 500)),)
    assert (sums.contacts, sums.live_tags[Tag.COMPLAINT]) == (1, 1)
    assert {draft.effective for draft in drafts} == {TODAY}


def test_a_mention_that_is_not_about_us_leaves_no_tag_no_contact_and_no_cost(books: Engine, model: CostModel) -> None:
    tag, held = opened(model)
    written(books, [tag, held])

    with transaction(books) as session:
        old = standing(drafts_of(session, "17"), [tag.key])
        post(session, not_a_contact("slack:T1:C1:2", old, on=TODAY, actor_ref="slack:U1"), now=NOW)

    with reading(books) as session:
        assert (balances(session), balances(session, status="pending"), tag_balance(session)) == ([], [], {})
        assert verify(session).ok


def test_the_totals_say_what_the_books_hold(books: Engine, model: CostModel) -> None:
    _, held = opened(model, "17")
    praise = contact(model, "19", "praise", Tag.PRAISE)
    thanks = tag_journals(
        "tag:19:praise:v1", praise, tag=Tag.PRAISE, primary=True, opens=True, on=TODAY, group_ref="19", model=model
    )
    last = written(books, [*opened(model, "17"), *opened(model, "18", "outage_fault"), *thanks])[-1]
    done = written(books, [resolved(model, held.key, None, held)])[-1]
    assert last.seq == 5

    with reading(books) as session:
        sums = totals(session)

    assert (sums.currency, sums.journals, sums.head) == ("GBP", 6, done.hash)
    assert sums.live_tags == {Tag.COMPLAINT: 2, Tag.PRAISE: 1, Tag.REQUEST: 0}
    assert sums.contacts == 3
    assert sums.cost[Quadrant.LIABILITY] == Cost(250, 0)
    assert sums.cost[Quadrant.ASSET] == Cost(0, 0)
    assert sums.pending_minor == 400
    assert sums.waste_by_department == (("logistics", Cost(250, 0)),)


def test_running_totals_are_at_every_moment_what_a_fresh_count_says(books: Engine, model: CostModel) -> None:
    running = RunningTotals()
    tag, held = opened(model)
    correction = retagged(
        "human:18:v2",
        standing(opened(model, "18"), [opened(model, "18")[0].key]),
        contact(model, "18", "billing_error"),
        tags=[Tag.COMPLAINT],
        on=TODAY,
        model=model,
    )
    steps = [[], [tag, held], opened(model, "18"), [resolved(model, held.key, 600, held)], correction]

    seen = []
    for drafts in steps:
        written(books, drafts)
        with reading(books) as session:
            sums = running.read(session)
            assert sums == totals(session)
        seen.append((sums.journals, sums.contacts, sums.pending_minor, sums.cost[Quadrant.LIABILITY]))

    assert seen == [
        (0, 0, 0, Cost(0, 0)),
        (2, 1, 250, Cost(0, 0)),
        (4, 2, 500, Cost(0, 0)),
        (5, 2, 250, Cost(0, 500)),
        (9, 2, 450, Cost(0, 500)),
    ]


def test_the_totals_of_an_empty_ledger_are_zero(ledger: Engine) -> None:
    with reading(ledger) as session:
        sums = totals(session)
        assert verify(session).ok

    assert (sums.currency, sums.journals, sums.head, sums.contacts) == ("", 0, "0" * 64, 0)


def test_the_number_of_queries_does_not_grow_with_the_batch(books: Engine, model: CostModel) -> None:
    def queries(drafts: list[Draft]) -> int:
        statements: list[str] = []
        event.listen(books, "before_cursor_execute", listener := lambda *args: statements.append(args[2]))
        written(books, drafts)
        event.remove(books, "before_cursor_execute", listener)
        return len(statements)

    one = queries(opened(model, "1"))
    many = queries([draft for case in range(2, 66) for draft in opened(model, str(case))])

    assert one == many
