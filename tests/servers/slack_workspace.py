"""The state of the Slack stand-in: people, channels, messages, views, and the clock they go by."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

TEAM = "T0EARMARK"
APP = "A0EARMARK"
BOT = "B0EARMARK"
BOT_USER = "U0EARMARK"

TRIGGER_SECONDS = 3.0
"""A trigger_id lives this long. https://docs.slack.dev/interactivity/handling-user-interaction#modal_responses"""


class SlackRefusal(Exception):  # noqa: N818  # Slack says "error"; here it is a normal answer
    """Slack answers ``ok: false`` with ``code``; ``extra`` stands beside it in the answer."""

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.extra = extra


@dataclass
class User:
    """Somebody of the workspace."""

    id: str
    name: str
    real_name: str
    is_bot: bool = False

    def as_json(self) -> Json:
        """The user as users.info gives it. https://docs.slack.dev/reference/objects/user-object"""
        profile = {"real_name": self.real_name, "display_name": self.name, "team": TEAM}
        return {
            "id": self.id,
            "team_id": TEAM,
            "name": self.name,
            "deleted": False,
            "real_name": self.real_name,
            "tz": "Europe/London",
            "profile": profile,
            "is_bot": self.is_bot,
            "is_app_user": False,
        }


@dataclass
class Channel:
    """A conversation; ``messages`` in the order they were posted, replies among them."""

    id: str
    name: str
    is_private: bool = False
    is_archived: bool = False
    bot_is_member: bool = True
    members: list[str] = field(default_factory=list)
    messages: list[Json] = field(default_factory=list)

    def message(self, ts: str) -> Json | None:
        """The message of that ts; None when there is none."""
        return next((message for message in self.messages if message["ts"] == ts), None)

    def as_json(self) -> Json:
        """The channel as conversations.info gives it. https://docs.slack.dev/reference/objects/conversation-object"""
        return {
            "id": self.id,
            "name": self.name,
            "is_channel": not self.is_private,
            "is_group": False,
            "is_im": False,
            "is_mpim": False,
            "is_private": self.is_private,
            "is_archived": self.is_archived,
            "is_member": self.bot_is_member,
            "num_members": len(self.members),
        }


@dataclass
class Trigger:
    """What a press hands out so that the app may open one view."""

    user: str
    issued_at: float
    is_used: bool = False


class Workspace:
    """Everything Slack remembers. ``clock`` gives seconds since 1970."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.users: dict[str, User] = {BOT_USER: User(BOT_USER, "earmark", "Earmark", is_bot=True)}
        self.channels: dict[str, Channel] = {}
        self.homes: dict[str, Json] = {}
        self.modals: dict[str, Json] = {}
        self.closed_views: dict[str, Json] = {}
        self.ephemerals: list[Json] = []
        self._triggers: dict[str, Trigger] = {}
        self._last_microseconds = 0
        self._count = 0

    def next_ts(self) -> str:
        """A timestamp that no message of the workspace has; it never goes back."""
        self._last_microseconds = max(int(self.clock() * 1_000_000), self._last_microseconds + 1)
        seconds, fraction = divmod(self._last_microseconds, 1_000_000)
        return f"{seconds}.{fraction:06d}"

    def next_id(self, prefix: str) -> str:
        """An id such as ``V00000001``."""
        self._count += 1
        return f"{prefix}{self._count:08d}"

    def channel(self, channel: str) -> Channel:
        """The channel of that id.

        Raises:
            SlackRefusal: channel_not_found, also for a private channel the bot is not in, as Slack does.
        """
        found = self.channels.get(channel)
        if found is None or (found.is_private and not found.bot_is_member):
            raise SlackRefusal("channel_not_found")
        return found

    def issue_trigger(self, user: str) -> str:
        """A trigger_id good for three seconds and one use."""
        trigger = f"{len(self._triggers) + 1}.{TEAM}.{secrets.token_hex(8)}"
        self._triggers[trigger] = Trigger(user, self.clock())
        return trigger

    def use_trigger(self, trigger_id: str) -> str:
        """Return the user who pressed. https://docs.slack.dev/reference/methods/views.open

        Raises:
            SlackRefusal: the id is unknown, older than three seconds, or used already.
        """
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise SlackRefusal("invalid_trigger_id")
        if trigger.is_used:
            raise SlackRefusal("exchanged_trigger_id")
        if self.clock() - trigger.issued_at > TRIGGER_SECONDS:
            raise SlackRefusal("expired_trigger_id")
        trigger.is_used = True
        return trigger.user

    def remove_message(self, channel: Channel, ts: str) -> None:
        """Delete a message; one with replies leaves a tombstone, as Slack shows it."""
        message = channel.message(ts)
        if message is None:
            raise SlackRefusal("message_not_found")
        if any(is_reply_to(ts, other) for other in channel.messages):
            kept: Json = {key: message[key] for key in ("type", "ts", "thread_ts") if key in message}
            message.clear()
            message |= {**kept, "subtype": "tombstone", "text": "This message was deleted.", "user": "USLACKBOT"}
        else:
            channel.messages.remove(message)


def is_reply(message: Json) -> bool:
    """True for a message inside a thread that is not its first."""
    return str(message.get("thread_ts", message["ts"])) != str(message["ts"])


def is_reply_to(ts: str, message: Json) -> bool:
    """True for a reply in the thread of ``ts``."""
    return is_reply(message) and str(message["thread_ts"]) == ts


@dataclass(frozen=True)
class Slice:
    """What of a conversation is asked for: conversations.history and .replies have the same arguments."""

    oldest: str
    latest: str
    is_inclusive: bool
    limit: int
    cursor: str
    pages_from: str = "latest"

    def cut(self, messages: list[Json]) -> tuple[list[Json], str]:
        """Return one page of ``messages`` (ascending) in ascending order, and the next cursor ("" at the end).

        Cursors name a place between messages, so a message posted between two pages moves nothing.
        """
        inside = [message for message in messages if self._holds(message["ts"])]
        place = _decode(self.cursor) if self.cursor else ""
        if self.pages_from == "latest":
            rest = [message for message in inside if not place or _key(message["ts"]) < _key(place)]
            page, has_more = rest[-self.limit :], len(rest) > self.limit
            return page, _encode(page[0]["ts"]) if has_more else ""
        rest = [message for message in inside if not place or _key(message["ts"]) > _key(place)]
        page, has_more = rest[: self.limit], len(rest) > self.limit
        return page, _encode(page[-1]["ts"]) if has_more else ""

    def _holds(self, ts: str) -> bool:
        """Bounds are exclusive unless ``inclusive`` is set. https://docs.slack.dev/reference/methods/conversations.history"""
        after = not self.oldest or _key(ts) > _key(self.oldest) or (self.is_inclusive and _key(ts) == _key(self.oldest))
        before = (
            not self.latest or _key(ts) < _key(self.latest) or (self.is_inclusive and _key(ts) == _key(self.latest))
        )
        return after and before


def _key(ts: str) -> int:
    """Microseconds: as floats, two neighbours could be equal."""
    seconds, _, fraction = ts.partition(".")
    return int(seconds) * 1_000_000 + int(fraction.ljust(6, "0")[:6] or 0)


def is_ts(ts: str) -> bool:
    """True for something Slack takes as a timestamp, such as ``1700000000`` or ``1700000000.000100``."""
    seconds, dot, fraction = ts.partition(".")
    return seconds.isdigit() and (not dot or fraction.isdigit())


def _encode(ts: str) -> str:
    return base64.urlsafe_b64encode(f"next_ts:{ts}".encode()).decode()


def _decode(cursor: str) -> str:
    try:
        kind, _, ts = base64.urlsafe_b64decode(cursor).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise SlackRefusal("invalid_cursor") from error
    if kind != "next_ts" or not is_ts(ts):
        raise SlackRefusal("invalid_cursor")
    return ts
