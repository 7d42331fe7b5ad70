"""What the Slack app reads: :class:`bot.readings.Readings` is the real one."""

from __future__ import annotations

from typing import Protocol

from bot.domain import Actor
from bot.ledger.recharges import OpenRecharge
from bot.views import CaseView, PassedRequest, QueueCounts, SampledTagging
from storage.incident_views import IncidentView


class Readings(Protocol):
    """The lists that Home shows, and the case behind a form."""

    def view(self, case_id: int) -> CaseView | None:
        """Return the case; None when there is none."""
        ...

    def incident(self, incident_id: str) -> IncidentView | None:
        """Return an incident; None when there is none."""
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

    def open_recharges(self, slack_user: str | None = None) -> list[OpenRecharge]:
        """Return the proposals to charge departments that nobody has settled and that a Slack user may see."""
        ...

    def overdue_promises(self, limit: int) -> list[CaseView]:
        """Return the case of each promise that is owed although its time is over, longest due first."""
        ...

    def audit_list(self, limit: int) -> list[SampledTagging]:
        """Return drawn taggings that nobody has judged, in the order drawn."""
        ...

    def audit_count(self) -> int:
        """Return how many drawn taggings wait to be judged."""
        ...

    def audited(self, mention_id: int) -> SampledTagging | None:
        """Return one drawn tagging; None when it was not drawn, or its text is gone."""
        ...

    def product_teams(self) -> list[str]:
        """Return whom requests can be passed to."""
        ...

    def team_for(self, reason: str) -> str:
        """Return the team that is asked for things of this reason; "" for none."""
        ...

    def requests(self, *, team: str = "", is_open: bool = False, limit: int = 500) -> list[PassedRequest]:
        """Return requests, those that still go on first."""
        ...

    def queues_supervised_by(self, user_id: str) -> list[str]:
        """Return the names of the queues that a Slack user supervises."""
        ...

    def sees_money(self, slack_user: str) -> bool:
        """True for who may ask what contacts cost."""
        ...

    def told_today(self, *, with_money: bool) -> list[str]:
        """Return what there is to say of today so far."""
        ...

    def told_case(self, case_id: int) -> list[str]:
        """Return each journal of a case in plain words; [] when there is no such case."""
        ...

    def told_why(self, department: str) -> list[str]:
        """Return what a department bears this month and how it came to it."""
        ...

    def timezone_of(self, queue: str) -> str:
        """Return the name of the time zone in which a queue works."""
        ...

    def reasons(self) -> list[tuple[str, str]]:
        """Return id and title of every reason, in the order to offer them."""
        ...
