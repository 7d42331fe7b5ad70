"""The ledger in the database. :func:`post` is the only thing that writes journals; nothing ever changes one."""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, Select, func, insert, literal, select, union_all
from sqlmodel import Session

from bot.errors import LedgerError
from bot.ledger.accounts import BUDGET_INITIATIVES
from bot.ledger.book import Acting, Book
from bot.ledger.decide import BUDGETS
from bot.ledger.journal import START, Draft, Journal, journal_id
from bot.ledger.model import CostModel
from storage import ledger_records, ledger_sums
from storage.ledger_rows import (
    ACTING_COLUMNS,
    CONFIG,
    JOURNAL,
    JOURNAL_COLUMNS,
    LINE,
    LINE_COLUMNS,
    PERIOD,
    chunks,
    currencies,
    insert_rows,
    journal_row,
    journals_in,
    journals_where,
    line_rows,
)

_LOCK: Final = 0x6561726D61726B
"""Whoever holds this advisory lock appends to the chain; PostgreSQL gives it back with the transaction."""

_TRUSTED: Final = "posts_into_soft_months"


@dataclass(frozen=True, slots=True)
class Posted:
    """A journal in the books. ``is_new`` is False where it had been posted before."""

    seq: int
    key: str
    id: str
    hash: str
    is_new: bool


def post(session: Session, drafts: Sequence[Draft], *, now: datetime) -> list[Posted]:
    """Write the drafts in order, as part of the caller's transaction: n drafts → n results, same order.

    All or none: a refused draft leaves nothing of the batch behind. A draft that is in the books already is
    returned as it was written first. A day in a closed period moves to the first open one, and so does a day in a
    softly closed one unless :func:`trust` was called. The number of queries does not grow with the number of drafts.

    Raises:
        LedgerError: a draft does not fit the books, or no configuration was recorded yet.
    """
    if not drafts:
        return []
    connection = session.connection()
    take_turn(connection)
    book = _view(connection, drafts, closed=("closed",) if session.info.get(_TRUSTED) else ("closed", "soft"))
    results = [book.post(draft) for draft in drafts]
    new = [journal for journal, is_new in results if is_new]
    if new:
        _write(connection, new, now)
        ledger_sums.add(connection, new, book.by_key)
    return [Posted(journal.seq, journal.key, journal.id, journal.hash, is_new) for journal, is_new in results]


def trust(session: Session) -> None:
    """Let what this transaction posts stay in months that are only softly closed: a supervisor or finance is acting."""
    session.info[_TRUSTED] = True


def take_turn(connection: Connection) -> None:
    """Wait until nobody else appends to the chain, until this transaction ends; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def _write(connection: Connection, journals: Sequence[Journal], now: datetime) -> None:
    insert_rows(connection, JOURNAL, JOURNAL_COLUMNS, [journal_row(journal, now) for journal in journals])
    insert_rows(connection, LINE, LINE_COLUMNS, [row for journal in journals for row in line_rows(journal)])
    ledger_records.add(connection, ledger_records.of_journals(journals, now))


def _view(connection: Connection, drafts: Sequence[Draft], *, closed: Sequence[str]) -> Book:
    """Return what the rules need to know of the books for these drafts."""
    seq, head = _head(connection)
    targets = [key for draft in drafts for key in (draft.resolves, draft.reverses) if key is not None]
    kept = currencies(connection)
    if not kept:
        raise LedgerError("E_NO_CONFIG", "no cost model is recorded in this ledger; record the configuration first")
    book = Book(frozenset(kept), closed_through=_closed_through(connection, closed), seq=seq, head=head)
    book.know(journals_in(connection, JOURNAL.c.idem_key, [*(draft.key for draft in drafts), *targets]))
    if targets:
        _know_what_acts_on(connection, book, targets)
    if any(line.account in BUDGETS for draft in drafts for line in draft.lines):
        _know_budgets(connection, book)
    return book


def _head(connection: Connection) -> tuple[int, str]:
    last = connection.execute(select(JOURNAL.c.seq, JOURNAL.c.hash).order_by(JOURNAL.c.seq.desc()).limit(1)).first()
    return (last.seq, last.hash) if last else (0, START)


def _closed_through(connection: Connection, states: Sequence[str]) -> date | None:
    closed = connection.execute(select(func.max(PERIOD.c.period)).where(PERIOD.c.state.in_(states))).scalar_one()
    if closed is None:
        return None
    year, month = (int(part) for part in closed.split("-"))
    return date(year, month, monthrange(year, month)[1])


def _know_what_acts_on(connection: Connection, book: Book, targets: Sequence[str]) -> None:
    for chunk in chunks(targets):
        key_of = {journal_id(key): key for key in chunk}
        # Two statements in one: a single one with OR would read the whole table on SQLite.
        acting = union_all(*(_acting(how, key_of) for how in ACTING_COLUMNS))
        for row in connection.execute(acting):
            book.know_acting(row.how, key_of[row.target_id], row.key)


def _acting(how: Acting, ids: Collection[str]) -> Select[tuple[str, str | None, str]]:
    column = ACTING_COLUMNS[how]
    names = (literal(how).label("how"), column.label("target_id"), JOURNAL.c.idem_key.label("key"))
    return select(*names).where(column.in_(ids))


def _know_budgets(connection: Connection, book: Book) -> None:
    sums = (
        select(LINE.c.account, LINE.c.commodity, LINE.c.initiative_id, func.sum(LINE.c.amount))
        .join(JOURNAL, JOURNAL.c.seq == LINE.c.journal_seq)
        .where(LINE.c.account.in_(BUDGETS), JOURNAL.c.status == "posted")
        .group_by(LINE.c.account, LINE.c.commodity, LINE.c.initiative_id)
    )
    balances: Counter[tuple[str, str, str | None]] = Counter()
    for account, commodity, initiative, amount in connection.execute(sums):
        # What is available is one sum, although the lines that give it out name an initiative.
        balances[account, commodity, initiative if account == BUDGET_INITIATIVES else None] += int(amount)
    for key, amount in balances.items():
        book.know_budget(*key, amount)


def rebuild_sums(session: Session) -> None:
    """Count the sums that reports read anew from the journals; whoever posts waits."""
    connection = session.connection()
    take_turn(connection)
    ledger_sums.rebuild(connection)


def record_config(session: Session, model: CostModel, now: datetime) -> None:
    """Keep the model that journals are posted under; a version is written once."""
    connection = session.connection()
    take_turn(connection)
    if connection.execute(select(CONFIG.c.version).where(CONFIG.c.version == model.config_version)).first():
        return
    row = {
        "version": model.config_version,
        "toml": model.toml,
        "sha256": model.sha256,
        "approved_by": model.approved_by,
        "approved_at": now if model.approved_by else None,
        "placeholders": model.placeholders,
        "recorded_at": now,
    }
    connection.execute(insert(CONFIG), [row])
    ledger_records.add_row(connection, CONFIG, model.config_version, now)


def draft_by_key(session: Session, key: str) -> Draft | None:
    """Return a posted journal as the draft it was, such as for reversing it; None when the key is not in the books."""
    found = journals_where(session.connection(), JOURNAL.c.idem_key == key)
    return found[0].draft if found else None


def journals_of(session: Session, *, case_id: str = "", group_ref: str = "") -> list[Journal]:
    """Return the journals about the case or of the group, and those that act on them; oldest first.

    A journal is about a case when one of its lines is, or when the case is its group. A group holds those below it:
    ``recharge:2026-09`` is also ``recharge:2026-09:billing``.
    """
    connection = session.connection()
    refs = [ref for ref in (case_id, group_ref) if ref]
    conditions: list[ColumnElement[bool]] = [JOURNAL.c.group_ref.in_(refs)]
    if group_ref:
        # No LIKE: a name may hold its wildcards.
        prefix = f"{group_ref}:"
        conditions.append(func.substr(JOURNAL.c.group_ref, 1, len(prefix)) == prefix)
    if case_id:
        conditions.append(JOURNAL.c.seq.in_(select(LINE.c.journal_seq).where(LINE.c.case_id == case_id)))
    found = [journal for condition in conditions for journal in journals_where(connection, condition)]
    ids = [journal.id for journal in found]
    for column in ACTING_COLUMNS.values():
        found += journals_in(connection, column, ids)
    return [journal for _, journal in sorted({journal.seq: journal for journal in found}.items())]
