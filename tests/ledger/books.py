"""Books to ask the 25 invariants of the specification (1.11) of.

They are those of a month that was lived in a real installation, and of the specification's worked book, which has what
agents do not do: an imported saving, a budget, a proven value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import pytest
from sqlalchemy import text

from benchmarks.month import Month
from benchmarks.traces import traced
from bot.errors import LedgerError
from bot.ledger.journal import Draft, Journal, Line, Status
from bot.ledger.totals import Balance
from storage import ledger, ledger_pages, ledger_reports
from storage.db import reading, transaction
from tests.looking import rows

STATUSES: Final[tuple[Status, ...]] = ("posted", "pending")
GBP: Final = frozenset({"GBP"})


@dataclass
class Books:
    """A month's installation, and the worked book's journals."""

    month: Month
    worked: list[Journal]
    has_everything: bool = True
    """False of a month drawn at random, in which there may be no merge, no late mention, no open promise."""

    def must_have(self, found: object) -> None:
        """See that a question was not answered by books without anything to ask about."""
        assert found or not self.has_everything

    @cached_property
    def journals(self) -> list[Journal]:
        """Everything in the installation's ledger."""
        with reading(self.month.running.parts.database) as session:
            return [journal for page in ledger_pages.pages(session) for journal in page]

    @property
    def both(self) -> list[Journal]:
        """The journals of both books."""
        return [*self.journals, *self.worked]

    @cached_property
    def traces(self) -> list[str]:
        """What following every figure to its journals has found."""
        return list(traced(self.month.running, "2026-09", folder=self.month.folder))

    def posted(self) -> Iterator[tuple[Journal, Line]]:
        """The lines of the installation's posted journals."""
        for journal in self.journals:
            if journal.draft.status == "posted":
                yield from ((journal, line) for line in journal.draft.lines)

    def rows(self, table: type[Any]) -> list[Any]:
        """All rows of a table of the installation."""
        return rows(self.month.running, table)

    def balance(self, account: str, commodity: str) -> int:
        """What stands on an account."""
        on = (line.amount for _, line in self.posted() if (line.account, line.commodity) == (account, commodity))
        return sum(on)

    def head(self) -> tuple[int, str, list[Balance]]:
        """The chain's end and all balances, as they are now."""
        with reading(self.month.running.parts.database) as session:
            return *_end(session), ledger_reports.balances(session)

    @contextmanager
    def refused(self, *drafts: Draft) -> Iterator[pytest.ExceptionInfo[LedgerError]]:
        """Posting the drafts fails and leaves the ledger as it was."""
        before = self.head()
        with pytest.raises(LedgerError) as caught, transaction(self.month.running.parts.database) as session:
            ledger.post(session, drafts, now=self.month.now)
        yield caught
        assert self.head() == before


def _end(session: Any) -> tuple[int, str]:
    row = session.execute(text("SELECT seq, hash FROM ledger_journal ORDER BY seq DESC LIMIT 1")).one()
    return row.seq, row.hash


def sums_of(journals: Sequence[Journal]) -> Counter[tuple[str, str]]:
    """Sums by commodity and basis."""
    sums: Counter[tuple[str, str]] = Counter()
    for journal in journals:
        for line in journal.draft.lines:
            sums[line.commodity, line.basis] += line.amount
    return sums


Invariant = Callable[[Books], None]


def registered_in(asked: dict[str, Invariant]) -> Callable[[Invariant], Invariant]:
    """Return a decorator that puts a question into ``asked`` under its number in the specification."""

    def registered(function: Invariant) -> Invariant:
        asked[function.__name__.partition("_")[0].upper()] = function
        return function

    return registered
