"""An installation moves from SQLite to PostgreSQL and goes on there as if nothing had happened."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import col

from bot import periods
from bot.app import App
from bot.domain import Actor
from bot.engine import Pulse
from bot.errors import InputError, StorageError
from bot.operating import moving
from bot.operating.beating import Heart
from storage import db, models
from storage import moving as tables_moving
from storage.tables import MODULES, tables
from tests.installation import Installation, assert_books_agree, line, prepared, work
from tests.looking import rows

ANN = Actor("slack:UANN", "Ann")


def populated(folder: Path, url: str) -> tuple[Installation, App]:
    """An installation with something in most of its tables."""
    installation = Installation(folder, url)
    running = installation.open()
    installation.publish(
        [
            line(1, "complaint/where_is_it: late \N{SNOWMAN}\t\\N", author="cat", author_name="Cat\nEx"),
            line(2, "praise: thanks"),
            line(3, "request/how_to?unsure: how do I"),
            line(4, "nothing at all"),
            {"id": 5, "text": 7},
        ]
    )
    work(running)
    first, second, *_ = [case.id for case in rows(running, models.Case)]
    running.desk.claim(first, ANN, action_id="a")
    running.desk.promise(first, ANN, installation.clock() + timedelta(hours=2), action_id="b")
    running.desk.claim(second, ANN, action_id="c")
    installation.clock.forward(minutes=2)
    running.desk.resolve(second, ANN, action_id="d")
    periods.soften(running.parts, "2026-10")
    return installation, running


def test_every_module_of_tables_is_known_where_all_tables_are() -> None:
    files = sorted(path.stem for path in (Path(__file__).parents[2] / "storage").glob("models*.py"))

    assert [module.__name__.rpartition(".")[2] for module in MODULES] == files


def everything(running: App) -> dict[str, list[Any]]:
    """Every row of every table, but for what marks the move itself."""
    with db.reading(running.parts.database) as session:
        return {
            table.name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key.columns))]
            for table in tables()
            if table.name != "relocation"
        }


def test_everything_is_there_the_ledger_verifies_and_work_goes_on(
    tmp_path: Path, sqlite_url: str, postgresql_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    installation, running = populated(tmp_path, sqlite_url)
    before = everything(running)
    running.parts.database.dispose()

    moving.run(running.parts.settings, to_url=postgresql_url, to_env="", now=installation.clock)

    assert "the ledger verifies there with the same head" in capsys.readouterr().out
    there = replace(installation, url=postgresql_url)
    moved = there.open()
    assert everything(moved) == before
    assert len([table for table in before.values() if table]) > 12
    there.publish([line(6, "complaint/billing_error: twice"), line(7, "praise: thanks again", author="cat")])
    work(moved)
    last = rows(moved, models.Case)[-1]
    moved.desk.claim(last.id, ANN, action_id="e")
    assert len(rows(moved, models.Mention)) == 6
    assert_books_agree(moved)
    with pytest.raises(DBAPIError, match="append-only"), moved.parts.database.begin() as connection:
        connection.execute(text("UPDATE ledger_journal SET memo = 'x'"))
    moved.parts.database.dispose()


def test_the_old_database_is_closed(tmp_path: Path, sqlite_url: str, postgresql_url: str) -> None:
    installation, running = populated(tmp_path, sqlite_url)
    moving.run(running.parts.settings, to_url=postgresql_url, to_env="", now=installation.clock)

    with pytest.raises(StorageError, match=r"this database was moved to postgresql\S+ on 2026-11-18 09:02 UTC; set"):
        installation.open()
    with pytest.raises(StorageError, match="this database was moved to"):
        moving.run(running.parts.settings, to_url=postgresql_url, to_env="", now=installation.clock)
    running.parts.database.dispose()


def test_a_bot_at_work_must_be_stopped_first(tmp_path: Path, sqlite_url: str, postgresql_url: str) -> None:
    installation, running = populated(tmp_path, sqlite_url)
    Heart(running.parts, "all", Pulse).beat()

    with pytest.raises(StorageError, match=r"Earmark is at work on the old database: \S+ \(all\); stop it first"):
        moving.run(running.parts.settings, to_url=postgresql_url, to_env="", now=installation.clock)
    running.parts.database.dispose()


def test_a_database_with_rows_is_not_moved_into(tmp_path: Path, sqlite_url: str, postgresql_url: str) -> None:
    installation, running = populated(tmp_path, sqlite_url)
    other = replace(installation, url=postgresql_url).open()

    with pytest.raises(StorageError, match=r"is not empty: its table channel has rows; name an empty one"):
        moving.run(running.parts.settings, to_url=postgresql_url, to_env="", now=installation.clock)
    other.parts.database.dispose()
    running.parts.database.dispose()


def _killed(_table: str, done: int, total: int) -> None:
    if done > total // 2:
        raise KeyboardInterrupt


def test_a_move_that_is_broken_off_leaves_nothing_and_begins_again_from_zero(
    tmp_path: Path, sqlite_url: str, postgresql_url: str
) -> None:
    installation, running = populated(tmp_path, sqlite_url)
    old, new = running.parts.database, prepared(postgresql_url)

    with pytest.raises(KeyboardInterrupt):
        tables_moving.move(old, new, check=moving._check, now=installation.clock(), progress=_killed)

    with db.reading(new) as session:
        assert session.scalar(select(func.count()).select_from(models.Mention)) == 0
    new.dispose()
    moving.run(running.parts.settings, to_url=postgresql_url, to_env="", now=installation.clock)
    with pytest.raises(StorageError, match="was moved"):
        installation.open()
    old.dispose()


def test_a_ledger_that_was_tampered_with_is_not_moved(tmp_path: Path, sqlite_url: str, postgresql_url: str) -> None:
    installation, running = populated(tmp_path, sqlite_url)
    with running.parts.database.begin() as connection:
        connection.execute(text("DROP TRIGGER ledger_journal_no_update"))
        connection.execute(text("UPDATE ledger_journal SET memo = 'x' WHERE seq = 2"))

    with pytest.raises(StorageError, match=r"the ledger does not verify \(journal 2 .*\); nothing was moved"):
        moving.run(running.parts.settings, to_url=postgresql_url, to_env="", now=installation.clock)
    assert installation.open() is not None
    running.parts.database.dispose()


def impatient(url: str) -> str:
    """The same database, for somebody who does not wait long for a lock."""
    return f"{url}%20-clock_timeout%3D3s"


def test_a_move_waits_for_nobody_who_is_at_work_elsewhere_in_the_same_postgresql(
    tmp_path: Path, sqlite_url: str, postgresql_url: str, module_postgresql_url: str
) -> None:
    installation, running = populated(tmp_path, sqlite_url)
    neighbour = prepared(module_postgresql_url)

    with neighbour.begin() as connection:
        connection.exec_driver_sql(f"LOCK TABLE {tables_moving._names(connection)} IN ACCESS EXCLUSIVE MODE")
        moving.run(running.parts.settings, to_url=impatient(postgresql_url), to_env="", now=installation.clock)

    moved = replace(installation, url=postgresql_url).open()
    assert len(rows(moved, models.Mention)) == 4
    for database in (neighbour, moved.parts.database, running.parts.database):
        database.dispose()


def test_until_a_move_is_done_nobody_else_can_write_to_the_new_database(
    tmp_path: Path, sqlite_url: str, postgresql_url: str
) -> None:
    installation, running = populated(tmp_path, sqlite_url)
    old, new, other = running.parts.database, prepared(postgresql_url), db.connect(impatient(postgresql_url))
    refusals: list[str] = []

    def write() -> None:
        with db.transaction(other) as session:
            session.add(models.ChannelState(name="theirs"))
            session.flush()

    def try_to_write(_old: Any, _new: Any) -> None:
        with pytest.raises(StorageError, match="is locked by somebody else") as raised:
            write()
        refusals.append(raised.value.code)

    tables_moving.move(old, new, check=try_to_write, now=installation.clock(), progress=lambda *_: None)

    with db.reading(new) as session:
        assert list(session.scalars(select(col(models.ChannelState.name)))) == ["feed"]
    assert refusals == ["locked"]
    for database in (old, new, other):
        database.dispose()


def test_a_new_database_to_which_somebody_writes_is_not_moved_into(
    tmp_path: Path, sqlite_url: str, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation, running = populated(tmp_path, sqlite_url)
    new = prepared(postgresql_url)
    monkeypatch.setattr(tables_moving, "HOLD_WAIT_S", 1)

    with new.begin() as connection:
        connection.exec_driver_sql("LOCK TABLE outbox_message IN ROW EXCLUSIVE MODE")
        with pytest.raises(StorageError, match="somebody writes to the new database; stop that first, then move again"):
            moving.run(running.parts.settings, to_url=postgresql_url, to_env="", now=installation.clock)

    assert installation.open() is not None
    new.dispose()
    running.parts.database.dispose()


@pytest.mark.parametrize(
    ("to_url", "to_env", "says"),
    [
        ("", "", "say where to move to"),
        ("postgresql://a@b/c", "NAME", "say where to move to"),
        ("postgresql://a:secret@b/c", "", "a password here could be read by everybody"),
        ("sqlite:///other.sqlite", "", "--to: sqlite is not PostgreSQL"),
        ("nonsense", "", "--to: this is no database URL"),
    ],
)
def test_where_to_must_be_said_and_be_postgresql(
    tmp_path: Path, sqlite_url: str, to_url: str, to_env: str, says: str
) -> None:
    running = Installation(tmp_path, sqlite_url).open()

    with pytest.raises(InputError, match=says) as raised:
        moving.run(running.parts.settings, to_url=to_url, to_env=to_env)

    assert "secret" not in str(raised.value)
    running.parts.database.dispose()
