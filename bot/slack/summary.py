"""The nightly summary's lines as Slack shows them: our own bold and italic heads, and names that do nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from bot.slack.text import escape, inert, shorten

LINE_MAX: Final = 600
"""Twelve lines of it stay far below Slack's limit of 40,000 characters: names are as long as people make them."""

# What a line begins with is ours: "*Value / waste ledger ...*", "1. *Demand*", "_How far to trust this:_".
_HEAD: Final = re.compile(r"(?:\d+\. )?\*[^*\n]+\*|_[^_\n]+:_")
_JOINED_FIGURE: Final = re.compile(r"(?<=\d)([./:])\N{WORD JOINER}(?=\d)")


def mrkdwn(lines: Iterable[str]) -> str:
    """Return the text of the message, for a place that parses mrkdwn."""
    return "\n".join(_line(line) for line in lines)


def _line(line: str) -> str:
    head = _HEAD.match(line)
    ours = head[0] if head else ""
    rest = inert(shorten(line[len(ours) :], LINE_MAX))
    # inert() takes 70.3% and 188/200 for the addresses they could be, and strips the blank after the head.
    space = " " if line[len(ours) :].startswith(" ") and ours else ""
    return escape(ours) + space + _JOINED_FIGURE.sub(r"\1", rest)
