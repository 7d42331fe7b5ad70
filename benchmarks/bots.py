"""An installation for benchmarks as an operator runs it: ``earmark run`` in processes of its own, and people who write.

The bots read one replay channel and post to a stand-in of Slack, which the benchmark runs on loopback.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

import structlog

from benchmarks.pipeline import SAMPLE, Stub
from bot import app, config
from bot.app import Role
from bot.domain import Tagger, Tagging
from tests.servers.slack import APP_TOKEN, BOT_TOKEN, Slack, running

URGENT_EVERY = 20
QUEUES = ("care", "billing", "delivery", "thanks")
CONFIG = """
[earmark]
database_url = "{url}"

[[channels]]
name = "feed"
connector = "replay"
path = "{folder}/feed.jsonl"
poll_seconds = {poll_s}

{queues}

[[routes]]
phrase = ["ombudsman"]
priority = "urgent"
queue = "care"

[[routes]]
tag = "praise"
queue = "thanks"

[[routes]]
reason = ["billing_error"]
queue = "billing"

[[routes]]
reason = ["where_is_it", "delay_cancel"]
queue = "delivery"

[[routes]]
queue = "care"

[slack]
api_url = "{address}"
seconds_between_messages = {between_s}

[web]
port = 0
"""


class Waiting(Stub):
    """Takes 5 ms a mention without using a processor: as a tagger would that has a core for each process.

    What a second process brings then is what all but the tagger allows, on a machine with too few cores to see it.
    """

    version = "waiting"

    def __init__(self) -> None:
        self._core = threading.Lock()

    def tag(self, texts: Sequence[str]) -> list[Tagging]:
        """Return one tagging a text, after a while."""
        with self._core:
            time.sleep(0.005 * len(texts))
        return super().tag(texts)


TAGGERS: dict[str, Callable[[], Tagger | None]] = {"stub": Stub, "waiting": Waiting, "shipped": lambda: None}


@dataclass(frozen=True)
class Place:
    """Where the bots of a benchmark find their configuration and their channel."""

    path: Path
    feed: Path


@contextmanager
def installed(folder: Path, url: str, *, between_s: float, poll_s: float = 0.2) -> Iterator[Place]:
    """Write a configuration over the database ``url``, and run the stand-in of Slack that it names.

    ``between_s``: the seconds a bot leaves between two messages to one Slack channel.
    """
    slack = Slack(seconds_between_messages=0.0, has_tiers=False)
    for queue in QUEUES:
        slack.add_channel(f"C0{queue.upper()}", queue)
    queues = "\n".join(f'[[queues]]\nname = "{queue}"\nslack_channel = "C0{queue.upper()}"' for queue in QUEUES)
    place = Place(folder / "config.toml", folder / "feed.jsonl")
    place.feed.touch()
    with running(slack) as address:
        text = CONFIG.format(url=url, folder=folder, queues=queues, address=address, between_s=between_s, poll_s=poll_s)
        place.path.write_text(text, encoding="utf-8")
        app.create_if_new(config.load(place.path))
        yield place


@contextmanager
def started(place: Place, *roles: Role, tagger: str, metrics_port: int = 0) -> Iterator[list[int]]:
    """Bots in processes of their own; the value is their process ids. The first serves metrics at the port, if any."""
    environment = {**os.environ, "SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN}
    made: list[subprocess.Popen[bytes]] = []
    with ExitStack() as stack:
        log = stack.enter_context((place.path.parent / "log").open("wb"))
        for number, role in enumerate(roles):
            command = [sys.executable, "-m", "benchmarks.bots", str(place.path), "--role", role.value]
            command += ["--tagger", tagger]
            command += ["--metrics-port", str(metrics_port)] if metrics_port and not number else []
            process = subprocess.Popen(command, stderr=log, stdout=log, env=environment)  # noqa: S603  # the command is ours
            stack.callback(process.wait, 60)
            stack.callback(process.terminate)
            made.append(process)
        yield [process.pid for process in made]


@dataclass
class Crowd:
    """People who write into the feed, each once, at a rate of mentions a second that may be changed."""

    feed: Path
    rate: float
    written: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._texts = cycle([json.loads(line)["text"] for line in SAMPLE.read_text(encoding="utf-8").splitlines()])

    def write(self) -> None:
        """Write until told to stop, a fifth of a second's worth at a time."""
        due = 0.0
        while not self.stop.wait(0.2):
            due += self.rate * 0.2
            self.add(int(due))
            due -= int(due)

    def add(self, count: int) -> None:
        """Write so many mentions at once."""
        with self.feed.open("a", encoding="utf-8") as file:
            file.writelines(self._line() for _ in range(count))

    def _line(self) -> str:
        self.written += 1
        number = self.written
        words = f"{next(self._texts)} {number}"
        words += " I shall tell the ombudsman" if number % URGENT_EVERY == 0 else ""
        at = datetime.now(UTC).isoformat()
        return json.dumps({"id": number, "text": words, "author": f"author-{number}", "created_at": at}) + "\n"


def main() -> None:
    """Be a bot, until told to end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("--role", type=Role, default=Role.ALL)
    parser.add_argument("--tagger", choices=TAGGERS, default="shipped")
    parser.add_argument("--metrics-port", type=int, default=0)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    bot = app.build(config.load(given.config), role=given.role, tagger=TAGGERS[given.tagger]())
    bot.run(threading.Event(), metrics_port=given.metrics_port or None)


if __name__ == "__main__":
    main()
