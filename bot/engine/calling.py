"""Calling steps, and knowing how they do: what both engines share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.engine import Failing, Job, Pulse, Work
from bot.errors import EarmarkError

BACKOFF_S_MAX = 60.0
"""The longest wait after a failure, which is also how late work begins again once its cause is mended."""
_BACKOFF_MAX = timedelta(seconds=BACKOFF_S_MAX)
SILENT_S_MAX, STUCK_S_MAX = 60.0, 1800.0
"""A clock that is silent, or steps that take so long on all threads, mean that nothing is begun any more."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Failure:
    """What a job came to when it was last tried; before ``retry_at`` nothing wakes it."""

    count: int
    why: str
    retry_at: datetime


class Caller:
    """Calls steps. One that fails is logged, and is tried again later and later, whoever wakes it meanwhile."""

    def __init__(
        self,
        work: Work,
        *,
        threads: int,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work = work
        self._threads = threads
        self._now = now
        self._monotonic = monotonic
        self._changed = threading.Lock()
        self._running: dict[Job, float] = {}
        self._failures: dict[Job, _Failure] = {}
        self._ticked_at: float | None = None

    def call(self, job: Job) -> datetime | None:
        """Run a step; return when it wants to run again. A step that failed just now is not run before its time."""
        held_until = self.held_until(job)
        if held_until is not None and held_until > self._now():
            return held_until
        with self._changed:
            self._running[job] = self._monotonic()
        try:
            again = self._work.steps[job[0]](job[1])
        except Exception as error:  # noqa: BLE001  # the boundary of the scheduler: one job's failure delays itself only
            return self._failed(job, error)
        finally:
            with self._changed:
                self._running.pop(job, None)
        with self._changed:
            self._failures.pop(job, None)
        return again

    def held_until(self, job: Job) -> datetime | None:
        """Return when a job that failed is tried again; None when it did not fail, or the clock was set back since."""
        with self._changed:
            failure = self._failures.get(job)
        is_held = failure is not None and failure.retry_at - self._now() <= _BACKOFF_MAX
        return failure.retry_at if failure is not None and is_held else None

    def ticked(self) -> None:
        """Note that the engine's clock ticks."""
        self._ticked_at = self._monotonic()

    def ended(self) -> None:
        """Note that the engine does not run any more."""
        self._ticked_at = None

    def pulse(self) -> Pulse:
        """Return whether steps are begun, and which failed when they were last tried."""
        with self._changed:
            failing = tuple(Failing(*job, failure.count, failure.why) for job, failure in self._failures.items())
            return Pulse(self._why_stopped(), failing)

    def _why_stopped(self) -> str:
        now = self._monotonic()
        if self._ticked_at is None:
            return "the engine is not running"
        if now - self._ticked_at > SILENT_S_MAX:
            return f"the engine's clock has not ticked for {now - self._ticked_at:.0f} s"
        if len(self._running) >= self._threads and now - max(self._running.values()) > STUCK_S_MAX:
            names = ", ".join(sorted(" ".join(filter(None, job)) for job in self._running))
            return f"all threads have been in the same steps for {STUCK_S_MAX / 60:.0f} minutes: {names}"
        return ""

    def _failed(self, job: Job, error: Exception) -> datetime:
        # Errors of ours say what is wrong in their sentence; only a surprise needs its traceback.
        is_ours = isinstance(error, EarmarkError)
        why = str(error) if is_ours else type(error).__name__
        with self._changed:
            before = self._failures.get(job)
            count = before.count + 1 if before else 1
            delay_s = min(2.0 ** min(count, 16) / 2, BACKOFF_S_MAX)
            retry_at = self._now() + timedelta(seconds=delay_s)
            self._failures[job] = _Failure(count, why, retry_at)
        told = {"step": job[0], "key": job[1], "failures": count, "retry_in_s": delay_s}
        log.error("step_failed", **told, error=why, exc_info=None if is_ours else error)
        return retry_at
