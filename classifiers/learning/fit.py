"""What is fitted after training, on texts the network never learnt from: scales, thresholds, the reasons' scale."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.domain import Tag
from classifiers import SHIPPED
from classifiers.calibration import Scale, chance_of, decide, logit
from classifiers.language import UNDETERMINED, detect
from classifiers.learning.own import Own, of_part
from classifiers.manifest import ReasonScale, read_manifest, write_manifest
from classifiers.measured import Labelled, airline_reasons, bank_reasons, complaint_tweets, hand_labelled, labelled
from classifiers.metrics import score
from classifiers.network import Network
from classifiers.reason_phrases import AIRLINE, BANK
from classifiers.reasons import ReasonFinder

log = logging.getLogger(__name__)
Array = NDArray[np.float64]

_GRID = [step / 100 for step in range(30, 66, 2)]
_RIDGE = 1e-2
_NEWTON_STEPS = 30
_FLOOR = 0.4
"""A reason less probable than this is not named; the operator can ask for more certainty, not for less."""
_MEASURED_MIN = 30
LANGUAGES = ("en",)
"""What the public data sets are written in."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """Everything between a network's logits and a tagging."""

    scales: Mapping[Tag, Scale]
    thresholds: Mapping[Tag, float]
    certainty: Scale

    def scores(self, logits: Sequence[float]) -> dict[Tag, float]:
        """Return calibrated probabilities of logits in the order of ``Tag``."""
        return {tag: self.scales[tag](float(logits[place])) for place, tag in enumerate(Tag)}


def calibrate(data: Path | None, out: Path, described: Mapping[str, Any], own: Sequence[Own] = ()) -> None:
    """Fit on development data what the model folder ``out`` lacks, and write its manifest.

    Without the public data sets in ``data`` a company's ``own`` labels serve alone; how likeness becomes the
    probability of a reason is then taken from the shipped model.
    """
    write_manifest(out, {**described, **_content(_NEUTRAL, ReasonScale(0, 0, 0, 0), LANGUAGES)})
    network = Network(out, read_manifest(out))
    rows = [labelled(label) for label in of_part(own, "dev")] + (hand_labelled(data, "dev") if data else [])
    tweets = complaint_tweets(data, "dev") if data else []
    fitted = fit(rows, _logits(network, rows), tweets, _logits(network, tweets))
    reason = _fit_reasons(network, data) if data else read_manifest(SHIPPED).reason
    log.info("%s %s", fitted, reason)
    languages = sorted({*(LANGUAGES if data else ()), *_measured_languages(own)})
    write_manifest(out, {**described, **_content(fitted, reason, languages)})


def _measured_languages(own: Sequence[Own]) -> list[str]:
    """Return the languages in which enough of the labels are measured on to say how good the model is in them."""
    found = Counter(detect(label.text) for label in of_part(own, "test"))
    return [language for language, count in found.items() if count >= _MEASURED_MIN and language != UNDETERMINED]


def fit(rows: Sequence[Labelled], logits: Array, tweets: Sequence[Labelled], tweet_logits: Array) -> Fitted:
    """Return what fits ``rows`` (all tags known) best, complaint also using ``tweets``; logits are ``(n, tags)``."""
    scales = {}
    for place, tag in enumerate(Tag):
        values, truth = logits[:, place], [tag in row.tags for row in rows]
        if tag is Tag.COMPLAINT and tweets:
            values, truth = np.append(values, tweet_logits[:, place]), truth + [tag in row.tags for row in tweets]
        slope, offset = logistic_fit(values[:, None], np.array(truth))
        scales[tag] = Scale(slope, offset)
    thresholds = {tag: _threshold(scales[tag], logits[:, place], tag, rows) for place, tag in enumerate(Tag)}
    return Fitted(scales, thresholds, _certainty(Fitted(scales, thresholds, Scale(1.0, 0.0)), rows, logits))


def logistic_fit(features: Array, truth: NDArray[np.bool_]) -> list[float]:
    """Return weights and offset of a ridge logistic regression; shapes ``(n, k)`` and ``(n,)`` → k + 1 numbers."""
    inputs = np.hstack([features, np.ones((len(features), 1))])
    weights = np.zeros(inputs.shape[1])
    penalty = _RIDGE * np.eye(len(weights))
    for _ in range(_NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        slope = inputs.T @ (truth - chance) - penalty @ weights
        curve = (inputs * (chance * (1 - chance))[:, None]).T @ inputs + penalty
        weights = weights + np.linalg.solve(curve, slope)
    return [round(float(weight), 4) for weight in weights]


def _threshold(scale: Scale, logits: Array, tag: Tag, rows: Sequence[Labelled]) -> float:
    """Return the middle of the thresholds with nearly the best F1: the best one alone would be chance."""
    truth = [tag in row.tags for row in rows]
    f1 = {least: score([scale(value) >= least for value in logits], truth).f1 for least in _GRID}
    good = [least for least, value in f1.items() if value >= max(f1.values()) - 0.005]
    return round(float(np.median(good)), 2)


def _certainty(fitted: Fitted, rows: Sequence[Labelled], logits: Array) -> Scale:
    raw, right = [], []
    for row, values in zip(rows, logits, strict=True):
        scores = fitted.scores(values)
        primary = decide(scores, fitted.thresholds, fitted.certainty).primary
        raw.append(logit(chance_of(scores, primary)))
        right.append(primary == row.primary)
    slope, offset = logistic_fit(np.array(raw)[:, None], np.array(right))
    return Scale(slope, offset)


def _fit_reasons(network: Network, data: Path) -> ReasonScale:
    """Fit how probably the nearest reason is right, with mentions among them that have none of the reasons."""
    features, right = [], []
    bank = {name: phrases for name, (phrases, _) in BANK.items()}
    for phrases, rows in ((AIRLINE, airline_reasons(data, "dev", with_none=True)), (bank, bank_reasons(data, "dev"))):
        finder = ReasonFinder(phrases, network, ReasonScale(0, 0, 0, 0), 0.0)
        for (_, vector), (_, true) in zip(network.read([text for text, _ in rows]), rows, strict=True):
            name, likeness, lead = finder.nearest(vector)
            features.append((likeness, lead))
            right.append(name == true)
    likeness, lead, offset = logistic_fit(np.array(features), np.array(right))
    return ReasonScale(likeness, lead, offset, _FLOOR)


def _logits(network: Network, rows: Sequence[Labelled]) -> Array:
    read = network.read([row.cleaned for row in rows])
    return np.array([logits for logits, _ in read], dtype=np.float64).reshape(-1, len(Tag))


def _content(fitted: Fitted, reason: ReasonScale, languages: Sequence[str]) -> dict[str, Any]:
    return {
        "scales": {tag.value: asdict(scale) for tag, scale in fitted.scales.items()},
        "thresholds": {tag.value: value for tag, value in fitted.thresholds.items()},
        "certainty": asdict(fitted.certainty),
        "reason": asdict(reason),
        "languages": list(languages),
    }


_NEUTRAL = Fitted(dict.fromkeys(Tag, Scale(1.0, 0.0)), dict.fromkeys(Tag, 0.5), Scale(1.0, 0.0))
