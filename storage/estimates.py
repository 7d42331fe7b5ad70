"""Which of the ledger's assumed values are live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Literal, NamedTuple

from sqlalchemy import func, insert, select, update
from sqlmodel import Session, col

from storage import models_operations as models
from storage.models import Author, Case, Customer
from storage.models_imports import ExperimentAssignment
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


def of_treated(session: Session, experiment: str, *, behaviour: str) -> list[tuple[Estimate, datetime]]:
    """Return the live estimates of the customers whom an experiment treated, and when each was assigned; locked."""
    table, case, author, customer = models.ValueEstimate, Case, Author, Customer
    query = (
        select(table, col(ExperimentAssignment.assigned_at))
        .join(case, col(case.id) == col(table.case_id))
        .join(author, col(author.id) == col(case.author_id))
        .join(customer, col(customer.id) == col(author.customer_id))
        .join(ExperimentAssignment, col(ExperimentAssignment.customer_ref) == col(customer.ref))
        .where(
            col(ExperimentAssignment.experiment) == experiment,
            col(ExperimentAssignment.arm) == "treatment",
            col(table.state) == "live",
            col(table.behaviour) == behaviour,
        )
        .order_by(col(table.journal_key))
        .with_for_update(of=table)
    )
    return [(_estimate(row), assigned_at) for row, assigned_at in session.execute(query)]


class Assumed(NamedTuple):
    """The live estimates of one behaviour."""

    behaviour: str
    number: int
    amount_minor: int
    oldest: date


def live_by_behaviour(session: Session) -> list[Assumed]:
    """Return what is assumed and neither proven nor let go, by behaviour."""
    table = models.ValueEstimate
    columns = (func.count(), func.sum(col(table.amount_minor)), func.min(col(table.assumed_on)))
    query = select(col(table.behaviour), *columns).where(col(table.state) == "live").group_by(col(table.behaviour))
    rows = session.execute(query.order_by(col(table.behaviour)))
    return [Assumed(behaviour, number, int(amount), oldest) for behaviour, number, amount, oldest in rows]


def end(session: Session, journal_key: str, *, how: Ending, ended_key: str) -> bool:
    """Say what became of an estimate; False when it was live no longer."""
    table = models.ValueEstimate
    mine = update(table).where(col(table.journal_key) == journal_key, col(table.state) == "live")
    return changed(session, mine.values(state=how, ended_key=ended_key)) == 1


def _estimate(row: models.ValueEstimate) -> Estimate:
    return Estimate(row.journal_key, row.case_id, row.behaviour, row.amount_minor, row.assumed_on)
