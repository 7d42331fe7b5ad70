"""A PostgreSQL is put back from what pg_dump wrote, as docs/operating.md says, and the installation goes on from it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot import pipeline
from bot.app import App, Role
from bot.cli import cli
from bot.domain import Actor
from storage import models, outbox
from storage.db import reading
from storage.models_operations import Promise
from tests.installation import START, Installation, assert_books_agree, line, work
from tests.looking import rows
from tests.servers.postgres import OwnPostgres, own_postgres
from tests.servers.slack import BOT_TOKEN, Slack
from tests.servers.slack import running as served
from tests.servers.slack_blocks import visible_text
from tests.steps import LIMIT_S, wait_until

pytestmark = pytest.mark.slow

ANN = Actor("slack:UANN", "Ann")


@pytest.fixture
def server() -> Iterator[OwnPostgres]:
    with own_postgres() as made:
        made.tool("createdb", "earmark")
        yield made


@pytest.fixture
def installation(tmp_path: Path, server: OwnPostgres) -> Installation:
    return Installation(tmp_path, server.url_of("earmark"))


@pytest.fixture
def slack(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slack]:
    monkeypatch.setenv("SLACK_BOT_TOKEN", BOT_TOKEN)
    made = Slack(clock=lambda: installation.clock().timestamp(), seconds_between_messages=0.0, has_tiers=False)
    made.add_channel("C0CARE", "care")
    with served(made) as address:
        quick = {"api_url": address, "seconds_between_messages": 0.0, "quiesce_seconds": 0.0}
        installation.settings = {"slack": quick}
        yield made


def shown(slack: Slack) -> list[str]:
    """Which parcels the cards of the channel are about, in order."""
    told = [visible_text(message) for message in slack.messages("C0CARE")]
    return [next(word for word in ("one", "two", "three", "four") if f"parcel {word}" in card) for card in told]


def leave_a_job_behind(running: App) -> None:
    """A process polls at this very moment; in the copy it never gives a sign of life again."""
    running.engine.wake("poll", "feed")
    with running.parts.database.begin() as connection:
        worker = connection.scalar(text("SELECT worker_id FROM procrastinate_register_worker_v1()"))
        connection.execute(text("UPDATE procrastinate_jobs SET status = 'doing', worker_id = :id"), {"id": worker})


def earmark(installation: Installation, *words: str) -> Result:
    """A command of an operator, on the configuration of the restored database."""
    file = installation.folder / "config.toml"
    file.write_text(
        f'[earmark]\ndatabase_url = "{installation.url}"\n[[channels]]\nname = "feed"\nconnector = "replay"\n'
        f'path = "{installation.feed}"\n[[queues]]\nname = "care"\n[[routes]]\nqueue = "care"\n'
    )
    return CliRunner().invoke(cli, [*words, "--config", str(file)])


@contextmanager
def at_work(running: App) -> Iterator[None]:
    """``earmark run``, all but the board and Slack's socket."""
    stop = threading.Event()
    thread = threading.Thread(target=replace(running, role=Role.WORK).run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(LIMIT_S)
    assert not thread.is_alive()


def test_a_dump_is_put_back_verifies_and_goes_on_and_no_card_is_posted_twice(
    installation: Installation, server: OwnPostgres, slack: Slack
) -> None:
    running = installation.open()
    installation.publish([line(1, "complaint/where_is_it: parcel one", author="a")])
    work(running)
    first = rows(running, models.Case)[0].id
    running.desk.promise(first, ANN, START + timedelta(minutes=90), action_id="promise")
    running.engine.drain()
    installation.publish([line(2, "complaint/where_is_it: parcel two", author="b")])
    pipeline.receive(running.parts, "feed")
    pipeline.tag(running.parts, "")
    leave_a_job_behind(running)
    dump = installation.folder / "earmark.dump"
    server.tool("pg_dump", "--format=custom", f"--file={dump}", "earmark")
    installation.clock.forward(hours=1)
    installation.publish([line(3, "complaint/where_is_it: parcel three", author="c", minutes=30)])
    work(running)
    running.desk.claim(rows(running, models.Case)[-1].id, ANN, action_id="lost")
    running.engine.drain()
    before = shown(slack)
    running.parts.database.dispose()

    installation.clock.forward(hours=1)
    server.tool("createdb", "again")
    server.tool("pg_restore", "--exit-on-error", "--dbname=again", str(dump))
    restored = replace(installation, url=server.url_of("again"))
    noted, verified = earmark(restored, "db", "restored"), earmark(restored, "ledger", "verify")
    restored.publish([line(4, "complaint/where_is_it: parcel four", author="d", minutes=110)])
    again = restored.open()
    with at_work(again):
        wait_until(lambda: len(shown(slack)) == 4 and not waits(again) and promises(again) == ["broken"])

    assert before == ["one", "two", "three"]
    assert (noted.exit_code, verified.exit_code) == (0, 0), noted.output + verified.output
    assert "Noted: this database is a copy of 2026-11-18 09:00:00 UTC." in noted.output
    looking = restored.open()
    assert shown(slack) == ["one", "two", "three", "four"]
    assert slack.violations == []
    assert [mention.state for mention in rows(looking, models.Mention)] == ["tagged"] * 4
    assert_books_agree(looking)
    # The claim was made after the dump, so it is lost, and the card says so.
    assert "Ann" not in visible_text(slack.messages("C0CARE")[2])
    with pytest.raises(DBAPIError, match="append-only"), looking.parts.database.begin() as connection:
        connection.execute(text("UPDATE ledger_journal SET memo = 'x'"))
    looking.parts.database.dispose()


def waits(running: App) -> bool:
    with reading(running.parts.database) as session:
        return bool(outbox.channels_with_work(session))


def promises(running: App) -> list[str]:
    return [row.state for row in rows(running, Promise)]
