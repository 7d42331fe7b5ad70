"""The sums beside the ledger are at every moment what the journals say, whatever was posted and in which order."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from alembic import command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, insert, select, text
from sqlmodel import Session

from bot.config import LedgerSettings
from bot.domain import RepeatKind, Tag
from bot.ledger import funds
from bot.ledger.corrections import not_a_contact, retagged, standing
from bot.ledger.journal import Draft
from bot.ledger.model import CostModel, cost_model
from bot.ledger.postings import Contact, cost, hold, tag_journals, void
from bot.ledger.quadrants import cell
from bot.ledger.taxonomy import load_taxonomy
from storage import db, ledger_sums, report_facts
from storage.db import reading, transaction
from storage.ledger import draft_by_key, journals_of, post, rebuild_sums, record_config
from storage.ledger_rows import PERIOD
from storage.ledger_sums import CASE_SUM, SUM
from storage.ledger_verify import verify
from tests.installation import prepared

NOW = datetime(2026, 9, 20, 12, tzinfo=UTC)
MODEL = cost_model(LedgerSettings(), load_taxonomy())
FIRST, LAST = date(2026, 9, 1), date(2026, 9, 30)


@pytest.fixture
def books(ledger: Engine) -> Engine:
    with transaction(ledger) as session:
        record_config(session, MODEL, NOW)
    return ledger


def contact(case: int, reason: str = "where_is_it", model: CostModel = MODEL) -> Contact:
    found = cell(model, tag=Tag.COMPLAINT, reason=reason, repeat=RepeatKind.NONE)
    return Contact(str(case), "x", "social", Tag.COMPLAINT, reason, found, "A")


def opened(case: int, on: date) -> list[Draft]:
    who, event = contact(case), f"tag:{case}:complaint:v1"
    tags = tag_journals(event, who, tag=who.tag, primary=True, opens=True, on=on, group_ref=str(case), model=MODEL)
    return [*tags, hold(event, who, on=on, model=MODEL)]


def resolved(case: int, on: date, seconds: int | None, expected: Draft | None) -> Draft:
    key = f"tag:{case}:complaint:v1:hold"
    who = contact(case)
    return cost(f"case:{case}", who, on=on, model=MODEL, resolves=key, seconds=seconds, hold=expected)


def test_an_open_hold_is_pending_and_what_resolves_it_is_posted(books: Engine) -> None:
    with transaction(books) as session:
        post(session, opened(1, date(2026, 9, 10)), now=NOW)
        before = report_facts.pending(session, last=LAST)
        post(session, [resolved(1, date(2026, 9, 12), 410, None)], now=NOW)

        after = report_facts.pending(session, last=LAST)
        waste = [one for one in report_facts.posted(session, first=FIRST, last=LAST) if one.dept == "logistics"]

    assert [(one.account, one.amount) for one in before if one.amount > 0] == [("Expenses:Contact:Waste", 250)]
    assert [one for one in after if one.amount] == []
    assert [(one.commodity, one.basis, one.amount) for one in waste] == [("CNT", "N", 1), ("GBP", "M", 342)]
    with reading(books) as session:
        assert [tuple(row) for row in session.execute(select(CASE_SUM))] == [("1", "GBP", 342)]


def test_what_belongs_to_a_closed_period_is_kept_apart(books: Engine) -> None:
    with transaction(books) as session:
        session.execute(insert(PERIOD), [{"period": "2026-08", "state": "closed", "closed_by": "finance"}])
        post(session, opened(1, date(2026, 8, 31)), now=NOW)
        post(session, opened(2, date(2026, 9, 1)), now=NOW)

        late = report_facts.late(session, first=FIRST, last=LAST)
        posted = report_facts.posted(session, first=FIRST, last=LAST)

    assert sum(one.amount for one in late if one.amount > 0) == 1
    assert sum(one.amount for one in posted if one.amount > 0) == 2


@pytest.mark.parametrize("table", ["ledger_sum", "ledger_case_sum"])
@pytest.mark.parametrize("change", ["SET amount = amount + 1", None])
def test_verify_finds_a_sum_that_was_changed_or_deleted_and_rebuilding_mends_it(
    books: Engine, table: str, change: str | None
) -> None:
    with transaction(books) as session:
        post(session, [*opened(1, FIRST), resolved(1, FIRST, 300, None)], now=NOW)
    statement = f"UPDATE {table} {change}" if change else f"DELETE FROM {table}"  # noqa: S608  # own names
    with transaction(books) as session:
        session.execute(text(statement))

    with transaction(books) as session:
        found = verify(session)
        rebuild_sums(session)
        mended = verify(session)

    assert found.broken is not None
    assert str(found.broken).startswith(f"{table} of ")
    assert "earmark ledger verify --rebuild-sums" in str(found.broken)
    assert mended.ok


def test_rebuilding_gives_the_sums_that_posting_gave(books: Engine) -> None:
    with transaction(books) as session:
        for case in range(1, 6):
            post(
                session, [*opened(case, FIRST + timedelta(days=case)), resolved(case, LAST, 100 * case, None)], now=NOW
            )
        post(session, [funds.pool_actual("csv:1", 99, on=LAST, currency="GBP")], now=NOW)
        kept = set(map(tuple, session.execute(select(SUM).where(SUM.c.amount != 0))))

        rebuild_sums(session)

        assert set(map(tuple, session.execute(select(SUM)))) == kept


steps = st.lists(
    st.tuples(
        st.sampled_from(["open", "resolve", "resolve unmeasured", "void", "retag", "not for us", "again"]),
        st.integers(1, 4),
        st.integers(1, 28),
    ),
    max_size=15,
)


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_whatever_is_posted_the_sums_are_those_of_the_journals(
    books: Engine, steps: list[tuple[str, int, int]]
) -> None:
    """Cases get numbers of their own in each example, because nothing can be taken out of a ledger."""
    with transaction(books) as session:
        base = session.execute(text("SELECT count(*) FROM ledger_journal")).scalar_one() * 100
        for number, (what, case, day) in enumerate(steps):
            found = drafts(session, what, base + case, date(2026, 9, day), f"step:{base}:{number}")
            post(session, found, now=NOW)
            assert ledger_sums.problem(session.connection()) == ""


def drafts(  # noqa: PLR0911  # one return a step
    session: Session, what: str, case: int, on: date, event: str
) -> list[Draft]:
    standing_now = [journal.draft for journal in journals_of(session, case_id=str(case))]
    if what in {"open", "again"} and not standing_now:
        return opened(case, on)
    if what == "again":
        return standing_now[:2]
    if not standing_now:
        return []
    old = standing(standing_now, {one.key for one in standing_now if one.kind == "tag"})
    if what.startswith("resolve") and old.hold:
        seconds = 120 if what == "resolve" else None
        who = contact(case)
        return [cost(event, who, on=on, model=MODEL, resolves=old.hold.key, seconds=seconds, hold=old.hold)]
    if what == "void" and old.hold:
        return [void(event, resolves=old.hold.key, on=on, memo="no action")]
    if what == "retag":
        return retagged(event, old, contact(case, "billing_error"), tags=[Tag.COMPLAINT], on=on, model=MODEL)
    return not_a_contact(event, old, on=on) if what == "not for us" else []


def test_a_migration_counts_what_was_posted_before_the_sums_were_kept(sqlite_url: str) -> None:
    engine = prepared(sqlite_url)
    with transaction(engine) as session:
        record_config(session, MODEL, NOW)
        post(session, [*opened(1, FIRST), *opened(2, FIRST), resolved(1, LAST, 410, None)], now=NOW)
        assert draft_by_key(session, "case:1:cost") is not None
    with engine.connect() as connection:
        command.downgrade(db._alembic(connection), "0002")
        connection.commit()

    db.upgrade(engine)

    with reading(engine) as session:
        assert ledger_sums.problem(session.connection()) == ""
        assert len(session.execute(select(SUM)).all()) > 0
    engine.dispose()
