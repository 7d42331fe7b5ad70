"""Sums over the ledger's lines."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, func, select
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
_AMOUNT = func.sum(LINE.c.amount)


def _standing(status: Status) -> ColumnElement[bool]:
    """Posted journals, or pending ones that nothing has resolved."""
    if status == "posted":
        return JOURNAL.c.status == "posted"
    resolved = select(_RESOLVING.c.seq).where(_RESOLVING.c.resolves_id == JOURNAL.c.id).exists()
    return (JOURNAL.c.status == "pending") & ~resolved


def balances(session: Session, *, status: Status = "posted") -> list[Balance]:
    """Return the balances that are not 0, by code, department, unit and basis; pending ones are open holds only."""
    keys = (LINE.c.account, LINE.c.dept, LINE.c.commodity, LINE.c.basis)
    sums = _sums(*keys).where(_standing(status)).group_by(*keys).having(_AMOUNT != 0)
    rows = session.connection().execute(sums)
    return in_order(Balance(account, dept, unit, basis, int(amount)) for account, dept, unit, basis, amount in rows)


def tag_balance(session: Session) -> dict[tuple[str, str, str], int]:
    """Return the number of live tags by tag, reason and channel, as the ledger has it; none is 0."""
    keys = (LINE.c.tag, LINE.c.reason, LINE.c.channel)
    sums = (
        select(*keys, _AMOUNT).where(LINE.c.commodity == "TAG", _BORNE_BY_CONTACTS).group_by(*keys).having(_AMOUNT != 0)
    )
    rows = session.connection().execute(sums)
    return {(tag or "", reason or "", channel or ""): int(amount) for tag, reason, channel, amount in rows}


def totals(session: Session) -> LedgerTotals:
    """Return the ledger at a glance, in the currency of the newest configuration."""
    connection = session.connection()
    currency = next(iter(currencies(connection)), "")
    waste: defaultdict[str, Cost] = defaultdict(Cost)
    cost: defaultdict[Quadrant, Cost] = defaultdict(Cost)
    for account, dept, basis, amount in _posted_cost(connection, currency):
        quadrant = _QUADRANT_OF[account]
        cost[quadrant] = _added(cost[quadrant], basis, int(amount))
        if account == WASTE:
            waste[dept] = _added(waste[dept], basis, int(amount))
    tags, contacts = _counts(connection)
    last = connection.execute(select(JOURNAL.c.seq, JOURNAL.c.hash).order_by(JOURNAL.c.seq.desc()).limit(1)).first()
    return LedgerTotals(
        currency=currency,
        journals=last.seq if last else 0,
        head=last.hash if last else START,
        live_tags={tag: tags.get(tag.value, 0) for tag in Tag},
        contacts=contacts,
        cost={quadrant: cost[quadrant] for quadrant in Quadrant},
        pending_minor=_pending(connection, currency),
        waste_by_department=tuple(sorted(waste.items(), key=_dearest_first)),
    )


def _sums(*keys: ColumnElement[Any]) -> Any:
    return select(*keys, _AMOUNT).join(JOURNAL, JOURNAL.c.seq == LINE.c.journal_seq)


def _posted_cost(connection: Connection, currency: str) -> Any:
    keys = (LINE.c.account, LINE.c.dept, LINE.c.basis)
    sums = _sums(*keys).where(_standing("posted"), LINE.c.commodity == currency, _BORNE_BY_CONTACTS)
    return connection.execute(sums.group_by(*keys).having(_AMOUNT != 0))


def _added(cost: Cost, basis: str, amount: int) -> Cost:
    if basis == "M":
        return Cost(cost.estimated_minor, cost.measured_minor + amount)
    return Cost(cost.estimated_minor + amount, cost.measured_minor)


def _dearest_first(entry: tuple[str, Cost]) -> tuple[int, str]:
    return (-entry[1].estimated_minor - entry[1].measured_minor, entry[0])


def _pending(connection: Connection, currency: str) -> int:
    sums = _sums().where(_standing("pending"), LINE.c.commodity == currency, _BORNE_BY_CONTACTS)
    return int(connection.execute(sums).scalar() or 0)


def _counts(connection: Connection) -> tuple[dict[str, int], int]:
    """Live tags by tag, and contacts."""
    keys = (LINE.c.commodity, LINE.c.tag)
    sums = select(*keys, _AMOUNT).where(LINE.c.commodity.in_(COUNTED), _BORNE_BY_CONTACTS).group_by(*keys)
    tags: dict[str, int] = {}
    contacts = 0
    for commodity, tag, amount in connection.execute(sums):
        if commodity == "TAG":
            tags[tag or ""] = int(amount)
        else:
            contacts += int(amount)
    return tags, contacts
