"""One world a connector: the platform behind it, as the contract needs it. All sample text is ours."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from pydantic import SecretStr

import connectors
from bot.domain import Connector
from tests.servers.loopback import serve
from tests.servers.slack import BOT_TOKEN, Fault, Planned, Slack
from tests.servers.x import KEYS, TOKEN, XServer, x_server

SECRETS = {"X_BEARER_TOKEN": TOKEN, "SLACK_BOT_TOKEN": BOT_TOKEN} | {name.upper(): key for name, key in KEYS.items()}


class World(ABC):
    """A platform that people post on. Ids are those of mentions."""

    name: str
    start = datetime.fromtimestamp(0, UTC)
    small_pages: ClassVar[dict[str, Any]]
    """Options that make a burst take many polls."""

    def connector(self, **options: Any) -> Connector:
        """A new connector, as after a restart."""
        return connectors.build(self.name, "here", self.options | options, lambda name: SecretStr(SECRETS[name]))

    @property
    @abstractmethod
    def options(self) -> dict[str, Any]: ...

    @abstractmethod
    def old(self) -> None:
        """Somebody posted long ago."""

    @abstractmethod
    def burst(self, count: int) -> list[str]:
        """People post; returns the ids, oldest first."""

    @abstractmethod
    def bad(self) -> None:
        """The platform comes to hold an item that nobody can read."""

    def failures(self) -> list[tuple[Callable[[], None], float | None]]:
        """Ways to make the next poll fail, and the wait it then states."""
        return []


class ReplayWorld(World):
    name = "replay"
    small_pages: ClassVar[dict[str, Any]] = {"page_lines": 97}

    def __init__(self, folder: Path) -> None:
        self._path = folder / "mentions.jsonl"
        self._path.touch()
        self._count = 0

    @property
    def options(self) -> dict[str, Any]:
        return {"path": str(self._path)}

    def old(self) -> None:
        """A file is replayed from its beginning, so there is nothing to leave out."""

    def burst(self, count: int) -> list[str]:
        lines = [self._line() for _ in range(count)]
        with self._path.open("a") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
        return [str(line["id"]) for line in lines]

    def _line(self) -> dict[str, Any]:
        self._count += 1
        return {"id": self._count, "text": f"it is down {self._count}", "created_at": 1_790_000_000 + self._count}

    def bad(self) -> None:
        with self._path.open("a") as file:
            file.write("soup\n")

    def failures(self) -> list[tuple[Callable[[], None], float | None]]:
        return [(self._path.unlink, None)]


class XWorld(World):
    name = "x"
    small_pages: ClassVar[dict[str, Any]] = {"page_budget": 2}

    def __init__(self, server: XServer) -> None:
        self._server = server
        server.limits["search"] = 1_000_000

    @property
    def options(self) -> dict[str, Any]:
        return {"query": "@brand", "api_url": self._server.url}

    def old(self) -> None:
        self._server.world.post("@brand long ago", ago=timedelta(hours=5))

    def burst(self, count: int) -> list[str]:
        return [str(number) for number in self._server.world.burst(count)]

    def bad(self) -> None:
        number = self._server.world.post("@brand soup")
        self._server.world.posts[number].oddities = {"text": None}

    def failures(self) -> list[tuple[Callable[[], None], float | None]]:
        kinds = {"429 without reset": 60.0, "503": None, "503 html": None, "reset": None, "truncated": None}
        return [(partial(self._server.fail, kind), wait_s) for kind, wait_s in kinds.items()]


class SlackWorld(World):
    name = "slack"
    small_pages: ClassVar[dict[str, Any]] = {"call_budget": 1}
    channel = "C0CUSTOMERS"

    def __init__(self, slack: Slack, url: str) -> None:
        self._slack, self._url = slack, url
        slack.add_channel(self.channel)
        for number in range(20):
            slack.add_user(f"U{number:03d}", f"user{number}")

    @property
    def options(self) -> dict[str, Any]:
        return {"channel_id": self.channel, "api_url": f"{self._url}/api/"}

    def old(self) -> None:
        self._slack.post_as("U001", self.channel, "long ago")

    def burst(self, count: int) -> list[str]:
        said = [self._slack.post_as(f"U{n % 20:03d}", self.channel, f"it is down {n}") for n in range(count)]
        return [f"{self.channel}:{message['ts']}" for message in said]

    def bad(self) -> None:
        self._slack.post_as("U001", self.channel, "soup", edited={"ts": "soup"})

    def failures(self) -> list[tuple[Callable[[], None], float | None]]:
        limited = Planned(Fault.RATE_LIMITED, retry_after_s=30)
        faults: list[tuple[Fault | Planned, float | None]] = [(limited, 30.0), (Fault.ERROR_500, None)]
        faults.append((Fault.RESET_BEFORE, None))
        return [(partial(self._slack.fail, "conversations.history", fault), wait) for fault, wait in faults]


@contextmanager
def _replay(folder: Path) -> Iterator[World]:
    yield ReplayWorld(folder)


@contextmanager
def _x(_: Path) -> Iterator[World]:
    with x_server() as server:
        yield XWorld(server)


@contextmanager
def _slack(_: Path) -> Iterator[World]:
    slack = Slack(clock=time.time, has_tiers=False)
    with serve(slack.app) as url:
        yield SlackWorld(slack, url)


WORLDS: dict[str, Callable[[Path], AbstractContextManager[World]]] = {"replay": _replay, "slack": _slack, "x": _x}
