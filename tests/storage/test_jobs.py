"""The job table, locks and the clock of a cluster, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import Engine, text

from bot.errors import StorageError
from storage import db, job_schema, jobs, locks
from storage.database_clock import DatabaseClock
from storage.db import reading, transaction
from tests.installation import prepared


@pytest.fixture
def database(postgresql_url: str) -> Iterator[Engine]:
    engine = prepared(postgresql_url)
    yield engine
    engine.dispose()


def states(database: Engine) -> list[tuple[str, str]]:
    with database.connect() as connection:
        found = connection.execute(text("SELECT lock, status::text FROM procrastinate_jobs ORDER BY lock, status"))
        return [(row.lock, row.status) for row in found]


def begun(database: Engine, *, beat_s_ago: float) -> None:
    """A worker that was heard of some time ago has begun every job."""
    with database.begin() as connection:
        worker = connection.scalar(text("SELECT worker_id FROM procrastinate_register_worker_v1()"))
        connection.execute(
            text(
                "UPDATE procrastinate_workers SET last_heartbeat = now() - make_interval(secs => :ago) WHERE id = :id"
            ),
            {"ago": beat_s_ago, "id": worker},
        )
        connection.execute(text("UPDATE procrastinate_jobs SET status = 'doing', worker_id = :id"), {"id": worker})


def submit(database: Engine, key: str, wait_s: float | None = None) -> None:
    with transaction(database) as session:
        jobs.submit(session, ("step", key), wait_s)


# -- the jobs of the dead ----------------------------------------------------------------------------------------


def test_the_jobs_of_a_dead_worker_wait_again_and_those_of_a_living_one_do_not(database: Engine) -> None:
    submit(database, "dead")
    begun(database, beat_s_ago=7)
    submit(database, "alive")
    with database.begin() as connection:
        connection.execute(text("SELECT procrastinate_register_worker_v1()"))
        newest = connection.scalar(text("SELECT max(id) FROM procrastinate_workers"))
        begin = text("UPDATE procrastinate_jobs SET status = 'doing', worker_id = :id WHERE lock = 'step:alive'")
        connection.execute(begin, {"id": newest})

    with reading(database) as session:
        before = jobs.look(session, ["step"], stalled_s=6)
    with transaction(database) as session:
        taken = jobs.rescue(session, stalled_s=6)
    with reading(database) as session:
        after = jobs.look(session, ["step"], stalled_s=6)

    assert (before.needs_rescue, taken, after.needs_rescue) == (True, 1, False)
    assert states(database) == [("step:alive", "doing"), ("step:dead", "todo")]


def test_a_dead_workers_job_whose_twin_waits_is_left_to_the_twin(database: Engine) -> None:
    submit(database, "a")
    begun(database, beat_s_ago=60)
    submit(database, "a")

    with transaction(database) as session:
        assert jobs.rescue(session, stalled_s=6) == 0

    assert states(database) == [("step:a", "todo")]


def test_of_two_nodes_that_rescue_at_once_one_does(database: Engine) -> None:
    submit(database, "a")
    begun(database, beat_s_ago=60)

    with transaction(database) as one:
        assert jobs.rescue(one, stalled_s=6) == 1
        with transaction(database) as other:
            assert jobs.rescue(other, stalled_s=6) == 0

    assert states(database) == [("step:a", "todo")]


# -- what waits --------------------------------------------------------------------------------------------------


def test_a_waiting_job_cannot_be_begun_before_a_transaction_that_counts_on_it_has_committed(database: Engine) -> None:
    submit(database, "a")
    fetch = text("SELECT id FROM procrastinate_fetch_job_v2(NULL, NULL)")

    with transaction(database) as session:
        jobs.put(session, {("step", "a"): None})
        with database.begin() as worker:
            meanwhile = worker.scalar(fetch)
    with database.begin() as worker:
        afterwards = worker.scalar(fetch)

    assert meanwhile is None
    assert afterwards is not None


def test_a_look_says_when_the_next_job_of_our_steps_is_due(database: Engine) -> None:
    with reading(database) as session:
        assert jobs.look(session, ["step"], stalled_s=6).next_in_s is None

    submit(database, "later", wait_s=3600)
    with reading(database) as session:
        ours, others = (jobs.look(session, [step], stalled_s=6).next_in_s for step in ("step", "other"))

    assert ours is not None
    assert 3500 < ours <= 3600
    assert others is None


# -- the schema --------------------------------------------------------------------------------------------------


def test_an_old_job_table_is_refused_with_the_command_that_mends_it_and_then_mended(postgresql_url: str) -> None:
    engine = db.connect(postgresql_url)
    with engine.connect() as connection:
        for name, statements in job_schema._migrations().items():
            if name < "03.04":
                job_schema._migrate(connection, statements)
                connection.commit()
        job_schema._note(connection, "03.03.00_01_pre_priority_lock_fetch_job")

    with engine.connect() as connection, pytest.raises(StorageError, match="run 'earmark db upgrade'"):
        job_schema.require_newest(connection)
    db.upgrade(engine)

    db.require_newest(engine, with_jobs=True)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT to_regproc('procrastinate_retry_job_v2')")) is not None
    engine.dispose()


# -- locks -------------------------------------------------------------------------------------------------------


def test_a_lock_is_one_holders_and_free_again_afterwards(database: Engine) -> None:
    with locks.only_one(database, "deliver:C0CARE") as mine:
        with locks.only_one(database, "deliver:C0CARE") as other, locks.only_one(database, "deliver:C0VIP") as apart:
            assert (mine is None, other is None, apart is None) == (False, True, False)
        assert mine is not None
        assert mine.is_held()

    with locks.only_one(database, "deliver:C0CARE") as again:
        assert again is not None


def test_who_lost_the_connection_has_lost_the_lock_for_good(database: Engine) -> None:
    with locks.only_one(database, "deliver:C0CARE") as mine:
        assert mine is not None
        assert mine.connection is not None
        process = mine.connection.scalar(text("SELECT pg_backend_pid()"))
        with database.begin() as connection:
            connection.execute(text("SELECT pg_terminate_backend(:process)"), {"process": process})

        assert [mine.is_held(), mine.is_held()] == [False, False]
        with locks.only_one(database, "deliver:C0CARE") as other:
            assert other is not None


def test_the_server_notices_within_seconds_that_a_machine_is_gone(database: Engine) -> None:
    with transaction(database) as session:
        connection = session.connection()
        names = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count")
        idle, interval, count = (int(connection.scalar(text(f"SHOW {name}")) or 0) for name in names)
        loitering = connection.scalar(text("SHOW idle_in_transaction_session_timeout"))

    assert idle + interval * count <= 8
    assert loitering == "10s"


# -- the clock ---------------------------------------------------------------------------------------------------


def test_a_clock_that_is_wrong_or_is_put_forward_changes_nothing(database: Engine) -> None:
    real = datetime.now(UTC)
    with time_machine.travel(real + timedelta(minutes=2)) as wrong:
        now = DatabaseClock(database)
        first = now()
        wrong.shift(timedelta(hours=1))
        later = now()

    assert abs(first - real) < timedelta(seconds=20)
    assert timedelta(0) <= later - first < timedelta(seconds=20)
