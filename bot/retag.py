"""A person corrects the tags and reason of a case: a new tagging, a reversal in the ledger, perhaps another queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import Session

from bot import booking, cases, estimates, router
from bot.cases import CUSTOMER_AT_RISK
from bot.clock import due_at
from bot.domain import Actor, Customer, Mention, RepeatKind, Tag, Tagging
from bot.errors import CaseError
from bot.ledger import corrections
from bot.ledger.journal import Draft
from bot.ledger.postings import Contact, reversal
from bot.ledger.promises import promise_made
from bot.parts import Parts
from storage import casework, ledger, mentions, models, promises
from storage.mentions import TaggingRow, mention_of


def apply(parts: Parts, session: Session, row: models.Case, tagging: Tagging, actor: Actor) -> Mapping[str, Any]:
    """Write the correction; return the columns of the case that follow from it.

    It corrects the mention that opened the case, whose tags and reason the case has; mentions that joined keep theirs.
    """
    found = casework.opening(session, row.id)
    if found is None or tagging.primary is None:
        raise CaseError(f"Case {row.id} has no mention to correct.")
    stored, author, segment = found
    mention = mention_of(stored, author)
    repeat, repeat_of = _follows(parts, session, row, tagging.reason)
    rerouted = _rerouted(parts, session, row, mention, tagging, Customer(segment))
    about = booking.contact(
        parts,
        case_id=row.id,
        mention=mention,
        segment=segment,
        tag=tagging.primary,
        reason=tagging.reason,
        repeat=repeat,
        queue=str(rerouted.get("queue", row.queue)),
        incident_id=_left(row, tagging.reason).get("incident_id", row.incident_id),
        by_hand=booking.by_hand_of(session, row),
    )
    version = _store(parts, session, row.id, row.channel, tagging, actor)
    hold_key = _book(parts, session, about, mention, tagging, event_id=f"retag:{row.id}:v{version}")
    return {
        "tag": about.tag.value,
        "reason": about.reason,
        "department": about.cell.department,
        "quadrant": about.cell.quadrant.value,
        "quadrant_source": about.cell.quadrant_source,
        "repeat_kind": repeat.value,
        "repeat_of": repeat_of,
        "confidence": tagging.confidence,
        "needs_review": False,
        "review": "",
        "hold_key": hold_key,
        **_left(row, about.reason),
        **rerouted,
    }


def apply_joined(
    parts: Parts, session: Session, row: models.Case, mention_id: int, tagging: Tagging, actor: Actor
) -> None:
    """Write the correction of a mention that joined a case: its own tags and their journals.

    What the case is about and the work on it stay as the mention that opened it says.
    """
    found = casework.opening(session, mention_id)
    if found is None:
        raise CaseError(f"There is no mention {mention_id}.")
    stored, author, segment = found
    mention = mention_of(stored, author)
    version = _store(parts, session, mention_id, mention.channel, tagging, actor)
    journals = [
        journal.draft
        for case_id in (row.id, *casework.merged_into(session, row.id))
        for journal in ledger.journals_of(session, case_id=str(case_id))
    ]
    mine = {draft.key for draft in journals if is_tag_of(draft, mention_id)}
    old = corrections.standing(journals, mine, with_work=False)
    event_id, on = f"retag:{mention_id}:v{version}", parts.book_date(parts.now())
    drafts = corrections.not_a_contact(event_id, old, on=on, memo="retag")
    if tagging.primary is not None:
        about = booking.contact(
            parts,
            case_id=int(old.tags[0].group_ref) if old.tags else row.id,
            mention=mention,
            segment=segment,
            tag=tagging.primary,
            reason=tagging.reason,
            repeat=RepeatKind(row.repeat_kind),
            queue=row.queue,
        )
        on = old.tags[0].effective if old.tags else parts.book_date(mention.posted_at)
        drafts += booking.tag_drafts(parts, mention_id, about, tags=tagging.tags, opens=False, on=on, n=version)
    ledger.post(session, drafts, now=parts.now())


def _follows(parts: Parts, session: Session, row: models.Case, reason: str) -> tuple[RepeatKind, int | None]:
    """How the case follows earlier ones: only those of its reason, so another reason may make or end a repeat."""
    if reason == row.reason:
        return RepeatKind(row.repeat_kind), row.repeat_of
    window = parts.settings.ledger.repeat.window(reason)
    earlier = casework.before(session, row, closed_since=row.opened_at - window)
    return cases.repeat(reason, earlier, now=row.opened_at, window=window)


def _left(row: models.Case, reason: str) -> Mapping[str, Any]:
    """A waiting case with another cause leaves its incident, unless a supervisor had put it there."""
    stays = reason == row.reason or row.incident_by_hand or row.closed_at is not None
    return {} if stays or row.incident_id is None else {"incident_id": None}


def _store(parts: Parts, session: Session, mention_id: int, channel: str, tagging: Tagging, actor: Actor) -> int:
    """Store the new tagging in place of the old one; return which of the mention's taggings it is."""
    before = casework.newest_tagging(session, mention_id)
    version = before.n + 1 if before else 1
    mentions.kill_tags(session, [mention_id])
    told = TaggingRow(mention_id, version, tagging, source="human", actor=actor.ref, channel=channel)
    mentions.store_taggings(session, [told], now=parts.now())
    return version


def _book(parts: Parts, session: Session, about: Contact, mention: Mention, tagging: Tagging, *, event_id: str) -> str:
    """Reverse what stands in the ledger and post it anew; return the key of the open hold, "" without one."""
    journals = [journal.draft for journal in ledger.journals_of(session, case_id=about.case_id)]
    old = corrections.standing(journals, {draft.key for draft in journals if is_tag_of(draft, int(about.case_id))})
    drafts = corrections.retagged(
        event_id, old, about, tags=_primary_first(tagging), on=parts.book_date(parts.now()), model=parts.model
    )
    drafts += _valued(parts, session, about, mention, journals, event_id=event_id)
    drafts += accrued_anew(parts, session, about, event_id=event_id)
    ledger.post(session, drafts, now=parts.now())
    estimates.remember(session, drafts)
    return next((draft.key for draft in drafts if draft.kind == "cost_hold"), "")


def _valued(
    parts: Parts, session: Session, about: Contact, mention: Mention, journals: Sequence[Draft], *, event_id: str
) -> list[Draft]:
    """Return what the correction makes of assumed value: only praise spreads the word, and only who leaves is kept."""
    case_id = int(about.case_id)
    wrong = [] if about.tag is Tag.PRAISE else ["spread_word"]
    wrong += [] if about.reason in CUSTOMER_AT_RISK else ["buy_again"]
    drafts = estimates.taken_back(session, case_id, journals, event_id=event_id, memo="retag", behaviours=wrong)
    if estimates.has(session, case_id, "spread_word"):
        return drafts
    return drafts + estimates.of_praise(parts, event_id, about, mention)


def accrued_anew(parts: Parts, session: Session, about: Contact, *, event_id: str, memo: str = "retag") -> list[Draft]:
    """Return what moves the promises that are still owed to the owners whom the correction found."""
    drafts = []
    for promise in promises.owed(session, int(about.case_id)):
        made = ledger.draft_by_key(session, promise.accrual_key)
        if made is not None:
            anew = promise_made(f"{event_id}:{promise.id}", about, on=made.effective, model=parts.model)
            drafts += [reversal(event_id, made, memo=memo, step=f"rev-promise{promise.id}"), anew]
            promises.accrue(session, promise, key=anew.key)
    return drafts


def is_tag_of(draft: Draft, mention_id: int) -> bool:
    """True for a journal that counts a tag of that mention, as it was tagged or corrected."""
    return draft.kind == "tag" and draft.key.startswith((f"tag:{mention_id}:", f"retag:{mention_id}:"))


def _primary_first(tagging: Tagging) -> list[Tag]:
    return sorted(tagging.tags, key=lambda tag: (tag != tagging.primary, tag))


def _rerouted(
    parts: Parts, session: Session, row: models.Case, mention: Mention, tagging: Tagging, customer: Customer
) -> Mapping[str, Any]:
    """The columns that say where a case is worked and how urgently; none for a closed one, which stays as it is."""
    route = router.decide(mention, tagging, customer, parts.settings.routes)
    queue = parts.settings.queue(route.queue)
    if queue is None or row.closed_at is not None:
        return {}
    waits_since = casework.came_back_at(session, row.id) or row.opened_at
    minutes = queue.sla_minutes.of(tagging.primary or Tag(row.tag))
    routed = {
        "queue": route.queue,
        "priority": route.priority.value,
        "rule": route.rule,
        "why": route.why,
        "due_at": due_at(waits_since, minutes, queue, parts.settings.earmark.timezone),
    }
    if route.queue == row.queue:
        return routed
    # Who claimed it sits in the other team; the new one takes it from its own queue.
    unclaimed = {"state": "open", "owner": "", "owner_name": ""}
    return {**routed, **unclaimed, "hold_expires_at": parts.hold_expires_at(parts.now())}
