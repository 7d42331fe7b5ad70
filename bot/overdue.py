"""Whoever has claimed a case is called once when it becomes overdue, in the card's thread.

Only the claimed ones: nobody is forgetting a case that nobody has, and in a queue that is late with everything a line
for each would keep the new cards waiting. Those are counted, in the Home tab, on the board and in ``/metrics``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog
from sqlmodel import Session

from bot import dispatch
from bot.domain import CaseState
from bot.parts import Parts
from storage import casework, models
from storage.db import reading, transaction

CALLS_A_TURN: Final = 200
CALLED_WITHIN: Final = timedelta(days=1)
"""What has been overdue for longer, such as while a machine was off, is not news."""

log = structlog.get_logger(__name__)


def call(parts: Parts) -> int:
    """Call the owners of cases that have become overdue; return how many cases it looked at."""
    now, queues = parts.now(), [queue.name for queue in parts.settings.queues]
    with reading(parts.database) as session:
        found = casework.just_overdue(session, queues, now=now, since=now - CALLED_WITHIN, limit=CALLS_A_TURN)
    for case_id in found:
        with transaction(parts.database) as session:
            row = casework.row_for_update(session, case_id)
            if row is not None:
                _call(parts, session, row)
    return len(found)


def _call(parts: Parts, session: Session, row: models.Case) -> None:
    """Note it and say it, unless another process has, or the case was moved on meanwhile."""
    now = parts.now()
    if row.state != CaseState.CLAIMED or row.due_at is None or row.due_at > now:
        return
    key, due_at = f"overdue:{row.id}:{row.due_at:%Y-%m-%dT%H:%M:%S}", row.due_at.isoformat()
    event = casework.event_row(
        row.id, "overdue", action_id=key, now=now, from_version=row.version, detail={"due_at": due_at}
    )
    if not casework.record_action(session, event):
        return
    place, _, user = (row.owner or "").partition(":")
    detail = {"event": "overdue", "due_at": due_at, "to": [user] if place == "slack" else []}
    dispatch.remind(parts, session, row, key=key, detail=detail)
    log.info("overdue", case=row.id)
