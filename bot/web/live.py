"""The moving part of the board: one picture of all queues and totals, shared by everyone who watches."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from bot.views import CaseView, QueueCounts
from bot.web.board import Board, CaseFilter, LedgerTotals, Progress

CARDS_MAX: Final = 30
"""Cards a column shows before it links to the queue's own page."""
PROMISES_MAX: Final = 20
"""Overdue promises that are listed above the queues."""
AGE_S_MIN: Final = 0.5
LOAD_SHARE: Final = 5
"""A picture is kept this many times as long as it took to draw, so watching never costs more than a sixth of a core."""


@dataclass(frozen=True, slots=True)
class Column:
    """One queue as the board shows it: the most urgent cases, and how many more there are."""

    counts: QueueCounts
    cases: Sequence[CaseView]
    more: int


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that moves, read at one time."""

    progress: Progress
    totals: LedgerTotals
    columns: Sequence[Column]
    review_count: int
    overdue: Sequence[CaseView]
    """The case of each promise that is overdue, with that promise."""


def draw(board: Board) -> Picture:
    """Read the whole picture."""
    columns = []
    for counts in board.queue_counts():
        cases = board.queue_page(counts.queue, only=CaseFilter(), limit=CARDS_MAX, offset=0)
        columns.append(Column(counts, cases, more=max(0, counts.open - len(cases))))
    overdue = board.overdue_promises(PROMISES_MAX)
    return Picture(board.progress(), board.totals(), columns, board.review_count(), overdue)


@dataclass
class Live:
    """Draws pictures for all watchers, at most one at a time, no oftener than they are worth their cost."""

    board: Board
    clock: Callable[[], float] = time.monotonic
    _lock: Lock = field(default_factory=Lock, repr=False)
    _picture: Picture | None = field(default=None, repr=False)
    _stale_at: float = 0.0

    def recent(self) -> Picture:
        """Return a picture that is at most a moment old."""
        with self._lock:
            if self._picture is None or self.clock() >= self._stale_at:
                return self._draw()
            return self._picture

    def fresh(self) -> Picture:
        """Return a picture drawn now."""
        with self._lock:
            return self._draw()

    def forget(self) -> None:
        """Make the next watcher see what was just done."""
        with self._lock:
            self._stale_at = 0.0

    def _draw(self) -> Picture:
        began = self.clock()
        self._picture = draw(self.board)
        ended = self.clock()
        self._stale_at = ended + max(AGE_S_MIN, LOAD_SHARE * (ended - began))
        return self._picture
