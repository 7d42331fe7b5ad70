"""Goodwill: money or a gesture for a customer, borne by who caused the case (specification 1.4)."""

from __future__ import annotations

from dataclasses import replace

from sqlmodel import Session

from bot import booking, cases
from bot.acting import Acting, Written
from bot.cases import Change, Deed
from bot.domain import Actor, CaseFacts, Outcome
from bot.errors import CaseError
from bot.ledger import funds, money
from storage import ledger, models

REASON_MAX = 200
GOODWILL_MINOR_MAX = 1_000_000_000
"""A slip of the finger is refused, not booked."""


class Giving(Acting):
    """The desk's goodwill."""

    def goodwill(self, case_id: int, amount_minor: int, reason: str, *, actor: Actor, action_id: str) -> Outcome:
        """Book what was given to a case's customer, in the smallest unit of the book's currency.

        ``reason`` stands in the case's history only: the ledger keeps no words, which may be about a person.
        """
        why = " ".join(reason.split())[:REASON_MAX]

        def rule(facts: CaseFacts) -> Change:
            if not 0 < amount_minor <= GOODWILL_MINOR_MAX:
                raise CaseError(f"The amount must be above 0 and at most {self._money(GOODWILL_MINOR_MAX)}.")
            if not why:
                raise CaseError("Say what it was given for.")
            return cases.serve(facts, actor, Deed.GOODWILL)

        def effect(session: Session, row: models.Case, _change: Change) -> Written:
            self._give(session, row, actor, amount_minor)
            return Written(told={"amount": self._money(amount_minor)}, typed={"why": why})

        return self._act(case_id, actor, action_id, rule, effect)

    def _give(self, session: Session, row: models.Case, actor: Actor, amount_minor: int) -> None:
        now = self._parts.now()
        contact, on = booking.contact_of(self._parts, session, row), self._parts.book_date(now)
        event_id = f"goodwill:{row.id}:v{row.version}"
        draft = funds.goodwill(event_id, contact, amount_minor, on=on, model=self._parts.model)
        ledger.post(session, [replace(draft, actor_ref=actor.ref)], now=now)

    def _money(self, minor: int) -> str:
        currency = self._parts.settings.ledger.currency
        return money.display(minor, exponent=money.exponent(currency), symbol=money.symbol(currency))
