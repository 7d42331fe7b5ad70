"""Tagging: one file a method, and the shipped model.

Nothing heavy is imported before a tagger is first asked to tag.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bot.domain import Tagger

SHIPPED = Path(__file__).parent / "model"
"""The folder of the model that comes with the product."""

TAGGERS: Mapping[str, str] = {
    "shipped": "classifiers.onnx:OnnxTagger",
    "transformer": "classifiers.transformer:TransformerTagger",
}
"""Name → ``module:class``. The first also reads any folder of the same form; see :func:`load`."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the operator decides about tagging.

    ``reasons`` maps a reason's id to phrases that mean it. A reason less probable than ``reason_min_confidence``
    is not named; a tagging less certain than ``review_below`` asks for a person.
    """

    reasons: Mapping[str, Sequence[str]]
    review_below: float
    reason_min_confidence: float = 0.0
    threads: int = 1
    learnt: Path | None = None
    """File of what corrections taught about reasons; see :mod:`classifiers.learnt`."""


class LoadableTagger(Tagger, Protocol):
    """A tagger that can be told to load now rather than at the first text."""

    def load(self) -> None:
        """Read the model; does nothing the second time.

        Raises:
            ClassifierError: it is missing or damaged, or a package it needs is not installed.
        """
        ...


def load(  # what an operator decides about tagging
    model: str,
    *,
    reasons: Mapping[str, Sequence[str]],
    review_below: float,
    reason_min_confidence: float = 0.0,
    threads: int = 1,
    learnt: Path | None = None,
) -> LoadableTagger:
    """Return the tagger called ``model``; its weights are read at the first text.

    ``model`` is ``shipped``, a folder with a model of the same form, or ``transformer:`` and the path or name of
    a Hugging Face sequence classifier.

    Raises:
        ClassifierError: there is no such model.
    """
    kind, _, name = model.partition(":") if model.startswith("transformer:") else ("shipped", "", model)
    module, _, attribute = TAGGERS[kind].partition(":")
    tagger_class = getattr(importlib.import_module(module), attribute)
    options = Options(reasons, review_below, reason_min_confidence, threads, learnt)
    tagger: LoadableTagger = tagger_class(SHIPPED if name == "shipped" else name, options)
    return tagger
