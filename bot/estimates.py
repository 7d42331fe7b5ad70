"""Value that the ledger assumes, from its first day to its end: proven, taken back, or let go (specification 1.7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import Session

from bot.domain import Mention, Tag
from bot.ledger import postings, values
from bot.ledger.journal import Draft
from bot.ledger.postings import Contact
from bot.parts import Parts
from storage import estimates, ledger
from storage.db import transaction
from storage.estimates import Estimate

ESTIMATES_A_TURN = 500


def remember(session: Session, drafts: Sequence[Draft]) -> None:
    """Keep that the value journals among ``drafts`` are live estimates, in the transaction that posts them."""
    estimates.store(session, [_estimate(draft) for draft in drafts if draft.kind == "value"])


def _estimate(draft: Draft) -> Estimate:
    held, earned = draft.lines
    [behaviour] = (name for name, account in values.OF_BEHAVIOUR.items() if account == earned.account)
    return Estimate(draft.key, int(draft.group_ref), behaviour, held.amount, draft.effective)


def of_praise(parts: Parts, event_id: str, about: Contact, mention: Mention) -> list[Draft]:
    """Return the journal of the value of public praise; none of private praise, or where no value is set."""
    amount = parts.model.praise_public_minor
    if about.tag is not Tag.PRAISE or mention.is_private or not amount:
        return []
    on, currency = parts.book_date(mention.posted_at), parts.model.currency
    return [values.value(event_id, about.case_id, "spread_word", amount, on=on, currency=currency)]


def has(session: Session, case_id: int, behaviour: str) -> bool:
    """True when value of that behaviour was ever assumed for the case, whatever became of it, but taken back."""
    return any(one.behaviour == behaviour for one in estimates.standing(session, case_id))


def taken_back(
    session: Session,
    case_id: int,
    journals: Sequence[Draft],
    *,
    event_id: str,
    memo: str,
    behaviours: Sequence[str] = tuple(values.OF_BEHAVIOUR),
) -> list[Draft]:
    """Return the reversals of a case's live estimates of some behaviours: they should never have been assumed."""
    by_key = {draft.key: draft for draft in journals}
    live = [estimate for estimate in estimates.live(session, case_id) if estimate.behaviour in behaviours]
    drafts = []
    for number, estimate in enumerate(live):
        step = f"rev-value{number or ''}"
        drafts.append(postings.reversal(event_id, by_key[estimate.journal_key], memo=memo, step=step))
        estimates.end(session, estimate.journal_key, how="reversed", ended_key=drafts[-1].key)
    return drafts


def expire(parts: Parts) -> int:
    """Let estimates go that nobody proved in time, in sight of everybody; return how many."""
    now = parts.now()
    today = parts.book_date(now)
    oldest = today - timedelta(days=parts.model.estimate_expiry_days)
    with transaction(parts.database) as session:
        old = estimates.assumed_before(session, oldest, limit=ESTIMATES_A_TURN)
        drafts = []
        for estimate in old:
            assumed = ledger.draft_by_key(session, estimate.journal_key)
            if assumed is not None:
                drafts.append(values.value_expired(estimate.journal_key, assumed, on=today))
                estimates.end(session, estimate.journal_key, how="expired", ended_key=drafts[-1].key)
        ledger.post(session, drafts, now=now)
    return len(old)
