"""``/ledger override`` opens a form on a case, and what it says is done."""

from __future__ import annotations

from typing import Any, Final

from slack_bolt import App
from slack_sdk import WebClient

from bot.slack import overrides
from bot.slack.actions import GONE, TOO_LATE, Body, Presses, form_id
from bot.slack.calls import call
from bot.slack.desk import Desk
from bot.slack.people import People
from bot.slack.readings import Readings

NO_SUPERVISOR: Final = "Where a case stands in the books is for supervisors to say. Ask the supervisor of your queue."


def register(
    app: App, client: WebClient, desk: Desk, readings: Readings, people: People, presses: Presses
) -> Overrides:
    """Answer the form; return what opens it."""
    made = Overrides(client, desk, readings, people)
    app.view(overrides.OVERRIDE_FORM)(presses.submit_form(made.decide, blame=overrides.WHY))
    return made


class Overrides:
    """The form, and what is done with it."""

    def __init__(self, client: WebClient, desk: Desk, readings: Readings, people: People) -> None:
        self._client = client
        self._desk = desk
        self._readings = readings
        self._people = people

    def ask(self, case_id: int, body: Body) -> str:
        """Open the form for the one who typed the command; return what to tell him, "" when it is open."""
        if not self._readings.queues_supervised_by(str(body["user_id"])):
            return NO_SUPERVISOR
        view = self._readings.view(case_id)
        if view is None:
            return GONE
        form = overrides.override_form(view, self._desk.departments())
        answer = call(self._client, "views.open", {"trigger_id": body["trigger_id"], "view": form})
        return "" if isinstance(answer, dict) else TOO_LATE

    def decide(self, body: Body, view: Body) -> dict[str, str]:
        """Put the case where the form says, or let the rules decide again where it says nothing."""
        asked = overrides.decided(view)
        who: dict[str, Any] = {"actor": self._people.actor(body["user"]), "action_id": form_id(body, view)}
        if asked.quadrant is None and not asked.owners:
            self._desk.lift_override(asked.case_id, **who, why=asked.why)
        else:
            self._desk.override(asked.case_id, **who, why=asked.why, quadrant=asked.quadrant, owners=asked.owners)
        return {}
