"""What a mention costs, however busy the machine is: ``python -m benchmarks.cost [--mentions N]``.

Processor time of the process that tags and books, bytes that the database grows by, and the most memory held: on SQLite
and on PostgreSQL, with a tagger that costs nothing and with the shipped one. What PostgreSQL's own processes use is not
counted. It makes a schema in the PostgreSQL of EARMARK_TEST_POSTGRES, and drops it.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import structlog
from sqlalchemy import text

from benchmarks.cluster import check, cpu_s, fill, schema
from benchmarks.pipeline import BATCH, Stub
from bot import app, config, pipeline
from bot.app import App, Role

TABLES = """
    SELECT sum(pg_total_relation_size(pg_class.oid)) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = current_schema() AND relkind = 'r'"""


def opened(url: str, *, is_stub: bool) -> App:
    """An installation on the embedded engine, with its tables."""
    raw = {
        "earmark": {"database_url": url, "engine": "embedded"},
        "channels": [{"name": "feed", "connector": "replay", "path": "/dev/null"}],
        "queues": [{"name": "care", "slack_channel": "C0CARE"}, {"name": "thanks", "slack_channel": "C0THANKS"}],
        "routes": [{"queue": "thanks", "tag": "praise"}, {"queue": "care"}],
        "tagger": {"batch": BATCH},
    }
    settings = config.parse(raw, source="benchmark")
    app.create_if_new(settings)
    return app.build(settings, role=Role.WORK, tagger=Stub() if is_stub else None)


def size(running: App) -> int:
    """How many bytes the database holds, indexes included."""
    with running.parts.database.connect() as connection:
        if connection.dialect.name == "postgresql":
            return int(connection.execute(text(TABLES)).scalar_one())
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
        return int(pages) * int(connection.execute(text("PRAGMA page_size")).scalar_one())


def cost(url: str, count: int, *, is_stub: bool) -> None:
    """Print what so many mentions cost in this process."""
    running = opened(url, is_stub=is_stub)
    running.parts.tagger.tag(["Thank you."])
    before = size(running)
    fill(running, count)
    start = cpu_s()
    while pipeline.tag(running.parts):
        pass
    spent_ms = (cpu_s() - start) * 1000 / count
    grown, held = (size(running) - before) / count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    name = f"{running.parts.database.dialect.name}, {'stub' if is_stub else 'shipped tagger'}"
    check(running, count)
    print(
        f"{name:28} {spent_ms:5.2f} ms of a processor and {grown:6,.0f} bytes a mention; {held:.0f} MiB held",
        flush=True,
    )


def alone(database: str, tagger: str, count: int) -> None:
    """Measure in a process of its own: memory is counted for a whole process."""
    with schema() as server, tempfile.TemporaryDirectory() as folder:
        url = server if database == "postgresql" else f"sqlite:///{Path(folder) / 'e.sqlite'}"
        command = [sys.executable, "-m", "benchmarks.cost", "--mentions", str(count), "--url", url, "--tagger", tagger]
        subprocess.run(command, check=True)  # noqa: S603  # ourselves


def main() -> None:
    """Measure all four."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mentions", type=int, default=3_000)
    parser.add_argument("--url", default="", help="one measurement, for ourselves")
    parser.add_argument("--tagger", choices=["stub", "shipped"], default="stub")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    if given.url:
        cost(given.url, given.mentions, is_stub=given.tagger == "stub")
        return
    for tagger in ("stub", "shipped"):
        for database in ("sqlite", "postgresql"):
            alone(database, tagger, given.mentions)


if __name__ == "__main__":
    main()
