"""Real money: goodwill, the payroll, confirmed savings, and the innovation budget they feed. Pure."""

from __future__ import annotations

from datetime import date

from bot.ledger.accounts import (
    BUDGET_AVAILABLE,
    BUDGET_INITIATIVES,
    FUNDING_ACTUAL,
    FUNDING_GOODWILL,
    GOODWILL,
    INNOVATION,
    POOL,
    SAVINGS,
    SAVINGS_UNFUNDED,
    SERVICE,
)
from bot.ledger.journal import Draft, Line
from bot.ledger.model import CostModel
from bot.ledger.postings import Contact


def goodwill(event_id: str, contact: Contact, amount: int, *, on: date, model: CostModel) -> Draft:
    """Return the journal of a refund or gesture, borne by the contact's owners."""
    lines = contact.pen(model, model.currency, "R").moved(GOODWILL, FUNDING_GOODWILL, amount, contact.cell.owners)
    return Draft(f"{event_id}:goodwill", "goodwill", "posted", on, tuple(lines), group_ref=contact.case_id)


def pool_actual(event_id: str, amount: int, *, on: date, currency: str) -> Draft:
    """Return the journal of the service team's payroll, against which the used capacity is held."""
    return _moved(f"{event_id}:pool", "pool_actual", POOL, FUNDING_ACTUAL, amount, on=on, currency=currency)


def saving_confirmed(event_id: str, amount: int, *, on: date, currency: str, by: str) -> Draft:
    """Return the journal of a saving that finance has confirmed; a memo pair, the lower cost is booked already."""
    return _moved(
        f"{event_id}:saving", "saving_confirmed", SAVINGS_UNFUNDED, SAVINGS, amount, on=on, currency=currency, memo=by
    )


def budget_funded(event_id: str, amount: int, *, on: date, currency: str) -> Draft:
    """Return the journal that grants part of the savings as budget."""
    return _moved(
        f"{event_id}:fund", "budget_fund", BUDGET_AVAILABLE, SAVINGS_UNFUNDED, amount, on=on, currency=currency
    )


def budget_allocated(event_id: str, initiative: str, amount: int, *, on: date, currency: str) -> Draft:
    """Return the journal that gives budget to an initiative."""
    key, kind = f"{event_id}:allocate", "budget_allocate"
    return _moved(
        key, kind, BUDGET_INITIATIVES, BUDGET_AVAILABLE, amount, on=on, currency=currency, initiative=initiative
    )


def budget_spent(event_id: str, initiative: str, amount: int, *, on: date, currency: str) -> Draft:
    """Return the journal of money an initiative has spent."""
    key, kind = f"{event_id}:spend", "budget_spend"
    return _moved(key, kind, INNOVATION, BUDGET_INITIATIVES, amount, on=on, currency=currency, initiative=initiative)


def _moved(  # noqa: PLR0913  # the one form of all of these journals
    key: str,
    kind: str,
    debit: str,
    credit: str,
    amount: int,
    *,
    on: date,
    currency: str,
    initiative: str | None = None,
    memo: str = "",
) -> Draft:
    lines = (
        Line(debit, currency, "R", amount, SERVICE, initiative_id=initiative),
        Line(credit, currency, "R", -amount, SERVICE, initiative_id=initiative),
    )
    return Draft(key, kind, "posted", on, lines, group_ref=initiative or "", memo=memo)
