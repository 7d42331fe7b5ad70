"""What a press on a card does: commit, then acknowledge, then tell the one who pressed if there is something to say.

There is no listener for messages here, and there must be none: what agents write in a card's thread stays between them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog
from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.domain import Actor, Outcome
from bot.errors import CaseError
from bot.slack import modals
from bot.slack.calls import call
from bot.slack.cards import Press
from bot.slack.desk import Desk
from bot.slack.people import People
from bot.slack.readings import Readings
from bot.slack.text import escape
from bot.views import CaseView

FAILED = "Earmark could not do that just now. Please press again; if it still fails, tell whoever runs Earmark."
GONE = "This case is not there any more."
TOO_LATE = "The form took too long to open. Please press again."

Body = Mapping[str, Any]
Operation = Callable[[int, Actor, str], Outcome]

log = structlog.get_logger(__name__)


def register(
    app: App, client: WebClient, desk: Desk, readings: Readings, people: People, *, now: Callable[[], datetime]
) -> Presses:
    """Answer the buttons of a card and the forms behind some of them; return what further buttons need."""
    presses = Presses(client, desk, readings, people, now)
    app.action(Press.CLAIM.value)(presses.answer(lambda case, actor, act: desk.claim(case, actor, action_id=act)))
    app.action(Press.RELEASE.value)(presses.answer(lambda case, actor, act: desk.release(case, actor, action_id=act)))
    app.action(Press.RESOLVE.value)(presses.answer(lambda case, actor, act: desk.resolve(case, actor, action_id=act)))
    dismiss = presses.answer(lambda case, actor, act: desk.not_for_us(case, actor, action_id=act))
    app.action(Press.NOT_FOR_US.value)(dismiss)
    keep = presses.answer(lambda case, actor, act: desk.keep_promise(case, actor, action_id=act))
    app.action(Press.KEEP_PROMISE.value)(keep)
    cancel = presses.answer(lambda case, actor, act: desk.cancel_promise(case, actor, action_id=act))
    app.action(Press.CANCEL_PROMISE.value)(cancel)
    kept = presses.answer(lambda case, actor, act: desk.resolve(case, actor, action_id=act, customer_kept=True))
    app.action(Press.CUSTOMER_KEPT.value)(kept)
    answer = presses.answer(lambda case, actor, act: desk.answer_as_incident(case, actor, action_id=act))
    app.action(Press.SEND_ANSWER.value)(answer)
    app.action(Press.RETAG.value)(presses.open_form(presses.retag_form))
    app.view(modals.RETAG_FORM)(presses.submit_form(presses.correct, blame=modals.REASON))
    app.action(Press.PROMISE.value)(presses.open_form(presses.promise_form))
    app.view(modals.PROMISE_FORM)(presses.submit_form(presses.promise, blame=modals.TIME))
    # Slack tells us of a link button too, and shows a warning unless we acknowledge.
    app.action(Press.OPEN_POST.value)(_acknowledge)
    return presses


class Presses:
    """What listeners have in common. Bolt passes ``ack`` and ``body`` by name."""

    def __init__(
        self, client: WebClient, desk: Desk, readings: Readings, people: People, now: Callable[[], datetime]
    ) -> None:
        self._now = now
        self._client = client
        self._desk = desk
        self._readings = readings
        self._people = people

    def answer(self, operation: Operation) -> Callable[[Ack, dict[str, Any]], None]:
        """Return a listener that does ``operation`` on the card's case."""

        def listener(ack: Ack, body: dict[str, Any]) -> None:
            try:
                message = self._run(operation, body)
            except CaseError as error:
                message = str(error)
            except Exception:  # the boundary of a Slack listener
                log.exception("press_failed", action=body["actions"][0]["action_id"])
                message = FAILED
            ack()
            tell(self._client, body, message)

        return listener

    def _run(self, operation: Operation, body: Body) -> str:
        """Return what to say; a change says it itself, by the card."""
        outcome = operation(_case_id(body), self._people.actor(body["user"]), action_id(body))
        return "" if outcome.changed else outcome.message

    def open_form(self, make: Callable[[CaseView], dict[str, Any]]) -> Callable[[Ack, dict[str, Any]], None]:
        """Return a listener that opens a form on the card's case.

        The trigger lives three seconds, so opening comes before the acknowledgement.
        """
        return self.listen(lambda body: self._show_form(body, make))

    def listen(self, do: Callable[[Body], str]) -> Callable[[Ack, dict[str, Any]], None]:
        """Return a listener that does ``do`` before it acknowledges, and tells the one who pressed what it says."""

        def listener(ack: Ack, body: dict[str, Any]) -> None:
            try:
                message = do(body)
            except Exception:  # the boundary of a Slack listener
                log.exception("form_failed")
                message = FAILED
            ack()
            tell(self._client, body, message)

        return listener

    def _show_form(self, body: Body, make: Callable[[CaseView], dict[str, Any]]) -> str:
        view = self._readings.view(_case_id(body))
        if view is None:
            return GONE
        answer = call(self._client, "views.open", {"trigger_id": body["trigger_id"], "view": make(view)})
        return "" if isinstance(answer, dict) else TOO_LATE

    def retag_form(self, view: CaseView) -> dict[str, Any]:
        """The form behind Retag."""
        return modals.retag_form(view, self._readings.reasons())

    def promise_form(self, view: CaseView) -> dict[str, Any]:
        """The form behind Promise."""
        return modals.promise_form(view, zone=self._readings.timezone_of(view.queue), now=self._now())

    def submit_form(
        self, do: Callable[[Body, Body], dict[str, str]], *, blame: str
    ) -> Callable[[Ack, dict[str, Any], dict[str, Any]], None]:
        """Return a listener that does what a form says, or says in it why not: at ``blame``, when at no input."""

        def listener(ack: Ack, body: dict[str, Any], view: dict[str, Any]) -> None:
            try:
                errors = do(body, view)
            except CaseError as error:
                errors = {blame: str(error)}
            except Exception:  # the boundary of a Slack listener
                log.exception("form_failed", form=view.get("callback_id"))
                errors = {blame: FAILED}
            if errors:
                ack(response_action="errors", errors=errors)
            else:
                ack()

        return listener

    def correct(self, body: Body, view: Body) -> dict[str, str]:
        """Retag as the form says; return what is wrong with it, by input."""
        asked = modals.correction(view)
        if isinstance(asked, dict):
            return asked
        self._desk.retag(
            asked.case_id,
            self._people.actor(body["user"]),
            action_id=form_id(body, view),
            tags=asked.tags,
            primary=asked.primary,
            reason=asked.reason,
        )
        return {}

    def promise(self, body: Body, view: Body) -> dict[str, str]:
        """Promise what the form says; return what is wrong with it, by input."""
        try:
            asked = modals.appointment(view)
        except ValueError:
            return {modals.TIME: "Choose a day and a time."}
        actor = self._people.actor(body["user"])
        self._desk.promise(asked.case_id, actor, asked.due_at, action_id=form_id(body, view))
        return {}


def tell(client: WebClient, body: Body, message: str) -> None:
    """Say something that only the one who pressed sees."""
    if not message:
        return
    told = {"channel": body["container"]["channel_id"], "user": body["user"]["id"], "text": escape(message)}
    answer = call(client, "chat.postEphemeral", told)
    if not isinstance(answer, dict):
        log.warning("not_told", trouble=type(answer).__name__)


def form_id(body: Body, view: Body) -> str:
    """Return an id that is the same for every delivery of one submission."""
    return f"slack:{body['team']['id']}:{view['id']}:{body['user']['id']}"


def action_id(body: Body) -> str:
    """Return an id that is the same for every delivery of one press, and for no other."""
    press = body["actions"][0]
    where = body["container"].get("channel_id", "home")
    return f"slack:{body['team']['id']}:{where}:{press['action_ts']}:{body['user']['id']}"


def _case_id(body: Body) -> int:
    return int(body["actions"][0]["value"])


def _acknowledge(ack: Ack) -> None:
    ack()
