"""The outbox: what Slack must show, in order per Slack channel, and how far each message got.

Of one Slack channel the urgent messages go first, then the others, each in the order they were placed; what is about
one case always keeps its order. A message whose fate is unknown is settled before anything else is sent.

A row goes ``pending → sending → sent`` or ``dead``. Every change names the state and the number of attempts it was
read with, so that of two deliverers only one gets its way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, cast
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy import ColumnElement, TextClause, delete, func, select, update
from sqlmodel import Session, col

from storage import models
from storage.sql import changed, insert_new, upsert

_WAITING = ("pending", "sending")


class Kind(StrEnum):
    """What a message does in Slack."""

    CARD = "card"
    CARD_EDIT = "card_edit"
    NOTE = "note"
    """A line in the card's thread; ``detail`` says what happened, such as ``{"event": "claimed", "actor": "Ann"}``."""
    REMOVE = "remove"
    """Takes the card away, for a case that has moved to another Slack channel."""
    SUMMARY = "summary"
    """The nightly summary; ``detail`` says of which date: ``{"date": "2026-09-29"}``."""
    SUMMARY_THREAD = "summary_thread"
    """The reply under it; ``detail`` also says under which order: ``{"date": "2026-09-29", "under": "summary:…"}``."""
    INCIDENT = "incident"
    """The one message of an incident; ``detail`` names it: ``{"incident": "outage_fault-2026-11-18T11"}``."""
    INCIDENT_EDIT = "incident_edit"
    REQUEST = "request"
    """A request shown to its product team; ``detail`` says which: ``{"request": 3}``."""
    REQUEST_EDIT = "request_edit"
    """Shows it anew."""


@dataclass(frozen=True, slots=True)
class Order:
    """Something to show. ``dedupe_key`` is unique for ever: the same order placed twice is one message."""

    slack_channel: str
    kind: str
    case_id: int | None
    dedupe_key: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    """Ids, names and states; never text of a mention."""
    is_urgent: bool = False
    """It goes before what is not, such as the card of an urgent case, or what an agent did just now."""
    identity: str = ""
    """What it is about by its source's ids, such as ``card:x:17``: known again where our own ids came out otherwise."""


@dataclass(frozen=True, slots=True)
class Message:
    """An order on its way. ``attempts`` counts posts and fences every change of it."""

    id: int
    slack_channel: str
    kind: Kind
    case_id: int | None
    detail: Mapping[str, Any]
    delivery_id: str
    state: str
    attempts: int
    first_attempt_at: datetime | None
    last_attempt_at: datetime | None
    next_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DeadMessage:
    """A message that Slack will never show, and why."""

    id: int
    slack_channel: str
    kind: Kind
    case_id: int | None
    error: str


def enqueue(session: Session, orders: Sequence[Order], *, now: datetime) -> int:
    """Store orders in the order given; return how many are new."""
    if not orders:
        return 0
    statement = insert_new(session, models.OutboxMessage).execution_options(preserve_rowcount=True)
    return session.connection().execute(statement, [_row(order, now) for order in orders]).rowcount


def _row(order: Order, now: datetime) -> dict[str, Any]:
    return {
        "dedupe_key": order.dedupe_key,
        "slack_channel": order.slack_channel,
        "kind": Kind(order.kind).value,
        "case_id": order.case_id,
        "detail": dict(order.detail),
        "delivery_id": _delivery_id(order.slack_channel, order.identity or order.dedupe_key),
        "state": "pending",
        "is_urgent": order.is_urgent,
        "attempts": 0,
        "slack_ts": "",
        "error": "",
        "created_at": now,
    }


def _delivery_id(slack_channel: str, key: str) -> str:
    return uuid5(NAMESPACE_URL, f"earmark:{slack_channel}:{key}").hex


def head(session: Session, slack_channel: str) -> Message | None:
    """Return the message whose turn it is, of those that are neither sent nor dead."""
    table = models.OutboxMessage
    under_way = _first(session, slack_channel, col(table.state) == "sending")
    row = under_way or _first_urgent(session, slack_channel) or _first(session, slack_channel, _waits())
    return _message(row) if row is not None else None


def _first_urgent(session: Session, slack_channel: str) -> models.OutboxMessage | None:
    """Return the first urgent message, or what is about the same case and was placed before it."""
    table = models.OutboxMessage
    # The condition of the partial index, word for word: otherwise SQLite would not use it.
    urgent = _first(session, slack_channel, models.UNSENT_AND_URGENT)
    if urgent is None or urgent.case_id is None:
        return urgent
    return _first(session, slack_channel, _waits(), col(table.case_id) == urgent.case_id)


def _first(
    session: Session, slack_channel: str, *conditions: ColumnElement[bool] | TextClause
) -> models.OutboxMessage | None:
    table = models.OutboxMessage
    query = select(table).where(col(table.slack_channel) == slack_channel, *conditions)
    return session.scalar(query.order_by(col(table.id)).limit(1))


def _waits() -> ColumnElement[bool]:
    return col(models.OutboxMessage.state).in_(_WAITING)


def _message(row: models.OutboxMessage) -> Message:
    return Message(
        id=cast("int", row.id),
        slack_channel=row.slack_channel,
        kind=Kind(row.kind),
        case_id=row.case_id,
        detail=row.detail,
        delivery_id=row.delivery_id,
        state=row.state,
        attempts=row.attempts,
        first_attempt_at=row.first_attempt_at,
        last_attempt_at=row.last_attempt_at,
        next_at=row.next_at,
        created_at=row.created_at,
    )


def channels_with_work(session: Session) -> list[str]:
    """Return the Slack channels that still have something to show."""
    table = models.OutboxMessage
    query = select(col(table.slack_channel)).where(col(table.state).in_(_WAITING)).distinct()
    return sorted(session.scalars(query))


def waits_later(session: Session, message: Message, kind: Kind) -> bool:
    """True when a message of ``kind`` for the same case waits behind this one in its channel."""
    table = models.OutboxMessage
    query = select(col(table.id)).where(
        col(table.case_id) == message.case_id,
        col(table.slack_channel) == message.slack_channel,
        col(table.kind) == kind.value,
        col(table.state).in_(_WAITING),
        col(table.id) > message.id,
    )
    return session.scalar(query.limit(1)) is not None


def request_key(request_id: int) -> str:
    """Return the key under which a request is posted to its team, once for ever."""
    return f"request:{request_id}"


def card(session: Session, message: Message) -> tuple[str, str]:
    """Return the ts and the delivery id of the card that ``message`` is about; both "" when it was not posted."""
    table = models.OutboxMessage
    query = select(col(table.slack_ts), col(table.delivery_id)).where(
        col(table.case_id) == message.case_id,
        col(table.slack_channel) == message.slack_channel,
        col(table.kind) == Kind.CARD.value,
        col(table.id) < message.id,
    )
    found = session.execute(query.order_by(col(table.id).desc()).limit(1)).first()
    return (found.slack_ts, found.delivery_id) if found is not None and found.slack_ts else ("", "")


def forget_identities(session: Session, case_ids: Sequence[int]) -> None:
    """Give the cards of cases ids that say nothing of the posts they show."""
    table = models.OutboxMessage
    for row in session.scalars(select(table).where(col(table.case_id).in_(case_ids))):
        row.delivery_id = _delivery_id(row.slack_channel, row.dedupe_key)


def thread_ts(session: Session, message: Message) -> str:
    """Return the ts of what ``message`` is about: card, request, or summary it belongs under; "" when not posted."""
    match message.kind:
        case Kind.SUMMARY_THREAD:
            key = str(message.detail["under"])
        case Kind.REQUEST_EDIT:
            key = request_key(int(message.detail["request"]))
        case _:
            return card(session, message)[0]
    table = models.OutboxMessage
    return session.scalar(select(col(table.slack_ts)).where(col(table.dedupe_key) == key)) or ""


def ts_before(session: Session, message: Message) -> str:
    """Return the ts of the last card that was posted before ``message`` in its channel; "" when there is none."""
    table = models.OutboxMessage
    query = select(col(table.slack_ts)).where(
        col(table.slack_channel) == message.slack_channel,
        col(table.state) == "sent",
        col(table.kind) == Kind.CARD.value,
        col(table.slack_ts) != "",
        col(table.id) < message.id,
    )
    return session.scalar(query.order_by(col(table.id).desc()).limit(1)) or ""


def mark_sending(session: Session, message: Message, *, now: datetime) -> Message | None:
    """Note an attempt before it is made and return the message as it then is; None when another was faster."""
    under_way = replace(
        message,
        state="sending",
        attempts=message.attempts + 1,
        first_attempt_at=message.first_attempt_at or now,
        last_attempt_at=now,
        detail={key: value for key, value in message.detail.items() if key != "cursor"},
    )
    names = ("state", "attempts", "first_attempt_at", "last_attempt_at", "detail")
    return under_way if _change(session, message, {name: getattr(under_way, name) for name in names}) else None


def mark_sent(session: Session, message: Message, *, slack_ts: str, now: datetime, error: str = "") -> bool:
    """Note that Slack shows it, or, with ``error`` and no ts, that there was nothing left to show."""
    values = {"state": "sent", "slack_ts": slack_ts, "sent_at": now, "next_at": None, "error": error}
    return _change(session, message, values)


def mark_pending(session: Session, message: Message, *, next_at: datetime, error: str) -> bool:
    """Note that Slack definitely did not take it and that it may be tried again from ``next_at``."""
    return _change(session, message, {"state": "pending", "next_at": next_at, "error": error})


def mark_dead(session: Session, message: Message, *, error: str) -> bool:
    """Note that Slack will never take it; the ones behind it move up."""
    return _change(session, message, {"state": "dead", "error": error})


def note_error(session: Session, message: Message, *, error: str, cursor: str = "") -> bool:
    """Note why nobody knows yet whether it arrived, and how far the search for it got."""
    detail = {**message.detail, "cursor": cursor} if cursor else dict(message.detail)
    return _change(session, message, {"error": error, "detail": detail})


def _change(session: Session, message: Message, values: Mapping[str, Any]) -> bool:
    table = models.OutboxMessage
    statement = update(table).where(
        col(table.id) == message.id, col(table.state) == message.state, col(table.attempts) == message.attempts
    )
    return changed(session, statement.values(**values)) == 1


def incident_waits(session: Session, slack_channel: str, incident_id: str) -> bool:
    """True when a message of an incident has not been begun yet: it will show the figures as they are then."""
    table = models.OutboxMessage
    query = select(col(table.detail)).where(
        col(table.state) == "pending",
        col(table.slack_channel) == slack_channel,
        col(table.kind).in_([Kind.INCIDENT.value, Kind.INCIDENT_EDIT.value]),
    )
    return any(detail.get("incident") == incident_id for detail in session.scalars(query))


def show_card(session: Session, case_id: int, *, slack_channel: str, slack_ts: str) -> None:
    """Remember where Slack shows a case's card. It is no change of the case, so its version stays."""
    table = models.Case
    changed(session, update(table).where(col(table.id) == case_id).values(card_channel=slack_channel, card_ts=slack_ts))


def forget_card(session: Session, case_id: int, *, slack_channel: str) -> None:
    """Forget a card that was taken away, unless the case already has one elsewhere."""
    table = models.Case
    here = update(table).where(col(table.id) == case_id, col(table.card_channel) == slack_channel)
    changed(session, here.values(card_channel="", card_ts=""))


def dead(session: Session, *, limit: int = 100) -> list[DeadMessage]:
    """Return the messages Slack will never show, latest first."""
    table = models.OutboxMessage
    rows = session.scalars(select(table).where(col(table.state) == "dead").order_by(col(table.id).desc()).limit(limit))
    return [DeadMessage(cast("int", r.id), r.slack_channel, Kind(r.kind), r.case_id, r.error) for r in rows]


def counts(session: Session) -> dict[tuple[str, str], int]:
    """Return how many messages there are by Slack channel and state."""
    table = models.OutboxMessage
    by = (col(table.slack_channel), col(table.state))
    return {
        (channel, state): count for channel, state, count in session.execute(select(*by, func.count()).group_by(*by))
    }


def revive(session: Session, slack_channel: str) -> int:
    """Try dead cards, summaries and incidents of a channel again, after its operator let the bot in; return how many.

    Of a case only its card: that shows the case as it is now, so what followed it need not be repeated.
    """
    table = models.OutboxMessage
    shown_alone = [Kind.CARD.value, Kind.SUMMARY.value, Kind.INCIDENT.value, Kind.REQUEST.value]
    is_lost = (col(table.state) == "dead") & col(table.kind).in_(shown_alone)
    # A reply was passed over because what it belongs under was not there.
    is_reply = (col(table.kind) == Kind.SUMMARY_THREAD.value) & (col(table.slack_ts) == "")
    was_lost = (col(table.state) == "dead") | (col(table.state) == "sent")
    lost = update(table).where(col(table.slack_channel) == slack_channel, is_lost | (is_reply & was_lost))
    # Their first attempt counts anew, so that a search for them does not go back to the first one.
    return changed(session, lost.values(state="pending", first_attempt_at=None, last_attempt_at=None, next_at=None))


# -- the pace of a channel, and events seen ----------------------------------------------------------------------


def free_at(session: Session, slack_channel: str) -> datetime | None:
    """Return when Slack takes the next message in a channel; None when nothing is known against now."""
    return session.scalar(select(col(models.SlackChannel.next_at)).where(col(models.SlackChannel.id) == slack_channel))


def hold(session: Session, slack_channel: str, *, until: datetime) -> None:
    """Send nothing more into a channel before ``until``."""
    statement = upsert(session, models.SlackChannel, key=["id"], update=["next_at"])
    session.execute(statement.values(id=slack_channel, next_at=until))


def first_time(session: Session, event_id: str, *, now: datetime) -> bool:
    """Note an event Slack delivered; False when it was delivered before."""
    statement = insert_new(session, models.SlackEvent).values(id=event_id, at=now)
    return session.scalar(statement.returning(col(models.SlackEvent.id))) is not None


def forget_event(session: Session, event_id: str) -> None:
    """Let an event be handled when Slack delivers it again: handling it failed."""
    session.execute(delete(models.SlackEvent).where(col(models.SlackEvent.id) == event_id))


def forget_events(session: Session, *, before: datetime) -> None:
    """Drop the ids of old events; Slack's last redelivery comes within the hour."""
    session.execute(delete(models.SlackEvent).where(col(models.SlackEvent.at) < before))
