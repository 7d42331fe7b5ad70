"""Checks the record beside the ledger: that it is whole, and that the ledger's tables stand as it says."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import Any, Final

from sqlalchemy import Connection

from bot.ledger.journal import START
from bot.ledger.verify import Broken
from storage import ledger_records
from storage.ledger_records import Writing
from storage.ledger_rows import CONFIG, JOURNAL, PERIOD, exact_rows
from storage.ledger_scan import Head

UNRECORDED: Final = "its writing is not on record"
_TABLES: Final = {"config": (CONFIG, "cost model"), "period": (PERIOD, "month")}


class Recorded:
    """Reads the record along with the journals, in their order; memory grows with months and cost models only."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._to_stored = JOURNAL.c.recorded_at.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
        self._lines = ledger_records.lines(connection)
        self._n, self._head = 0, START
        self._last, self._last_hash = 0, START
        self._at: Any = None
        self._digests: dict[tuple[str, str], str] = {}
        self._problem = ""

    def close(self) -> None:
        """Give the cursor back, wherever the reading has come to."""
        self._lines.close()

    def problem(self, head: Head) -> str:
        """Return what the record says otherwise of the next journal; "" when it agrees."""
        while head.seq > self._last:
            if not self._next_journals():
                return self._problem or UNRECORDED
        if head.recorded_at != self._at:
            return "it was recorded at another time"
        if head.seq == self._last and head.hash != self._last_hash:
            return "it was recorded otherwise"
        return ""

    def missing(self) -> Broken | None:
        """Return the journal that is on record after the last one there is."""
        last = self._last
        return Broken(last + 1, "", ("missing, but on record",)) if self._next_journals() else None

    def rows(self) -> Broken | None:
        """Return what is wrong with the record itself, with a month or with a cost model; all journals came before."""
        with closing(self._rows_problems()) as problems:
            problem = self._problem or next(problems, "")
        return Broken(0, "", (problem,)) if problem else None

    def _next_journals(self) -> bool:
        """Go to the next line about journals; False when there is none, or one before it is not as it was written."""
        for line in self._lines:
            if line is None or not self._continues(*line):
                self._problem = f"line {self._n + 1} of ledger_record is not as it was written"
                return False
            if self._takes(line[1]):
                return True
        return False

    def _continues(self, n: int, writing: Writing, hash_: str) -> bool:
        if n != self._n + 1 or hash_ != ledger_records.chained(self._head, n, writing):
            return False
        self._n, self._head = n, hash_
        return True

    def _takes(self, writing: Writing) -> bool:
        if writing.what != "journals":
            self._digests[writing.what, writing.ref] = writing.sha256
            return False
        self._last = int(writing.ref.partition("-")[2])
        self._last_hash = writing.sha256
        self._at = self._to_stored(writing.recorded_at) if self._to_stored else writing.recorded_at
        return True

    def _rows_problems(self) -> Generator[str]:
        left = dict(self._digests)
        for what, (table, name) in _TABLES.items():
            [key] = table.primary_key.columns
            with closing(exact_rows(self._connection, table)) as rows:
                for row in rows:
                    if row is None:
                        yield f"a {name} is stored in another form than it was recorded in"
                    elif left.pop((what, row[key.name]), None) != ledger_records.row_digest(table, row):
                        yield f"the {name} {row[key.name]} is not as it was recorded"
        yield from (f"the {_TABLES[what][1]} {key} is on record and missing" for what, key in left)
