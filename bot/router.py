"""Where a mention goes: the rules of the config in file order, the first that matches wins."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeAlias

from bot.config import RouteRule
from bot.domain import UNCLASSIFIED, Customer, Mention, Priority, Route, Tagging
from bot.errors import ConfigError

UNDETERMINED = "und"
"""What a tagger says of a text whose language it cannot tell."""

_UNSPACED_SCRIPTS = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")
"""Scripts that put no space between words, as their letters' Unicode names begin: there any place is a border."""


def decide(mention: Mention, tagging: Tagging, customer: Customer, rules: Sequence[RouteRule]) -> Route:
    """Return the route of the first rule whose conditions all hold, and in words why; never words of the mention.

    Raises:
        ConfigError: no rule matched. Loaded settings always end in a rule that does.
    """
    seen = _Seen(mention, tagging, customer)
    for rule in _compiled(tuple(rules)):
        why = rule.why(seen)
        if why:
            return Route(queue=rule.rule.queue, priority=rule.rule.priority, rule=rule.name, why=why)
    raise ConfigError("routes: no route matches; add a last one with only a queue")


def may_be_urgent(mention: Mention, rules: Sequence[RouteRule]) -> bool:
    """True when an urgent rule may take a mention that is not tagged yet.

    All conditions that can be seen before it is tagged must hold, and there must be one: else all might be urgent.
    """
    seen = _Seen(mention, _UNTAGGED, Customer(""))
    return any(all(condition(seen) for condition in conditions) for conditions in _urgent(tuple(rules)))


_UNTAGGED = Tagging({}, (), None, 0.0, UNCLASSIFIED, 0.0, "", "")


@lru_cache(maxsize=64)
def _urgent(rules: tuple[RouteRule, ...]) -> tuple[tuple[_Condition, ...], ...]:
    """Return, for each urgent rule that has some, the conditions that look at the mention alone."""
    urgent = [rule for rule in rules if rule.priority is Priority.URGENT]
    found = [
        (
            _followers(rule.followers_min),
            _phrase(rule.phrase),
            _one_of("channel", rule.channel, lambda seen: (seen.mention.channel,)),
            _one_of("platform", rule.platform, lambda seen: (seen.mention.platform,)),
        )
        for rule in urgent
    ]
    kept = (tuple(condition for condition in conditions if condition) for conditions in found)
    return tuple(conditions for conditions in kept if conditions)


@dataclass(frozen=True)
class _Seen:
    """What the conditions look at."""

    mention: Mention
    tagging: Tagging
    customer: Customer

    @cached_property
    def text(self) -> str:
        return _folded(self.mention.text)

    @property
    def language(self) -> str:
        """The tagger's word for it; the platform's where the tagger has none."""
        told = self.tagging.language
        return (self.mention.language if told in {"", UNDETERMINED} else told).casefold()


_Condition: TypeAlias = Callable[[_Seen], str]
"""Says in words what it found to hold; empty when it does not."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """One rule of the config, with the conditions it sets."""

    rule: RouteRule
    name: str
    conditions: tuple[_Condition, ...]

    def why(self, seen: _Seen) -> str:
        """Say in words what matched; empty when a condition does not hold."""
        found = []
        for condition in self.conditions:
            words = condition(seen)
            if not words:
                return ""
            found.append(words)
        title = f"rule '{self.name}'" if self.rule.name else self.name
        return f"{title}: {' and '.join(found)}" if found else "no earlier rule matched"


@lru_cache(maxsize=64)
def _compiled(rules: tuple[RouteRule, ...]) -> tuple[_Rule, ...]:
    return tuple(
        _Rule(rule, rule.name or f"route {number}", _conditions(rule)) for number, rule in enumerate(rules, start=1)
    )


def _conditions(rule: RouteRule) -> tuple[_Condition, ...]:
    """Return the conditions that ``rule`` sets, in the order ``why`` tells them: who, what, where, how sure."""
    candidates = (
        _followers(rule.followers_min),
        _one_of("segment", rule.segment, lambda seen: (seen.customer.segment.casefold(),)),
        _one_of("tag", rule.tag, lambda seen: seen.tagging.tags),
        _one_of("reason", rule.reason, lambda seen: (seen.tagging.reason,)),
        _phrase(rule.phrase),
        _one_of("channel", rule.channel, lambda seen: (seen.mention.channel,)),
        _one_of("platform", rule.platform, lambda seen: (seen.mention.platform,)),
        _language(rule.language),
        _confidence_min(rule.confidence_min),
        _confidence_below(rule.confidence_below),
    )
    return tuple(condition for condition in candidates if condition)


def _one_of(noun: str, wanted: Sequence[str], found: Callable[[_Seen], Sequence[str]]) -> _Condition | None:
    folded = {name.casefold(): name for name in wanted}

    def condition(seen: _Seen) -> str:
        name = next((folded[value] for value in found(seen) if value in folded), "")
        return f"{noun} is {name}" if name else ""

    return condition if wanted else None


def _language(wanted: Sequence[str]) -> _Condition | None:
    def condition(seen: _Seen) -> str:
        name = next((name for name in wanted if _speaks(seen.language, name.casefold())), "")
        return f"language is {name}" if name else ""

    return condition if wanted else None


def _speaks(language: str, wanted: str) -> bool:
    """True when they are the same, or ``language`` is a regional form of it: ``pt-br`` is ``pt``."""
    return language == wanted or language.startswith(f"{wanted}-")


def _phrase(phrases: Sequence[str]) -> _Condition | None:
    folded = [(_folded(phrase), phrase) for phrase in phrases]

    def condition(seen: _Seen) -> str:
        phrase = next((phrase for wanted, phrase in folded if _holds(seen.text, wanted)), "")
        return f"it says '{phrase}'" if phrase else ""

    return condition if phrases else None


def _followers(least: int | None) -> _Condition | None:
    def condition(seen: _Seen) -> str:
        followers = seen.mention.author.followers
        return f"followers {followers:,} ≥ {least:,}" if followers is not None and followers >= (least or 0) else ""

    return condition if least is not None else None


def _confidence_min(least: float | None) -> _Condition | None:
    def condition(seen: _Seen) -> str:
        confidence = seen.tagging.confidence
        return f"confidence {_rounded_down(confidence)} ≥ {least:g}" if confidence >= (least or 0) else ""

    return condition if least is not None else None


def _confidence_below(limit: float | None) -> _Condition | None:
    def condition(seen: _Seen) -> str:
        confidence = seen.tagging.confidence
        return f"confidence {_rounded_down(confidence)} < {limit:g}" if confidence < (limit or 0) else ""

    return condition if limit is not None else None


def _rounded_down(confidence: float) -> str:
    """Two digits, never rounded up: 0.699 below a limit of 0.7 must not read as 0.70."""
    return f"{math.floor(confidence * 100) / 100:.2f}"


_ALIKE = str.maketrans(
    {
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
        "\N{VARIATION SELECTOR-16}": "",  # asks for the coloured form of a sign
        # Turkish i, with and without its dot, which case folding keeps apart.
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
        "\N{COMBINING DOT ABOVE}": "",
    }
)


def _folded(text: str) -> str:
    """Return ``text`` so that two writings of the same words are equal: case, accents, quotes, spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().translate(_ALIKE).split())


def _holds(text: str, phrase: str) -> bool:
    """True when ``phrase`` stands in ``text`` as whole words; both are folded."""
    at = text.find(phrase) if phrase else -1
    while at >= 0:
        if _is_border(text, at) and _is_border(text, at + len(phrase)):
            return True
        at = text.find(phrase, at + 1)
    return False


def _is_border(text: str, at: int) -> bool:
    """True when no word runs across the place before ``text[at]``.

    The border of regular expressions does not do: it sees one before the vowel signs of Hindi.
    """
    if at in {0, len(text)}:
        return True
    left, right = text[at - 1], text[at]
    if _is_mark(right):
        return False
    if not (_is_of_word(left) and _is_of_word(right)):
        return True
    return any(unicodedata.name(letter, "").startswith(_UNSPACED_SCRIPTS) for letter in (left, right))


def _is_mark(letter: str) -> bool:
    return unicodedata.category(letter).startswith("M")


def _is_of_word(letter: str) -> bool:
    return letter.isalnum() or letter == "_" or _is_mark(letter)
