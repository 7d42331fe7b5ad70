"""A database that is full, read-only or locked: one sentence, a wait, nothing lost, and the work goes on by itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from structlog.testing import capture_logs

from bot import pipeline
from bot.app import App
from bot.domain import Actor
from bot.errors import StorageError
from storage import models
from tests.installation import Installation, assert_books_agree, line, work
from tests.looking import rows

ANN = Actor("slack:UANN", "Ann")
WRITTEN = ("mention", "tagging", "case_event", "outbox_message")


def opened(folder: Path, url: str, count: int = 60) -> tuple[Installation, App]:
    """An installation for which so many people write, at some length."""
    installation = Installation(folder, url)
    installation.publish(line(number, f"complaint/where_is_it: {number} {'late ' * 100}") for number in range(count))
    return installation, installation.open()


@contextmanager
def full(database: Engine) -> Iterator[None]:
    """The database has no room for another row. PostgreSQL is made to say so, SQLite really has none."""
    with _said_by_postgresql(database, "53100") if database.dialect.name == "postgresql" else _no_page_left(database):
        yield


@contextmanager
def _no_page_left(database: Engine) -> Iterator[None]:
    with database.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    with _told_on_connect(database, f"PRAGMA max_page_count={pages}"):
        yield


@contextmanager
def _told_on_connect(database: Engine, pragma: str) -> Iterator[None]:
    def tell(connection: Any, _record: object) -> None:
        connection.execute(pragma).fetchall()

    event.listen(database, "connect", tell)
    database.dispose()
    yield
    event.remove(database, "connect", tell)
    database.dispose()


@contextmanager
def _said_by_postgresql(database: Engine, sqlstate: str) -> Iterator[None]:
    raising = (
        f"BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '{sqlstate}'; END"
    )
    with database.begin() as connection:
        connection.exec_driver_sql(f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $${raising}$$")
        for table in WRITTEN:
            connection.exec_driver_sql(
                f"CREATE TRIGGER refused BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()"
            )
    yield
    with database.begin() as connection:
        connection.exec_driver_sql("DROP FUNCTION refuse() CASCADE")


@contextmanager
def read_only(database: Engine) -> Iterator[None]:
    """The database can be read, and nothing else."""
    if database.dialect.name == "postgresql":
        with _said_by_postgresql(database, "25006"):
            yield
    else:
        with _told_on_connect(database, "PRAGMA query_only=ON"):
            yield


@contextmanager
def locked(database: Engine) -> Iterator[None]:
    """Somebody else writes, and does not come to an end."""
    other = sqlite3.connect(str(database.url.database), isolation_level=None)
    with _told_on_connect(database, "PRAGMA busy_timeout=5"), closing(other):
        other.execute("BEGIN IMMEDIATE")
        yield


def failures(logs: list[Any]) -> list[tuple[str, str]]:
    return [(one["step"], one["error"]) for one in logs if one["event"] == "step_failed"]


# -- receive and tag ---------------------------------------------------------------------------------------------


def test_a_full_disk_stops_receiving_with_one_sentence_and_the_cursor_stays(tmp_path: Path, database_url: str) -> None:
    installation, running = opened(tmp_path, database_url)

    with full(running.parts.database), capture_logs() as logs:
        work(running)
    left_behind = (rows(running, models.Mention), rows(running, models.ChannelState)[0].cursor)
    installation.clock.forward(minutes=2)
    work(running)

    [(step, sentence)] = failures(logs)
    assert step == "poll"
    assert sentence.startswith(f"the disk of the database {running.parts.database.url} is full (")
    assert sentence.endswith("free some space: nothing is lost, and the work goes on by itself")
    assert left_behind == ([], None)
    assert [mention.state for mention in rows(running, models.Mention)] == ["tagged"] * 60
    assert_books_agree(running)
    running.parts.database.dispose()


@pytest.mark.parametrize("trouble", [full, read_only], ids=["full", "read-only"])
def test_a_batch_that_cannot_be_written_is_tagged_whole_once_it_can(
    tmp_path: Path, database_url: str, trouble: Callable[[Engine], Any]
) -> None:
    installation, running = opened(tmp_path, database_url)
    while pipeline.receive(running.parts, "feed").more:
        pass

    with trouble(running.parts.database), capture_logs() as logs:
        running.engine.drain()
    left_behind = rows(running, models.Tagging)
    installation.clock.forward(minutes=2)
    running.engine.drain()

    # In a cluster each share of the authors fails by itself.
    assert {step for step, _ in failures(logs)} == {"tag"}
    assert left_behind == []
    assert len(rows(running, models.Case)) == 60
    assert_books_agree(running)
    running.parts.database.dispose()


def test_while_somebody_else_locks_the_database_work_waits_and_then_goes_on(tmp_path: Path, sqlite_url: str) -> None:
    installation, running = opened(tmp_path, sqlite_url)

    with locked(running.parts.database), capture_logs() as logs:
        work(running)
        installation.clock.forward(seconds=1)
        work(running)
    installation.clock.forward(minutes=2)
    work(running)

    assert [step for step, _ in failures(logs)] == ["poll", "poll"]
    assert "is locked by somebody else (database is locked); it is tried again by itself" in failures(logs)[0][1]
    assert len(rows(running, models.Case)) == 60
    running.parts.database.dispose()


# -- act ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [full, read_only], ids=["full", "read-only"])
def test_an_action_that_cannot_be_stored_says_so_and_the_same_press_works_later_once(
    tmp_path: Path, database_url: str, trouble: Callable[[Engine], Any]
) -> None:
    _, running = opened(tmp_path, database_url)
    work(running)
    waiting = [case.id for case in rows(running, models.Case)]

    def press() -> int:
        """Claim case after case; return the one that could not be claimed."""
        for case_id in waiting:
            try:
                running.desk.claim(case_id, ANN, action_id=f"press:{case_id}")
            except StorageError:
                return case_id
        raise AssertionError("there was room for all of them")

    with trouble(running.parts.database):
        refused = press()
    outcome = running.desk.claim(refused, ANN, action_id=f"press:{refused}")
    again = running.desk.claim(refused, ANN, action_id=f"press:{refused}")

    assert (outcome.changed, again.changed) == (True, False)
    assert [case.owner for case in rows(running, models.Case) if case.id == refused] == ["slack:UANN"]
    assert len([one for one in rows(running, models.CaseEvent) if one.action_id == f"press:{refused}"]) == 1
    running.parts.database.dispose()


# -- the wait ----------------------------------------------------------------------------------------------------


def test_a_step_in_trouble_is_not_woken_before_its_time_by_ticks_and_sweeps(tmp_path: Path, sqlite_url: str) -> None:
    _, running = opened(tmp_path, sqlite_url)

    with read_only(running.parts.database), capture_logs() as logs:
        for _ in range(5):
            work(running)

    assert len(failures(logs)) == 1
    [failing] = running.engine.pulse().failing
    assert str(failing).startswith("poll feed failed once: the database sqlite:///")
    running.parts.database.dispose()
