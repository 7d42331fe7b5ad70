"""Keeps the sums beside the journals: added to by whoever posts, recounted by whoever verifies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Dialect, Select, Table, delete, func, insert, literal, select, union_all
from sqlmodel import SQLModel

from bot.ledger.accounts import CONTACT_ACCOUNTS
from bot.ledger.journal import Journal, Line, Status
from storage import models_sums
from storage.ledger_rows import JOURNAL, LINE

SUM: Final[Table] = SQLModel.metadata.tables[models_sums.LedgerSum.__tablename__]
CASE_SUM: Final[Table] = SQLModel.metadata.tables[models_sums.LedgerCaseSum.__tablename__]

LEFT_OUT: Final = ("TAG", "SEC")
"""Commodities that are not summed up by day."""

_COUNT: Final = "CNT"

Key = tuple[date, bool, Status, str, str, str, str, str, str, str]
"""A row of ``ledger_sum`` without its amount, in the order of its columns."""


def add(connection: Connection, journals: Iterable[Journal], journal_of: Callable[[str], Journal | None]) -> None:
    """Add new journals to the sums; ``journal_of`` returns a journal by key, such as the hold that one resolves."""
    sums: Counter[tuple[Any, ...]] = Counter()
    cases: Counter[tuple[Any, ...]] = Counter()
    for journal in journals:
        _count(journal, 1, sums)
        _count_case(journal, cases)
        hold = journal_of(journal.draft.resolves) if journal.draft.resolves else None
        if hold is not None:
            _count(hold, -1, sums)
    _upsert(connection, SUM, sums)
    _upsert(connection, CASE_SUM, cases)


def _count(journal: Journal, sign: int, sums: Counter[tuple[Any, ...]]) -> None:
    for line in journal.draft.lines:
        if line.commodity not in LEFT_OUT:
            sums[_key(journal, line)] += sign * line.amount


def _key(journal: Journal, line: Line) -> Key:
    draft = journal.draft
    return (
        draft.effective,
        draft.original is not None,
        draft.status,
        line.account,
        line.commodity,
        line.basis,
        line.dept,
        line.reason or "",
        line.quadrant or "",
        line.segment or "",
    )


def _count_case(journal: Journal, cases: Counter[tuple[Any, ...]]) -> None:
    if journal.draft.status != "posted":
        return
    for line in journal.draft.lines:
        if line.case_id and line.account in CONTACT_ACCOUNTS and line.commodity not in (*LEFT_OUT, _COUNT):
            cases[line.case_id, line.commodity] += line.amount


def _upsert(connection: Connection, table: Table, sums: Mapping[tuple[Any, ...], int]) -> None:
    """In key order, so that two databases filled alike are alike; by the driver, whose executemany is fastest."""
    rows = [(*key, amount) for key, amount in sums.items() if amount]
    if rows:
        statement, day = _prepared(connection.dialect, table)
        connection.exec_driver_sql(statement, [day(row) for row in sorted(rows)])


@cache
def _prepared(dialect: Dialect, table: Table) -> tuple[str, Callable[[tuple[Any, ...]], tuple[Any, ...]]]:
    """The statement, and what turns a row into the driver's values."""
    mark = "?" if dialect.name == "sqlite" else "%s"
    names = [column.name for column in table.columns]
    keys = [column.name for column in table.primary_key.columns]
    statement = (
        f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join(mark for _ in names)})"  # noqa: S608  # own names
        f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET amount = {table.name}.amount + excluded.amount"
    )
    if dialect.name == "sqlite" and table is SUM:
        return statement, lambda row: (row[0].isoformat(), int(row[1]), *row[2:])
    return statement, lambda row: row


def recounted() -> Select[Any]:
    """Return the query that counts ``ledger_sum`` from the journals, in the order of its columns."""
    resolving = JOURNAL.alias("resolving")
    is_resolved = select(resolving.c.seq).where(resolving.c.resolves_id == JOURNAL.c.id).exists()
    keys = [
        JOURNAL.c.effective_date,
        JOURNAL.c.original_date.is_not(None).label("is_late"),
        JOURNAL.c.status,
        *(LINE.c[name] for name in ("account", "commodity", "basis", "dept")),
        *(func.coalesce(LINE.c[name], "").label(name) for name in ("reason", "quadrant", "segment")),
    ]
    amount = func.sum(LINE.c.amount)
    return (
        select(*keys, amount.label("amount"))
        .join(LINE, LINE.c.journal_seq == JOURNAL.c.seq)
        .where(LINE.c.commodity.not_in(LEFT_OUT), (JOURNAL.c.status == "posted") | ~is_resolved)
        .group_by(*keys)
        .having(amount != 0)
    )


def recounted_cases() -> Select[Any]:
    """Return the query that counts ``ledger_case_sum`` from the journals, in the order of its columns."""
    amount = func.sum(LINE.c.amount)
    return (
        select(LINE.c.case_id, LINE.c.commodity, amount.label("amount"))
        .join(JOURNAL, JOURNAL.c.seq == LINE.c.journal_seq)
        .where(
            JOURNAL.c.status == "posted",
            LINE.c.account.in_(CONTACT_ACCOUNTS),
            LINE.c.commodity.not_in([*LEFT_OUT, _COUNT]),
            LINE.c.case_id.is_not(None),
            LINE.c.case_id != "",
        )
        .group_by(LINE.c.case_id, LINE.c.commodity)
        .having(amount != 0)
    )


def problem(connection: Connection) -> str:
    """Return in words which sum is not what the journals say; empty when all are. Reads every line."""
    for table, counted in _counted():
        for row in connection.execute(_differences(table, counted).limit(1)):
            key = " / ".join(str(value) for value in row[:-2])
            return (
                f"{table.name} of {key} is {row[-2]}, the journals say {row[-1]};"
                " count them anew with: earmark ledger verify --rebuild-sums"
            )
    return ""


def rebuild(connection: Connection) -> None:
    """Count all sums anew from the journals; nobody may post meanwhile."""
    for table, counted in _counted():
        connection.execute(delete(table))
        connection.execute(insert(table).from_select([column.name for column in table.columns], counted))


def _counted() -> Iterator[tuple[Table, Select[Any]]]:
    yield SUM, recounted()
    yield CASE_SUM, recounted_cases()


def _differences(table: Table, counted: Select[Any]) -> Select[Any]:
    """The keys with two different amounts: kept and counted; a missing one is 0. A full join, for both databases."""
    journals = counted.subquery("journals")
    names = [column.name for column in table.primary_key.columns]
    zero = literal(0)
    both = union_all(
        select(*(table.c[name] for name in names), table.c.amount.label("kept"), zero.label("counted")),
        select(*(journals.c[name] for name in names), zero.label("kept"), journals.c.amount.label("counted")),
    ).subquery("both")
    keys = [both.c[name] for name in names]
    kept, found = func.sum(both.c.kept), func.sum(both.c.counted)
    return select(*keys, kept, found).group_by(*keys).having(kept != found).order_by(*keys)
