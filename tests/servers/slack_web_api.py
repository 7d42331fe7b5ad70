"""The Web API methods of the Slack stand-in: arguments in, answer out, errors by Slack's own words.

Each method's page: https://docs.slack.dev/reference/methods/<name>
"""

from __future__ import annotations

import json
import math
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.servers.slack_blocks import is_too_large, message_problems, view_problems
from tests.servers.slack_workspace import (
    APP,
    BOT,
    BOT_USER,
    TEAM,
    Channel,
    Json,
    SlackRefusal,
    Slice,
    Workspace,
    is_reply,
    is_reply_to,
    is_ts,
)

TIERS = {"conversations.list": 20, "conversations.history": 50, "conversations.replies": 50, "conversations.info": 50,
         "chat.update": 50, "chat.delete": 50, "chat.postEphemeral": 100, "users.info": 100, "views.open": 100,
         "views.update": 100, "views.publish": 100, "conversations.members": 100}  # fmt: skip
"""Calls a minute, by method. https://docs.slack.dev/apis/web-api/rate-limits"""

SCOPES = {
    "chat.postMessage": "chat:write", "chat.update": "chat:write", "chat.delete": "chat:write",
    "chat.postEphemeral": "chat:write", "conversations.history": "channels:history",
    "conversations.replies": "channels:history", "conversations.info": "channels:read",
    "conversations.list": "channels:read", "conversations.members": "channels:read", "users.info": "users:read",
}  # fmt: skip
"""What a method needs in a public channel; in a private one ``groups:`` takes the place of ``channels:``."""

TEXT_CUT = 40_000
"""chat.postMessage cuts longer text. https://docs.slack.dev/changelog/2018-truncating-really-long-messages"""
UPDATE_TEXT_MAX = 4_000
"""msg_too_long in chat.update. https://docs.slack.dev/reference/methods/chat.update#errors"""
METADATA_MAX = 8_000
"""No number is documented for metadata_too_large; ours are far below this."""


class TooManyCalls(Exception):  # noqa: N818  # becomes a 429
    """https://docs.slack.dev/apis/web-api/rate-limits: HTTP 429 with Retry-After in whole seconds."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(retry_after_s)
        self.retry_after_s = max(1, math.ceil(retry_after_s))


@dataclass
class Limits:
    """Rate limits by the workspace's clock.

    ``seconds_between_messages`` is one a second per channel for chat.postMessage. ``is_restricted`` is what
    non-Marketplace, commercially distributed apps get: history and replies once a minute, 15 messages.
    """

    clock: Callable[[], float]
    seconds_between_messages: float = 1.0
    is_restricted: bool = False
    has_tiers: bool = True
    _posted_at: dict[str, float] = field(default_factory=dict)
    _calls: dict[str, deque[float]] = field(default_factory=dict)

    def count(self, method: str) -> None:
        """Let a call pass, or raise :class:`TooManyCalls`."""
        per_minute = TIERS.get(method, 0) if self.has_tiers else 0
        if self.is_restricted and method in {"conversations.history", "conversations.replies"}:
            per_minute = 1
        if not per_minute:
            return
        now, calls = self.clock(), self._calls.setdefault(method, deque())
        while calls and calls[0] <= now - 60:
            calls.popleft()
        if len(calls) >= per_minute:
            raise TooManyCalls(calls[0] + 60 - now)
        calls.append(now)

    def count_post(self, channel: str) -> None:
        """Let a message into a channel, or raise :class:`TooManyCalls`."""
        wait = self._posted_at.get(channel, -math.inf) + self.seconds_between_messages - self.clock()
        if wait > 1e-6:  # float noise of a clock that adds up steps
            raise TooManyCalls(wait)
        self._posted_at[channel] = self.clock()

    def page_size(self, asked: int | None) -> int:
        """How many messages a page holds."""
        most, default = (15, 15) if self.is_restricted else (999, 100)
        return min(asked or default, most)


class WebApi:
    """The methods. ``scopes`` are the bot token's; ``violations``: what Slack would accept but advises against."""

    def __init__(self, workspace: Workspace, limits: Limits, scopes: frozenset[str], pages_from: str) -> None:
        self.workspace = workspace
        self.limits = limits
        self.scopes = scopes
        self.pages_from = pages_from
        self.violations: list[str] = []
        self._methods: dict[str, Callable[[Json], Json]] = {
            "auth.test": self._auth_test,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "chat.delete": self._delete,
            "chat.postEphemeral": self._post_ephemeral,
            "chat.getPermalink": self._permalink,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
            "conversations.info": lambda args: {"channel": self._channel(args).as_json()},
            "conversations.list": self._list,
            "conversations.members": self._members,
            "users.info": self._user,
            "views.open": self._open_view,
            "views.update": self._update_view,
            "views.publish": self._publish,
        }

    def call(self, method: str, args: Json) -> Json:
        """Return the answer of a method.

        Raises:
            SlackRefusal: ``ok: false``.
            TooManyCalls: 429.
        """
        run = self._methods.get(method)
        if run is None:
            raise SlackRefusal("unknown_method", req_method=method)
        self._check_scope(method, args)
        self.limits.count(method)
        return run(args)

    def _check_scope(self, method: str, args: Json) -> None:
        needed = SCOPES.get(method)
        channel = self.workspace.channels.get(str(args.get("channel", "")))
        if needed and channel and channel.is_private:
            needed = needed.replace("channels:", "groups:")
        if needed and needed not in self.scopes:
            raise SlackRefusal("missing_scope", needed=needed, provided=",".join(sorted(self.scopes)))

    def _channel(self, args: Json) -> Channel:
        return self.workspace.channel(str(args.get("channel", "")))

    def _writable(self, args: Json) -> Channel:
        channel = self._channel(args)
        if not channel.bot_is_member:
            raise SlackRefusal("not_in_channel")
        if channel.is_archived:
            raise SlackRefusal("is_archived")
        return channel

    def _auth_test(self, _: Json) -> Json:
        return {
            "url": "https://example.slack.com/", "team": "Example", "team_id": TEAM, "user": "earmark",
            "user_id": BOT_USER, "bot_id": BOT, "is_enterprise_install": False,
        }  # fmt: skip

    def _post(self, args: Json) -> Json:
        channel = self._writable(args)
        content = self._content(args)
        self.limits.count_post(channel.id)
        ts = self.workspace.next_ts()
        message = {"type": "message", "subtype": "bot_message", "user": BOT_USER, "bot_id": BOT, "app_id": APP}
        del message["subtype"]  # today's apps post without it
        message |= {"team": TEAM, "ts": ts, **content}
        thread = args.get("thread_ts")
        if thread and thread != ts:
            message["thread_ts"] = self._thread_start(channel, thread)
        channel.messages.append(message)
        return {"channel": channel.id, "ts": ts, "message": message}

    def _thread_start(self, channel: Channel, ts: str) -> str:
        """A reply to a reply joins its thread; a parent that is not there cannot be answered."""
        parent = channel.message(ts)
        if parent is None:
            raise SlackRefusal("thread_not_found")
        start = str(parent.get("thread_ts", ts))
        parent["thread_ts"] = start
        return start

    def _content(self, args: Json) -> Json:
        """The checked words of a message, in the fields a message has."""
        text, blocks = args.get("text") or "", _parsed(args.get("blocks"), "invalid_blocks_format")
        if not text and not blocks:
            raise SlackRefusal("no_text")
        if blocks:
            problems = message_problems(blocks)
            if problems:
                raise SlackRefusal("invalid_blocks", errors=problems, response_metadata={"messages": problems})
            if is_too_large(blocks):
                raise SlackRefusal("msg_blocks_too_long")
            if not text:
                # https://docs.slack.dev/reference/methods/chat.postMessage: screen readers read only this.
                self.violations.append("a message with blocks has no top-level text")
        for name in ("unfurl_links", "unfurl_media"):
            if args.get(name) not in {False, "false", "0"} and "http" in text:
                self.violations.append(f"{name} is on for a message with an address")
        content: Json = {"text": text[:TEXT_CUT]}
        content |= {"blocks": _with_block_ids(blocks)} if blocks else {}
        metadata = _parsed(args.get("metadata"), "invalid_metadata_format")
        return content | ({"metadata": _checked_metadata(metadata)} if metadata else {})

    def _update(self, args: Json) -> Json:
        channel = self._writable(args)
        message = channel.message(str(args.get("ts", "")))
        if message is None or message.get("subtype") == "tombstone":
            raise SlackRefusal("message_not_found")
        if message.get("bot_id") != BOT:
            raise SlackRefusal("cant_update_message")
        if len(args.get("text") or "") > UPDATE_TEXT_MAX:
            raise SlackRefusal("msg_too_long")
        content = self._content(args)
        if "blocks" not in args and "blocks" in message:
            self.violations.append("an update without blocks takes the blocks away")
            del message["blocks"]
        message |= content
        message["edited"] = {"user": BOT_USER, "ts": self.workspace.next_ts()}
        return {"channel": channel.id, "ts": message["ts"], "text": message["text"], "message": message}

    def _delete(self, args: Json) -> Json:
        channel, ts = self._channel(args), str(args.get("ts", ""))
        message = channel.message(ts)
        if message is not None and message.get("bot_id") != BOT:
            raise SlackRefusal("cant_delete_message")
        self.workspace.remove_message(channel, ts)
        return {"channel": channel.id, "ts": ts}

    def _post_ephemeral(self, args: Json) -> Json:
        channel, content = self._writable(args), self._content(args)
        if args.get("user") not in channel.members:
            raise SlackRefusal("user_not_in_channel")
        ts = self.workspace.next_ts()
        self.workspace.ephemerals.append({"channel": channel.id, "user": args["user"], "ts": ts, **content})
        return {"message_ts": ts}

    def _permalink(self, args: Json) -> Json:
        channel, ts = self._channel(args), str(args.get("message_ts", ""))
        if channel.message(ts) is None:
            raise SlackRefusal("message_not_found")
        link = f"https://example.slack.com/archives/{channel.id}/p{ts.replace('.', '')}"
        return {"channel": channel.id, "permalink": link}

    def _readable(self, args: Json) -> Channel:
        channel = self._channel(args)
        if not channel.bot_is_member:
            raise SlackRefusal("not_in_channel")
        return channel

    def _history(self, args: Json) -> Json:
        channel = self._readable(args)
        page, cursor = self._slice(args).cut([message for message in channel.messages if not is_reply(message)])
        shown = [_shown(message, channel, args) for message in reversed(page)]
        answer: Json = {"messages": shown, "has_more": bool(cursor), "pin_count": 0}
        return answer | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})

    def _replies(self, args: Json) -> Json:
        """The first message of the thread comes on every page, then replies, oldest first."""
        channel, ts = self._readable(args), str(args.get("ts", ""))
        asked = channel.message(ts)
        if asked is None:
            raise SlackRefusal("thread_not_found")
        start = str(asked.get("thread_ts", ts))
        replies = [message for message in channel.messages if is_reply_to(start, message)]
        page, cursor = self._slice(args, pages_from="oldest").cut(replies)
        first = [message for message in [channel.message(start)] if message]
        shown = [_shown(message, channel, args) for message in [*first, *page]]
        answer: Json = {"messages": shown, "has_more": bool(cursor)}
        return answer | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})

    def _slice(self, args: Json, pages_from: str = "") -> Slice:
        oldest, latest = str(args.get("oldest") or ""), str(args.get("latest") or "")
        if oldest and not is_ts(oldest):
            raise SlackRefusal("invalid_ts_oldest")
        if latest and not is_ts(latest):
            raise SlackRefusal("invalid_ts_latest")
        limit = str(args.get("limit") or "")
        if limit and not (limit.isdigit() and 1 <= int(limit) <= 1000):  # documented: under 1000
            raise SlackRefusal("invalid_limit")
        size = self.limits.page_size(int(limit) if limit else None)
        where = pages_from or ("latest" if latest or not oldest else self.pages_from)
        return Slice(oldest, latest, _true(args.get("inclusive")), size, str(args.get("cursor") or ""), where)

    def _list(self, args: Json) -> Json:
        kinds = str(args.get("types") or "public_channel").split(",")
        wanted = [
            channel.as_json()
            for channel in self.workspace.channels.values()
            if ("private_channel" if channel.is_private else "public_channel") in kinds
            and (channel.bot_is_member or not channel.is_private)
            and not (channel.is_archived and _true(args.get("exclude_archived")))
        ]
        return {"channels": wanted, "response_metadata": {"next_cursor": ""}}

    def _members(self, args: Json) -> Json:
        channel = self._channel(args)
        bot = [BOT_USER] if channel.bot_is_member else []
        return {"members": [*channel.members, *bot], "response_metadata": {"next_cursor": ""}}

    def _user(self, args: Json) -> Json:
        user = self.workspace.users.get(str(args.get("user", "")))
        if user is None:
            raise SlackRefusal("user_not_found")
        return {"user": user.as_json()}

    def _view(self, args: Json, kinds: set[str]) -> Json:
        view = _parsed(args.get("view"), "invalid_arguments")
        problems = view_problems(view)
        if not problems and view["type"] not in kinds:
            problems = [f"view.type must be {' or '.join(kinds)}"]
        if problems:
            raise SlackRefusal("invalid_arguments", response_metadata={"messages": problems})
        if len(json.dumps(view)) > 250_000:  # https://docs.slack.dev/reference/methods/views.open
            raise SlackRefusal("view_too_large")
        shown = {**view, "blocks": _with_block_ids(view["blocks"]), "team_id": TEAM, "app_id": APP, "bot_id": BOT}
        return shown | {"hash": self.workspace.next_ts(), "state": {"values": {}}, "external_id": ""}

    def _open_view(self, args: Json) -> Json:
        view = self._view(args, {"modal"})
        user = self.workspace.use_trigger(str(args.get("trigger_id", "")))
        view |= {"id": self.workspace.next_id("V"), "user": user}
        self.workspace.modals[view["id"]] = view
        return {"view": view}

    def _update_view(self, args: Json) -> Json:
        present = self.workspace.modals.get(str(args.get("view_id", "")))
        if present is None:
            raise SlackRefusal("not_found")
        if args.get("hash") and args["hash"] != present["hash"]:
            raise SlackRefusal("hash_conflict")
        view = self._view(args, {"modal"}) | {"id": present["id"], "user": present["user"]}
        self.workspace.modals[view["id"]] = view
        return {"view": view}

    def _publish(self, args: Json) -> Json:
        user = str(args.get("user_id", ""))
        if user not in self.workspace.users:
            raise SlackRefusal("user_not_found")
        present = self.workspace.homes.get(user)
        if args.get("hash") and (present is None or args["hash"] != present["hash"]):
            raise SlackRefusal("hash_conflict")
        view = self._view(args, {"home"})
        view["id"] = present["id"] if present else self.workspace.next_id("V")
        self.workspace.homes[user] = view
        return {"view": view}


def _shown(message: Json, channel: Channel, args: Json) -> Json:
    """A message as history gives it: without metadata unless asked, a thread's first message with its counts."""
    shown = dict(message)
    if "metadata" in shown and not _true(args.get("include_all_metadata")):
        del shown["metadata"]
    is_thread = "thread_ts" in message  # only then look: a channel of thousands is shown message by message
    replies = [other for other in channel.messages if is_thread and is_reply_to(message["ts"], other)]
    if replies:
        users = list(dict.fromkeys(reply["user"] for reply in replies))
        shown |= {"reply_count": len(replies), "reply_users": users, "reply_users_count": len(users)}
        shown |= {"latest_reply": replies[-1]["ts"], "thread_ts": message["ts"], "is_locked": False}
    return shown


def _with_block_ids(blocks: list[Json]) -> list[Json]:
    """Slack names every block that has no block_id."""
    return [{"block_id": f"b{number}", **block} for number, block in enumerate(blocks)]


def _checked_metadata(metadata: Any) -> Json:
    """https://docs.slack.dev/messaging/message-metadata"""
    if not isinstance(metadata, dict) or set(metadata) != {"event_type", "event_payload"}:
        raise SlackRefusal("invalid_metadata_format")
    payload = metadata["event_payload"]
    if not re.fullmatch(r"\w+", str(metadata["event_type"])) or not isinstance(payload, dict):
        raise SlackRefusal("invalid_metadata_schema")
    if len(json.dumps(metadata)) > METADATA_MAX:
        raise SlackRefusal("metadata_too_large")
    return metadata


def _parsed(value: Any, code: str) -> Any:
    """JSON in a form field is a string; in a JSON body it is itself."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise SlackRefusal(code) from error


def _true(value: Any) -> bool:
    return str(value).lower() in {"1", "true"}
