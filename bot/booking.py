"""From a mention and its tagging to what the ledger's rules take: a contact, and the journals of its tags."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

from sqlmodel import Session

from bot.domain import Mention, RepeatKind, Tag
from bot.errors import CaseError
from bot.ledger import postings
from bot.ledger.journal import Draft
from bot.ledger.postings import Contact
from bot.ledger.quadrants import MANUAL, ByHand, cell
from bot.parts import Parts, channel_kind
from storage import casework, models, overrides
from storage.mentions import mention_of


def contact(  # noqa: PLR0913  # the facts of one contact, all by name
    parts: Parts,
    *,
    case_id: int,
    mention: Mention,
    segment: str,
    tag: Tag,
    reason: str,
    repeat: RepeatKind,
    queue: str,
    incident_id: str | None = None,
    by_hand: ByHand | None = None,
) -> Contact:
    """Return what the ledger keeps of a case: no author, no text, no id of a platform."""
    found = cell(
        parts.model,
        tag=tag,
        reason=reason,
        text=mention.text,
        channel=mention.channel,
        segment=segment,
        repeat=repeat,
        on=parts.book_date(mention.posted_at),
        by_hand=by_hand,
    )
    return Contact(
        case_id=str(case_id),
        channel=mention.channel,
        channel_kind=channel_kind(mention),
        tag=tag,
        reason=reason,
        cell=found,
        segment=segment,
        incident_id=incident_id or "",
        queue=queue,
    )


def contact_of(
    parts: Parts, session: Session, row: models.Case, *, by_hand: ByHand | Literal["as it is"] | None = "as it is"
) -> Contact:
    """Return what the ledger keeps of a stored case, as it is tagged now; ``by_hand`` puts it where it is not yet.

    Raises:
        CaseError: it has no mention.
    """
    found = casework.opening(session, row.id)
    if found is None:
        raise CaseError(f"Case {row.id} has no mention.")
    mention, author, segment = found
    return contact(
        parts,
        case_id=row.id,
        mention=mention_of(mention, author),
        segment=segment,
        tag=Tag(row.tag),
        reason=row.reason,
        repeat=RepeatKind(row.repeat_kind),
        queue=row.queue,
        incident_id=row.incident_id,
        by_hand=by_hand_of(session, row) if by_hand == "as it is" else by_hand,
    )


def by_hand_of(session: Session, row: models.Case) -> ByHand | None:
    """Return where a supervisor has put a case; None where nobody has, or it was taken back."""
    return overrides.newest(session, [row.id]).get(row.id) if row.quadrant_source == MANUAL else None


def tag_drafts(  # noqa: PLR0913  # the facts of one tagging, all by name
    parts: Parts, mention_id: int, about: Contact, *, tags: Sequence[Tag], opens: bool, on: date, n: int = 1
) -> list[Draft]:
    """Return a journal for each tag of a mention's ``n``-th tagging.

    With ``opens`` that of the primary tag counts the contact too.
    """
    return [
        draft
        for tag in sorted(tags, key=lambda tag: (tag != about.tag, tag))
        for draft in postings.tag_journals(
            f"tag:{mention_id}:{tag}:v{n}",
            about,
            tag=tag,
            primary=tag == about.tag,
            opens=opens and tag == about.tag,
            on=on,
            group_ref=about.case_id,
            model=parts.model,
        )
    ]
