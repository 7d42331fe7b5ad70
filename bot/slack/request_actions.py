"""What presses do to requests: passing one on from a card, and the answers of its product team."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from slack_bolt import App
from slack_sdk import WebClient

from bot.domain import RequestState
from bot.slack import requests as forms
from bot.slack.actions import TOO_LATE, Body, Presses, form_id
from bot.slack.calls import call
from bot.slack.cards import Press
from bot.slack.desk import Desk
from bot.slack.people import People
from bot.slack.readings import Readings
from bot.slack.requests import ANSWERS, Answer
from bot.views import CaseView

log = structlog.get_logger(__name__)


def register(app: App, client: WebClient, desk: Desk, readings: Readings, people: People, presses: Presses) -> None:
    """Answer the buttons, and the forms behind some of them."""
    passing = _Passing(client, desk, readings, people)
    app.action(Press.PASS_ON.value)(presses.open_form(passing.form))
    app.view(forms.PASS_FORM)(presses.submit_form(passing.pass_on, blame=forms.TITLE))
    told = presses.answer(lambda case, actor, act: desk.customer_told(case, actor, action_id=act))
    app.action(Press.CUSTOMER_TOLD.value)(told)
    for press, to in ANSWERS.items():
        if press is not Answer.DECLINE:
            app.action(press.value)(presses.answer(_answers(desk, to)))
    app.action(Answer.DECLINE.value)(presses.listen(passing.ask_why))
    app.view(forms.DECLINE_FORM)(presses.submit_form(passing.decline, blame=forms.WHY))


def _answers(desk: Desk, to: RequestState) -> Callable[..., Any]:
    return lambda number, actor, act: desk.answer(number, to, actor, action_id=act)


class _Passing:
    """The forms, and what is done with them."""

    def __init__(self, client: WebClient, desk: Desk, readings: Readings, people: People) -> None:
        self._client = client
        self._desk = desk
        self._readings = readings
        self._people = people

    def form(self, view: CaseView) -> dict[str, Any]:
        """The form behind Pass on."""
        opened = self._readings.requests(is_open=True, limit=forms.REQUESTS_OFFERED)
        teams = self._readings.product_teams()
        return forms.pass_form(view, requests=opened, teams=teams, team=self._readings.team_for(view.reason))

    def pass_on(self, body: Body, view: Body) -> dict[str, str]:
        """Pass on what the form says."""
        asked = forms.passed(view)
        actor = self._people.actor(body["user"])
        self._desk.pass_on(
            asked.case_id, actor, action_id=form_id(body, view), team=asked.team, title=asked.title, joins=asked.joins
        )
        return {}

    def ask_why(self, body: Body) -> str:
        """Open the form behind Decline; return what went wrong, "" when it is open."""
        view = forms.decline_form(int(body["actions"][0]["value"]))
        answer = call(self._client, "views.open", {"trigger_id": body["trigger_id"], "view": view})
        return "" if isinstance(answer, dict) else TOO_LATE

    def decline(self, body: Body, view: Body) -> dict[str, str]:
        """Decline with the reason that the form has."""
        number, why = forms.declined(view)
        actor, mark = self._people.actor(body["user"]), form_id(body, view)
        self._desk.answer(number, RequestState.DECLINED, actor, action_id=mark, why=why)
        return {}
