"""The sentences and the empty answer that all taggers share."""

from __future__ import annotations

from bot.domain import UNCLASSIFIED, Tag, Tagging
from classifiers.calibration import Decision
from classifiers.language import UNDETERMINED

NOTHING_TO_READ = "There are no words in it to judge."


def blank(version: str) -> Tagging:
    """Return the tagging of a text without words: no tag, no certainty, and a person should look."""
    return Tagging(
        scores=dict.fromkeys(Tag, 0.0),
        tags=(),
        primary=None,
        confidence=0.0,
        reason=UNCLASSIFIED,
        reason_confidence=0.0,
        language=UNDETERMINED,
        model=version,
        review=NOTHING_TO_READ,
    )


def review(decision: Decision, *, below: float, language: str, measured: frozenset[str]) -> str:
    """Return why a person should look; empty when none needs to. An undetermined language is no reason."""
    if measured and language not in measured | {UNDETERMINED}:
        return f"Its language ({language}) is not one the tagger was measured on."
    if decision.confidence < below:
        return f"The tagger is only {decision.confidence:.0%} sure that this is {_PHRASES[decision.primary]}."
    return ""


_PHRASES = {
    Tag.COMPLAINT: "a complaint",
    Tag.REQUEST: "a request",
    Tag.PRAISE: "praise",
    None: "neither complaint, praise nor request",
}
