"""The report on promises: what the month's came to, and what is owed to customers now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from bot.reporting.ask import Ask
from bot.reports import night as lines
from bot.reports import promises as promised
from bot.reports.promises import PromiseFact
from storage import report_promises
from storage.report_promises import PromiseRow

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Overdue:
    """A promise whose time is over and that is still owed; the longest overdue first."""

    promise: int
    case: int
    queue: str
    department: str
    kind: str
    made_by: str
    due_at: datetime
    overdue_minutes: int


@dataclass(frozen=True, slots=True)
class Promises(promised.Promises):
    """Promises kept, the overdue ones by name, and what the words mean."""

    overdue: tuple[Overdue, ...]
    definitions: Mapping[str, str]


def promises(ask: Ask) -> Promises:
    """Return the promises due in the month, and whatever is owed as it stands at the month's end, or now."""
    rows = _rows(ask)
    found = promised.promises(map(_fact, rows), as_of=ask.as_of, due=(ask.since, ask.until))
    late = set(found.overdue_now)
    return Promises(
        **{field.name: getattr(found, field.name) for field in fields(found)},
        overdue=tuple(_overdue(row, ask.as_of) for row in rows if str(row.id) in late),
        definitions=promised.DEFINITIONS,
    )


def kept_line(ask: Ask) -> lines.PromisesKept | None:
    """Return line 6 of the nightly summary; None while nothing was promised."""
    found = promised.promises(map(_fact, _rows(ask)), as_of=ask.as_of, due=(ask.since, ask.until))
    if not found.counted and not found.overdue_now:
        return None
    # The rows with most overdue come first.
    queue = f"#{found.by_queue[0].name}" if found.overdue_now else ""
    return lines.PromisesKept(found.kept, found.counted, len(found.overdue_now), queue)


def _rows(ask: Ask) -> list[PromiseRow]:
    return report_promises.promises(ask.session, since=ask.since, until=ask.until, as_of=ask.as_of, unit=ask.currency)


def _fact(row: PromiseRow) -> PromiseFact:
    return PromiseFact(
        id=str(row.id),
        made_at=row.made_at,
        due_at=row.due_at,
        fulfilled_at=row.fulfilled_at,
        cancelled_at=row.cancelled_at,
        queue=row.queue,
        dept=row.department,
        accrued_seconds=row.accrued_seconds,
        accrued_minor=row.accrued_minor,
    )


def _overdue(row: PromiseRow, as_of: datetime) -> Overdue:
    late = (as_of - row.due_at) // _MINUTE
    return Overdue(row.id, row.case_id, row.queue, row.department, row.kind, row.made_by_name, row.due_at, late)
