"""Promises to customers: work we owe stands as a liability until it is done or cancelled. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from bot.ledger.accounts import POOL, PROMISES
from bot.ledger.journal import Draft
from bot.ledger.model import CostModel
from bot.ledger.postings import FOLLOW_UP, Contact, cost, reversal, work


def promise_made(event_id: str, contact: Contact, *, on: date, model: CostModel) -> Draft:
    """Return the journal that accrues the follow-up work of a promise."""
    lines = work(contact, model, contact.effort(model, model.promise_seconds), "E", PROMISES)
    return Draft(f"{event_id}:promise", "promise_made", "posted", on, lines, group_ref=contact.case_id)


def promise_kept(
    event_id: str, made: Draft, contact: Contact, *, on: date, model: CostModel, seconds: int | None
) -> list[Draft]:
    """Return the journals of a promise that was kept, also late: the accrual goes, the work is booked.

    ``seconds`` None: nobody measured it, so it is what was accrued.
    """
    released = reversal(event_id, made, on=on, memo="promise kept", step="release")
    lines = work(contact, model, contact.effort(model, model.promise_seconds), "E", POOL)
    expected = replace(made, lines=lines, memo=FOLLOW_UP)
    done = cost(event_id, contact, on=on, model=model, resolves=None, seconds=seconds, hold=expected)
    return [released, done]


def promise_cancelled(event_id: str, made: Draft, *, on: date) -> Draft:
    """Return the journal that takes the accrual back: nothing is owed any more."""
    return reversal(event_id, made, on=on, memo="promise cancelled", step="release")
