"""What contacts cost, by quadrant, causing department and reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, case, func, select
from sqlmodel import Session

from bot.domain import Quadrant
from bot.ledger.accounts import CONTACT_ACCOUNTS, OF_QUADRANT
from storage.ledger_rows import JOURNAL, LINE, currencies

_RESOLVING = JOURNAL.alias("resolving")
_QUADRANT_OF: Final = {account: quadrant for quadrant, account in OF_QUADRANT.items()}


@dataclass(frozen=True, slots=True)
class Cell:
    """One quadrant, department and reason. Posted work by what it rests on; ``pending_minor`` is work we expect.

    A split contact counts with its first owner, its money with each owner's share.
    """

    quadrant: Quadrant
    dept: str
    reason: str
    contacts: int
    estimated_minor: int
    measured_minor: int
    pending_minor: int


def grid(session: Session) -> list[Cell]:
    """Return every cell in which something stands, in the currency of the newest configuration."""
    connection = session.connection()
    currency = next(iter(currencies(connection)), "")
    sums: dict[tuple[Quadrant, str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for account, dept, reason, commodity, basis, status, amount in _rows(connection, currency):
        kind = "CNT" if commodity == "CNT" else f"{status}:{basis}"
        sums[_QUADRANT_OF[account], dept, reason or ""][kind] += int(amount)
    cells = (_cell(*key, amounts) for key, amounts in sums.items())
    return sorted((cell for cell in cells if _stands(cell)), key=lambda cell: (cell.quadrant, cell.dept, cell.reason))


def _rows(connection: Connection, currency: str) -> Iterable[Any]:
    """Sums of contacts and money; a pending journal counts until another one resolves it."""
    keys = (LINE.c.account, LINE.c.dept, LINE.c.reason, LINE.c.commodity, LINE.c.basis, JOURNAL.c.status)
    is_resolved = select(_RESOLVING.c.seq).where(_RESOLVING.c.resolves_id == JOURNAL.c.id).exists()
    standing = func.sum(case(((JOURNAL.c.status == "pending") & is_resolved, 0), else_=LINE.c.amount))
    query = select(*keys, standing).join(JOURNAL, JOURNAL.c.seq == LINE.c.journal_seq)
    query = query.where(LINE.c.account.in_(CONTACT_ACCOUNTS), LINE.c.commodity.in_(["CNT", currency]))
    return connection.execute(query.group_by(*keys))


def _cell(quadrant: Quadrant, dept: str, reason: str, amounts: dict[str, int]) -> Cell:
    pending = sum(amount for kind, amount in amounts.items() if kind.startswith("pending:"))
    return Cell(quadrant, dept, reason, amounts["CNT"], amounts["posted:E"], amounts["posted:M"], pending)


def _stands(cell: Cell) -> bool:
    return any((cell.contacts, cell.estimated_minor, cell.measured_minor, cell.pending_minor))
