"""What ``app.build`` wires together, as the steps and the desk see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from slack_sdk import WebClient
from sqlalchemy import Engine as Database

from bot.config import Settings
from bot.domain import Connector, Mention, Tagger
from bot.ledger.model import CostModel

# How an hour of work on a platform is scaled (specification 1.6); whatever is not named here is public and social.
_KINDS = {"slack": "chat", "discord": "chat", "matrix": "chat", "telegram": "chat", "email": "email", "phone": "phone"}

Submit = Callable[..., None]
"""``submit(session, step, key="", at=None)``: wake a step once the session commits."""


def utc_now() -> datetime:
    """The present time. Everything below the wiring is given it, so that tests can turn the clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Parts:
    """The real parts of one installation. ``slack`` is None where cards live on the board only."""

    settings: Settings
    database: Database
    connectors: Mapping[str, Connector]
    tagger: Tagger
    model: CostModel
    submit: Submit
    slack: WebClient | None = None
    now: Callable[[], datetime] = utc_now
    shards: int = 1
    """In how many shares mentions are tagged at the same time, by as many workers."""

    def book_date(self, at: datetime) -> date:
        """The date in the reporting time zone on which the ledger books what happened at ``at``."""
        return at.astimezone(ZoneInfo(self.settings.earmark.timezone)).date()

    def hold_expires_at(self, now: datetime) -> datetime:
        """When a case that waits in its queue from ``now`` on is closed, if nobody takes it."""
        return now + timedelta(days=self.settings.ledger.cost.hold_expiry_days)

    def slack_channel(self, queue: str) -> str:
        """The Slack channel that shows a queue's cards; empty where none does."""
        known = self.settings.queue(queue)
        return known.slack_channel if known and self.settings.slack else ""


def channel_kind(mention: Mention) -> str:
    """The kind of a mention's channel: social, dm, chat, email or phone."""
    return kind_of(mention.platform, is_private=mention.is_private)


def kind_of(platform: str, *, is_private: bool) -> str:
    """The kind of a channel on a platform."""
    return "dm" if is_private else _KINDS.get(platform, "social")
