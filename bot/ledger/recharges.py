"""A recharge: how it stands, and what it makes the ledger say. Proposed it is pending, accepted it is posted. Pure.

The department's debit and the service's credit stand on one account, so over all departments it sums to 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from bot.ledger.accounts import RECHARGE, SERVICE
from bot.ledger.journal import Draft, Line


class ItemState(StrEnum):
    """Where a proposal stands. Everything but ``proposed`` and ``disputed`` is final."""

    PROPOSED = "proposed"
    DISPUTED = "disputed"
    ACCEPTED = "accepted"
    PARTLY_ACCEPTED = "partly_accepted"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class Item:
    """One proposal to one department. ``number`` counts the proposals to it in the period.

    ``why`` is what the department, or who settled it, said.
    """

    dept: str
    proposed_minor: int
    proposed_on: date
    number: int = 1
    state: ItemState = ItemState.PROPOSED
    accepted_minor: int = 0
    answered_on: date | None = None
    why: str = ""

    @property
    def is_open(self) -> bool:
        """True while it is pending in the ledger."""
        return self.state in {ItemState.PROPOSED, ItemState.DISPUTED}

    @property
    def released_minor(self) -> int:
        """What the department does not have to bear; 0 while that is open."""
        return 0 if self.is_open else self.proposed_minor - self.accepted_minor


@dataclass(frozen=True, slots=True)
class OpenRecharge:
    """A proposal that nobody has settled, as Slack and the board show it. ``why`` is what its department said."""

    period: str
    dept: str
    number: int
    is_disputed: bool
    proposed_minor: int
    currency: str
    answer_due: date
    is_overdue: bool
    why: str = ""


def event_of(period: str, dept: str, number: int) -> str:
    """Return the name of a proposal: the ``number``-th to a department for a month."""
    return f"recharge:{period}:{dept}:{number}"


def held(  # noqa: PLR0913  # the facts of one proposal, all by name
    period: str, dept: str, number: int, minor: int, *, on: date, currency: str, by: str
) -> Draft:
    """Return the pending journal of a proposal; it is in no balance."""
    return Draft(
        f"{event_of(period, dept, number)}:hold",
        "recharge_hold",
        "pending",
        on,
        _lines(dept, minor, currency),
        group_ref=f"recharge:{period}:{dept}",
        memo=f"waste of {period}",
        actor_ref=by,
    )


def accepted(hold: Draft, minor: int, *, on: date, by: str) -> Draft:
    """Return the journal of what a department bears of a proposal: all of it or a part."""
    debit = hold.lines[0]
    return Draft(
        f"{hold.key.removesuffix(':hold')}:accept",
        "recharge",
        "posted",
        on,
        _lines(debit.dept, minor, debit.commodity),
        resolves=hold.key,
        resolution="post",
        group_ref=hold.group_ref,
        memo=hold.memo,
        actor_ref=by,
    )


def released(hold: Draft, *, on: date, by: str) -> Draft:
    """Return the journal that ends a proposal of which the department bears nothing."""
    return Draft(
        f"{hold.key.removesuffix(':hold')}:release",
        "recharge_void",
        "posted",
        on,
        (),
        resolves=hold.key,
        resolution="void",
        group_ref=hold.group_ref,
        memo=hold.memo,
        actor_ref=by,
    )


def _lines(dept: str, minor: int, currency: str) -> tuple[Line, ...]:
    return Line(RECHARGE, currency, "R", minor, dept), Line(RECHARGE, currency, "R", -minor, SERVICE)
