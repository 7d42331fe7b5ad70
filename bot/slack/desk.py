"""What the Slack app can have done: :class:`bot.desk.Desk` is the real one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bot.domain import Actor, Judgement, Outcome, Quadrant, RequestState, Tag
from bot.ledger.money import Shares


class Desk(Protocol):
    """The actions on cases.

    They raise :class:`bot.errors.CaseError` with a sentence for the one who pressed, and do nothing the second time
    they come with the same ``action_id``.
    """

    def claim(self, case_id: int, actor: Actor, *, action_id: str) -> Outcome:
        """Make ``actor`` the owner."""
        ...

    def release(self, case_id: int, actor: Actor, *, action_id: str) -> Outcome:
        """Give the case back to its queue."""
        ...

    def resolve(self, case_id: int, actor: Actor, *, action_id: str, customer_kept: bool = False) -> Outcome:
        """Close the case as done; ``customer_kept`` says that somebody who wanted to leave stays."""
        ...

    def promise(self, case_id: int, actor: Actor, due_at: datetime, *, action_id: str) -> Outcome:
        """Give the customer a time."""
        ...

    def keep_promise(self, case_id: int, actor: Actor, *, action_id: str) -> Outcome:
        """Say that what is due next was done."""
        ...

    def cancel_promise(self, case_id: int, actor: Actor, *, action_id: str) -> Outcome:
        """Say that what is due next is owed no more."""
        ...

    def not_for_us(self, case_id: int, actor: Actor, *, action_id: str) -> Outcome:
        """Close the case as none of ours."""
        ...

    def retag(
        self, case_id: int, actor: Actor, *, action_id: str, tags: Sequence[Tag], primary: Tag, reason: str
    ) -> Outcome:
        """Correct tags and reason."""
        ...

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
        """Put a case where a supervisor says it belongs; what is left out stays as it is."""
        ...

    def lift_override(self, case_id: int, actor: Actor, *, action_id: str, why: str) -> Outcome:
        """Let the rules say again where a case stands."""
        ...

    def departments(self) -> list[str]:
        """Return whom a case can be charged to."""
        ...

    def answer_as_incident(self, case_id: int, actor: Actor, *, action_id: str) -> Outcome:
        """Send the case the answer that a supervisor wrote for its incident."""
        ...

    def answer_incident(self, incident_id: str, actor: Actor, text: str, *, action_id: str) -> str:
        """Send a text to all waiting cases of an incident; return a sentence."""
        ...

    def resolve_incident(self, incident_id: str, actor: Actor, note: str, *, action_id: str) -> str:
        """Resolve them with a note that no customer sees."""
        ...

    def rename_incident(self, incident_id: str, actor: Actor, name: str, *, action_id: str) -> str:
        """Give an incident the name that people use."""
        ...

    def close_incident(self, incident_id: str, actor: Actor, *, action_id: str) -> str:
        """Say that an incident is over."""
        ...

    def judge(self, mention_id: int, actor: Actor, *, action_id: str, judged: Judgement | None = None) -> Outcome:
        """Store what a supervisor says a drawn mention is; without ``judged`` the tagger is right."""
        ...

    def pass_on(
        self, case_id: int, actor: Actor, *, action_id: str, team: str = "", title: str = "", joins: int | None = None
    ) -> Outcome:
        """Pass on what a customer asks for, to an open request or to a new one."""
        ...

    def answer(self, request_id: int, to: RequestState, actor: Actor, *, action_id: str, why: str = "") -> Outcome:
        """Say what a product team makes of a request."""
        ...

    def customer_told(self, case_id: int, actor: Actor, *, action_id: str) -> Outcome:
        """Note that a customer was told how it ended."""
        ...
