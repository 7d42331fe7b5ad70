"""The desk: what people do to cases, from Slack or the board alike. Rules are in :mod:`bot.cases`, rows in storage.

Every action is one transaction, carries an id from where it was pressed, and is done once however often it arrives.
"""

from __future__ import annotations

from sqlmodel import Session

from bot import cases, closing
from bot.acting import EARMARK, Acting, Written
from bot.cases import Change
from bot.domain import Actor, CaseFacts, CaseState, Outcome
from bot.errors import CaseError
from bot.goodwill import Giving
from bot.judging import Judging
from bot.merging import Merging
from bot.overriding import Overriding
from bot.passing import Passing
from bot.promising import Promising
from bot.replying import Replying
from storage import models

__all__ = ["EARMARK", "Desk"]


class Desk(Promising, Merging, Giving, Overriding, Judging, Passing, Replying, Acting):
    """The actions on cases, beside what is read. Each raises CaseError with a sentence for the one who pressed."""

    def claim(self, case_id: int, actor: Actor, *, action_id: str) -> Outcome:
        """Make ``actor`` the owner of an open case; of two who press together exactly one succeeds."""
        return self._act(case_id, actor, action_id, lambda facts: cases.claim(facts, actor), self._claimed)

    def release(self, case_id: int, actor: Actor, *, action_id: str) -> Outcome:
        """Give a claimed case back to its queue."""
        return self._act(case_id, actor, action_id, lambda facts: cases.release(facts, actor), self._released)

    def resolve(self, case_id: int, actor: Actor, *, action_id: str, customer_kept: bool = False) -> Outcome:
        """Close a case as done; the work expected becomes work done in the ledger.

        ``customer_kept``: somebody who wanted to leave stays, which is worth what the configuration says.
        """
        now = self._parts.now()

        def rule(facts: CaseFacts) -> Change:
            if customer_kept and facts.reason not in cases.CUSTOMER_AT_RISK:
                raise CaseError("Only a customer who wanted to leave can have been kept; correct the reason first.")
            return cases.resolve(facts, actor, now=now)

        def effect(session: Session, row: models.Case, _change: Change) -> Written:
            return closing.worked(self._parts, session, row, actor, customer_kept=customer_kept)

        return self._act(case_id, actor, action_id, rule, effect)

    def not_for_us(self, case_id: int, actor: Actor, *, action_id: str) -> Outcome:
        """Close a case that is spam or not about us; its tags leave the ledger, work done stays."""
        now = self._parts.now()

        def effect(session: Session, row: models.Case, _change: Change) -> Written:
            return closing.dismissed(self._parts, session, row)

        return self._act(case_id, actor, action_id, lambda facts: cases.dismiss(facts, actor, now=now), effect)

    def expire(self, case_id: int) -> Outcome:
        """Close a case that nobody took in time: nothing was spent."""
        now = self._parts.now()

        def rule(facts: CaseFacts) -> Change:
            if facts.state is not CaseState.OPEN:
                raise CaseError("Somebody took this case meanwhile.")
            return cases.resolve(facts, EARMARK, now=now, how=cases.NO_ACTION)

        def effect(session: Session, row: models.Case, _change: Change) -> Written:
            return closing.voided(self._parts, session, row)

        return self._act(case_id, EARMARK, f"expired:{case_id}:{now.isoformat()}", rule, effect)

    def _claimed(self, _session: Session, row: models.Case, _change: Change) -> Written:
        return Written({"claimed_at": row.claimed_at or self._parts.now(), "hold_expires_at": None})

    def _released(self, _session: Session, _row: models.Case, _change: Change) -> Written:
        return Written({"hold_expires_at": self._parts.hold_expires_at(self._parts.now())})
