"""Ledger rows to journals and back."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Table, select
from sqlmodel import SQLModel

from bot.ledger.journal import Draft, Journal, Line, journal_id
from storage import models

JOURNAL: Final[Table] = SQLModel.metadata.tables[models.LedgerJournal.__tablename__]
LINE: Final[Table] = SQLModel.metadata.tables[models.LedgerLine.__tablename__]
PERIOD: Final[Table] = SQLModel.metadata.tables[models.LedgerPeriod.__tablename__]
CONFIG: Final[Table] = SQLModel.metadata.tables[models.LedgerConfig.__tablename__]

LINE_COLUMNS: Final = ("journal_seq", "n", *Line._fields)

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


def journal_row(journal: Journal, now: datetime) -> dict[str, Any]:
    """Return the row of a journal."""
    draft = journal.draft
    return {
        "seq": journal.seq,
        "id": journal.id,
        "idem_key": draft.key,
        "payload_sha256": journal.payload_sha256,
        "kind": draft.kind,
        "status": draft.status,
        "effective_date": draft.effective,
        "original_date": draft.original,
        "recorded_at": now,
        "resolves_id": draft.resolves and journal_id(draft.resolves),
        "resolution": draft.resolution,
        "reverses_id": draft.reverses and journal_id(draft.reverses),
        "group_ref": draft.group_ref,
        "memo": draft.memo,
        "actor_ref": draft.actor_ref,
        "prev_hash": journal.prev_hash,
        "hash": journal.hash,
    }


def line_rows(journal: Journal) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a journal's lines, counted from 1, as :data:`LINE_COLUMNS` has them."""
    for number, line in enumerate(journal.draft.lines, start=1):
        yield (journal.seq, number, *line)
