"""How a recharge is proposed, disputed and settled (specification 2.3). An unanswered proposal stays a proposal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from bot.errors import InputError
from bot.ledger.recharges import Item, ItemState
from bot.reports.figures import drawn

ANSWER_DAYS: Final = 10
"""Working days a department has to answer."""

SAMPLES_MAX: Final = 10
"""Contacts a department sees with a proposal."""

_SATURDAY: Final = 5


def propose(dept: str, minor: int, *, on: date, number: int = 1) -> Item:
    """Return a new proposal.

    Raises:
        InputError: there is nothing to charge.
    """
    if minor <= 0:
        raise InputError(f"nothing can be proposed to {dept}: {minor} is not above 0")
    return Item(dept, minor, on, number)


def samples(case_ids: Iterable[str], *, period: str, dept: str) -> list[str]:
    """Return at most ten of a department's cases to show with its proposal, drawn so that nobody picked them."""
    return drawn(case_ids, seed=f"{period}:{dept}", limit=SAMPLES_MAX)


def dispute(item: Item, *, on: date, why: str, holidays: Iterable[date] = ()) -> Item:
    """Return the proposal as disputed; the money stays pending until somebody settles it.

    Raises:
        InputError: it is answered already, the ten working days are over, or no reason is given.
    """
    _answerable(item, on)
    due = answer_due(item.proposed_on, holidays)
    if on > due:
        raise InputError(
            f"the proposal to {item.dept} could be disputed until {due}; ask finance to correct it forward"
        )
    if not why.strip():
        raise InputError(f"a dispute of the proposal to {item.dept} needs a reason")
    return replace(item, state=ItemState.DISPUTED, answered_on=on, why=why)


def settle(item: Item, accepted_minor: int, *, on: date, why: str = "") -> Item:
    """Return the proposal as accepted in full, in part, or released (0 accepted).

    Raises:
        InputError: it is settled already, or the amount is no part of what was proposed.
    """
    if not item.is_open:
        raise InputError(f"the proposal to {item.dept} is settled: {item.state}")
    if on < item.proposed_on:
        raise InputError(f"the proposal to {item.dept} was made on {item.proposed_on}, after {on}")
    if not 0 <= accepted_minor <= item.proposed_minor:
        raise InputError(
            f"{accepted_minor} is no part of the {item.proposed_minor} proposed to {item.dept}; give 0 to that amount"
        )
    return replace(
        item, state=_settled(item, accepted_minor), accepted_minor=accepted_minor, answered_on=on, why=why or item.why
    )


def _answerable(item: Item, on: date) -> None:
    if item.state is not ItemState.PROPOSED:
        raise InputError(f"the proposal to {item.dept} is answered already: {item.state}")
    if on < item.proposed_on:
        raise InputError(f"the proposal to {item.dept} was made on {item.proposed_on}, after {on}")


def _settled(item: Item, accepted_minor: int) -> ItemState:
    if accepted_minor == item.proposed_minor:
        return ItemState.ACCEPTED
    return ItemState.PARTLY_ACCEPTED if accepted_minor else ItemState.RELEASED


def answer_due(proposed_on: date, holidays: Iterable[date] = ()) -> date:
    """Return the last day on which a proposal can be disputed: the tenth working day after it was made."""
    closed = frozenset(holidays)
    day, left = proposed_on, ANSWER_DAYS
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < _SATURDAY and day not in closed
    return day


def is_overdue(item: Item, *, today: date, holidays: Iterable[date] = ()) -> bool:
    """True for a proposal nobody answered in time. It is shown as such; silence accepts nothing."""
    return item.state is ItemState.PROPOSED and today > answer_due(item.proposed_on, holidays)
