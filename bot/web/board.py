"""What the board asks of the product: one protocol, and the values that are only shown here.

Every call may come from any thread. Calls read the present state; the board keeps none of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from bot.domain import Actor, CaseState, CaseView, DoubtfulMention, Outcome, Quadrant, QueueCounts, Tag

WAITING = (CaseState.OPEN, CaseState.CLAIMED)
"""The states of a case that somebody still has to finish."""


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases of a queue to list. ``overdue`` keeps waiting cases past their due time; no tag means any."""

    states: tuple[CaseState, ...] = WAITING
    tag: Tag | None = None
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work is, as counts over the whole database."""

    mentions: int
    tagged: int
    ignored: int
    """Mentions that carry no tag, so no case."""
    waiting: int
    """Mentions not tagged yet."""
    set_aside: int
    """Mentions that could not be tagged; the others went on."""
    cases: int


@dataclass(frozen=True, slots=True)
class QuadrantTotals:
    """One cell of the grid, from posted lines; ``pending_minor`` is expected work, never added to the cost."""

    quadrant: Quadrant
    contacts: int
    estimated_minor: int
    measured_minor: int
    pending_minor: int

    @property
    def cost_minor(self) -> int:
        """Posted cost, estimated and measured together. Say so wherever it is shown."""
        return self.estimated_minor + self.measured_minor


@dataclass(frozen=True, slots=True)
class Cause:
    """A department or a reason and the liability contacts it caused."""

    name: str
    contacts: int
    estimated_minor: int
    measured_minor: int
    pending_minor: int

    @property
    def cost_minor(self) -> int:
        """Posted cost, estimated and measured together; for ordering."""
        return self.estimated_minor + self.measured_minor


@dataclass(frozen=True, slots=True)
class LedgerTotals:
    """The ledger's running totals. ``live_tags`` count rows of the tag table, ``tag_balance`` sums ledger lines."""

    currency: str
    approved_by: str
    """Who signed the hourly rate; empty while it is a placeholder."""
    live_tags: Mapping[Tag, int]
    tag_balance: Mapping[Tag, int]
    contacts: int
    quadrants: Sequence[QuadrantTotals]
    departments: Sequence[Cause]
    """By waste, most first: posted cost, then pending, then contacts."""
    reasons: Sequence[Cause]
    journals: int
    head_hash: str


@dataclass(frozen=True, slots=True)
class LedgerCheck:
    """What verifying the whole ledger found. ``problem`` names the first broken journal; empty when all hold."""

    journals: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One side of a journal; ``amount`` is in the commodity's smallest unit, debits above zero."""

    account: str
    commodity: str
    basis: str
    amount: int
    dept: str
    reason: str = ""
    tag: str = ""
    quadrant: str = ""
    quadrant_source: str = ""


@dataclass(frozen=True, slots=True)
class JournalView:
    """One journal about a case. ``resolution`` says what it did to an earlier pending one: post, void or nothing."""

    seq: int
    kind: str
    status: str
    effective_date: date
    resolution: str
    is_reversal: bool
    memo: str
    lines: tuple[JournalLine, ...]


@dataclass(frozen=True, slots=True)
class ChannelHealth:
    """How a channel is doing. ``failures`` counts failed polls in a row."""

    name: str
    connector: str
    polled_at: datetime | None
    last_mention_at: datetime | None
    mention_count: int
    skipped_count: int
    requests: int
    billed_items: int
    """Items read that the platform bills for."""
    failures: int
    error: str = ""
    notice: str = ""


@dataclass(frozen=True, slots=True)
class SkippedItem:
    """An item that a connector could not read; ``source_id`` names it for a person, such as ``line 17``."""

    channel: str
    source_id: str
    reason: str
    at: datetime


class Board(Protocol):
    """The operations and readings behind the pages; Slack offers the same operations.

    The five actions raise :class:`~bot.errors.CaseError` when the case does not allow them any more, with a
    sentence for the person who pressed. A second call with the same ``action_id`` changes nothing.
    """

    def claim(self, case_id: int, actor: Actor, *, action_id: str) -> Outcome:
        """Make ``actor`` the owner of an open case."""
        ...

    def release(self, case_id: int, actor: Actor, *, action_id: str) -> Outcome:
        """Give a claimed case back to its queue."""
        ...

    def resolve(self, case_id: int, actor: Actor, *, action_id: str, customer_kept: bool = False) -> Outcome:
        """Close a case as done; ``customer_kept`` says that somebody who wanted to leave stays."""
        ...

    def promise(self, case_id: int, actor: Actor, due_at: datetime, *, action_id: str) -> Outcome:
        """Give the customer a time."""
        ...

    def keep_promise(self, case_id: int, actor: Actor, *, action_id: str) -> Outcome:
        """Say that what is due next was done."""
        ...

    def cancel_promise(self, case_id: int, actor: Actor, *, action_id: str) -> Outcome:
        """Say that what is due next is owed no more."""
        ...

    def merge(self, case_id: int, actor: Actor, into: int, *, action_id: str) -> Outcome:
        """End a duplicate, which goes on in the case ``into``."""
        ...

    def goodwill(self, case_id: int, amount_minor: int, reason: str, *, actor: Actor, action_id: str) -> Outcome:
        """Book what was given to a case's customer."""
        ...

    def timezone_of(self, queue: str) -> str:
        """Return the name of the time zone in which a queue works."""
        ...

    def not_for_us(self, case_id: int, actor: Actor, *, action_id: str) -> Outcome:
        """Close a case that is spam or not about us."""
        ...

    def retag(
        self, case_id: int, actor: Actor, *, action_id: str, tags: Sequence[Tag], primary: Tag, reason: str
    ) -> Outcome:
        """Correct tags and reason; ``primary`` is one of ``tags``, ``reason`` one of :meth:`reasons`."""
        ...

    def view(self, case_id: int) -> CaseView | None:
        """Return a case with all its mentions and events; None when there is no such case."""
        ...

    def queue_page(self, queue: str, *, only: CaseFilter, limit: int, offset: int) -> list[CaseView]:
        """Return cases of a queue, most urgent first, each with its newest mention."""
        ...

    def queue_counts(self) -> list[QueueCounts]:
        """Return every configured queue in the order of the config, also those that are empty."""
        ...

    def review_list(self, limit: int) -> list[CaseView]:
        """Return waiting cases that a person should look at, least certain first, each with its newest mention."""
        ...

    def review_count(self) -> int:
        """Return how many cases, and mentions without one, wait for a look."""
        ...

    def doubtful_mentions(self, limit: int) -> list[DoubtfulMention]:
        """Return mentions taken for nothing that a person should look at, least certain first."""
        ...

    def tag_mention(
        self, mention_id: int, actor: Actor, *, action_id: str, tags: Sequence[Tag], primary: Tag, reason: str
    ) -> Outcome:
        """Tag a mention that was taken for nothing; the outcome names the case it now belongs to."""
        ...

    def pass_over(self, mention_id: int, actor: Actor) -> Outcome:
        """Confirm that a doubtful mention needs no case."""
        ...

    def reasons(self) -> list[tuple[str, str]]:
        """Return the taxonomy as ``(id, title)``, in its order."""
        ...

    def totals(self) -> LedgerTotals:
        """Return the ledger's running totals."""
        ...

    def verify(self) -> LedgerCheck:
        """Recompute every sum and hash of the ledger. Takes time in proportion to it."""
        ...

    def journals(self, case_id: int) -> list[JournalView]:
        """Return the journals about a case, oldest first."""
        ...

    def progress(self) -> Progress:
        """Return how far the work is."""
        ...

    def channels(self) -> list[ChannelHealth]:
        """Return every configured channel in the order of the config."""
        ...

    def skipped(self, limit: int) -> list[SkippedItem]:
        """Return what could not be read, newest first."""
        ...
