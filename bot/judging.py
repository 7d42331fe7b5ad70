"""The tag audit: supervisors say of the night's sample what is right, and the books follow (specification 6).

What is judged is the tagger's own tagging, also where an agent has corrected it since: what agents notice and mend is
not what the tagger gets wrong, only the part of it that is easy to see.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import structlog
from sqlmodel import Session

from bot import booking, cases, closing, retag
from bot.acting import DONE_ALREADY, Rule, Written
from bot.cases import Change
from bot.correcting import Correcting
from bot.domain import Actor, CaseFacts, Judgement, Outcome, RepeatKind, Tag, Tagging
from bot.errors import CaseError
from bot.views import SampledTagging
from storage import audits, casework, models
from storage.audits import Verdict
from storage.db import transaction
from storage.mentions import mention_of
from storage.models_audit import AuditSample

_AUDITED: Final = "audited"
_NO_TAGS: Final = dict.fromkeys(Tag, 0.0)

log = structlog.get_logger(__name__)


class Judging(Correcting):
    """The desk's audit."""

    def judge(self, mention_id: int, actor: Actor, *, action_id: str, judged: Judgement | None = None) -> Outcome:
        """Store what a supervisor says a drawn mention is; without ``judged`` all that the tagger said is right.

        Of two who judge one together the first is heard. A correction goes into the books in the same transaction, as
        a retag does; where a case does not take one any more, such as a dismissed one, the message says so.
        """
        if not actor.is_supervisor:
            raise CaseError("Only a supervisor judges the audit's sample; ask one.")
        with transaction(self._parts.database) as session:
            sample = audits.row_for_update(session, mention_id)
            if sample is None:
                raise CaseError("This mention was not drawn for the audit.")
            if sample.judged_at is not None:
                return _judged_before(sample, action_id)
            message = self._judge(session, mention_id, actor, action_id, judged)
        return Outcome(mention_id, changed=True, message=message)

    def _judge(self, session: Session, mention_id: int, actor: Actor, action_id: str, judged: Judgement | None) -> str:
        item = audits.find(session, mention_id)
        if item is None:
            raise CaseError("The text is gone, so there is nothing left to judge.")
        found = replace(judged, tags=tuple(sorted(set(judged.tags)))) if judged else item.said
        tagging = self._tagging(found) if judged else None
        is_right = found.agrees_with(item.said)
        verdict = Verdict(found, is_right, self._quadrant(session, mention_id, found), actor.ref, actor.name, action_id)
        audits.judge(session, mention_id, verdict, now=self._parts.now())
        log.info("tag_judged", mention=mention_id, right=is_right)
        if is_right or tagging is None:
            return "Thank you: right."
        return f"Thank you. {self._follow(session, item, found, tagging, actor, action_id)}"

    def _tagging(self, judged: Judgement) -> Tagging:
        if judged.primary is None and not judged.tags:
            return Tagging(_NO_TAGS, (), None, 1.0, judged.reason, 1.0, "", "human")
        if judged.primary is None:
            raise CaseError("Say which of the tags is the main one.")
        return self._human(judged.tags, judged.primary, judged.reason)

    def _quadrant(self, session: Session, mention_id: int, judged: Judgement) -> str:
        """Where the contact belongs that a mention opened, by what is right; "" where it opened or is none."""
        found, row = casework.opening(session, mention_id), session.get(models.Case, mention_id)
        if found is None or row is None or judged.primary is None:
            return ""
        mention, author, segment = found
        about = booking.contact(
            self._parts,
            case_id=mention_id,
            mention=mention_of(mention, author),
            segment=segment,
            tag=judged.primary,
            reason=judged.reason,
            repeat=RepeatKind(row.repeat_kind),
            queue=row.queue,
        )
        return about.cell.quadrant.value

    def _follow(
        self,
        session: Session,
        item: SampledTagging,
        judged: Judgement,
        tagging: Tagging,
        actor: Actor,
        action_id: str,
    ) -> str:
        """Have the books say what is right; return in a sentence what became of it."""
        if judged.agrees_with(audits.booked(session, item.mention_id)):
            return "The books say so already."
        try:
            return self._correct(session, item.mention_id, tagging, actor, action_id)
        except CaseError as refusal:
            # Every rule is asked before the first row is written.
            return f"The books stay as they are: {refusal}"

    def _correct(self, session: Session, mention_id: int, tagging: Tagging, actor: Actor, action_id: str) -> str:
        case_id = audits.case_of(session, mention_id)
        if case_id is None:
            case_id = self._tag_mention(session, mention_id, actor, action_id, tagging)
            return f"It is in case {case_id} now."
        if case_id == mention_id:
            return self._correct_opening(session, case_id, tagging, actor, action_id)
        self._correct_joined(session, case_id, mention_id, tagging, actor, action_id)
        return f"Its tags in case {case_id} are corrected."

    def _correct_opening(self, session: Session, case_id: int, tagging: Tagging, actor: Actor, action_id: str) -> str:
        if tagging.primary is None:
            now = self._parts.now()
            self._act_within(
                session,
                case_id,
                actor,
                action_id,
                lambda facts: cases.dismiss(facts, actor, now=now),
                lambda _session, row, _change: closing.dismissed(self._parts, session, row),
            )
            return f"Case {case_id} is closed as not for us."
        self._act_within(
            session,
            case_id,
            actor,
            action_id,
            _audited(actor),
            lambda _session, row, _change: Written(retag.apply(self._parts, session, row, tagging, actor)),
        )
        return f"Case {case_id} is corrected."

    def _correct_joined(
        self, session: Session, case_id: int, mention_id: int, tagging: Tagging, actor: Actor, action_id: str
    ) -> None:
        if session.get(models.Case, mention_id) is not None:
            raise CaseError(f"its own case was merged into case {case_id}.")

        def effect(_session: Session, row: models.Case, _change: Change) -> Written:
            retag.apply_joined(self._parts, session, row, mention_id, tagging, actor)
            return Written(told={"mention": mention_id})

        self._act_within(session, case_id, actor, action_id, _audited(actor), effect)


def _audited(actor: Actor) -> Rule:
    """A retag that is no work on the case: nobody's measured time."""

    def rule(facts: CaseFacts) -> Change:
        return replace(cases.retag(facts, actor), kind=_AUDITED)

    return rule


def _judged_before(sample: AuditSample, action_id: str) -> Outcome:
    if sample.action_id == action_id:
        return Outcome(sample.mention_id, changed=False, message=DONE_ALREADY)
    raise CaseError(f"{sample.judged_by_name or 'Somebody'} has judged this already.")
