"""The message of an incident, and the forms behind its buttons. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ConfirmObject,
    PlainTextInputElement,
)

from bot.slack import blocks
from bot.slack.blocks import clock, section, words
from bot.slack.cards import Rendered
from bot.slack.modals import field, modal
from bot.slack.text import inert, line
from storage.incident_views import IncidentView

ANSWER_FORM, RESOLVE_FORM, RENAME_FORM = "incident_answer_form", "incident_resolve_form", "incident_rename_form"
WORDS: Final = "words"
_NAME_MAX, _ANSWER_SHOWN_MAX, _ANSWER_MAX = 80, 300, 2_000
_SAID: Final = {
    "sent": "{} answered",
    "waiting": "{} to go",
    "sending": "{} under way",
    "refused": "{} refused by the platform",
    "unknown": "{} not confirmed: please look",
    "dropped": "{} no longer needed",
}


class Press(StrEnum):
    """The action ids of the buttons."""

    ANSWER = "incident_answer"
    RESOLVE = "incident_resolve"
    RENAME = "incident_rename"
    CLOSE = "incident_close"


def incident_message(view: IncidentView) -> Rendered:
    """Return the message of an incident, as it stands.

    Raises:
        SlackObjectFormationError: a documented limit of Block Kit is broken.
    """
    name = line(view.name, _NAME_MAX)
    title = [words("🔥 "), words(name, is_bold=True), words(f" · {_span(view)}\n"), words(_counted(view))]
    said = [one for one in (_answers(view), _answer(view)) if one]
    parts: list[Block] = [blocks.rich(section(*title))]
    parts += [blocks.context(said)] if said else []
    parts.append(ActionsBlock(elements=_buttons(view)))
    text = inert(f"🔥 {name} · {_span(view)}: {_counted(view)}")
    return Rendered(text, blocks.to_json(parts))


def _span(view: IncidentView) -> str:
    if view.closed_at is None:
        return f"incident since {clock(view.began_at)}"
    return f"incident over, {clock(view.began_at)} to {clock(view.closed_at)}"


def _counted(view: IncidentView) -> str:
    tally = view.tally
    cases = f"{tally.cases:,} case{'' if tally.cases == 1 else 's'}"
    mentions = f"{tally.mentions:,} mention{'' if tally.mentions == 1 else 's'}"
    waiting = f"{tally.unclaimed:,} waiting, {tally.claimed:,} claimed, {tally.closed:,} closed"
    return f"{mentions} in {cases} ({waiting}), {view.peak_ratio:.1f} times the usual at its peak"


def _answers(view: IncidentView) -> str:
    said = [_SAID[state].format(f"{view.replies[state]:,}") for state in _SAID if view.replies.get(state)]
    return "In bulk: " + ", ".join(said) if said else ""


def _answer(view: IncidentView) -> str:
    return f"Bulk answer ready: {line(view.answer, _ANSWER_SHOWN_MAX)}" if view.answer else ""


def _buttons(view: IncidentView) -> list[ButtonElement]:
    answer = blocks.button("Answer all…", Press.ANSWER, view.id, style="primary")
    resolve = blocks.button("Resolve all…", Press.RESOLVE, view.id)
    rename = blocks.button("Rename…", Press.RENAME, view.id)
    close = blocks.button("Close incident", Press.CLOSE, view.id, confirm=_closing())
    waiting = [*([answer] if view.to_answer else []), *([resolve] if view.tally.unclaimed else [])]
    return [*waiting, rename, *([close] if view.is_open else [])]


def _closing() -> ConfirmObject:
    return ConfirmObject(
        title="Is it over?",
        text="Cases that come now are no longer part of it. What waits stays in its queue.",
        confirm="It is over",
        deny="It goes on",
    )


def answer_form(view: IncidentView) -> dict[str, Any]:
    """Return the form for one public answer to all who wait."""
    return _form(
        ANSWER_FORM,
        view,
        title="Answer all",
        submit="Send to all",
        label=f"Goes in public to {view.to_answer:,} who wait, each once",
        element=PlainTextInputElement(multiline=True, max_length=_ANSWER_MAX, initial_value=view.answer or None),
    )


def resolve_form(view: IncidentView) -> dict[str, Any]:
    """Return the form for a note with which all who wait are resolved."""
    return _form(
        RESOLVE_FORM,
        view,
        title="Resolve all",
        submit="Resolve",
        label="Why what waits is done; no customer sees it",
        element=PlainTextInputElement(multiline=True, max_length=_ANSWER_MAX),
    )


def rename_form(view: IncidentView) -> dict[str, Any]:
    """Return the form for a name."""
    return _form(
        RENAME_FORM,
        view,
        title="Rename",
        submit="Save",
        label="What people call it",
        element=PlainTextInputElement(max_length=_NAME_MAX, initial_value=line(view.name, _NAME_MAX)),
    )


def _form(  # what forms with one input differ in
    form: str, view: IncidentView, *, title: str, submit: str, label: str, element: PlainTextInputElement
) -> dict[str, Any]:
    name = blocks.rich(section(words(line(view.name, _NAME_MAX), is_bold=True)))
    return modal(form, title, view.id, [name, field(WORDS, label, element)], submit=submit)


def filled_in(view: Mapping[str, Any]) -> tuple[str, str]:
    """Return the incident and the words of a form."""
    return str(view["private_metadata"]), str(view["state"]["values"][WORDS][WORDS].get("value") or "")
