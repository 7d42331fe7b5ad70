"""The reply under the nightly summary: three mentions that stand for the dearest waste, and the day's figures as CSV.

The figures stand in the message itself. A file would need one more scope, and an upload whose answer was lost cannot be
recognised again: files carry no metadata.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from slack_sdk.models.blocks import (
    Block,
    RichTextBlock,
    RichTextPreformattedElement,
    RichTextQuoteElement,
    RichTextSectionElement,
)

from bot.reports.top import excerpt, masked
from bot.slack import blocks
from bot.slack.blocks import quote, section, words
from bot.slack.cards import Rendered
from bot.slack.text import inert, line, plain

CSV_MAX: Final = 6_000
"""With the mentions it stays below the 13,200 characters from which Slack refuses blocks."""
_NAME_MAX: Final = 80


@dataclass(frozen=True, slots=True)
class Shown:
    """A mention as it is at the moment of sending; gone ones have no text."""

    kind: str
    handle: str
    text: str


def rendered(reason: str, mentions: Sequence[Shown], csv: str) -> Rendered:
    """Return the reply. Whatever people wrote stands where Slack parses nothing.

    Raises:
        SlackObjectFormationError: a documented limit of Block Kit is broken.
    """
    name = line(reason.replace("_", " "), _NAME_MAX)
    parts: list[Block] = []
    if mentions:
        head = f"Dearest waste this month: {name}. One mention each: the dearest, the latest, and one drawn by lot."
        shown = [element for mention in mentions for element in _mention(mention)]
        parts.append(blocks.rich(section(words(head)), *shown))
    parts.append(blocks.rich(section(words("The day's figures; money is in minor units."))))
    parts.append(RichTextBlock(elements=[RichTextPreformattedElement(elements=[words(_cut(plain(csv)))])]))
    text = f"Examples of {inert(name)}, and the day's figures" if mentions else "The day's figures"
    return Rendered(text, blocks.to_json(parts))


def _cut(text: str) -> str:
    """Return whole lines from the beginning, at most :data:`CSV_MAX` characters."""
    if len(text) <= CSV_MAX:
        return text
    return text[:CSV_MAX].rpartition("\n")[0] + "\n…"


def _mention(mention: Shown) -> tuple[RichTextSectionElement, RichTextQuoteElement]:
    author = masked(mention.handle) if mention.text else ""
    head = f"{mention.kind}{f' · {author}' if author else ''}"
    return section(words(line(head, _NAME_MAX), is_bold=True)), quote(plain(excerpt(mention.text)))
