"""Checks the whole ledger in the database, a bounded number of journals at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from bot.ledger.verify import Audit, Broken, Verdict
from storage import db, ledger_sums
from storage.ledger_recorded import Recorded
from storage.ledger_records import RECORD
from storage.ledger_rows import ACTING_COLUMNS, CONFIG, JOURNAL, LINE, PERIOD, currencies
from storage.ledger_scan import Head, Scan
from storage.ledger_walk import Walk
from storage.periods import seal_problem

Progress = Callable[[int, int], None]
"""Called with how many journals are checked and how many there are."""

_DAMAGE: Final = ("malformed", "not a database", "Could not decode", "disk I/O error")
"""What SQLite says of a file that it cannot read."""

UNREADABLE: Final = "a cost model, a closed month or a sum of lines cannot be read"

_TABLES: Final = (JOURNAL, LINE, PERIOD, CONFIG, RECORD, ledger_sums.SUM, ledger_sums.CASE_SUM)


def verify(session: Session, progress: Progress | None = None) -> Verdict:
    """Recompute every digest, hash, sum, resolution and reversal; name the first journal that does not check.

    Then look at what no journal shows: the record of what was written when, the seals of closed months, the cost
    models, the sums that reports read, and on SQLite whether the file is whole. Memory does not grow with the ledger.
    """
    connection = session.connection()
    audit = Audit(frozenset())
    try:
        audit = Audit(frozenset(currencies(connection)))
        broken = _broken(connection, audit, progress)
    except (AttributeError, LookupError, TypeError, ValueError):
        # SQLite keeps whatever it is given: a number or bytes where a date or a list is read, a text that says nothing.
        broken = Broken(0, "", (UNREADABLE,))
    except DBAPIError as error:
        words = str(error.orig).strip()
        if not any(mark in words for mark in _DAMAGE):
            raise
        broken = _damaged(words)
    return replace(audit.verdict, broken=broken)


def _broken(connection: Connection, audit: Audit, progress: Progress | None) -> Broken | None:
    # A cursor that is left open keeps its hold on the file for as long as the error that ended the reading is kept.
    with closing(Recorded(connection)) as recorded, _beside(connection) as whole_book:
        broken = _first_broken(Walk(connection, audit), recorded, progress)
        return broken or recorded.missing() or whole_book() or recorded.rows()


def _damaged(words: str) -> Broken:
    return Broken(0, "", (f"the database file is damaged ({words}); restore a backup",))


def _first_broken(walk: Walk, recorded: Recorded, progress: Progress | None) -> Broken | None:
    """Return the first journal in the order of the chain that does not check."""
    total = walk.connection.execute(select(func.count()).select_from(JOURNAL)).scalar_one()
    seals = _seals(walk.connection)
    with closing(Scan(walk.connection)) as scan:
        for page in scan:
            walk.enter([head for head, _ in page])
            for head, lines in page:
                broken = walk.problem(head, lines) or _told_otherwise(head, seals, recorded)
                if broken is not None:
                    return broken
            if progress is not None:
                progress(walk.seq, total)
        return _end_problem(scan, walk.seq, seals)


def _told_otherwise(head: Head, seals: dict[int, str], recorded: Recorded) -> Broken | None:
    """What the seals and the record say of a journal that checks by itself."""
    is_sealed_so = seals.get(head.seq, head.hash) == head.hash
    problem = recorded.problem(head) if is_sealed_so else "sealed otherwise"
    return Broken(head.seq, head.idem_key, (problem,)) if problem else None


def _end_problem(scan: Scan, journals: int, seals: dict[int, str]) -> Broken | None:
    """What shows only once all is read: a file that ends too early, lines of no journal, a cut-off chain."""
    if scan.damage:
        return Broken(journals + 1, "", (f"the database cannot read it ({scan.damage})",))
    if scan.stray is not None:
        return Broken(scan.stray, "", ("lines without a journal",))
    if max(seals, default=0) > journals:
        return Broken(journals + 1, "", ("missing, but sealed",))
    return None


def _seals(connection: Connection) -> dict[int, str]:
    """The last journal's hash of each closed period, by its place in the chain."""
    closed = select(PERIOD.c.last_seq, PERIOD.c.last_hash).where(PERIOD.c.state == "closed")
    return {seq: sealed for seq, sealed in connection.execute(closed) if seq}


@contextmanager
def _beside(connection: Connection) -> Iterator[Callable[[], Broken | None]]:
    """Have the database look at the book as a whole meanwhile, from a connection of its own, where it has one.

    It sees the ledger as it stands a moment later, which is as sound: every journal comes with its sums.
    """
    if not db.is_reading(connection):
        yield lambda: _whole_book(connection)  # what this transaction has written, no other connection sees
        return
    with ThreadPoolExecutor(1, thread_name_prefix="verify") as pool:
        yield pool.submit(_look, connection.engine).result


def _look(engine: Engine) -> Broken | None:
    with db.reading(engine) as session:
        return _whole_book(session.connection())


def _whole_book(connection: Connection) -> Broken | None:
    """What no single journal shows: a damaged file, two journals that act on one, figures that are not as sealed."""
    return _file_problem(connection) or _acting_problem(connection) or _figures_problem(connection)


def _file_problem(connection: Connection) -> Broken | None:
    """Whether SQLite finds rows and indexes of the ledger's tables as it wrote them; a server checks its own pages."""
    if connection.dialect.name != "sqlite":
        return None
    for table in _TABLES:
        told = str(connection.exec_driver_sql(f"PRAGMA integrity_check({table.name})").scalars().first())
        if told != "ok":
            return _damaged(f"{table.name}: {told}")
    return None


def _acting_problem(connection: Connection) -> Broken | None:
    for column in ACTING_COLUMNS.values():
        twice = select(func.max(JOURNAL.c.seq)).where(column.is_not(None)).group_by(column).having(func.count() > 1)
        seq = connection.execute(twice.limit(1)).scalar()
        if seq is not None:
            return Broken(seq, "", ("target acted on twice",))
    return None


def _figures_problem(connection: Connection) -> Broken | None:
    """Whether a sealed month and what reports read say what the journals say."""
    sealed_otherwise = seal_problem(connection)
    if sealed_otherwise is not None:
        last_seq, month = sealed_otherwise
        return Broken(last_seq, "", (f"the figures of {month} are not as they were sealed",))
    found = ledger_sums.problem(connection)
    return Broken(0, "", (found,)) if found else None
