"""Small pieces of Block Kit, built with the SDK's models, which check the documented limits offline.

Blocks of messages carry no block_id: Slack wants a new one at each update, and makes them itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    ButtonElement,
    ConfirmObject,
    ContextBlock,
    PlainTextObject,
    RichTextBlock,
    RichTextElementParts,
    RichTextQuoteElement,
    RichTextSectionElement,
)

from bot.slack.text import line

Json = dict[str, Any]

CONTEXT_LINE_MAX = 400
_BUTTON_TEXT_MAX = 75
_URL_MAX = 3000

Part = RichTextElementParts.Text | RichTextElementParts.Date | RichTextElementParts.Link


def words(text: str, *, is_bold: bool = False) -> Part:
    """Text that Slack does not parse: a ``rich_text`` element of type text."""
    # An empty text element is refused; a space stands for it.
    return RichTextElementParts.Text(text=text or " ", style={"bold": True} if is_bold else None)


def moment(at: datetime, pattern: str, fallback: str) -> Part:
    """A time that each reader sees in his own time zone; ``fallback`` where Slack cannot show it.

    https://docs.slack.dev/messaging/formatting-message-text#date-formatting
    """
    return RichTextElementParts.Date(timestamp=int(at.timestamp()), format=pattern, fallback=fallback)


def clock(at: datetime) -> str:
    """``2 Mar, 14:30 UTC``: for places without a reader's time zone."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b}, {at:%H:%M} UTC"


def section(*parts: Part) -> RichTextSectionElement:
    """One paragraph."""
    return RichTextSectionElement(elements=list(parts))


def quote(text: str) -> RichTextQuoteElement:
    """A stranger's words, set off and never parsed."""
    return RichTextQuoteElement(elements=[words(text)])


def rich(*elements: RichTextSectionElement | RichTextQuoteElement) -> RichTextBlock:
    """A block of paragraphs and quotes."""
    return RichTextBlock(elements=list(elements))


def context(lines: Sequence[str]) -> ContextBlock:
    """Small grey lines of plain text, at most ten."""
    texts = [PlainTextObject(text=line(text, CONTEXT_LINE_MAX), emoji=False) for text in lines[:10]]
    return ContextBlock(elements=texts)


def button(  # a button is its label and four options
    label: str, action_id: str, value: str = "", *, style: str | None = None, confirm: ConfirmObject | None = None
) -> ButtonElement:
    """A button; ``style``: primary or danger."""
    text = PlainTextObject(text=label[:_BUTTON_TEXT_MAX], emoji=False)
    return ButtonElement(text=text, action_id=action_id, value=value or None, style=style, confirm=confirm)


def link_button(label: str, action_id: str, url: str) -> ButtonElement | None:
    """A button that opens an address; None for anything but http and https, which a stranger's post might hold."""
    if not url.lower().startswith(("https://", "http://")) or len(url) > _URL_MAX:
        return None
    return ButtonElement(text=PlainTextObject(text=label, emoji=False), action_id=action_id, url=url)


def to_json(blocks: Sequence[Block]) -> list[Json]:
    """The blocks as Slack takes them.

    Raises:
        SlackObjectFormationError: a documented limit is broken.
    """
    return [block.to_dict() for block in blocks]
