"""What supervisors decided about the place of single cases. It stands in the cases' history, with who, why and when."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from sqlalchemy import select
from sqlmodel import Session, col

from bot.domain import Quadrant
from bot.ledger.quadrants import ByHand
from storage import models

OVERRIDDEN: Final = "overridden"
"""The kind of the event."""


def told(by_hand: ByHand) -> dict[str, Any]:
    """Return what the event keeps of a decision."""
    return {"quadrant": by_hand.quadrant.value, "owners": [list(share) for share in by_hand.owners]}


def newest(session: Session, case_ids: Collection[int]) -> dict[int, ByHand]:
    """Return the newest decision about each of the cases that has one."""
    event = models.CaseEvent
    query = (
        select(col(event.case_id), col(event.detail))
        .where(col(event.case_id).in_(case_ids), col(event.kind) == OVERRIDDEN)
        .order_by(col(event.id))
    )
    return {case_id: _by_hand(detail) for case_id, detail in session.execute(query)}


def _by_hand(detail: Mapping[str, Any]) -> ByHand:
    owners = tuple((str(dept), int(points)) for dept, points in detail["owners"])
    return ByHand(Quadrant(detail["quadrant"]), owners)
