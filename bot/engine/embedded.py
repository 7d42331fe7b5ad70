"""The embedded engine: one process, no servers. A commit wakes the step it concerns; APScheduler owns time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session

from bot.engine import Job, Pulse, Work
from bot.engine.calling import Caller
from bot.engine.ticking import SWEEP_SECONDS, clock_of
from bot.errors import EarmarkError
from storage.db import after_commit

_WAIT_S_MAX = 60.0  # a sleeper looks at the clock at least this often: clocks are set back and forth
_SECOND = timedelta(seconds=1)

log = structlog.get_logger(__name__)


class Embedded:
    """Runs steps on a few threads. Each (step, key) runs once at a time; what is submitted meanwhile runs after."""

    def __init__(
        self,
        work: Work,
        *,
        workers: int,
        now: Callable[[], datetime],
        sweep_seconds: float = SWEEP_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work = work
        self._workers = workers
        self._now = now
        self._sweep_seconds = sweep_seconds
        self._caller = Caller(work, threads=workers, now=now, monotonic=monotonic)
        self._changed = threading.Condition()
        self._due: dict[Job, datetime] = {}
        self._running: set[Job] = set()
        self._threads: list[threading.Thread] = []
        self._stopping = False

    def submit(self, session: Session, step: str, key: str = "", at: datetime | None = None) -> None:
        """Have ``step`` run for ``key`` after ``session`` commits, not before ``at``."""
        after_commit(session, lambda: self.wake(step, key, at))

    def wake(self, step: str, key: str = "", at: datetime | None = None) -> None:
        """Have ``step`` run for ``key``, at once or not before ``at``; steps of other processes are ignored.

        One that has just failed keeps its wait, whoever wakes it: a tick or a sweep knows nothing of why.
        """
        if step not in self._work.steps:
            return
        due = at or self._now()
        with self._changed:
            held_until = self._caller.held_until((step, key))
            due = max(due, held_until) if held_until else due
            waiting = self._due.get((step, key))
            if waiting is None or due < waiting:
                self._due[step, key] = due
                self._changed.notify_all()

    @property
    def is_stopping(self) -> bool:
        """True when a step should end at the next good place."""
        return self._stopping

    def run(self, stop: threading.Event) -> None:
        """Run until ``stop`` is set; then the steps that run are finished, and no other is begun."""
        self._caller.ticked()
        clock = clock_of(
            self._work,
            lambda tick: self.wake(tick.step, tick.key),
            sweep=self.sweep,
            sweep_seconds=self._sweep_seconds,
            turn=self._caller.ticked,
        )
        self._start()
        self.sweep()
        clock.start()
        try:
            stop.wait()
        finally:
            # Whoever comes back closes the database: no tick may still be at it.
            clock.shutdown()
            self._caller.ended()
            self._finish()

    def pulse(self) -> Pulse:
        """Return whether steps are begun, and which failed when they were last tried."""
        pulse = self._caller.pulse()
        if pulse.stopped or all(thread.is_alive() for thread in self._threads):
            return pulse
        return replace(pulse, stopped="a thread of the engine has died")

    def drain(self, *, until: Callable[[], bool] = lambda: True) -> None:
        """Run until nothing is due, no step runs, and ``until`` agrees. No ticks: for one-off commands."""
        self._start()
        self.sweep()
        try:
            with self._changed:
                while self._is_busy() or not until():
                    self._changed.wait(timeout=0.05)
        finally:
            self._finish()

    def sweep(self) -> None:
        """Wake every step for which the tables hold work."""
        try:
            jobs = list(self._work.pending())
        except EarmarkError as error:
            log.warning("sweep_failed", error=str(error))
            return
        for step, key in jobs:
            self.wake(step, key)

    def _start(self) -> None:
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._serve, name=f"earmark-{number}", daemon=True)
            for number in range(1, self._workers + 1)
        ]
        for thread in self._threads:
            thread.start()

    def _finish(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _is_busy(self) -> bool:
        return bool(self._running) or any(due <= self._now() for due in self._due.values())

    def _serve(self) -> None:
        while (job := self._next()) is not None:
            again = self._caller.call(job)
            held_until = self._caller.held_until(job)
            with self._changed:
                self._running.discard(job)
                if held_until is not None and job in self._due:
                    self._due[job] = max(self._due[job], held_until)  # it was woken while it failed
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
