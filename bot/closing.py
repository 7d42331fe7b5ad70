"""What closing a case does to the books: work that was done, work that nobody did, and tags that were never ours."""

from __future__ import annotations

from typing import Final

from sqlmodel import Session

from bot import booking, estimates, worktime
from bot.acting import EARMARK, Written
from bot.domain import Actor
from bot.ledger import corrections, postings, values
from bot.ledger.journal import Draft
from bot.ledger.promises import promise_cancelled
from bot.parts import Parts
from storage import casework, ledger, mentions, models, promises

_UNHELD: Final = {"hold_key": "", "hold_expires_at": None}


def worked(parts: Parts, session: Session, row: models.Case, actor: Actor, *, customer_kept: bool = False) -> Written:
    """Post the work on a case that is resolved: as measured where agents' steps tell, else as expected."""
    done = _cost(parts, session, row, actor)
    # A case that came back, and for which nothing more was expected, costs only what was measured.
    drafts = [done] if row.hold_key or postings.measured_seconds(done.lines) else []
    saved = parts.model.saved_customer_minor if customer_kept else 0
    if saved:
        event_id, on = f"case:{row.id}:v{row.version}", parts.book_date(parts.now())
        assumed = values.value(event_id, str(row.id), "buy_again", saved, on=on, currency=parts.model.currency)
        drafts.append(assumed)
        estimates.remember(session, [assumed])
    ledger.post(session, drafts, now=parts.now())
    return Written(_UNHELD, {"customer": "kept"} if customer_kept else {})


def answered_in_bulk(parts: Parts, session: Session, row: models.Case, *, by: str, note: str = "") -> Written:
    """Post the work on a case that was answered, or resolved with a note, together with others of its incident."""
    drafts = []
    if row.hold_key:
        event_id, on = f"case:{row.id}:v{row.version}", parts.book_date(parts.now())
        contact = booking.contact_of(parts, session, row)
        drafts.append(
            postings.bulk_cost(event_id, contact, on=on, model=parts.model, resolves=row.hold_key, actor_ref=by)
        )
    ledger.post(session, drafts, now=parts.now())
    told = {"incident": row.incident_id, "in_bulk": True, "by": by}
    return Written(_UNHELD, told, {"note": note} if note else {}, is_quiet=True)


def _cost(parts: Parts, session: Session, row: models.Case, actor: Actor) -> Draft:
    event_id, contact = f"case:{row.id}:v{row.version}", booking.contact_of(parts, session, row)
    on, model = parts.book_date(parts.now()), parts.model
    if actor.ref == EARMARK.ref:
        return postings.bot_cost(event_id, contact, on=on, model=model, resolves=row.hold_key or None)
    return postings.cost(
        event_id,
        contact,
        on=on,
        model=model,
        resolves=row.hold_key or None,
        seconds=worktime.measured(parts, session, row.id, actor),
        hold=ledger.draft_by_key(session, row.hold_key),
        actor_ref=actor.ref,
    )


def voided(parts: Parts, session: Session, row: models.Case) -> Written:
    """Let the work expected on a case go: nobody worked."""
    if row.hold_key:
        draft = postings.void(
            f"case:{row.id}:v{row.version}",
            resolves=row.hold_key,
            on=parts.book_date(parts.now()),
            memo="no action",
            group_ref=str(row.id),
        )
        ledger.post(session, [draft], now=parts.now())
    return Written({**_UNHELD, "owner": "", "owner_name": ""})


def dismissed(parts: Parts, session: Session, row: models.Case) -> Written:
    """Take the tags of a case back, and of those merged into it, with what was promised and assumed; work stays."""
    drafts = _untagged(parts, session, row.id, row.version)
    for merged_id in casework.merged_into(session, row.id):
        drafts += _untagged(parts, session, merged_id, row.version)
    ledger.post(session, drafts, now=parts.now())
    mentions.kill_tags(session, casework.mention_ids(session, row.id))
    return Written({**_UNHELD, "needs_review": False, "review": ""})


def _untagged(parts: Parts, session: Session, case_id: int, version: int) -> list[Draft]:
    journals = [journal.draft for journal in ledger.journals_of(session, case_id=str(case_id))]
    old = corrections.standing(journals, {draft.key for draft in journals if draft.kind == "tag"})
    event_id, on = f"case:{case_id}:v{version}", parts.book_date(parts.now())
    drafts = corrections.not_a_contact(event_id, old, on=on)
    # The count that merging took back comes with the tag that is now taken back whole.
    taken_back = {draft.reverses for draft in journals}
    merges = [draft for draft in journals if draft.kind == "merge" and draft.key not in taken_back]
    drafts += [postings.reversal(event_id, merge, memo="not a contact") for merge in merges]
    drafts += estimates.taken_back(session, case_id, journals, event_id=event_id, memo="not a contact")
    for promise in promises.owed(session, case_id):
        made = ledger.draft_by_key(session, promise.accrual_key)
        if made is not None:
            drafts.append(promise_cancelled(f"promise:{promise.id}", made, on=on))
        promises.cancel(session, promise, now=parts.now())
    return drafts
