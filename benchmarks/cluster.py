"""What several processes on one PostgreSQL bring and cost: ``python benchmarks/cluster.py WHAT``.

``rate``: mentions a second with one and with two workers, a stub for the tagger, and how long they waited for the one
chain of the ledger. ``takeover``: how long after a kill -9 another worker does the work. ``idle``: what a process costs
that has nothing to do, on both engines. It makes a schema in the PostgreSQL of EARMARK_TEST_POSTGRES, and drops it.
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import uuid4

import structlog
from psycopg import AsyncCursor
from sqlalchemy import Connection, event, text

from benchmarks.pipeline import BATCH, Stub, lines
from bot import app, config
from bot.app import App, Role
from bot.engine import Work
from bot.engine.cluster import Cluster
from bot.engine.worker import HEARTBEAT_S
from bot.parts import utc_now
from storage import db, ledger, ledger_reports, ledger_verify, mentions
from storage.db import reading

SERVER = os.environ.get("EARMARK_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
ME = [sys.executable, "-m", "benchmarks.cluster"]


@contextmanager
def schema() -> Iterator[str]:
    """The URL of an empty schema."""
    name = f"earmark_bench_{uuid4().hex}"
    server = db.connect(SERVER)
    with server.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    yield f"{SERVER}{'&' if '?' in SERVER else '?'}options=-csearch_path%3D{name}"
    with server.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
    server.dispose()


def opened(url: str, role: Role = Role.ALL, engine: str = "auto") -> App:
    """One process of an installation whose tagger costs nothing."""
    raw = {
        "earmark": {"database_url": url, "engine": engine},
        "channels": [{"name": "feed", "connector": "replay", "path": "/dev/null"}],
        "queues": [{"name": "care", "slack_channel": "C0CARE"}, {"name": "thanks", "slack_channel": "C0THANKS"}],
        "routes": [{"queue": "thanks", "tag": "praise"}, {"queue": "care"}],
        "tagger": {"batch": BATCH},
        "web": {"port": 0},
    }
    settings = config.parse(raw, source="benchmark")
    app.create_if_new(settings)
    return app.build(settings, role=role, tagger=Stub())


# -- rate --------------------------------------------------------------------------------------------------------


def rate(count: int, rounds: int) -> None:
    """Print mentions a second with one and with two workers, in turns."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    shares: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers in (1, 2):
            took_s, waited_s, held_s = tagged_by(workers, count)
            rates[workers].append(count / took_s)
            shares[workers].append(waited_s / (took_s * workers))
            print(f"{workers} workers: {count / took_s:6,.0f} mentions/s, ", end="")
            print(
                f"waited for the chain {waited_s / (took_s * workers):.0%} of the time, held it {held_s / took_s:.0%}"
            )
    ratio = statistics.median(rates[2]) / statistics.median(rates[1])
    print(f"two workers against one: {ratio:.2f}")


def tagged_by(workers: int, count: int) -> tuple[float, float, float]:
    """Have so many processes tag what waits; return seconds taken, and waited for and held the ledger's turn."""
    with schema() as url:
        running = opened(url)
        fill(running, count)
        command = [*ME, "--url", url, "worker"]
        made = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603  # the command is ours
            for _ in range(workers)
        ]
        for one in made:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        start = time.perf_counter()
        for one in made:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        spent = [one.communicate()[0].split() for one in made]
        took_s = max(float(ended) for ended, _, _ in spent) - start
        check(running, count)
    return took_s, sum(float(waited) for _, waited, _ in spent), sum(float(held) for _, _, held in spent)


def fill(running: App, count: int) -> None:
    """Store so many untagged mentions, and drop their wake-ups: the workers find them when they are told to begin."""
    from bot.domain import Author, Mention

    made = [
        Mention(
            platform="replay",
            external_id=str(line["id"]),
            author=Author(str(line["author"])),
            text=str(line["text"]),
            posted_at=datetime.fromisoformat(str(line["created_at"])),
            channel="feed",
        )
        for line in lines(count)
    ]
    for first in range(0, count, 1000):
        with db.transaction(running.parts.database) as session:
            mentions.store(session, "feed", made[first : first + 1000], now=running.parts.now())


def work_alone(url: str) -> None:
    """One worker process: say that it is ready, wait for the word, tag until nothing waits, print what it spent."""
    running = opened(url, Role.WORK)
    waited, held = timed_turns(running)
    print("ready", flush=True)
    sys.stdin.readline()
    running.engine.drain(until=lambda: not left(running))
    print(time.perf_counter(), sum(waited), sum(held))


def timed_turns(running: App) -> tuple[list[float], list[float]]:
    """Note how long each transaction waits for the ledger's turn, and how long it then keeps it."""
    waited: list[float] = []
    held: list[float] = []
    since = threading.local()
    take_turn = ledger.take_turn

    def timed(connection: Connection) -> None:
        asked = time.perf_counter()
        take_turn(connection)
        since.at = time.perf_counter()
        waited.append(since.at - asked)

    def ended(_connection: object) -> None:
        if getattr(since, "at", None):
            held.append(time.perf_counter() - since.at)
            since.at = None

    mock.patch.object(ledger, "take_turn", timed).start()
    event.listen(running.parts.database, "commit", ended)
    return waited, held


def left(running: App) -> int:
    """How many mentions are not tagged yet."""
    with reading(running.parts.database) as session:
        return mentions.counts_by_state(session).get("new", 0)


def check(running: App, count: int) -> None:
    """See that all was done: a benchmark of work left out is none."""
    with reading(running.parts.database) as session:
        states = mentions.counts_by_state(session)
        assert states.get("tagged", 0) + states.get("ignored", 0) == count, states
        assert ledger_verify.verify(session).ok
        assert ledger_reports.tag_balance(session) == mentions.live_tags(session)
    running.parts.database.dispose()


# -- take-over ---------------------------------------------------------------------------------------------------


def takeover(rounds: int) -> None:
    """Print how long after a kill -9 of the one that was at it a step runs on another worker."""
    with schema() as url:
        database = db.connect(url)
        db.upgrade(database)
        # The moments of the kills are spread over the time between two signs of life.
        took = [taken_over(url, after_s=1.0 + HEARTBEAT_S * number / rounds) for number in range(rounds)]
        database.dispose()
    print(*(f"{one:.1f}" for one in took))
    print(f"taken over after a median of {statistics.median(took):.1f} s, at most {max(took):.1f} s")


def taken_over(url: str, *, after_s: float) -> float:
    """Kill a worker in the middle of a step, some time after another came up; return how long that one then took."""
    taken, stop = threading.Event(), threading.Event()
    survivor = cluster(url, lambda _key: taken.set())
    survivor.wake("step", "a")
    doomed = subprocess.Popen([*ME, "--url", url, "holder"], stdout=subprocess.PIPE, text=True)  # noqa: S603  # the command is ours
    assert doomed.stdout is not None
    assert doomed.stdout.readline() == "at it\n"
    thread = threading.Thread(target=survivor.run, args=(stop,))
    thread.start()
    time.sleep(after_s)
    assert not taken.is_set()
    doomed.kill()
    start = time.perf_counter()
    assert taken.wait(60)
    took_s = time.perf_counter() - start
    stop.set()
    thread.join()
    doomed.wait()
    return took_s


def hold(url: str) -> None:
    """Be a worker that begins a step and does not end it."""

    def step(_key: str) -> None:
        print("at it", flush=True)
        threading.Event().wait()

    cluster(url, step).run(threading.Event())


def cluster(url: str, step: Callable[[str], None]) -> Cluster:
    """A worker of one step."""
    return Cluster(Work({"step": step}, (), list), db.connect(url), workers=2, now=utc_now)


# -- idle --------------------------------------------------------------------------------------------------------


def idle(seconds: float) -> None:
    """Print what an hour costs a process with nothing to do: processor seconds, and queries."""
    for engine in ("embedded", "cluster"):
        with schema() as url, tempfile.TemporaryDirectory() as folder:
            place = url if engine == "cluster" else f"sqlite:///{Path(folder) / 'e.sqlite'}"
            command = [*ME, "--url", place, "--seconds", str(seconds), "idler"]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603  # the command is ours
        cpu_s, ours, theirs = (float(part) * 3600 / seconds for part in done.stdout.split())
        queries = f"{ours + theirs:,.0f} statements, of them {theirs:,.0f} of the queue itself"
        print(f"{engine:8} idle for an hour: {cpu_s:.0f} processor seconds, {queries}", flush=True)


def be_idle(url: str, seconds: float) -> None:
    """Run with nothing to do; print processor seconds and statements of the time after the start."""
    running = opened(url)
    ours, theirs = itertools.count(), itertools.count()
    event.listen(running.parts.database, "before_cursor_execute", lambda *_: next(ours))
    execute = AsyncCursor.execute

    async def counted(*arguments: Any, **more: Any) -> Any:
        next(theirs)
        return await execute(*arguments, **more)

    mock.patch.object(AsyncCursor, "execute", counted).start()
    stop = threading.Event()
    spent: list[float] = []

    def measure() -> None:
        time.sleep(5)
        before = (cpu_s(), next(ours), next(theirs))
        time.sleep(seconds)
        after = (cpu_s(), next(ours) - 1, next(theirs) - 1)
        spent.extend(end - start for start, end in zip(before, after, strict=True))
        stop.set()

    threading.Thread(target=measure).start()
    running.run(stop)
    print(*spent)


def cpu_s() -> float:
    """The processor seconds that this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["rate", "takeover", "idle", "worker", "holder", "idler"])
    parser.add_argument("--mentions", type=int, default=8_000)
    parser.add_argument("--rounds", type=int, default=0, help="5 for rate, 12 for takeover")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--url", default="", help="of the schema, for the processes this one starts")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    {
        "rate": lambda: rate(given.mentions, given.rounds or 5),
        "takeover": lambda: takeover(given.rounds or 12),
        "idle": lambda: idle(given.seconds),
        "worker": lambda: work_alone(given.url),
        "holder": lambda: hold(given.url),
        "idler": lambda: be_idle(given.url, given.seconds),
    }[given.what]()


if __name__ == "__main__":
    main()
