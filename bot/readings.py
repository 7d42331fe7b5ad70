"""What Slack and the board both show: cases, queues, the review list, the taxonomy."""

from __future__ import annotations

from bot.config import Queue
from bot.domain import Actor, CaseState, CaseView, DoubtfulMention, QueueCounts
from bot.parts import Parts
from storage import cases, mentions
from storage.cases import CaseFilter
from storage.db import reading

CASES_OF_AN_AGENT_MAX = 50


class Readings:
    """Reads the present state; any thread may call."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def view(self, case_id: int) -> CaseView | None:
        """Return a case with all its mentions and history; None when there is no such case."""
        with reading(self._parts.database) as session:
            return cases.case_view(session, case_id)

    def cases_of(self, actor: Actor) -> list[CaseView]:
        """Return the cases an agent has claimed and not closed, most urgent first."""
        only = CaseFilter(owner=actor.ref, states=(CaseState.CLAIMED,))
        with reading(self._parts.database) as session:
            return cases.page(session, only, limit=CASES_OF_AN_AGENT_MAX)

    def queue_counts(self) -> list[QueueCounts]:
        """Return every configured queue in the order of the config, also those that are empty."""
        names = [queue.name for queue in self._parts.settings.queues]
        with reading(self._parts.database) as session:
            return cases.queue_counts(session, names, now=self._parts.now())

    def review_list(self, limit: int) -> list[CaseView]:
        """Return waiting cases that a person should look at, least certain first."""
        with reading(self._parts.database) as session:
            return cases.review_list(session, limit=limit)

    def review_count(self) -> int:
        """Return how many cases, and mentions without one, wait for a look."""
        with reading(self._parts.database) as session:
            return cases.review_count(session) + mentions.doubtful_count(session)

    def doubtful_mentions(self, limit: int) -> list[DoubtfulMention]:
        """Return mentions without a case that a person should look at, least certain first."""
        with reading(self._parts.database) as session:
            return mentions.doubtful(session, limit=limit)

    def reasons(self) -> list[tuple[str, str]]:
        """Return the taxonomy as (id, title), in its order."""
        return [(reason.id, reason.title) for reason in self._parts.model.taxonomy.reasons.values()]

    def timezone_of(self, queue: str) -> str:
        """Return the name of the time zone in which a queue works."""
        known = self._parts.settings.queue(queue)
        return (known.timezone if known else "") or self._parts.settings.earmark.timezone

    def queues_supervised_by(self, slack_user: str) -> list[str]:
        """Return the names of the queues a Slack user supervises, in the order of the config."""
        return [queue.name for queue in self._parts.settings.queues if _supervises(queue, slack_user)]


def _supervises(queue: Queue, slack_user: str) -> bool:
    return slack_user in queue.supervisors
