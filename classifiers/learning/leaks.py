"""Whether a text is one of the texts we measure on, or nearly: a retweet, a headline with one word more."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

_ALIKE = (2, 3)
"""Texts are near copies when of all their words two thirds are in both."""


class Measured:
    """Normalised texts that must not be learnt from.

    Near copies are found exactly and without comparing all with all: sets whose shared words are two thirds of all
    share at least one of their rarest third, so only texts that have one of those in common are compared.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = set(keys)
        self._words = [frozenset(key.split()) for key in sorted(self._keys)]
        self._uses = Counter(word for words in self._words for word in words)
        self._with_rare: dict[str, list[frozenset[str]]] = defaultdict(list)
        for words in self._words:
            for word in self._rarest(words):
                self._with_rare[word].append(words)

    def has(self, key: str) -> bool:
        """Whether the normalised text ``key`` is measured on, or a near copy of such a text."""
        if key in self._keys:
            return True
        words = frozenset(key.split())
        part, whole = _ALIKE
        # Sets of very different size are not near, whatever is in them; most pairs end at that.
        least, most = len(words) * part / whole, len(words) * whole / part
        return any(
            least <= len(other) <= most and _is_near(words, other)
            for word in self._rarest(words)
            for other in self._with_rare.get(word, ())
        )

    def _rarest(self, words: frozenset[str]) -> list[str]:
        part, whole = _ALIKE
        needed = len(words) - -(-len(words) * part // whole) + 1
        return sorted(words, key=lambda word: (self._uses[word], word))[:needed]


def _is_near(one: frozenset[str], other: frozenset[str]) -> bool:
    part, whole = _ALIKE
    return whole * len(one & other) >= part * len(one | other)
