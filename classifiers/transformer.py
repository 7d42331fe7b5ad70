"""Any Hugging Face sequence classifier as tagger, run by torch; needs the ``train`` extra."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.domain import UNCLASSIFIED, Tag, Tagging
from bot.errors import ClassifierError
from classifiers import SHIPPED, Options
from classifiers.answers import blank, review
from classifiers.calibration import Decision, Scale, decide
from classifiers.language import detect
from classifiers.onnx import OnnxTagger
from classifiers.text import clean

_ALIASES = {"negative": Tag.COMPLAINT, "positive": Tag.PRAISE, "question": Tag.REQUEST}
_HALF = dict.fromkeys(Tag, 0.5)
_AS_IT_IS = Scale(1.0, 0.0)
_BATCH = 16
_TOKENS_MAX = 512
_OVERLAP = 32


@dataclass(frozen=True, slots=True)
class _Loaded:
    """The classifier in memory. ``places`` are the outputs that speak for a tag."""

    tokenizer: Any
    model: Any
    places: Mapping[Tag, list[int]]
    tokens: int
    is_multi_label: bool


class TransformerTagger:
    """Tags with the classifier at a path or of a name, such as ``./mine`` or ``some/name#LABEL_0=complaint``.

    Its labels are matched with our tags by name; what follows ``#`` maps others, separated by commas. It has no
    sentence vector to find reasons with, so these come from the shipped encoder. Its probabilities are as the model
    gives them, not calibrated.
    """

    def __init__(self, name: str, options: Options) -> None:
        self._name, _, mapping = name.partition("#")
        self._mapping = _parse(mapping)
        self._options = options
        self._reasons = OnnxTagger(SHIPPED, options)
        self._busy = threading.Lock()
        self._loaded: _Loaded | None = None
        self.version = f"{_short(self._name)}+{hashlib.sha256((name + self._reasons.version).encode()).hexdigest()[:8]}"

    def load(self) -> None:
        """Read the model; does nothing the second time.

        Raises:
            ClassifierError: torch is not installed, the model can't be read, or no label of it means one of our tags.
        """
        with self._busy:
            self._loaded = self._loaded or _load(self._name, self._mapping)

    def tag(self, texts: Sequence[str]) -> list[Tagging]:
        """Return one tagging a text: n texts → n taggings, same order. Any text is accepted."""
        self.load()
        spoken = [place for place, text in enumerate(texts) if clean(text)]
        scores = dict(zip(spoken, self._scores([_encodable(texts[place]) for place in spoken]), strict=True))
        reasons = dict(zip(spoken, self._reasons.find_reasons([texts[place] for place in spoken]), strict=True))
        return [
            self._tagging(text, scores[place], reasons[place]) if place in scores else blank(self.version)
            for place, text in enumerate(texts)
        ]

    def _scores(self, texts: Sequence[str]) -> Iterator[dict[Tag, float]]:
        for start in range(0, len(texts), _BATCH):
            with self._busy:  # the Python tokenizer keeps state while it runs
                yield from _read(self._loaded, texts[start : start + _BATCH])

    def _tagging(self, text: str, scores: dict[Tag, float], reason: tuple[str, float]) -> Tagging:
        decision, language = self._decided(scores), detect(text)
        found, chance = reason if decision.tags else (UNCLASSIFIED, 0.0)
        return Tagging(
            scores=scores,
            tags=decision.tags,
            primary=decision.primary,
            confidence=decision.confidence,
            reason=found,
            reason_confidence=chance,
            language=language,
            model=self.version,
            review=review(decision, below=self._options.review_below, language=language, measured=frozenset()),
        )

    def _decided(self, scores: Mapping[Tag, float]) -> Decision:
        decision = decide(scores, _HALF, _AS_IT_IS)
        if self._loaded is not None and self._loaded.is_multi_label:
            return decision
        certainty = scores[decision.primary] if decision.primary else 1.0 - sum(scores.values())
        return Decision(decision.tags, decision.primary, min(max(certainty, 0.0), 1.0))


def _load(name: str, mapping: Mapping[str, Tag]) -> _Loaded:
    try:
        import torch  # noqa: F401  # transformers alone fails later, and less clearly
        from transformers import AutoModelForSequenceClassification, AutoTokenizer
    except ImportError as error:
        raise ClassifierError(
            "[tagger] model = transformer:… needs torch: install it with pip install 'earmark[train]'", permanent=True
        ) from error
    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
        model = AutoModelForSequenceClassification.from_pretrained(name).eval()
    except (OSError, ValueError) as error:
        raise ClassifierError(f"{name} can't be read as a sequence classifier ({error})", permanent=True) from error
    limits = (
        _TOKENS_MAX,
        int(tokenizer.model_max_length),
        int(getattr(model.config, "max_position_embeddings", _TOKENS_MAX)),
    )
    is_multi_label = model.config.problem_type == "multi_label_classification"
    return _Loaded(tokenizer, model, _places(model.config.id2label, mapping, name), min(limits), is_multi_label)


def _places(labels: Mapping[int, str], mapping: Mapping[str, Tag], name: str) -> dict[Tag, list[int]]:
    known = {**{tag.value: tag for tag in Tag}, **_ALIASES, **mapping}
    places: dict[Tag, list[int]] = {tag: [] for tag in Tag}
    for place, label in labels.items():
        if label.casefold() in known:
            places[known[label.casefold()]].append(int(place))
    if not any(places.values()):
        raise ClassifierError(
            f"none of the labels of {name} ({', '.join(labels.values())}) means complaint, praise or request: "
            f"map them, as in transformer:{name}#{next(iter(labels.values()))}=complaint",
            permanent=True,
        )
    return places


def _read(loaded: _Loaded | None, texts: Sequence[str]) -> Iterator[dict[Tag, float]]:
    """Yield the tags' probabilities of each text; a long text is read in windows, the strongest of which counts."""
    import torch

    if loaded is None:
        return
    rows = loaded.tokenizer(
        list(texts),
        truncation=True,
        max_length=loaded.tokens,
        stride=min(_OVERLAP, loaded.tokens // 4),
        return_overflowing_tokens=True,
        padding=True,
        return_tensors="pt",
    )
    owners = rows.pop("overflow_to_sample_mapping")
    with torch.no_grad():
        logits = loaded.model(**rows).logits
    chances = torch.sigmoid(logits) if loaded.is_multi_label else torch.softmax(logits, dim=-1)
    for place in range(len(texts)):
        strongest = chances[owners == place].amax(dim=0)
        yield {tag: min(1.0, float(strongest[outputs].sum())) for tag, outputs in loaded.places.items()}


def _parse(mapping: str) -> dict[str, Tag]:
    try:
        pairs = [pair.split("=") for pair in mapping.split(",") if pair]
        return {label.strip().casefold(): Tag(tag.strip()) for label, tag in pairs}
    except ValueError as error:
        raise ClassifierError(
            f"#{mapping} maps no labels: write LABEL=complaint, LABEL=praise or LABEL=request, separated by commas",
            permanent=True,
        ) from error


def _encodable(text: str) -> str:
    """Return ``text`` without lone surrogates, which tokenizers refuse."""
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _short(name: str) -> str:
    return Path(name).name or name
