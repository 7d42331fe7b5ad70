"""Databases for the ledger's tests: SQLite always, PostgreSQL where one is running."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlmodel import SQLModel

from storage import ledger_triggers, models, models_records, models_sums
from storage.db import connect

TABLES = [
    SQLModel.metadata.tables[str(table.__tablename__)]
    for table in (
        models.LedgerJournal,
        models.LedgerLine,
        models.LedgerPeriod,
        models.LedgerConfig,
        models_records.LedgerRecord,
        models_sums.LedgerSum,
        models_sums.LedgerCaseSum,
    )
]


@pytest.fixture
def sqlite_ledger(sqlite_url: str) -> Iterator[Engine]:
    """An empty ledger on SQLite."""
    engine = _with_ledger(connect(sqlite_url))
    yield engine
    engine.dispose()


@pytest.fixture
def postgresql_ledger(postgresql_url: str) -> Iterator[Engine]:
    """An empty ledger on PostgreSQL, in a schema of its own."""
    engine = _with_ledger(connect(postgresql_url))
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest) -> Engine:
    """An empty ledger, on each database."""
    engine: Engine = request.getfixturevalue(f"{request.param}_ledger")
    return engine


def _with_ledger(engine: Engine) -> Engine:
    with engine.begin() as connection:
        SQLModel.metadata.create_all(connection, tables=TABLES)
        ledger_triggers.install(connection)
        ledger_triggers.protect_record(connection)
    return engine
