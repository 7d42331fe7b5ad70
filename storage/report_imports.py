"""What the reports read of what was imported: drivers, surveys, what customers did, experiments, initiatives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from storage.ledger_rows import chunks
from storage.models_imports import Driver, Experiment, ExperimentAssignment, Initiative, LoyaltyEvent, Survey


def driver_days(session: Session, name: str, *, first: date, last: date) -> dict[date, int]:
    """Return a driver's quantity by day, both ends inclusive; days without are left out."""
    query = (
        select(col(Driver.on_date), func.sum(col(Driver.quantity)))
        .where(col(Driver.name) == name, col(Driver.on_date).between(first, last))
        .group_by(col(Driver.on_date))
    )
    return {day: int(quantity) for day, quantity in session.execute(query)}


def driver_names(session: Session) -> list[str]:
    """Return the names of all drivers that were imported."""
    return list(session.scalars(select(col(Driver.name)).distinct().order_by(col(Driver.name))))


def survey_scores(session: Session, kind: str, *, since: datetime, until: datetime) -> dict[int, int]:
    """Return how often each score of a survey was given from ``since`` to before ``until``."""
    query = (
        select(col(Survey.score), func.count())
        .where(col(Survey.kind) == kind, col(Survey.answered_at) >= since, col(Survey.answered_at) < until)
        .group_by(col(Survey.score))
    )
    return {score: int(number) for score, number in session.execute(query)}


@dataclass(frozen=True, slots=True)
class Did:
    """Something a customer did."""

    customer_ref: str
    type: str
    at: datetime
    amount_minor: int


def did(session: Session, customers: Collection[str], *, since: datetime, until: datetime, currency: str) -> list[Did]:
    """Return what these customers did from ``since`` to before ``until``; other currencies have no amount here."""
    table = LoyaltyEvent
    columns = (table.customer_ref, table.type, table.occurred_at, table.amount_minor, table.currency)
    found = []
    for chunk in chunks(customers):
        query = (
            select(*(col(column) for column in columns))
            .where(col(table.customer_ref).in_(chunk), col(table.occurred_at) >= since, col(table.occurred_at) < until)
            .order_by(col(table.customer_ref), col(table.occurred_at), col(table.id))
        )
        for ref, kind, at, amount, unit in session.execute(query):
            found.append(Did(ref, kind, at, amount if unit in {"", currency} else 0))
    return found


def experiments(session: Session) -> Sequence[Experiment]:
    """Return all experiments, by their name."""
    return session.scalars(select(Experiment).order_by(col(Experiment.external_id))).all()


def arms_of(session: Session, experiment: str, *, until: datetime) -> dict[str, dict[str, datetime]]:
    """Return who was assigned to which arm before ``until``, and when."""
    table = ExperimentAssignment
    query = select(col(table.arm), col(table.customer_ref), col(table.assigned_at)).where(
        col(table.experiment) == experiment, col(table.assigned_at) < until
    )
    found: defaultdict[str, dict[str, datetime]] = defaultdict(dict)
    for arm, ref, at in session.execute(query):
        found[arm][ref] = at
    return found


def experiment_of(session: Session, name: str) -> Experiment | None:
    """Return an experiment by its name."""
    return session.scalar(select(Experiment).where(col(Experiment.external_id) == name))


def initiatives(session: Session) -> Sequence[Initiative]:
    """Return all initiatives, by their id."""
    return session.scalars(select(Initiative).order_by(col(Initiative.external_id))).all()


def initiatives_by_reason(session: Session) -> dict[str, str]:
    """Return the ids of the initiatives that attack each reason, dropped ones left out."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for one in initiatives(session):
        effects: dict[str, Any] = one.effects
        for reason in effects if one.ruling != "drop" else ():
            found[reason].append(one.external_id)
    return {reason: ", ".join(ids) for reason, ids in found.items()}
