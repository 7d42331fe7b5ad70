"""What a person says a mention is, in place of the tagger: retag, tag what was taken for nothing, pass over."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from bot import cases, plan, retag
from bot.acting import Acting, Written
from bot.cases import Change
from bot.domain import UNCLASSIFIED, Actor, Outcome, Tag, Tagging
from bot.errors import CaseError
from bot.plan import Planner
from storage import casework, mentions, models
from storage.db import transaction
from storage.mentions import TaggingRow, Waiting


class Correcting(Acting):
    """The desk's corrections. Each is a tagging by a person: training data, and never an edit."""

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
            case_id = self._tag_mention(session, mention_id, actor, action_id, tagging)
        return Outcome(case_id, changed=True, message="Thank you, this mention has a case now.")

    def _tag_mention(self, session: Session, mention_id: int, actor: Actor, action_id: str, tagging: Tagging) -> int:
        """Give a mention without a case what follows from ``tagging``; return the case it now belongs to."""
        waiting = self._without_case(session, mention_id)
        n = mentions.reviewed(session, mention_id) + 1
        window = self._parts.settings.ledger.repeat.longest_window
        authors, since = [waiting.author_id], waiting.mention.posted_at - window
        known = casework.of_authors(session, authors, closed_since=since)
        elsewhere = casework.of_other_accounts(session, authors, closed_since=since)
        planner = Planner(self._parts, known, elsewhere, now=self._parts.now())
        planner.add(waiting, tagging, n=n, actor=actor)
        made = planner.finish()
        plan.write(self._parts, session, made, now=self._parts.now())
        case_id = made.settled[mention_id] or mention_id
        self._record_tagging(session, case_id, actor, action_id, tagging)
        return case_id

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
