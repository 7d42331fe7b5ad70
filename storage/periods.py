"""Months of the books: how each stands, what must be settled before it is closed, and its seal (specification 1.9)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlmodel import Session

from bot.ledger.accounts import CONTACT_ACCOUNTS, SUSPENSE
from storage import ledger_records
from storage.ledger_rows import JOURNAL, LINE, PERIOD

TrialBalance = dict[str, int]
"""Balances by ``account|department|unit|basis``."""

_RESOLVING = JOURNAL.alias("resolving")


@dataclass(frozen=True, slots=True)
class Period:
    """One month, such as ``2026-09``: soft or closed. A month without a row is open."""

    period: str
    state: str
    last_seq: int | None
    last_hash: str | None
    closed_by: str
    closed_at: datetime | None


def first_day(period: str) -> date:
    """``2026-09`` → 1 September."""
    return date.fromisoformat(f"{period}-01")


def last_day(period: str) -> date:
    """``2026-09`` → 30 September."""
    return (first_day(period) + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def periods(session: Session) -> list[Period]:
    """Return the months that are soft or closed, in order."""
    names = [PERIOD.c[name] for name in Period.__dataclass_fields__]
    return [Period(*row) for row in session.connection().execute(select(*names).order_by(PERIOD.c.period))]


def first_open_month(session: Session) -> str | None:
    """Return the first month with journals that is not closed; None when there is none."""
    connection = session.connection()
    closed = connection.execute(select(func.max(PERIOD.c.period)).where(PERIOD.c.state == "closed")).scalar()
    query = select(func.min(JOURNAL.c.effective_date))
    if closed is not None:
        query = query.where(JOURNAL.c.effective_date > last_day(closed))
    first = connection.execute(query).scalar()
    return f"{first:%Y-%m}" if first else None


def unresolved_holds(session: Session, *, until: date) -> Sequence[str]:
    """Return the keys of the holds of ``until`` and before that nothing has resolved, in the order of the chain.

    Only expected work: a proposed recharge waits for an answer as long as its department likes.
    """
    resolved = select(_RESOLVING.c.seq).where(_RESOLVING.c.resolves_id == JOURNAL.c.id).exists()
    is_old = (JOURNAL.c.kind == "cost_hold", JOURNAL.c.effective_date <= until, ~resolved)
    return (
        session.connection().execute(select(JOURNAL.c.idem_key).where(*is_old).order_by(JOURNAL.c.seq)).scalars().all()
    )


def unclassified(session: Session, period: str, currency: str) -> tuple[int, int]:
    """Return the posted cost of a month that has no reason, and that of all contacts, in minor units."""
    connection = session.connection()
    sums = (
        select(LINE.c.account, func.sum(LINE.c.amount))
        .join(JOURNAL, JOURNAL.c.seq == LINE.c.journal_seq)
        .where(
            JOURNAL.c.status == "posted",
            JOURNAL.c.effective_date.between(first_day(period), last_day(period)),
            LINE.c.account.in_(CONTACT_ACCOUNTS),
            LINE.c.commodity == currency,
        )
        .group_by(LINE.c.account)
    )
    found = {account: int(amount) for account, amount in connection.execute(sums)}
    return found.get(SUSPENSE, 0), sum(found.values())


def trial_balances(connection: Connection, months: Sequence[str]) -> dict[str, TrialBalance]:
    """Return what stood on every account at the end of each month, by the dates of the journals."""
    ends = {month: last_day(month) for month in months}
    keys = (LINE.c.account, LINE.c.dept, LINE.c.commodity, LINE.c.basis)
    sums = (
        select(JOURNAL.c.effective_date, *keys, func.sum(LINE.c.amount))
        .join(JOURNAL, JOURNAL.c.seq == LINE.c.journal_seq)
        .where(JOURNAL.c.status == "posted", JOURNAL.c.effective_date <= max(ends.values(), default=date.min))
        .group_by(JOURNAL.c.effective_date, *keys)
    )
    found: dict[str, Counter[str]] = {month: Counter() for month in months}
    for day, account, dept, commodity, basis, amount in connection.execute(sums):
        for month, end in ends.items():
            if day <= end:
                found[month][f"{account}|{dept}|{commodity}|{basis}"] += int(amount)
    return {month: {key: amount for key, amount in sorted(sums.items()) if amount} for month, sums in found.items()}


def seal_problem(connection: Connection) -> tuple[int, str] | None:
    """Return the last journal and the month whose figures are not as they were sealed; None when all are."""
    query = select(PERIOD.c.period, PERIOD.c.last_seq, PERIOD.c.trial_balance).where(PERIOD.c.state == "closed")
    sealed = {row.period: row for row in connection.execute(query.order_by(PERIOD.c.period))}
    if not sealed:
        return None
    now = trial_balances(connection, list(sealed))
    for month, row in sealed.items():
        if row.trial_balance is not None and row.trial_balance != now[month]:
            return int(row.last_seq or 0), month
    return None


def soften(session: Session, period: str, *, now: datetime) -> None:
    """Mark a month as soft, unless it is soft or closed already. The caller holds the ledger's turn."""
    connection = session.connection()
    if connection.execute(select(PERIOD.c.period).where(PERIOD.c.period == period)).first() is None:
        connection.execute(insert(PERIOD), [{"period": period, "state": "soft", "closed_by": ""}])
        ledger_records.add_row(connection, PERIOD, period, now)


def seal(session: Session, period: str, *, by: str, now: datetime) -> Period:
    """Close a month with the last journal's place and hash and the trial balance; nothing is posted into it any more.

    The caller holds the ledger's turn, so that nothing is posted while the seal is made.
    """
    connection = session.connection()
    soften(session, period, now=now)
    last = connection.execute(select(JOURNAL.c.seq, JOURNAL.c.hash).order_by(JOURNAL.c.seq.desc()).limit(1)).first()
    values: Mapping[str, Any] = {
        "state": "closed",
        "last_seq": last.seq if last else None,
        "last_hash": last.hash if last else None,
        "trial_balance": trial_balances(connection, [period])[period],
        "closed_by": by,
        "closed_at": now,
    }
    connection.execute(update(PERIOD).where(PERIOD.c.period == period).values(**values))
    ledger_records.add_row(connection, PERIOD, period, now)
    return next(one for one in periods(session) if one.period == period)
