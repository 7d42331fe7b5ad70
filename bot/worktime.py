"""How long agents really worked on a case: which of their steps belong to what is booked now (specification 1.6).

A step is booked once. Resolving books all steps on the case that nothing has booked yet; keeping a promise books those
since it was made. Work on a duplicate goes with the case that it was merged into.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import Session

from bot.domain import Actor
from bot.parts import Parts
from bot.reports.measured import TAIL_SECONDS, Step, seconds_to_book
from storage import casework, worktime
from storage.worktime import NOBODY, Event

_ENDS = frozenset({"resolved", "no_action"})
"""After these kinds of events nothing of what was before is left to book."""
_NO_WORK = frozenset({"audited"})
"""The kinds of events that look at a case without working on it."""
BOOKS = frozenset({"resolved", "promise_kept"})
"""The kinds of events with which time is booked."""


def measured(parts: Parts, session: Session, case_id: int, actor: Actor, *, promise: int | None = None) -> int:
    """Return the active seconds to book on a case with what ``actor`` does now; 0 when nothing was measured.

    With ``promise`` it is what was done since that promise was made.
    """
    now = parts.now()
    history = worktime.of_cases(session, [case_id, *casework.merged_into(session, case_id)])
    left = unbooked(history, promise=promise)
    mine = [event for event in left if event.actor != NOBODY and event.kind not in _NO_WORK]
    cap = parts.settings.ledger.cost.activity_gap_cap_seconds
    before, after = timedelta(seconds=TAIL_SECONDS), timedelta(seconds=cap)
    events = worktime.around(session, [*mine, _now(case_id, actor, parts)], before=before, after=after)
    counted = {event.id for event in mine}
    steps = [Step(event.actor, event.at, event.id in counted, event.kind in BOOKS) for event in events]
    booking = Step(actor.ref, now, counts=True, books=True)
    return sum(seconds_to_book([*steps, booking], at=now, cap_seconds=cap).values())


def _now(case_id: int, actor: Actor, parts: Parts) -> Event:
    """The step that is being taken, which is not in the history yet."""
    return Event(0, case_id, "resolved", actor.ref, parts.now(), None)


def unbooked(history: Sequence[Event], *, promise: int | None = None) -> list[Event]:
    """Return the events of one case, and of those merged into it, whose time nothing has booked yet.

    With ``promise`` only those from its making on.
    """
    left: list[Event] = []
    for event in history:
        if event.kind in _ENDS:
            left = [earlier for earlier in left if earlier.case_id != event.case_id]
        elif event.kind == "promise_kept":
            left = _before_promise(left, event.promise)
        else:
            left.append(event)
    return _since_promise(left, promise) if promise is not None else left


def _before_promise(events: Sequence[Event], promise: int | None) -> list[Event]:
    since = _since_promise(events, promise)
    return [event for event in events if event not in since]


def _since_promise(events: Sequence[Event], promise: int | None) -> list[Event]:
    made = next((event.id for event in events if event.kind == "promised" and event.promise == promise), None)
    # Made before the last booking: all that is left is later.
    return [event for event in events if made is None or event.id >= made]
