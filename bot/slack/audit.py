"""The tag audit in App Home: the words, what the tagger said of them, one press for right, a form for what is.

A press shows Home anew, because Home has no thread in which somebody could be told something.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import structlog
from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    Option,
    RichTextBlock,
    StaticMultiSelectElement,
    StaticSelectElement,
)

from bot.domain import NOTHING, Judgement, Tag
from bot.errors import CaseError
from bot.slack import blocks
from bot.slack.actions import FAILED, TOO_LATE, action_id, form_id
from bot.slack.blocks import section, words
from bot.slack.calls import call
from bot.slack.cards import TAG_SIGNS
from bot.slack.desk import Desk
from bot.slack.modals import OPTIONS_MAX, PRIMARY, REASON, TAGS, field, modal, plain_text
from bot.slack.people import People
from bot.slack.readings import Readings
from bot.slack.text import line, plain, shorten
from bot.views import SampledTagging

AUDIT_FORM = "audit_form"
_WORDS_MAX, _WORDS_BYTES_MAX = 600, 1_600

GONE = "The text is gone, so there is nothing left to judge."

Body = Mapping[str, Any]
Publish = Callable[[str, str], None]
"""``publish(user, notice)`` shows a user's Home anew, with a sentence on top of it."""

log = structlog.get_logger(__name__)


class Verdict(StrEnum):
    """The action ids of the buttons."""

    RIGHT = "audit_right"
    CORRECT = "audit_correct"


def items(drawn: Sequence[SampledTagging]) -> list[Block]:
    """Return two blocks for each drawn tagging: the words with what was said of them, and the buttons."""
    return [block for one in drawn for block in (_words(one), _buttons(one))]


def _words(one: SampledTagging) -> RichTextBlock:
    text = shorten(plain(one.text), _WORDS_MAX, bytes_max=_WORDS_BYTES_MAX)
    return blocks.rich(blocks.quote(text), section(words("The tagger says: "), words(said(one.said), is_bold=True)))


def said(judged: Judgement) -> str:
    """``🔴 complaint, 🔵 request · billing error``, the main tag first; a word for nothing."""
    if judged.primary is None:
        return "neither complaint, praise nor request"
    names = sorted(judged.tags, key=lambda tag: (tag is not judged.primary, tag))
    return f"{', '.join(f'{TAG_SIGNS[tag]} {tag}' for tag in names)} · {line(judged.reason.replace('_', ' '), 80)}"


def _buttons(one: SampledTagging) -> ActionsBlock:
    value = str(one.mention_id)
    right = blocks.button("Right", Verdict.RIGHT, value, style="primary")
    return ActionsBlock(elements=[right, blocks.button("Correct…", Verdict.CORRECT, value)])


def form(one: SampledTagging, reasons: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the form that asks what is right, filled with what the tagger said."""
    tags = [Option(value=tag.value, text=plain_text(f"{TAG_SIGNS[tag]} {tag.capitalize()}")) for tag in Tag]
    known = [Option(value=name, text=plain_text(title)) for name, title in reasons[:OPTIONS_MAX]]
    chosen = [option for option in tags if option.value in one.said.tags]
    primary = next((option for option in tags if option.value == one.said.primary), None)
    reason = next((option for option in known if option.value == one.said.reason), None)
    tagged = StaticMultiSelectElement(options=tags, initial_options=chosen or None)
    shown = [
        _words(one),
        field(TAGS, "What is it? Leave it empty if it is none", tagged, is_optional=True),
        field(PRIMARY, "Above all", StaticSelectElement(options=tags, initial_option=primary), is_optional=True),
        field(
            REASON, "Why did they write?", StaticSelectElement(options=known, initial_option=reason), is_optional=True
        ),
    ]
    return modal(AUDIT_FORM, "What is right?", str(one.mention_id), shown)


def judgement(view: Body) -> tuple[int, Judgement] | dict[str, str]:
    """Return the mention and what was submitted of it, or what is wrong with it, by input."""
    values, mention_id = view["state"]["values"], int(view["private_metadata"])
    tags = tuple(Tag(option["value"]) for option in values[TAGS][TAGS].get("selected_options") or [])
    if not tags:
        return mention_id, NOTHING
    primary, reason = (values[name][name].get("selected_option") for name in (PRIMARY, REASON))
    if primary is None or primary["value"] not in tags:
        return {PRIMARY: "Choose one of the tags above, or add this one to them."}
    if reason is None:
        return {REASON: "Choose why they wrote."}
    return mention_id, Judgement(tags, Tag(primary["value"]), str(reason["value"]))


def register(app: App, client: WebClient, desk: Desk, readings: Readings, people: People, publish: Publish) -> None:
    """Answer the buttons, and the form behind one of them."""
    judging = _Judging(client, desk, readings, people, publish)
    app.action(Verdict.RIGHT.value)(judging.right)
    app.action(Verdict.CORRECT.value)(judging.open_form)
    app.view(AUDIT_FORM)(judging.submit)


class _Judging:
    """The listeners. Bolt passes ``ack``, ``body`` and ``view`` by name."""

    def __init__(self, client: WebClient, desk: Desk, readings: Readings, people: People, publish: Publish) -> None:
        self._client = client
        self._desk = desk
        self._readings = readings
        self._people = people
        self._publish = publish

    def right(self, ack: Ack, body: dict[str, Any]) -> None:
        """One press: all that the tagger said is right."""
        try:
            actor = self._people.actor(body["user"])
            notice = self._desk.judge(_mention_id(body), actor, action_id=action_id(body)).message
        except CaseError as refusal:
            notice = str(refusal)
        except Exception:  # the boundary of a Slack listener
            log.exception("verdict_failed")
            notice = FAILED
        ack()
        self._show(body, notice)

    def open_form(self, ack: Ack, body: dict[str, Any]) -> None:
        """Open the form; its trigger lives three seconds, so this comes before the acknowledgement."""
        try:
            notice = self._open_form(body)
        except Exception:  # the boundary of a Slack listener
            log.exception("form_failed")
            notice = FAILED
        ack()
        if notice:
            self._show(body, notice)

    def _open_form(self, body: Body) -> str:
        one = self._readings.audited(_mention_id(body))
        if one is None:
            return GONE
        view = form(one, self._readings.reasons())
        answer = call(self._client, "views.open", {"trigger_id": body["trigger_id"], "view": view})
        return "" if isinstance(answer, dict) else TOO_LATE

    def submit(self, ack: Ack, body: dict[str, Any], view: dict[str, Any]) -> None:
        """Judge as the form says, or say in it why not."""
        notice, errors = "", {}
        try:
            asked = judgement(view)
            if isinstance(asked, dict):
                errors = asked
            else:
                actor = self._people.actor(body["user"])
                mark = form_id(body, view)
                notice = self._desk.judge(asked[0], actor, action_id=mark, judged=asked[1]).message
        except CaseError as refusal:
            errors = {REASON: str(refusal)}
        except Exception:  # the boundary of a Slack listener
            log.exception("form_failed", form=AUDIT_FORM)
            errors = {REASON: FAILED}
        if errors:
            ack(response_action="errors", errors=errors)
            return
        ack()
        self._show(body, notice)

    def _show(self, body: Body, notice: str) -> None:
        """Show Home anew; what was judged is judged, also where Slack does not show it."""
        try:
            self._publish(str(body["user"]["id"]), notice)
        except Exception:  # the boundary of a Slack listener
            log.exception("home_failed")


def _mention_id(body: Body) -> int:
    return int(body["actions"][0]["value"])
