"""Sums over the ledger's lines."""

from __future__ import annotations

from collections import Counter, defaultdict
from threading import Lock
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, case, func, select
from sqlmodel import Session

from bot.domain import Quadrant, Tag
from bot.ledger.accounts import CONTACT_ACCOUNTS, OF_QUADRANT, WASTE
from bot.ledger.decide import COUNTED
from bot.ledger.journal import START, Status
from bot.ledger.totals import Balance, Cost, LedgerTotals, in_order
from storage.ledger_rows import JOURNAL, LINE, currencies

_RESOLVING = JOURNAL.alias("resolving")
_QUADRANT_OF: Final = {account: quadrant for quadrant, account in OF_QUADRANT.items()}
_BORNE_BY_CONTACTS = LINE.c.account.in_(CONTACT_ACCOUNTS)
_AMOUNT = func.sum(LINE.c.amount).label("amount")


def balances(session: Session, *, status: Status = "posted") -> list[Balance]:
    """Return the balances that are not 0, by code, department, unit and basis; pending ones are open holds only."""
    keys = (LINE.c.account, LINE.c.dept, LINE.c.commodity, LINE.c.basis)
    sums = select(*keys, _AMOUNT).join(JOURNAL, JOURNAL.c.seq == LINE.c.journal_seq).where(_standing(status))
    rows = session.connection().execute(sums.group_by(*keys).having(_AMOUNT != 0))
    return in_order(Balance(account, dept, unit, basis, int(amount)) for account, dept, unit, basis, amount in rows)


def _standing(status: Status) -> ColumnElement[bool]:
    """Posted journals, or pending ones that nothing has resolved."""
    if status == "posted":
        return JOURNAL.c.status == "posted"
    resolved = select(_RESOLVING.c.seq).where(_RESOLVING.c.resolves_id == JOURNAL.c.id).exists()
    return (JOURNAL.c.status == "pending") & ~resolved


def tag_balance(session: Session) -> dict[tuple[str, str, str], int]:
    """Return the number of live tags by tag, reason and channel, as the ledger has it; none is 0."""
    keys = (LINE.c.tag, LINE.c.reason, LINE.c.channel)
    sums = select(*keys, _AMOUNT).where(LINE.c.commodity == "TAG", _BORNE_BY_CONTACTS)
    rows = session.connection().execute(sums.group_by(*keys).having(_AMOUNT != 0))
    return {(tag or "", reason or "", channel or ""): int(amount) for tag, reason, channel, amount in rows}


def totals(session: Session) -> LedgerTotals:
    """Return the ledger at a glance, in the currency of the newest configuration. Reads every line."""
    return RunningTotals().read(session)


class RunningTotals:
    """The ledger at a glance, again and again: each reading adds only what was posted since the last one.

    That is enough because nothing in a ledger ever changes. One object belongs to one database; threads may share it.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._forget()

    def _forget(self) -> None:
        self._seq, self._head, self._currency = 0, START, ""
        self._tags: Counter[str] = Counter()
        self._contacts = 0
        self._pending_minor = 0
        self._cost: defaultdict[Quadrant, Cost] = defaultdict(Cost)
        self._waste: defaultdict[str, Cost] = defaultdict(Cost)

    def read(self, session: Session) -> LedgerTotals:
        """Return the totals as the session sees them."""
        connection = session.connection()
        with self._lock:
            self._advance(connection)
            return self._totals()

    def _advance(self, connection: Connection) -> None:
        last = connection.execute(select(JOURNAL.c.seq, JOURNAL.c.hash).order_by(JOURNAL.c.seq.desc()).limit(1)).first()
        currency = next(iter(currencies(connection)), "")
        seq, head = (last.seq, last.hash) if last else (0, START)
        # An older snapshot than the last one, or a new currency: count again from the start.
        if seq < self._seq or currency != self._currency:
            self._forget()
            self._currency = currency
        if seq > self._seq:
            for row in connection.execute(_since(self._seq, currency)):
                self._add(row)
            self._pending_minor -= int(connection.execute(_resolved_since(self._seq, currency)).scalar() or 0)
        self._seq, self._head = seq, head

    def _add(self, row: Row[Any]) -> None:
        amount = int(row.amount)
        if row.commodity == "TAG":
            self._tags[row.tag] += amount
        elif row.commodity == "CNT":
            self._contacts += amount
        elif row.status == "pending":
            self._pending_minor += amount
        else:
            quadrant = _QUADRANT_OF[row.account]
            self._cost[quadrant] = _added(self._cost[quadrant], row.basis, amount)
            if row.account == WASTE:
                self._waste[row.dept] = _added(self._waste[row.dept], row.basis, amount)

    def _totals(self) -> LedgerTotals:
        waste = [(dept, cost) for dept, cost in self._waste.items() if cost != Cost()]
        return LedgerTotals(
            currency=self._currency,
            journals=self._seq,
            head=self._head,
            live_tags={tag: self._tags[tag.value] for tag in Tag},
            contacts=self._contacts,
            cost={quadrant: self._cost[quadrant] for quadrant in Quadrant},
            pending_minor=self._pending_minor,
            waste_by_department=tuple(sorted(waste, key=_dearest_first)),
        )


def _since(seq: int, currency: str) -> Any:
    """Sums of the contact accounts over the journals after ``seq``."""
    tag = case((LINE.c.commodity == "TAG", LINE.c.tag), else_=None).label("tag")
    keys = (JOURNAL.c.status, LINE.c.account, LINE.c.dept, LINE.c.commodity, LINE.c.basis, tag)
    return (
        select(*keys, _AMOUNT)
        .join(JOURNAL, JOURNAL.c.seq == LINE.c.journal_seq)
        .where(LINE.c.journal_seq > seq, _BORNE_BY_CONTACTS, LINE.c.commodity.in_([*COUNTED, currency]))
        .group_by(*keys)
    )


def _resolved_since(seq: int, currency: str) -> Any:
    """The money of the holds that journals after ``seq`` have resolved."""
    return (
        select(_AMOUNT)
        .select_from(_RESOLVING)
        .join(JOURNAL, JOURNAL.c.id == _RESOLVING.c.resolves_id)
        .join(LINE, LINE.c.journal_seq == JOURNAL.c.seq)
        .where(_RESOLVING.c.seq > seq, _BORNE_BY_CONTACTS, LINE.c.commodity == currency)
    )


def _added(cost: Cost, basis: str, amount: int) -> Cost:
    if basis == "M":
        return Cost(cost.estimated_minor, cost.measured_minor + amount)
    return Cost(cost.estimated_minor + amount, cost.measured_minor)


def _dearest_first(entry: tuple[str, Cost]) -> tuple[int, str]:
    return (-entry[1].estimated_minor - entry[1].measured_minor, entry[0])
