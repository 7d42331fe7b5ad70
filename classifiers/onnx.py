"""The tagger that ships: a small encoder in int8, on one CPU core, without a network and without torch."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.domain import UNCLASSIFIED, Tag, Tagging
from classifiers import Options
from classifiers.answers import blank, review
from classifiers.calibration import decide
from classifiers.language import detect
from classifiers.manifest import NETWORK, Manifest, read_manifest
from classifiers.text import clean

if TYPE_CHECKING:
    from classifiers.learnt import Learnt
    from classifiers.network import Network
    from classifiers.reasons import ReasonFinder
    from classifiers.windows import Floats


@dataclass(frozen=True, slots=True)
class _Loaded:
    """The parts that are read from disk."""

    network: Network
    reasons: ReasonFinder


class OnnxTagger:
    """Tags with the model in ``folder``, which its ``tagger.json`` describes. Threads may share it."""

    def __init__(self, folder: str | Path, options: Options) -> None:
        self._folder = Path(folder)
        self._options = options
        self._manifest = read_manifest(self._folder)
        self._learnt = _learnt(options.learnt, self.network_digest)
        self._loading = threading.Lock()
        self._loaded: _Loaded | None = None
        self.version = _version(self._manifest, options, self._learnt)

    @property
    def network_digest(self) -> str:
        """SHA-256 of the network, by which vectors of two models are told apart."""
        return self._manifest.files[NETWORK]

    def load(self) -> None:
        """Read tokenizer, network and the reasons' phrases; does nothing the second time.

        Raises:
            ClassifierError: a file is missing or damaged.
        """
        self._parts()

    def tag(self, texts: Sequence[str]) -> list[Tagging]:
        """Return one tagging a text: n texts → n taggings, same order. Any text is accepted.

        A text's tagging does not depend on the others it comes with.
        """
        parts = self._parts()
        cleaned = [clean(text) for text in texts]
        read = iter(parts.network.read([text for text in cleaned if text]))
        return [
            self._tagging(text, *next(read), parts.reasons) if words else blank(self.version)
            for text, words in zip(texts, cleaned, strict=True)
        ]

    def find_reasons(self, texts: Sequence[str]) -> list[tuple[str, float]]:
        """Return the reason of each text and how probably it is right."""
        parts = self._parts()
        return [parts.reasons.find(vector) for _, vector in parts.network.read([clean(text) for text in texts])]

    def vectors(self, texts: Sequence[str]) -> list[Floats]:
        """Return the unit sentence vector of each text."""
        return [vector for _, vector in self._parts().network.read([clean(text) for text in texts])]

    def logits(self, texts: Sequence[str]) -> list[list[float]]:
        """Return what the network says of each text, in the order of ``Tag``, before calibration."""
        network = self._parts().network
        return [logits.tolist() for logits, _ in network.read([clean(text) for text in texts])]

    def nearest_reasons(self, texts: Sequence[str]) -> list[tuple[str, float]]:
        """Return the same, naming the nearest reason even where that is more probably wrong; for measuring."""
        parts = self._parts()
        return [
            (parts.reasons.nearest(vector)[0], parts.reasons.find(vector)[1])
            for _, vector in parts.network.read([clean(text) for text in texts])
        ]

    def _parts(self) -> _Loaded:
        with self._loading:
            if self._loaded is None:
                self._loaded = _load(self._folder, self._manifest, self._options, self._learnt)
            return self._loaded

    def _tagging(self, text: str, logits: Floats, vector: Floats, reasons: ReasonFinder) -> Tagging:
        manifest = self._manifest
        scores = {tag: manifest.scales[tag](float(logits[place])) for place, tag in enumerate(Tag)}
        decision = decide(scores, manifest.thresholds, manifest.certainty)
        reason, chance = reasons.find(vector) if decision.tags else (UNCLASSIFIED, 0.0)
        language = detect(text)
        return Tagging(
            scores=scores,
            tags=decision.tags,
            primary=decision.primary,
            confidence=decision.confidence,
            reason=reason,
            reason_confidence=chance,
            language=language,
            model=self.version,
            review=review(decision, below=self._options.review_below, language=language, measured=manifest.languages),
        )


def _learnt(path: Path | None, network: str) -> Learnt | None:
    if path is None:
        return None
    from classifiers.learnt import read_learnt

    return read_learnt(path, network)


def _load(folder: Path, manifest: Manifest, options: Options, learnt: Learnt | None) -> _Loaded:
    from classifiers.network import Network
    from classifiers.reasons import ReasonFinder

    network = Network(folder, manifest, threads=options.threads)
    least = options.reason_min_confidence
    return _Loaded(network, ReasonFinder(options.reasons, network, manifest.reason, least, learnt))


def _version(manifest: Manifest, options: Options, learnt: Learnt | None) -> str:
    """Return a name that differs wherever a tagging could: another model, other reasons, another review threshold."""
    reasons = {name: list(phrases) for name, phrases in options.reasons.items()}
    decided = [manifest.digest, reasons, options.review_below, options.reason_min_confidence]
    if learnt is not None:
        decided.append(learnt.digest)
    return f"{manifest.name}+{hashlib.sha256(json.dumps(decided).encode()).hexdigest()[:8]}"
