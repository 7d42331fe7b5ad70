"""Ledger rows to journals and back."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Connection, Dialect, Row, Table, select
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel

from bot.ledger.book import Acting
from bot.ledger.journal import Draft, Journal, Line, journal_id
from storage import models

JOURNAL: Final[Table] = SQLModel.metadata.tables[models.LedgerJournal.__tablename__]
LINE: Final[Table] = SQLModel.metadata.tables[models.LedgerLine.__tablename__]
PERIOD: Final[Table] = SQLModel.metadata.tables[models.LedgerPeriod.__tablename__]
CONFIG: Final[Table] = SQLModel.metadata.tables[models.LedgerConfig.__tablename__]

JOURNAL_COLUMNS: Final = tuple(column.name for column in JOURNAL.columns)
LINE_COLUMNS: Final = ("journal_seq", "n", *Line._fields)

ACTING_COLUMNS: Final[dict[Acting, ColumnElement[str | None]]] = {
    "resolves": JOURNAL.c.resolves_id,
    "reverses": JOURNAL.c.reverses_id,
}

KEYS_PER_QUERY: Final = 10_000
"""SQLite takes 32 766 parameters a statement."""

_RESOLVED = JOURNAL.alias("resolved")
_REVERSED = JOURNAL.alias("reversed")
_HEADERS: Final = (
    select(JOURNAL, _RESOLVED.c.idem_key.label("resolves"), _REVERSED.c.idem_key.label("reverses"))
    .outerjoin(_RESOLVED, _RESOLVED.c.id == JOURNAL.c.resolves_id)
    .outerjoin(_REVERSED, _REVERSED.c.id == JOURNAL.c.reverses_id)
)
_LINES: Final = select(LINE.c.journal_seq, *(LINE.c[name] for name in Line._fields)).order_by(
    LINE.c.journal_seq, LINE.c.n
)

Converter = Callable[[Any], Any]

_T = TypeVar("_T")


def currencies(connection: Connection) -> list[str]:
    """Return the currencies this book keeps: those of the recorded configurations, the newest first."""
    texts = connection.execute(select(CONFIG.c.toml).order_by(CONFIG.c.recorded_at.desc(), CONFIG.c.version)).scalars()
    return list(dict.fromkeys(_currency(toml) for toml in texts))


@lru_cache(maxsize=64)
def _currency(toml: str) -> str:
    return str(tomllib.loads(toml)["ledger"]["currency"])


def chunks(values: Iterable[_T]) -> Iterator[list[_T]]:
    """Yield the distinct values in lists that fit into one statement."""
    distinct = list(dict.fromkeys(values))
    for start in range(0, len(distinct), KEYS_PER_QUERY):
        yield distinct[start : start + KEYS_PER_QUERY]


def journals_where(
    connection: Connection, condition: ColumnElement[bool], *, limit: int | None = None
) -> list[Journal]:
    """Return the journals that meet a condition on their table, with their lines, in the order of ``seq``."""
    headers = connection.execute(_HEADERS.where(condition).order_by(JOURNAL.c.seq).limit(limit)).all()
    lines = _lines_of(connection, [header.seq for header in headers])
    return [_journal(header, lines.get(header.seq, ())) for header in headers]


def journals_in(connection: Connection, column: ColumnElement[Any], values: Iterable[Any]) -> list[Journal]:
    """Return the journals whose ``column`` has one of the values."""
    return [journal for chunk in chunks(values) for journal in journals_where(connection, column.in_(chunk))]


def _lines_of(connection: Connection, seqs: Sequence[int]) -> dict[int, list[Line]]:
    lines: dict[int, list[Line]] = defaultdict(list)
    for chunk in chunks(seqs):
        for seq, *values in connection.execute(_LINES.where(LINE.c.journal_seq.in_(chunk))):
            lines[seq].append(Line(*values))
    return lines


def _journal(header: Row[Any], lines: Sequence[Line]) -> Journal:
    draft = Draft(
        key=header.idem_key,
        kind=header.kind,
        status=header.status,
        effective=header.effective_date,
        lines=tuple(lines),
        original=header.original_date,
        # A target that is gone still has its id here, so that the digest shows the loss.
        resolves=header.resolves or header.resolves_id,
        resolution=header.resolution,
        reverses=header.reverses or header.reverses_id,
        group_ref=header.group_ref,
        memo=header.memo,
        actor_ref=header.actor_ref,
    )
    return Journal(header.seq, header.id, draft, header.payload_sha256, header.prev_hash, header.hash)


def insert_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows by the driver's own executemany, which was measured at twice the rate of Core's."""
    if not rows:
        return
    statement, converters = _prepared(connection.dialect, table, tuple(columns))
    if converters:
        rows = [_converted(row, converters) for row in rows]
    connection.exec_driver_sql(statement, list(rows))


@cache
def _prepared(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> tuple[str, dict[int, Converter]]:
    """The statement, and by position what turns a value into the driver's, as the column's type says."""
    mark = "?" if dialect.name == "sqlite" else "%s"
    marks = ", ".join(mark for _ in columns)
    processors = (table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in columns)
    converters: dict[int, Converter] = {index: found for index, found in enumerate(processors) if found is not None}
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})", converters  # noqa: S608  # own names


def _converted(row: tuple[Any, ...], converters: dict[int, Converter]) -> tuple[Any, ...]:
    values = list(row)
    for index, convert in converters.items():
        values[index] = convert(values[index])
    return tuple(values)


def exact_rows(connection: Connection, table: Table) -> Generator[dict[str, Any] | None]:
    """Yield the rows of a table by its key; None for one with a value that we would have stored otherwise.

    SQLite takes any text for a moment and any spaces in JSON. A server knows the types and keeps one form of each.
    Whoever stops before the end closes it, so that no snapshot is held.
    """
    query = select(table).order_by(*table.primary_key.columns)
    if connection.dialect.name != "sqlite":
        with connection.execute(query) as result:
            yield from map(dict, result.mappings())
        return
    forms = [_form(column.type.dialect_impl(connection.dialect), connection.dialect) for column in table.columns]
    names = [column.name for column in table.columns]
    with connection.exec_driver_sql(str(query.compile(dialect=connection.dialect))) as result:
        for row in result:
            try:
                values = [_exactly(stored, *form) for stored, form in zip(row, forms, strict=True)]
            except (TypeError, ValueError):
                yield None
            else:
                yield dict(zip(names, values, strict=True))


def _form(kind: TypeEngine[Any], dialect: Dialect) -> tuple[Converter | None, Converter | None]:
    return kind.result_processor(dialect, None), kind.bind_processor(dialect)


def _exactly(stored: Any, read: Converter | None, write: Converter | None) -> Any:
    value = stored if stored is None or read is None else read(stored)
    again = value if value is None or write is None else write(value)
    if again != stored or type(again) is not type(stored):
        raise ValueError(stored)
    return value


def journal_row(journal: Journal, now: datetime) -> tuple[Any, ...]:
    """Return the row of a journal, as :data:`JOURNAL_COLUMNS` has it."""
    draft = journal.draft
    return (
        journal.seq,
        journal.id,
        draft.key,
        journal.payload_sha256,
        draft.kind,
        draft.status,
        draft.effective,
        draft.original,
        now,
        draft.resolves and journal_id(draft.resolves),
        draft.resolution,
        draft.reverses and journal_id(draft.reverses),
        draft.group_ref,
        draft.memo,
        draft.actor_ref,
        journal.prev_hash,
        journal.hash,
    )


def line_rows(journal: Journal) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a journal's lines, counted from 1, as :data:`LINE_COLUMNS` has them."""
    for number, line in enumerate(journal.draft.lines, start=1):
        yield (journal.seq, number, *line)
