"""Requests of customers that product teams have to answer: passed on, answered, told back (specification 2.11).

They carry no money: when a change ships, the saving shows as fewer contacts, and must not be counted twice (1.7).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from sqlmodel import Session

from bot import cases, dispatch
from bot.acting import DONE_ALREADY, Acting, Written
from bot.cases import Change, Deed
from bot.domain import Actor, Outcome, RequestState
from bot.errors import CaseError
from bot.requests import ENDED, WHY_MAX, WORDS, key_of, refuse_step, title_of
from storage import casework, models, requests
from storage.db import transaction
from storage.models_requests import ProductRequest
from storage.outbox import Kind, Order, request_key

log = structlog.get_logger(__name__)


class Passing(Acting):
    """The desk's requests."""

    def pass_on(
        self, case_id: int, actor: Actor, *, action_id: str, team: str = "", title: str = "", joins: int | None = None
    ) -> Outcome:
        """Pass on what the customer of a case asks for: to an open request that it ``joins``, or to a new one.

        A new one needs a team and a title. One of the same title that the team has open is joined instead.
        """
        locked: list[ProductRequest] = []

        def lock(session: Session) -> None:
            # The request before the case, as when it is answered: nobody waits in a circle.
            if not casework.action_is_done(session, action_id):
                found = self._opened(session, team, title, actor, action_id) if joins is None else None
                locked.append(found or _still_open(session, joins or 0))

        def effect(session: Session, row: models.Case, _change: Change) -> Written:
            return self._joined(session, row, locked[0])

        return self._act(
            case_id, actor, action_id, lambda facts: cases.serve(facts, actor, Deed.PASSED_ON), effect, lock
        )

    def answer(self, request_id: int, to: RequestState, actor: Actor, *, action_id: str, why: str = "") -> Outcome:
        """Say what a product team makes of a request; at its end everybody who asked is to be told.

        The first answer is also the acknowledgement. Declining needs a reason, because customers hear it. Of two who
        answer together one is told what the other said.
        """
        said = " ".join(why.split())[:WHY_MAX]
        with transaction(self._parts.database) as session:
            row = requests.row_for_update(session, request_id)
            if row is None:
                raise CaseError(f"There is no request {request_id}.")
            if requests.is_done(session, action_id):
                return Outcome(request_id, changed=False, message=DONE_ALREADY)
            if row.state == to.value:
                return Outcome(request_id, changed=False, message=f"Request {request_id} is {WORDS[to]} already.")
            refuse_step(request_id, RequestState(row.state), to)
            if to is RequestState.DECLINED and not said:
                raise CaseError("Say why it is declined; the customers are told.")
            self._step(session, row, to, actor, action_id, said)
        log.info("request_answered", request=request_id, state=to.value)
        return Outcome(request_id, changed=True, message=f"Request {request_id} is {WORDS[to]} now.")

    def customer_told(self, case_id: int, actor: Actor, *, action_id: str) -> Outcome:
        """Note that the customer of a case was told how all that ended that he asked for."""

        def effect(session: Session, row: models.Case, _change: Change) -> Written:
            told = requests.tell(session, row.id, actor, now=self._parts.now())
            if not told:
                raise CaseError("There is nothing to tell this customer, or it was told meanwhile.")
            for request_id in told:
                self._show_team(session, request_id, key=f"told:{row.id}")
            return Written(told={"requests": told})

        return self._act(case_id, actor, action_id, lambda facts: cases.serve(facts, actor, Deed.CUSTOMER_TOLD), effect)

    def _refuse_team(self, team: str) -> None:
        if not team:
            raise CaseError("Choose the team that can do it.")
        if team not in self.product_teams():
            raise CaseError(f"There is no product team '{team}'; there are: {', '.join(self.product_teams())}.")

    def _opened(self, session: Session, team: str, title: str, actor: Actor, action_id: str) -> ProductRequest:
        """Open a request, passed on at once where the team has a Slack channel to hear of it."""
        self._refuse_team(team)
        now, words = self._parts.now(), title_of(title)
        request_id, is_new = requests.open_or_find(session, team=team, title=words, title_key=key_of(words), now=now)
        row = requests.row_for_update(session, request_id)
        if row is None:
            raise CaseError(f"There is no request {request_id}.")
        if is_new:
            requests.record(session, request_id, "opened", actor=actor, action_id=f"{action_id}:opened", now=now)
            if self._slack_channel(team):
                self._step(session, row, RequestState.PASSED, actor, f"{action_id}:passed", "")
        return row

    def _joined(self, session: Session, row: models.Case, request: ProductRequest) -> Written:
        request_id = int(request.id or 0)
        if not requests.ask(session, request_id, row, now=self._parts.now()):
            raise CaseError("This case asks for that already.")
        self._show_team(session, request_id, key=f"case:{row.id}")
        return Written(told={"request": request_id, "team": request.team})

    def _step(
        self, session: Session, row: ProductRequest, to: RequestState, actor: Actor, action_id: str, why: str
    ) -> None:
        now, request_id, version = self._parts.now(), int(row.id or 0), row.version + 1
        if not requests.step(session, row, to, why=why, now=now):
            raise CaseError(f"Request {request_id} was answered meanwhile; look again.")
        requests.record(session, request_id, to.value, actor=actor, action_id=action_id, now=now)
        self._show_team(session, request_id, key=f"v{version}", is_first=to is RequestState.PASSED)
        if to in ENDED:
            self._remind(session, request_id, row.team, to)

    def _remind(self, session: Session, request_id: int, team: str, to: RequestState) -> None:
        """Have each card of a customer who asked say that he is to be told."""
        for case in requests.untold_cases(session, request_id):
            detail = {"event": f"request_{to.value}", "request": request_id, "team": team}
            dispatch.remind(self._parts, session, case, key=f"request:{request_id}:{case.id}", detail=detail)

    def _show_team(self, session: Session, request_id: int, *, key: str, is_first: bool = False) -> None:
        """Have Slack show a request to its team, or show it anew; a team without a Slack channel has the list."""
        found = requests.find(session, request_id)
        slack_channel = self._slack_channel(found.team) if found else ""
        if not slack_channel or found is None or found.passed_at is None:
            return
        detail: Mapping[str, Any] = {"request": request_id}
        shown = Order(slack_channel, Kind.REQUEST, None, request_key(request_id), detail)
        redrawn = Order(slack_channel, Kind.REQUEST_EDIT, None, f"request-edit:{request_id}:{key}", detail)
        dispatch.order(self._parts, session, [shown if is_first else redrawn], now=self._parts.now())

    def _slack_channel(self, team: str) -> str:
        known = self._parts.settings.product_team(team)
        return known.slack_channel if known and self._parts.settings.slack else ""


def _still_open(session: Session, request_id: int) -> ProductRequest:
    row = requests.row_for_update(session, request_id)
    if row is None:
        raise CaseError(f"There is no request {request_id}.")
    if RequestState(row.state) in ENDED:
        raise CaseError(f"Request {request_id} is {WORDS[RequestState(row.state)]} already; open a new one instead.")
    return row
