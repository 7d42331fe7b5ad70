"""Checks the whole ledger in the database, a bounded number of journals at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, func, select
from sqlmodel import Session

from bot.ledger.journal import Journal
from bot.ledger.verify import Audit, Broken, Verdict
from storage import ledger_sums
from storage.ledger_rows import ACTING_COLUMNS, JOURNAL, LINE, PERIOD, currencies, journals_in, journals_where
from storage.periods import seal_problem

PAGE: Final = 1000
"""Journals held in memory at a time."""

Progress = Callable[[int, int], None]
"""Called with how many journals are checked and how many there are."""


def verify(session: Session, progress: Progress | None = None) -> Verdict:
    """Recompute every digest, hash, sum, resolution and reversal; name the first journal that does not check.

    Memory does not grow with the ledger. A ledger that was cut off at the end shows only against a sealed period.
    """
    connection = session.connection()
    audit = Audit(frozenset(currencies(connection)))
    seals = _seals(connection)
    total = connection.execute(select(func.count()).select_from(JOURNAL)).scalar_one()
    for page in _pages(connection):
        broken = _check(connection, audit, page, seals)
        if broken is not None:
            return replace(audit.verdict, broken=broken)
        if progress is not None:
            progress(audit.verdict.journals, total)
    broken = _structure_problem(connection, audit.verdict.journals, seals) or _sums_problem(connection)
    return replace(audit.verdict, broken=broken)


def _pages(connection: Connection) -> Iterator[list[Journal]]:
    seq = 0
    while page := journals_where(connection, JOURNAL.c.seq > seq, limit=PAGE):
        seq = page[-1].seq
        yield page


def _check(connection: Connection, audit: Audit, page: list[Journal], seals: dict[int, str]) -> Broken | None:
    """Return the first broken journal of the page; the targets of its journals are looked up together."""
    by_key = {journal.key: journal for journal in page}
    targets = {key for journal in page for key in (journal.draft.resolves, journal.draft.reverses) if key}
    by_key |= {found.key: found for found in journals_in(connection, JOURNAL.c.idem_key, targets - by_key.keys())}
    for journal in page:
        draft = journal.draft
        broken = audit.check(
            journal, resolved=by_key.get(draft.resolves or ""), reversed_=by_key.get(draft.reverses or "")
        )
        if broken is not None:
            return broken
        if seals.get(journal.seq, journal.hash) != journal.hash:
            return Broken(journal.seq, journal.key, ("sealed otherwise",))
    return None


def _seals(connection: Connection) -> dict[int, str]:
    """The last journal's hash of each closed period, by its place in the chain."""
    closed = select(PERIOD.c.last_seq, PERIOD.c.last_hash).where(PERIOD.c.state == "closed")
    return {seq: sealed for seq, sealed in connection.execute(closed) if seq}


def _sums_problem(connection: Connection) -> Broken | None:
    """What reports read must be what the journals say."""
    found = ledger_sums.problem(connection)
    return Broken(0, "", (found,)) if found else None


def _structure_problem(connection: Connection, journals: int, seals: dict[int, str]) -> Broken | None:
    """What no single journal shows: a cut-off end, lines of no journal, two journals that act on one."""
    if max(seals, default=0) > journals:
        return Broken(journals + 1, "", ("missing, but sealed",))
    of_journal = select(JOURNAL.c.seq).where(JOURNAL.c.seq == LINE.c.journal_seq).exists()
    stray = connection.execute(select(func.min(LINE.c.journal_seq)).where(~of_journal)).scalar()
    if stray is not None:
        return Broken(stray, "", ("lines without a journal",))
    for column in ACTING_COLUMNS.values():
        twice = select(func.max(JOURNAL.c.seq)).where(column.is_not(None)).group_by(column).having(func.count() > 1)
        seq = connection.execute(twice.limit(1)).scalar()
        if seq is not None:
            return Broken(seq, "", ("target acted on twice",))
    sealed_otherwise = seal_problem(connection)
    if sealed_otherwise is not None:
        last_seq, month = sealed_otherwise
        return Broken(last_seq, "", (f"the figures of {month} are not as they were sealed",))
    return None
