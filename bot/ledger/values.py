"""Value: assumed until an experiment or finance proves it, and gone when nobody does (specification 1.7). Pure."""

from __future__ import annotations

from datetime import date
from typing import Final, Literal

from bot.ledger.accounts import (
    BUY_AGAIN,
    BUY_MORE,
    SERVICE,
    SPREAD_WORD,
    VALUE_EXPIRED,
    VALUE_REALISED,
    VALUE_UNREALISED,
)
from bot.ledger.journal import Basis, Draft, Line

Behaviour = Literal["spread_word", "buy_again", "buy_more"]
"""The three things a loyal customer does."""

OF_BEHAVIOUR: Final[dict[str, str]] = {"spread_word": SPREAD_WORD, "buy_again": BUY_AGAIN, "buy_more": BUY_MORE}
"""The income account of a behaviour."""


def pair(debit: str, credit: str, amount: int, *, currency: str, basis: Basis, case_id: str | None) -> tuple[Line, ...]:
    """Return a debit and a credit of the service."""
    return (
        Line(debit, currency, basis, amount, SERVICE, case_id=case_id),
        Line(credit, currency, basis, -amount, SERVICE, case_id=case_id),
    )


def value(event_id: str, case_id: str, behaviour: Behaviour, amount: int, *, on: date, currency: str) -> Draft:
    """Return the journal of value that is assumed, not proven."""
    lines = pair(VALUE_UNREALISED, OF_BEHAVIOUR[behaviour], amount, currency=currency, basis="E", case_id=case_id)
    return Draft(f"{event_id}:value", "value", "posted", on, lines, group_ref=case_id)


def value_expired(event_id: str, estimate: Draft, *, on: date) -> Draft:
    """Return the journal that lets an estimate run out, in sight of everybody."""
    held = estimate.lines[0]
    lines = pair(VALUE_EXPIRED, VALUE_UNREALISED, held.amount, currency=held.commodity, basis="E", case_id=held.case_id)
    key = f"{event_id}:expire-{held.case_id}"
    return Draft(key, "value_expire", "posted", on, lines, group_ref=estimate.group_ref)


def value_released(event_id: str, estimate: Draft, *, on: date) -> Draft:
    """Return the journal that takes an estimate back, because proof stands in its place now."""
    held, earned = estimate.lines
    lines = pair(
        earned.account, VALUE_UNREALISED, held.amount, currency=held.commodity, basis="E", case_id=held.case_id
    )
    key = f"{event_id}:release-{held.case_id}"
    return Draft(key, "value_release", "posted", on, lines, group_ref=estimate.group_ref)


def value_realised(
    event_id: str, behaviour: Behaviour, amount: int, *, on: date, currency: str, evidence: str
) -> Draft:
    """Return the journal of proven value; ``evidence`` names the experiment or the document."""
    lines = pair(VALUE_REALISED, OF_BEHAVIOUR[behaviour], amount, currency=currency, basis="R", case_id=None)
    return Draft(f"{event_id}:realise", "value_realise", "posted", on, lines, memo=evidence)
