"""The desk: what people do to cases, from Slack or the board alike. Rules are in :mod:`bot.cases`, rows in storage.

Every action is one transaction, carries an id from where it was pressed, and is done once however often it arrives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from bot import booking, cases, dispatch, plan, retag
from bot.cases import Change
from bot.domain import UNCLASSIFIED, Actor, CaseFacts, CaseState, Outcome, RepeatKind, Tag, Tagging
from bot.errors import CaseError
from bot.ledger import corrections, postings
from bot.ledger.postings import Contact
from bot.plan import Planner
from bot.readings import Readings
from storage import casework, ledger, mentions, models
from storage.casework import CaseChange
from storage.db import transaction
from storage.mentions import TaggingRow, Waiting, mention_of

EARMARK = Actor("earmark", "Earmark", is_supervisor=True)
"""Who closes a case that nobody took."""

_TOLD = ("tag", "reason", "department", "queue")
"""What the history tells of an action beside its kind."""

_DONE_ALREADY = "That was done already."

_Rule = Callable[[CaseFacts], Change]
_Effect = Callable[[Session, models.Case, Change], Mapping[str, Any]]
"""What an action does beside moving the case: writes, and returns further columns of the case."""


class Desk(Readings):
    """The actions on cases, beside what is read. Each raises CaseError with a sentence for the one who pressed."""

    def claim(self, case_id: int, actor: Actor, *, action_id: str) -> Outcome:
        """Make ``actor`` the owner of an open case; of two who press together exactly one succeeds."""
        return self._act(case_id, actor, action_id, lambda facts: cases.claim(facts, actor), self._claimed)

    def release(self, case_id: int, actor: Actor, *, action_id: str) -> Outcome:
        """Give a claimed case back to its queue."""
        return self._act(case_id, actor, action_id, lambda facts: cases.release(facts, actor), self._released)

    def resolve(self, case_id: int, actor: Actor, *, action_id: str) -> Outcome:
        """Close a case as done; the work expected becomes work done in the ledger."""
        now = self._parts.now()
        return self._act(case_id, actor, action_id, lambda facts: cases.resolve(facts, actor, now=now), self._worked)

    def not_for_us(self, case_id: int, actor: Actor, *, action_id: str) -> Outcome:
        """Close a case that is spam or not about us; its tags leave the ledger, work done stays."""
        now = self._parts.now()
        return self._act(case_id, actor, action_id, lambda facts: cases.dismiss(facts, actor, now=now), self._dismissed)

    def expire(self, case_id: int) -> Outcome:
        """Close a case that nobody took in time: nothing was spent."""
        now = self._parts.now()

        def rule(facts: CaseFacts) -> Change:
            if facts.state is not CaseState.OPEN:
                raise CaseError("Somebody took this case meanwhile.")
            return cases.resolve(facts, EARMARK, now=now, how=cases.NO_ACTION)

        return self._act(case_id, EARMARK, f"expired:{case_id}:{now.isoformat()}", rule, self._voided)

    def retag(
        self, case_id: int, actor: Actor, *, action_id: str, tags: Sequence[Tag], primary: Tag, reason: str
    ) -> Outcome:
        """Correct the tags and reason of the mention that opened a case; ledger and queue follow.

        The correction is a new tagging by a person: training data, and a reversal in the ledger, never an edit.
        """
        tagging = self._human(tags, primary, reason)

        def effect(session: Session, row: models.Case, _change: Change) -> Mapping[str, Any]:
            return retag.apply(self._parts, session, row, tagging, actor)

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

    def _act(self, case_id: int, actor: Actor, action_id: str, rule: _Rule, effect: _Effect = lambda *_: {}) -> Outcome:
        with transaction(self._parts.database) as session:
            row = casework.row_for_update(session, case_id)
            if row is None:
                raise CaseError(f"There is no case {case_id}.")
            if casework.action_is_done(session, action_id):
                return Outcome(case_id, changed=False, message=_DONE_ALREADY)
            change = rule(casework.facts_of(row))
            if not change.changed:
                return Outcome(case_id, changed=False, message=change.message)
            values = {**_columns(change), **effect(session, row, change)}
            self._record(session, row, actor, action_id, change, values)
            casework.change(session, [CaseChange(case_id, row.version, values)])
            dispatch.show(self._parts, session, row, values, {"event": change.kind, "actor": actor.name})
        return Outcome(case_id, changed=True, message=change.message)

    def _record(
        self,
        session: Session,
        row: models.Case,
        actor: Actor,
        action_id: str,
        change: Change,
        values: Mapping[str, Any],
    ) -> None:
        told = {name: values[name] for name in _TOLD if name in values and values[name] != getattr(row, name)}
        event = casework.event_row(
            row.id, change.kind, action_id=action_id, now=self._parts.now(), from_version=row.version, detail=told
        )
        casework.record_events(session, [event | {"actor": actor.ref, "actor_name": actor.name}])

    def _claimed(self, _session: Session, row: models.Case, _change: Change) -> Mapping[str, Any]:
        return {"claimed_at": row.claimed_at or self._parts.now(), "hold_expires_at": None}

    def _released(self, _session: Session, _row: models.Case, _change: Change) -> Mapping[str, Any]:
        return {"hold_expires_at": self._parts.hold_expires_at(self._parts.now())}

    def _worked(self, session: Session, row: models.Case, _change: Change) -> Mapping[str, Any]:
        if row.hold_key:
            hold = ledger.draft_by_key(session, row.hold_key)
            draft = postings.cost(
                f"case:{row.id}:v{row.version}",
                self._contact(session, row),
                on=self._parts.book_date(self._parts.now()),
                model=self._parts.model,
                resolves=row.hold_key,
                hold=hold,
            )
            ledger.post(session, [draft], now=self._parts.now())
        return {"hold_key": "", "hold_expires_at": None}

    def _voided(self, session: Session, row: models.Case, _change: Change) -> Mapping[str, Any]:
        if row.hold_key:
            draft = postings.void(
                f"case:{row.id}:v{row.version}",
                resolves=row.hold_key,
                on=self._parts.book_date(self._parts.now()),
                memo="no action",
                group_ref=str(row.id),
            )
            ledger.post(session, [draft], now=self._parts.now())
        return {"hold_key": "", "hold_expires_at": None, "owner": "", "owner_name": ""}

    def _dismissed(self, session: Session, row: models.Case, _change: Change) -> Mapping[str, Any]:
        journals = [journal.draft for journal in ledger.journals_of(session, case_id=str(row.id))]
        old = corrections.standing(journals, {draft.key for draft in journals if draft.kind == "tag"})
        on = self._parts.book_date(self._parts.now())
        drafts = corrections.not_a_contact(f"case:{row.id}:v{row.version}", old, on=on)
        ledger.post(session, drafts, now=self._parts.now())
        mentions.kill_tags(session, casework.mention_ids(session, row.id))
        return {"hold_key": "", "hold_expires_at": None, "needs_review": False, "review": ""}

    def _contact(self, session: Session, row: models.Case) -> Contact:
        found = casework.opening(session, row.id)
        if found is None:
            raise CaseError(f"Case {row.id} has no mention.")
        mention, author, segment = found
        return booking.contact(
            self._parts,
            case_id=row.id,
            mention=mention_of(mention, author),
            segment=segment,
            tag=Tag(row.tag),
            reason=row.reason,
            repeat=RepeatKind(row.repeat_kind),
        )


def _columns(change: Change) -> dict[str, Any]:
    return {
        "state": change.state.value,
        "owner": change.owner,
        "owner_name": change.owner_name,
        "closed_at": change.closed_at,
        "closed_how": change.closed_how,
    }
