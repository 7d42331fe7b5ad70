"""Corrections of several journals at once: retag, and "not about us" (specification 1.4, 1.8). Pure.

The drafts of one correction belong in one ``post``: all of them, or none.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

from bot.domain import Tag
from bot.ledger.accounts import POOL
from bot.ledger.journal import Draft
from bot.ledger.model import CostModel
from bot.ledger.postings import (
    BULK,
    FOLLOW_ON,
    FOLLOW_UP,
    Contact,
    bot_cost,
    bulk_work,
    cost,
    hold,
    measured_seconds,
    reversal,
    tag_journals,
    uncounted,
    void,
    work,
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in the books for a mention's tags and its case's work: not reversed, not resolved."""

    tags: tuple[Draft, ...]
    costs: tuple[Draft, ...] = ()
    hold: Draft | None = None


def standing(journals: Sequence[Draft], tag_keys: Collection[str], *, with_work: bool = True) -> Standing:
    """Return what still stands of a case's journals, of its tags only those with ``tag_keys``.

    ``with_work`` False leaves out costs and hold: the correction is about a mention that does not decide them.
    """
    reversed_ = {draft.reverses for draft in journals}
    resolved = {draft.resolves for draft in journals}
    live = [draft for draft in journals if draft.key not in reversed_]
    tags = tuple(draft for draft in live if draft.kind == "tag" and draft.key in tag_keys)
    if not with_work:
        return Standing(tags)
    costs = tuple(draft for draft in live if draft.kind == "cost")
    holds = (draft for draft in live if draft.status == "pending" and draft.key not in resolved)
    return Standing(tags, costs, next(holds, None))


def retagged(  # noqa: PLR0913  # the facts of one correction, all by name
    event_id: str,
    old: Standing,
    contact: Contact,
    *,
    tags: Sequence[Tag],
    on: date,
    model: CostModel,
    memo: str = "retag",
    actor_ref: str = "",
) -> list[Draft]:
    """Return the drafts that move what stands to ``contact``'s reason, quadrant and owners.

    ``tags`` are the mention's new ones, the primary one first. Measured seconds are kept, estimated ones estimated
    anew. Everything takes the day of what it corrects; only a hold is voided ``on`` the day of the correction.
    """
    drafts = _tags_reversed(event_id, old, memo=memo)
    drafts += [reversal(event_id, done, memo=memo, step=f"rev-cost{number}") for number, done in enumerate(old.costs)]
    drafts += _tagged_anew(event_id, old, contact, tags=tags, model=model)
    drafts += [_costed_anew(event_id, number, done, contact, model) for number, done in enumerate(old.costs)]
    if old.hold is not None:
        drafts.append(void(event_id, resolves=old.hold.key, on=on, memo=memo, group_ref=old.hold.group_ref))
        is_follow_on = old.hold.memo == FOLLOW_ON
        drafts.append(hold(event_id, contact, on=old.hold.effective, model=model, follow_on=is_follow_on))
    return [replace(draft, actor_ref=actor_ref) for draft in drafts if not draft.says_nothing]


def not_a_contact(
    event_id: str, old: Standing, *, on: date, memo: str = "not a contact", actor_ref: str = ""
) -> list[Draft]:
    """Return the drafts that take tags back and end the hold. Costs stay: the work was done."""
    drafts = []
    if old.hold is not None:
        drafts.append(void(event_id, resolves=old.hold.key, on=on, memo=memo, group_ref=old.hold.group_ref))
    drafts += _tags_reversed(event_id, old, memo=memo)
    return [replace(draft, actor_ref=actor_ref) for draft in drafts]


def merged(
    event_id: str, old: Standing, duplicate: Contact, survivor: Contact, *, on: date, model: CostModel
) -> list[Draft]:
    """Return the drafts that merge a duplicate case into another.

    Its tags stay, because the mentions happened. Work that was measured moves to ``survivor``; estimates of work
    that was done once anyway go.
    """
    drafts = []
    if old.hold is not None:
        drafts.append(void(event_id, resolves=old.hold.key, on=on, memo="merged", group_ref=old.hold.group_ref))
    uncount = uncounted(event_id, duplicate, on=on, model=model, into=survivor.case_id)
    counted = tuple(line.mirrored() for tag in old.tags for line in tag.lines if line.commodity == "CNT")
    # As it was counted, also where the configuration is another by now.
    drafts.append(replace(uncount, lines=counted or uncount.lines))
    drafts += [
        reversal(event_id, done, memo="merged", step=f"rev-cost{number}") for number, done in enumerate(old.costs)
    ]
    drafts += [
        _costed_anew(event_id, number, done, survivor, model)
        for number, done in enumerate(old.costs)
        if measured_seconds(done.lines)
    ]
    return drafts


def _tags_reversed(event_id: str, old: Standing, *, memo: str) -> list[Draft]:
    return [reversal(event_id, tag, memo=memo, step=f"rev-tag{number or ''}") for number, tag in enumerate(old.tags)]


def _tagged_anew(
    event_id: str, old: Standing, contact: Contact, *, tags: Sequence[Tag], model: CostModel
) -> list[Draft]:
    if not old.tags:
        return []
    first = old.tags[0]
    opens = any(line.commodity == "CNT" for tag in old.tags for line in tag.lines)
    drafts = []
    for number, tag in enumerate(tags):
        [draft] = tag_journals(
            event_id,
            contact,
            tag=tag,
            primary=number == 0,
            opens=opens and number == 0,
            on=first.effective,
            group_ref=first.group_ref,
            model=model,
        )
        drafts.append(draft if number == 0 else replace(draft, key=f"{event_id}:tag-{tag}"))
    return drafts


def _costed_anew(event_id: str, number: int, done: Draft, contact: Contact, model: CostModel) -> Draft:
    if not any(line.commodity == "SEC" for line in done.lines):
        new = bot_cost(event_id, contact, on=done.effective, model=model)
    else:
        expected = _expected(event_id, done, contact, model)
        seconds = measured_seconds(done.lines)
        new = cost(event_id, contact, on=done.effective, model=model, resolves=None, seconds=seconds, hold=expected)
        new = replace(new, memo=done.memo)
    return replace(new, key=f"{event_id}:cost{number}")


def _expected(event_id: str, done: Draft, contact: Contact, model: CostModel) -> Draft:
    """What work of that kind is estimated at: a case, one answered in bulk, one that came back, or a promise."""
    expected = hold(event_id, contact, on=done.effective, model=model, follow_on=done.memo == FOLLOW_ON)
    if done.memo == BULK:
        return replace(expected, lines=bulk_work(contact, model), memo=done.memo)
    if done.memo != FOLLOW_UP:
        return expected
    return replace(
        expected, lines=work(contact, model, contact.effort(model, model.promise_seconds), "E", POOL), memo=done.memo
    )
