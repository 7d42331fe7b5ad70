"""A tenfold spike: ``python -m benchmarks.spike [--rate N] [--seconds N] [--shipped]``.

People write at ``--rate`` mentions a second, then ten times as fast for an hour that is compressed into ``--seconds``,
then as before until nothing waits. ``earmark run`` works in a process of its own, against the stand-in of Slack, which
takes as many messages a second as the hour is compressed. Every twentieth mention is urgent by its words.

Said are the most memory the bot held before and in the spike, the longest that a mention waited for its tags, how long
after the spike nothing waited any more, and how soon urgent and other cards were in Slack. Nothing may be lost.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

import structlog
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select
from sqlmodel import col

from benchmarks.bots import Crowd, installed, started
from bot import app, config
from bot.app import Role
from storage import db, ledger_reports, ledger_verify, mentions, models, vitals

CALM_S = 15.0
LIMIT_S = 900.0
HOUR_S = 3600.0


@dataclass(frozen=True)
class Sample:
    """What the bot said of itself at one time."""

    at: float
    held_mib: float
    untagged: float
    oldest_untagged_s: float
    unsent: float


def look(port: int, process: int) -> Sample | None:
    """Ask the bot's metrics; None while they do not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
    except OSError:
        return None
    found: dict[tuple[str, str], float] = {}
    for sample in (one for family in families for one in family.samples):
        key = (sample.name, sample.labels.get("step", ""))
        found[key] = found.get(key, 0) + sample.value
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    held = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return Sample(
        time.monotonic(),
        held / 1024,
        found.get(("earmark_waiting", "tag"), 0),
        found.get(("earmark_oldest_waiting_seconds", "tag"), 0),
        found.get(("earmark_waiting", "deliver"), 0),
    )


def spike(folder: Path, rate: float, seconds: float, *, tagger: str, port: int) -> None:
    """Run the spike and print what it did."""
    url = f"sqlite:///{folder / 'e.sqlite'}"
    with installed(folder, url, between_s=seconds / HOUR_S) as place:
        crowd = Crowd(place.feed, rate)
        with started(place, Role.ALL, tagger=tagger, metrics_port=port) as [process]:
            samples, ended = observe(crowd, process, port=port, seconds=seconds)
            until(lambda: is_worked(place.path, crowd.written))
        report(samples, ended, seconds)
        prove(place.path, crowd.written)


def observe(crowd: Crowd, process: int, *, port: int, seconds: float) -> tuple[list[Sample], float]:
    """Let the crowd write, and look at the bot each half second; return what was seen, and when the spike ended."""
    until(lambda: look(port, process) is not None)
    writing = threading.Thread(target=crowd.write)
    writing.start()
    samples: list[Sample] = []

    def watch(for_s: float) -> None:
        deadline = time.monotonic() + for_s
        while time.monotonic() < deadline:
            seen = look(port, process)
            samples.extend([seen] if seen else [])
            time.sleep(0.5)

    watch(CALM_S)
    calm, crowd.rate = crowd.rate, crowd.rate * 10
    watch(seconds)
    crowd.rate, ended = calm, time.monotonic()
    while samples[-1].untagged > calm or samples[-1].unsent > calm:
        watch(1.0)
        if time.monotonic() > ended + LIMIT_S:
            break
    crowd.stop.set()
    writing.join()
    return samples, ended


def is_worked(path: Path, written: int) -> bool:
    """Tell whether all that was written is stored, and nothing waits."""
    database = app.open_database(config.load(path))
    with db.reading(database) as session:
        stored = sum(mentions.counts_by_state(session).values())
        done = stored >= written and not vitals.lines(session)
    database.dispose()
    return done


def until(holds: Callable[[], bool]) -> None:
    """Come back once something holds; give up after a long while."""
    deadline = time.monotonic() + LIMIT_S
    while not holds():
        if time.monotonic() > deadline:
            sys.exit("the bot did not come so far; see its log")
        time.sleep(0.5)


def report(samples: list[Sample], ended: float, seconds: float) -> None:
    """Print memory, waits and recovery."""
    before = [sample for sample in samples if sample.at < ended - seconds]
    rest = [sample for sample in samples if sample.at >= ended - seconds]
    calm, most = max(one.held_mib for one in before), max(one.held_mib for one in rest)
    print(f"memory: {calm:.0f} MiB at most before, {most:.0f} MiB in and after the spike ({most / calm:.2f})")
    print(
        f"untagged: {max(one.untagged for one in rest):,.0f} at most,"
        f" the oldest for {max(one.oldest_untagged_s for one in rest):.0f} s;"
        f" unsent: {max(one.unsent for one in rest):,.0f} at most"
    )
    after = [sample for sample in rest if sample.at >= ended]
    calm_waiting = max(one.untagged for one in before)
    tagged = next((one.at - ended for one in after if one.untagged <= max(calm_waiting, 64)), None)
    sent = after[-1].at - ended
    tagged_s = f"{tagged:.0f} s" if tagged is not None else "never"
    print(f"after the spike: tags had caught up in {tagged_s}, Slack in {sent:.0f} s")


def prove(path: Path, written: int) -> None:
    """See that nothing was lost, and print how soon cards were in Slack."""
    database = app.open_database(config.load(path))
    with db.reading(database) as session:
        states = mentions.counts_by_state(session)
        assert sum(states.values()) == written, (states, written)
        assert set(states) <= {"tagged", "ignored"}, states
        assert ledger_verify.verify(session).ok
        assert ledger_reports.tag_balance(session) == mentions.live_tags(session)
        assert vitals.lines(session) == []
        message, mention = models.OutboxMessage, models.Mention
        query = select(col(message.is_urgent), col(message.sent_at), col(mention.received_at)).join(
            mention, col(mention.id) == col(message.case_id)
        )
        rows = session.execute(query.where(col(message.kind) == "card")).all()
    database.dispose()
    print(f"{written:,} mentions written, stored and tagged; {len(rows):,} cards in Slack; the ledger verifies")
    for is_urgent, name in ((True, "urgent"), (False, "other")):
        waits = [(sent - received).total_seconds() for urgent, sent, received in rows if urgent is is_urgent and sent]
        cuts = quantiles(waits, n=20)
        print(f"{name:>7} cards: in Slack after {cuts[9]:.1f} s (median), {cuts[18]:.1f} s (95 %), {max(waits):.1f} s")


def main() -> None:
    """Run the spike."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=10.0, help="mentions a second before the spike")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the compressed hour takes")
    parser.add_argument("--shipped", action="store_true", help="with the shipped tagger; else it costs nothing")
    parser.add_argument("--port", type=int, default=9467)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    with tempfile.TemporaryDirectory() as folder:
        spike(Path(folder), given.rate, given.seconds, tagger="shipped" if given.shipped else "stub", port=given.port)


if __name__ == "__main__":
    main()
