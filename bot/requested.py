"""What customers asked of product teams, as Slack, the board and the terminal show it."""

from __future__ import annotations

from bot.parts import Parts
from bot.reports.recharge import NEVER_CHARGED
from bot.views import PassedRequest
from storage import requests
from storage.db import reading
from storage.requests import HistoryLine

REQUESTS_LISTED = 500


class Requested:
    """Reads requests and the teams that answer them; any thread may call."""

    _parts: Parts

    def product_teams(self) -> list[str]:
        """Return whom requests can be passed to: the configured teams, else the departments of the taxonomy."""
        named = [team.name for team in self._parts.settings.product_teams]
        reasons = self._parts.model.taxonomy.reasons.values()
        return named or sorted({dept for reason in reasons for dept, _ in reason.owners} - set(NEVER_CHARGED))

    def team_for(self, reason: str) -> str:
        """Return the team that is asked for things of this reason, as far as anybody said so; "" for none."""
        for team in self._parts.settings.product_teams:
            if reason in team.reasons:
                return team.name
        owners = [dept for dept, _ in self._parts.model.taxonomy.reason(reason).owners]
        return next((dept for dept in owners if dept in self.product_teams()), "")

    def requests(self, *, team: str = "", is_open: bool = False, limit: int = REQUESTS_LISTED) -> list[PassedRequest]:
        """Return requests, those that still go on first; of one team, or of all."""
        with reading(self._parts.database) as session:
            return requests.listed(session, team=team, is_open=is_open, limit=limit)

    def request(self, request_id: int) -> PassedRequest | None:
        """Return a request; None when there is none."""
        with reading(self._parts.database) as session:
            return requests.find(session, request_id)

    def request_history(self, request_id: int) -> list[HistoryLine]:
        """Return what happened to a request, oldest first."""
        with reading(self._parts.database) as session:
            return requests.history(session, request_id)

    def request_cases(self, request_id: int) -> list[tuple[int, bool]]:
        """Return the cases that ask for it, each with whether its customer was told how it ended."""
        with reading(self._parts.database) as session:
            return requests.cases_of(session, request_id)
