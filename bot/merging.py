"""Two cases that are one: a supervisor merges the duplicate into the other (specification 1.4, "merge")."""

from __future__ import annotations

from sqlmodel import Session

from bot import booking, cases, dispatch, plan
from bot.acting import Acting, Written
from bot.cases import Change
from bot.domain import Actor, CaseFacts, Outcome, Priority
from bot.errors import CaseError
from bot.ledger import corrections
from storage import casework, ledger, merges, models, promises, requests


class Merging(Acting):
    """The desk's way to make one case of two."""

    def merge(self, case_id: int, actor: Actor, into: int, *, action_id: str) -> Outcome:
        """End a duplicate: its mentions and promises go to the case ``into``, as does work that was measured.

        The tags stay in the books, because the mentions happened; the contact is counted once. Only cases of one
        author, or of one customer, can be the same.
        """
        survivor: list[models.Case] = []

        def rule(facts: CaseFacts) -> Change:
            return cases.merge(facts, casework.facts_of(survivor[0]), actor, now=self._parts.now())

        def lock(session: Session) -> None:
            # Both rows in one order, so that two who merge crosswise wait for each other and never in a circle.
            rows = {one: casework.row_for_update(session, one) for one in sorted({case_id, into})}
            other = rows[into]
            if other is None:
                raise CaseError(f"There is no case {into}.")
            if rows[case_id] is not None and not merges.are_of_one_customer(session, case_id, into):
                raise CaseError("The two cases are of different people; link them to one customer first.")
            survivor.append(other)

        def effect(session: Session, row: models.Case, _change: Change) -> Written:
            return self._merged(session, row, survivor[0], actor, action_id)

        return self._act(case_id, actor, action_id, rule, effect, lock)

    def _merged(
        self, session: Session, row: models.Case, survivor: models.Case, actor: Actor, action_id: str
    ) -> Written:
        self._book(session, row, survivor)
        promises.move(session, row.id, to=survivor.id)
        requests.move(session, row.id, to=survivor.id)
        merges.move_mentions(session, row.id, to=survivor.id)
        self._show_survivor(session, row, survivor, actor, action_id)
        return Written(
            {"merged_into": survivor.id, "hold_key": "", "hold_expires_at": None, "needs_review": False, "review": ""},
            {"into": survivor.id},
        )

    def _book(self, session: Session, row: models.Case, survivor: models.Case) -> None:
        journals = [journal.draft for journal in ledger.journals_of(session, case_id=str(row.id))]
        opened = {draft.key for draft in journals if any(line.commodity == "CNT" for line in draft.lines)}
        drafts = corrections.merged(
            f"merge:{row.id}:v{row.version}",
            corrections.standing(journals, opened),
            booking.contact_of(self._parts, session, row),
            booking.contact_of(self._parts, session, survivor),
            on=self._parts.book_date(self._parts.now()),
            model=self._parts.model,
        )
        ledger.post(session, drafts, now=self._parts.now())

    def _show_survivor(
        self, session: Session, row: models.Case, survivor: models.Case, actor: Actor, action_id: str
    ) -> None:
        """The other case has more mentions now; it is as urgent as the more urgent of the two."""
        is_live = survivor.closed_at is None
        values = {
            "mention_count": survivor.mention_count + row.mention_count,
            "last_mention_at": max(survivor.last_mention_at, row.last_mention_at),
        }
        if is_live:
            priority = min(Priority(survivor.priority), Priority(row.priority), key=plan.URGENCY.index)
            due = min((at for at in (survivor.due_at, row.due_at) if at), default=None)
            values |= {"priority": priority.value, "due_at": due}
        event = casework.event_row(
            survivor.id,
            "took_in",
            action_id=f"{action_id}:into",
            now=self._parts.now(),
            from_version=survivor.version,
            detail={"case": row.id},
        )
        casework.record_events(session, [event | {"actor": actor.ref, "actor_name": actor.name}])
        casework.change(session, [casework.CaseChange(survivor.id, survivor.version, values)])
        dispatch.show(self._parts, session, survivor, values, {"event": "took_in", "actor": actor.name})
