"""The present configuration for what stands in open periods, by reversal and posting anew (specification 1.5). Pure.

Counts keep what they count and measured seconds what they measured; only the place and the price change. A journal
whose lines would say the same is left alone, under the version that it was posted with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from bot.ledger.accounts import CONTACT_ACCOUNTS, GOODWILL
from bot.ledger.journal import Draft, Line
from bot.ledger.model import CostModel, Effort
from bot.ledger.money import WHOLE, Shares
from bot.ledger.postings import BULK, FOLLOW_ON, FOLLOW_UP, Contact, measured_seconds, reversal, void, work

COUNTED: Final = ("tag", "merge")
WORKED: Final = ("cost", "cost_hold", "promise_made")
KINDS: Final = (*COUNTED, *WORKED, "goodwill")
"""The kinds of journals that follow the configuration. Assumed value does not: it is proven, or runs out."""

MEMO: Final = "reclass"


def outdated(journals: Sequence[Draft], *, closed_through: date | None, version: str) -> list[Draft]:
    """Return what stands of a case under another version: posted in open periods, or expected."""
    reversed_ = {draft.reverses for draft in journals}
    resolved = {draft.resolves for draft in journals}
    return [
        draft
        for draft in journals
        if draft.kind in KINDS
        and draft.key not in reversed_ | resolved
        and (draft.status == "pending" or closed_through is None or draft.effective > closed_through)
        and any(line.config_version not in (None, version) for line in draft.lines)
    ]


def restated(draft: Draft, contact: Contact, model: CostModel) -> tuple[Line, ...]:
    """Return the lines that ``draft`` would have under ``model``, for a contact that stands where ``contact`` does."""
    if draft.kind in COUNTED:
        return tuple(_moved(line, contact, model) for line in draft.lines)
    first = draft.lines[0]
    if draft.kind == "goodwill":
        funding = next(line.account for line in draft.lines if line.account != GOODWILL)
        total = sum(line.amount for line in draft.lines if line.account == GOODWILL)
        lines = tuple(contact.pen(model, first.commodity, "R").moved(GOODWILL, funding, total, contact.cell.owners))
    else:
        lines = _worked(draft, contact, model)
    # What a contact does not know itself stays as it was booked.
    return tuple(
        line._replace(product_team=first.product_team, incident_id=first.incident_id, initiative_id=first.initiative_id)
        for line in lines
    )


def _moved(line: Line, contact: Contact, model: CostModel) -> Line:
    cell = contact.cell
    placed = line._replace(
        quadrant=cell.quadrant.value, quadrant_source=cell.quadrant_source, config_version=model.config_version
    )
    return placed._replace(account=cell.account, dept=cell.department) if line.account in CONTACT_ACCOUNTS else placed


def _worked(draft: Draft, contact: Contact, model: CostModel) -> tuple[Line, ...]:
    [other_side] = {line.account for line in draft.lines if line.account not in CONTACT_ACCOUNTS}
    seconds = measured_seconds(draft.lines)
    if seconds:
        return work(contact, model, contact.effort(model, seconds), "M", other_side)
    if not any(line.commodity == "SEC" for line in draft.lines):
        return work(contact, model, Effort(0, model.bot_fixed_minor), "E", other_side)
    return work(contact, model, _estimate(draft, contact, model), "E", other_side)


def _estimate(draft: Draft, contact: Contact, model: CostModel) -> Effort:
    """What work of that kind is estimated at: a case, one answered in bulk, one that came back, or a promise."""
    if draft.memo == BULK:
        return contact.effort(model, model.incident_bulk_seconds)
    if draft.memo == FOLLOW_ON:
        return contact.effort(model, model.followon_seconds)
    if draft.kind == "promise_made" or draft.memo == FOLLOW_UP:
        return contact.effort(model, model.promise_seconds)
    return contact.estimate(model)


def says_the_same(old: Sequence[Line], new: Sequence[Line]) -> bool:
    """True when the lines differ in nothing but the version they were posted under."""
    return [line._replace(config_version=None) for line in old] == [line._replace(config_version=None) for line in new]


def reposted(event_id: str, number: int, old: Draft, lines: tuple[Line, ...], *, key: str, on: date) -> list[Draft]:
    """Return the drafts that put ``lines`` in the place of ``old``: expected work is voided, what was posted reversed.

    Everything takes the day of what it corrects; only the end of a hold stands ``on`` the day of the correction.
    """
    anew = replace(old, key=key, lines=lines, original=None, resolves=None, resolution=None)
    if old.status == "pending":
        step = f"{event_id}:{number}"
        ended = void(step, resolves=old.key, on=on, memo=MEMO, group_ref=old.group_ref)
    else:
        ended = reversal(event_id, old, memo=MEMO, step=f"rev{number}")
    return [ended] if anew.says_nothing else [ended, anew]


def shares_of(draft: Draft) -> Shares:
    """Return how a journal is split over departments, in basis points; what a supervisor decided stays so."""
    amounts: dict[str, int] = {}
    commodity = draft.lines[0].commodity
    for line in draft.lines:
        if line.commodity == commodity and line.account in (*CONTACT_ACCOUNTS, GOODWILL):
            amounts[line.dept] = amounts.get(line.dept, 0) + abs(line.amount)
    whole = sum(amounts.values())
    points = {dept: amount * WHOLE // whole for dept, amount in amounts.items()}
    first = next(iter(points))
    return tuple(
        (dept, share + (WHOLE - sum(points.values()) if dept == first else 0)) for dept, share in points.items()
    )
