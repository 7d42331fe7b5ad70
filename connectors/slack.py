"""A customers' Slack channel: new messages and replies, and what became of the recent ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import Field, SecretStr, field_validator

from bot.domain import Author, Cost, Liveness, Mention, Page, Sent, Skipped
from bot.errors import ConnectorError, UnconfirmedError
from connectors import base, slack_messages
from connectors.slack_client import Client, SlackRefusedError
from connectors.slack_pass import Message, Pass, Place, Thread

PAGE_MESSAGES = 999
"""The most conversations.history gives: https://docs.slack.dev/reference/methods/conversations.history."""

RESTRICTED_PAGE_MESSAGES = 15
RESTRICTED_WAIT_S = 60.0
"""Apps sold outside the Marketplace: https://docs.slack.dev/changelog/2025/05/29/rate-limit-changes-for-non-marketplace-apps."""

RESTRICTED_WATCHED = 10
NAMES_PER_POLL = 50
RECHECKS_PER_CALL = 20

_AHEAD = timedelta(days=1)
"""How far beyond our clock a pass begins, so that a slow clock hides nothing."""


class Slack:
    """Reads a channel the app is a member of; see docs/connectors/slack.md."""

    platform = slack_messages.PLATFORM

    class Options(base.Options):
        """Keys of ``[[channels]]`` for a Slack channel."""

        channel_id: str
        token_env: base.Variable = Field(default="SLACK_BOT_TOKEN", min_length=1)
        rate: Literal["standard", "restricted"] = "standard"
        """restricted: 15 messages a minute, what Slack gives apps sold outside its Marketplace."""
        backfill_hours: float = Field(default=0, ge=0, le=24 * 90)
        call_budget: int = Field(default=10, ge=1, le=40)
        """Pages of the channel and of threads a poll; what is left is read by the next polls."""
        watched_messages: int = Field(default=200, ge=1, le=900)
        """The newest messages whose edits, deletions and threads are followed."""
        ignore_users: tuple[str, ...] = ()
        """Ids of our own people: their messages are no contacts."""
        bots: bool = False
        api_url: str = "https://slack.com/api/"
        timeout_s: float = Field(default=30, ge=1, le=300)

        @field_validator("channel_id")
        @classmethod
        def _is_channel_id(cls, given: str) -> str:
            if not slack_messages.is_channel_id(given):
                message = "this must be the id of a channel, such as C0123456789, found at the end of its About tab"
                raise ValueError(message)
            return given

        @field_validator("api_url")
        @classmethod
        def _token_travels_encrypted(cls, url: str) -> str:
            return base.safe_address(url)

    def __init__(
        self, options: Options, secrets: Mapping[str, SecretStr], clock: Callable[[], datetime] = base.utc_now
    ) -> None:
        self._options = options
        self._clock = clock
        self._client = Client(secrets["token"], api_url=options.api_url, timeout_s=options.timeout_s)
        self._is_restricted = options.rate == "restricted"
        self._users: dict[str, Author] = {}
        self._me: Mapping[str, Any] = {}

    def poll(self, cursor: str | None) -> Page:
        """Return what up to ``call_budget`` calls give: new messages first, then new replies of watched threads.

        A failure after the first call ends the poll early, with what was read; the next poll meets it again.

        Raises:
            ConnectorError: Slack did not answer or refused us.
            CursorLostError: the cursor is not ours.
        """
        calls = self._client.calls
        self._me = self._me or self._client.me()
        latest = slack_messages.ts_at(self._clock() + _AHEAD)
        reading = Pass(self._place(cursor), self._watched_max, latest)
        wait_s = self._read(reading)
        mentions, unread = self._mentions(reading)
        return Page(
            mentions=mentions,
            cursor=reading.after().encoded(),
            more=not reading.is_done,
            wait_s=wait_s,
            gone=reading.gone_from(self._options.channel_id),
            skipped=(*reading.skipped, *unread),
            cost=Cost(requests=self._client.calls - calls),
        )

    def since(self, at: datetime) -> str:
        """Return the cursor of a backfill from ``at`` on, as far back as the workspace keeps its messages."""
        start = slack_messages.ts_at(at) - 1
        return Place(high=start, swept=start).encoded()

    def recheck(self, ids: Sequence[str]) -> Mapping[str, Liveness]:
        """Return how messages stand, one call each and 20 at most; {} at the restricted rate, which has none to spare.

        Raises:
            ConnectorError: Slack did not answer or refused us.
        """
        if self._is_restricted:
            return {}
        asked = dict.fromkeys(ids, Liveness.UNKNOWN)
        ours = [given for given in asked if slack_messages.split_id(given)[0] == self._options.channel_id]
        return asked | {given: self._stands(given) for given in ours[:RECHECKS_PER_CALL]}

    def reply(self, mention: Mention, text: str) -> Sent:
        """Publish ``text`` in the thread of ``mention``, as text: nothing in it pings or links.

        Raises:
            ConnectorError: permanent when Slack refuses, and when its answer is lost: a second try could post twice.
        """
        channel, thread = slack_messages.split_id(mention.thread or mention.external_id)
        if channel != self._options.channel_id:
            message = (
                f"this mention is not of the Slack channel {self._options.channel_id}; answer it where it was posted"
            )
            raise ConnectorError(message, permanent=True)
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        try:
            ts = str(self._client.post(channel, thread, escaped)["ts"])
        except SlackRefusedError as refusal:
            if refusal.permanent or refusal.retry_after_s is not None:
                raise
            raise _unconfirmed() from refusal
        except (ConnectorError, KeyError) as error:
            raise _unconfirmed() from error
        return Sent(slack_messages.external_id(channel, ts))

    @property
    def _watched_max(self) -> int:
        most = RESTRICTED_WATCHED if self._is_restricted else self._options.watched_messages
        return min(most, self._options.watched_messages)

    def _place(self, cursor: str | None) -> Place:
        start = self._clock() - timedelta(hours=self._options.backfill_hours)
        return base.decode(Place, self.since(start) if cursor is None else cursor, self.platform)

    def _read(self, reading: Pass) -> float | None:
        """Make the calls of one poll and return how long Slack wants us to wait after them."""
        for number in range(1 if self._is_restricted else self._options.call_budget):
            try:
                self._step(reading)
            except ConnectorError as error:
                if not number:
                    raise
                return error.retry_after_s
            if reading.is_done:
                break
        return RESTRICTED_WAIT_S if self._is_restricted else None

    def _step(self, reading: Pass) -> None:
        """Make one call for the pass: the next page of the channel, or of a thread."""
        asked: dict[str, Any] = {"limit": RESTRICTED_PAGE_MESSAGES if self._is_restricted else PAGE_MESSAGES}
        try:
            if reading.thread is None:
                reading.add_history(self._client.history(self._options.channel_id, **asked | _history(reading)))
            else:
                reading.add_replies(self._replies(reading, reading.thread, asked))
        except SlackRefusedError as refusal:
            if refusal.code != "invalid_cursor":
                raise
            reading.forget_token()

    def _replies(self, reading: Pass, thread: Thread, asked: dict[str, Any]) -> dict[str, Any]:
        asked = asked | {"oldest": slack_messages.ts_of(reading.place.swept)}
        asked |= {"cursor": thread.token} if thread.token else {}
        try:
            return self._client.replies(self._options.channel_id, thread.ts, **asked)
        except SlackRefusedError as refusal:
            if refusal.code != "thread_not_found":
                raise
            return {"messages": []}  # it was deleted after the channel was read

    def _mentions(self, reading: Pass) -> tuple[tuple[Mention, ...], list[Skipped]]:
        """Return what customers wrote, oldest first and once each, and what of it cannot be used."""
        found: dict[str, Mention] = {}
        unread = []
        names = _NameBudget(NAMES_PER_POLL)
        workspace_url = str(self._me.get("url", "https://slack.com/"))
        for message in reading.messages:
            if not self._is_wanted(message):
                continue
            author = self._author(slack_messages.writer(message), names)
            try:
                mention = slack_messages.mention(message, self._options.channel_id, author, workspace_url)
            except ValueError as error:
                unread.append(Skipped(str(message["ts"]), str(error)))
            else:
                found[mention.external_id] = mention
        return tuple(sorted(found.values(), key=lambda mention: mention.posted_at)), unread

    def _is_wanted(self, message: Message) -> bool:
        """Leave out what nobody wrote, what we wrote, and bots unless they are asked for."""
        writer = slack_messages.writer(message)
        if slack_messages.subtype(message) not in slack_messages.WRITTEN or writer in self._options.ignore_users:
            return False
        is_ours = writer == self._me.get("user_id") or message.get("bot_id", "") == self._me.get("bot_id")
        is_bot = bool(message.get("bot_id")) or writer == "USLACKBOT"
        return not is_ours and (self._options.bots or not is_bot)

    def _author(self, user: str, names: _NameBudget) -> Author:
        """Return the author with his names; with the id alone when Slack has none or is asked too much."""
        if user in self._users or not user.startswith(("U", "W")) or not names.take():
            return self._users.get(user) or Author(user or "unknown")
        try:
            self._users[user] = slack_messages.author(user, self._client.user(user))
        except ConnectorError as error:
            if not error.permanent:
                names.left = 0
                return Author(user)
            self._users[user] = Author(user)
        return self._users[user]

    def _stands(self, given: str) -> Liveness:
        """Look one message up: in the channel, then among the replies, which the channel's history leaves out."""
        channel, ts = slack_messages.split_id(given)
        asked = {"oldest": ts, "latest": ts, "inclusive": True, "limit": 1}
        found = [self._client.history(channel, **asked)]
        if not _with_ts(found[0], ts):
            try:
                found.append(self._client.replies(channel, ts, **asked | {"limit": 2}))
            except SlackRefusedError as refusal:
                if refusal.code != "thread_not_found":
                    raise
        message = next((message for answer in found for message in _with_ts(answer, ts)), None)
        if message is None or slack_messages.subtype(message) == "tombstone":
            return Liveness.DELETED
        return Liveness.EDITED if "edited" in message else Liveness.ALIVE


@dataclass
class _NameBudget:
    """How many names one poll may still look up."""

    left: int

    def take(self) -> bool:
        self.left -= 1
        return self.left >= 0


def _history(reading: Pass) -> dict[str, Any]:
    """``latest`` is always set: with ``oldest`` alone it is not documented which end the first page comes from."""
    asked: dict[str, Any] = {"latest": slack_messages.ts_of(reading.progress.latest)}
    if reading.low:
        asked |= {"oldest": slack_messages.ts_of(reading.low), "inclusive": True}
    return asked | ({"cursor": reading.progress.token} if reading.progress.token else {})


def _with_ts(answer: Mapping[str, Any], ts: str) -> list[Message]:
    return [message for message in answer["messages"] if message.get("ts") == ts]


def _unconfirmed() -> UnconfirmedError:
    message = "Slack did not confirm the reply, which may be there; look at the thread before answering again"
    return UnconfirmedError(message)
