"""Cases that a bot answers alone: a fixed price, and nobody's time (specification 1.4)."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from bot import cases, closing
from bot.acting import EARMARK, Acting, Written
from bot.cases import Change
from bot.domain import CaseFacts, CaseState, Outcome
from bot.errors import CaseError
from storage import models


class Answering(Acting):
    """Earmark answers nobody by itself; a company's own bot or self-service page does, and tells us."""

    def answered(self, session: Session, case_id: int, at: datetime, *, action_id: str) -> Outcome:
        """Close a case that nobody has taken as resolved by a bot at ``at``, in the caller's transaction.

        Raises:
            CaseError: somebody is at work on it, or it is closed.
        """

        def rule(facts: CaseFacts) -> Change:
            if facts.state is not CaseState.OPEN:
                raise CaseError(
                    "somebody is at work on the case, or has closed it; what was done there is booked as it was"
                )
            closed_at = min(max(at, facts.opened_at), self._parts.now())
            return cases.resolve(facts, EARMARK, now=closed_at)

        def effect(session: Session, row: models.Case, _change: Change) -> Written:
            return closing.worked(self._parts, session, row, EARMARK)

        return self._act_within(session, case_id, EARMARK, action_id, rule, effect)
