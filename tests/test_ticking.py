"""The clock of an engine while its ticks are held up, and while the time is set: it still turns, and tells little."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from apscheduler.schedulers.background import BackgroundScheduler

from bot.engine import Tick, Work
from bot.engine import ticking as module
from tests.steps import LIMIT_S

THREADS = 10
"""On so many threads a clock ticks (APScheduler's default)."""


class Ticked:
    """What a clock calls: it counts, and holds the ticks up, as a database does that is away."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.may_go_on = threading.Event()
        self._changed = threading.Condition()

    def tick(self, _tick: Tick) -> None:
        self.count("tick")
        assert self.may_go_on.wait(LIMIT_S)

    def count(self, name: str) -> None:
        with self._changed:
            self.counts[name] += 1
            self._changed.notify_all()

    def wait_for(self, name: str, count: int) -> None:
        """Come back when something was called so often."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.counts[name] >= count, LIMIT_S), self.counts


@pytest.fixture
def ticked() -> Ticked:
    return Ticked()


@pytest.fixture
def started(ticked: Ticked, monkeypatch: pytest.MonkeyPatch) -> Iterator[BackgroundScheduler]:
    """A clock of many ticks, running."""
    monkeypatch.setattr(module, "TURN_SECONDS", 0.05)
    ticks = tuple(Tick("poll", key, 0.05) for key in map(str, range(30)))
    clock = module.clock_of(
        Work({}, ticks, list),
        ticked.tick,
        sweep=lambda: ticked.count("sweep"),
        sweep_seconds=0.05,
        turn=lambda: ticked.count("turn"),
    )
    clock.start()
    yield clock
    ticked.may_go_on.set()
    clock.shutdown()


@pytest.mark.usefixtures("started")
def test_ticks_that_are_held_up_on_all_threads_do_not_stop_the_sign_that_the_clock_turns(ticked: Ticked) -> None:
    ticked.wait_for("tick", THREADS)
    turned = ticked.counts["turn"]

    ticked.wait_for("turn", turned + 5)

    assert ticked.counts["tick"] == THREADS


@pytest.mark.usefixtures("started")
def test_a_tick_that_comes_while_the_one_before_is_held_up_is_left_out_without_a_word(
    ticked: Ticked, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="apscheduler"):
        ticked.wait_for("tick", THREADS)
        ticked.wait_for("turn", ticked.counts["turn"] + 5)
        ticked.may_go_on.set()
        ticked.wait_for("tick", 5 * THREADS)

    assert caplog.messages == []


@pytest.mark.parametrize(
    "by",
    [
        timedelta(hours=-2),  # somebody puts it right
        timedelta(days=-3650),
        timedelta(hours=2),  # the machine slept
        timedelta(days=20_000),  # it began in 1970, and a time server answers
    ],
)
@pytest.mark.usefixtures("started")
def test_a_clock_goes_on_ticking_when_the_time_is_set_while_it_runs(ticked: Ticked, by: timedelta) -> None:
    ticked.may_go_on.set()
    ticked.wait_for("tick", 2)

    with time_machine.travel(datetime.now(UTC) + by, tick=True):
        before = dict(ticked.counts)
        ticked.wait_for("tick", before["tick"] + 60)
        ticked.wait_for("turn", before.get("turn", 0) + 2)
