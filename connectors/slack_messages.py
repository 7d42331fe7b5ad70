"""What Slack's messages say: text, authors, threads, and which of them a customer wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain import Author, Mention
from connectors import base

PLATFORM = "slack"

WRITTEN = frozenset({"", "file_share", "me_message", "thread_broadcast", "bot_message"})
"""Subtypes that somebody wrote; the others say who joined, what was pinned, what was deleted."""

_TS = re.compile(r"[0-9]{1,12}\.[0-9]{6}\Z")
_CHANNEL = re.compile(r"[CGD][A-Z0-9]{2,20}\Z")
_ID = re.compile(r"(?P<channel>[CGD][A-Z0-9]+):(?P<ts>[0-9]{1,12}\.[0-9]{6})\Z")
_TOKEN = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_EPOCH = datetime.fromtimestamp(0, UTC)


def microseconds(ts: str) -> int:
    """Return a ts as a number to compare by: as floats, neighbours could be equal.

    Raises:
        ValueError: it is no ts.
    """
    if not _TS.match(ts):
        message = "this is no ts"
        raise ValueError(message)
    return int(ts.replace(".", ""))


def ts_of(number: int) -> str:
    """Return the ts of a number of microseconds."""
    return f"{number // 1_000_000}.{number % 1_000_000:06d}"


def ts_at(moment: datetime) -> int:
    """Return the microseconds of a moment."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def external_id(channel: str, ts: str) -> str:
    """A ts is unique within its channel only."""
    return f"{channel}:{ts}"


def is_channel_id(given: str) -> bool:
    """True for the id of a public channel, a private one or a direct message."""
    return bool(_CHANNEL.match(given))


def split_id(given: str) -> tuple[str, str]:
    """Return channel and ts of an id of ours; two empty strings for any other."""
    match = _ID.match(given)
    return (match["channel"], match["ts"]) if match else ("", "")


def subtype(message: Mapping[str, Any]) -> str:
    """Return the subtype; empty for an ordinary message."""
    return str(message.get("subtype", ""))


def edited_at(message: Mapping[str, Any]) -> int:
    """Return when a message was last edited, in microseconds; 0 for never."""
    edited = message.get("edited")
    return microseconds(str(edited["ts"])) if isinstance(edited, dict) else 0


def latest_reply(message: Mapping[str, Any]) -> int:
    """Return when the last reply of its thread came, in microseconds; 0 without replies."""
    found = message.get("latest_reply")
    return microseconds(str(found)) if found else 0


def writer(message: Mapping[str, Any]) -> str:
    """Return the id of who wrote it: a user, or a bot that is none."""
    return base.storable(str(message.get("user") or message.get("bot_id") or ""))


def mention(message: Mapping[str, Any], channel: str, author: Author, workspace_url: str) -> Mention:
    """Return a message as a mention.

    Raises:
        ValueError: it has no text, or its ts is none.
    """
    ts = str(message["ts"])
    posted_at = _EPOCH + timedelta(microseconds=microseconds(ts))
    text = plain(message)
    if not text:
        reason = "this has no text"
        raise ValueError(reason)
    start = str(message.get("thread_ts") or ts)
    return Mention(
        platform=PLATFORM,
        external_id=external_id(channel, ts),
        author=author,
        text=text,
        posted_at=posted_at,
        url=f"{workspace_url}archives/{channel}/p{ts.replace('.', '')}",
        thread=external_id(channel, start),
        in_reply_to=external_id(channel, start) if start != ts else "",
        is_private=True,
    )


def author(user_id: str, user: Mapping[str, Any]) -> Author:
    """Return the author from a user object; only the id when there is none."""
    profile = user.get("profile")
    names = profile if isinstance(profile, dict) else {}
    name = names.get("display_name") or names.get("real_name") or user.get("real_name") or ""
    return Author(user_id, base.storable(str(user.get("name", ""))), base.storable(str(name)))


def plain(message: Mapping[str, Any]) -> str:
    """Return the text as a person reads it; the names of its files when it has no words."""
    written = str(message.get("text") or "")
    text = _TOKEN.sub(_readable, written).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    files = message.get("files")
    if not text.strip() and isinstance(files, list):
        text = " ".join(f"[{file.get('name') or 'file'}]" for file in files if isinstance(file, dict))
    return base.storable(text)


def _readable(token: re.Match[str]) -> str:
    """``<@U1|ada>`` → ``@ada``, ``<#C1|help>`` → ``#help``, ``<!here>`` → ``@here``, ``<url|label>`` → ``label (url)``.

    https://docs.slack.dev/messaging/formatting-message-text
    """
    target, label = token[1], token[2] or ""
    if target[:1] == "!":
        return label or "@" + target[1:].partition("^")[0]
    if target[:1] in {"@", "#"}:
        return target[0] + (label.lstrip("@#") or target[1:])
    return f"{label} ({target})" if label and label not in target else target
