"""What the way of a mention costs: ``python benchmarks/pipeline.py [--mentions N]``.

Receive, tag, route, ledger and outbox on SQLite, as a ratio to the shipped tagger alone. The two take turns, a slice of
the mentions each, so that a machine that is busy slows both alike. Then the same way with a tagger that costs nothing:
the pipeline's own rate, and how much of it the ledger takes. The texts are those of the sample, with a number added.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from unittest import mock

import structlog

from bot import app, config, pipeline
from bot.app import App, Role
from bot.domain import Tag, Tagger, Tagging
from storage import ledger, ledger_reports, ledger_verify, mentions
from storage.db import reading

SAMPLE = Path(app.__file__).parent / "sample" / "mentions.jsonl"
SLICES = 10
AUTHORS_SHARE = 0.6
"""Authors to mentions: some write more than once, so that cases are joined too."""
START = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
BATCH = 64


class Stub:
    """Tags without reading: every mention is a complaint, a request or praise, in turn; each seventh is nothing."""

    version = "stub"

    def tag(self, texts: Sequence[str]) -> list[Tagging]:
        """Return one tagging a text."""
        return [self._tagging(len(text)) for text in texts]

    def _tagging(self, number: int) -> Tagging:
        tag, reason = [
            (Tag.COMPLAINT, "where_is_it"),
            (Tag.REQUEST, "how_to"),
            (Tag.PRAISE, "praise"),
        ][number % 3]
        tags = (tag,) if number % 7 else ()
        scores = {one: float(one in tags) for one in Tag}
        return Tagging(scores, tags, tags[0] if tags else None, 0.9, reason, 0.9, "en", self.version)


def lines(count: int) -> Iterator[dict[str, Any]]:
    """Yield generated mentions, half a minute apart."""
    texts = [json.loads(line)["text"] for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    authors = max(1, int(count * AUTHORS_SHARE))
    for number, text in enumerate(islice(cycle(texts), count)):
        posted = START + timedelta(seconds=30 * number)
        yield {
            "id": number,
            "text": f"{text} {number}",
            "author": f"author-{number * 7919 % authors}",
            "created_at": posted.isoformat(),
        }


def installation(folder: Path, count: int, tagger: Tagger | None = None) -> App:
    """Return an app over a new database, with ``count`` mentions waiting at its one channel, and Slack to write to."""
    feed = folder / "feed.jsonl"
    with feed.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines(count))
    raw = {
        "earmark": {"database_url": f"sqlite:///{folder / 'e.sqlite'}"},
        "channels": [{"name": "feed", "connector": "replay", "path": str(feed)}],
        "queues": [{"name": "care", "slack_channel": "C0CARE"}, {"name": "thanks", "slack_channel": "C0THANKS"}],
        "routes": [{"queue": "thanks", "tag": "praise"}, {"queue": "care"}],
        "tagger": {"batch": BATCH},
        "slack": {},
    }
    settings = config.parse(raw, source="benchmark")
    app.create_if_new(settings)
    with mock.patch.dict(os.environ, {"SLACK_BOT_TOKEN": "none"}):
        return app.build(settings, role=Role.WORK, tagger=tagger, now=lambda: START + timedelta(days=30))


def connected(running: App) -> App:
    """Return the app with its channel, which the role of a worker has not."""
    from dataclasses import replace

    return replace(running, parts=replace(running.parts, connectors=app.connectors_of(running.parts.settings)))


def take_in(running: App, count: int) -> None:
    """Receive and tag the next ``count`` mentions, or what there is."""
    done = 0
    while done < count:
        received = pipeline.receive(running.parts, "feed")
        while pipeline.tag_batch(running.parts):
            pass
        done += received.new
        if not received.new:
            return


@contextmanager
def timed(spent: list[float]) -> Iterator[None]:
    """Add the seconds that the block takes."""
    start = time.perf_counter()
    yield
    spent.append(time.perf_counter() - start)


def beside_the_tagger(folder: Path, count: int) -> None:
    """Print the rate of the whole way, of the shipped tagger alone, and their ratio."""
    running = connected(installation(folder, count))
    texts = [str(line["text"]) for line in lines(count)]
    running.parts.tagger.tag(texts[:BATCH])
    whole: list[float] = []
    alone: list[float] = []
    # Whole pages, because a poll brings one; the two orders alternate.
    size = max(500, -(-count // SLICES // 500) * 500)
    for number, start in enumerate(range(0, count, size)):
        part = texts[start : start + size]
        turns: list[tuple[list[float], Callable[[], object]]] = [
            (whole, partial(take_in, running, len(part))),
            (alone, partial(tag_alone, running.parts.tagger, part)),
        ]
        for spent, work in turns if number % 2 else reversed(turns):
            with timed(spent):
                work()
    print(f"tagger alone:  {count / sum(alone):8,.0f} mentions/s")
    print(f"the whole way: {count / sum(whole):8,.0f} mentions/s")
    print(f"ratio: {sum(alone) / sum(whole):.3f} (goal: at least 0.8)")
    check(running, count)


def tag_alone(tagger: Tagger, texts: Sequence[str]) -> None:
    """Tag in the batches of the pipeline."""
    for start in range(0, len(texts), BATCH):
        tagger.tag(texts[start : start + BATCH])


def by_itself(folder: Path, count: int) -> None:
    """Print the pipeline's own rate with a tagger that costs nothing, and the ledger's share."""
    running = connected(installation(folder, count, Stub()))
    spent: list[float] = []
    in_ledger: list[float] = []
    post = ledger.post

    def timed_post(*arguments: Any, **more: Any) -> Any:
        with timed(in_ledger):
            return post(*arguments, **more)

    cpu = time.process_time()
    with timed(spent), mock.patch.object(ledger, "post", timed_post):
        take_in(running, count)
    cpu = time.process_time() - cpu
    took = sum(spent)
    print(f"pipeline by itself: {count / took:8,.0f} mentions/s, {took / count * 1e3:.3f} ms a mention", end="")
    print(f" ({cpu / count * 1e3:.3f} ms of this process)")
    print(f"of that in the ledger: {sum(in_ledger) / took:.0%}")
    check(running, count)


def check(running: App, count: int) -> None:
    """See that all was done: a benchmark of work left out is none."""
    with reading(running.parts.database) as session:
        states = mentions.counts_by_state(session)
        assert states.get("tagged", 0) + states.get("ignored", 0) == count, states
        assert ledger_verify.verify(session).ok
        assert ledger_reports.tag_balance(session) == mentions.live_tags(session)
    running.parts.database.dispose()


def main() -> None:
    """Measure the pipeline by itself, then beside the shipped tagger."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mentions", type=int, default=20_000)
    parser.add_argument("--only-stub", action="store_true", help="leave out the shipped tagger")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with tempfile.TemporaryDirectory() as folder:
        by_itself(Path(folder), given.mentions)
    if not given.only_stub:
        with tempfile.TemporaryDirectory() as folder:
            beside_the_tagger(Path(folder), given.mentions)


if __name__ == "__main__":
    main()
