"""What agents did when, for measuring their time: the steps around a case, and nothing of the rest of their day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import and_, func, or_, select
from sqlmodel import Session, col

from storage import models

NOBODY = "earmark"
"""The actor of what Earmark did by itself."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a case's history. ``promise`` is the promise it is about."""

    id: int
    case_id: int
    kind: str
    actor: str
    at: datetime
    promise: int | None


def of_cases(session: Session, case_ids: Sequence[int]) -> list[Event]:
    """Return the whole history of some cases, in its order."""
    table = models.CaseEvent
    rows = session.scalars(select(table).where(col(table.case_id).in_(case_ids)).order_by(col(table.id)))
    return [_event(row) for row in rows]


def around(session: Session, steps: Sequence[Event], *, before: timedelta, after: timedelta) -> list[Event]:
    """Return what the agents of ``steps`` did on any card near these steps, and the last thing each did, by time.

    The last thing tells whether a step was followed by anything at all, however much later.
    """
    agents = sorted({step.actor for step in steps})
    if not agents:
        return []
    table = models.CaseEvent
    spans = _merged([(step.at - before, step.at + after) for step in steps])
    near = or_(*(and_(col(table.at) >= begins, col(table.at) <= ends) for begins, ends in spans))
    last = select(func.max(col(table.at))).where(col(table.actor).in_(agents)).group_by(col(table.actor))
    is_wanted = or_(near, col(table.at).in_(last))
    rows = session.scalars(select(table).where(col(table.actor).in_(agents), is_wanted))
    return sorted(map(_event, rows), key=lambda event: (event.at, event.id))


def _merged(spans: Sequence[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    merged: list[tuple[datetime, datetime]] = []
    for begins, ends in sorted(spans):
        if merged and begins <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(ends, merged[-1][1]))
        else:
            merged.append((begins, ends))
    return merged


def _event(row: models.CaseEvent) -> Event:
    promise = row.detail.get("promise")
    number = promise if isinstance(promise, int) else None
    return Event(cast("int", row.id), row.case_id, row.kind, row.actor, row.at, number)
