"""An incident of ten waiting cases, a platform that takes answers or fails as told, and the process that sends them."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot import app, config, incidents, replying
from bot.app import App, Role
from bot.domain import Actor, Liveness, Mention, Page, Sent
from bot.errors import UnconfirmedError
from storage import models, replies
from storage.db import reading
from storage.models_incidents import Reply
from tests.installation import Installation, line
from tests.looking import rows, take_in
from tests.steps import LIMIT_S

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
INCIDENT = "outage_fault-2026-11-18T11"
FAULT = "complaint/outage_fault: the card reader does not work"
EVE = Actor("slack:UEVE", "Eve", is_supervisor=True)
CASES = 10


@dataclass
class Platform:
    """A platform that takes answers, and fails as told: by the id of the post that is answered, once each."""

    platform: str = "replay"
    said: list[tuple[str, str]] = field(default_factory=list)
    faults: dict[str, BaseException] = field(default_factory=dict)
    slow: dict[str, threading.Event] = field(default_factory=dict)
    """Posts that are answered only once their event is set."""
    asked: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reply(self, mention: Mention, text: str) -> Sent:
        self.asked.set()
        if mention.external_id in self.slow:
            assert self.slow[mention.external_id].wait(LIMIT_S)
        with self.lock:
            fault = self.faults.pop(mention.external_id, None)
            if fault is None or isinstance(fault, UnconfirmedError | KeyError):
                # What is not confirmed is public all the same: the worst case.
                self.said.append((mention.external_id, text))
            if fault is not None:
                raise fault
            return Sent(f"re-{mention.external_id}", f"https://x.example/re-{mention.external_id}")

    def answered(self) -> list[str]:
        """The posts that have an answer, each as often as it has one."""
        return sorted((post for post, _ in self.said), key=int)

    def poll(self, cursor: str | None) -> Page:
        return Page(cursor=cursor)

    def since(self, at: datetime) -> str | None:
        raise NotImplementedError

    def recheck(self, ids: Sequence[str]) -> Mapping[str, Liveness]:
        raise NotImplementedError


@dataclass
class Desk10:
    """An incident of ten waiting cases, on a platform that can be told to fail.

    ``running`` is where people press; ``sender`` is another process, which has the platform and sends.
    """

    running: App
    installation: Installation
    platform: Platform
    senders: list[App] = field(default_factory=list)

    @property
    def sender(self) -> App:
        """The first process that sends."""
        return self.senders[0] if self.senders else self.start()

    def start(self) -> App:
        """Start a process that sends, embedded on SQLite and a node of a cluster on PostgreSQL."""
        parsed = config.parse(self.installation.configuration(), source="test")
        started = app.build(parsed, role=Role.POLL, tagger=self.installation.tagger, now=self.installation.clock)
        assert isinstance(started.parts.connectors, dict)
        started.parts.connectors["feed"] = self.platform
        self.senders.append(started)
        return started

    def send(self) -> object:
        """One turn of the step that sends."""
        return replying.send(self.sender.parts, "feed")

    def send_all(self, turns: int = 50) -> None:
        """Let the engine send until nothing waits, with the time that passes between the turns."""
        for _ in range(turns):
            self.sender.engine.drain()
            with reading(self.running.parts.database) as session:
                again_at = replies.next_at(session, "feed")
            if again_at is None:
                assert "waiting" not in self.replies()
                return
            self.installation.clock.at = max(self.installation.clock.at, again_at)
        raise AssertionError("answers still wait")

    def answer(self, text: str = "It works again.", action: str = "a1") -> str:
        """Answer the incident as its supervisor."""
        return self.running.desk.answer_incident(INCIDENT, EVE, text, action_id=action)

    def replies(self) -> list[str]:
        """The states of the answers, in order."""
        return [row.state for row in rows(self.running, Reply)]

    def states(self) -> list[str]:
        """The states of the incident's cases, in order."""
        return [row.state for row in rows(self.running, models.Case) if row.incident_id]

    def close(self) -> None:
        """End all processes."""
        for one in (self.running, *self.senders):
            one.parts.database.dispose()


def begun(place: Installation, *, cases: int = CASES) -> Desk10:
    """Have so many customers report the same fault within two minutes, and the clock see an incident."""
    running = place.open()
    weeks = [line(1000 + n, FAULT) | {"created_at": (NOON - timedelta(weeks=n, minutes=9)).isoformat()} for n in (4, 5)]
    burst = [line(n, FAULT) | {"created_at": (NOON - timedelta(minutes=2)).isoformat()} for n in range(1, cases + 1)]
    take_in(running, place, *weeks, *burst)
    incidents.watch(running.parts)
    return Desk10(running, place, Platform())
