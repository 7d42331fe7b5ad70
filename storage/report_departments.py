"""Why a department bears what it bears: how its contacts came to it, and the dearest of them."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, String, and_, cast, func, select
from sqlmodel import Session, col

from bot.domain import Quadrant
from storage import models
from storage.ledger_sums import CASE_SUM
from storage.report_cases import NOT_A_CONTACT


class Cause(NamedTuple):
    """How many contacts of a reason stand where they do for one cause."""

    reason: str
    quadrant_source: str
    repeat_kind: str
    contacts: int


def causes(session: Session, department: str, *, since: datetime, until: datetime) -> list[Cause]:
    """Return why contacts of waste came to a department, most first."""
    case = models.Case
    keys = (col(case.reason), col(case.quadrant_source), col(case.repeat_kind))
    query = select(*keys, func.count()).where(*_of(department, since, until)).group_by(*keys)
    return sorted((Cause(*row) for row in session.execute(query)), key=lambda one: (-one.contacts, one))


def dearest(
    session: Session, department: str, *, since: datetime, until: datetime, unit: str, limit: int
) -> list[tuple[int, int]]:
    """Return the dearest cases of waste of a department with their cost, in minor units."""
    case = models.Case
    cost = and_(CASE_SUM.c.case_id == cast(col(case.id), String), CASE_SUM.c.commodity == unit)
    query = (
        select(col(case.id), CASE_SUM.c.amount)
        .join(CASE_SUM, cost)
        .where(*_of(department, since, until), CASE_SUM.c.amount > 0)
        .order_by(CASE_SUM.c.amount.desc(), col(case.id))
    )
    return [(case_id, int(amount)) for case_id, amount in session.execute(query.limit(limit))]


def _of(department: str, since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    case = models.Case
    return (
        col(case.department) == department,
        col(case.quadrant) == Quadrant.LIABILITY.value,
        col(case.closed_how) != NOT_A_CONTACT,
        col(case.opened_at) >= since,
        col(case.opened_at) < until,
    )
