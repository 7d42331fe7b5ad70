"""What the database itself refuses on the ledger's tables."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Engine, func, insert, select
from sqlalchemy.exc import DBAPIError

from bot.config import LedgerSettings
from bot.ledger.journal import START, Draft, Line
from bot.ledger.model import cost_model
from bot.ledger.taxonomy import load_taxonomy
from storage import ledger_triggers
from storage.db import transaction
from storage.ledger import post, record_config
from storage.ledger_rows import JOURNAL, LINE

NOW = datetime(2026, 9, 10, 12, tzinfo=UTC)


def draft(key: str) -> Draft:
    lines = (
        Line("Expenses:Contact:Waste", "GBP", "E", 250, "logistics"),
        Line("Equity:Pool:Service", "GBP", "E", -250, "service"),
    )
    return Draft(key, "cost", "posted", date(2026, 9, 10), lines)


def with_two_journals(engine: Engine) -> Engine:
    with transaction(engine) as session:
        record_config(session, cost_model(LedgerSettings(), load_taxonomy()), NOW)
        post(session, [draft("a:cost"), draft("b:cost")], now=NOW)
    return engine


@pytest.fixture
def books(ledger: Engine) -> Engine:
    return with_two_journals(ledger)


@pytest.fixture
def sqlite_books(sqlite_ledger: Engine) -> Engine:
    return with_two_journals(sqlite_ledger)


@pytest.fixture
def postgresql_books(postgresql_ledger: Engine) -> Engine:
    return with_two_journals(postgresql_ledger)


def journal_row(**changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "seq": 3, "id": "c", "idem_key": "c:cost", "payload_sha256": "", "kind": "cost", "status": "posted",
        "effective_date": date(2026, 9, 10), "recorded_at": NOW, "group_ref": "", "memo": "", "actor_ref": "",
        "prev_hash": "", "hash": "",
    }  # fmt: skip
    return row | changes


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_journal SET memo = 'better' WHERE seq = 1",
        "UPDATE ledger_line SET amount = 1 WHERE journal_seq = 1 AND n = 1",
        "DELETE FROM ledger_line WHERE journal_seq = 2",
        "DELETE FROM ledger_journal",
    ],
)
def test_the_database_refuses_to_change_or_delete_a_journal(books: Engine, statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"), books.begin() as connection:
        connection.exec_driver_sql(statement)


@pytest.mark.parametrize("changes", [{"seq": 4}, {"seq": 3, "prev_hash": START}])
def test_the_database_refuses_a_journal_that_does_not_continue_the_chain(
    books: Engine, changes: dict[str, object]
) -> None:
    with pytest.raises(DBAPIError, match="continue the chain"), books.begin() as connection:
        connection.execute(insert(JOURNAL), journal_row(**changes))


@pytest.mark.parametrize("recursive_triggers", ["ON", "OFF"])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO ledger_journal SELECT * FROM ledger_journal WHERE seq = 1",
        "INSERT OR REPLACE INTO ledger_line SELECT * FROM ledger_line WHERE journal_seq = 1",
        # Another row that takes over a unique value of an old one.
        """INSERT OR REPLACE INTO ledger_line (id, journal_seq, n, account, commodity, basis, amount, dept)
           VALUES (1, 2, 9, 'Expenses:Goodwill', 'GBP', 'R', 1, 'service')""",
        """INSERT OR REPLACE INTO ledger_journal (seq, id, idem_key, payload_sha256, kind, status, effective_date,
           recorded_at, group_ref, memo, actor_ref, prev_hash, hash)
           SELECT seq + 1, 'new', 'a:cost', '', kind, status, effective_date, recorded_at, '', '', '', hash, ''
           FROM ledger_journal WHERE seq = 2""",
    ],
)
def test_sqlite_refuses_to_replace_a_journal_on_any_connection(
    sqlite_books: Engine, statement: str, recursive_triggers: str
) -> None:
    foreign = sqlite3.connect(sqlite_books.url.database or "")
    foreign.execute(f"PRAGMA recursive_triggers={recursive_triggers}")

    with pytest.raises(sqlite3.IntegrityError):
        foreign.execute(statement)

    foreign.close()


@pytest.mark.parametrize("amount", [2.5, "250 pence"])
def test_sqlite_refuses_an_amount_that_is_no_integer(sqlite_books: Engine, amount: object) -> None:
    with pytest.raises(DBAPIError, match="must be an integer"), sqlite_books.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO ledger_line (journal_seq, n, account, commodity, basis, amount, dept)"
            " VALUES (1, 3, 'Expenses:Goodwill', 'GBP', 'R', ?, 'service')",
            (amount,),
        )


def test_postgresql_refuses_to_truncate_the_ledger(postgresql_books: Engine) -> None:
    with pytest.raises(DBAPIError, match="append-only"), postgresql_books.begin() as connection:
        connection.exec_driver_sql("TRUNCATE ledger_journal CASCADE")


def test_postgresql_refuses_a_line_that_unbalances_a_journal(postgresql_books: Engine) -> None:
    with pytest.raises(DBAPIError, match="does not balance"), postgresql_books.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO ledger_line (journal_seq, n, account, commodity, basis, amount, dept)"
            " VALUES (1, 3, 'Expenses:Goodwill', 'GBP', 'R', 1, 'service')"
        )


def test_the_triggers_can_be_removed_for_a_migration_and_installed_again(books: Engine) -> None:
    with books.begin() as connection:
        ledger_triggers.remove(connection)
        connection.exec_driver_sql("UPDATE ledger_journal SET memo = memo")
        ledger_triggers.install(connection)

    with pytest.raises(DBAPIError, match="append-only"), books.begin() as connection:
        connection.exec_driver_sql("UPDATE ledger_journal SET memo = memo")
    with books.connect() as connection:
        assert connection.execute(select(func.count()).select_from(LINE)).scalar() == 4
