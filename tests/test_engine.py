"""What the embedded engine does besides what both promise, which is tests/test_engine_contract.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from structlog.testing import capture_logs

from bot import pipeline
from bot.engine import Job, Step, Tick, Work
from bot.engine.calling import BACKOFF_S_MAX, STUCK_S_MAX
from bot.engine.embedded import Embedded
from bot.errors import StorageError
from storage import models
from tests.installation import Installation, assert_books_agree, line, work
from tests.looking import rows
from tests.steps import LIMIT_S, Called, real_now, served


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
    assert logs[-1]["retry_in_s"] == 60.0


def test_what_failed_waits_whoever_wakes_it_and_says_meanwhile_what_is_wrong() -> None:
    def step(key: str) -> None:
        called.append(key)
        engine.wake("step", key)
        raise StorageError("the disk is full; free some space")

    called: list[str] = []
    clock = Clock()
    engine = engine_of(step, now=clock)

    with capture_logs():
        for _ in range(3):
            engine.wake("step", "a")
            engine.drain()

    assert called == ["a"]
    assert [str(one) for one in engine.pulse().failing] == ["step a failed once: the disk is full; free some space"]


def test_what_failed_is_not_held_up_by_a_clock_that_is_set_back() -> None:
    step, clock = Called(fails=1), Clock()
    engine = engine_of(step, now=clock)
    engine.wake("step", "a")
    with capture_logs():
        engine.drain()
    clock.at -= timedelta(hours=2)

    engine.wake("step", "a")
    engine.drain()

    assert step.keys == ["a", "a"]


def test_a_channel_whose_poll_failed_is_not_held_up_by_a_clock_that_is_set_back(
    tmp_path: Path, sqlite_url: str
) -> None:
    installation = Installation(tmp_path, sqlite_url)
    running = installation.open()
    installation.publish([line(1, "praise: thanks")])
    away = installation.feed.rename(tmp_path / "away")
    with capture_logs() as logs:
        work(running)
    away.rename(installation.feed)
    with capture_logs():
        work(running)
    before = rows(running, models.Mention)
    installation.clock.forward(hours=-2)

    work(running)

    assert [one["event"] for one in logs if one["event"] == "poll_failed"] == ["poll_failed"]
    assert (len(before), len(rows(running, models.Mention))) == (0, 1)
    running.parts.database.dispose()


def test_an_engine_knows_whether_its_steps_are_begun() -> None:
    at = [0.0]
    held = Called(held=True)
    work = Work({"step": held}, (), list)
    engine = Embedded(work, workers=1, now=real_now, sweep_seconds=3600, monotonic=lambda: at[0])

    before = engine.pulse().stopped
    with served(engine):
        engine.wake("step", "a")
        held.wait_for(1)
        pulses = [engine.pulse().stopped]
        at[0] = STUCK_S_MAX + 1
        engine._caller._ticked_at = at[0]
        pulses.append(engine.pulse().stopped)
        engine._caller._ticked_at = at[0] - 61
        pulses.append(engine.pulse().stopped)
        held.may_go_on.set()

    assert before == "the engine is not running"
    assert pulses == [
        "",
        "all threads have been in the same steps for 30 minutes: step a",
        "the engine's clock has not ticked for 61 s",
    ]
    assert engine.pulse().stopped == "the engine is not running"


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
            pass
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
