"""Is a message whose post was not answered in Slack? Found by the delivery id in its metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from slack_sdk import WebClient

from bot.slack.calls import Limited, Refused, Trouble, Unknown, call
from storage.outbox import Kind, Message

PAGE = 200
"""Slack advises 200 at most, and gives less to apps under its restricted limits."""
PAGES_MAX = 50
SKEW_MAX = timedelta(days=1)
"""How far our clock and Slack's may lie apart, where no earlier message of ours says what time it is at Slack."""


@dataclass(frozen=True, slots=True)
class Found:
    """It is in Slack, as the message of that ts."""

    ts: str


@dataclass(frozen=True, slots=True)
class NotFound:
    """It is not in Slack."""


def look_for(client: WebClient, message: Message, *, card_ts: str, after_ts: str) -> Found | NotFound | Trouble:
    """Look where ``message`` would be: the channel, the thread that ``card_ts`` starts, or the card itself.

    ``after_ts`` is the ts of the card before it, "" when there is none: order is kept, so ours is later, and that
    holds by Slack's own clock.
    """
    match message.kind:
        case Kind.CARD | Kind.SUMMARY | Kind.INCIDENT | Kind.REQUEST:
            return _search(client, "conversations.history", message, {"oldest": after_ts or _earliest(message)})
        case Kind.NOTE | Kind.SUMMARY_THREAD:
            return _search(client, "conversations.replies", message, {"ts": card_ts})
        case Kind.CARD_EDIT | Kind.REMOVE | Kind.INCIDENT_EDIT | Kind.REQUEST_EDIT:
            return _look_at(client, message, card_ts)


def _search(client: WebClient, method: str, message: Message, where: Mapping[str, Any]) -> Found | NotFound | Trouble:
    """Read page by page where it may have been posted."""
    cursor = str(message.detail.get("cursor", ""))
    asked = {"channel": message.slack_channel, "limit": PAGE, "include_all_metadata": True, **where}
    for _ in range(PAGES_MAX):
        answer = call(client, method, {**asked, "cursor": cursor} if cursor else asked)
        if isinstance(answer, Limited):
            return replace(answer, cursor=cursor)
        if not isinstance(answer, dict):
            return answer
        for found in answer.get("messages") or []:
            if message.delivery_id in _ids(found):
                return Found(str(found["ts"]))
        cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
        if not cursor:
            return NotFound()
    return Refused(f"it is not among the latest {PAGE * PAGES_MAX} messages")


def _earliest(message: Message) -> str:
    return f"{(message.first_attempt_at - SKEW_MAX).timestamp():.6f}" if message.first_attempt_at else "0"


def _look_at(client: WebClient, message: Message, card_ts: str) -> Found | NotFound | Trouble:
    """An edit is there when the card carries its id; a removal, when the card is not there."""
    bounds = {"oldest": card_ts, "latest": card_ts, "inclusive": True, "limit": 1}
    asked = {"channel": message.slack_channel, "include_all_metadata": True, **bounds}
    answer = call(client, "conversations.history", asked)
    if not isinstance(answer, dict):
        return answer
    if not isinstance(answer.get("messages"), list):
        return Unknown("the answer holds no messages")
    shown = [
        found for found in answer["messages"] if found.get("ts") == card_ts and found.get("subtype") != "tombstone"
    ]
    is_done = not shown if message.kind is Kind.REMOVE else any(_ids(m)[0] == message.delivery_id for m in shown)
    return Found(card_ts) if is_done else NotFound()


def _ids(found: Mapping[str, Any]) -> tuple[str, str]:
    """What a message was delivered as, and the card that an edit made of it; "" for what it does not say."""
    payload = (found.get("metadata") or {}).get("event_payload") or {}
    return str(payload.get("delivery_id", "")), str(payload.get("card_id", ""))
