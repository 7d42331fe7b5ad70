"""The cluster engine: any number of processes on any number of machines over one PostgreSQL.

procrastinate is the queue. A wake-up is a row in its table, written in the transaction that makes the work; ``lock``
keeps one runner per (step, key), ``queueing_lock`` makes waiting twins one. It is at least once: a worker that is taken
for dead may wake up and go on, so every effect is made once by unique keys and compare-and-set, never by the queue.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine as Database
from sqlmodel import Session

from bot.engine import Pulse, Tick, Work
from bot.engine.calling import Caller
from bot.engine.ticking import SWEEP_SECONDS, clock_of
from bot.engine.worker import STALLED_S, Crew
from bot.errors import EarmarkError
from storage import jobs
from storage.db import address, after_commit, reading, transaction

GUARD_S = 2.0
"""How often every node looks after the job table. A queued job would wait behind the backlog it should clear."""
CLOCK_EVERY = 5
"""Every so many times the clock is set too: it runs steadily, but stands still while a machine is suspended."""
_RESTART_S_MAX = 5.0
_SECOND = timedelta(seconds=1)

log = structlog.get_logger(__name__)


class Cluster:
    """Runs steps together with every other process that works on the same database."""

    def __init__(
        self,
        work: Work,
        database: Database,
        *,
        workers: int,
        now: Callable[[], datetime],
        set_clock: Callable[[], object] | None = None,
        sweep_seconds: float = SWEEP_SECONDS,
    ) -> None:
        self._work = work
        self._database = database
        self._workers = workers
        self._now = now
        self._set_clock = set_clock
        self._sweep_seconds = sweep_seconds
        self._caller = Caller(work, threads=workers, now=now)
        self._stop = threading.Event()
        self._crew: Crew | None = None
        self._is_lost = False
        self._guards = 0

    @property
    def is_stopping(self) -> bool:
        """True when no further work should be begun."""
        return self._stop.is_set()

    def submit(self, session: Session, step: str, key: str = "", at: datetime | None = None) -> None:
        """Have ``step`` run for ``key``, on any node, after ``session`` commits; not before ``at``."""
        wait_s = self._seconds_until(at)
        jobs.submit(session, (step, key), wait_s)
        if wait_s is not None:
            after_commit(session, lambda: self._look_in(wait_s))

    def wake(self, step: str, key: str = "", at: datetime | None = None) -> None:
        """Have ``step`` run for ``key``, on any node.

        Raises:
            StorageError: the database is unreachable.
        """
        with transaction(self._database) as session:
            self.submit(session, step, key, at)

    def run(self, stop: threading.Event) -> None:
        """Run until ``stop`` is set; then the steps that run are finished, and no other is begun."""
        clock = clock_of(
            self._work, self._tick, sweep=self.sweep, sweep_seconds=self._sweep_seconds, turn=self._caller.ticked
        )
        self._caller.ticked()
        clock.start()
        try:
            self._serve_until(stop)
        finally:
            # Whoever comes back closes the database: no tick may still be at it.
            clock.shutdown()
            self._caller.ended()

    def pulse(self) -> Pulse:
        """Return whether steps are begun, and which failed when this node last tried them.

        A node without its database is alive: it goes on by itself, and starting it anew would mend nothing.
        """
        return self._caller.pulse()

    def drain(self, *, until: Callable[[], bool] = lambda: True) -> None:
        """Run until no job is due, none runs, and ``until`` agrees. No ticks: for one-off commands."""
        self.sweep()
        stop, pause = threading.Event(), threading.Event()
        thread = threading.Thread(target=self._serve_until, args=(stop,), kwargs={"is_listening": False}, daemon=True)
        thread.start()
        try:
            while thread.is_alive() and (self._is_busy() or not until()):
                self._look_in(0)
                pause.wait(0.02)
        finally:
            stop.set()
            thread.join()

    def sweep(self) -> None:
        """Wake every step for which the tables hold work: wake-ups may be lost, the tables are not."""
        try:
            found = dict.fromkeys(self._work.pending())
            with transaction(self._database) as session:
                for step, key in found:
                    self.submit(session, step, key)
        except EarmarkError as error:
            log.warning("sweep_failed", error=str(error))

    def _tick(self, tick: Tick) -> None:
        """Every node ticks; whoever takes the slot first submits the step."""
        try:
            with transaction(self._database) as session:
                if jobs.take_tick(session, tick.step, tick.key, seconds=tick.seconds):
                    self.submit(session, tick.step, tick.key)
        except EarmarkError as error:
            log.debug("tick_failed", step=tick.step, key=tick.key, error=str(error))

    def _is_busy(self) -> bool:
        with reading(self._database) as session:
            return jobs.is_busy(session, self._work.steps)

    def _seconds_until(self, at: datetime | None) -> float | None:
        wait_s = (at - self._now()) / _SECOND if at is not None else 0.0
        return wait_s if wait_s > 0 else None

    def _call(self, step: str, key: str) -> float | None:
        again = self._caller.call((step, key))
        return None if again is None else self._seconds_until(again) or 0.0

    # -- the loop of a node --------------------------------------------------------------------------------------

    def _look_in(self, wait_s: float) -> None:
        crew = self._crew
        if crew is not None:
            crew.look_in(wait_s)

    def _serve_until(self, stop: threading.Event, *, is_listening: bool = True) -> None:
        self._stop = stop
        asyncio.run(self._serve(is_listening=is_listening))

    async def _serve(self, *, is_listening: bool) -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(self._workers + 2, "earmark"))
        # A job that could not be reported is found again by the guard of some node.
        loop.set_exception_handler(lambda _loop, context: log.debug("job_unreported", reason=context["message"]))
        stopped = _told(loop, self._stop)
        guard = asyncio.create_task(self._keep_guard(stopped))
        failures = 0
        while not stopped.is_set():
            if not self._is_lost and await asyncio.to_thread(self._guard):
                failures = failures + 1 if await self._work_until(stopped, is_listening=is_listening) else 0
            await _pause(stopped, min(0.1 * 2**failures, _RESTART_S_MAX))
        await guard

    async def _work_until(self, stopped: asyncio.Event, *, is_listening: bool) -> bool:
        """Run jobs until the stop; True when that failed, such as for a database that went away."""
        self._crew = crew = Crew(
            address(self._database),
            list(self._work.steps),
            threads=self._workers,
            call=self._call,
            is_listening=is_listening,
        )
        try:
            await crew.serve(stopped.wait())
        except Exception as error:  # noqa: BLE001  # the boundary of the engine: it registers anew, whatever it was
            log.warning("worker_restarts", reason=str(error.__cause__ or error).strip().partition("\n")[0])
            return True
        finally:
            self._crew = None
        return False

    async def _keep_guard(self, stopped: asyncio.Event) -> None:
        while not stopped.is_set():
            await asyncio.to_thread(self._guard)
            await _pause(stopped, GUARD_S)

    def _guard(self) -> bool:
        """Set the clock, look for due jobs, take over those of the dead; False while the database is away."""
        try:
            if self._set_clock is not None and self._guards % CLOCK_EVERY == 0:
                self._set_clock()
            self._guards += 1
            with reading(self._database) as session:
                found = jobs.look(session, self._work.steps, stalled_s=STALLED_S)
            if found.needs_rescue:
                self._rescue()
        except EarmarkError as error:
            if not self._is_lost:
                log.error("database_lost", error=str(error))  # noqa: TRY400  # it says what is wrong in its sentence
            self._is_lost = True
            return False
        if self._is_lost:
            log.info("database_back")
        self._is_lost = False
        if found.next_in_s is not None:
            self._look_in(found.next_in_s)
        return True

    def _rescue(self) -> None:
        with transaction(self._database) as session:
            taken = jobs.rescue(session, stalled_s=STALLED_S)
        if taken:
            log.warning("jobs_taken_over", count=taken)


def _told(loop: asyncio.AbstractEventLoop, stop: threading.Event) -> asyncio.Event:
    """Return an event of the loop that is set when ``stop`` is."""
    told = asyncio.Event()

    def wait() -> None:
        stop.wait()
        loop.call_soon_threadsafe(told.set)

    threading.Thread(target=wait, name="stop", daemon=True).start()
    return told


async def _pause(stopped: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stopped.wait(), seconds)
    except TimeoutError:
        return
