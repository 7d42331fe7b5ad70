"""The deliver step: the outbox of one Slack channel, head of line, in order, each message once.

Slack knows no idempotency key, so an answer that never came leaves two possibilities. The protocol:

1. Commit ``sending`` and the attempt **before** the post; post with our delivery id in the message's metadata.
2. A clear yes makes it ``sent``, a clear no ``pending`` or ``dead``. Anything else leaves it ``sending``.
3. A message found ``sending`` waits until its post cannot be under way any more, then is looked for in Slack by its
   delivery id: found, it is ``sent``; not found, it is posted again.

No transaction is open during HTTP. The words are rendered when they are sent, so erased text is never sent.
What cannot be closed from outside: a request that the network holds back for longer than ``quiesce_seconds``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackObjectFormationError
from sqlalchemy import Engine
from sqlmodel import Session

from bot.config import SlackSettings
from bot.errors import StorageError
from bot.operating.counters import SLACK_ANSWERS
from bot.slack import cards, summary_thread
from bot.slack.calls import Gone, Limited, Refused, Unknown, call
from bot.slack.cards import Rendered
from bot.slack.incidents import incident_message
from bot.slack.requests import card as request_card
from bot.slack.search import SKEW_MAX, Found, NotFound, look_for
from bot.slack.summary import mrkdwn
from bot.slack.summary_thread import Shown
from bot.views import CaseView
from storage import casework, incident_views, incidents, outbox, relocation, report_cases, requests, summaries
from storage.cases import case_view
from storage.db import transaction
from storage.outbox import Kind, Message, Order

MESSAGES_A_TURN = 30
GIVE_UP_ATTEMPTS, GIVE_UP_AFTER = 6, timedelta(minutes=10)
"""After so many unanswered posts, between which Slack's history did answer, the message itself is at fault."""
_PATIENCE_MAX = 16
"""The wait after an unanswered post doubles up to this many times ``quiesce_seconds``."""
_LOOK_AGAIN_S = 5.0
"""The least wait after a search that Slack did not answer: an outage is no reason to hurry."""
WAIT_MAX = timedelta(minutes=15)
"""The longest wait at a time. What lies further ahead was noted before a clock was set back; it counts for nothing."""
METADATA_TYPE = "earmark_card"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be done before ``until``."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Skip:
    """There is nothing left to show."""

    reason: str


@dataclass(frozen=True, slots=True)
class Post:
    """A call of the Web API that shows a message."""

    message: Message
    method: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Search:
    """A message that may be in Slack already; ``card_ts`` is where its card is, ``after_ts`` what is before it."""

    message: Message
    card_ts: str
    after_ts: str
    is_old: bool = False
    """Another life of this database may have posted it, before it was put back from a copy."""


def deliver(
    engine: Engine,
    client: WebClient,
    slack_channel: str,
    *,
    now: Callable[[], datetime],
    settings: SlackSettings,
    is_alone: Callable[[], bool] = lambda: True,
) -> datetime | None:
    """Send what waits for one Slack channel; return when to be called again, None once nothing waits.

    Safe to be killed anywhere and to be run twice at once. A turn ends after :data:`MESSAGES_A_TURN`.
    ``client`` must not retry by itself: :func:`bot.app.slack_of` makes such a one. ``is_alone`` is asked before
    each call: false once another process may have taken this channel over.

    Raises:
        StorageError: the database went away, or the channel is another's by now. Nothing was sent since.
    """
    line = _Line(engine, client, slack_channel, now, settings, is_alone)
    for _ in range(MESSAGES_A_TURN):
        match line.take():
            case None:
                return None
            case Wait(until):
                return until
            case Post() as post:
                line.send(post)
            case Search() as search:
                line.find(search)
            case Skip(reason):
                log.info("delivery_skipped", slack_channel=slack_channel, reason=reason)
    return now()


@dataclass(frozen=True, slots=True)
class _Line:
    """One Slack channel's outbox."""

    engine: Engine
    client: WebClient
    slack_channel: str
    now: Callable[[], datetime]
    settings: SlackSettings
    is_alone: Callable[[], bool]

    def take(self) -> Wait | Skip | Post | Search | None:
        """Decide what to do with the head of the line, and commit that it is about to be done."""
        now = self.now()
        with transaction(self.engine) as session:
            message = outbox.head(session, self.slack_channel)
            if message is None:
                return None
            until = self._not_before(session, message, now)
            if until is not None and until > now:
                return Wait(until)
            card_ts, _ = outbox.card(session, message)
            if message.state == "sending":
                return Search(message, _place_of(session, message), outbox.ts_before(session, message))
            posted_after = _posted_before_the_copy_went_on(session, message)
            if posted_after is not None and (card_ts or message.kind is not Kind.NOTE):
                return Search(message, card_ts, _ts(posted_after), is_old=True)
            return self._prepare(session, message, now)

    def _not_before(self, session: Session, message: Message, now: datetime) -> datetime | None:
        times = [outbox.free_at(session, self.slack_channel), message.next_at]
        if message.state == "sending" and message.last_attempt_at is not None:
            patience = min(2 ** (message.attempts - 1), _PATIENCE_MAX)
            times.append(message.last_attempt_at + timedelta(seconds=self.settings.quiesce_seconds * patience))
        return max((time for time in times if time is not None and time <= now + WAIT_MAX), default=None)

    def _prepare(self, session: Session, message: Message, now: datetime) -> Wait | Skip | Post:
        """Render the message and note the attempt, in the transaction that decides on it."""
        try:
            rendered = _render(session, message, now)
        except SlackObjectFormationError as error:
            # The next message must not wait for a card that can never be built.
            outbox.mark_dead(session, message, error=f"cannot be shown: {error}")
            log.exception("delivery_unshowable", slack_channel=self.slack_channel, message=message.id)
            return Skip("it cannot be shown")
        if isinstance(rendered, Skip):
            outbox.mark_sent(session, message, slack_ts="", now=now, error=f"skipped: {rendered.reason}")
            return rendered
        under_way = outbox.mark_sending(session, message, now=now)
        if under_way is None:
            return Wait(now + timedelta(seconds=self.settings.quiesce_seconds))
        self._hold(session, self.settings.seconds_between_messages)
        return replace(rendered, message=under_way)

    def send(self, post: Post) -> None:
        """Call Slack and write down what came of it."""
        if not self.is_alone():
            # The message stays ``sending``: whoever has the channel now looks for it in Slack first.
            raise StorageError(f"the lock on Slack channel {self.slack_channel} is lost; nothing more is sent")
        answer = call(self.client, post.method, post.arguments)
        SLACK_ANSWERS.labels(self.slack_channel, _word(answer)).inc()
        message = post.message
        match answer:
            case Limited(wait_s, reason):
                self._try_later(message, wait_s, reason)
            case Gone(code):
                # The card was deleted by hand, or is removed already: there is nothing left to change.
                self._sent(message, "", error=f"skipped: {code}")
            case Refused(code):
                self._bury(message, code)
            case Unknown(reason):
                self._leave(message, reason)
            case dict():
                self._sent(message, str(answer.get("ts") or ""))

    def find(self, search: Search) -> None:
        """Look for a message whose post was not answered: adopt it, or post it again."""
        message = search.message
        match look_for(self.client, message, card_ts=search.card_ts, after_ts=search.after_ts):
            case Found(ts):
                log.info("delivery_found", trace=message.case_id, slack_channel=self.slack_channel, message=message.id)
                self._sent(message, ts, redraw=search.is_old)
            case NotFound():
                self._again(message)
            case Limited(wait_s, reason, cursor):
                self._leave(message, reason, cursor=cursor, wait_s=wait_s)
            case Refused() if search.is_old:
                self._again(message)
            case Gone(code) | Refused(code):
                self._bury(message, f"nobody knows whether it was posted: {code}")
            case Unknown(reason):
                self._leave(message, reason, wait_s=max(self.settings.quiesce_seconds, _LOOK_AGAIN_S))

    def _again(self, message: Message) -> None:
        now = self.now()
        started = message.first_attempt_at or now
        if message.attempts >= GIVE_UP_ATTEMPTS and now - started >= GIVE_UP_AFTER:
            self._bury(message, f"Slack answered none of {message.attempts} attempts")
            return
        with transaction(self.engine) as session:
            prepared = self._prepare(session, message, now)
        if isinstance(prepared, Post):
            self.send(prepared)

    def _sent(self, message: Message, ts: str, *, error: str = "", redraw: bool = False) -> None:
        """Note that it is there. With ``redraw`` it shows what another life of this database knew of the case."""
        with transaction(self.engine) as session:
            if not outbox.mark_sent(session, message, slack_ts=ts, now=self.now(), error=error):
                # Another deliverer has it, and what it finds in Slack is this very message.
                log.warning("delivery_overtaken", slack_channel=self.slack_channel, message=message.id)
                return
            if message.case_id is not None and message.kind is Kind.CARD:
                outbox.show_card(session, message.case_id, slack_channel=self.slack_channel, slack_ts=ts)
                if redraw:
                    key = f"edit:{message.case_id}:found:{message.id}"
                    edit = Order(self.slack_channel, Kind.CARD_EDIT, message.case_id, key)
                    outbox.enqueue(session, [edit], now=self.now())
            elif message.case_id is not None and message.kind is Kind.REMOVE:
                outbox.forget_card(session, message.case_id, slack_channel=self.slack_channel)
            elif message.kind is Kind.INCIDENT:
                incidents.show_at(session, str(message.detail["incident"]), slack_ts=ts)
            self._hold(session, self.settings.seconds_between_messages)
        where = {"slack_channel": self.slack_channel, "message": message.id}
        log.info("delivered", trace=message.case_id, **where, kind=message.kind.value)

    def _try_later(self, message: Message, wait_s: float, reason: str) -> None:
        """Slack took nothing. After a second attempt the search comes first again: history may have been late."""
        until = self.now() + min(timedelta(seconds=wait_s), WAIT_MAX)
        with transaction(self.engine) as session:
            if message.attempts == 1:
                outbox.mark_pending(session, message, next_at=until, error=reason)
            else:
                outbox.note_error(session, message, error=reason)
            outbox.hold(session, self.slack_channel, until=until)
        log.warning(
            "delivery_waits", slack_channel=self.slack_channel, message=message.id, reason=reason, wait_s=wait_s
        )

    def _leave(self, message: Message, reason: str, *, cursor: str = "", wait_s: float = 0.0) -> None:
        """Nobody knows whether it is in Slack: it stays ``sending``."""
        with transaction(self.engine) as session:
            outbox.note_error(session, message, error=reason, cursor=cursor)
            self._hold(session, max(wait_s, self.settings.seconds_between_messages))
        log.warning(
            "delivery_unanswered",
            trace=message.case_id,
            slack_channel=self.slack_channel,
            message=message.id,
            reason=reason,
        )

    def _bury(self, message: Message, reason: str) -> None:
        with transaction(self.engine) as session:
            outbox.mark_dead(session, message, error=reason)
            self._hold(session, self.settings.seconds_between_messages)
        log.error(
            "delivery_dead", trace=message.case_id, slack_channel=self.slack_channel, message=message.id, reason=reason
        )

    def _hold(self, session: Session, seconds: float) -> None:
        outbox.hold(session, self.slack_channel, until=self.now() + min(timedelta(seconds=seconds), WAIT_MAX))


def _word(answer: object) -> str:
    """``ok``, or what kind of trouble: limited, gone, refused, unknown."""
    return "ok" if isinstance(answer, dict) else type(answer).__name__.lower()


def _posted_before_the_copy_went_on(session: Session, message: Message) -> datetime | None:
    """Return from when on it may have been posted by another life of this database; None where it was not.

    A card of a case that began before we went on, and whatever else waited when the copy was made.
    """
    copy = relocation.last_resumed(session) if message.attempts == 0 else None
    if copy is None or message.kind in {Kind.CARD_EDIT, Kind.REMOVE}:
        return None
    made_at, resumed_at = copy
    begun_at = message.created_at
    if message.kind is Kind.CARD and message.case_id is not None:
        begun_at = casework.opened_at(session, message.case_id) or begun_at
    is_old = begun_at <= (resumed_at if message.kind is not Kind.NOTE else made_at)
    return made_at - SKEW_MAX if is_old else None


def _ts(at: datetime) -> str:
    return f"{at.timestamp():.6f}"


def _render(session: Session, message: Message, now: datetime) -> Skip | Post:
    """Return the call that shows ``message`` as things are now, or why there is nothing to show.

    Raises:
        SlackObjectFormationError: the card breaks a limit of Block Kit.
    """
    if message.kind in _OF_NO_CASE:
        return _OF_NO_CASE[message.kind](session, message)
    card_ts, card_id = outbox.card(session, message)
    if message.kind is not Kind.CARD and not card_ts:
        return Skip("its card is not in Slack")
    if message.kind is Kind.REMOVE:
        return _post(message, "chat.delete", {"ts": card_ts})
    view = case_view(session, message.case_id) if message.case_id is not None else None
    if view is None:
        return Skip("its case is gone")
    reason = _superseded(session, message)
    return Skip(reason) if reason else _shown(message, view, card_ts, card_id, now)


def _summary(session: Session, message: Message) -> Skip | Post:
    kept = summaries.of(session, date.fromisoformat(str(message.detail["date"])))
    return _post(message, "chat.postMessage", {"text": mrkdwn(kept.lines)}) if kept else Skip("its summary is gone")


def _summary_thread(session: Session, message: Message) -> Skip | Post:
    """Return the reply under a summary. Its mentions are read now: what was erased or taken back since is not shown."""
    thread = summaries.thread_of(session, date.fromisoformat(str(message.detail["date"])))
    thread_ts = outbox.thread_ts(session, message)
    if thread is None or not thread_ts:
        return Skip("its summary is not in Slack")
    public = report_cases.living_words_of(session, [mention_id for _, mention_id in thread.examples])
    shown = [Shown(kind, *public.get(mention_id, ("", ""))) for kind, mention_id in thread.examples]
    reply = summary_thread.rendered(thread.reason, shown, thread.csv)
    return _post(message, "chat.postMessage", {"text": reply.text, "blocks": reply.blocks, "thread_ts": thread_ts})


def _incident(session: Session, message: Message) -> Skip | Post:
    view = incident_views.view(session, str(message.detail["incident"]))
    if view is None:
        return Skip("its incident is gone")
    rendered = incident_message(view)
    if message.kind is Kind.INCIDENT:
        return _post(message, "chat.postMessage", _content(rendered))
    return _edit(message, rendered, view.slack_ts)


def _request(session: Session, message: Message) -> Skip | Post:
    found = requests.find(session, int(message.detail["request"]))
    if found is None:
        return Skip("its request is gone")
    rendered = request_card(found)
    if message.kind is Kind.REQUEST:
        return _post(message, "chat.postMessage", _content(rendered))
    return _edit(message, rendered, outbox.thread_ts(session, message))


def _place_of(session: Session, message: Message) -> str:
    """The ts of the message that ``message`` changes or belongs to; "" when there is none."""
    if message.kind is not Kind.INCIDENT_EDIT:
        return outbox.thread_ts(session, message)
    view = incident_views.view(session, str(message.detail["incident"]))
    return view.slack_ts if view else ""


_OF_NO_CASE = {
    Kind.SUMMARY: _summary,
    Kind.SUMMARY_THREAD: _summary_thread,
    Kind.INCIDENT: _incident,
    Kind.INCIDENT_EDIT: _incident,
    Kind.REQUEST: _request,
    Kind.REQUEST_EDIT: _request,
}


def _superseded(session: Session, message: Message) -> str:
    """Return why a message behind this one makes it needless; "" when none does."""
    if outbox.waits_later(session, message, Kind.REMOVE):
        return "its card is taken away"
    is_edit = message.kind is Kind.CARD_EDIT
    return "a later edit shows it" if is_edit and outbox.waits_later(session, message, Kind.CARD_EDIT) else ""


def _shown(message: Message, view: CaseView, card_ts: str, card_id: str, now: datetime) -> Post:
    if message.kind is Kind.NOTE:
        return _post(message, "chat.postMessage", {"text": cards.note(message.detail), "thread_ts": card_ts})
    rendered = cards.card(view, now=now)
    if message.kind is Kind.CARD:
        return _post(message, "chat.postMessage", _content(rendered))
    # An edit takes the card's own id along, by which it is found if the database is put back from a copy.
    return _post(message, "chat.update", {**_content(rendered), "ts": card_ts}, card_id=card_id)


def _edit(message: Message, rendered: Rendered, posted_ts: str) -> Skip | Post:
    if not posted_ts:
        return Skip("it is not in Slack")
    return _post(message, "chat.update", {**_content(rendered), "ts": posted_ts})


def _content(rendered: Rendered) -> dict[str, Any]:
    return {"text": rendered.text, "blocks": rendered.blocks}


def _post(message: Message, method: str, content: Mapping[str, Any], *, card_id: str = "") -> Post:
    arguments: dict[str, Any] = {"channel": message.slack_channel, **content}
    if method != "chat.delete":
        payload = {"delivery_id": message.delivery_id} | ({"card_id": card_id} if card_id else {})
        arguments |= {"metadata": {"event_type": METADATA_TYPE, "event_payload": payload}, "parse": "none"}
        arguments |= {"link_names": False, "unfurl_links": False, "unfurl_media": False}
    return Post(message, method, arguments)
