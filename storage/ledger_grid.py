"""What the board shows of the ledger: the grid by quadrant, department and reason, and the number of journals."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlmodel import Session

from bot.domain import Quadrant
from bot.ledger.accounts import CONTACT_ACCOUNTS, OF_QUADRANT
from storage.ledger_rows import JOURNAL, LINE, currencies

_QUADRANT_OF = {account: quadrant for quadrant, account in OF_QUADRANT.items()}


@dataclass(frozen=True, slots=True)
class Cell:
    """What one department caused for one reason in one quadrant. Money is in the book's smallest unit.

    ``pending_minor`` is expected work, which is never part of the cost.
    """

    quadrant: Quadrant
    dept: str
    reason: str
    contacts: int
    estimated_minor: int
    measured_minor: int
    pending_minor: int


def grid(session: Session) -> list[Cell]:
    """Return the grid over all time, in the currency of the newest configuration; empty cells are left out."""
    connection = session.connection()
    currency = next(iter(currencies(connection)), "")
    resolving = JOURNAL.alias("resolving")
    is_resolved = select(resolving.c.seq).where(resolving.c.resolves_id == JOURNAL.c.id).exists()
    stands = case((JOURNAL.c.status == "posted", LINE.c.basis), (~is_resolved, "pending"), else_="")
    keys = (LINE.c.account, LINE.c.dept, LINE.c.reason, LINE.c.commodity, stands.label("stands"))
    query = (
        select(*keys, func.sum(LINE.c.amount))
        .join(JOURNAL, JOURNAL.c.seq == LINE.c.journal_seq)
        .where(LINE.c.account.in_(CONTACT_ACCOUNTS), LINE.c.commodity.in_(("CNT", currency)))
        .group_by(*keys)
    )
    sums: defaultdict[tuple[str, str, str], defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for account, dept, reason, commodity, basis, amount in connection.execute(query):
        sums[account, dept, reason or ""]["CNT" if commodity == "CNT" else basis] += int(amount)
    return [
        Cell(_QUADRANT_OF[account], dept, reason, found["CNT"], found["E"], found["M"], found["pending"])
        for (account, dept, reason), found in sorted(sums.items())
        if any(found.values())
    ]


def journal_count(session: Session) -> int:
    """Return how many journals the ledger has: its last number, because there are no gaps."""
    return int(session.connection().execute(select(func.max(JOURNAL.c.seq))).scalar() or 0)
