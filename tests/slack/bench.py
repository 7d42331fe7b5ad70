"""An installation on the bench: database, outbox, a Slack to deliver to, and a clock that the test moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from slack_sdk import WebClient
from sqlalchemy import Engine, event, insert, select, update
from sqlmodel import col

from bot.config import SlackSettings
from bot.slack.delivery import deliver
from storage import models, outbox
from storage.db import connect, reading, transaction
from storage.outbox import Order
from tests.installation import give_tables
from tests.servers.slack import Slack
from tests.slack.conftest import START, Clock

TURNS_MAX = 300


def new_database(folder: Path) -> Engine:
    """Return an engine on an SQLite file with tables and no rows."""
    file = folder / "bench.sqlite"
    give_tables(file)
    engine = connect(f"sqlite:///{file}")
    # These tests end processes, not machines: waiting for the disk would be most of their time.
    event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous=OFF"))
    return engine


@dataclass
class Bench:
    """Engine, Slack and clock, and what tests do with them again and again."""

    engine: Engine
    slack: Slack
    client: WebClient
    clock: Clock
    settings: SlackSettings = field(default_factory=SlackSettings)

    def add_case(self, case_id: int, text: str = "where is my parcel", **columns: Any) -> None:
        """Store a case with one mention."""
        at = START - timedelta(minutes=10)
        author = {"id": case_id, "platform": "x", "external_id": str(case_id), "handle": "cat", "name": "Cat"}
        mention: dict[str, Any] = {
            "id": case_id, "channel": "x-care", "platform": "x", "external_id": str(case_id), "author_id": case_id,
            "text": text, "url": f"https://x.example/{case_id}", "posted_at": at, "received_at": at, "case_id": case_id,
            "state": "tagged",
        }  # fmt: skip
        case: dict[str, Any] = {
            "id": case_id, "author_id": case_id, "channel": "x-care", "platform": "x", "queue": "care",
            "priority": "normal", "rule": "all", "why": "the catch-all route", "tag": "complaint",
            "reason": "where_is_it", "department": "logistics", "quadrant": "liability", "confidence": 0.93,
            "opened_at": at, "last_mention_at": at, "due_at": START + timedelta(minutes=38), **columns,
        }  # fmt: skip
        with transaction(self.engine) as session:
            session.execute(insert(models.Author), [{**author, "seen_at": at}])
            session.execute(insert(models.Mention), [mention])
            session.execute(insert(models.Case), [case])

    def change_case(self, case_id: int, **columns: Any) -> None:
        """Set columns of a case."""
        with transaction(self.engine) as session:
            session.execute(update(models.Case).where(col(models.Case.id) == case_id).values(**columns))

    def order(self, kind: str, case_id: int, key: str = "", channel: str = "CCARE", **detail: Any) -> None:
        """Place an order for Slack."""
        with transaction(self.engine) as session:
            placed = Order(channel, kind, case_id, key or f"{kind}:{case_id}", detail)
            outbox.enqueue(session, [placed], now=self.clock())

    def cards(self, channel: str = "CCARE") -> list[str]:
        """The ids of the cases whose cards a channel shows, in order."""
        buttons = [message["blocks"][-1]["elements"][0] for message in self.slack.messages(channel)]
        return [button["value"] for button in buttons]

    def turn(self, channel: str = "CCARE") -> datetime | None:
        """One turn of the deliverer."""
        return deliver(self.engine, self.client, channel, now=self.clock, settings=self.settings)

    def drain(self, *channels: str) -> None:
        """Let the deliverers have turns, each when it asked to be called, until nothing waits."""
        for channel in channels or ("CCARE",):
            for _ in range(TURNS_MAX):
                again_at = self.turn(channel)
                if again_at is None:
                    break
                self.clock.at = max(self.clock.at, again_at)
            else:
                raise AssertionError(f"{channel} is not drained after {TURNS_MAX} turns")

    def rows(self) -> list[models.OutboxMessage]:
        """The outbox, in order."""
        with transaction(self.engine) as session:
            return list(session.scalars(select(models.OutboxMessage).order_by(col(models.OutboxMessage.id))))

    def states(self) -> list[str]:
        """The states of the outbox, in order."""
        return [row.state for row in self.rows()]

    def case(self, case_id: int) -> models.Case:
        """A case as stored."""
        with transaction(self.engine) as session:
            found = session.get(models.Case, case_id)
            assert found is not None
            return found

    def counts(self) -> dict[tuple[str, str], int]:
        """Messages by channel and state."""
        with reading(self.engine) as session:
            return outbox.counts(session)
