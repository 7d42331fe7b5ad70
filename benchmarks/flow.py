"""From a poll to a card in Slack: ``python -m benchmarks.flow rate|latency``; ``--help`` says what can be left out.

``rate``: so many mentions come into a channel at once; how many a second become cards that Slack has accepted, first
poll to last card. The bots are up by then, and load their tagger meanwhile. ``latency``: people write at 1, 10 and 100
mentions a second; how long after its poll a mention's card is accepted. Every mention is another author's, so that each
that is tagged gets a card. The bots are processes of their own; the stand-in of Slack takes what comes, where the real
one takes a message a second and channel: measured is us. The stand-in and the people share the machine's processors
with the bots. ``--tagger waiting`` tags 200 mentions a second in each process and uses no processor: what a second
process brings where it has a core of its own.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import quantiles

import structlog
from sqlalchemy import Engine, select
from sqlmodel import col

from benchmarks.bots import TAGGERS, Crowd, Place, installed, started
from benchmarks.cluster import schema
from bot.app import Role
from storage import db, ledger_verify, mentions, models, vitals

LIMIT_S = 1200.0
RATES = (1.0, 10.0, 100.0)
MANY = 100
"""So many cards, if there were as many, are what a 95th percentile rests on."""


@dataclass(frozen=True)
class Setting:
    """What is measured: the database, how many processes tag, and with which tagger."""

    is_postgresql: bool
    workers: int
    tagger: str

    @property
    def name(self) -> str:
        """In words."""
        database = "PostgreSQL" if self.is_postgresql else "SQLite"
        processes = "1 process" if self.workers == 1 else f"{self.workers} processes"
        return f"{database:10}, {processes:11}, {self.tagger:7} tagger"

    @property
    def roles(self) -> list[Role]:
        """One process does everything; those added tag and deliver too."""
        return [Role.ALL] * self.workers if self.is_postgresql else [Role.ALL, *[Role.WORK] * (self.workers - 1)]


@contextmanager
def place_of(setting: Setting) -> Iterator[tuple[Place, Engine]]:
    """An empty installation, and its database to look into."""
    with tempfile.TemporaryDirectory() as folder:
        if setting.is_postgresql:
            with schema() as url, installed(Path(folder), url, between_s=0.0) as place:
                yield from _looked_into(place, url)
        else:
            url = f"sqlite:///{Path(folder) / 'e.sqlite'}"
            with installed(Path(folder), url, between_s=0.0) as place:
                yield from _looked_into(place, url)


def _looked_into(place: Place, url: str) -> Iterator[tuple[Place, Engine]]:
    database = db.connect(url)
    try:
        yield place, database
    finally:
        database.dispose()


# -- rate --------------------------------------------------------------------------------------------------------


def rate(setting: Setting, count: int) -> None:
    """Print how many waiting mentions a second come to be tagged, and to be shown in Slack."""
    with place_of(setting) as (place, database):
        with started(place, *setting.roles, tagger=setting.tagger):
            wait_until_up(database, setting.workers)
            Crowd(place.feed, 0.0).add(count)
            wait_until_done(database, count)
        prove(database, count)
        with db.reading(database) as session:
            begun = min(session.scalars(select(col(models.Mention.received_at))))
            tagged = max(session.scalars(select(col(models.Tagging.at))))
        shown = max(sent for _, sent in cards(database))
    print(
        f"{setting.name}: {count / (tagged - begun).total_seconds():5,.0f} mentions/s tagged and booked,"
        f" {count / (shown - begun).total_seconds():5,.0f}/s to the last card in Slack",
        flush=True,
    )


# -- latency -----------------------------------------------------------------------------------------------------


def latency(setting: Setting, seconds: float, rates: Sequence[float]) -> None:
    """Print how long after its poll a mention's card is in Slack, at several rates of writing."""
    for pace in rates:
        with place_of(setting) as (place, database):
            crowd = Crowd(place.feed, 0.0)
            with started(place, *setting.roles, tagger=setting.tagger):
                crowd.add(1)
                wait_until_done(database, 1)  # the tagger is loaded
                warm = datetime.now().astimezone()
                write(crowd, pace, max(seconds, MANY / pace))
                wait_until_done(database, crowd.written)
            prove(database, crowd.written)
            waits = [(sent - received).total_seconds() for received, sent in cards(database) if received > warm]
        cuts = quantiles(waits, n=20)
        print(
            f"{setting.name}: at {pace:3.0f}/s a card was in Slack {cuts[9]:.2f} s (median), {cuts[18]:.2f} s (95 %),"
            f" {max(waits):.2f} s (slowest of {len(waits):,}) after the poll",
            flush=True,
        )


def write(crowd: Crowd, pace: float, seconds: float) -> None:
    """Have people write for so long."""
    crowd.rate = pace
    writing = threading.Thread(target=crowd.write)
    writing.start()
    time.sleep(seconds)
    crowd.stop.set()
    writing.join()


# -- what the tables say -----------------------------------------------------------------------------------------


def wait_until_up(database: Engine, workers: int) -> None:
    """Come back when so many processes have given a sign of life."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        with db.reading(database) as session:
            if len(vitals.processes(session)) == workers:
                return
        if time.monotonic() > deadline:
            sys.exit("the bots did not start; see their log")
        time.sleep(0.25)


def wait_until_done(database: Engine, count: int) -> None:
    """Come back when so many mentions are tagged, and Slack has every card."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        with db.reading(database) as session:
            states = mentions.counts_by_state(session)
            waiting = sum(line.waiting for line in vitals.lines(session))
        if states.get("tagged", 0) + states.get("ignored", 0) == count and not waiting:
            return
        if time.monotonic() > deadline:
            sys.exit("the bots did not come so far; see their log")
        time.sleep(0.25)


def cards(database: Engine) -> list[tuple[datetime, datetime]]:
    """When each case's mention was received, and its card accepted."""
    message, mention = models.OutboxMessage, models.Mention
    query = select(col(mention.received_at), col(message.sent_at)).join(message, col(message.case_id) == mention.id)
    with db.reading(database) as session:
        return [(received, sent) for received, sent in session.execute(query.where(col(message.kind) == "card"))]


def prove(database: Engine, count: int) -> None:
    """See that all was done: a benchmark of work left out is none."""
    with db.reading(database) as session:
        assert sum(mentions.counts_by_state(session).values()) == count
        assert ledger_verify.verify(session).ok


def main() -> None:
    """Measure what is asked for; without --workers and the like, everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["rate", "latency"])
    parser.add_argument("--mentions", type=int, default=3_000)
    parser.add_argument("--seconds", type=float, default=60.0, help="of writing, longer where too few would write")
    parser.add_argument("--rates", type=float, nargs="+", default=RATES)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--tagger", choices=TAGGERS, nargs="+", default=["stub", "shipped"])
    parser.add_argument("--database", choices=["sqlite", "postgresql"], nargs="+", default=["sqlite", "postgresql"])
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    for database in given.database:
        for tagger in given.tagger:
            for workers in given.workers:
                setting = Setting(database == "postgresql", workers, tagger)
                if given.what == "rate":
                    rate(setting, given.mentions)
                else:
                    latency(setting, given.seconds, given.rates)


if __name__ == "__main__":
    main()
