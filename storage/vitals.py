"""What an operator looks at first: what waits, since when, and who is at work. Indexed queries only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlmodel import Session, col

from bot.views import QueueCounts
from storage import cases, channels, mentions, models, models_operations, replies
from storage.channels import ChannelHealth
from storage.ledger_rows import JOURNAL
from storage.models_incidents import Reply
from storage.outbox import Kind
from storage.sql import upsert

_WAITING = ("pending", "sending")
_FORGOTTEN_AFTER = timedelta(days=7)
"""A process that has been silent for so long is not coming back, and nobody asks what became of it."""


@dataclass(frozen=True, slots=True)
class Line:
    """The outbox of one Slack channel."""

    slack_channel: str
    waiting: int
    oldest_at: datetime | None
    """When the oldest message that waits was ordered."""
    error: str
    """What Slack last said of that message."""
    dead: int
    """Cards and summaries that Slack refused for good; a restart tries them again."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers to customers that wait for one channel, or are being sent there."""

    channel: str
    waiting: int
    oldest_at: datetime
    """When the oldest of them was written."""
    error: str
    """What the platform last said of that one."""


@dataclass(frozen=True, slots=True)
class Check:
    """What the last check of the whole ledger found; ``problem`` is "" when all held."""

    at: datetime
    journals: int
    problem: str


@dataclass(frozen=True, slots=True)
class Beat:
    """A process and its last sign of life; ``trouble`` has a sentence for each thing that failed in it."""

    name: str
    role: str
    version: str
    trouble: tuple[str, ...]
    started_at: datetime
    beat_at: datetime


@dataclass(frozen=True, slots=True)
class Vitals:
    """The installation at one moment."""

    channels: list[ChannelHealth]
    untagged: int
    oldest_untagged_at: datetime | None
    set_aside: int
    """Mentions that could not be tagged."""
    queues: list[QueueCounts]
    lines: list[Line]
    answers: list[Answers]
    clock_due_at: datetime | None
    """When the oldest promise or hold was due that the clock has not looked at yet."""
    journals: int
    check: Check | None
    processes: list[Beat]


def vitals(session: Session, queues: Sequence[str], *, now: datetime) -> Vitals:
    """Return how everything stands; ``queues`` are those of the config, in its order."""
    return Vitals(
        channels=channels.health(session),
        untagged=_count(session, "new"),
        oldest_untagged_at=mentions.oldest_waiting_at(session),
        set_aside=_count(session, "dead"),
        queues=cases.queue_counts(session, queues, now=now),
        lines=lines(session),
        answers=answers(session),
        clock_due_at=_clock_due_at(session, now),
        journals=session.scalar(select(func.max(JOURNAL.c.seq))) or 0,
        check=last_check(session),
        processes=processes(session),
    )


def _count(session: Session, state: str) -> int:
    table = models.Mention
    return session.scalar(select(func.count()).select_from(table).where(col(table.state) == state)) or 0


def lines(session: Session) -> list[Line]:
    """Return each Slack channel for which something waits or is dead; what was sent is not looked at."""
    waiting = _of_channel(session, *_WAITING)
    dead = _of_channel(session, "dead", kinds=(Kind.CARD, Kind.SUMMARY))
    table = models.OutboxMessage
    query = select(table).where(col(table.id).in_([first for _, first in waiting.values()]))
    heads = {row.slack_channel: row for row in session.scalars(query)}
    return [
        Line(
            name,
            waiting=waiting[name][0] if name in waiting else 0,
            oldest_at=heads[name].created_at if name in heads else None,
            error=heads[name].error if name in heads else "",
            dead=dead[name][0] if name in dead else 0,
        )
        for name in sorted({*waiting, *dead})
    ]


def _of_channel(session: Session, *states: str, kinds: Sequence[Kind] = ()) -> dict[str, tuple[int, int]]:
    """Return how many messages of each Slack channel are in these states, and the first one's id."""
    table = models.OutboxMessage
    name = col(table.slack_channel)
    query = select(name, func.count(), func.min(col(table.id))).where(col(table.state).in_(states))
    if kinds:
        query = query.where(col(table.kind).in_([kind.value for kind in kinds]))
    return {channel: (count, first) for channel, count, first in session.execute(query.group_by(name))}


def answers(session: Session) -> list[Answers]:
    """Return each channel with answers to customers that are not sent yet."""
    name = col(Reply.channel)
    query = select(name, func.count(), func.min(col(Reply.id))).where(col(Reply.state).in_(replies.ON_ITS_WAY))
    found = [(count, session.get_one(Reply, first)) for _, count, first in session.execute(query.group_by(name))]
    listed = [Answers(head.channel, count, head.created_at, head.error) for count, head in found]
    return sorted(listed, key=lambda one: one.channel)


def _clock_due_at(session: Session, now: datetime) -> datetime | None:
    case, promise = models.Case, models_operations.Promise
    hold = select(col(case.hold_expires_at)).where(col(case.hold_expires_at) < now, col(case.state) == "open")
    alarm = select(col(promise.alarm_at)).where(col(promise.alarm_at) < now)
    times = [
        session.scalar(hold.order_by(col(case.hold_expires_at)).limit(1)),
        session.scalar(alarm.order_by(col(promise.alarm_at)).limit(1)),
    ]
    return min((at for at in times if at is not None), default=None)


# -- processes ---------------------------------------------------------------------------------------------------


def beat(session: Session, process: Beat) -> None:
    """Note a sign of life; processes that have been silent for long are forgotten."""
    table = models_operations.Process
    names = ["role", "version", "trouble", "started_at", "beat_at"]
    values = {name: getattr(process, name) for name in ("name", *names)} | {"trouble": "\n".join(process.trouble)}
    session.execute(upsert(session, table, key=["name"], update=names).values(**values))
    session.execute(delete(table).where(col(table.beat_at) < process.beat_at - _FORGOTTEN_AFTER))


def stopped(session: Session, name: str) -> None:
    """Note that a process has stopped as it should."""
    table = models_operations.Process
    session.execute(delete(table).where(col(table.name) == name))


def processes(session: Session) -> list[Beat]:
    """Return the processes that run, or ended without a word, by name."""
    table = models_operations.Process
    return [
        Beat(row.name, row.role, row.version, tuple(row.trouble.splitlines()), row.started_at, row.beat_at)
        for row in session.scalars(select(table).order_by(col(table.name)))
    ]


# -- the ledger's last check -------------------------------------------------------------------------------------


def record_check(session: Session, check: Check) -> None:
    """Keep what a check of the whole ledger found, in place of the one before."""
    table = models_operations.LedgerCheck
    statement = upsert(session, table, key=["id"], update=["at", "journals", "problem"])
    session.execute(statement.values(id=1, at=check.at, journals=check.journals, problem=check.problem))


def last_check(session: Session) -> Check | None:
    """Return what the last check found; None when there was none yet."""
    row = session.get(models_operations.LedgerCheck, 1)
    return Check(row.at, row.journals, row.problem) if row else None
