"""What Slack must show after a change: orders to the outbox, in the transaction of the change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot.parts import Parts
from storage import casework, models, outbox
from storage.outbox import Kind, Order


def order(parts: Parts, session: Session, orders: Sequence[Order], *, now: datetime) -> None:
    """Store ``orders`` and wake the deliverer of each Slack channel they concern."""
    if not orders:
        return
    outbox.enqueue(session, orders, now=now)
    for slack_channel in sorted({order.slack_channel for order in orders}):
        parts.submit(session, "deliver", slack_channel)


def opened(parts: Parts, *, queue: str, case_id: int, version: int, identity: str = "") -> list[Order]:
    """Return the order that posts a case's card in its queue; none where the queue has no Slack channel."""
    slack_channel = parts.slack_channel(queue)
    key = f"card:{case_id}:v{version}"
    return [Order(slack_channel, Kind.CARD, case_id, key, identity=identity)] if slack_channel else []


def edited(parts: Parts, *, queue: str, case_id: int, version: int) -> list[Order]:
    """Return the order that redraws a case's card; none where the queue has no Slack channel."""
    slack_channel = parts.slack_channel(queue)
    return [Order(slack_channel, Kind.CARD_EDIT, case_id, f"edit:{case_id}:v{version}")] if slack_channel else []


def noted(parts: Parts, *, queue: str, case_id: int, key: str, event: str) -> list[Order]:
    """Return the order for a line in a card's thread: an edited card makes no sound, a new line there does."""
    slack_channel = parts.slack_channel(queue)
    return [Order(slack_channel, Kind.NOTE, case_id, f"note:{key}", detail={"event": event})] if slack_channel else []


def urgent(orders: Sequence[Order]) -> list[Order]:
    """Return the same orders, to go before those that are not urgent."""
    return [replace(order, is_urgent=True) for order in orders]


def show(
    parts: Parts,
    session: Session,
    row: models.Case,
    values: Mapping[str, Any],
    event: Mapping[str, Any] | None,
    *,
    is_urgent: bool = True,
) -> None:
    """Have Slack show a case whose columns change to ``values``, and ``event``, if any, in the card's thread.

    A case that moves to another Slack channel leaves the old one first. Somebody has just pressed a button and waits
    for it to show, so it is urgent.
    """
    queue, version = str(values.get("queue", row.queue)), row.version + 1
    old, new = parts.slack_channel(row.queue), parts.slack_channel(queue)
    orders: list[Order] = []
    if old != new:
        if old:
            orders.append(Order(old, Kind.REMOVE, row.id, f"remove:{row.id}:v{version}"))
        orders += opened(parts, queue=queue, case_id=row.id, version=version)
    elif new:
        orders += edited(parts, queue=queue, case_id=row.id, version=version)
        if event is not None:
            orders.append(Order(new, Kind.NOTE, row.id, f"note:{row.id}:v{version}", detail=dict(event)))
    order(parts, session, urgent(orders) if is_urgent else orders, now=parts.now())


def remind(parts: Parts, session: Session, row: models.Case, *, key: str, detail: Mapping[str, Any]) -> None:
    """Have Slack redraw a case that reads differently, and say ``detail`` in the card's thread, once for each key."""
    slack_channel = parts.slack_channel(row.queue)
    casework.touch(session, [row.id])
    if slack_channel:
        orders = edited(parts, queue=row.queue, case_id=row.id, version=row.version + 1)
        orders.append(Order(slack_channel, Kind.NOTE, row.id, f"note:{key}", detail=dict(detail)))
        order(parts, session, urgent(orders), now=parts.now())


def redraw(parts: Parts, session: Session, case_ids: Sequence[int]) -> None:
    """Have Slack show cases again whose mentions were deleted or edited where they were posted."""
    redrawn(parts, session, casework.touch(session, case_ids))


def redrawn(parts: Parts, session: Session, touched: Sequence[tuple[int, int, str]]) -> None:
    """Have Slack show cases again that have changed: (case, new version, queue) of each."""
    orders = [
        one
        for case_id, version, queue in touched
        for one in edited(parts, queue=queue, case_id=case_id, version=version)
    ]
    order(parts, session, orders, now=parts.now())
