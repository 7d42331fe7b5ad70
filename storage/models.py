"""The tables, named after the nouns.

Rows only: a ``table=True`` class validates nothing, so rows are built here in storage from domain values.

Closed sets (states, tags, quadrants) are stored as their text values; times as aware UTC.
No ``from __future__ import annotations`` in this file: SQLModel reads the annotations.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.types import JSON
from sqlmodel import Field, SQLModel

# 64 bits on servers; SQLite counts up by itself only in a column that is plainly INTEGER.
_Big: Any = BigInteger().with_variant(Integer(), "sqlite")

# What is urgent and waits is little, and is found among much that is neither.
WAITS_AND_IS_URGENT = text("state = 'new' AND is_urgent")
UNSENT_AND_URGENT = text("state IN ('pending', 'sending') AND is_urgent")


class ChannelState(SQLModel, table=True):
    """What we know of one configured channel: its cursor, and how it is doing."""

    __tablename__ = "channel"

    name: str = Field(primary_key=True)
    cursor: str | None = Field(default=None, sa_type=Text)
    version: int = 0
    """Counts cursor moves; a poll writes only if it still is what it read."""
    next_poll_at: datetime | None = None
    polled_at: datetime | None = None
    read_at: datetime | None = None
    """The last poll that succeeded."""
    caught_up_at: datetime | None = None
    """The last poll that left nothing behind at the platform."""
    last_mention_at: datetime | None = None
    failures: int = 0
    """Failed polls in a row."""
    error: str = Field(default="", sa_type=Text)
    notice: str = Field(default="", sa_type=Text)
    mention_count: int = 0
    skipped_count: int = 0
    requests: int = 0
    billed_items: int = 0


class Skipped(SQLModel, table=True):
    """An item a connector could not read, kept so that nothing is lost silently."""

    __tablename__ = "skipped"
    __table_args__ = (UniqueConstraint("channel", "source_id", "reason"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=_Big)
    channel: str
    source_id: str
    reason: str = Field(sa_type=Text)
    at: datetime


class Customer(SQLModel, table=True):
    """A person behind one or more authors."""

    __tablename__ = "customer"

    id: int | None = Field(default=None, primary_key=True)
    ref: str = Field(unique=True)
    segment: str = ""
    created_at: datetime


class Author(SQLModel, table=True):
    """Who writes, on one platform."""

    __tablename__ = "author"
    __table_args__ = (UniqueConstraint("platform", "external_id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=_Big)
    platform: str
    external_id: str
    handle: str = ""
    name: str = ""
    followers: int | None = None
    customer_id: int | None = Field(default=None, foreign_key="customer.id", index=True)
    seen_at: datetime
    erased_at: datetime | None = None


class Mention(SQLModel, table=True):
    """One public post or message about us. ``state``: new, tagged (in a case), ignored (no tag, no case), dead."""

    __tablename__ = "mention"
    __table_args__ = (
        UniqueConstraint("platform", "external_id"),
        Index("mention_waiting", "state", "id"),
        Index("mention_of_author", "author_id", "posted_at"),
        Index("mention_posted", "posted_at"),
        Index("mention_urgent", "id", sqlite_where=WAITS_AND_IS_URGENT, postgresql_where=WAITS_AND_IS_URGENT),
        CheckConstraint("state IN ('new', 'tagged', 'ignored', 'dead')", name="mention_state"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=_Big)
    channel: str = Field(index=True)
    platform: str
    external_id: str
    author_id: int = Field(foreign_key="author.id", sa_type=_Big)
    text: str = Field(sa_type=Text)
    url: str = Field(default="", sa_type=Text)
    thread: str = ""
    in_reply_to: str = ""
    language: str = ""
    is_private: bool = False
    posted_at: datetime
    received_at: datetime
    state: str = "new"
    is_urgent: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """An urgent route may take it, as far as that shows before it is tagged: it is tagged first."""
    attempts: int = 0
    error: str = Field(default="", sa_type=Text)
    case_id: int | None = Field(default=None, index=True, sa_type=_Big)
    """The case it belongs to; a case's id is the id of the mention that opened it."""
    liveness: str = "alive"
    checked_at: datetime | None = None


class Tagging(SQLModel, table=True):
    """One run of the classifier, or one correction by a person, on one mention. ``n`` counts from 1."""

    __tablename__ = "tagging"
    __table_args__ = (
        UniqueConstraint("mention_id", "n"),
        Index("tagging_review", "needs_review", "id"),
        CheckConstraint("source IN ('model', 'human')", name="tagging_source"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=_Big)
    mention_id: int = Field(foreign_key="mention.id", sa_type=_Big)
    n: int
    source: str
    model: str
    scores: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    primary_tag: str = ""
    confidence: float
    reason: str
    reason_confidence: float
    language: str
    needs_review: bool = False
    review: str = Field(default="", sa_type=Text)
    actor: str = ""
    at: datetime


class Tag(SQLModel, table=True):
    """One tag of one tagging, live until corrected or dismissed; the ledger's TAG balance counts the live ones."""

    __tablename__ = "tag"
    __table_args__ = (Index("tag_of_mention", "mention_id"),)

    mention_id: int = Field(foreign_key="mention.id", primary_key=True, sa_type=_Big)
    n: int = Field(primary_key=True)
    """The tagging it came from."""
    tag: str = Field(primary_key=True)
    reason: str
    channel: str
    is_primary: bool
    is_live: bool = True


class Case(SQLModel, table=True):
    """One contact: what one person wants now. ``id`` is the id of the mention that opened it."""

    __tablename__ = "case"
    __table_args__ = (
        Index("case_of_queue", "queue", "state", "due_at"),
        Index("case_of_author", "author_id", "state"),
        Index("case_of_owner", "owner", "state"),
        Index("case_hold", "hold_expires_at"),
        Index("case_merged", "merged_into"),
        Index("case_opened", "opened_at", "quadrant", "reason", "repeat_kind", "closed_how"),
        Index("case_of_incident", "incident_id", "state"),
        Index("case_of_reason", "reason", "opened_at"),
        CheckConstraint("state IN ('open', 'claimed', 'resolved', 'dismissed')", name="case_state"),
    )

    id: int = Field(sa_column=Column(_Big, ForeignKey("mention.id"), primary_key=True, autoincrement=False))
    author_id: int = Field(foreign_key="author.id", sa_type=_Big)
    channel: str
    platform: str
    thread: str = ""
    queue: str
    priority: str
    rule: str
    why: str = Field(sa_type=Text)
    """Why it is in this queue, in words."""
    state: str = "open"
    owner: str = ""
    """The agent who claimed it, such as ``slack:U123``."""
    owner_name: str = ""
    tag: str
    reason: str
    department: str = ""
    """Who caused it: the first owner department."""
    quadrant: str = ""
    quadrant_source: str = ""
    confidence: float = 1.0
    needs_review: bool = False
    review: str = Field(default="", sa_type=Text)
    """Why a person should look; empty when nothing is in doubt."""
    repeat_kind: str = "none"
    repeat_of: int | None = Field(default=None, sa_type=_Big)
    mention_count: int = 1
    opened_at: datetime
    last_mention_at: datetime
    due_at: datetime | None = None
    claimed_at: datetime | None = None
    closed_at: datetime | None = None
    closed_how: str = ""
    """resolved, no_action, not_for_us, merged; empty while open."""
    merged_into: int | None = Field(default=None, sa_type=_Big)
    """The case that this one turned out to be; its mentions are there."""
    incident_id: str | None = None
    incident_by_hand: bool = False
    """A supervisor said whether it belongs to an incident; the clock leaves it so."""
    hold_key: str = ""
    """The idempotency key of the ledger's open hold; empty when there is none."""
    hold_expires_at: datetime | None = None
    version: int = 1
    """Counts changes; an action writes only if it still is what it read."""
    card_channel: str = ""
    card_ts: str = ""
    """Where Slack shows the card; empty until the first delivery."""


class CaseEvent(SQLModel, table=True):
    """The audit trail of a case. ``action_id`` is unique, so that a repeated click does nothing."""

    __tablename__ = "case_event"
    __table_args__ = (Index("case_event_of_case", "case_id", "id"), Index("case_event_of_actor", "actor", "at"))

    id: int | None = Field(default=None, primary_key=True, sa_type=_Big)
    action_id: str = Field(unique=True)
    case_id: int = Field(foreign_key="case.id", sa_type=_Big)
    kind: str
    actor: str
    actor_name: str = ""
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    """Names, states and ids; never text of a mention."""
    from_version: int
    at: datetime


class OutboxMessage(SQLModel, table=True):
    """One thing Slack must show, in the order of ``id`` within its Slack channel.

    It holds ids only: the words are rendered when it is sent, so that an erased text is never sent later.
    """

    __tablename__ = "outbox_message"
    __table_args__ = (
        Index("outbox_waiting", "state", "slack_channel", "id"),
        Index("outbox_of_case", "case_id"),
        Index(
            "outbox_urgent", "slack_channel", "id", sqlite_where=UNSENT_AND_URGENT, postgresql_where=UNSENT_AND_URGENT
        ),
        CheckConstraint("state IN ('pending', 'sending', 'sent', 'dead')", name="outbox_state"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=_Big)
    dedupe_key: str = Field(unique=True)
    slack_channel: str
    kind: str
    """card (first post), card_edit, note (in the card's thread), remove, summary, summary_thread."""
    case_id: int | None = Field(default=None, foreign_key="case.id", sa_type=_Big)
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    delivery_id: str = Field(unique=True)
    """Goes into the message's metadata; by it an ambiguous answer is resolved."""
    state: str = "pending"
    is_urgent: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """It goes before the others of its Slack channel."""
    attempts: int = 0
    first_attempt_at: datetime | None = None
    last_attempt_at: datetime | None = None
    next_at: datetime | None = None
    """Not before this time; None is at once."""
    slack_ts: str = ""
    error: str = Field(default="", sa_type=Text)
    created_at: datetime
    sent_at: datetime | None = None


class SlackChannel(SQLModel, table=True):
    """Pace of one Slack channel, kept here so that a restart does not forget it."""

    __tablename__ = "slack_channel"

    id: str = Field(primary_key=True)
    next_at: datetime


class SlackEvent(SQLModel, table=True):
    """Ids of events Slack has delivered to us; it delivers some twice."""

    __tablename__ = "slack_event"

    id: str = Field(primary_key=True)
    at: datetime = Field(index=True)


class LedgerJournal(SQLModel, table=True):
    """One entry of the ledger: specification 1.3. Append-only, by triggers."""

    __tablename__ = "ledger_journal"
    __table_args__ = (
        CheckConstraint("status IN ('posted', 'pending')", name="ledger_journal_status"),
        Index("ledger_journal_group", "group_ref"),
        Index("ledger_journal_date", "effective_date"),
    )

    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    id: str = Field(unique=True)
    idem_key: str = Field(unique=True)
    payload_sha256: str
    kind: str
    status: str
    effective_date: date
    original_date: date | None = None
    recorded_at: datetime
    resolves_id: str | None = Field(default=None, unique=True)
    resolution: str | None = None
    reverses_id: str | None = Field(default=None, unique=True)
    group_ref: str = ""
    memo: str = Field(default="", sa_type=Text)
    actor_ref: str = ""
    prev_hash: str
    hash: str


class LedgerLine(SQLModel, table=True):
    """One side of a journal: ``amount`` > 0 is a debit, < 0 a credit, in the commodity's smallest unit."""

    __tablename__ = "ledger_line"
    __table_args__ = (
        UniqueConstraint("journal_seq", "n"),
        Index("ledger_line_case", "case_id"),
        CheckConstraint("amount <> 0", name="ledger_line_amount_not_zero"),
        CheckConstraint("basis IN ('N', 'E', 'M', 'R')", name="ledger_line_basis"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=_Big)
    journal_seq: int = Field(sa_column=Column(BigInteger, ForeignKey("ledger_journal.seq"), nullable=False))
    n: int
    account: str
    commodity: str
    basis: str
    amount: int = Field(sa_type=BigInteger)
    dept: str
    reason: str | None = None
    tag: str | None = None
    channel: str | None = None
    quadrant: str | None = None
    quadrant_source: str | None = None
    segment: str | None = None
    case_id: str | None = None
    product_team: str | None = None
    incident_id: str | None = None
    initiative_id: str | None = None
    config_version: str | None = None


class LedgerPeriod(SQLModel, table=True):
    """A month of the books; a closed one refuses postings."""

    __tablename__ = "ledger_period"
    __table_args__ = (CheckConstraint("state IN ('open', 'soft', 'closed')", name="ledger_period_state"),)

    period: str = Field(primary_key=True)
    state: str
    last_seq: int | None = None
    last_hash: str | None = None
    trial_balance: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    closed_by: str = ""
    closed_at: datetime | None = None


class LedgerConfig(SQLModel, table=True):
    """One version of the cost model and taxonomy that journals were posted under."""

    __tablename__ = "ledger_config"

    version: str = Field(primary_key=True)
    toml: str = Field(sa_type=Text)
    sha256: str
    approved_by: str = ""
    approved_at: datetime | None = None
    placeholders: list[Any] = Field(default_factory=list, sa_type=JSON)
    recorded_at: datetime
