"""procrastinate as the cluster engine uses it: workers fetch jobs, call steps, and report what became of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.jobs import Job, Notification, Status
from procrastinate.manager import JobManager
from procrastinate.worker import Worker
from psycopg import AsyncConnection

from storage.jobs import FINISH

HEARTBEAT_S, STALLED_S = 2.0, 6.0
"""How often a worker says that it lives, and after what silence its jobs go to others."""
TIMER_S_MAX = 5.0
"""Longer waits need no timer: the engine's guard looks for due jobs every few seconds."""
_TIMER_LATE_S = 0.02  # a timer that is early by a hair would find nothing due
_LISTENING_S = 0.25  # after this the workers hear of new jobs; until then they may have missed some
_SELDOM_S, _NEVER_S = 30.0, 1e6  # what the guard does oftener; nobody aborts jobs

Call = Callable[[str, str], float | None]
"""Runs a step for a key; returns after how many seconds it wants to run again, None for not at all."""

# What is wrong with the database is said once, by the engine.
for _name in ("procrastinate", "psycopg.pool"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class _Manager(JobManager):
    """Ends only what still is its own, and has it run again in the same statement.

    A worker that froze, and whose job runs elsewhere by now, must not take the row from under whoever has it.
    """

    def __init__(self, connector: PsycopgConnector) -> None:
        super().__init__(connector)
        self.waits: dict[int | None, float | None] = {}
        """After how many seconds a job that ran wants to run again, by its id."""

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:  # noqa: ARG002  # theirs
        """End a job that ran. Steps never fail here: one that failed just wants to run again."""
        wait_s = self.waits.pop(job.id, None)
        await self.connector.execute_query_async(query=FINISH, job_id=job.id, worker_id=job.worker_id, wait_s=wait_s)


class _Worker(Worker):
    """A worker that misses no wake-up. procrastinate's forgets one that comes while it is looking for jobs."""

    told = 0

    def look(self) -> None:
        """Look for jobs; to be called in the worker's own loop."""
        self.told += 1
        self._new_job_event.set()

    async def _handle_notification(self, *, channel: str, notification: Notification) -> None:
        self.told += 1
        await super()._handle_notification(channel=channel, notification=notification)

    async def _fetch_and_process_jobs(self) -> None:
        told = self.told
        await super()._fetch_and_process_jobs()
        if self.told != told:
            self._new_job_event.set()


class Crew:
    """The workers of one process: one tags, the other does all else, so that tagging never holds up a delivery."""

    def __init__(
        self, address: str, steps: Sequence[str], *, threads: int, call: Call, is_listening: bool = True
    ) -> None:
        connector = PsycopgConnector(conninfo=address, min_size=1, max_size=4, timeout=10.0, configure=_each_by_itself)
        self._app = App(connector=connector)
        self._manager = self._app.job_manager = _Manager(connector)
        self._call = call
        self._is_listening = is_listening
        for step in steps:
            self._app.task(name=step, pass_context=True)(self._run)
        self._workers = [self._worker(queues, count) for queues, count in _shares(steps, threads)]
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, until: Awaitable[Any]) -> None:
        """Run jobs until ``until`` is done or a worker fails; then finish those that run.

        Raises:
            Exception: whatever ended a worker, such as a database that is gone, or that took it for dead.
        """
        self._loop = asyncio.get_running_loop()
        async with self._app.open_async():
            runs = [asyncio.create_task(worker.run()) for worker in self._workers]
            self.look_in(_LISTENING_S)
            listening = asyncio.create_task(asyncio.sleep(_LISTENING_S if self._is_listening else 0))
            await asyncio.wait([*runs, asyncio.ensure_future(until)], return_when=asyncio.FIRST_COMPLETED)
            await listening  # a listener that is stopped while it connects leaves its connection open
            for worker in self._workers:
                worker.stop()
            ended = await asyncio.gather(*runs, return_exceptions=True)
        for error in ended:
            if error is not None:
                raise error

    def look_in(self, wait_s: float) -> None:
        """Look for jobs after so many seconds; from any thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed() and wait_s <= TIMER_S_MAX:
            loop.call_soon_threadsafe(lambda: loop.call_later(max(wait_s, 0.0) + _TIMER_LATE_S, self._look))

    def _look(self) -> None:
        for worker in self._workers:
            worker.look()

    def _run(self, context: JobContext, key: str) -> None:
        wait_s = self._manager.waits[context.job.id] = self._call(context.job.task_name, key)
        if wait_s is not None:
            self.look_in(wait_s)

    def _worker(self, queues: Sequence[str], concurrency: int) -> _Worker:
        return _Worker(
            self._app,
            queues=queues,
            concurrency=concurrency,
            fetch_job_polling_interval=_SELDOM_S,
            abort_job_polling_interval=_NEVER_S,
            listen_notify=self._is_listening,
            install_signal_handlers=False,
            update_heartbeat_interval=HEARTBEAT_S,
            stalled_worker_timeout=STALLED_S,
        )


async def _each_by_itself(connection: AsyncConnection[Any]) -> None:
    """No transaction around single statements: frozen between the two, a worker would keep its rows from the rescue."""
    await connection.set_autocommit(True)


def _shares(steps: Sequence[str], threads: int) -> list[tuple[list[str], int]]:
    """Return which steps share how many threads."""
    tagging, others = [step for step in steps if step == "tag"], [step for step in steps if step != "tag"]
    if not (tagging and others):
        return [(list(steps), threads)] if steps else []
    return [(tagging, max(1, threads // 2)), (others, max(1, threads - threads // 2))]
