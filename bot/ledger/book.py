"""A book in memory: for replaying, for checking, and as the view of one batch that is being written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Literal

from bot.ledger.decide import Append, Rejected, Unchanged, budget_moves, decide, placed
from bot.ledger.journal import START, Draft, Journal, appended

Acting = Literal["resolves", "reverses"]
"""What one journal can do to another."""


class Book:
    """Journals by key, with what the rules ask of them. It grows by :meth:`post` only."""

    def __init__(
        self,
        currencies: frozenset[str],
        *,
        closed_through: date | None = None,
        seq: int = 0,
        head: str = START,
    ) -> None:
        self.currencies = currencies
        self.closed_through = closed_through
        self.seq = seq
        """The last journal's place in the chain; 0 in an empty book."""
        self.head = head
        """The last journal's hash."""
        self._journals: dict[str, Journal] = {}
        self._resolved: dict[str, str] = {}
        self._reversed: dict[str, str] = {}
        self._budgets: Counter[tuple[str, str, str | None]] = Counter()

    def by_key(self, key: str) -> Journal | None:
        """The journal with that key."""
        return self._journals.get(key)

    def resolution_of(self, key: str) -> str | None:
        """The key of the journal that resolves the one with ``key``."""
        return self._resolved.get(key)

    def reversal_of(self, key: str) -> str | None:
        """The key of the journal that reverses the one with ``key``."""
        return self._reversed.get(key)

    def budget(self, account: str, commodity: str, initiative: str | None) -> int:
        """The posted balance of a budget account."""
        return self._budgets[account, commodity, initiative]

    @property
    def journals(self) -> list[Journal]:
        """All journals, in the order of the chain."""
        return sorted(self._journals.values(), key=lambda journal: journal.seq)

    def know(self, journals: Iterable[Journal]) -> None:
        """Take in journals that are written elsewhere already, without their effects on budgets."""
        for journal in journals:
            self._index(journal)

    def know_acting(self, how: Acting, key: str, acting_key: str) -> None:
        """Take in that the journal with ``acting_key`` resolves or reverses the one with ``key``."""
        (self._resolved if how == "resolves" else self._reversed)[key] = acting_key

    def know_budget(self, account: str, commodity: str, initiative: str | None, balance: int) -> None:
        """Take in the posted balance of a budget account."""
        self._budgets[account, commodity, initiative] = balance

    def post(self, draft: Draft) -> tuple[Journal, bool]:
        """Return the journal of ``draft`` and whether it is new. A day in a closed period moves to the first open one.

        Raises:
            LedgerError: the draft does not fit the books, which stay as they are.
        """
        return self.post_strictly(placed(draft, self.closed_through))

    def post_strictly(self, draft: Draft) -> tuple[Journal, bool]:
        """As :meth:`post`, but a day in a closed period is refused.

        Raises:
            LedgerError: the draft does not fit the books, which stay as they are.
        """
        match decide(draft, self):
            case Unchanged(journal):
                return journal, False
            case Append(fitting):
                return self._append(fitting), True
            case Rejected() as refusal:
                raise refusal.error()

    def _append(self, draft: Draft) -> Journal:
        journal = appended(draft, seq=self.seq + 1, prev_hash=self.head)
        self._index(journal)
        if draft.status == "posted":
            self._budgets.update(budget_moves(draft))
        self.seq, self.head = journal.seq, journal.hash
        return journal

    def _index(self, journal: Journal) -> None:
        draft = journal.draft
        self._journals[draft.key] = journal
        if draft.resolves is not None:
            self._resolved[draft.resolves] = draft.key
        if draft.reverses is not None:
            self._reversed[draft.reverses] = draft.key
