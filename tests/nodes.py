"""Nodes of an installation as an operator runs them: ``earmark run`` in processes of their own, on one database.

::

    with Nodes(folder, url) as nodes:
        nodes.publish(line(1, "where is my parcel"))
        one, other = nodes.start(), nodes.start(Role.WORK)
        nodes.wait_until(lambda: nodes.tagged() == 1)
        one.kill()                      # kill -9; also .stop() (SIGTERM), .freeze(), .thaw()
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any, Self

from bot import app, config
from bot.app import App, Role
from storage import db, mentions, outbox
from storage.db import reading
from tests import nursery
from tests.installation import ToldTagger, prepare
from tests.servers.slack import APP_TOKEN, BOT_TOKEN

LIMIT_S = 90.0


def wait_until(holds: Callable[[], bool], told: Callable[[], str], *, within_s: float = LIMIT_S) -> float:
    """Come back when something holds; return how many seconds it took. In vain, ``told`` says what went on."""
    begun, pause = monotonic(), Event()
    while not holds():
        assert monotonic() - begun < within_s, told()
        pause.wait(0.05)
    return monotonic() - begun


class Node:
    """One process. ``kill`` is kill -9, ``stop`` SIGTERM, ``freeze`` SIGSTOP."""

    def __init__(self, process: nursery.Process, log: Path) -> None:
        self.process = process
        self.log_file = log

    def kill(self) -> None:
        """End it at once, in the middle of whatever it does."""
        self.process.kill()
        self.process.wait(LIMIT_S)

    def stop(self, within_s: float = LIMIT_S) -> int:
        """Ask it to end; return its exit status."""
        # Before it has started it does not know how to.
        wait_until(lambda: self.said("started") > 0 or not self.is_running, self.log_file.read_text)
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)

    def freeze(self) -> None:
        """Stop it without its noticing, as a machine does that is suspended."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it go on."""
        self.process.send_signal(signal.SIGCONT)

    @property
    def is_running(self) -> bool:
        """True while the process is there."""
        return self.process.poll() is None

    def log(self) -> list[dict[str, Any]]:
        """What it logged, oldest first."""
        # What is behind the last line end is still being written.
        lines = self.log_file.read_text().rpartition("\n")[0].splitlines()
        return [json.loads(one) for one in lines if one.startswith("{")]

    def said(self, event: str) -> int:
        """How often it logged an event."""
        return sum(one["event"] == event for one in self.log())


@dataclass
class Nodes:
    """An installation over one database, and the processes that run it. Whatever still runs at the end is killed."""

    folder: Path
    url: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Sections added to the configuration, or put in place of its own."""
    tagger: str = "told"
    """``told``; ``told:FILE``, which does not come back while FILE exists; or ``shipped``."""
    started: list[Node] = field(default_factory=list)

    def __enter__(self) -> Self:
        prepare(self.url)
        app.create_if_new(self.parsed())
        return self

    def __exit__(self, *_: object) -> None:
        for node in self.started:
            node.thaw() if node.is_running else None
            node.kill()

    @property
    def feed(self) -> Path:
        """The file behind the channel ``feed``."""
        path = self.folder / "feed.jsonl"
        path.touch()
        return path

    def publish(self, *lines: Mapping[str, Any]) -> None:
        """People write something."""
        with self.feed.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(one) + "\n" for one in lines)

    def configuration(self) -> dict[str, Any]:
        """The configuration of every node."""
        base: dict[str, Any] = {
            "earmark": {"database_url": self.url, "workers": 4},
            "channels": [
                {"name": "feed", "connector": "replay", "path": str(self.feed), "page_lines": 40, "poll_seconds": 0.5}
            ],
            "queues": [{"name": "care", "slack_channel": "C0CARE"}],
            "routes": [{"queue": "care"}],
            "tagger": {"batch": 16},
            "web": {"port": 0},
        }
        return {**base, **self.settings}

    def parsed(self) -> config.Settings:
        """The configuration as the product reads it."""
        return config.parse(self.configuration(), source="test")

    def start(self, role: Role = Role.ALL, *, url: str = "", tagger: str = "", skew_s: float = 0.0) -> Node:
        """Start ``earmark run``, at another address of the database or with another tagger.

        ``skew_s`` is by how much its clock is fast.
        """
        number = len(self.started)
        path, log = self.folder / f"config{number}.toml", self.folder / f"node{number}.log"
        settings = self.configuration()
        settings["earmark"] = {**settings["earmark"], "database_url": url or self.url}
        path.write_text(_toml(settings))
        log.touch()
        process = nursery.start(
            ["run", "--config", str(path), "--role", role.value],
            tagger=tagger or self.tagger,
            skew_s=skew_s,
            log=log,
            environment={**os.environ, "SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN},
        )
        self.started.append(Node(process, log))
        return self.started[-1]

    def wait_until(self, holds: Callable[[], bool], *, within_s: float = LIMIT_S) -> float:
        """Come back when something holds; return how many seconds it took."""
        return wait_until(holds, self.tail, within_s=within_s)

    def tail(self) -> str:
        """The last lines of every node's log."""
        return "\n".join(f"{node.log_file.name}: {node.log_file.read_text()[-1500:]}" for node in self.started)

    def open(self) -> App:
        """The installation, for looking and for acting."""
        return app.build(self.parsed(), role=Role.WEB, tagger=ToldTagger())

    def states(self) -> dict[str, int]:
        """How many mentions are new, tagged, ignored, dead."""
        database = db.connect(self.url)
        with reading(database) as session:
            found = mentions.counts_by_state(session)
        database.dispose()
        return found

    def tagged(self) -> int:
        """How many mentions are worked."""
        states = self.states()
        return states.get("tagged", 0) + states.get("ignored", 0)

    def undelivered(self) -> list[str]:
        """The Slack channels for which something waits."""
        database = db.connect(self.url)
        with reading(database) as session:
            found = outbox.channels_with_work(session)
        database.dispose()
        return found


def _toml(settings: Mapping[str, Any]) -> str:
    """TOML of sections, lists of sections, and plain values, which JSON writes the same."""
    lines: list[str] = []
    for name, section in settings.items():
        for one in section if isinstance(section, list) else [section]:
            lines.append(f"[[{name}]]" if isinstance(section, list) else f"[{name}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in one.items()]
    return "\n".join(lines) + "\n"
