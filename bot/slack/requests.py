"""A request in its product team's Slack channel, and the forms behind "Pass on…" and "Decline…". Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    Option,
    PlainTextInputElement,
    StaticSelectElement,
)

from bot.domain import RequestState
from bot.requests import ENDED, TITLE_MAX, WHY_MAX, WORDS, steps_from
from bot.slack import blocks
from bot.slack.blocks import clock, section, words
from bot.slack.cards import Rendered
from bot.slack.modals import field, modal, plain_text, quoted
from bot.slack.text import inert, line
from bot.views import CaseView, PassedRequest

PASS_FORM, DECLINE_FORM = "pass_form", "decline_form"
JOINS, TEAM, TITLE, WHY = "joins", "team", "title", "why"
NEW: Final = "new"
REQUESTS_OFFERED: Final = 99
"""A select holds a hundred options; one is for a new request."""
_NAME_MAX = 80
_WORDS_MAX = 300


class Answer(StrEnum):
    """The action ids of a request's buttons."""

    ACKNOWLEDGE = "request_acknowledge"
    PLAN = "request_plan"
    SHIP = "request_ship"
    DECLINE = "request_decline"


ANSWERS: Final = {
    Answer.ACKNOWLEDGE: RequestState.ACKNOWLEDGED,
    Answer.PLAN: RequestState.PLANNED,
    Answer.SHIP: RequestState.SHIPPED,
    Answer.DECLINE: RequestState.DECLINED,
}
_LABELS: Final = {
    Answer.ACKNOWLEDGE: "Acknowledge",
    Answer.PLAN: "Plan",
    Answer.SHIP: "Shipped",
    Answer.DECLINE: "Decline…",
}


def card(request: PassedRequest) -> Rendered:
    """Return the message that shows a request to its team.

    Raises:
        SlackObjectFormationError: a documented limit of Block Kit is broken.
    """
    asked = f"{request.customers} customer{'' if request.customers == 1 else 's'} asked, first {_day(request)}"
    title = line(request.title, TITLE_MAX) or "[removed]"
    parts: list[Block] = [
        blocks.rich(section(words(f"Request {request.id}: {title}", is_bold=True))),
        blocks.context([asked, _state(request)]),
    ]
    allowed = steps_from(request.state)
    buttons = [
        blocks.button(_LABELS[press], press, str(request.id), style="primary" if press is Answer.ACKNOWLEDGE else None)
        for press, to in ANSWERS.items()
        if to in allowed
    ]
    parts += [ActionsBlock(elements=buttons)] if buttons else []
    return Rendered(f"Request {request.id} for {inert(line(request.team, _NAME_MAX))}: {inert(title)} ({inert(asked)})",
                    blocks.to_json(parts))  # fmt: skip


def _day(request: PassedRequest) -> str:
    return clock(request.first_asked_at).partition(",")[0]


def _state(request: PassedRequest) -> str:
    if request.state not in ENDED:
        return f"It is {WORDS[request.state]}. Whoever asked is told when it ships or is declined."
    why = f": {line(request.why, _WORDS_MAX).rstrip('.')}" if request.why else ""
    return f"{WORDS[request.state].capitalize()}{why}. {request.customers_told} of {request.customers} customers told."


def pass_form(view: CaseView, *, requests: Sequence[PassedRequest], teams: Sequence[str], team: str) -> dict[str, Any]:
    """Return the form on a case: an open request to join, or the team and the words of a new one."""
    opening = Option(value=NEW, text=plain_text("A new request"))
    known = [Option(value=str(one.id), text=plain_text(f"{one.title} ({one.team})")) for one in requests]
    choices = [Option(value=name, text=plain_text(name.replace("_", " "))) for name in teams]
    chosen = next((one for one in choices if one.value == team), None)
    inputs = [
        field(JOINS, "Does somebody ask for it already?",
               StaticSelectElement(options=[opening, *known[:REQUESTS_OFFERED]], initial_option=opening)),
        field(TITLE, "If not: what do they ask for? In a few words, without names",
               PlainTextInputElement(max_length=TITLE_MAX), is_optional=True),
        field(TEAM, "… and which team can do it?",
               StaticSelectElement(options=choices, initial_option=chosen), is_optional=True),
    ]  # fmt: skip
    return modal(PASS_FORM, "Pass on", str(view.id), [quoted(view), *inputs])


def decline_form(request_id: int) -> dict[str, Any]:
    """Return the form that asks why a request is declined."""
    why = PlainTextInputElement(max_length=WHY_MAX, multiline=True)
    return modal(DECLINE_FORM, "Decline", str(request_id), [field(WHY, "Why? The customers are told", why)])


@dataclass(frozen=True, slots=True)
class Passed:
    """What a person passed on: an open request that it joins, or a team and words for a new one."""

    case_id: int
    joins: int | None
    team: str
    title: str


def passed(view: Mapping[str, Any]) -> Passed:
    """Return what was submitted."""
    values = view["state"]["values"]
    joins = str(values[JOINS][JOINS]["selected_option"]["value"])
    return Passed(
        int(view["private_metadata"]),
        None if joins == NEW else int(joins),
        str((values[TEAM][TEAM].get("selected_option") or {}).get("value", "")),
        str(values[TITLE][TITLE].get("value") or ""),
    )


def declined(view: Mapping[str, Any]) -> tuple[int, str]:
    """Return the request and the reason that were submitted."""
    return int(view["private_metadata"]), str(view["state"]["values"][WHY][WHY].get("value") or "")
