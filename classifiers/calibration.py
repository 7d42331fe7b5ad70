"""From a network's logits to probabilities that can be believed, and to a decision."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain import Tag

_NEAR_CERTAIN = 1e-6
_LOGIT_MAX = 40.0


@dataclass(frozen=True, slots=True)
class Scale:
    """A Platt scale: probability = logistic(slope · logit + offset), fitted on data the network never saw."""

    slope: float
    offset: float

    def __call__(self, value: float) -> float:
        """Return the calibrated probability of a logit."""
        return logistic(self.slope * value + self.offset)


@dataclass(frozen=True, slots=True)
class Decision:
    """What to call a mention, and how probably that is right."""

    tags: tuple[Tag, ...]
    primary: Tag | None
    confidence: float


def logistic(value: float) -> float:
    """Return 1 / (1 + e^-value), without overflow."""
    return 1.0 / (1.0 + math.exp(-min(max(value, -_LOGIT_MAX), _LOGIT_MAX)))


def logit(probability: float) -> float:
    """Return the inverse of :func:`logistic`, finite at both ends."""
    inside = min(max(probability, _NEAR_CERTAIN), 1.0 - _NEAR_CERTAIN)
    return math.log(inside / (1.0 - inside))


def decide(scores: Mapping[Tag, float], thresholds: Mapping[Tag, float], certainty: Scale) -> Decision:
    """Return the tags that pass their thresholds; the first of complaint, request, praise is primary.

    That order is the labelling guideline's: a complaint with thanks in it is a complaint to whoever answers.
    """
    tags = tuple(tag for tag in PRECEDENCE if scores[tag] >= thresholds[tag])
    primary = tags[0] if tags else None
    return Decision(tags, primary, certainty(logit(chance_of(scores, primary))))


def chance_of(scores: Mapping[Tag, float], primary: Tag | None) -> float:
    """Return the probability that ``primary`` is the first true tag by precedence, were tags independent."""
    chance = 1.0
    for tag in PRECEDENCE:
        if tag is primary:
            return chance * scores[tag]
        chance *= 1.0 - scores[tag]
    return chance


PRECEDENCE = (Tag.COMPLAINT, Tag.REQUEST, Tag.PRAISE)
