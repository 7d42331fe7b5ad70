"""One pass over a Slack channel: from its newest message down to the oldest watched one, then its threads.

A message keeps its place in the channel whatever happens to it, so what changed is found by reading the recent ones
again. The place between two passes is two marks and the watched messages; during a pass it holds the pass as well,
so that it can be cut off after any call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from bot.domain import Gone, Liveness, Skipped
from connectors import base, slack_messages
from connectors.slack_messages import edited_at, latest_reply, microseconds, plain, subtype

Message = dict[str, Any]


class Thread(BaseModel):
    """A thread with replies that are not read yet."""

    model_config = ConfigDict(frozen=True)

    ts: str
    token: str = ""


class Progress(BaseModel):
    """How far a pass has come. ``latest`` and ``token`` go together: a token is good only for its own request."""

    model_config = ConfigDict(frozen=True)

    latest: int
    mark: int = 0
    """The newest thing seen on the first page: whatever happens from then on is newer."""
    newest: int = 0
    token: str = ""
    until: int = 0
    unseen: tuple[int, ...] = ()
    """Watched messages that the pass has not met; at its end they are the deleted ones."""
    met: tuple[int, ...] = ()
    """The newest messages met, which are watched from then on."""
    threads: tuple[Thread, ...] = ()
    is_at_threads: bool = False


class Place(base.Cursor):
    """Messages up to ``high`` are read, and replies and edits up to ``swept``; in microseconds, as all times here."""

    high: int
    swept: int
    watched: tuple[int, ...] = ()
    progress: Progress | None = None


class Pass:
    """A pass, and what one poll has read of it."""

    def __init__(self, place: Place, watched_max: int, latest: int) -> None:
        self.place = place
        self.progress = place.progress or Progress(latest=latest, unseen=place.watched)
        self.messages: list[Message] = []
        self.gone: list[tuple[str, Liveness, str]] = []
        self.skipped: list[Skipped] = []
        self._watched_max = watched_max

    @property
    def low(self) -> int:
        """The oldest watched message; 0 at the first pass, which looks at one page of what was there before."""
        return self.place.watched[0] if self.place.watched else 0

    @property
    def thread(self) -> Thread | None:
        """The thread to read next; None while the channel itself is being read."""
        return self.progress.threads[0] if self.progress.is_at_threads and self.progress.threads else None

    @property
    def is_done(self) -> bool:
        """True when channel and threads are read."""
        return self.progress.is_at_threads and not self.progress.threads

    def after(self) -> Place:
        """Return the place to store with what was read."""
        if not self.is_done:
            return self.place.model_copy(update={"progress": self.progress})
        return Place(
            high=max(self.place.high, self.progress.newest),
            swept=max(self.place.swept, self.progress.mark),
            watched=tuple(sorted(self.progress.met)),
        )

    def forget_token(self) -> None:
        """Go on without the token that Slack refused: from the last message read, or from the thread's beginning."""
        if self.thread is not None:
            self._move(threads=(Thread(ts=self.thread.ts), *self.progress.threads[1:]))
        else:
            self._move(token="", latest=self.progress.until or self.progress.latest)

    def add_history(self, answer: Mapping[str, Any]) -> None:
        """Take a page of the channel, newest first."""
        found = self._numbered(answer)
        if not self.progress.mark:
            self._move(mark=max([self.place.swept, *(_last_change(message) for _, message in found)]))
        for number, message in found:
            self._meet(number, message)
        numbers = [number for number, _ in found]
        token = _next(answer)
        is_last = not token or (bool(numbers) and min(numbers) <= (self.low or self.place.high))
        self._move(
            newest=max([self.progress.newest, *numbers]),
            until=min([self.progress.until or self.progress.latest, *numbers]),
            token="" if is_last else token,
            is_at_threads=is_last,
        )
        if is_last:
            self._bury()

    def add_replies(self, answer: Mapping[str, Any]) -> None:
        """Take a page of the first thread; its parent comes on every page and is no reply."""
        thread, *others = self.progress.threads
        for number, message in self._numbered(answer):
            if number > self.place.swept and str(message["ts"]) != thread.ts:
                self.messages.append(message)
        token = _next(answer)
        self._move(threads=(Thread(ts=thread.ts, token=token), *others) if token else tuple(others))

    def _meet(self, number: int, message: Message) -> None:
        """Take one message of the channel: a new one, or one read before that may have changed."""
        progress, is_tombstone = self.progress, subtype(message) == "tombstone"
        is_watched = number in progress.unseen
        if number > self.place.high:
            self.messages.append(message)
        elif is_watched and is_tombstone:
            self.gone.append((str(message["ts"]), Liveness.DELETED, ""))
        elif is_watched and edited_at(message) > self.place.swept:
            self.gone.append((str(message["ts"]), Liveness.EDITED, plain(message)))
        has_news = latest_reply(message) > self.place.swept
        self._move(
            unseen=tuple(other for other in progress.unseen if other != number),
            met=progress.met if is_tombstone else (*progress.met, number)[: self._watched_max],
            threads=(*progress.threads, Thread(ts=str(message["ts"]))) if has_news else progress.threads,
        )

    def _bury(self) -> None:
        """Whatever was watched and is not there any more is deleted."""
        deleted = [slack_messages.ts_of(number) for number in self.progress.unseen]
        self.gone += [(ts, Liveness.DELETED, "") for ts in deleted]
        self._move(unseen=())

    def _numbered(self, answer: Mapping[str, Any]) -> list[tuple[int, Message]]:
        """Return the messages of an answer with their numbers; one whose times cannot be read is skipped."""
        found = []
        for message in answer["messages"]:
            try:
                _last_change(message)
                found.append((microseconds(str(message["ts"])), message))
            except (KeyError, TypeError, ValueError) as error:
                source = base.storable(str(message.get("ts", ""))[:32])
                reason = f"cannot be read ({type(error).__name__})"
                self.skipped.append(Skipped(source or "a message without ts", reason))
        return found

    def _move(self, **changes: Any) -> None:
        self.progress = self.progress.model_copy(update=changes)

    def gone_from(self, channel: str) -> tuple[Gone, ...]:
        """Return what is gone, by its id in ``channel``."""
        return tuple(Gone(slack_messages.external_id(channel, ts), how, text) for ts, how, text in self.gone)


def _last_change(message: Message) -> int:
    return max(microseconds(str(message["ts"])), latest_reply(message), edited_at(message))


def _next(answer: Mapping[str, Any]) -> str:
    metadata = answer.get("response_metadata")
    token = metadata.get("next_cursor") if isinstance(metadata, dict) else ""
    return token if isinstance(token, str) else ""
