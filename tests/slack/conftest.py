"""A Slack workspace, a clock that only tests move, and a client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from slack_sdk import WebClient
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.servers.loopback import serve
from tests.servers.slack import BOT_TOKEN, Slack

if TYPE_CHECKING:
    from tests.installation import Clock as OfficeClock
    from tests.slack.bench import Bench
    from tests.slack.office import Office

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


class Clock:
    """Stands still unless a test moves it."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def seconds(self) -> float:
        """The same moment as seconds since 1970, for the stand-in."""
        return self.at.timestamp()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.at += timedelta(seconds=seconds)


class Switch:
    """One server for all tests, and behind it the workspace of the present one: starting a server takes a while."""

    app: ASGIApp
    address: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    @contextmanager
    def to(self, slack: Slack) -> Iterator[str]:
        """Have ``slack`` behind the server's address until the end of the block."""
        self.app = slack.app
        yield self.address
        slack.sockets.close()


@pytest.fixture(scope="session")
def switch() -> Iterator[Switch]:
    made = Switch()
    with serve(made) as address:
        made.address = f"{address}/api/"
        yield made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def slack(clock: Clock) -> Slack:
    made = Slack(clock=clock.seconds)
    made.add_user("UANN", "ann", "Ann Example")
    made.add_user("UBEN", "ben", "Ben Example")
    made.add_channel("CCARE", "care", members=("UANN", "UBEN"))
    return made


@pytest.fixture
def address(slack: Slack, switch: Switch) -> Iterator[str]:
    with switch.to(slack) as address:
        yield address


@pytest.fixture
def client(address: str) -> WebClient:
    return WebClient(token=BOT_TOKEN, base_url=address, timeout=5, retry_handlers=[])


@pytest.fixture
def bench(tmp_path: Path, slack: Slack, client: WebClient, clock: Clock) -> Iterator[Bench]:
    from tests.slack.bench import Bench, new_database

    engine = new_database(tmp_path)
    yield Bench(engine, slack, client, clock)
    engine.dispose()


@pytest.fixture
def office_clock() -> OfficeClock:
    from tests.installation import Clock as OfficeClock

    return OfficeClock()


@pytest.fixture
def office(
    switch: Switch, office_clock: OfficeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    """A queue's people at work in a Slack of their own, on the real desk."""
    from tests.slack.office import office_in, workspace

    slack = workspace(office_clock)
    with switch.to(slack) as address, office_in(tmp_path, slack, office_clock, address, monkeypatch) as made:
        yield made
