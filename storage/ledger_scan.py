"""Reads the ledger in the order of the chain for whoever checks it: each journal's row, and the text of its lines.

The database itself puts the lines into the text that their digest covers. Making objects of every line takes four times
as long, and most of what is checked is that nothing changed. Nothing is put right on the way: a date in another form, a
line that is not where it was written, an empty text where there was nothing, are changes behind our back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from itertools import islice
from json.encoder import encode_basestring
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError

from bot.ledger.journal import Line, Resolution
from storage.ledger_rows import JOURNAL, JOURNAL_COLUMNS, chunks

PAGE: Final = 1000
"""Journals held in memory at a time."""

UNIT: Final = "\x1f"
"""Stands between the values of a line in :attr:`Lines.shape`, and :data:`RECORD` between lines."""
RECORD: Final = "\x1e"

_JOURNALS: Final = f"SELECT {', '.join(JOURNAL_COLUMNS)} FROM {JOURNAL.name} ORDER BY seq"  # noqa: S608  # own names
_LINES: Final = (
    "SELECT journal_seq, {texts}, {shape}, min(n), max(n), min(id - n), max(id - n), count(*)"
    " FROM ledger_line GROUP BY journal_seq ORDER BY journal_seq"
)


class Head(NamedTuple):
    """The row of a journal as the driver gives it: in SQLite days and moments are texts."""

    seq: int
    id: str
    idem_key: str
    payload_sha256: str
    kind: str
    status: str
    effective_date: Any
    original_date: Any
    recorded_at: Any
    resolves_id: str | None
    resolution: Resolution | None
    reverses_id: str | None
    group_ref: str
    memo: str
    actor_ref: str
    prev_hash: str
    hash: str


class Lines(NamedTuple):
    """All lines of a journal: their canonical text, and account, unit, basis and amount of each in ``shape``."""

    journal_seq: int
    texts: str
    shape: str
    first_n: int
    last_n: int
    least_offset: int
    """``id - n``, which is the same for all lines of a journal."""
    largest_offset: int
    number: int


NO_LINES: Final = Lines(0, "[]", "", 1, 0, 0, 0, 0)


class Rows:
    """Rows of a query until its end, or until one that the database cannot read: ``damage`` has its words."""

    def __init__(self, connection: Connection, statement: str) -> None:
        self.damage = ""
        # A server sends them as they are asked for; SQLite does anyway.
        self._result = connection.exec_driver_sql(statement, execution_options={"stream_results": True})

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self._result
        except DBAPIError as error:
            self.damage = str(error.orig).strip().splitlines()[0]

    def close(self) -> None:
        """Give the cursor back, wherever the reading has come to."""
        self._result.close()


class Scan:
    """One reading of all journals, a page at a time, each with its lines."""

    def __init__(self, connection: Connection) -> None:
        self._heads = Rows(connection, _JOURNALS)
        self._lines = Rows(connection, _lines_of(connection))
        self._waiting = iter(self._lines)
        self._next = self._taken()
        self.stray: int | None = None
        """The ``journal_seq`` of the first line that no journal took, so far."""

    def __iter__(self) -> Iterator[list[tuple[Head, Lines]]]:
        rows = iter(self._heads)
        while page := [Head._make(row) for row in islice(rows, PAGE)]:
            yield [(head, self._of(head.seq)) for head in page]
        self._pass_over()

    def close(self) -> None:
        """Give the cursors back."""
        self._heads.close()
        self._lines.close()

    @property
    def damage(self) -> str:
        """In the database's words why journals or lines could not be read to the end; "" when they could."""
        return self._heads.damage or self._lines.damage

    def _taken(self) -> Lines | None:
        row = next(self._waiting, None)
        return None if row is None else Lines._make(row)

    def _of(self, seq: int) -> Lines:
        while self._next is not None and self._next.journal_seq < seq:
            self._pass_over()
        if self._next is None or self._next.journal_seq != seq:
            return NO_LINES
        found, self._next = self._next, self._taken()
        return found

    def _pass_over(self) -> None:
        if self._next is not None:
            self.stray = self._next.journal_seq if self.stray is None else self.stray
            self._next = self._taken()


def _lines_of(connection: Connection) -> str:
    names = Line._fields
    parts = ("account", "commodity", "basis", "amount")
    if connection.dialect.name == "sqlite":
        shape = f" || char({ord(UNIT)}) || ".join(parts)
        texts = f"json_group_array(json_array({', '.join(names)}))"
        return _LINES.format(texts=texts, shape=f"group_concat({shape}, char({ord(RECORD)}))")
    values = " || ',' || ".join(f"coalesce(to_json({name})::text, 'null')" for name in names)
    shape = f" || chr({ord(UNIT)}) || ".join(f"{name}::text" for name in parts)
    texts = f"'[' || string_agg('[' || {values} || ']', ',' ORDER BY n) || ']'"
    return _LINES.format(texts=texts, shape=f"string_agg({shape}, chr({ord(RECORD)}) ORDER BY n)")


def payload_text(head: Head, lines: Lines, *, resolves: str | None) -> str:
    """Return the canonical text of a journal that reverses nothing; ``resolves`` is the key of the one it resolves.

    It is the one text, or none: whoever finds another digest than the stored one has to look at the values themselves.

    Raises:
        TypeError: a value is of a kind that no journal has.
    """
    text = encode_basestring
    parts = [f'"effective":{text(_iso(head.effective_date))}']
    if head.actor_ref:
        parts.insert(0, f'"actor_ref":{text(head.actor_ref)}')
    if head.group_ref:
        parts.append(f'"group_ref":{text(head.group_ref)}')
    parts.append(f'"key":{text(head.idem_key)},"kind":{text(head.kind)},"lines":{lines.texts}')
    if head.memo:
        parts.append(f'"memo":{text(head.memo)}')
    if head.original_date is not None:
        parts.append(f'"original":{text(_iso(head.original_date))}')
    if head.resolution:
        parts.append(f'"resolution":{text(head.resolution)}')
    if resolves:
        parts.append(f'"resolves":{text(resolves)}')
    parts.append(f'"status":{text(head.status)}')
    return f"{{{','.join(parts)}}}"


def _iso(day: date | str) -> str:
    return day if isinstance(day, str) else day.isoformat()


def form_problem(head: Head) -> str:
    """Return what in a row stands in another form than ours, though it may mean the same; "" when nothing does."""
    if type(head.seq) is not int:
        return "its number is stored in another form"
    if not (_is_day(head.effective_date) and (head.original_date is None or _is_day(head.original_date))):
        return "a date is stored in another form"
    if "" in (head.resolves_id, head.resolution, head.reverses_id):
        return "a text is empty where there was none"
    return ""


@lru_cache(maxsize=4096)
def _is_day(stored: Any) -> bool:
    """SQLite has days as text, of which exactly one form is ours."""
    if isinstance(stored, date):
        return True
    try:
        return date.fromisoformat(stored).isoformat() == str(stored)
    except (TypeError, ValueError):
        return False


class Held(NamedTuple):
    """What is asked of a journal that another one resolves."""

    key: str
    seq: int
    status: str


def held(connection: Connection, ids: Iterable[str]) -> dict[str, Held]:
    """Return the journals with these ids, by id."""
    columns = (JOURNAL.c.id, JOURNAL.c.idem_key, JOURNAL.c.seq, JOURNAL.c.status)
    queries = (select(*columns).where(JOURNAL.c.id.in_(chunk)) for chunk in chunks(ids))
    return {row[0]: Held(*row[1:]) for query in queries for row in connection.execute(query)}
