"""Two taggers on the same texts: what the second does better or worse, and whether that could be chance."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import classifiers
from bot.domain import UNCLASSIFIED, Tag, Tagger, Tagging
from classifiers.learning.own import Own, of_part
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
from classifiers.metrics import Indices, Interval, accuracy, bootstrap, macro_f1, score
from classifiers.reason_phrases import AIRLINE, BANK

Measure = Callable[[Sequence[Any], Sequence[Any]], float]
Reasons = Mapping[str, Sequence[str]]
OTHER = "other"
AIRLINE_CLASSES = {Tag.COMPLAINT: "negative", Tag.PRAISE: "positive", Tag.REQUEST: "neutral", None: "neutral"}


@dataclass(frozen=True, slots=True)
class Texts:
    """What is measured on: the public sets in the folder ``data``, and a company's ``own`` labels.

    Of those only the ones held back from learning. ``reasons`` are the taxonomy that they speak of.
    """

    data: Path | None
    own: Sequence[Own] = ()
    reasons: Reasons = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a tagger said of some texts, beside the truth; all of one length. ``measures`` say how good that is."""

    said: Sequence[Any]
    true: Sequence[Any]
    measures: Mapping[str, Measure]


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of either tagger, and the second's less the first's with its 95 % interval on the same resamples."""

    old: float
    new: float
    change: Interval

    @property
    def verdict(self) -> str:
        """What may be said of it: an interval that holds 0 is no evidence of a difference."""
        if self.change.low > 0:
            return "better"
        return "worse" if self.change.high < 0 else "no evidence of a difference"


def f1(said: Sequence[bool], true: Sequence[bool]) -> float:
    """Return the F1 of a class."""
    return score(said, true).f1


def load(model: str, reasons: Mapping[str, Sequence[str]]) -> Tagger:
    """Return a tagger to measure: what it is unsure of counts as it says."""
    return classifiers.load(model, reasons=reasons, review_below=0.0)


_OF_CLASSES: Mapping[str, Measure] = {"macro F1": macro_f1, "accuracy": accuracy}


Compared = dict[str, dict[str, Difference]]


def compare(old: str, new: str, texts: Texts) -> Compared:
    """Return every figure of two models on the same texts: part → name → difference.

    Each tags as it would in service, with its own thresholds.
    """
    first, second = sheets(old, texts), sheets(new, texts)
    return {part: differences(first[part], second[part]) for part in first if part in second}


def sheets(model: str, texts: Texts) -> dict[str, Sheet]:
    """Return what ``model`` says of each measured set, by the set's name."""
    found = _public(model, texts.data) if texts.data else {}
    rows = of_part(texts.own, "test")
    if rows:
        taggings = load(model, texts.reasons).tag([row.text for row in rows])
        found |= tag_sheets("own labels", [labelled(row) for row in rows], taggings)
        found |= _own_reasons(rows, taggings)
    return found


def tag_sheets(name: str, rows: Sequence[Labelled], taggings: Sequence[Tagging]) -> dict[str, Sheet]:
    """Return the sheets of texts all of whose tags are known: of the primary tag, and of each tag."""
    found = {f"{name}, primary": Sheet(primaries(taggings), [called(row.primary) for row in rows], _OF_CLASSES)}
    for tag in Tag:
        said, true = [tag in tagging.tags for tagging in taggings], [tag in row.tags for row in rows]
        found[f"{name}, {tag}"] = Sheet(said, true, {"F1": f1})
    return found


def primaries(taggings: Sequence[Tagging]) -> list[str]:
    """Return the names of the primary tags."""
    return [called(tagging.primary) for tagging in taggings]


def called(primary: Tag | None) -> str:
    """Return the name of a primary tag; ``other`` for none."""
    return primary.value if primary else OTHER


def differences(old: Sheet, new: Sheet) -> dict[str, Difference]:
    """Return how the figures of two sheets over the same texts differ."""
    return {name: _difference(old, new, measure) for name, measure in old.measures.items()}


def _difference(old: Sheet, new: Sheet, measure: Measure) -> Difference:
    def change(places: Indices) -> float:
        true = [old.true[place] for place in places]
        return measure([new.said[place] for place in places], true) - measure(
            [old.said[place] for place in places], true
        )

    return Difference(measure(old.said, old.true), measure(new.said, new.true), bootstrap(len(old.true), change))


def _public(model: str, data: Path) -> dict[str, Sheet]:
    tagger, rows, held = load(model, {}), gold(data), hand_labelled(data, "test")
    tweets, airline = complaint_tweets(data, "test"), airline_tweets(data, "test")
    said = ["yes" if Tag.COMPLAINT in tagging.tags else "no" for tagging in tagger.tag([row.text for row in tweets])]
    classes = [AIRLINE_CLASSES[tagging.primary] for tagging in tagger.tag([row.text for row in airline])]
    bank = {name: phrases for name, (phrases, _) in BANK.items()}
    return {
        **tag_sheets("gold", rows, tagger.tag([row.text for row in rows])),
        **tag_sheets("hand labels", held, tagger.tag([row.text for row in held])),
        "complaint tweets": Sheet(said, ["yes" if row.tags else "no" for row in tweets], _OF_CLASSES),
        "airline tweets": Sheet(classes, [AIRLINE_CLASSES[row.primary] for row in airline], _OF_CLASSES),
        **_reasons("airline reasons", load(model, AIRLINE), airline_reasons(data, "test")),
        **_reasons("bank reasons", load(model, bank), bank_reasons(data, "test")),
    }


def _reasons(name: str, tagger: Tagger, rows: Sequence[tuple[str, str]]) -> dict[str, Sheet]:
    nearest = getattr(tagger, "nearest_reasons", None)
    if nearest is None:
        return {}
    said = [reason for reason, _ in nearest([text for text, _ in rows])]
    return {name: Sheet(said, [reason for _, reason in rows], _OF_CLASSES)}


def _own_reasons(rows: Sequence[Own], taggings: Sequence[Tagging]) -> dict[str, Sheet]:
    """Where people named a reason and the tagger found a tag, whether it named the same."""
    places = [at for at, row in enumerate(rows) if row.reason != UNCLASSIFIED]
    if not places:
        return {}
    said = [taggings[at].reason for at in places]
    return {"own labels, reason": Sheet(said, [rows[at].reason for at in places], {"accuracy": accuracy})}


def as_json(old: str, new: str, parts: Compared) -> str:
    """Return every difference as one JSON object."""
    plain = {
        part: {
            name: {
                "old": one.old,
                "new": one.new,
                "change": one.change.value,
                "interval": [one.change.low, one.change.high],
                "verdict": one.verdict,
            }
            for name, one in figures.items()
        }
        for part, figures in parts.items()
    }
    return json.dumps({"old": old, "new": new, "parts": plain}, indent=2) + "\n"


def as_table(old: str, new: str, parts: Compared) -> str:
    """Return every difference as a line."""
    lines = [f"{'':20} {'':9} {'first':>6} {'second':>6}  change, 95 % interval"]
    for part, figures in parts.items():
        for name, one in figures.items():
            change = f"{one.change.value:+.3f} [{one.change.low:+.3f}, {one.change.high:+.3f}]"
            lines.append(f"{part:20} {name:9} {one.old:6.3f} {one.new:6.3f}  {change}  {one.verdict}")
    return "\n".join([f"first: {old}, second: {new}", *lines]) + "\n"
