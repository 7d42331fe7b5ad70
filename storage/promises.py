"""Promises to customers: what is owed, and what the clock has to look at."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, insert, select, update
from sqlmodel import Session, col

from bot.domain import Actor, Promise, PromiseState
from storage import models_operations as models
from storage.sql import changed

_OWED = (PromiseState.OPEN.value, PromiseState.BROKEN.value)


def make(  # noqa: PLR0913  # the facts of one promise, all by name
    session: Session, *, case_id: int, actor: Actor, due_at: datetime, kind: str, alarm_at: datetime, now: datetime
) -> Promise:
    """Store a new promise and return it; its accrual is to be posted under its ``accrual_key``."""
    table = models.Promise
    row = {
        "case_id": case_id,
        "made_by": actor.ref,
        "made_by_name": actor.name,
        "made_at": now,
        "due_at": due_at,
        "kind": kind,
        "state": PromiseState.OPEN.value,
        "alarm_at": alarm_at,
        "accrual_key": "",
    }
    promise_id = session.execute(insert(table).values(**row).returning(col(table.id))).scalar_one()
    session.execute(
        update(table).where(col(table.id) == promise_id).values(accrual_key=f"promise:{promise_id}:promise")
    )
    return _promise(session.scalars(select(table).where(col(table.id) == promise_id)).one())


def owed(session: Session, case_id: int) -> list[Promise]:
    """Return the promises of a case that are neither fulfilled nor cancelled, the earliest due first."""
    table = models.Promise
    query = select(table).where(col(table.case_id) == case_id, *_is_owed()).order_by(col(table.due_at), col(table.id))
    return [_promise(row) for row in session.scalars(query.execution_options(populate_existing=True))]


def _is_owed() -> tuple[ColumnElement[bool], ...]:
    table = models.Promise
    return col(table.state).in_(_OWED), col(table.cancelled_at).is_(None)


def keep(session: Session, promise: Promise, *, now: datetime) -> PromiseState:
    """Say that a promise is fulfilled; return whether it was kept or late."""
    state = PromiseState.KEPT if now <= promise.due_at else PromiseState.LATE
    _settle(session, promise, state=state.value, fulfilled_at=now)
    return state


def cancel(session: Session, promise: Promise, *, now: datetime) -> None:
    """Say that a promise is owed no more. One that was due before stays broken."""
    was_due = promise.state is PromiseState.BROKEN or promise.due_at < now
    state = PromiseState.BROKEN if was_due else PromiseState.CANCELLED
    _settle(session, promise, state=state.value, cancelled_at=now)


def _settle(session: Session, promise: Promise, **values: object) -> None:
    mine = update(models.Promise).where(col(models.Promise.id) == promise.id)
    session.execute(mine.values(alarm_at=None, **values).execution_options(synchronize_session=False))


def overdue(session: Session, *, now: datetime, limit: int) -> list[Promise]:
    """Return the promises that are owed although their time is over, longest due first."""
    table = models.Promise
    query = select(table).where(*_is_owed(), col(table.due_at) < now).order_by(col(table.due_at), col(table.id))
    return [_promise(row) for row in session.scalars(query.limit(limit))]


def accrue(session: Session, promise: Promise, *, key: str) -> None:
    """Note the journal that accrues a promise from now on: a correction has moved it to other owners."""
    mine = update(models.Promise).where(col(models.Promise.id) == promise.id)
    session.execute(mine.values(accrual_key=key).execution_options(synchronize_session=False))


def accrue_anew(session: Session, old_key: str, *, key: str) -> None:
    """Note under which key the accrual ``old_key`` stands from now on, whichever case the promise has gone to."""
    mine = update(models.Promise).where(col(models.Promise.accrual_key) == old_key)
    session.execute(mine.values(accrual_key=key).execution_options(synchronize_session=False))


def move(session: Session, case_id: int, *, to: int) -> None:
    """Give the promises of a case to the one that it was merged into."""
    table = models.Promise
    session.execute(
        update(table)
        .where(col(table.case_id) == case_id)
        .values(case_id=to)
        .execution_options(synchronize_session=False)
    )


def alarms(session: Session, *, now: datetime, limit: int) -> list[Promise]:
    """Return promises that the clock has to look at, longest due first."""
    table = models.Promise
    query = select(table).where(col(table.alarm_at) <= now).order_by(col(table.alarm_at), col(table.id)).limit(limit)
    return [_promise(row) for row in session.scalars(query)]


def rang(session: Session, promise: Promise, *, state: PromiseState, alarm_at: datetime | None, now: datetime) -> bool:
    """Note what the clock made of a promise; False when it was settled or looked at meanwhile."""
    table = models.Promise
    as_read = (
        col(table.id) == promise.id,
        col(table.case_id) == promise.case_id,
        col(table.state) == promise.state.value,
        col(table.alarm_at) <= now,  # a reminder leaves the state as it is, and moves this to the due time
    )
    return changed(session, update(table).where(*as_read).values(state=state.value, alarm_at=alarm_at)) == 1


def _promise(row: models.Promise) -> Promise:
    return Promise(
        id=cast("int", row.id),
        case_id=row.case_id,
        made_by=row.made_by,
        made_by_name=row.made_by_name,
        made_at=row.made_at,
        due_at=row.due_at,
        kind=row.kind,
        state=PromiseState(row.state),
        accrual_key=row.accrual_key,
        fulfilled_at=row.fulfilled_at,
        cancelled_at=row.cancelled_at,
    )
