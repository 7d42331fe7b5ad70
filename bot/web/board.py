"""What the board asks of the product: one protocol, and the values that are only shown here.

Every call may come from any thread. Calls read the present state; the board keeps none of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from bot.domain import Actor, CaseState, Judgement, Outcome, Quadrant, RequestState, Tag
from bot.ledger.money import Shares
from bot.ledger.recharges import OpenRecharge
from bot.views import CaseView, DoubtfulMention, PassedRequest, QueueCounts, SampledTagging
from storage.incident_views import IncidentView

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
    waiting_since: datetime | None
    """When the oldest of them was received."""
    set_aside: int
    """Mentions that could not be tagged; the others went on."""
    cases: int


@dataclass(frozen=True, slots=True)
class WorkTotals:
    """Contacts and their cost, from posted lines; ``pending_minor`` is expected work, never added to the cost."""

    contacts: int
    estimated_minor: int
    measured_minor: int
    pending_minor: int

    @property
    def cost_minor(self) -> int:
        """Posted cost, estimated and measured together. Say so wherever it is shown."""
        return self.estimated_minor + self.measured_minor


@dataclass(frozen=True, slots=True)
class QuadrantTotals(WorkTotals):
    """One cell of the grid."""

    quadrant: Quadrant


@dataclass(frozen=True, slots=True)
class Cause(WorkTotals):
    """A department or a reason and the liability contacts it caused."""

    name: str


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


@dataclass(frozen=True, slots=True)
class ReasonNote:
    """What a supervisor says is behind the contacts of a reason."""

    text: str
    written_by: str
    written_at: datetime


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

    def override(
        self, case_id: int, actor: Actor, *, action_id: str, why: str, quadrant: Quadrant | None, owners: Shares
    ) -> Outcome:
        """Say where a case stands in the books, whatever the rules say."""
        ...

    def lift_override(self, case_id: int, actor: Actor, *, action_id: str, why: str) -> Outcome:
        """Let the rules say again where a case stands."""
        ...

    def departments(self) -> list[str]:
        """Return whom a case can be charged to."""
        ...

    def goodwill(self, case_id: int, amount_minor: int, reason: str, *, actor: Actor, action_id: str) -> Outcome:
        """Book what was given to a case's customer."""
        ...

    def incidents(self, limit: int) -> list[IncidentView]:
        """Return incidents, those that go on first, then the latest."""
        ...

    def incident(self, incident_id: str) -> IncidentView | None:
        """Return an incident; None when there is none of that id."""
        ...

    def cases_of_incident(self, incident_id: str) -> list[int]:
        """Return the ids of its cases, oldest first."""
        ...

    def answer_incident(self, incident_id: str, actor: Actor, text: str, *, action_id: str) -> str:
        """Send a text to all waiting cases of an incident; return a sentence."""
        ...

    def resolve_incident(self, incident_id: str, actor: Actor, note: str, *, action_id: str) -> str:
        """Resolve them with a note that no customer sees."""
        ...

    def rename_incident(self, incident_id: str, actor: Actor, name: str, *, action_id: str) -> str:
        """Give an incident the name that people use."""
        ...

    def close_incident(self, incident_id: str, actor: Actor, *, action_id: str) -> str:
        """Say that an incident is over."""
        ...

    def answer_as_incident(self, case_id: int, actor: Actor, *, action_id: str) -> Outcome:
        """Send a case the answer that a supervisor wrote for its incident."""
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

    def open_recharges(self) -> list[OpenRecharge]:
        """Return the proposals to charge departments that nobody has settled, oldest first."""
        ...

    def overdue_promises(self, limit: int) -> list[CaseView]:
        """Return the case of each promise that is owed although its time is over, longest due first."""
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

    def pass_on(
        self, case_id: int, actor: Actor, *, action_id: str, team: str = "", title: str = "", joins: int | None = None
    ) -> Outcome:
        """Pass on what a customer asks for, to an open request or to a new one."""
        ...

    def answer(self, request_id: int, to: RequestState, actor: Actor, *, action_id: str, why: str = "") -> Outcome:
        """Say what a product team makes of a request."""
        ...

    def customer_told(self, case_id: int, actor: Actor, *, action_id: str) -> Outcome:
        """Note that a customer was told how it ended."""
        ...

    def product_teams(self) -> list[str]:
        """Return whom requests can be passed to."""
        ...

    def team_for(self, reason: str) -> str:
        """Return the team that is asked for things of this reason; "" for none."""
        ...

    def requests(self, *, team: str = "", is_open: bool = False, limit: int = 500) -> list[PassedRequest]:
        """Return requests, those that still go on first."""
        ...

    def audit_list(self, limit: int) -> list[SampledTagging]:
        """Return drawn taggings that nobody has judged, in the order drawn."""
        ...

    def audit_count(self) -> int:
        """Return how many drawn taggings wait to be judged."""
        ...

    def judge(self, mention_id: int, actor: Actor, *, action_id: str, judged: Judgement | None = None) -> Outcome:
        """Store what a supervisor says a drawn mention is; without ``judged`` the tagger is right."""
        ...

    def reasons(self) -> list[tuple[str, str]]:
        """Return the taxonomy as ``(id, title)``, in its order."""
        ...

    def notes(self) -> Mapping[str, ReasonNote]:
        """Return what supervisors say is behind the contacts of reasons, by reason."""
        ...

    def note(self, reason: str, text: str, actor: Actor) -> str:
        """Write a note on a reason and return a sentence; an empty one takes the last back.

        Raises:
            InputError: there is no such reason, or the note is too long.
        """
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
