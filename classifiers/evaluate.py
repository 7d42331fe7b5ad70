"""Measures a tagger: ``python -m classifiers.evaluate --model shipped --data ../shared/data``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

import classifiers
from bot.domain import Tag, Tagger, Tagging
from bot.errors import EarmarkError
from classifiers.calibration import decide
from classifiers.learning.fit import cross_fitted
from classifiers.measured import Labelled, airline_reasons, airline_tweets, bank_reasons, complaint_tweets, gold
from classifiers.metrics import Indices, Interval, accuracy, bootstrap, calibration_error, macro_f1, score
from classifiers.onnx import OnnxTagger
from classifiers.reason_phrases import AIRLINE, BANK

OTHER = "other"
_AIRLINE_CLASSES = {Tag.COMPLAINT: "negative", Tag.PRAISE: "positive", Tag.REQUEST: "neutral", None: "neutral"}


def evaluate(model: str, data: Path) -> dict[str, dict[str, Interval]]:
    """Return every figure of the model card: part → name → figure with its interval.

    Raises:
        InputError: the data sets are not in ``data``.
        ClassifierError: there is no such model.
    """
    tagger, rows = _load(model, {}), gold(data)
    parts = {"gold": on_gold(rows, tagger.tag([row.text for row in rows]))}
    if isinstance(tagger, OnnxTagger):
        parts["gold crossed"] = on_gold(rows, _crossed(tagger, rows, complaint_tweets(data, "dev")))
    parts["complaint tweets"] = on_complaints(complaint_tweets(data, "test"), tagger)
    parts["airline tweets"] = on_airline(airline_tweets(data, "test"), tagger)
    parts["airline reasons"] = on_reasons(airline_reasons(data, "test"), _load(model, AIRLINE))
    bank = {name: phrases for name, (phrases, _) in BANK.items()}
    parts["bank reasons"] = on_reasons(bank_reasons(data, "test"), _load(model, bank))
    return parts


def on_gold(rows: Sequence[Labelled], taggings: Sequence[Tagging]) -> dict[str, Interval]:
    """Return F1 by tag, by primary tag and by data set, and calibration errors, where all tags are known."""
    said, true = [_name(tagging.primary) for tagging in taggings], [_name(row.primary) for row in rows]
    figures = {"primary macro F1": _over(macro_f1, said, true), "primary accuracy": _over(accuracy, said, true)}
    for tag in Tag:
        figures |= _of_tag(tag, taggings, rows)
    for name in sorted(set(true)):
        figures[f"primary {name} F1"] = _over(_f1, [one == name for one in said], [one == name for one in true])
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
    said = [_AIRLINE_CLASSES[tagging.primary] for tagging in tagger.tag([row.text for row in rows])]
    true = [_AIRLINE_CLASSES[row.primary] for row in rows]
    return {"macro F1": _over(macro_f1, said, true), "accuracy": _over(accuracy, said, true)}


def on_reasons(rows: Sequence[tuple[str, str]], tagger: Tagger) -> dict[str, Interval]:
    """Return how often the nearest reason is right, and what naming the commonest each time would score."""
    if not isinstance(tagger, OnnxTagger):
        return {}
    true = [reason for _, reason in rows]
    found = tagger.nearest_reasons([text for text, _ in rows])
    said = [name for name, _ in found]
    commonest = max(set(true), key=true.count)
    figures = {"accuracy": _over(accuracy, said, true), "macro F1": _over(macro_f1, said, true)}
    figures["accuracy of naming the commonest"] = _over(accuracy, [commonest] * len(true), true)
    figures["calibration error"] = _over(
        calibration_error,
        [chance for _, chance in found],
        [one == other for one, other in zip(said, true, strict=True)],
    )
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m classifiers.evaluate", description=__doc__)
    parser.add_argument("--model", default="shipped", help="shipped, a model folder, or transformer:NAME")
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data sets")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(arguments)
    try:
        parts = evaluate(given.model, given.data)
    except EarmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(_as_json(parts) if given.json else _as_table(parts))
    return 0


def _load(model: str, reasons: Mapping[str, Sequence[str]]) -> Tagger:
    return classifiers.load(model, reasons=reasons, review_below=0.0)


def _crossed(tagger: OnnxTagger, rows: Sequence[Labelled], tweets: Sequence[Labelled]) -> list[Tagging]:
    """Return taggings of ``rows``, each with scales and thresholds fitted without its fifth of them.

    The shipped scales were fitted on these very rows, so that figures with them flatter a little.
    """
    logits, tweet_logits = tagger.logits([row.text for row in rows]), tagger.logits([row.text for row in tweets])
    fits = cross_fitted(rows, np.array(logits), tweets, np.array(tweet_logits))
    taggings = []
    for tagging, values, fitted in zip(tagger.tag([row.text for row in rows]), logits, fits, strict=True):
        scores = fitted.scores(values)
        decision = decide(scores, fitted.thresholds, fitted.certainty)
        taggings.append(replace(tagging, scores=scores, **asdict(decision)))
    return taggings


def _of_tag(tag: Tag, taggings: Sequence[Tagging], rows: Sequence[Labelled]) -> dict[str, Interval]:
    said, true = [tag in tagging.tags for tagging in taggings], [tag in row.tags for row in rows]
    return {
        f"{tag} F1": _over(_f1, said, true),
        f"{tag} precision": _over(lambda one, other: score(one, other).precision, said, true),
        f"{tag} recall": _over(lambda one, other: score(one, other).recall, said, true),
        f"{tag} calibration error": _over(calibration_error, [tagging.scores[tag] for tagging in taggings], true),
    }


def _f1(said: Sequence[bool], true: Sequence[bool]) -> float:
    return score(said, true).f1


def _over(measure: Callable[[Any, Any], float], said: Sequence[Any], true: Sequence[Any]) -> Interval:
    """Return ``measure`` of two lists of equal length, with its interval."""

    def of(places: Indices) -> float:
        return measure([said[place] for place in places], [true[place] for place in places])

    return bootstrap(len(said), of)


def _name(primary: Tag | None) -> str:
    return primary.value if primary else OTHER


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
