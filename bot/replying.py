"""Answers to customers: one text of a supervisor for all waiting cases of an incident, sent one by one.

Who presses stores the answers and is done; this step sends them, in the process that has the connectors. Nobody is
answered twice: a case has at most one answer under way, that it is being sent is committed before the platform is
asked, and what was not confirmed is left for a person to look at. One that fails delays itself, and its channel only
where the platform asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlmodel import Session

from bot import cases, closing, dispatch
from bot.acting import EARMARK, Written
from bot.cases import LIVE, Change
from bot.domain import Actor, CaseFacts, CaseState, Mention, Outcome, Sent
from bot.errors import CaseError, ConnectorError, UnconfirmedError
from bot.gathering import Gathering
from bot.parts import Parts
from storage import casework, incidents, models, replies
from storage.casework import CaseChange
from storage.db import transaction
from storage.models_incidents import Incident, Reply

TEXT_MAX: Final = 2_000
"""More than any platform takes; each refuses by itself what is too long for it."""
REPLIES_A_TURN: Final = 30
RETRIES_MAX: Final = 8
_UNANSWERED_WAIT: Final = timedelta(minutes=1)
_WAIT_MAX_S: Final = 3600.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Press:
    """Somebody's wish that cases of an incident are answered. ``text`` is public, or else a note."""

    incident_id: str
    text: str
    actor: Actor
    action_id: str
    is_public: bool

    def row(self, case: models.Case, now: datetime) -> dict[str, object]:
        """What is stored for one of the cases."""
        about = {"case_id": case.id, "incident_id": self.incident_id, "channel": case.channel}
        who = {"actor": self.actor.ref, "actor_name": self.actor.name, "action_id": self.action_id}
        return {**about, **who, "text": self.text, "is_public": self.is_public, "created_at": now}


class Replying(Gathering):
    """The desk's answers to incidents."""

    def answer_incident(self, incident_id: str, actor: Actor, text: str, *, action_id: str) -> str:
        """Send ``text`` to every case of an incident that waits and that nobody has claimed; return a sentence.

        They are resolved as they are answered. The text stays with the incident, for those who write later.
        """
        return self._in_bulk(incident_id, actor, _clean(text, "answer"), action_id, is_public=True)

    def resolve_incident(self, incident_id: str, actor: Actor, note: str, *, action_id: str) -> str:
        """Resolve those cases with a note that no customer sees, such as where the platform takes no answer."""
        return self._in_bulk(incident_id, actor, _clean(note, "note"), action_id, is_public=False)

    def answer_as_incident(self, case_id: int, actor: Actor, *, action_id: str) -> Outcome:
        """Send one case the answer that a supervisor wrote for its incident; whoever may resolve it may do that."""

        def rule(facts: CaseFacts) -> Change:
            return cases.answer(facts, actor)

        def effect(session: Session, row: models.Case, _change: Change) -> Written:
            incident = incidents.of_id(session, row.incident_id) if row.incident_id else None
            if incident is None or not incident.answer:
                raise CaseError("No answer is ready for this case; a supervisor writes it for the whole incident.")
            press = _Press(incident.id, incident.answer, actor, action_id, is_public=True)
            if not replies.enqueue(session, [press.row(row, self._parts.now())]):
                raise CaseError("An answer to this case is on its way, or may have arrived; look at the post first.")
            self._parts.submit(session, "reply", row.channel)
            return Written(told={"incident": incident.id}, is_quiet=True)

        return self._act(case_id, actor, action_id, rule, effect)

    def _in_bulk(self, incident_id: str, actor: Actor, text: str, action_id: str, *, is_public: bool) -> str:
        def deed(session: Session, incident: Incident) -> tuple[str, dict[str, object]]:
            left = incidents.tally(session, incident.id).claimed
            # A note may also end a case whose answer was not confirmed: somebody has looked.
            but = replies.MAY_BE_THERE if is_public else replies.ON_ITS_WAY
            rows = replies.unanswered(session, incident.id, but=but)
            if not rows:
                raise CaseError("No case of this incident waits that nobody has claimed or answered.")
            kept = {"answer": text} if is_public else {}
            incidents.change(session, incident.id, version=incident.version + 1, **kept)
            press, now = _Press(incident.id, text, actor, action_id, is_public), self._parts.now()
            queued = replies.enqueue(session, [press.row(row, now) for row in rows])
            for channel in sorted({row.channel for row in rows}):
                self._parts.submit(session, "reply", channel)
            return _queued(len(queued), left, is_public=is_public), {"cases": len(queued)}

        kind = "answered" if is_public else "resolved"
        return self._on_incident(incident_id, actor, action_id, kind, deed)

    def resolve_answered(self, session: Session, reply: Reply, actor: Actor) -> None:
        """Resolve the case of an answer that was sent; one that somebody closed meanwhile stays as it is."""
        row = casework.row_for_update(session, reply.case_id)
        if row is None or CaseState(row.state) not in LIVE:
            return

        def rule(facts: CaseFacts) -> Change:
            return cases.resolve(facts, actor, now=self._parts.now())

        def effect(session: Session, row: models.Case, _change: Change) -> Written:
            note = "" if reply.is_public else reply.text
            return closing.answered_in_bulk(self._parts, session, row, by=reply.actor, note=note)

        self._act_within(session, reply.case_id, actor, f"reply:{reply.id}", rule, effect)


def _clean(text: str, what: str) -> str:
    clean = text.strip()
    if not clean:
        raise CaseError(f"The {what} is empty; write what to say.")
    if len(clean) > TEXT_MAX:
        raise CaseError(f"The {what} has {len(clean)} characters; at most {TEXT_MAX} are taken.")
    return clean


def _queued(number: int, left: int, *, is_public: bool) -> str:
    what = "The answer goes to" if is_public else "The note resolves"
    claimed = f" {left} that somebody has claimed {'is' if left == 1 else 'are'} left to them." if left else ""
    return f"{what} {number} case{'' if number == 1 else 's'}.{claimed}"


# -- the step ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Taken:
    """An answer that is about to be sent. ``mention`` is the post that it answers; None where it is only a note."""

    reply: Reply
    mention: Mention | None


def send(parts: Parts, channel: str) -> datetime | None:
    """Send what waits for one channel, a turn's worth; return when to be called again, None when nothing waits."""
    _give_up_lost(parts, channel)
    for _ in range(REPLIES_A_TURN):
        with transaction(parts.database) as session:
            reply = replies.head(session, channel, now=parts.now())
            if reply is None:
                return replies.next_at(session, channel)
            taken = _take(parts, session, reply)
        if taken is not None:
            _send(parts, taken)
    return parts.now()


def _give_up_lost(parts: Parts, channel: str) -> None:
    with transaction(parts.database) as session:
        for reply in replies.lost(session, channel, now=parts.now()):
            _doubt(parts, session, reply, "Earmark stopped while it sent this answer, which may be there")


def _take(parts: Parts, session: Session, reply: Reply) -> _Taken | None:
    """Commit that an answer is being sent; None when the case needs it no more, or another process has it."""
    row = casework.row_for_update(session, reply.case_id)
    reason = _needless(row, reply)
    mention = casework.answerable(session, reply.case_id) if reply.is_public else None
    if not reason and reply.is_public and mention is None:
        reason = "the post is not there any more"
    if reason:
        replies.settle(session, reply.id, was="waiting", state="dropped", error=reason)
        return None
    return _Taken(reply, mention) if replies.take(session, reply, now=parts.now()) else None


def _needless(row: models.Case | None, reply: Reply) -> str:
    """Why a case is not answered any more; "" when it is."""
    if row is None or CaseState(row.state) not in LIVE:
        return "the case was closed meanwhile"
    if row.incident_id != reply.incident_id:
        return "the case was taken out of the incident meanwhile"
    if row.owner and row.owner != reply.actor:
        return "somebody claimed the case meanwhile"
    return ""


def _send(parts: Parts, taken: _Taken) -> None:
    reply = taken.reply
    try:
        sent = _published(parts, taken)
    except UnconfirmedError as error:
        _unanswered(parts, reply, str(error))
    except ConnectorError as error:
        if error.permanent:
            _refused(parts, reply, str(error))
        elif error.retry_after_s is not None:
            _later(parts, reply, error.retry_after_s, str(error))
        else:
            _unanswered(parts, reply, str(error))
    except Exception as error:  # a connector's bug must not answer anybody twice
        log.exception("reply_failed", reply=reply.id)
        _unanswered(parts, reply, f"an error nobody foresaw ({type(error).__name__})")
    else:
        _answered(parts, reply, sent)


def _published(parts: Parts, taken: _Taken) -> Sent:
    if taken.mention is None:
        return Sent("")
    return parts.connectors[taken.reply.channel].reply(taken.mention, taken.reply.text)


def _answered(parts: Parts, reply: Reply, sent: Sent) -> None:
    """The customer has the answer: the case is resolved in the transaction that notes it."""
    # Earmark's own step: what it does for somebody is no work of theirs that could be measured.
    desk, actor = Replying(parts), Actor(EARMARK.ref, f"{reply.actor_name} (in bulk)", is_supervisor=True)
    with transaction(parts.database) as session:
        where = {"external_id": sent.external_id, "url": sent.url}
        if replies.settle(session, reply.id, state="sent", sent_at=parts.now(), error="", **where):
            desk.resolve_answered(session, reply, actor)
    log.info("replied", case=reply.case_id, incident=reply.incident_id, is_public=reply.is_public)


def _refused(parts: Parts, reply: Reply, why: str) -> None:
    """The platform did not take it and never will: the case waits for somebody, and says why."""
    with transaction(parts.database) as session:
        if replies.settle(session, reply.id, state="refused", error=why):
            _tell_case(parts, session, reply, "answer_refused", why)
    log.warning("reply_refused", case=reply.case_id, error=why)


def _later(parts: Parts, reply: Reply, wait_s: float, why: str) -> None:
    """The platform wants us to wait, so nothing was published: the whole channel waits."""
    if reply.attempts + 1 >= RETRIES_MAX:
        _refused(parts, reply, why)
        return
    until = parts.now() + timedelta(seconds=min(max(wait_s, 1.0), _WAIT_MAX_S))
    with transaction(parts.database) as session:
        replies.settle(session, reply.id, state="waiting", error=why)
        replies.hold(session, reply.channel, until=until)
    log.warning("reply_waits", case=reply.case_id, error=why, until=until.isoformat())


def _unanswered(parts: Parts, reply: Reply, why: str) -> None:
    """Nobody knows whether it is public: it is never sent again. An outage must not make that of all of them."""
    with transaction(parts.database) as session:
        _doubt(parts, session, reply, why)
        replies.hold(session, reply.channel, until=parts.now() + _UNANSWERED_WAIT)
    log.warning("reply_unconfirmed", case=reply.case_id, error=why)


def _doubt(parts: Parts, session: Session, reply: Reply, why: str) -> None:
    if replies.settle(session, reply.id, state="unknown", error=why):
        _tell_case(parts, session, reply, "answer_unconfirmed", why, review=f"{why}; look at the post before answering")


def _tell_case(  # what a person has to know of it
    parts: Parts, session: Session, reply: Reply, kind: str, why: str, *, review: str = ""
) -> None:
    row = casework.row_for_update(session, reply.case_id)
    if row is None:
        return
    event = casework.event_row(
        row.id,
        kind,
        action_id=f"reply:{reply.id}:{kind}",
        now=parts.now(),
        from_version=row.version,
        detail={"incident": reply.incident_id, "error": why},
    )
    casework.record_events(session, [event])
    if review:
        values = {"needs_review": True, "review": review}
        casework.change(session, [CaseChange(row.id, row.version, values)])
        dispatch.show(parts, session, row, values, None)
