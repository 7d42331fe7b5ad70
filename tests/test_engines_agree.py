"""The same script ends in the same state on both engines, with and without wake-ups, with one node and with two."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import SQLModel

from bot import app, config
from bot.app import App, Role
from bot.domain import Actor
from storage.models import OutboxMessage
from storage.models_summary import Summary
from tests.installation import START, Clock, Installation, assert_books_agree, line, work
from tests.looking import rows
from tests.servers.slack import BOT_TOKEN
from tests.steps import LIMIT_S, served

pytestmark = pytest.mark.slow

ANN = Actor("slack:UANN", "Ann")
TEXTS = (
    "complaint/where_is_it: where is my parcel",
    "complaint+request/billing_error: charged twice, please mend it",
    "praise/praise: thank you all",
    "request/how_to: how do i return this",
    "just talking to a friend",
)
# What depends on the order in which batches were written, not on what they say.
ORDERED = {
    "ledger_journal": {"seq", "prev_hash", "hash"},
    "ledger_line": {"id", "journal_seq"},
    "outbox_message": {"id"},
    "case_event": {"id"},
    "tagging": {"id"},
}
# Paths of this very test; the processes at work; a digest a batch, whichever rows came together in it. That each of
# those is of the rows that are there, `assert_books_agree` has verified.
LEFT_OUT = {"channel", "ledger_config", "process", "step_trouble", "ledger_record"}


def end_of_a_day(folder: Path, url: str, *, engine: str, meanwhile: Callable[[App], None] | None = None) -> Any:
    """Receive, tag and work a day; return what the tables then say, in no order."""
    folder.mkdir()
    installation = Installation(folder, url, clock=Clock(), engine=engine)
    running = installation.open()
    for part in range(3):
        numbers = range(part * 60, part * 60 + 60)
        installation.publish(
            line(number, TEXTS[number % 5], author=f"a{number % 40}", minutes=number) for number in numbers
        )
        if meanwhile is not None:
            meanwhile(running)
        work(running)
    installation.clock.forward(hours=5)
    cases = sorted(row.id for row in rows_of(running, "case"))
    for number, case_id in enumerate(cases[:12]):
        action: Callable[..., object] = (running.desk.resolve, running.desk.not_for_us, running.desk.claim)[number % 3]
        action(case_id, ANN, action_id=f"press-{number}")
    installation.clock.forward(days=4)
    running.engine.wake("clock")
    running.engine.drain()
    assert_books_agree(running)
    end = {
        table.name: facts(running, table.name)
        for table in SQLModel.metadata.sorted_tables
        if table.name not in LEFT_OUT
    }
    running.parts.database.dispose()
    return end


def rows_of(running: App, name: str) -> list[Any]:
    with running.parts.database.connect() as connection:
        return list(connection.execute(SQLModel.metadata.tables[name].select()))


def facts(running: App, name: str) -> list[str]:
    """The rows of a table as text, sorted, without what only says in which order they were written."""
    ordered = ORDERED.get(name, set())
    found = [
        {key: value for key, value in row._asdict().items() if key not in ordered} for row in rows_of(running, name)
    ]
    return sorted(repr(sorted(one.items())) for one in found)


def lose_wake_ups(running: App) -> None:
    """Empty the job table, in the middle of work too."""
    work(running)
    running.engine.wake("poll", "feed")
    with running.parts.database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM procrastinate_jobs")


def test_both_engines_end_in_the_same_state(tmp_path: Path, postgresql_url: str) -> None:
    embedded = end_of_a_day(tmp_path / "one", f"sqlite:///{tmp_path / 'one' / 'e.sqlite'}", engine="embedded")
    cluster = end_of_a_day(tmp_path / "two", postgresql_url, engine="cluster")

    assert len(embedded["mention"]) == 180
    assert len(embedded["summary"]) >= 1
    for name, found in embedded.items():
        assert found == cluster[name], name


def test_emptying_the_job_table_changes_nothing_in_the_end_state(tmp_path: Path, postgresql_url: str) -> None:
    told = end_of_a_day(tmp_path / "told", f"sqlite:///{tmp_path / 'told' / 'e.sqlite'}", engine="embedded")
    forgetful = end_of_a_day(tmp_path / "forgetful", postgresql_url, engine="cluster", meanwhile=lose_wake_ups)

    for name, found in told.items():
        assert found == forgetful[name], name


# -- the nightly job, by several nodes ---------------------------------------------------------------------------


@pytest.fixture
def night(tmp_path: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """An installation that posts its summary, on the evening of a day on which something was tagged."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", BOT_TOKEN)
    settings = {
        "earmark": {"database_url": postgresql_url, "timezone": "Europe/London", "engine": "cluster"},
        "slack": {},
        "summary": {"slack_channel": "C0EXEC"},
    }
    made = Installation(tmp_path, postgresql_url, clock=Clock(), settings=settings)
    first = made.open()
    made.publish([line(1, TEXTS[0], author="ann"), line(2, TEXTS[2], author="bob", minutes=5)])
    first.engine.wake("poll", "feed")
    first.engine.drain(until=lambda: len(rows_of(first, "tagging")) == 2)
    first.parts.database.dispose()
    return made


def test_three_nodes_that_tick_together_sum_a_night_up_once(night: Installation) -> None:
    night.clock.at = START + timedelta(hours=15, minutes=11)
    settings = config.parse(night.configuration(), source="test")
    nodes = [app.build(settings, role=Role.WORK, tagger=night.tagger, now=night.clock) for _ in range(3)]
    pause = threading.Event()

    with ExitStack() as stack:
        for node in nodes:
            stack.enter_context(served(node.engine))
        for _ in range(5):
            for node in nodes:
                node.engine.wake("clock")
        for _ in range(int(LIMIT_S / 0.05)):
            if rows(nodes[0], Summary):
                break
            pause.wait(0.05)

    assert [row.on_date for row in rows(nodes[0], Summary)] == [START.date()]
    assert len([row for row in rows(nodes[0], OutboxMessage) if row.kind == "summary"]) == 1
    for node in nodes:
        node.parts.database.dispose()
