"""Savings that finance confirmed, the budget they were turned into, and value that was proven."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

from sqlalchemy import func, select, update
from sqlmodel import Session, col

from bot.ledger.accounts import BUDGET_INITIATIVES, INNOVATION
from storage.ledger_rows import JOURNAL, LINE
from storage.models_money import BudgetFunding, ConfirmedSaving, RealisedValue
from storage.sql import changed


def confirmed(session: Session, *, until: str) -> list[ConfirmedSaving]:
    """Return all that was ever confirmed for months up to ``until``, withdrawn ones too, by month and reason."""
    table = ConfirmedSaving
    order = (col(table.period), col(table.reason), col(table.number))
    return list(session.scalars(select(table).where(col(table.period) <= until).order_by(*order)))


def of_reason(session: Session, period: str, reason: str) -> list[ConfirmedSaving]:
    """Return what was confirmed for a reason and a month, in its order; the last one may stand."""
    table = ConfirmedSaving
    query = select(table).where(col(table.period) == period, col(table.reason) == reason)
    return list(session.scalars(query.order_by(col(table.number))))


def store(session: Session, row: ConfirmedSaving | BudgetFunding | RealisedValue) -> None:
    """Store what was decided."""
    session.add(row)
    session.flush()


def withdraw(session: Session, row: ConfirmedSaving, *, on: date, by: str, why: str) -> bool:
    """Say that a confirmation stands no more; False when it did not."""
    table = ConfirmedSaving
    mine = update(table).where(
        col(table.period) == row.period,
        col(table.reason) == row.reason,
        col(table.number) == row.number,
        col(table.withdrawn_on).is_(None),
    )
    return changed(session, mine.values(withdrawn_on=on, withdrawn_by=by, withdrawn_why=why)) == 1


def fundings(session: Session) -> list[BudgetFunding]:
    """Return the months that were turned into budget, in their order."""
    return list(session.scalars(select(BudgetFunding).order_by(col(BudgetFunding.period))))


def initiative_balances(session: Session, *, last: date, unit: str) -> dict[str, tuple[int, int]]:
    """Return what each initiative was given and what it has spent up to a day, in minor units."""
    keys = (LINE.c.initiative_id, LINE.c.account)
    sums = (
        select(*keys, func.sum(LINE.c.amount))
        .join(JOURNAL, JOURNAL.c.seq == LINE.c.journal_seq)
        .where(
            JOURNAL.c.status == "posted",
            JOURNAL.c.effective_date <= last,
            JOURNAL.c.kind.in_(["budget_allocate", "budget_spend", "reversal"]),
            LINE.c.account.in_([BUDGET_INITIATIVES, INNOVATION]),
            LINE.c.commodity == unit,
        )
        .group_by(*keys)
    )
    found = {(initiative, account): int(amount) for initiative, account, amount in session.connection().execute(sums)}
    names = sorted({initiative for initiative, _ in found if initiative})
    spent = {name: found.get((name, INNOVATION), 0) for name in names}
    return {name: (found.get((name, BUDGET_INITIATIVES), 0) + spent[name], spent[name]) for name in names}


def realised(session: Session, event: str) -> RealisedValue | None:
    """Return what was proven by an experiment or a document; None when nothing was yet."""
    return session.scalar(select(RealisedValue).where(col(RealisedValue.event) == event))


def all_realised(session: Session, *, first: date, last: date) -> Sequence[RealisedValue]:
    """Return what was proven in the days, in order."""
    table = RealisedValue
    query = select(table).where(col(table.realised_on) >= first, col(table.realised_on) <= last)
    return session.scalars(query.order_by(col(table.realised_on), col(table.event))).all()


def keys_in_use(session: Session, keys: Collection[str]) -> set[str]:
    """Return those of the idempotency keys under which something is posted."""
    return set(session.scalars(select(JOURNAL.c.idem_key).where(JOURNAL.c.idem_key.in_(list(keys)))))
