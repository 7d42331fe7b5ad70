"""Which of the ledger's assumed values are live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Literal

from sqlalchemy import insert, select, update
from sqlmodel import Session, col

from storage import models_operations as models
from storage.sql import changed

Ending = Literal["reversed", "released", "expired"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value that is assumed. ``behaviour``: spread_word, buy_again or buy_more."""

    journal_key: str
    case_id: int
    behaviour: str
    amount_minor: int
    assumed_on: date


def store(session: Session, estimates: Sequence[Estimate]) -> None:
    """Store new estimates, all live."""
    if estimates:
        rows = [{**asdict(estimate), "state": "live", "ended_key": ""} for estimate in estimates]
        session.execute(insert(models.ValueEstimate), rows)


def live(session: Session, case_id: int) -> list[Estimate]:
    """Return the live estimates of a case, locked, so that nobody else ends them meanwhile."""
    table = models.ValueEstimate
    query = select(table).where(col(table.state) == "live", col(table.case_id) == case_id).with_for_update()
    return [_estimate(row) for row in session.scalars(query.order_by(col(table.journal_key)))]


def standing(session: Session, case_id: int) -> list[Estimate]:
    """Return the estimates of a case that were not taken back: live, proven or let go."""
    table = models.ValueEstimate
    query = select(table).where(col(table.case_id) == case_id, col(table.state) != "reversed")
    return [_estimate(row) for row in session.scalars(query.order_by(col(table.journal_key)))]


def assumed_before(session: Session, day: date, *, limit: int) -> list[Estimate]:
    """Return live estimates of before ``day``, oldest first."""
    table = models.ValueEstimate
    query = select(table).where(col(table.state) == "live", col(table.assumed_on) < day).with_for_update()
    rows = session.scalars(query.order_by(col(table.assumed_on), col(table.journal_key)).limit(limit))
    return [_estimate(row) for row in rows]


def end(session: Session, journal_key: str, *, how: Ending, ended_key: str) -> bool:
    """Say what became of an estimate; False when it was live no longer."""
    table = models.ValueEstimate
    mine = update(table).where(col(table.journal_key) == journal_key, col(table.state) == "live")
    return changed(session, mine.values(state=how, ended_key=ended_key)) == 1


def _estimate(row: models.ValueEstimate) -> Estimate:
    return Estimate(row.journal_key, row.case_id, row.behaviour, row.amount_minor, row.assumed_on)
