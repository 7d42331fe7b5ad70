"""Whether two texts say nearly the same: the same rant posted again, perhaps with another link or more emoji."""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher

LEAST_RATIO = 0.9
"""How alike two texts must be, from 0 to 1."""

LETTERS_MAX = 600
"""How much of a text is compared: comparing takes the square of it in the worst case."""

_NOISE = re.compile(r"(?:https?://|www\.)\S+|@[\w.@-]+")


def is_nearly(one: str, other: str) -> bool:
    """True when two texts are alike but for handles, links, punctuation, emoji and a few letters.

    Texts without any letter or digit are like nothing. The order of the two does not matter.
    """
    first, second = sorted((essence(one), essence(other)))
    if not first or not second:
        return False
    if first == second:
        return True
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    # Each bound is dearer and nearer to the ratio than the one before.
    bounds = (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio)
    return all(bound() >= LEAST_RATIO for bound in bounds)


def essence(text: str) -> str:
    """Return the words of ``text`` in small letters, without handles, links, punctuation and emoji."""
    plain = _NOISE.sub(" ", unicodedata.normalize("NFKC", text[: 4 * LETTERS_MAX]).casefold())
    words = "".join(letter if _is_of_word(letter) else " " for letter in plain).split()
    return " ".join(words)[:LETTERS_MAX]


def _is_of_word(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "LNM"
