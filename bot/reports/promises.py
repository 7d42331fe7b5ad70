"""Promises kept, late and broken (specification 2.7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple

from bot.domain import PromiseState
from bot.reports.figures import DETAIL, percent, rounded

DEFINITIONS: Final = MappingProxyType(
    {
        "kept": "done at or before its due time",
        "late": "done after its due time; counts against us",
        "broken": "not done when it was due, or cancelled after that; counts against us",
        "cancelled": "called off before it was due; does not count",
        "open": "not due yet; does not count",
        "kept rate": "kept / (kept + late + broken), of the promises due in the month",
        "overdue": "due, and neither done nor cancelled yet, from whatever month",
        "accrued": "the work still owed to customers, as it stands on the balance sheet",
    }
)
"""What the words of the report mean."""


Due = tuple[datetime, datetime]
"""From when to before when."""


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
    accrued_minutes: int
    accrued_minor: int


@dataclass(frozen=True, slots=True)
class Promises:
    """All promises, the overdue ones longest first, then queues and departments with most overdue first."""

    kept: int
    late: int
    broken: int
    open: int
    cancelled: int
    counted: int
    kept_rate: str
    overdue_now: tuple[str, ...] = field(metadata=DETAIL)
    accrued_minutes: int
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


def promises(facts: Iterable[PromiseFact], *, as_of: datetime, due: Due | None = None) -> Promises:
    """Return the promises made up to ``as_of`` as they stood then.

    Those not due in ``due`` count in another month; of them only what is still owed is told.
    """
    made = sorted((fact for fact in facts if fact.made_at <= as_of), key=lambda fact: (fact.due_at, fact.id))
    span = _Span(as_of, due)
    whole = _row("", made, span)
    return Promises(
        kept=whole.kept,
        late=whole.late,
        broken=whole.broken,
        open=whole.open,
        cancelled=whole.cancelled,
        counted=whole.counted,
        kept_rate=whole.kept_rate,
        overdue_now=tuple(fact.id for fact in made if _is_overdue(fact, as_of)),
        accrued_minutes=whole.accrued_minutes,
        accrued_minor=whole.accrued_minor,
        state={fact.id: state(fact, as_of=as_of) for fact in sorted(made, key=lambda fact: fact.id)},
        by_queue=_rows(made, lambda fact: fact.queue, span),
        by_dept=_rows(made, lambda fact: fact.dept, span),
    )


class _Span(NamedTuple):
    """When it is, and which promises count."""

    as_of: datetime
    due: Due | None

    def has(self, promise: PromiseFact) -> bool:
        """True for a promise that is due in this time."""
        return self.due is None or self.due[0] <= promise.due_at < self.due[1]


def _is_overdue(promise: PromiseFact, as_of: datetime) -> bool:
    return is_owed(promise, as_of=as_of) and as_of > promise.due_at


def _rows(facts: Iterable[PromiseFact], name_of: Callable[[PromiseFact], str], span: _Span) -> tuple[PromiseRow, ...]:
    parts: dict[str, list[PromiseFact]] = {}
    for fact in facts:
        parts.setdefault(name_of(fact), []).append(fact)
    rows = [_row(name, part, span) for name, part in parts.items()]
    return tuple(sorted(rows, key=lambda row: (-row.overdue, -row.counted, row.name)))


def _row(name: str, facts: list[PromiseFact], span: _Span) -> PromiseRow:
    as_of = span.as_of
    found = Counter(state(fact, as_of=as_of) for fact in facts if span.has(fact))
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
        accrued_minutes=rounded(sum(fact.accrued_seconds for fact in owed), 60),
        accrued_minor=sum(fact.accrued_minor for fact in owed),
    )
