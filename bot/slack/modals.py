"""What forms are made of, and those behind Retag and Promise: what they show, and what was filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from slack_sdk.models.blocks import (
    Block,
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
        field(TAGS, "What is it? All that apply", StaticMultiSelectElement(options=tags, initial_options=chosen)),
        field(PRIMARY, "Above all", StaticSelectElement(options=tags, initial_option=primary)),
        field(REASON, "Why did they write?", StaticSelectElement(options=known, initial_option=present)),
    ]
    return modal(RETAG_FORM, "Retag", str(view.id), [quoted(view), *inputs])


@dataclass(frozen=True, slots=True)
class Appointment:
    """What a person promised."""

    case_id: int
    due_at: datetime


def promise_form(view: CaseView, *, zone: str, now: datetime) -> dict[str, Any]:
    """Return the form for a promise, on today's date in the queue's time zone ``zone``."""
    today = now.astimezone(ZoneInfo(zone)).date().isoformat()
    inputs = [
        field(DAY, "On which day?", DatePickerElement(initial_date=today)),
        field(TIME, f"By what time? ({zone})", TimePickerElement(timezone=zone)),
    ]
    return modal(PROMISE_FORM, "Promise", f"{view.id} {zone}", [quoted(view), *inputs])


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


def modal(form: str, title: str, about: str, shown: Sequence[Block], *, submit: str = "Save") -> dict[str, Any]:
    """A form; ``about`` comes back with what is filled in."""
    return View(
        type="modal",
        callback_id=form,
        title=plain_text(title),
        submit=plain_text(submit),
        close=plain_text("Cancel"),
        private_metadata=about,
        blocks=list(shown),
    ).to_dict()


def field(name: str, label: str, element: InputInteractiveElement, *, is_optional: bool = False) -> InputBlock:
    """An input of a form; block and element are both called ``name``."""
    element.action_id = name
    label_text = PlainTextObject(text=label, emoji=False)
    return InputBlock(block_id=name, label=label_text, element=element, optional=is_optional)


def correction(view: Mapping[str, Any]) -> Correction | dict[str, str]:
    """Return what was submitted, or what is wrong with it, by input."""
    values = view["state"]["values"]
    tags = tuple(Tag(option["value"]) for option in values[TAGS][TAGS].get("selected_options") or [])
    primary = Tag(values[PRIMARY][PRIMARY]["selected_option"]["value"])
    if primary not in tags:
        return {PRIMARY: "Choose one of the tags above, or add this one to them."}
    reason = str(values[REASON][REASON]["selected_option"]["value"])
    return Correction(int(view["private_metadata"]), tags, primary, reason)
