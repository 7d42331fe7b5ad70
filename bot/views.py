"""What people see: a case, its mentions and its history, a queue, a request, a tagging to judge.

Read for a screen and gone after it. Nothing in them is escaped; whoever shows it must.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from bot.domain import CaseState, Judgement, Liveness, Priority, Promise, Quadrant, RepeatKind, RequestState, Tag


@dataclass(frozen=True, slots=True)
class CaseMention:
    """One mention of a case, as a person reads it. ``text`` is empty once it is gone or erased."""

    id: int
    text: str
    posted_at: datetime
    url: str
    liveness: Liveness
    tags: tuple[Tag, ...]
    language: str


@dataclass(frozen=True, slots=True)
class DoubtfulMention:
    """A mention that was taken for neither complaint, praise nor request, with a doubt. Nothing in it is escaped."""

    id: int
    text: str
    author: str
    channel: str
    url: str
    posted_at: datetime
    review: str


@dataclass(frozen=True, slots=True)
class SampledTagging:
    """A tagging drawn for the audit: the words, and what the tagger ``said`` of them. Nothing in it is escaped.

    Who wrote, how sure the tagger was and what agents made of it is left out, so that nobody is led by it.
    """

    mention_id: int
    on_date: date
    place: int
    text: str
    channel: str
    posted_at: datetime
    said: Judgement


@dataclass(frozen=True, slots=True)
class PassedRequest:
    """What customers ask of a product team. ``customers`` are distinct people; ``title`` is an agent's words."""

    id: int
    team: str
    title: str
    state: RequestState
    why: str
    customers: int
    customers_told: int
    first_asked_at: datetime
    passed_at: datetime | None
    acknowledged_at: datetime | None
    planned_at: datetime | None
    ended_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class AskedFor:
    """A request that a case's customer asks for. ``to_tell``: it ended, and the customer does not know yet."""

    request_id: int
    title: str
    team: str
    state: RequestState
    why: str
    to_tell: bool


@dataclass(frozen=True, slots=True)
class CaseEventView:
    """One line of a case's history."""

    kind: str
    actor_name: str
    at: datetime
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CaseIncident:
    """The incident a case belongs to. ``is_answered``: a supervisor's answer is there, ready for later cases."""

    id: str
    name: str
    mentions: int
    is_answered: bool


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case as a card or a page shows it. Nothing in it is escaped; whoever shows it must."""

    id: int
    state: CaseState
    queue: str
    priority: Priority
    tag: Tag
    reason: str
    confidence: float
    needs_review: bool
    review: str
    """Why a person should look; empty when the tagger was sure."""
    department: str
    quadrant: Quadrant
    why: str
    owner: str
    owner_name: str
    channel: str
    platform: str
    author_handle: str
    author_name: str
    followers: int | None
    opened_at: datetime
    last_mention_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    closed_how: str
    repeat_kind: RepeatKind
    repeat_of: int | None
    mention_count: int
    version: int
    card_channel: str
    card_ts: str
    mentions: tuple[CaseMention, ...] = ()
    """Oldest first; only in the view of one case."""
    events: tuple[CaseEventView, ...] = ()
    """Oldest first; only in the view of one case."""
    promise: Promise | None = None
    """The next one that is owed; only in the view of one case."""
    merged_into: int | None = None
    incident: CaseIncident | None = None
    """Only in the view of one case."""
    asked_for: tuple[AskedFor, ...] = ()
    """What product teams were asked on its behalf; only in the view of one case."""

    def is_overdue(self, now: datetime) -> bool:
        """True when nobody answered in time and the case is still waiting."""
        return self.state in {CaseState.OPEN, CaseState.CLAIMED} and self.due_at is not None and self.due_at < now


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """How a queue stands: cases not closed, of these unclaimed, of these overdue."""

    queue: str
    open: int
    unclaimed: int
    overdue: int
