"""What a press on an incident's message does. Only supervisors get further than the form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.domain import Actor
from bot.errors import CaseError
from bot.slack import incidents
from bot.slack.actions import FAILED, GONE, TOO_LATE, Body, action_id, form_id, tell
from bot.slack.calls import call
from bot.slack.desk import Desk
from bot.slack.incidents import Press
from bot.slack.people import People
from bot.slack.readings import Readings
from storage.incident_views import IncidentView

Form = Callable[[IncidentView], dict[str, Any]]
Deed = Callable[[str, Actor, str, str], str]
"""(incident, who, words, action id) → a sentence."""

log = structlog.get_logger(__name__)


def register(app: App, client: WebClient, desk: Desk, readings: Readings, people: People) -> None:
    """Answer the buttons of incidents and the forms behind them."""
    presses = _Presses(client, desk, readings, people)
    app.action(Press.ANSWER.value)(presses.opens(incidents.answer_form))
    app.action(Press.RESOLVE.value)(presses.opens(incidents.resolve_form))
    app.action(Press.RENAME.value)(presses.opens(incidents.rename_form))
    app.action(Press.CLOSE.value)(presses.close)
    app.view(incidents.ANSWER_FORM)(presses.submits(_answer(desk)))
    app.view(incidents.RESOLVE_FORM)(presses.submits(_resolve(desk)))
    app.view(incidents.RENAME_FORM)(presses.submits(_rename(desk)))


def _answer(desk: Desk) -> Deed:
    return lambda incident, actor, words, act: desk.answer_incident(incident, actor, words, action_id=act)


def _resolve(desk: Desk) -> Deed:
    return lambda incident, actor, words, act: desk.resolve_incident(incident, actor, words, action_id=act)


def _rename(desk: Desk) -> Deed:
    return lambda incident, actor, words, act: desk.rename_incident(incident, actor, words, action_id=act)


class _Presses:
    """The listeners. Bolt passes ``ack`` and ``body`` by name."""

    def __init__(self, client: WebClient, desk: Desk, readings: Readings, people: People) -> None:
        self._client = client
        self._desk = desk
        self._readings = readings
        self._people = people

    def opens(self, make: Form) -> Callable[[Ack, dict[str, Any]], None]:
        """Return a listener that opens a form; the trigger lives three seconds, so that comes first."""

        def listener(ack: Ack, body: dict[str, Any]) -> None:
            try:
                message = self._show_form(body, make)
            except Exception:  # the boundary of a Slack listener
                log.exception("form_failed")
                message = FAILED
            ack()
            tell(self._client, body, message)

        return listener

    def _show_form(self, body: Body, make: Form) -> str:
        if not self._people.actor(body["user"]).is_supervisor:
            return "Only a supervisor works on incidents; ask one."
        view = self._readings.incident(_incident(body))
        if view is None:
            return GONE
        answer = call(self._client, "views.open", {"trigger_id": body["trigger_id"], "view": make(view)})
        return "" if isinstance(answer, dict) else TOO_LATE

    def submits(self, deed: Deed) -> Callable[[Ack, dict[str, Any], dict[str, Any]], None]:
        """Return a listener that does what a form says, or says in it why not."""

        def listener(ack: Ack, body: dict[str, Any], view: dict[str, Any]) -> None:
            incident_id, said = incidents.filled_in(view)
            try:
                deed(incident_id, self._people.actor(body["user"]), said, form_id(body, view))
            except CaseError as error:
                ack(response_action="errors", errors={incidents.WORDS: str(error)})
            except Exception:  # the boundary of a Slack listener
                log.exception("form_failed", form=view.get("callback_id"))
                ack(response_action="errors", errors={incidents.WORDS: FAILED})
            else:
                ack()

        return listener

    def close(self, ack: Ack, body: dict[str, Any]) -> None:
        """Close the incident whose button was pressed."""
        try:
            actor = self._people.actor(body["user"])
            message = self._desk.close_incident(_incident(body), actor, action_id=action_id(body))
        except CaseError as error:
            message = str(error)
        except Exception:  # the boundary of a Slack listener
            log.exception("press_failed", action=Press.CLOSE.value)
            message = FAILED
        ack()
        tell(self._client, body, message)


def _incident(body: Body) -> str:
    return str(body["actions"][0]["value"])
