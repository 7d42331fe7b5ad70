"""Keeps the record of what was written into the ledger's tables, for what the journals' own chain leaves out.

A journal's hash covers what happened and not when we wrote it down, so that the same events give the same hashes again.
The moment stands in the record, which is a chain as well; so do the digests of sealed months and of cost models.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import Connection, Table, select
from sqlmodel import SQLModel

from bot.ledger.journal import START, Journal, digest
from storage import models_records
from storage.ledger_rows import CONFIG, JOURNAL, PERIOD, exact_rows, insert_rows

RECORD: Final[Table] = SQLModel.metadata.tables[models_records.LedgerRecord.__tablename__]
COLUMNS: Final = tuple(column.name for column in RECORD.columns)

_UNKNOWN: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When a month was marked as over, in a database that kept no record."""

What = Literal["journals", "period", "config"]


class Writing(NamedTuple):
    """One line of the record, before it has its place in it."""

    what: What
    ref: str
    recorded_at: datetime
    sha256: str


def of_journals(journals: Sequence[Journal], now: datetime) -> Writing:
    """Return that journals were written; they follow each other in the chain."""
    first, last = journals[0], journals[-1]
    return Writing("journals", f"{first.seq}-{last.seq}", now, last.hash)


def of_row(table: Table, row: Mapping[str, Any], now: datetime) -> Writing:
    """Return how a month or a cost model stands."""
    [key] = table.primary_key.columns
    return Writing("period" if table is PERIOD else "config", row[key.name], now, row_digest(table, row))


def row_digest(table: Table, row: Mapping[str, Any]) -> str:
    """Return the digest of a row, whatever database it is in."""
    return digest({column.name: _plain(row.get(column.name)) for column in table.columns})


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def add(connection: Connection, *writings: Writing) -> None:
    """Put writings at the end of the record. The caller has the ledger's turn."""
    last = connection.execute(select(RECORD.c.n, RECORD.c.hash).order_by(RECORD.c.n.desc()).limit(1)).first()
    n, head = (last.n, last.hash) if last else (0, START)
    rows = []
    for number, writing in enumerate(writings, start=n + 1):
        head = chained(head, number, writing)
        rows.append((number, *writing, head))
    insert_rows(connection, RECORD, COLUMNS, rows)


def add_row(connection: Connection, table: Table, key: str, now: datetime) -> None:
    """Put on record how the row with ``key`` stands now."""
    [column] = table.primary_key.columns
    row = connection.execute(select(table).where(column == key)).mappings().one()
    add(connection, of_row(table, dict(row), now))


def chained(head: str, n: int, writing: Writing) -> str:
    """Return the hash of a line of the record that follows the one with the hash ``head``."""
    return digest({"prev": head, "n": n, **{name: _plain(value) for name, value in writing._asdict().items()}})


def lines(connection: Connection) -> Generator[tuple[int, Writing, str] | None]:
    """Yield number, writing and hash of every line, in order; None for one that is not in our form."""
    with closing(exact_rows(connection, RECORD)) as rows:
        for row in rows:
            if row is None:
                yield None
            else:
                n, *values, hash_ = row.values()
                yield n, Writing(*values), hash_


def begin(connection: Connection) -> None:
    """Put on record what stands in the ledger's tables of a database that had no record: its migration calls it."""
    add(connection, *_written_before(connection))


def _written_before(connection: Connection) -> Iterator[Writing]:
    rows = connection.execute(select(JOURNAL.c.recorded_at, JOURNAL.c.seq, JOURNAL.c.hash).order_by(JOURNAL.c.seq))
    for at, group in groupby(rows, key=itemgetter(0)):
        together = list(group)
        yield Writing("journals", f"{together[0].seq}-{together[-1].seq}", at, together[-1].hash)
    for table in (CONFIG, PERIOD):
        for row in map(dict, connection.execute(select(table)).mappings()):
            yield of_row(table, row, row.get("recorded_at") or row.get("closed_at") or _UNKNOWN)
