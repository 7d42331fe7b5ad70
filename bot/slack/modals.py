"""The forms behind Retag and Promise: what they show, and what was filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from slack_sdk.models.blocks import (
    DatePickerElement,
    InputBlock,
    InputInteractiveElement,
    Option,
    PlainTextObject,
    RichTextBlock,
    StaticMultiSelectElement,
    StaticSelectElement,
    TimePickerElement,
)
from slack_sdk.models.views import View

from bot.clock import on_the_clock
from bot.domain import Liveness, Tag
from bot.slack import blocks
from bot.slack.cards import REMOVED, TAG_SIGNS
from bot.slack.text import line, plain, shorten
from bot.views import CaseView

RETAG_FORM, PROMISE_FORM = "retag_form", "promise_form"
TAGS, PRIMARY, REASON = "tags", "primary", "reason"
DAY, TIME = "day", "time"
_OPTION_TEXT_MAX, OPTIONS_MAX = 75, 100
_WORDS_MAX = 500


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person says a case is about."""

    case_id: int
    tags: tuple[Tag, ...]
    primary: Tag
    reason: str


def retag_form(view: CaseView, reasons: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the form, filled with what the case is tagged as now."""
    tags = [Option(value=tag.value, text=plain_text(f"{TAG_SIGNS[tag]} {tag.capitalize()}")) for tag in Tag]
    known = [Option(value=name, text=plain_text(title)) for name, title in reasons[:OPTIONS_MAX]]
    now = set(view.mentions[-1].tags) if view.mentions else set()
    chosen = [option for option in tags if option.value in {*now, view.tag}]
    primary = next(option for option in tags if option.value == view.tag.value)
    present = next((option for option in known if option.value == view.reason), None)
    inputs = [
        _input(TAGS, "What is it? All that apply", StaticMultiSelectElement(options=tags, initial_options=chosen)),
        _input(PRIMARY, "Above all", StaticSelectElement(options=tags, initial_option=primary)),
        _input(REASON, "Why did they write?", StaticSelectElement(options=known, initial_option=present)),
    ]
    form = View(
        type="modal",
        callback_id=RETAG_FORM,
        title=plain_text("Retag"),
        submit=plain_text("Save"),
        close=plain_text("Cancel"),
        private_metadata=str(view.id),
        blocks=[quoted(view), *inputs],
    )
    return form.to_dict()


@dataclass(frozen=True, slots=True)
class Appointment:
    """What a person promised."""

    case_id: int
    due_at: datetime


def promise_form(view: CaseView, *, zone: str, now: datetime) -> dict[str, Any]:
    """Return the form for a promise, on today's date in the queue's time zone ``zone``."""
    today = now.astimezone(ZoneInfo(zone)).date().isoformat()
    inputs = [
        _input(DAY, "On which day?", DatePickerElement(initial_date=today)),
        _input(TIME, f"By what time? ({zone})", TimePickerElement(timezone=zone)),
    ]
    form = View(
        type="modal",
        callback_id=PROMISE_FORM,
        title=plain_text("Promise"),
        submit=plain_text("Save"),
        close=plain_text("Cancel"),
        private_metadata=f"{view.id} {zone}",
        blocks=[quoted(view), *inputs],
    )
    return form.to_dict()


def appointment(view: Mapping[str, Any]) -> Appointment:
    """Return what was submitted.

    Raises:
        ValueError: it is no day and time.
    """
    values = view["state"]["values"]
    case_id, zone = str(view["private_metadata"]).split()
    day, time = values[DAY][DAY].get("selected_date") or "", values[TIME][TIME].get("selected_time") or ""
    return Appointment(int(case_id), on_the_clock(day, time, zone))


def quoted(view: CaseView) -> RichTextBlock:
    """The latest words of a case, or that they are gone."""
    latest = view.mentions[-1] if view.mentions else None
    is_gone = latest is None or latest.liveness is Liveness.DELETED or not latest.text
    text = REMOVED if latest is None or is_gone else shorten(plain(latest.text), _WORDS_MAX)
    return blocks.rich(blocks.quote(text))


def plain_text(text: str) -> PlainTextObject:
    """A short text of a form: an option, a title, a label."""
    return PlainTextObject(text=line(text, _OPTION_TEXT_MAX), emoji=False)


def _input(name: str, label: str, element: InputInteractiveElement) -> InputBlock:
    element.action_id = name
    return InputBlock(block_id=name, label=PlainTextObject(text=label, emoji=False), element=element)


def correction(view: Mapping[str, Any]) -> Correction | dict[str, str]:
    """Return what was submitted, or what is wrong with it, by input."""
    values = view["state"]["values"]
    tags = tuple(Tag(option["value"]) for option in values[TAGS][TAGS].get("selected_options") or [])
    primary = Tag(values[PRIMARY][PRIMARY]["selected_option"]["value"])
    if primary not in tags:
        return {PRIMARY: "Choose one of the tags above, or add this one to them."}
    reason = str(values[REASON][REASON]["selected_option"]["value"])
    return Correction(int(view["private_metadata"]), tags, primary, reason)
