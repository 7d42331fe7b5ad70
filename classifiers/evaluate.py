"""Measures a tagger, or two against each other: ``python -m classifiers.evaluate --data ../shared/data``."""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bot.domain import Tag, Tagger, Tagging
from bot.errors import EarmarkError, InputError
from classifiers import compare
from classifiers.calibration import logistic
from classifiers.compare import AIRLINE_CLASSES, Texts, called, f1, load, primaries
from classifiers.learning.own import of_part, read_own
from classifiers.measured import (
    Labelled,
    airline_reasons,
    airline_tweets,
    bank_reasons,
    complaint_tweets,
    gold,
    hand_labelled,
    labelled,
)
from classifiers.metrics import Indices, Interval, accuracy, bootstrap, calibration_error, macro_f1, score
from classifiers.onnx import OnnxTagger
from classifiers.reason_phrases import AIRLINE, BANK

NOTHING_TO_MEASURE_ON = (
    "there is nothing to measure on: give the folder of the public data sets with --data, or labels of your own with "
    "--own (of ten texts two are held back for measuring)"
)
Figures = dict[str, dict[str, Interval]]
CEILING_LABELS = 1200
"""How many labelled texts the supervised ceiling of reasons learns from."""
_RIDGE = 1.0
_SEED = 11


def evaluate(model: str, texts: Texts) -> Figures:
    """Return every figure of the model card: part → name → figure with its interval.

    Raises:
        InputError: the data sets are not in the folder, or there is nothing to measure on.
        ClassifierError: there is no such model.
    """
    parts = _on_public(model, texts.data) if texts.data else {}
    rows = of_part(texts.own, "test")
    if rows:
        taggings = load(model, texts.reasons).tag([row.text for row in rows])
        parts["own labels"] = on_gold([labelled(row) for row in rows], taggings)
    if not parts:
        raise InputError(NOTHING_TO_MEASURE_ON)
    return parts


def _on_public(model: str, data: Path) -> Figures:
    tagger = load(model, {})
    parts = {}
    for name, rows in (("gold", gold(data)), ("hand labels", hand_labelled(data, "test"))):
        parts[name] = on_gold(rows, tagger.tag([row.text for row in rows])) | before_scaling(rows, tagger)
    parts["complaint tweets"] = on_complaints(complaint_tweets(data, "test"), tagger)
    parts["airline tweets"] = on_airline(airline_tweets(data, "test"), tagger)
    bank = {name: phrases for name, (phrases, _) in BANK.items()}
    for name, phrases, read in (("airline", AIRLINE, airline_reasons), ("bank", bank, bank_reasons)):
        parts[f"{name} reasons"] = on_reasons(read(data, "test"), read(data, "train"), load(model, phrases))
    return parts


def on_gold(rows: Sequence[Labelled], taggings: Sequence[Tagging]) -> dict[str, Interval]:
    """Return F1 by tag, by primary tag and by data set, and calibration errors, where all tags are known."""
    said, true = primaries(taggings), [called(row.primary) for row in rows]
    figures = {"primary macro F1": _over(macro_f1, said, true), "primary accuracy": _over(accuracy, said, true)}
    for tag in Tag:
        figures |= _of_tag(tag, taggings, rows)
    for name in sorted(set(true)):
        figures[f"primary {name} F1"] = _over(f1, [one == name for one in said], [one == name for one in true])
    figures["confidence calibration error"] = _over(
        calibration_error,
        [tagging.confidence for tagging in taggings],
        [one == other for one, other in zip(said, true, strict=True)],
    )
    for source in sorted({row.source for row in rows}):
        places = [place for place, row in enumerate(rows) if row.source == source]
        figures[f"accuracy on {source} ({len(places)})"] = _over(
            accuracy, [said[place] for place in places], [true[place] for place in places]
        )
    return figures


def before_scaling(rows: Sequence[Labelled], tagger: Tagger) -> dict[str, Interval]:
    """Return the calibration error by tag of the network's own probabilities, where the tagger shows them."""
    if not isinstance(tagger, OnnxTagger):
        return {}
    logits = tagger.logits([row.text for row in rows])
    return {
        f"{tag} calibration error before scaling": _over(
            calibration_error, [logistic(values[place]) for values in logits], [tag in row.tags for row in rows]
        )
        for place, tag in enumerate(Tag)
    }


def on_complaints(rows: Sequence[Labelled], tagger: Tagger) -> dict[str, Interval]:
    """Return macro F1, F1 and calibration error of complaint or not."""
    taggings = tagger.tag([row.text for row in rows])
    said = ["yes" if Tag.COMPLAINT in tagging.tags else "no" for tagging in taggings]
    true = ["yes" if Tag.COMPLAINT in row.tags else "no" for row in rows]
    return {
        "macro F1": _over(macro_f1, said, true),
        "accuracy": _over(accuracy, said, true),
        **_of_tag(Tag.COMPLAINT, taggings, rows),
    }


def on_airline(rows: Sequence[Labelled], tagger: Tagger) -> dict[str, Interval]:
    """Return macro F1 and accuracy of negative, positive, neutral, read from the primary tag."""
    said = [AIRLINE_CLASSES[tagging.primary] for tagging in tagger.tag([row.text for row in rows])]
    true = [AIRLINE_CLASSES[row.primary] for row in rows]
    return {"macro F1": _over(macro_f1, said, true), "accuracy": _over(accuracy, said, true)}


def on_reasons(
    rows: Sequence[tuple[str, str]], labels: Sequence[tuple[str, str]], tagger: Tagger
) -> dict[str, Interval]:
    """Return how often the nearest reason is right, and what others would score on the same ``rows``.

    The floor names the commonest each time; the ceiling has learnt from some of the ``labels``, on the same vectors.
    """
    if not isinstance(tagger, OnnxTagger):
        return {}
    true = [reason for _, reason in rows]
    found = tagger.nearest_reasons([text for text, _ in rows])
    said = [name for name, _ in found]
    commonest = max(set(true), key=true.count)
    figures = {"accuracy": _over(accuracy, said, true), "macro F1": _over(macro_f1, said, true)}
    figures["accuracy of naming the commonest"] = _over(accuracy, [commonest] * len(true), true)
    known = random.Random(_SEED).sample(list(labels), min(len(labels), CEILING_LABELS))
    taught = by_labels(tagger, known, [text for text, _ in rows])
    figures[f"accuracy of {CEILING_LABELS} labels"] = _over(accuracy, taught, true)
    figures["calibration error"] = _over(
        calibration_error,
        [chance for _, chance in found],
        [one == other for one, other in zip(said, true, strict=True)],
    )
    return figures


def by_labels(tagger: OnnxTagger, labels: Sequence[tuple[str, str]], texts: Sequence[str]) -> list[str]:
    """Return the reason of each text by a linear classifier: ridge regression from vectors to labelled reasons."""
    names = sorted({reason for _, reason in labels})
    known = np.array([np.append(vector, 1.0) for vector in tagger.vectors([text for text, _ in labels])])
    wanted = np.array([[float(reason == name) for name in names] for _, reason in labels])
    weights = np.linalg.solve(known.T @ known + _RIDGE * np.eye(known.shape[1]), known.T @ wanted)
    return [names[int((np.append(vector, 1.0) @ weights).argmax())] for vector in tagger.vectors(texts)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code. ``earmark evaluate`` knows corrections too."""
    parser = argparse.ArgumentParser(prog="python -m classifiers.evaluate", description=__doc__)
    parser.add_argument("--model", default="shipped", help="shipped, a model folder, or transformer:NAME")
    parser.add_argument("--against", help="another model, to be compared with it on the same texts")
    parser.add_argument("--data", type=Path, help="folder of the public data sets")
    parser.add_argument("--own", type=Path, help="JSON lines of your own labels; those held back are measured on")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(arguments)
    try:
        own = read_own(given.own) if given.own else []
        sys.stdout.write(report(given.model, given.against, Texts(given.data, own), as_json=given.json))
    except EarmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def report(model: str, against: str | None, texts: Texts, *, as_json: bool) -> str:
    """Return the figures of ``model``, or what is different with ``against``, as a table or as JSON.

    Raises:
        InputError: the data sets are not in the folder, or there is nothing to measure on.
        ClassifierError: there is no such model.
    """
    if against is None:
        parts = evaluate(model, texts)
        return _as_json(parts) if as_json else _as_table(parts)
    compared = compare.compare(model, against, texts)
    if not compared:
        raise InputError(NOTHING_TO_MEASURE_ON)
    shown = compare.as_json if as_json else compare.as_table
    return shown(model, against, compared)


def _of_tag(tag: Tag, taggings: Sequence[Tagging], rows: Sequence[Labelled]) -> dict[str, Interval]:
    said, true = [tag in tagging.tags for tagging in taggings], [tag in row.tags for row in rows]
    return {
        f"{tag} F1": _over(f1, said, true),
        f"{tag} precision": _over(lambda one, other: score(one, other).precision, said, true),
        f"{tag} recall": _over(lambda one, other: score(one, other).recall, said, true),
        f"{tag} calibration error": _over(calibration_error, [tagging.scores[tag] for tagging in taggings], true),
    }


def _over(measure: Callable[[Any, Any], float], said: Sequence[Any], true: Sequence[Any]) -> Interval:
    """Return ``measure`` of two lists of equal length, with its interval."""

    def of(places: Indices) -> float:
        return measure([said[place] for place in places], [true[place] for place in places])

    return bootstrap(len(said), of)


def _as_json(parts: Mapping[str, Mapping[str, Interval]]) -> str:
    plain = {
        part: {name: [figure.value, figure.low, figure.high] for name, figure in figures.items()}
        for part, figures in parts.items()
    }
    return json.dumps(plain, indent=2) + "\n"


def _as_table(parts: Mapping[str, Mapping[str, Interval]]) -> str:
    lines = [f"{part:18} {name:44} {figure}" for part, figures in parts.items() for name, figure in figures.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
