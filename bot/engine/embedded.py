"""The embedded engine: one process, no servers. A commit wakes the step it concerns; APScheduler owns time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from sqlmodel import Session

from bot.engine import Job, Work
from bot.errors import EarmarkError
from storage.db import after_commit

BACKOFF_S_MAX = 300.0
SWEEP_SECONDS = 30.0
"""How often the tables are searched for work whose wake-up was lost, such as rows written by another process."""
_WAIT_S_MAX = 60.0  # a sleeper looks at the clock at least this often: clocks are set back and forth
_SECOND = timedelta(seconds=1)

log = structlog.get_logger(__name__)


class Embedded:
    """Runs steps on a few threads. Each (step, key) runs once at a time; what is submitted meanwhile runs after."""

    def __init__(
        self, work: Work, *, workers: int, now: Callable[[], datetime], sweep_seconds: float = SWEEP_SECONDS
    ) -> None:
        self._work = work
        self._workers = workers
        self._now = now
        self._sweep_seconds = sweep_seconds
        self._changed = threading.Condition()
        self._due: dict[Job, datetime] = {}
        self._running: set[Job] = set()
        self._failures: dict[Job, int] = {}
        self._stopping = False

    def submit(self, session: Session, step: str, key: str = "", at: datetime | None = None) -> None:
        """Have ``step`` run for ``key`` after ``session`` commits, not before ``at``."""
        after_commit(session, lambda: self.wake(step, key, at))

    def wake(self, step: str, key: str = "", at: datetime | None = None) -> None:
        """Have ``step`` run for ``key``, at once or not before ``at``; steps of other processes are ignored."""
        if step not in self._work.steps:
            return
        due = at or self._now()
        with self._changed:
            waiting = self._due.get((step, key))
            if waiting is None or due < waiting:
                self._due[step, key] = due
                self._changed.notify_all()

    def run(self, stop: threading.Event) -> None:
        """Run until ``stop`` is set; then the steps that run are finished, and no other is begun."""
        clock = self._clock()
        threads = self._start()
        self.sweep()
        clock.start()
        try:
            stop.wait()
        finally:
            clock.shutdown(wait=False)
            self._finish(threads)

    def drain(self, *, until: Callable[[], bool] = lambda: True) -> None:
        """Run until nothing is due, no step runs, and ``until`` agrees. No ticks: for one-off commands."""
        threads = self._start()
        self.sweep()
        try:
            with self._changed:
                while self._is_busy() or not until():
                    self._changed.wait(timeout=0.05)
        finally:
            self._finish(threads)

    def sweep(self) -> None:
        """Wake every step for which the tables hold work."""
        try:
            jobs = list(self._work.pending())
        except EarmarkError as error:
            log.warning("sweep_failed", error=str(error))
            return
        for step, key in jobs:
            self.wake(step, key)

    def _clock(self) -> BackgroundScheduler:
        # A late tick is run late, not skipped (the default grace is one second), and several missed ones are one.
        clock = BackgroundScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        for tick in self._work.ticks:
            clock.add_job(self.wake, "interval", args=(tick.step, tick.key), seconds=tick.seconds)
        clock.add_job(self.sweep, "interval", seconds=self._sweep_seconds)
        return clock

    def _start(self) -> list[threading.Thread]:
        self._stopping = False
        threads = [
            threading.Thread(target=self._serve, name=f"earmark-{number}", daemon=True)
            for number in range(1, self._workers + 1)
        ]
        for thread in threads:
            thread.start()
        return threads

    def _finish(self, threads: list[threading.Thread]) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in threads:
            thread.join()

    def _is_busy(self) -> bool:
        return bool(self._running) or any(due <= self._now() for due in self._due.values())

    def _serve(self) -> None:
        while (job := self._next()) is not None:
            again = self._do(job)
            with self._changed:
                self._running.discard(job)
                self._changed.notify_all()
            if again is not None:
                self.wake(*job, again)

    def _next(self) -> Job | None:
        """Return the job due longest, now marked as running; wait for one; None when the engine stops."""
        with self._changed:
            while not self._stopping:
                free = [(due, job) for job, due in self._due.items() if job not in self._running]
                first = min(free, default=None)
                if first is not None and first[0] <= self._now():
                    del self._due[first[1]]
                    self._running.add(first[1])
                    return first[1]
                wait_s = (first[0] - self._now()) / _SECOND if first else _WAIT_S_MAX
                self._changed.wait(timeout=min(max(wait_s, 0.001), _WAIT_S_MAX))
        return None

    def _do(self, job: Job) -> datetime | None:
        """Run a step; return when it wants to run again. A failure is logged, and tried again later and later."""
        step, key = job
        try:
            again = self._work.steps[step](key)
        except Exception as error:  # noqa: BLE001 the boundary of the scheduler: one job's failure delays itself only
            return self._retry_at(job, error)
        self._failures.pop(job, None)
        return again

    def _retry_at(self, job: Job, error: Exception) -> datetime:
        failures = self._failures[job] = self._failures.get(job, 0) + 1
        delay_s = min(2.0 ** min(failures, 16) / 2, BACKOFF_S_MAX)
        # Errors of ours say what is wrong in their sentence; only a surprise needs its traceback.
        log.error(
            "step_failed",
            step=job[0],
            key=job[1],
            failures=failures,
            retry_in_s=delay_s,
            error=str(error) if isinstance(error, EarmarkError) else type(error).__name__,
            exc_info=None if isinstance(error, EarmarkError) else error,
        )
        return self._now() + timedelta(seconds=delay_s)
