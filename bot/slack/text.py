"""Text of strangers, made harmless for Slack: shown as text, whatever it holds."""

from __future__ import annotations

import json
import re

import regex

ELLIPSIS = "…"
_WORD_JOINER = "\N{WORD JOINER}"
_LINES_MAX = 20
_RAW_PER_SHOWN = 10
_BYTES_PER_SHOWN = 3

# Format characters hide or turn text (bidi overrides, zero-width spaces, tags), except a few Arabic and Syriac signs
# that are visible. The joiners stay where a script or an emoji needs them: between two visible characters.
_INVISIBLE = regex.compile(r"[[\p{Cf}--\p{Prepended_Concatenation_Mark}]\p{Cc}\p{Cs}--[\n\t\u200c\u200d]]", regex.V1)
_LONE_JOINER = regex.compile(r"(?<![\p{L}\p{M}\p{So}\p{Sk}\uFE0F])[\u200c\u200d]+|[\u200c\u200d]+(?![\p{L}\p{So}])")
_LINE_BREAKS = re.compile("\r\n?|[\u2028\u2029\x85\v\f]")
_ADDRESS_SIGN = re.compile(r"([@#:./])(?=\S)")
_OUTER_UNDERSCORE = re.compile(r"(?<!\w)_+|_+(?!\w)")
_LOOKALIKES = str.maketrans(
    {"*": "\N{ASTERISK OPERATOR}", "~": "\N{TILDE OPERATOR}", "`": "\N{MODIFIER LETTER GRAVE ACCENT}"}
)


def plain(text: str) -> str:
    """Return ``text`` without invisible controls, with at most one empty line in a row.

    For places that parse nothing: ``rich_text`` elements of type text, and ``plain_text``.
    """
    text = _LINE_BREAKS.sub("\n", text)
    text = _LONE_JOINER.sub("", _INVISIBLE.sub("", text))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def line(text: str, most: int) -> str:
    """Return ``text`` on one line of at most ``most`` characters, for names and the like."""
    # A name may be as long as its writer likes: only its beginning is worth cleaning.
    return shorten(re.sub(r"\s+", " ", plain(text[: most * _RAW_PER_SHOWN])), most, bytes_max=most * _BYTES_PER_SHOWN)


def shorten(text: str, most: int, *, bytes_max: int | None = None) -> str:
    """Return the beginning of ``text``, at most ``most`` code points, cut between what a reader sees as characters.

    ``bytes_max`` limits its length as JSON, where an emoji counts twelve.
    """
    lines = text.split("\n")
    cut = "\n".join(lines[:_LINES_MAX])
    if len(lines) <= _LINES_MAX and _fits(cut, most, bytes_max):
        return cut
    shown, length, size = [], len(ELLIPSIS), len(json.dumps(ELLIPSIS))
    for character in regex.findall(r"\X", cut[: most + 1]):
        length += len(character)
        size += len(json.dumps(character)) - 2
        if length > most or (bytes_max is not None and size > bytes_max):
            break
        shown.append(character)
    return "".join(shown).rstrip() + ELLIPSIS


def _fits(text: str, most: int, bytes_max: int | None) -> bool:
    return len(text) <= most and (bytes_max is None or len(json.dumps(text)) <= bytes_max)


def escape(text: str) -> str:
    """Return our own ``text`` for a place that parses mrkdwn, where ``<``, ``>`` and ``&`` mean something.

    https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def inert(text: str) -> str:
    """Return a stranger's ``text`` for a place that parses mrkdwn, so that it looks the same and does nothing.

    Escaping alone leaves ``*bold*`` and addresses alive, which Slack links by itself. So signs that format become ones
    that look alike, and an invisible word joiner keeps an address from being one. The top-level text of a message is
    such a place: screen readers and notifications read it.
    """
    text = escape(plain(text)).translate(_LOOKALIKES)
    text = _OUTER_UNDERSCORE.sub(lambda found: "\N{MODIFIER LETTER LOW MACRON}" * len(found[0]), text)
    return _ADDRESS_SIGN.sub(rf"\1{_WORD_JOINER}", text)
