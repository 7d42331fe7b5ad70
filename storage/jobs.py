"""The job table of the cluster engine, in SQL: wake-ups that are put, ticked, finished and taken over.

The rows are procrastinate's; its own functions for these four know neither "not twice in the queue, the earlier time
counts" nor "only if it still is mine", so the statements stand here. All times are the database's: what is handed in
are seconds from now on, because the clocks of two nodes may differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlmodel import Session

from storage.db import before_commit

Job = tuple[str, str]
"""A step's name and its key."""


class Look(NamedTuple):
    """How the jobs stand."""

    needs_rescue: bool
    """A worker is dead, or left jobs behind."""
    next_in_s: float | None
    """Seconds until the next job is due, negative where one is; None where none waits."""


_WAKE: Final = """pg_notify(
    'procrastinate_queue_v1#' || queue_name, json_build_object('type', 'job_inserted', 'job_id', id)::text)"""
_IS_DUE: Final = "(scheduled_at IS NULL OR scheduled_at <= clock_timestamp())"
# A waiting twin is updated even if nothing changes: the row lock keeps workers from running it before we commit, when
# they would not yet see what we wrote.
_UNLESS_IT_WAITS: Final = """
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO UPDATE SET scheduled_at = CASE
        WHEN procrastinate_jobs.scheduled_at IS NULL OR excluded.scheduled_at IS NULL THEN NULL
        ELSE least(procrastinate_jobs.scheduled_at, excluded.scheduled_at) END"""

# In the order of their names, so that two transactions never wait for each other in a circle. An insert wakes the
# workers by a trigger of procrastinate's, an update does not.
_PUT: Final = text(f"""
    WITH put AS (
        INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args, scheduled_at)
        SELECT step, step, name, name, jsonb_build_object('key', key), clock_timestamp() + make_interval(secs => wait_s)
        FROM unnest(CAST(:steps AS text[]), CAST(:keys AS text[]), CAST(:waits AS float8[])) AS job (step, key, wait_s)
        CROSS JOIN LATERAL (SELECT step || ':' || key) AS named (name)
        ORDER BY name
        {_UNLESS_IT_WAITS}
        RETURNING id, queue_name, scheduled_at, xmax::text <> '0' AS waited)
    SELECT count({_WAKE}) FROM put WHERE waited AND {_IS_DUE}""")

_TICK: Final = text("""
    WITH slot (at_ms) AS (SELECT (floor(extract(epoch FROM clock_timestamp()) * 1000 / :every_ms) * :every_ms)::bigint),
    taken AS (
        INSERT INTO procrastinate_periodic_defers (task_name, periodic_id, defer_timestamp)
        SELECT :step, :key, at_ms FROM slot
        ON CONFLICT DO NOTHING
        RETURNING defer_timestamp),
    forgotten AS (
        DELETE FROM procrastinate_periodic_defers AS old USING taken
        WHERE old.task_name = :step AND old.periodic_id = :key AND old.defer_timestamp < taken.defer_timestamp)
    SELECT count(*) FROM taken""")

FINISH: Final = f"""
    WITH gone AS (
        DELETE FROM procrastinate_jobs
        WHERE id = %(job_id)s AND worker_id = %(worker_id)s AND status = 'doing'
        RETURNING queue_name, task_name, lock, queueing_lock, args),
    again AS (
        INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args, scheduled_at)
        SELECT queue_name, task_name, lock, queueing_lock, args,
            CASE WHEN %(wait_s)s::float8 > 0 THEN clock_timestamp() + make_interval(secs => %(wait_s)s::float8) END
        FROM gone WHERE %(wait_s)s::float8 IS NOT NULL
        {_UNLESS_IT_WAITS})
    SELECT count({_WAKE}) FROM procrastinate_jobs AS waiting
    WHERE waiting.status = 'todo' AND waiting.lock = (SELECT lock FROM gone) AND {_IS_DUE}"""
"""Ends a job, unless it was taken from its worker meanwhile; has it run again after ``wait_s``, unless that is NULL. A
twin that waited for the lock is woken."""

_ARE_DEAD: Final = "last_heartbeat < clock_timestamp() - make_interval(secs => :stalled_s)"
_LOOK: Final = text(f"""
    SELECT EXISTS (SELECT FROM procrastinate_workers WHERE {_ARE_DEAD})
        OR EXISTS (SELECT FROM procrastinate_jobs WHERE status = 'doing' AND worker_id IS NULL) AS needs_rescue,
        (SELECT CAST(min(extract(epoch FROM coalesce(scheduled_at - clock_timestamp(), interval '0'))) AS float8)
            FROM procrastinate_jobs
            WHERE status = 'todo' AND queue_name = ANY(CAST(:steps AS text[]))) AS next_in_s""")
_TAKE_TURN: Final = text("SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || '/rescue', 0))")
_BURY: Final = text(f"DELETE FROM procrastinate_workers WHERE {_ARE_DEAD}")  # their jobs then have no worker
# A job whose twin waits is done by the twin; to queue it again would break the unique key.
_DROP_TWINS: Final = text("""
    DELETE FROM procrastinate_jobs AS left_behind
    WHERE status = 'doing' AND worker_id IS NULL AND EXISTS (
        SELECT FROM procrastinate_jobs AS twin
        WHERE twin.status = 'todo' AND twin.queueing_lock = left_behind.queueing_lock)""")
_REQUEUE: Final = text(f"""
    WITH put AS (
        UPDATE procrastinate_jobs SET status = 'todo', scheduled_at = NULL, attempts = attempts + 1
        WHERE status = 'doing' AND worker_id IS NULL
        RETURNING id, queue_name)
    SELECT count({_WAKE}) FROM put""")
_IS_BUSY: Final = text(f"""
    SELECT EXISTS (SELECT FROM procrastinate_jobs
        WHERE queue_name = ANY(CAST(:steps AS text[])) AND (status = 'doing' OR status = 'todo' AND {_IS_DUE}))""")

_SUBMITTED: Final = "earmark_jobs"


def submit(session: Session, job: Job, wait_s: float | None) -> None:
    """Have a job run once ``session`` commits, after ``wait_s``; None for at once.

    The rows are written just before the commit, all at once: they are locked for as short as can be.
    """
    submitted: dict[Job, float | None] | None = session.info.get(_SUBMITTED)
    if submitted is None:
        submitted = session.info[_SUBMITTED] = {}
        before_commit(session, lambda: put(session, submitted))
    known = submitted.get(job, wait_s)
    submitted[job] = None if wait_s is None or known is None else min(wait_s, known)


def put(session: Session, jobs: Mapping[Job, float | None]) -> None:
    """Write jobs; one that waits already stays, and runs at the earlier of the two times."""
    steps, keys = [step for step, _ in jobs], [key for _, key in jobs]
    session.connection().execute(_PUT, {"steps": steps, "keys": keys, "waits": list(jobs.values())})


def take_tick(session: Session, step: str, key: str, *, seconds: float) -> bool:
    """Claim the present slot of a tick for one node; False when another has it. Slots are ``seconds`` long."""
    found = session.connection().execute(_TICK, {"step": step, "key": key, "every_ms": max(1, round(seconds * 1000))})
    return bool(found.scalar_one())


def look(session: Session, steps: Iterable[str], *, stalled_s: float) -> Look:
    """Return what a node has to see to; a worker not heard of for ``stalled_s`` is dead."""
    found = session.connection().execute(_LOOK, {"stalled_s": stalled_s, "steps": list(steps)}).one()
    return Look(bool(found.needs_rescue), found.next_in_s)


def rescue(session: Session, *, stalled_s: float) -> int:
    """Give the jobs of dead workers to the living; return how many. One node does it at a time."""
    connection = session.connection()
    if not connection.execute(_TAKE_TURN).scalar_one():
        return 0
    connection.execute(_BURY, {"stalled_s": stalled_s})
    connection.execute(_DROP_TWINS)
    return int(connection.execute(_REQUEUE).scalar_one())


def is_busy(session: Session, steps: Iterable[str]) -> bool:
    """True while a job of one of ``steps`` runs, or is due."""
    return bool(session.connection().execute(_IS_BUSY, {"steps": list(steps)}).scalar_one())
