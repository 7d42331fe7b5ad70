"""Of one Slack channel the urgent goes first, and what is about one case keeps its order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlmodel import col

from bot.domain import Actor
from bot.engine.embedded import Embedded
from storage import models, outbox
from storage.db import reading, transaction
from storage.outbox import Kind, Order
from tests.installation import Installation, line, prepared, work
from tests.looking import rows
from tests.slack.bench import Bench
from tests.slack.conftest import START

ANN = Actor("slack:UANN", "Ann")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = prepared(database_url)
    yield made
    made.dispose()


def place(engine: Engine, *orders: tuple[str, bool]) -> None:
    with transaction(engine) as session:
        placed = [Order("CCARE", Kind.NOTE, None, key, is_urgent=is_urgent) for key, is_urgent in orders]
        outbox.enqueue(session, placed, now=START)


def turns(engine: Engine) -> list[str]:
    """In which order the messages get their turn, by their keys."""
    found: list[str] = []
    while True:
        with transaction(engine) as session:
            message = outbox.head(session, "CCARE")
            if message is None:
                return found
            table = models.OutboxMessage
            found.append(session.scalar(select(col(table.dedupe_key)).where(col(table.id) == message.id)) or "")
            outbox.mark_sent(session, message, slack_ts="1", now=START)


def test_the_urgent_goes_first_each_in_its_own_order(engine: Engine) -> None:
    place(engine, ("a", False), ("b", False), ("c", True), ("d", False), ("e", True))

    assert turns(engine) == ["c", "e", "a", "b", "d"]


def test_a_message_whose_fate_is_unknown_is_settled_before_the_urgent(engine: Engine) -> None:
    place(engine, ("a", False), ("b", False))
    with transaction(engine) as session:
        under_way = outbox.head(session, "CCARE")
        assert under_way is not None
        outbox.mark_sending(session, under_way, now=START)
    place(engine, ("c", True))

    assert turns(engine) == ["a", "c", "b"]


def test_the_urgent_is_found_by_its_own_index_however_much_waits(engine: Engine) -> None:
    if engine.dialect.name == "postgresql":
        pytest.skip("optional: which index PostgreSQL takes depends on its statistics")
    query = select(col(models.OutboxMessage.id)).where(
        col(models.OutboxMessage.slack_channel) == "CCARE", models.UNSENT_AND_URGENT
    )
    with reading(engine) as session:
        statement = query.order_by(col(models.OutboxMessage.id)).limit(1).compile(dialect=engine.dialect)
        plan: Sequence[Any] = (
            session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", ("CCARE", 1, 0)).all()
        )

    assert "outbox_urgent" in str(plan)


def test_what_is_about_one_case_keeps_its_order_although_the_later_is_urgent(bench: Bench) -> None:
    for case_id in (1, 2):
        bench.add_case(case_id)
    bench.order("card", 1)
    bench.order("card", 2)
    with transaction(bench.engine) as session:
        note = Order("CCARE", Kind.NOTE, 2, "note:2", {"event": "claimed", "actor": "Ann"}, is_urgent=True)
        outbox.enqueue(session, [note], now=START)

    bench.drain()

    cards = bench.cards()
    sent = sorted(bench.rows(), key=lambda row: row.sent_at or START)
    assert cards == ["2", "1"]
    assert [row.dedupe_key for row in sent] == ["card:2", "note:2", "card:1"]


def test_cards_of_urgent_cases_and_what_an_agent_just_did_are_urgent(tmp_path: Path, sqlite_url: str) -> None:
    routes = [{"queue": "care", "priority": "urgent", "phrase": ["ombudsman"]}, {"queue": "care"}]
    installation = Installation(tmp_path, sqlite_url, settings={"routes": routes, "slack": {}})
    installation.publish([line(1, "praise: thanks"), line(2, "complaint/where_is_it: I told the ombudsman")])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLACK_BOT_TOKEN", "xoxb-none")
        running = installation.open()
        assert isinstance(running.engine, Embedded)
        # Nothing is to be sent.
        patch.delitem(running.engine._work.steps, "deliver")
        work(running)

    running.desk.claim(1, ANN, action_id="press")

    found = [(row.dedupe_key, row.is_urgent) for row in rows(running, models.OutboxMessage)]
    assert found == [("card:2:v1", True), ("card:1:v1", False), ("edit:1:v2", True), ("note:1:v2", True)]
    running.parts.database.dispose()
