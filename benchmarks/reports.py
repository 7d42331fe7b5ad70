"""How fast reports are: ``python benchmarks/reports.py [--journals 10000 100000 1000000] [--days 90] [--file PATH]``.

Fills one SQLite file through the real ``post``, with cases, authors and mentions behind the journals, and measures
``statement``, ``grid``, ``top`` and ``recharge`` on its fullest month as it grows; each five times, the slowest counts.
Then the whole ledger is verified, once.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert

from bot import config
from bot.config import LedgerSettings
from bot.domain import Tag
from bot.ledger.journal import Draft
from bot.ledger.model import CostModel, cost_model
from bot.ledger.postings import Contact, cost, hold, tag_journals
from bot.ledger.quadrants import cell
from bot.ledger.taxonomy import load_taxonomy
from bot.reporting.ask import Ask, month_of
from bot.reporting.command import build
from storage import db, models
from storage.ledger import post, record_config
from storage.ledger_verify import verify

BATCH = 2_000
FIRST = date(2026, 7, 1)
NOW = datetime(2026, 12, 31, 12, tzinfo=UTC)
REPORTS = ("statement", "grid", "top", "recharge")
SETTINGS = config.parse(
    {
        "earmark": {"database_url": "sqlite://"},
        "channels": [{"name": "x", "connector": "replay", "path": "none"}],
        "queues": [{"name": "care"}],
        "routes": [{"queue": "care"}],
    },
    source="benchmark",
)


def day_of(number: int, days: int) -> date:
    return FIRST + timedelta(days=number % days)


def contact_of(number: int, model: CostModel, days: int) -> Contact:
    reason = list(model.taxonomy.reasons)[number % len(model.taxonomy.reasons)]
    on = day_of(number, days)
    segment = "ABC"[number % 3]
    found = cell(model, tag=Tag.COMPLAINT, reason=reason, text="", channel="x", segment=segment, on=on)
    return Contact(str(number), "x", "social", Tag.COMPLAINT, reason, found, segment)


def drafts_of(number: int, about: Contact, model: CostModel, on: date) -> Iterator[Draft]:
    event = f"tag:{number}:complaint:v1"
    yield from tag_journals(
        event, about, tag=Tag.COMPLAINT, primary=True, opens=True, on=on, group_ref=about.case_id, model=model
    )
    held = hold(event, about, on=on, model=model)
    yield held
    seconds = 200 + number % 300 if number % 2 else None
    yield cost(f"case:{number}:1", about, on=on, model=model, resolves=held.key, seconds=seconds, hold=held)


def rows_of(number: int, about: Contact, on: date) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    at = datetime(on.year, on.month, on.day, 9, tzinfo=UTC)
    author = {"id": number, "platform": "x", "external_id": str(number), "seen_at": at}
    mention = {
        "id": number, "channel": "x", "platform": "x", "external_id": str(number), "author_id": number,
        "text": "a text of the benchmark", "posted_at": at, "received_at": at, "state": "tagged", "case_id": number,
    }  # fmt: skip
    case = {
        "id": number, "author_id": number, "channel": "x", "platform": "x", "queue": "care", "priority": "normal",
        "rule": "", "why": "", "state": "resolved", "tag": "complaint", "reason": about.reason,
        "quadrant": about.cell.quadrant.value, "opened_at": at, "last_mention_at": at, "closed_at": at,
        "closed_how": "resolved",
    }  # fmt: skip
    return author, mention, case


def fill(engine: Engine, model: CostModel, *, start: int, mentions: int, days: int) -> None:
    for first in range(start, mentions, BATCH):
        numbers = range(first + 1, min(first + BATCH, mentions) + 1)
        contacts = [(number, contact_of(number, model, days), day_of(number, days)) for number in numbers]
        with db.transaction(engine) as session:
            rows = [rows_of(*one) for one in contacts]
            for table, index in ((models.Author, 0), (models.Mention, 1), (models.Case, 2)):
                session.execute(insert(table), [row[index] for row in rows])
            post(session, [draft for n, about, on in contacts for draft in drafts_of(n, about, model, on)], now=NOW)


def measure(engine: Engine, journals: int) -> None:
    for name in REPORTS:
        slowest = processor = 0.0
        for _ in range(5):
            start, used = time.perf_counter(), time.process_time()
            with db.reading(engine) as session:
                ask = Ask(session, SETTINGS, month_of(FIRST), NOW)
                build(ask, name)
                ask.footer()
            slowest = max(slowest, time.perf_counter() - start)
            processor = max(processor, time.process_time() - used)
        # On a machine with other work the first says more of that work than of the report.
        print(
            f"{journals:>9,} journals: {name} {slowest * 1000:,.0f} ms, {processor * 1000:,.0f} ms of processor time",
            flush=True,
        )


def measure_verify(engine: Engine, journals: int) -> None:
    start, used = time.perf_counter(), time.process_time()
    with db.reading(engine) as session:
        verdict = verify(session)
    assert verdict.ok
    seconds, processor = time.perf_counter() - start, time.process_time() - used
    print(
        f"{journals:>9,} journals: verified in {seconds:,.1f} s, {processor:,.1f} s of processor time, "
        f"{processor / journals * 1e6:,.0f} us a journal",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--journals", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--days", type=int, default=90, help="over how many days the journals are spread")
    parser.add_argument("--file", type=Path, help="keep the database here; else it is a temporary file")
    arguments = parser.parse_args()
    model = cost_model(LedgerSettings(), load_taxonomy())
    with nullcontext(str(arguments.file.parent)) if arguments.file else tempfile.TemporaryDirectory() as folder:
        engine = db.connect(f"sqlite:///{arguments.file or Path(folder) / 'reports.sqlite'}")
        db.upgrade(engine)
        with db.transaction(engine) as session:
            record_config(session, model, NOW)
        done = 0
        for journals in sorted(arguments.journals):
            start = time.perf_counter()
            fill(engine, model, start=done, mentions=journals // 3, days=arguments.days)
            rate = (journals // 3 - done) * 3 / (time.perf_counter() - start)
            print(f"{journals:>9,} journals: filled at {rate:,.0f} a second", flush=True)
            done = journals // 3
            measure(engine, journals)
            measure_verify(engine, journals)
        engine.dispose()


if __name__ == "__main__":
    main()
