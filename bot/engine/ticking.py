"""APScheduler owns time: it only ticks, in UTC, and never does the work itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from bot.engine import Tick, Work

SWEEP_SECONDS = 30.0
"""How often the tables are searched for work whose wake-up was lost, such as rows written by another process."""
TURN_SECONDS = 5.0
"""How often the clock shows that it still ticks."""
_STEP_SECONDS_MIN = 1.0
"""By less, a machine's clock is put right all the time."""

log = structlog.get_logger(__name__)

# A tick puts a wake-up where the steps find it, which takes long while the database is away or locked. The next one is
# then left out, as it should be: the one that is held up stands for both. What that delays is told by the engine
# (``database_lost``) and by ``earmark_oldest_waiting_seconds``; a warning a tick would only bury them.
logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)


class _Clock(BackgroundScheduler):
    """APScheduler's, for machines whose time may be set while they run.

    Set back, the original stands still until the old time has come again; set ahead by years, such as by the first
    answer of a time server, it makes a list of all ticks in between. This one ticks at once and goes on from there.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._ahead_s = _ahead_s()

    def _process_jobs(self) -> float:
        """Start what is due; return how long to wait: never longer than until the next look at the time."""
        before, self._ahead_s = self._ahead_s, _ahead_s()
        if abs(self._ahead_s - before) > _STEP_SECONDS_MIN:
            log.warning("clock_was_set", by_s=round(self._ahead_s - before))
            self._tick_at_once()
        wait_s: float | None = super()._process_jobs()
        return TURN_SECONDS if wait_s is None else min(wait_s, TURN_SECONDS)

    def _tick_at_once(self) -> None:
        with self._jobstores_lock:
            for job in self.get_jobs():
                job.modify(next_run_time=datetime.now(UTC))


def _ahead_s() -> float:
    """By how much the time of day is ahead of the seconds that this machine counts: the same until it is set."""
    return time.time() - time.monotonic()


def clock_of(
    work: Work,
    tick: Callable[[Tick], None],
    *,
    sweep: Callable[[], None],
    sweep_seconds: float,
    turn: Callable[[], None],
) -> BackgroundScheduler:
    """Return a clock, not started: it ticks at once and then as often as each tick wants, sweeps, and turns."""
    # A late tick is run late, not skipped (the default grace is one second), and several missed ones are one.
    clock = _Clock(
        timezone=UTC,
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        # Ticks that are held up take all threads of the default pool; the clock still turns.
        executors={"turn": ThreadPoolExecutor(1)},
    )
    at_once = datetime.now(UTC)
    for one in work.ticks:
        clock.add_job(tick, "interval", args=(one,), seconds=one.seconds, next_run_time=at_once)
    clock.add_job(sweep, "interval", seconds=sweep_seconds)
    clock.add_job(turn, "interval", seconds=TURN_SECONDS, executor="turn")
    return clock
