"""The nouns of Earmark: immutable values, standard library only.

Times are aware UTC. Money, seconds and counts are integers with the unit in the name.
A database row is a different type, in :mod:`storage.models`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

UNCLASSIFIED = "unclassified"
"""The reason of a mention for which no reason of the taxonomy fits well enough."""


class Tag(StrEnum):
    """What a mention is. A mention may carry several; one that carries none is *other*."""

    COMPLAINT = "complaint"
    PRAISE = "praise"
    REQUEST = "request"


class Liveness(StrEnum):
    """What a platform says of a post it gave us earlier."""

    ALIVE = "alive"
    EDITED = "edited"
    DELETED = "deleted"
    UNKNOWN = "unknown"


class Quadrant(StrEnum):
    """Customer value against business value; see ledger specification 1.5."""

    ASSET = "asset"
    AUTOMATE = "automate"
    SIMPLIFY = "simplify"
    LIABILITY = "liability"
    UNCLASSIFIED = "unclassified"


class Priority(StrEnum):
    """How urgent a route makes a case; orders a queue before its due time does."""

    URGENT = "urgent"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class CaseState(StrEnum):
    """Where a case stands. ``open`` waits for an agent, ``claimed`` has one."""

    OPEN = "open"
    CLAIMED = "claimed"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"


class RepeatKind(StrEnum):
    """How a case follows an earlier one of the same author and reason (specification 2.6)."""

    NONE = "none"
    CHASE = "chase"
    AFTER_RESOLVED = "after_resolved"


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote a mention on one platform. ``external_id`` is the platform's own, stable across renames."""

    external_id: str
    handle: str = ""
    name: str = ""
    followers: int | None = None


@dataclass(frozen=True, slots=True)
class Mention:
    """One public post or message about us; identity is ``(platform, external_id)``.

    ``thread`` is the platform's id of the conversation, ``in_reply_to`` of the post answered. ``channel`` is the
    name of the configured channel it came through; connectors leave it empty, receiving fills it in.
    """

    platform: str
    external_id: str
    author: Author
    text: str
    posted_at: datetime
    url: str = ""
    thread: str = ""
    in_reply_to: str = ""
    language: str = ""
    is_private: bool = False
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Gone:
    """A post that its platform says is deleted, or edited into ``text``."""

    external_id: str
    liveness: Liveness
    text: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """An item a connector could not read. ``source_id`` names it for a person (an id or ``line 17``)."""

    source_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Cost:
    """What a poll used: requests made and items a platform bills for."""

    requests: int = 0
    billed_items: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.requests + other.requests, self.billed_items + other.billed_items)


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of a connector.

    ``mentions`` are oldest first. ``cursor`` covers exactly what is in this page and must be stored with it.
    ``more`` means: call again at once. ``wait_s`` is what the platform asked for. ``notice`` is a sentence for
    the operator, such as a gap that could not be read.
    """

    mentions: tuple[Mention, ...] = ()
    cursor: str | None = None
    more: bool = False
    wait_s: float | None = None
    gone: tuple[Gone, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    cost: Cost = field(default_factory=Cost)
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """A public reply that a platform accepted."""

    external_id: str
    url: str = ""


class Connector(Protocol):
    """One listening place on one platform. Constructors do no I/O."""

    platform: str

    def poll(self, cursor: str | None) -> Page:
        """Return what came after ``cursor``; None starts at now or at a stated window.

        Raises:
            ConnectorError: the platform did not answer; ``retry_after_s`` where it said how long.
            CursorLostError: the platform no longer accepts ``cursor``.
        """
        ...

    def since(self, at: datetime) -> str | None:
        """Return the cursor of a backfill: what was posted from ``at`` on, as far back as the platform reaches."""
        ...

    def recheck(self, ids: Sequence[str]) -> Mapping[str, Liveness]:
        """Return how the posts stand now; {} where the platform cannot say."""
        ...

    def reply(self, mention: Mention, text: str) -> Sent:
        """Publish ``text`` as an answer to ``mention``.

        Raises:
            ConnectorError: permanent where the platform or our credentials do not allow it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Tagging:
    """What the classifier (or a person) said of one mention.

    ``scores`` are calibrated probabilities, independent per tag. ``confidence`` is the probability that
    the decision on the primary tag is right. ``review`` says in words why a person should look; empty when
    the tagger is sure. ``language`` is an ISO 639-1 code or ``und``.
    """

    scores: Mapping[Tag, float]
    tags: tuple[Tag, ...]
    primary: Tag | None
    confidence: float
    reason: str
    reason_confidence: float
    language: str
    model: str
    review: str = ""


class Tagger(Protocol):
    """Tags texts. ``version`` changes whenever the same text could be tagged differently."""

    version: str

    def tag(self, texts: Sequence[str]) -> list[Tagging]:
        """Return one tagging a text: n texts → n taggings, same order. Any text is accepted."""
        ...


@dataclass(frozen=True, slots=True)
class Customer:
    """What we know of the person behind an author. ``segment`` is empty when unknown."""

    segment: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """The decision where a mention goes. ``rule`` names the rule, ``why`` says in words what matched."""

    queue: str
    priority: Priority
    rule: str
    why: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something to a case. ``ref`` is opaque and stable, such as ``slack:U123`` or ``board:you``."""

    ref: str
    name: str
    is_supervisor: bool = False


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What the rules about cases need to know of one: joining, repeating, claiming, closing."""

    id: int
    state: CaseState
    reason: str
    opened_at: datetime
    last_mention_at: datetime
    thread: str = ""
    owner: str = ""
    owner_name: str = ""
    closed_at: datetime | None = None
    closed_how: str = ""
    texts: tuple[str, ...] = ()
    """Texts of its mentions, newest first, at most a handful."""


class PromiseState(StrEnum):
    """What became of a promise. ``open`` and ``broken`` are owed until they are kept or cancelled."""

    OPEN = "open"
    KEPT = "kept"
    LATE = "late"
    BROKEN = "broken"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Promise:
    """A time given to a customer. ``made_by`` is an actor's ref; ``accrual_key`` names its journal."""

    id: int
    case_id: int
    made_by: str
    made_by_name: str
    made_at: datetime
    due_at: datetime
    kind: str
    state: PromiseState
    accrual_key: str
    fulfilled_at: datetime | None = None
    cancelled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a mention is, in the tagger's or a person's words. Without tags there is no ``primary``."""

    tags: tuple[Tag, ...]
    primary: Tag | None
    reason: str

    def agrees_with(self, other: Judgement) -> bool:
        """True when both say the same. The reason says which department caused it; without tags nobody did."""
        if set(self.tags) != set(other.tags) or self.primary is not other.primary:
            return False
        return not self.tags or self.reason == other.reason


NOTHING = Judgement((), None, UNCLASSIFIED)
"""What is neither complaint, praise nor request."""


class RequestState(StrEnum):
    """The way of a request passed on to a product team; ``shipped`` and ``declined`` are its ends (2.11)."""

    NEW = "new"
    PASSED = "passed"
    ACKNOWLEDGED = "acknowledged"
    PLANNED = "planned"
    SHIPPED = "shipped"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an action on a case. ``message`` is a sentence for the one who acted."""

    case_id: int
    changed: bool
    message: str
