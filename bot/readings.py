"""What Slack and the board both show: cases, queues, the review list, the taxonomy."""

from __future__ import annotations

from datetime import date, timedelta

from bot.config import Queue
from bot.domain import Actor, CaseState
from bot.ledger.recharges import ItemState, OpenRecharge
from bot.reports.disputes import answer_due, is_overdue
from bot.reports.tag_audit import AUDIT_DAYS
from bot.requested import Requested
from bot.telling import Telling
from bot.views import CaseView, DoubtfulMention, QueueCounts, SampledTagging
from storage import audits, cases, incident_views, incidents, mentions, recharges
from storage.cases import CaseFilter
from storage.db import reading
from storage.incident_views import IncidentView
from storage.models_money import RechargeItem

CASES_OF_AN_AGENT_MAX = 50


class Readings(Requested, Telling):
    """Reads the present state; any thread may call."""

    def view(self, case_id: int) -> CaseView | None:
        """Return a case with all its mentions and history; None when there is no such case."""
        with reading(self._parts.database) as session:
            return cases.case_view(session, case_id)

    def incident(self, incident_id: str) -> IncidentView | None:
        """Return an incident as it stands; None when there is no such."""
        with reading(self._parts.database) as session:
            return incident_views.view(session, incident_id)

    def incidents(self, limit: int) -> list[IncidentView]:
        """Return incidents, those that go on first, then the latest."""
        with reading(self._parts.database) as session:
            return incident_views.views(session, incidents.listed(session, limit=limit))

    def cases_of_incident(self, incident_id: str) -> list[int]:
        """Return the ids of an incident's cases, oldest first."""
        with reading(self._parts.database) as session:
            return incidents.case_ids(session, incident_id)

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

    def overdue_promises(self, limit: int) -> list[CaseView]:
        """Return the case of each promise that is owed although its time is over, longest due first."""
        with reading(self._parts.database) as session:
            return cases.promises_overdue(session, now=self._parts.now(), limit=limit)

    def doubtful_mentions(self, limit: int) -> list[DoubtfulMention]:
        """Return mentions without a case that a person should look at, least certain first."""
        with reading(self._parts.database) as session:
            return mentions.doubtful(session, limit=limit)

    def audit_list(self, limit: int) -> list[SampledTagging]:
        """Return drawn taggings that nobody has judged, in the order drawn; older than the audit's window none."""
        with reading(self._parts.database) as session:
            return audits.waiting(session, since=self._audited_since(), limit=limit)

    def audit_count(self) -> int:
        """Return how many drawn taggings wait to be judged."""
        with reading(self._parts.database) as session:
            return audits.waiting_count(session, since=self._audited_since())

    def audited(self, mention_id: int) -> SampledTagging | None:
        """Return one drawn tagging, judged or not; None when it was not drawn, or its text is gone."""
        with reading(self._parts.database) as session:
            return audits.find(session, mention_id)

    def _audited_since(self) -> date:
        return self._parts.book_date(self._parts.now()) - timedelta(days=AUDIT_DAYS)

    def open_recharges(self, slack_user: str | None = None) -> list[OpenRecharge]:
        """Return the proposals to charge departments that nobody has settled, oldest first.

        With a Slack user only what is his to see: finance all, a department's head his own, a supervisor the disputes.
        """
        with reading(self._parts.database) as session:
            found = [self._recharge(row) for row in recharges.open_items(session)]
        return [one for one in found if slack_user is None or self._may_see(one, slack_user)]

    def _recharge(self, row: RechargeItem) -> OpenRecharge:
        item, holidays = recharges.item_of(row), self._parts.settings.ledger.recharge.holidays
        return OpenRecharge(
            row.period,
            row.dept,
            row.number,
            item.state is ItemState.DISPUTED,
            row.proposed_minor,
            self._parts.model.currency,
            answer_due(row.proposed_on, holidays),
            is_overdue(item, today=self._parts.book_date(self._parts.now()), holidays=holidays),
            row.disputed_why,
        )

    def _may_see(self, one: OpenRecharge, slack_user: str) -> bool:
        settings = self._parts.settings.ledger
        is_concerned = slack_user in settings.finance or slack_user in settings.recharge.heads.get(one.dept, ())
        return is_concerned or (one.is_disputed and bool(self.queues_supervised_by(slack_user)))

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
