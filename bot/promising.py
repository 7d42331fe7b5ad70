"""Promises to customers: made, kept, cancelled, and the clock that reminds of them (specification 1.4, 2.7).

What is promised is owed: it is on the balance sheet from the minute it is promised until it is done or cancelled, also
when it is late by then.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlmodel import Session

from bot import booking, cases, dispatch, worktime
from bot.acting import Acting, Written
from bot.cases import Change, Deed
from bot.domain import Actor, CaseFacts, Outcome, Promise, PromiseState
from bot.errors import CaseError
from bot.ledger import promises as postings
from bot.ledger.journal import Draft
from bot.ledger.postings import FOLLOW_UP
from bot.parts import Parts
from storage import casework, ledger, models, promises
from storage.db import reading, transaction

CALL_BACK: Final = "call_back"
"""The kind of a promise that says nothing else."""

REMIND_BEFORE: Final = timedelta(minutes=15)
PROMISE_DAYS_MAX: Final = 365
PROMISES_A_CASE_MAX: Final = 20
ALARMS_A_TURN: Final = 200

log = structlog.get_logger(__name__)


class Promising(Acting):
    """The desk's promises."""

    def promise(
        self, case_id: int, actor: Actor, due_at: datetime, *, action_id: str, kind: str = CALL_BACK
    ) -> Outcome:
        """Give the customer a time; the work is owed from now on."""

        def rule(facts: CaseFacts) -> Change:
            _refuse_senseless(due_at, self._parts.now())
            return cases.serve(facts, actor, Deed.PROMISED)

        def effect(session: Session, row: models.Case, _change: Change) -> Written:
            return self._promised(session, row, actor, due_at, kind)

        return self._act(case_id, actor, action_id, rule, effect)

    def keep_promise(self, case_id: int, actor: Actor, *, action_id: str, promise_id: int | None = None) -> Outcome:
        """Say that what was promised is done; the next one due, unless ``promise_id`` names another."""

        def effect(session: Session, row: models.Case, _change: Change) -> Written:
            return self._kept(session, row, actor, _owed(session, row.id, promise_id))

        return self._act(case_id, actor, action_id, lambda facts: cases.serve(facts, actor, Deed.PROMISE_KEPT), effect)

    def cancel_promise(self, case_id: int, actor: Actor, *, action_id: str, promise_id: int | None = None) -> Outcome:
        """Say that nothing is owed any more, such as when the customer found it; past its due time it stays broken."""

        def effect(session: Session, row: models.Case, _change: Change) -> Written:
            return self._cancelled(session, _owed(session, row.id, promise_id))

        return self._act(
            case_id, actor, action_id, lambda facts: cases.serve(facts, actor, Deed.PROMISE_CANCELLED), effect
        )

    def _promised(self, session: Session, row: models.Case, actor: Actor, due_at: datetime, kind: str) -> Written:
        if len(promises.owed(session, row.id)) >= PROMISES_A_CASE_MAX:
            raise CaseError(f"{PROMISES_A_CASE_MAX} promises are open on this case; keep or cancel one first.")
        now = self._parts.now()
        alarm_at = max(due_at - REMIND_BEFORE, now)
        made = promises.make(session, case_id=row.id, actor=actor, due_at=due_at, kind=kind, alarm_at=alarm_at, now=now)
        contact, on = booking.contact_of(self._parts, session, row), self._parts.book_date(now)
        accrual = postings.promise_made(f"promise:{made.id}", contact, on=on, model=self._parts.model)
        ledger.post(session, [replace(accrual, actor_ref=actor.ref)], now=now)
        return Written(told={"promise": made.id, "due_at": due_at.isoformat()})

    def _kept(self, session: Session, row: models.Case, actor: Actor, promise: Promise) -> Written:
        now, model = self._parts.now(), self._parts.model
        contact, on = booking.contact_of(self._parts, session, row), self._parts.book_date(now)
        seconds = worktime.measured(self._parts, session, row.id, actor, promise=promise.id)
        accrual = _accrual(session, promise)
        drafts = postings.promise_kept(f"promise:{promise.id}", accrual, contact, on=on, model=model, seconds=seconds)
        ledger.post(session, [_told_apart(draft, actor) for draft in drafts], now=now)
        state = promises.keep(session, promise, now=now)
        return Written(told={"promise": promise.id, "promised": state.value})

    def _cancelled(self, session: Session, promise: Promise) -> Written:
        now = self._parts.now()
        on = self._parts.book_date(now)
        released = postings.promise_cancelled(f"promise:{promise.id}", _accrual(session, promise), on=on)
        ledger.post(session, [released], now=now)
        promises.cancel(session, promise, now=now)
        return Written(told={"promise": promise.id})


def _refuse_senseless(due_at: datetime, now: datetime) -> None:
    if due_at <= now:
        raise CaseError("That time is over already; promise a later one.")
    if due_at > now + timedelta(days=PROMISE_DAYS_MAX):
        raise CaseError("That is more than a year away; promise an earlier time.")


def _owed(session: Session, case_id: int, promise_id: int | None) -> Promise:
    found = [one for one in promises.owed(session, case_id) if promise_id in (None, one.id)]
    if not found:
        raise CaseError("Nothing is promised on this case, or it was settled meanwhile.")
    return found[0]


def _accrual(session: Session, promise: Promise) -> Draft:
    made = ledger.draft_by_key(session, promise.accrual_key)
    if made is None:
        raise CaseError(f"Promise {promise.id} is not in the ledger; tell whoever runs Earmark.")
    return made


def _told_apart(draft: Draft, actor: Actor) -> Draft:
    """Mark the work on a promise: estimated anew after a correction, it is that of a promise, not of the reason."""
    memo = FOLLOW_UP if draft.kind == "cost" else draft.memo
    return replace(draft, memo=memo, actor_ref=actor.ref)


def ring(parts: Parts) -> int:
    """Remind of promises that are due soon, and mark those broken whose time is over; return how many it looked at."""
    now = parts.now()
    with reading(parts.database) as session:
        due = promises.alarms(session, now=now, limit=ALARMS_A_TURN)
    for promise in due:
        with transaction(parts.database) as session:
            _ring(parts, session, promise, now)
    return len(due)


def _ring(parts: Parts, session: Session, promise: Promise, now: datetime) -> None:
    row = casework.row_for_update(session, promise.case_id)
    is_over = promise.due_at <= now
    state = PromiseState.BROKEN if is_over else promise.state
    alarm_at = None if is_over else promise.due_at
    if row is None or not promises.rang(session, promise, state=state, alarm_at=alarm_at, now=now):
        return
    event = "promise_broken" if is_over else "promise_soon"
    detail = {"promise": promise.id, "due_at": promise.due_at.isoformat(), "by": promise.made_by_name}
    called = _supervisors(parts, row.queue) if is_over else _in_slack(promise.made_by)
    if is_over:
        _record_broken(session, row, promise, now)
    dispatch.remind(parts, session, row, key=f"{event}:{promise.id}", detail={"event": event, **detail, "to": called})
    log.info(event, case=promise.case_id, promise=promise.id)


def _supervisors(parts: Parts, queue: str) -> list[str]:
    """Whom a broken promise is brought before."""
    known = parts.settings.queue(queue)
    return list(known.supervisors) if known else []


def _in_slack(ref: str) -> list[str]:
    """The Slack user behind an actor's ref; none for somebody who works on the board."""
    place, _, user = ref.partition(":")
    return [user] if place == "slack" else []


def _record_broken(session: Session, row: models.Case, promise: Promise, now: datetime) -> None:
    event = casework.event_row(
        row.id,
        "promise_broken",
        action_id=f"promise_broken:{promise.id}",
        now=now,
        from_version=row.version,
        detail={"promise": promise.id, "due_at": promise.due_at.isoformat()},
    )
    casework.record_events(session, [event])
