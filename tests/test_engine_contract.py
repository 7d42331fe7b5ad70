"""What both engines promise, in one suite: embedded over SQLite, cluster over PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pytest
from sqlalchemy import Engine as Database

from bot.engine import Engine, Job, Step, Tick, Work
from bot.engine.cluster import Cluster
from bot.engine.embedded import Embedded
from storage.db import transaction
from tests.installation import prepared
from tests.steps import Called, real_now, served

Make = Callable[..., Engine]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty database of the kind that an engine works on, with its job table."""
    engine = prepared(request.getfixturevalue(f"{request.param}_url"))
    yield engine
    engine.dispose()


@pytest.fixture
def make(database: Database) -> Make:
    """Make one engine; called again on PostgreSQL it makes another node."""

    def made(
        step: Step,
        *,
        ticks: Sequence[Tick] = (),
        pending: Callable[[], Sequence[Job]] = list,
        sweep_seconds: float = 3600.0,
    ) -> Engine:
        work = Work({"step": step}, tuple(ticks), pending)
        if database.dialect.name == "sqlite":
            return Embedded(work, workers=4, now=real_now, sweep_seconds=sweep_seconds)
        return Cluster(work, database, workers=4, now=real_now, sweep_seconds=sweep_seconds)

    return made


def test_a_step_is_submitted_only_when_its_transaction_is_committed(database: Database, make: Make) -> None:
    step = Called()
    engine = make(step)

    with served(engine):
        with transaction(database) as session:
            engine.submit(session, "step", "committed")
            engine.wake("step", "other")
            step.wait_for(1)
            assert step.keys == ["other"]
        step.wait_for(2)

    assert step.keys == ["other", "committed"]


def test_a_step_whose_transaction_is_rolled_back_is_never_submitted(database: Database, make: Make) -> None:
    step = Called()
    engine = make(step)

    def half_done() -> None:
        with transaction(database) as session:
            engine.submit(session, "step", "rolled back")
            raise ValueError("no luck")

    with pytest.raises(ValueError, match="no luck"):
        half_done()
    engine.drain()

    assert step.keys == []


def test_what_is_submitted_many_times_before_it_runs_runs_once(database: Database, make: Make) -> None:
    step = Called()
    engine = make(step)

    for _ in range(3):
        with transaction(database) as session:
            for key in ("b", "a", "b"):
                engine.submit(session, "step", key)
    engine.drain()

    assert sorted(step.keys) == ["a", "b"]


def test_what_is_submitted_while_it_runs_runs_once_more_and_never_twice_at_a_time(make: Make) -> None:
    step = Called(held=True)
    engine = make(step)

    with served(engine):
        engine.wake("step", "a")
        step.wait_for(1)
        for _ in range(5):
            engine.wake("step", "a")
        engine.wake("step", "b")
        step.wait_for(2)
        step.may_go_on.set()
        step.wait_for(3)

    assert step.keys == ["a", "b", "a"]
    assert step.most_at_once == {"a": 1, "b": 1}


def test_a_step_runs_not_before_its_time_and_then_by_itself(make: Make) -> None:
    step = Called()
    engine = make(step)
    at = real_now() + timedelta(seconds=0.4)

    with served(engine):
        engine.wake("step", "later", at)
        engine.wake("step", "much later", real_now() + timedelta(hours=1))
        step.wait_for(1)
        came = real_now()

    assert step.keys == ["later"]
    assert came >= at


def test_the_earlier_of_two_times_counts(make: Make) -> None:
    step = Called()
    engine = make(step)

    with served(engine):
        engine.wake("step", "a", real_now() + timedelta(hours=1))
        engine.wake("step", "a", real_now() + timedelta(seconds=0.2))
        engine.wake("step", "a", real_now() + timedelta(hours=2))
        step.wait_for(1)
    engine.drain()

    assert step.keys == ["a"]


def test_a_step_that_wants_to_be_called_again_is_called_again_at_that_time(make: Make) -> None:
    step = Called(again=real_now() + timedelta(seconds=0.4))
    engine = make(step)

    with served(engine):
        engine.wake("step", "a")
        step.wait_for(2)
        came = real_now()

    assert step.keys == ["a", "a"]
    assert step.again is not None
    assert came >= step.again


def test_a_step_that_fails_is_tried_again_later(make: Make) -> None:
    step = Called(fails=1)
    engine = make(step)

    with served(engine):
        engine.wake("step", "a")
        step.wait_for(2)

    assert step.keys == ["a", "a"]
    assert step.most_at_once == {"a": 1}


def test_ticks_call_their_step_at_once_and_then_again_and_again(make: Make) -> None:
    step = Called()

    with served(make(step, ticks=[Tick("step", "often", 0.1), Tick("step", "daily", 86_400.0)])):
        step.wait_for(4)

    assert step.keys.count("daily") == 1


def test_the_sweep_finds_work_whose_wake_up_was_lost(make: Make) -> None:
    step, lost = Called(), [("step", "lost")]

    with served(make(step, pending=lambda: [lost.pop()] if lost else [], sweep_seconds=0.05)):
        step.wait_for(1)
        lost.append(("step", "lost again"))
        step.wait_for(2)

    assert step.keys == ["lost", "lost again"]


def test_a_stop_waits_for_the_step_that_runs(make: Make) -> None:
    step = Called(held=True)
    engine = make(step)

    with served(engine) as stop:
        engine.wake("step", "running")
        step.wait_for(1)
        stop.set()
        assert not engine.is_stopping or step.most_at_once == {"running": 1}
        step.may_go_on.set()

    assert step.keys == ["running"]
    assert engine.is_stopping


def test_an_engine_can_be_run_again_after_a_stop_and_does_what_was_left(make: Make) -> None:
    step = Called()
    engine = make(step)
    with served(engine):
        pass

    engine.wake("step", "left")
    engine.drain()

    assert step.keys == ["left"]


# -- several nodes, one database ---------------------------------------------------------------------------------


@pytest.fixture
def nodes(postgresql_url: str) -> Iterator[Callable[..., Cluster]]:
    """Makes nodes, each with connections of its own, as in processes of their own."""
    opened: list[Database] = []

    def made(step: Step, *, ticks: Sequence[Tick] = ()) -> Cluster:
        opened.append(prepared(postgresql_url))
        return Cluster(Work({"step": step}, tuple(ticks), list), opened[-1], workers=2, now=real_now)

    yield made
    for database in opened:
        database.dispose()


def test_two_nodes_share_the_keys_and_never_run_one_at_the_same_time(nodes: Callable[..., Cluster]) -> None:
    step = Called(held=True)
    one, other = nodes(step), nodes(step)

    with served(one), served(other):
        for _ in range(3):
            for key in "abcd":
                one.wake("step", key)
                other.wake("step", key)
        step.wait_for(4)
        assert sorted(step.keys) == ["a", "b", "c", "d"]
        step.may_go_on.set()
        step.wait_for(5)
        one.drain()

    assert set(step.most_at_once.values()) == {1}


def test_a_tick_of_several_nodes_is_one_job(nodes: Callable[..., Cluster]) -> None:
    step, often = Called(), [Tick("step", "hourly", 3600.0), Tick("step", "often", 0.2)]
    started = real_now()

    with served(nodes(step, ticks=often)), served(nodes(step, ticks=often)), served(nodes(step, ticks=often)):
        step.wait_for(6)
    took = (real_now() - started).total_seconds()

    # The hour may turn while the test runs; a slot of 0.2 s never brings two.
    assert step.keys.count("hourly") in {1, 2}
    assert step.keys.count("often") <= took / 0.2 + 1


def test_emptying_the_job_table_while_steps_run_harms_nobody(nodes: Callable[..., Cluster]) -> None:
    step = Called(held=True)
    node = nodes(step)

    with served(node):
        node.wake("step", "a")
        step.wait_for(1)
        with node._database.begin() as connection:
            connection.exec_driver_sql("DELETE FROM procrastinate_jobs")
        step.may_go_on.set()
        node.wake("step", "b")
        step.wait_for(2)

    assert step.keys == ["a", "b"]
