"""Promises kept, late and broken (specification 2.7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.reports.figures import DETAIL, percent


class PromiseState(StrEnum):
    """What became of a promise. Kept, late and broken count; open and cancelled in time do not."""

    OPEN = "open"
    KEPT = "kept"
    LATE = "late"
    BROKEN = "broken"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class PromiseFact:
    """A promise. ``dept`` is the department whose work is awaited; the accrual is what it is booked with."""

    id: str
    made_at: datetime
    due_at: datetime
    fulfilled_at: datetime | None = None
    cancelled_at: datetime | None = None
    queue: str = ""
    dept: str = ""
    accrued_seconds: int = 0
    accrued_minor: int = 0


@dataclass(frozen=True, slots=True)
class PromiseRow:
    """Promises of one queue or department. What is accrued is work still owed to customers."""

    name: str
    kept: int
    late: int
    broken: int
    open: int
    cancelled: int
    counted: int
    kept_rate: str
    overdue: int
    accrued_seconds: int
    accrued_minor: int


@dataclass(frozen=True, slots=True)
class Promises:
    """All promises, the overdue ones longest first, then queues and departments with most overdue first."""

    kept: int
    counted: int
    kept_rate: str
    overdue_now: tuple[str, ...]
    accrued_seconds: int
    accrued_minor: int
    state: Mapping[str, PromiseState] = field(metadata=DETAIL)
    by_queue: tuple[PromiseRow, ...]
    by_dept: tuple[PromiseRow, ...]


def state(promise: PromiseFact, *, as_of: datetime) -> PromiseState:
    """Return how a promise stood at ``as_of``; what happened later has not happened yet."""
    if promise.fulfilled_at and promise.fulfilled_at <= as_of:
        return PromiseState.KEPT if promise.fulfilled_at <= promise.due_at else PromiseState.LATE
    if promise.cancelled_at and promise.cancelled_at <= as_of:
        return PromiseState.CANCELLED if promise.cancelled_at < promise.due_at else PromiseState.BROKEN
    return PromiseState.BROKEN if as_of > promise.due_at else PromiseState.OPEN


def is_owed(promise: PromiseFact, *, as_of: datetime) -> bool:
    """True while the customer still waits for it, in time or not."""
    ended = [at for at in (promise.fulfilled_at, promise.cancelled_at) if at and at <= as_of]
    return not ended


def promises(facts: Iterable[PromiseFact], *, as_of: datetime) -> Promises:
    """Return the promises made up to ``as_of`` as they stood then."""
    made = sorted((fact for fact in facts if fact.made_at <= as_of), key=lambda fact: (fact.due_at, fact.id))
    whole = _row("", made, as_of)
    return Promises(
        kept=whole.kept,
        counted=whole.counted,
        kept_rate=whole.kept_rate,
        overdue_now=tuple(fact.id for fact in made if _is_overdue(fact, as_of)),
        accrued_seconds=whole.accrued_seconds,
        accrued_minor=whole.accrued_minor,
        state={fact.id: state(fact, as_of=as_of) for fact in sorted(made, key=lambda fact: fact.id)},
        by_queue=_rows(made, lambda fact: fact.queue, as_of),
        by_dept=_rows(made, lambda fact: fact.dept, as_of),
    )


def _is_overdue(promise: PromiseFact, as_of: datetime) -> bool:
    return is_owed(promise, as_of=as_of) and as_of > promise.due_at


def _rows(
    facts: Iterable[PromiseFact], name_of: Callable[[PromiseFact], str], as_of: datetime
) -> tuple[PromiseRow, ...]:
    parts: dict[str, list[PromiseFact]] = {}
    for fact in facts:
        parts.setdefault(name_of(fact), []).append(fact)
    rows = [_row(name, part, as_of) for name, part in parts.items()]
    return tuple(sorted(rows, key=lambda row: (-row.overdue, -row.counted, row.name)))


def _row(name: str, facts: list[PromiseFact], as_of: datetime) -> PromiseRow:
    found = Counter(state(fact, as_of=as_of) for fact in facts)
    counted = found[PromiseState.KEPT] + found[PromiseState.LATE] + found[PromiseState.BROKEN]
    owed = [fact for fact in facts if is_owed(fact, as_of=as_of)]
    return PromiseRow(
        name=name,
        kept=found[PromiseState.KEPT],
        late=found[PromiseState.LATE],
        broken=found[PromiseState.BROKEN],
        open=found[PromiseState.OPEN],
        cancelled=found[PromiseState.CANCELLED],
        counted=counted,
        kept_rate=percent(found[PromiseState.KEPT], counted),
        overdue=sum(_is_overdue(fact, as_of) for fact in facts),
        accrued_seconds=sum(fact.accrued_seconds for fact in owed),
        accrued_minor=sum(fact.accrued_minor for fact in owed),
    )
