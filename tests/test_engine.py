"""The embedded engine: who calls which step when. Every wait is for an event, and is bounded."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine as Database
from structlog.testing import capture_logs

from bot import pipeline
from bot.engine import Job, Step, Tick, Work
from bot.engine.embedded import BACKOFF_S_MAX, Embedded
from bot.errors import StorageError
from storage import db, models
from storage.db import transaction
from tests.installation import Installation, assert_books_agree, line, work
from tests.looking import rows

LIMIT_S = 20.0
"""How long a test waits for what should come at once, on a machine that is busy."""


def real_now() -> datetime:
    return datetime.now(UTC)


class Called:
    """A step that counts its calls, and can be held up or made to fail."""

    def __init__(self, *, fails: int = 0, held: bool = False, again: datetime | None = None) -> None:
        self.keys: list[str] = []
        self.fails = fails
        self.again = again
        self.most_at_once: Counter[str] = Counter()
        self._at_once: Counter[str] = Counter()
        self._changed = threading.Condition()
        self.may_go_on = threading.Event()
        if not held:
            self.may_go_on.set()

    def __call__(self, key: str) -> datetime | None:
        with self._changed:
            self.keys.append(key)
            self._at_once[key] += 1
            self.most_at_once[key] = max(self.most_at_once[key], self._at_once[key])
            self._changed.notify_all()
        assert self.may_go_on.wait(LIMIT_S)
        with self._changed:
            self._at_once[key] -= 1
        if len(self.keys) <= self.fails:
            raise ValueError("no luck")
        return self.again if len(self.keys) == 1 else None

    def wait_for(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.keys) >= count, LIMIT_S), self.keys


def engine_of(
    step: Step,
    *,
    ticks: Sequence[Tick] = (),
    pending: Callable[[], Sequence[Job]] = list,
    workers: int = 4,
    now: Callable[[], datetime] = real_now,
    sweep_seconds: float = 3600.0,
) -> Embedded:
    return Embedded(Work({"step": step}, tuple(ticks), pending), workers=workers, now=now, sweep_seconds=sweep_seconds)


@contextmanager
def served(engine: Embedded) -> Iterator[threading.Event]:
    """The engine at work in a thread; stopped at the end, and seen to be stopped."""
    stop = threading.Event()
    thread = threading.Thread(target=engine.run, args=(stop,))
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(LIMIT_S)
        assert not thread.is_alive()


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    engine = db.connect(sqlite_url)
    yield engine
    engine.dispose()


# -- what is submitted -------------------------------------------------------------------------------------------


def test_what_is_woken_many_times_before_it_runs_runs_once() -> None:
    step = Called()
    engine = engine_of(step)

    for _ in range(50):
        engine.wake("step", "a")
        engine.wake("step", "b")
    engine.drain()

    assert sorted(step.keys) == ["a", "b"]


def test_what_is_woken_while_it_runs_runs_once_more_and_never_twice_at_a_time() -> None:
    step = Called(held=True)
    engine = engine_of(step)

    with served(engine):
        engine.wake("step", "a")
        step.wait_for(1)
        for _ in range(20):
            engine.wake("step", "a")
        step.may_go_on.set()
        step.wait_for(2)

    assert step.keys == ["a", "a"]
    assert step.most_at_once == {"a": 1}


def test_another_key_does_not_wait_for_one_that_takes_long() -> None:
    step = Called(held=True)
    engine = engine_of(step, workers=2)

    with served(engine):
        engine.wake("step", "slow")
        step.wait_for(1)
        engine.wake("step", "quick")
        step.wait_for(2)
        step.may_go_on.set()

    assert step.keys == ["slow", "quick"]


def test_a_step_is_submitted_only_when_its_transaction_is_committed(database: Database) -> None:
    step = Called()
    engine = engine_of(step)

    with transaction(database) as session:
        engine.submit(session, "step", "committed")
        engine.drain()
        assert step.keys == []
    engine.drain()

    assert step.keys == ["committed"]


def test_a_step_whose_transaction_is_rolled_back_is_never_submitted(database: Database) -> None:
    step = Called()
    engine = engine_of(step)

    def half_done() -> None:
        with transaction(database) as session:
            engine.submit(session, "step", "rolled back")
            raise ValueError("no luck")

    with pytest.raises(ValueError, match="no luck"):
        half_done()
    engine.drain()

    assert step.keys == []


def test_a_step_of_another_process_is_not_ours_to_run() -> None:
    step = Called()
    engine = engine_of(step)

    engine.wake("deliver", "C0CARE")
    engine.drain()

    assert step.keys == []


# -- time --------------------------------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


def test_a_step_runs_not_before_its_time() -> None:
    step, clock = Called(), Clock()
    engine = engine_of(step, now=clock)
    engine.wake("step", "later", clock.at + timedelta(seconds=60))

    engine.drain()
    assert step.keys == []
    clock.at += timedelta(seconds=60)
    engine.drain()

    assert step.keys == ["later"]


def test_the_earlier_of_two_times_counts() -> None:
    step, clock = Called(), Clock()
    engine = engine_of(step, now=clock)

    engine.wake("step", "a", clock.at + timedelta(seconds=60))
    engine.wake("step", "a")
    engine.wake("step", "a", clock.at + timedelta(seconds=30))
    engine.drain()
    clock.at += timedelta(hours=1)
    engine.drain()

    assert step.keys == ["a"]


def test_a_step_that_wants_to_be_called_again_is_called_again_at_that_time() -> None:
    clock = Clock()
    step = Called(again=clock.at + timedelta(minutes=5))
    engine = engine_of(step, now=clock)
    engine.wake("step", "a")

    engine.drain()
    assert step.keys == ["a"]
    clock.at += timedelta(minutes=5)
    engine.drain()

    assert step.keys == ["a", "a"]


def test_a_running_engine_wakes_by_itself_when_the_time_has_come() -> None:
    step = Called()
    engine = engine_of(step)

    with served(engine):
        engine.wake("step", "soon", real_now() + timedelta(seconds=0.2))
        step.wait_for(1)

    assert step.keys == ["soon"]


def test_ticks_call_their_step_again_and_again() -> None:
    step = Called()

    with served(engine_of(step, ticks=[Tick("step", "often", 0.05)])):
        step.wait_for(3)

    assert set(step.keys) == {"often"}


def test_the_sweep_finds_work_whose_wake_up_was_lost() -> None:
    step, lost = Called(), [("step", "lost")]

    with served(engine_of(step, pending=lambda: [lost.pop()] if lost else [], sweep_seconds=0.05)):
        step.wait_for(1)
        lost.append(("step", "lost again"))
        step.wait_for(2)

    assert step.keys == ["lost", "lost again"]


def test_a_sweep_that_fails_is_told_and_the_engine_goes_on() -> None:
    def broken() -> list[Job]:
        raise StorageError("the database is away; start it")

    step = Called()
    engine = engine_of(step, pending=broken)
    engine.wake("step", "a")

    with capture_logs() as logs:
        engine.drain()

    assert step.keys == ["a"]
    assert logs == [{"event": "sweep_failed", "error": "the database is away; start it", "log_level": "warning"}]


# -- failures ----------------------------------------------------------------------------------------------------


def test_a_step_that_fails_is_tried_again_later_and_later_and_each_failure_is_counted() -> None:
    step, clock = Called(fails=99), Clock()
    engine = engine_of(step, now=clock)
    engine.wake("step", "a")

    with capture_logs() as logs:
        for seconds in (0, 1, 2, 4, 8):
            clock.at += timedelta(seconds=seconds)
            engine.drain()
            engine.drain()

    assert len(step.keys) == 5
    assert [(one["event"], one["failures"], one["retry_in_s"]) for one in logs] == [
        ("step_failed", 1, 1.0),
        ("step_failed", 2, 2.0),
        ("step_failed", 3, 4.0),
        ("step_failed", 4, 8.0),
        ("step_failed", 5, 16.0),
    ]
    assert {one["error"] for one in logs} == {"ValueError"}


def test_the_delay_has_a_limit_however_often_a_step_fails() -> None:
    step, clock = Called(fails=99), Clock()
    engine = engine_of(step, now=clock)
    engine.wake("step", "a")

    with capture_logs() as logs:
        for _ in range(40):
            engine.drain()
            clock.at += timedelta(seconds=BACKOFF_S_MAX)

    assert logs[-1]["failures"] == 40
    assert logs[-1]["retry_in_s"] == 300.0


def test_after_a_success_a_failure_counts_from_one_again() -> None:
    step, clock = Called(fails=2), Clock()
    engine = engine_of(step, now=clock)

    with capture_logs() as logs:
        for _ in range(3):
            engine.wake("step", "a")
            engine.drain()
            clock.at += timedelta(minutes=1)
        step.fails = 99
        engine.wake("step", "a")
        engine.drain()

    assert [one["failures"] for one in logs] == [1, 2, 1]


def test_one_failing_key_delays_itself_only() -> None:
    done: list[str] = []

    def step(key: str) -> None:
        if key == "broken":
            raise ValueError("no luck")
        done.append(key)

    engine = engine_of(step, workers=1)
    for key in ("a", "broken", "b"):
        engine.wake("step", key)
    with capture_logs() as logs:
        engine.drain()

    assert done == ["a", "b"]
    assert len(logs) == 1


# -- stopping ----------------------------------------------------------------------------------------------------


def test_a_stop_waits_for_the_step_that_runs_and_begins_no_other() -> None:
    step = Called(held=True)
    engine = engine_of(step, workers=1)

    with served(engine) as stop:
        engine.wake("step", "running")
        step.wait_for(1)
        engine.wake("step", "waiting")
        stop.set()
        with engine._changed:
            assert engine._changed.wait_for(lambda: engine._stopping, LIMIT_S)
        step.may_go_on.set()

    assert step.keys == ["running"]


def test_an_engine_can_be_run_again_after_a_stop_and_does_what_was_left() -> None:
    step = Called()
    engine = engine_of(step)
    with served(engine):
        pass

    engine.wake("step", "left")
    engine.drain()

    assert step.keys == ["left"]


# -- tables hold the truth ---------------------------------------------------------------------------------------


def test_emptying_the_wake_ups_changes_nothing_in_the_end_state(tmp_path: Path) -> None:
    ends = [_end_state(tmp_path / name, forgetful=name == "forgetful") for name in ("told", "forgetful")]

    assert ends[0] == ends[1]
    assert ends[0][0] == 150


def _end_state(folder: Path, *, forgetful: bool) -> tuple[int, list[str], list[str]]:
    """Receive and tag a morning; a forgetful engine loses every wake-up and is started again instead."""
    folder.mkdir()
    installation = Installation(folder, f"sqlite:///{folder / 'e.sqlite'}")
    installation.publish(line(number, "complaint/where_is_it: where is it") for number in range(150))
    running = installation.open()
    if forgetful:
        while pipeline.receive(running.parts, "feed").more:
            running.engine._due.clear()
        running.engine._due.clear()
        running.parts.database.dispose()
        running = installation.open()
        running.engine.drain()
    else:
        work(running)
    assert_books_agree(running)
    tagged = sum(mention.state == "tagged" for mention in rows(running, models.Mention))
    end = (
        tagged,
        [journal.hash for journal in rows(running, models.LedgerJournal)],
        [event.action_id for event in rows(running, models.CaseEvent)],
    )
    running.parts.database.dispose()
    return end
