"""A supervisor says where one case stands: its kind of contact, and whom it is charged to (specification 1.5).

It goes before every rule, also when the reason is corrected later, until it is taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from sqlmodel import Session

from bot import booking, cases, retag
from bot.acting import Acting, Written
from bot.cases import Change
from bot.domain import Actor, CaseFacts, Outcome, Quadrant, Tag
from bot.errors import CaseError, LedgerError
from bot.ledger import corrections
from bot.ledger.accounts import SERVICE, UNASSIGNED
from bot.ledger.journal import Draft
from bot.ledger.money import Shares, check_shares
from bot.ledger.postings import Contact
from bot.ledger.quadrants import ByHand, Cell
from storage import ledger, models, overrides

WHY_MAX: Final = 200
BY_HAND: Final = "by hand"
"""The memo of the journals."""
EXTERNAL: Final = "external"
"""Whom the weather is charged to: nobody."""

LIFTED: Final = "override_lifted"
_TOLD: Final = {overrides.OVERRIDDEN: "The case stands there now.", LIFTED: "The rules say again where it stands."}

Place = Callable[[Session, models.Case], ByHand | None]


class Overriding(Acting):
    """The desk's decisions about single cases."""

    def override(
        self,
        case_id: int,
        actor: Actor,
        *,
        action_id: str,
        why: str,
        quadrant: Quadrant | None = None,
        owners: Shares = (),
    ) -> Outcome:
        """Put a case where a supervisor says it belongs; what is left out stays as it is.

        ``owners`` are departments with basis points; ``why`` stands in the case's history.
        """
        self._refuse_unknown(owners)

        def place(session: Session, row: models.Case) -> ByHand:
            now = booking.contact_of(self._parts, session, row).cell
            if quadrant is None and now.quadrant_source == "tag":
                raise CaseError("This case has no reason yet, so say also which kind of contact it is.")
            return ByHand(quadrant or now.quadrant, owners or now.owners)

        return self._place(case_id, actor, action_id, why=why, kind=overrides.OVERRIDDEN, place=place)

    def lift_override(self, case_id: int, actor: Actor, *, action_id: str, why: str) -> Outcome:
        """Let the rules say again where a case stands."""

        def place(session: Session, row: models.Case) -> None:
            if booking.by_hand_of(session, row) is None:
                raise CaseError("Nobody has put this case anywhere by hand.")

        return self._place(case_id, actor, action_id, why=why, kind=LIFTED, place=place)

    def departments(self) -> list[str]:
        """Return whom a case can be charged to: the departments of the taxonomy, and who is never charged."""
        taxonomy = self._parts.model.taxonomy
        shares = [one.owners for one in taxonomy.reasons.values()] + [one.owners for one in taxonomy.overrides]
        return sorted({dept for owners in shares for dept, _ in owners} | {SERVICE, EXTERNAL, UNASSIGNED})

    def _place(self, case_id: int, actor: Actor, action_id: str, *, why: str, kind: str, place: Place) -> Outcome:
        words = " ".join(why.split())[:WHY_MAX]

        def rule(facts: CaseFacts) -> Change:
            if not words:
                raise CaseError("Say why, in a few words.")
            return cases.override(facts, actor, kind, _TOLD[kind])

        def effect(session: Session, row: models.Case, _change: Change) -> Written:
            by_hand = place(session, row)
            return self._placed(session, row, actor, by_hand, words)

        return self._act(case_id, actor, action_id, rule, effect)

    def _placed(self, session: Session, row: models.Case, actor: Actor, by_hand: ByHand | None, why: str) -> Written:
        about = booking.contact_of(self._parts, session, row, by_hand=by_hand)
        event_id = f"retag:{row.id}:by-hand-v{row.version}"
        drafts = self._moved(session, about, event_id)
        drafts += retag.accrued_anew(self._parts, session, about, event_id=event_id, memo=BY_HAND)
        ledger.post(session, [replace(draft, actor_ref=actor.ref) for draft in drafts], now=self._parts.now())
        hold = next((draft.key for draft in drafts if draft.kind == "cost_hold"), "")
        told = overrides.told(by_hand) if by_hand else {}
        return Written({**_columns(about.cell), "hold_key": hold}, told, {"why": why})

    def _moved(self, session: Session, about: Contact, event_id: str) -> list[Draft]:
        journals = [journal.draft for journal in ledger.journals_of(session, case_id=about.case_id)]
        mine = {draft.key for draft in journals if retag.is_tag_of(draft, int(about.case_id))}
        old = corrections.standing(journals, mine)
        return corrections.retagged(
            event_id,
            old,
            about,
            tags=_tags(old.tags),
            on=self._parts.book_date(self._parts.now()),
            model=self._parts.model,
            memo=BY_HAND,
        )

    def _refuse_unknown(self, owners: Shares) -> None:
        known = self.departments()
        wrong = next((dept for dept, _ in owners if dept not in known), None)
        if wrong is not None:
            raise CaseError(f"There is no department '{wrong}'; known: {', '.join(known)}.")
        if len({dept for dept, _ in owners}) != len(owners):
            raise CaseError("A department is named twice.")
        try:
            check_shares(owners or ((SERVICE, 10_000),))
        except LedgerError as error:
            raise CaseError(f"{str(error).partition(': ')[2].capitalize()}.") from error


def _tags(drafts: Sequence[Draft]) -> list[Tag]:
    """The tags that stand, that of the contact first."""
    first_last = sorted(drafts, key=lambda draft: all(line.commodity != "CNT" for line in draft.lines))
    return [Tag(str(draft.lines[0].tag)) for draft in first_last]


def _columns(cell: Cell) -> dict[str, str]:
    return {
        "department": cell.department,
        "quadrant": cell.quadrant.value,
        "quadrant_source": cell.quadrant_source,
    }
