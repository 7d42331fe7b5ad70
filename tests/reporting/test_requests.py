"""The report of requests, read from a database filled as in vector 14."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from bot import config
from bot.reporting import passed
from bot.reporting.ask import Ask
from bot.reports.data import as_data
from storage import db, models
from storage.db import reading, transaction
from storage.models_requests import ProductRequest, RequestAsk
from tests.installation import Installation, give_tables
from tests.reports.books import differences, vector

VECTOR = vector("14")


def at(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(10), tzinfo=UTC)


def stored(number: int, entry: dict[str, Any]) -> dict[str, Any]:
    """A row of the vector; when one shipped or was declined, which it does not say, is a day before its end."""
    ended = entry["state"] in {"shipped", "declined"}
    return {
        "id": number, "team": entry["team"], "title": entry["id"], "title_key": entry["id"], "state": entry["state"],
        "why": "", "version": 1, "created_at": at(entry["first_asked"]),
        "passed_at": at(entry["passed"]) if entry["passed"] else None,
        "acknowledged_at": at(entry["acknowledged"]) if entry["acknowledged"] else None,
        "planned_at": at(entry["acknowledged"]) if entry["state"] == "planned" else None,
        "ended_at": at("2026-09-29") if ended else None,
    }  # fmt: skip


def fill(session: Any, entries: list[dict[str, Any]]) -> None:
    """Requests, and for each customer who asks a case of an author of his own."""
    case_id = 0
    session.execute(insert(ProductRequest), [stored(number, one) for number, one in enumerate(entries, start=1)])
    for number, entry in enumerate(entries, start=1):
        moment = at(entry["first_asked"])
        for place_ in range(entry["customers"]):
            case_id += 1
            who = {"id": case_id, "platform": "x", "external_id": str(case_id), "seen_at": moment}
            said = {
                "id": case_id, "channel": "feed", "platform": "x", "external_id": str(case_id), "author_id": case_id,
                "text": "sample", "posted_at": moment, "received_at": moment, "state": "tagged", "case_id": case_id,
            }  # fmt: skip
            case = {
                "id": case_id, "author_id": case_id, "channel": "feed", "platform": "x", "queue": "care",
                "priority": "normal", "rule": "all", "why": "sample", "tag": "request", "reason": "feature_request",
                "opened_at": moment, "last_mention_at": moment,
            }  # fmt: skip
            told = at("2026-09-29") if place_ < entry["customers_told"] else None
            ask = {"request_id": number, "case_id": case_id, "asked_at": moment, "joined_at": moment, "told_at": told}
            for table, row in ((models.Author, who), (models.Mention, said), (models.Case, case), (RequestAsk, ask)):
                session.execute(insert(table), [row])


def test_the_report_from_the_database_is_what_vector_14_says(tmp_path: Path) -> None:
    entries = VECTOR["input"]["requests"]
    give_tables(tmp_path / "a.sqlite")
    engine = db.connect(f"sqlite:///{tmp_path / 'a.sqlite'}")
    with transaction(engine) as session:
        fill(session, entries)
    settings = config.parse(Installation(tmp_path, "sqlite:///a.sqlite").configuration(), source="test")

    with reading(engine) as session:
        # The whole of September, as it stood when it was over.
        found = passed.requests(Ask(session, settings, "2026-09", datetime(2026, 10, 9, tzinfo=UTC)))
    engine.dispose()

    names = {str(number): entry["id"] for number, entry in enumerate(entries, start=1)}
    data = json.loads(json.dumps(as_data(found)))["teams"]
    for row in data.values():
        row["waiting_over_limit"] = [names[number] for number in row["waiting_over_limit"]]
    assert differences(data, VECTOR["expect"]) == []
