"""How fast the ledger takes mentions: ``python benchmarks/ledger.py [--mentions N] [--url POSTGRESQL_URL]``.

A mention here opens a case: a tag journal and a pending hold, in batches of 64, one transaction a batch. Every second
one is then resolved. SQLite is a file in a temporary folder; the URL's database is filled in a schema of its own.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import SQLModel

from bot.config import LedgerSettings
from bot.domain import Tag
from bot.ledger.journal import Draft
from bot.ledger.model import CostModel, cost_model
from bot.ledger.postings import Contact, cost, hold, tag_journals
from bot.ledger.quadrants import cell
from bot.ledger.taxonomy import load_taxonomy
from storage import ledger_triggers, models, models_records, models_sums
from storage.db import connect, reading, transaction
from storage.ledger import post, record_config
from storage.ledger_reports import totals
from storage.ledger_verify import verify

BATCH = 64
NOW = datetime(2026, 9, 10, 12, tzinfo=UTC)
TODAY = date(2026, 9, 10)


def drafts_of(number: int, model: CostModel, reasons: list[str]) -> list[Draft]:
    """Return what one mention makes the ledger say."""
    reason = reasons[number % len(reasons)]
    found = cell(model, tag=Tag.COMPLAINT, reason=reason, text="where is my order?", channel="x", segment="A", on=TODAY)
    contact = Contact(str(number), "x", "social", Tag.COMPLAINT, reason, found, "A")
    event = f"tag:{number}:complaint:v1"
    drafts = tag_journals(
        event, contact, tag=Tag.COMPLAINT, primary=True, opens=True, on=TODAY, group_ref=str(number), model=model
    )
    held = hold(event, contact, on=TODAY, model=model)
    drafts.append(held)
    if number % 2:
        done = cost(f"case:{number}:1", contact, on=TODAY, model=model, resolves=held.key, seconds=300)
        drafts.append(done)
    return drafts


def batches(mentions: int, model: CostModel) -> Iterator[list[Draft]]:
    """Yield the drafts of 64 mentions at a time."""
    reasons = list(model.taxonomy.reasons)
    for start in range(0, mentions, BATCH):
        numbers = range(start, min(start + BATCH, mentions))
        yield [draft for number in numbers for draft in drafts_of(number, model, reasons)]


def measure(engine: Engine, mentions: int) -> None:
    """Fill the ledger and print the rates."""
    name, model, journals = engine.dialect.name, cost_model(LedgerSettings(), load_taxonomy()), 0
    with transaction(engine) as session:
        record_config(session, model, NOW)
    start, cpu = time.perf_counter(), time.process_time()
    for drafts in batches(mentions, model):
        with transaction(engine) as session:
            journals += len(post(session, drafts, now=NOW))
    took, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(f"{name}: {mentions / took:,.0f} mentions/s, {journals / took:,.0f} journals/s ({journals} journals)")
    print(f"{name}: {cpu / mentions * 1e6:,.0f} microseconds of this process a mention")
    with reading(engine) as session:
        start = time.perf_counter()
        sums = totals(session)
        print(f"{name}: totals in {time.perf_counter() - start:.3f} s: {sums.contacts} contacts")
        start = time.perf_counter()
        verdict = verify(session)
        print(f"{name}: verify {verdict.journals / (time.perf_counter() - start):,.0f} journals/s, ok={verdict.ok}")


def prepared(engine: Engine) -> Engine:
    """Create the tables of the ledger with their triggers."""
    ledger = (models.LedgerJournal, models.LedgerLine, models.LedgerPeriod, models.LedgerConfig)
    tables = (*ledger, models_records.LedgerRecord, models_sums.LedgerSum, models_sums.LedgerCaseSum)
    with engine.begin() as connection:
        SQLModel.metadata.create_all(
            connection, tables=[SQLModel.metadata.tables[str(table.__tablename__)] for table in tables]
        )
        ledger_triggers.install(connection)
        ledger_triggers.protect_record(connection)
    return engine


def main() -> None:
    """Measure SQLite, and PostgreSQL when a URL is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mentions", type=int, default=20_000)
    parser.add_argument("--url", help="postgresql+psycopg://user@host/database")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(prepared(connect(f"sqlite:///{Path(folder) / 'ledger.sqlite'}")), arguments.mentions)
    if arguments.url:
        schema = "ledger_benchmark"
        server = connect(arguments.url)
        with server.begin() as connection:
            connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
            connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
        measure(prepared(connect(f"{arguments.url}?options=-csearch_path%3D{schema}")), arguments.mentions)
        with server.begin() as connection:
            connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")


if __name__ == "__main__":
    main()
