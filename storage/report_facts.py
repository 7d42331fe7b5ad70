"""What the money reports read: sums of posted lines, from the sums that are kept beside the journals."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlmodel import Session

from bot.ledger.accounts import CONTACT_ACCOUNTS, POOL, PROMISES
from bot.ledger.journal import Basis, Status
from storage.ledger_rows import CONFIG, JOURNAL, LINE, PERIOD, currencies
from storage.ledger_sums import SUM

_KEYS: Final = tuple(SUM.c[name] for name in ("account", "commodity", "basis", "dept", "reason", "quadrant", "segment"))


class LineTotal(NamedTuple):
    """The sum of all lines that share these values; debits are positive. Empty texts are not known."""

    account: str
    commodity: str
    basis: Basis
    amount: int
    dept: str
    reason: str
    quadrant: str
    segment: str


def currency(session: Session) -> str:
    """Return the currency of the newest configuration; empty before the first."""
    return next(iter(currencies(session.connection())), "")


def posted(session: Session, *, first: date, last: date) -> list[LineTotal]:
    """Return the posted lines effective in the days, both inclusive."""
    return _totals(session, "posted", SUM.c.effective_date.between(first, last))


def late(session: Session, *, first: date, last: date) -> list[LineTotal]:
    """Return those of :func:`posted` that belong to a period already closed."""
    return _totals(session, "posted", SUM.c.effective_date.between(first, last) & SUM.c.is_late)


class Correction(NamedTuple):
    """Contact cost of a month that was over when it was booked."""

    belongs_to: str
    account: str
    dept: str
    reason: str
    basis: Basis
    amount_minor: int


def corrections(session: Session, *, first: date, last: date, unit: str) -> list[Correction]:
    """Return what :func:`late` books on contacts, by the month it belongs to."""
    # The days come from the sums, which know what is late: it all stands on the first open day of a period.
    days = session.scalars(
        select(SUM.c.effective_date).where(SUM.c.effective_date.between(first, last), SUM.c.is_late).distinct()
    ).all()
    keys = (JOURNAL.c.original_date, *(LINE.c[name] for name in ("account", "dept", "reason", "basis")))
    lines = (
        select(*keys, func.sum(LINE.c.amount))
        .join(JOURNAL, JOURNAL.c.seq == LINE.c.journal_seq)
        .where(
            JOURNAL.c.effective_date.in_(days),
            JOURNAL.c.original_date.is_not(None),
            JOURNAL.c.status == "posted",
            LINE.c.account.in_(CONTACT_ACCOUNTS),
            LINE.c.commodity == unit,
        )
        .group_by(*keys)
    )
    found: Counter[tuple[str, str, str, str, Basis]] = Counter()
    rows: Any = session.connection().execute(lines) if days else ()
    for day, account, dept, reason, basis, amount in rows:
        found[f"{day:%Y-%m}", account, dept, reason or "", basis] += int(amount)
    return [Correction(*key, amount_minor=amount) for key, amount in sorted(found.items()) if amount]


def pending(session: Session, *, last: date) -> list[LineTotal]:
    """Return the open holds effective up to a day."""
    return _totals(session, "pending", SUM.c.effective_date <= last)


def to_date(session: Session, *, last: date) -> list[LineTotal]:
    """Return all posted lines up to a day by account, commodity and basis: what a balance sheet asks for."""
    keys = (SUM.c.account, SUM.c.commodity, SUM.c.basis)
    sums = (
        select(*keys, func.sum(SUM.c.amount))
        .where(SUM.c.status == "posted", SUM.c.effective_date <= last)
        .group_by(*keys)
    )
    rows = session.connection().execute(sums)
    return [LineTotal(account, unit, basis, int(amount), "", "", "", "") for account, unit, basis, amount in rows]


def _totals(session: Session, status: Status, condition: ColumnElement[bool]) -> list[LineTotal]:
    sums = select(*_KEYS, func.sum(SUM.c.amount).label("amount")).where(SUM.c.status == status, condition)
    return [_total(row) for row in session.connection().execute(sums.group_by(*_KEYS))]


def _total(row: Any) -> LineTotal:
    account, commodity, basis, dept, reason, quadrant, segment, amount = row
    return LineTotal(account, commodity, basis, int(amount), dept, reason or "", quadrant or "", segment or "")


def accruals(session: Session, *, first: date, last: date) -> list[LineTotal]:
    """Return those of :func:`posted` that stand for promises still open: booked in the days, never taken back."""
    # Days on which promises moved, from the sums: the lines have no index by account, and few months have promises.
    days = session.scalars(
        select(SUM.c.effective_date)
        .where(SUM.c.effective_date.between(first, last), SUM.c.account == PROMISES)
        .distinct()
    ).all()
    if not days:
        return []
    reversal = JOURNAL.alias("reversal")
    taken_back = select(reversal.c.seq).where(reversal.c.reverses_id == JOURNAL.c.id).exists()
    promised = select(JOURNAL.c.seq).where(
        JOURNAL.c.effective_date.in_(days), JOURNAL.c.kind == "promise_made", ~taken_back
    )
    names = ("account", "commodity", "basis", "dept", "reason", "quadrant", "segment")
    lines = select(*(LINE.c[name] for name in names), LINE.c.amount).where(
        LINE.c.journal_seq.in_(promised), LINE.c.account.in_(CONTACT_ACCOUNTS)
    )
    return [_total(row) for row in session.connection().execute(lines)]


@dataclass(frozen=True, slots=True)
class Volume:
    """Contacts and their posted cost."""

    contacts: int
    cost_minor: int


def volumes(session: Session, *, first: date, last: date, unit: str) -> dict[str, Volume]:
    """Return contacts and cost of each reason in the days; the reason "" is not known."""
    sums = (
        select(SUM.c.reason, SUM.c.commodity, func.sum(SUM.c.amount))
        .where(
            SUM.c.status == "posted",
            SUM.c.effective_date.between(first, last),
            SUM.c.account.in_(CONTACT_ACCOUNTS),
            SUM.c.commodity.in_(["CNT", unit]),
        )
        .group_by(SUM.c.reason, SUM.c.commodity)
    )
    found: dict[str, dict[str, int]] = {}
    for reason, commodity, amount in session.connection().execute(sums):
        found.setdefault(reason, {})[commodity] = int(amount)
    return {reason: Volume(sums.get("CNT", 0), sums.get(unit, 0)) for reason, sums in found.items()}


def daily_contacts(session: Session, *, first: date, last: date) -> dict[str, dict[date, int]]:
    """Return how many contacts each reason had on each day; days without are left out."""
    sums = (
        select(SUM.c.reason, SUM.c.effective_date, func.sum(SUM.c.amount))
        .where(
            SUM.c.status == "posted",
            SUM.c.effective_date.between(first, last),
            SUM.c.account.in_(CONTACT_ACCOUNTS),
            SUM.c.commodity == "CNT",
        )
        .group_by(SUM.c.reason, SUM.c.effective_date)
    )
    found: dict[str, dict[date, int]] = {}
    for reason, day, amount in session.connection().execute(sums):
        found.setdefault(reason, {})[day] = int(amount)
    return found


def first_day(session: Session) -> date | None:
    """Return the first day anything is posted on; None in an empty book."""
    found: date | None = session.connection().execute(select(func.min(SUM.c.effective_date))).scalar()
    return found


def closed_periods(session: Session) -> int:
    """Return how many months of the book are closed."""
    closed = select(func.count()).select_from(PERIOD).where(PERIOD.c.state == "closed")
    return int(session.connection().execute(closed).scalar_one())


@dataclass(frozen=True, slots=True)
class Trust:
    """The sums behind a footer: contact cost, the measured part of it, the pool's use and its payroll."""

    contact_cost_minor: int
    measured_minor: int
    absorbed_minor: int
    pool_minor: int


def trust(session: Session, *, first: date, last: date, unit: str) -> Trust:
    """Return how much of the days' cost is measured, and how much of the payroll it explains."""
    keys = (SUM.c.account, SUM.c.basis)
    sums = (
        select(*keys, func.sum(SUM.c.amount))
        .where(
            SUM.c.status == "posted",
            SUM.c.effective_date.between(first, last),
            SUM.c.account.in_([*CONTACT_ACCOUNTS, POOL]),
            SUM.c.commodity == unit,
        )
        .group_by(*keys)
    )
    found = {(account, basis): int(amount) for account, basis, amount in session.connection().execute(sums)}
    return Trust(
        contact_cost_minor=sum(amount for (account, _), amount in found.items() if account != POOL),
        measured_minor=sum(amount for (account, basis), amount in found.items() if account != POOL and basis == "M"),
        absorbed_minor=-found.get((POOL, "E"), 0) - found.get((POOL, "M"), 0),
        pool_minor=found.get((POOL, "R"), 0),
    )


def config_in_use(session: Session) -> tuple[str, date | None, tuple[str, ...]]:
    """Return who approved the newest configuration, when, and which of its values nobody has."""
    newest = select(CONFIG.c.approved_by, CONFIG.c.approved_at, CONFIG.c.placeholders)
    row = session.connection().execute(newest.order_by(CONFIG.c.recorded_at.desc(), CONFIG.c.version).limit(1)).first()
    if row is None:
        return "", None, ()
    return row.approved_by, row.approved_at.date() if row.approved_at else None, tuple(row.placeholders)
