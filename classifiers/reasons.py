"""The reason of a mention: the one of the taxonomy whose example phrases mean most nearly the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from bot.domain import UNCLASSIFIED
from classifiers.calibration import logistic
from classifiers.learnt import Learnt
from classifiers.manifest import ReasonScale
from classifiers.text import clean
from classifiers.windows import Floats

_NEARLY_NOTHING = 1e-9
PHRASES_WEIGH = 10
"""So many corrected texts weigh as much as a reason's phrases do.

Chosen of 0, 2, 5, 10, 20 and 40 on development data of two sets by what 5 and 20 texts a reason bring. With weights
under 5 a few corrections made reasons worse than none did.
"""


class Reading(Protocol):
    """What turns cleaned texts into logits and unit sentence vectors: :class:`classifiers.network.Network`."""

    def read(self, texts: Sequence[str]) -> list[tuple[Floats, Floats]]:
        """Return logits and vector of each text, same order."""
        ...


class ReasonFinder:
    """Compares sentence vectors with the middle of each reason's phrases and of the texts that people gave it."""

    def __init__(
        self,
        reasons: Mapping[str, Sequence[str]],
        network: Reading,
        scale: ReasonScale,
        least: float,
        learnt: Learnt | None = None,
    ) -> None:
        self._names = [name for name, phrases in reasons.items() if phrases]
        middles = [_middle(_mean(network, reasons[name]), name, learnt or Learnt()) for name in self._names]
        self._middles = _unit(middles) if middles else None
        self._scale = scale
        self._least = max(least, scale.floor)

    def find(self, vector: Floats) -> tuple[str, float]:
        """Return the reason of a unit vector and how probably it is right; ``unclassified`` below the least."""
        if self._middles is None:
            return UNCLASSIFIED, 0.0
        name, likeness, lead = self.nearest(vector)
        chance = logistic(self._scale.likeness * likeness + self._scale.lead * lead + self._scale.offset)
        return (name if chance >= self._least else UNCLASSIFIED), chance

    def nearest(self, vector: Floats) -> tuple[str, float, float]:
        """Return the nearest reason, its cosine with the vector, and its lead on the second nearest."""
        if self._middles is None:
            return UNCLASSIFIED, 0.0, 0.0
        cosines = [float(cosine) for cosine in self._middles @ vector]
        best = max(range(len(cosines)), key=cosines.__getitem__)
        second = max((cosine for place, cosine in enumerate(cosines) if place != best), default=0.0)
        return self._names[best], cosines[best], cosines[best] - second


def _mean(network: Reading, phrases: Sequence[str]) -> Floats:
    vectors = [vector for _, vector in network.read([clean(phrase) for phrase in phrases])]
    return np.asarray(np.mean(vectors, axis=0), dtype=np.float32)


def _middle(phrases: Floats, name: str, learnt: Learnt) -> Floats:
    """Return the phrases' middle, drawn towards that of the corrected texts the more the more of them there are."""
    own: Floats = _unit([phrases])[0]
    count, taught = learnt.counts.get(name, 0), learnt.means.get(name)
    if taught is None:
        return own
    weighted = PHRASES_WEIGH * own + count * _unit([taught])[0]
    return np.asarray(weighted / (PHRASES_WEIGH + count), dtype=np.float32)


def _unit(rows: Sequence[Floats]) -> Floats:
    stacked = np.stack(rows)
    lengths = np.linalg.norm(stacked, axis=1, keepdims=True)
    return np.asarray(stacked / np.maximum(lengths, _NEARLY_NOTHING), dtype=np.float32)
