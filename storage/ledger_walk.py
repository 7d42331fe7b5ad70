"""Goes along the chain: most journals are seen to be as they were written, the others are looked at closely."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import cast

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from bot.ledger.decide import shape_problem
from bot.ledger.journal import Basis, Draft, Journal, Line, Resolution, journal_id
from bot.ledger.verify import Audit, Broken
from storage.ledger_rows import JOURNAL, journals_in, journals_where
from storage.ledger_scan import RECORD, UNIT, Head, Held, Lines, form_problem, held, payload_text

UNREADABLE = "unreadable"
MISPLACED = "its lines are not where they were written"


class Walk:
    """One walk from the first journal to the last."""

    def __init__(self, connection: Connection, audit: Audit) -> None:
        self.connection = connection
        self._audit = audit
        self._currencies = audit.currencies
        self._held: dict[str, Held] = {}
        self._line_id = 0
        # SQLite counts lines up without gaps; a sequence leaves some where a transaction was rolled back.
        self._has_gaps = connection.dialect.name != "sqlite"

    @property
    def seq(self) -> int:
        """The last journal that checked."""
        return self._audit.verdict.journals

    def enter(self, page: Sequence[Head]) -> None:
        """Look up what the journals of the next page resolve, which is mostly on it or on the one before."""
        own = {head.id: Held(head.idem_key, head.seq, head.status) for head in page}
        wanted = {head.resolves_id for head in page if head.resolves_id} - own.keys()
        near = {id_: self._held[id_] for id_ in wanted & self._held.keys()}
        self._held = own | near | held(self.connection, wanted - near.keys())

    def problem(self, head: Head, lines: Lines) -> Broken | None:
        """Return what is wrong with the next journal."""
        is_in_place = self._is_in_place(lines)
        self._line_id += lines.number
        form = form_problem(head)
        if is_in_place and not form and self._is_as_written(head, lines):
            return None
        more = (*(() if is_in_place else (MISPLACED,)), *((form,) if form else ()))
        return self._look_closely(head, more)

    def _is_in_place(self, lines: Lines) -> bool:
        if not lines.number:
            return True
        if self._has_gaps and lines.least_offset > self._line_id:
            self._line_id = lines.least_offset
        is_numbered = (lines.first_n, lines.last_n) == (1, lines.number)
        return is_numbered and lines.least_offset == lines.largest_offset == self._line_id

    def _is_as_written(self, head: Head, lines: Lines) -> bool:
        """Whether the digest of what stands there is the one that was written; reversals need a closer look."""
        hold = self._held.get(head.resolves_id) if head.resolves_id else None
        if head.reverses_id or (head.resolves_id and not self._may_resolve(hold, head)):
            return False
        try:
            text = payload_text(head, lines, resolves=hold.key if hold else None)
            is_sound = hashlib.sha256(text.encode()).hexdigest() == head.payload_sha256
            is_sound = is_sound and head.id == journal_id(head.idem_key)
            is_sound = is_sound and _is_well_formed(lines.shape, head.resolution, self._currencies)
        except (TypeError, ValueError):
            return False
        return is_sound and self._audit.continues(
            seq=head.seq,
            prev_hash=head.prev_hash,
            payload_sha256=head.payload_sha256,
            key=head.idem_key,
            hash_=head.hash,
        )

    @staticmethod
    def _may_resolve(hold: Held | None, head: Head) -> bool:
        return hold is not None and hold.status == "pending" and hold.seq < head.seq

    def _look_closely(self, head: Head, more: tuple[str, ...]) -> Broken | None:
        try:
            [journal] = journals_where(self.connection, JOURNAL.c.seq == head.seq)
            resolved, reversed_ = (self._target(id_) for id_ in (head.resolves_id, head.reverses_id))
            broken = self._audit.check(journal, resolved=resolved, reversed_=reversed_)
        except (TypeError, ValueError, DBAPIError):
            return Broken(head.seq, str(head.idem_key), (UNREADABLE,))
        return broken or (Broken(head.seq, head.idem_key, more) if more else None)

    def _target(self, id_: str | None) -> Journal | None:
        return next(iter(journals_in(self.connection, JOURNAL.c.id, [id_])), None) if id_ else None


@lru_cache(maxsize=16_384)
def _is_well_formed(shape: str, resolution: Resolution | None, currencies: frozenset[str]) -> bool:
    """Whether lines with these accounts, units, bases and amounts may make a journal: a book has few kinds of them."""
    lines = tuple(map(_line, shape.split(RECORD))) if shape else ()
    draft = Draft("", "", "posted", date.min, lines, resolution=resolution)
    return shape_problem(draft, currencies) is None


def _line(text: str) -> Line:
    account, commodity, basis, amount = text.split(UNIT)
    return Line(account, commodity, cast("Basis", basis), int(amount), "")
