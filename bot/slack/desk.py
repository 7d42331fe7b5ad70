"""What the Slack app needs of the rest: :class:`bot.desk.Desk` and :class:`bot.readings.Readings` are the real ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bot.domain import Actor, CaseView, Outcome, QueueCounts, Tag


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


class Readings(Protocol):
    """The lists that Home shows, and the case behind a form."""

    def view(self, case_id: int) -> CaseView | None:
        """Return the case; None when there is none."""
        ...

    def cases_of(self, actor: Actor) -> list[CaseView]:
        """Return the cases ``actor`` has claimed."""
        ...

    def queue_counts(self) -> list[QueueCounts]:
        """Return how every queue stands."""
        ...

    def review_list(self, limit: int) -> list[CaseView]:
        """Return cases whose tagging a person should look at."""
        ...

    def queues_supervised_by(self, user_id: str) -> list[str]:
        """Return the names of the queues that a Slack user supervises."""
        ...

    def timezone_of(self, queue: str) -> str:
        """Return the name of the time zone in which a queue works."""
        ...

    def reasons(self) -> list[tuple[str, str]]:
        """Return id and title of every reason, in the order to offer them."""
        ...
