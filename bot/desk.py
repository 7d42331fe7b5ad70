"""The desk: what people do to cases, from Slack or the board alike. Rules are in :mod:`bot.cases`, rows in storage.

Every action is one transaction, carries an id from where it was pressed, and is done once however often it arrives.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import Session

from bot import cases, closing, plan, retag
from bot.acting import EARMARK, Acting, Written
from bot.cases import Change
from bot.domain import UNCLASSIFIED, Actor, CaseFacts, CaseState, Outcome, Tag, Tagging
from bot.errors import CaseError
from bot.goodwill import Giving
from bot.merging import Merging
from bot.plan import Planner
from bot.promising import Promising
from storage import casework, mentions, models
from storage.db import transaction
from storage.mentions import TaggingRow, Waiting

__all__ = ["EARMARK", "Desk"]


class Desk(Promising, Merging, Giving, Acting):
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

    def retag(
        self, case_id: int, actor: Actor, *, action_id: str, tags: Sequence[Tag], primary: Tag, reason: str
    ) -> Outcome:
        """Correct the tags and reason of the mention that opened a case; ledger and queue follow.

        The correction is a new tagging by a person: training data, and a reversal in the ledger, never an edit.
        """
        tagging = self._human(tags, primary, reason)

        def effect(session: Session, row: models.Case, _change: Change) -> Written:
            return Written(retag.apply(self._parts, session, row, tagging, actor))

        return self._act(case_id, actor, action_id, lambda facts: cases.retag(facts, actor), effect)

    def tag_mention(
        self, mention_id: int, actor: Actor, *, action_id: str, tags: Sequence[Tag], primary: Tag, reason: str
    ) -> Outcome:
        """Tag a mention that was taken for nothing: it opens a case, or joins one, as if it had been tagged so."""
        tagging = self._human(tags, primary, reason)
        with transaction(self._parts.database) as session:
            waiting = self._without_case(session, mention_id)
            n = mentions.reviewed(session, mention_id) + 1
            window = timedelta(days=self._parts.settings.ledger.repeat.window_days)
            known = casework.of_authors(session, [waiting.author_id], closed_since=waiting.mention.posted_at - window)
            planner = Planner(self._parts, known, now=self._parts.now())
            planner.add(waiting, tagging, n=n, actor=actor)
            made = planner.finish()
            plan.write(self._parts, session, made, now=self._parts.now())
            case_id = made.settled[mention_id] or mention_id
            self._record_tagging(session, case_id, actor, action_id, tagging)
        return Outcome(case_id, changed=True, message="Thank you, this mention has a case now.")

    def pass_over(self, mention_id: int, actor: Actor) -> Outcome:
        """Confirm that a doubtful mention is neither complaint, praise nor request; it leaves the review list."""
        nothing = Tagging(dict.fromkeys(Tag, 0.0), (), None, 1.0, UNCLASSIFIED, 1.0, "", "human")
        with transaction(self._parts.database) as session:
            waiting = self._without_case(session, mention_id)
            n = mentions.reviewed(session, mention_id) + 1
            row = TaggingRow(mention_id, n, nothing, "human", actor.ref, waiting.mention.channel)
            mentions.store_taggings(session, [row], now=self._parts.now())
        return Outcome(mention_id, changed=True, message="Thank you, it needs no case.")

    def _without_case(self, session: Session, mention_id: int) -> Waiting:
        waiting = mentions.without_case(session, mention_id)
        if waiting is None:
            raise CaseError("This mention has a case already, or there is no such mention.")
        return waiting

    def _record_tagging(self, session: Session, case_id: int, actor: Actor, action_id: str, tagging: Tagging) -> None:
        told = {"tag": str(tagging.primary), "reason": tagging.reason}
        event = casework.event_row(
            case_id, "tagged", action_id=action_id, now=self._parts.now(), from_version=0, detail=told
        )
        casework.record_events(session, [event | {"actor": actor.ref, "actor_name": actor.name}])

    def _human(self, tags: Sequence[Tag], primary: Tag, reason: str) -> Tagging:
        if primary not in tags:
            raise CaseError("The primary tag must be one of the tags.")
        if reason not in self._parts.model.taxonomy.reasons:
            raise CaseError(f"There is no reason '{reason}' in the taxonomy.")
        scores = {tag: float(tag in tags) for tag in Tag}
        chosen = tuple(sorted(set(tags), key=lambda tag: (tag != primary, tag)))
        return Tagging(scores, chosen, primary, 1.0, reason, 1.0, "", "human")

    def _claimed(self, _session: Session, row: models.Case, _change: Change) -> Written:
        return Written({"claimed_at": row.claimed_at or self._parts.now(), "hold_expires_at": None})

    def _released(self, _session: Session, _row: models.Case, _change: Change) -> Written:
        return Written({"hold_expires_at": self._parts.hold_expires_at(self._parts.now())})
