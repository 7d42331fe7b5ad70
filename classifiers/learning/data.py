"""Reading the public data sets: what is trained on, what is measured on, and that the two never meet."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path

from bot.domain import Tag
from bot.errors import InputError
from classifiers.learning.leaks import Measured
from classifiers.learning.own import Own, Part, of_part
from classifiers.learning.sources import (
    ANSWERED,
    ANSWERED_TAKE,
    LABELLED,
    MEASURED,
    OWN,
    OWN_REPEAT,
    PERMISSIVE_ORIGINS,
    READ,
    RECIPES,
    SOURCES,
    Row,
    Source,
    Targets,
    restored,
)
from classifiers.text import clean, normalised

log = logging.getLogger(__name__)

LABELS = Path(__file__).with_name(SOURCES[LABELLED].file)
"""Our labels of rows of the public sets, without any text: ``{"set", "id", "labels", "primary"}`` a line, and
``"drawn"`` where it was not chance that drew it."""
DOUBTED = "doubted"
"""What ``drawn`` says of a row that a tagger was in doubt of."""
_MEASURED_NOWHERE = frozenset({"ibm_care", "tweeteval_sentiment"})
"""Sets without a split for training."""
_HELD_BACK: Mapping[int, Part] = {0: "test", 1: "dev"}
_HELD_BACK_OF = 16
"""Of sixteen of our labels one is measured on, one is fitted on, the others are learnt from."""


@dataclass(frozen=True, slots=True)
class Example:
    """One text to learn from, cleaned. ``source`` is a key of ``SOURCES``, ``key`` its normalised text."""

    text: str
    targets: Targets
    source: str
    key: str


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a JSON-lines file, the airline set's texts as they were written.

    Raises:
        InputError: the file is missing or a line is no JSON object.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(
            f"{path} can't be read ({error.strerror}); give the folder of the data sets with --data"
        ) from error
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InputError(f"{path}, line {number}: not a JSON object") from error
        yield {**row, "text": restored(row["text"])} if row.get("source") == "airline" else row


def place(source: str, row_id: str) -> str:
    """Return what a row is ordered and parted by: chance to the eye, the same everywhere."""
    return sha1(f"{source}:{row_id}".encode(), usedforsecurity=False).hexdigest()


def labelled_part(row: Row) -> Part:
    """Return what one of our labels is for. The last digits tell: the first ones decided what was drawn.

    One that was drawn because a tagger was in doubt of it is learnt from: it is harder than most, and held back it
    would tell of harder texts than people write.
    """
    if row.get("drawn") == DOUBTED:
        return "train"
    return _HELD_BACK.get(int(place(str(row["set"]), str(row["id"]))[-4:], 16) % _HELD_BACK_OF, "train")


def split_keys(folder: Path) -> set[str]:
    """Return the normalised texts of gold and of every test and dev split we use."""
    keys = {normalised(str(row["text"])) for name in MEASURED for row in read_rows(folder / name)}
    for name, source in SOURCES.items():
        rows = () if name == LABELLED else read_rows(folder / source.file)
        keys |= {normalised(str(row["text"])) for row in rows if row.get("split") != "train"}
    return keys


def measured_keys(folder: Path, labels: Path = LABELS) -> set[str]:
    """Return the normalised texts of everything we fit or measure on: :func:`split_keys`, and labels held back."""
    held = (row for part in _HELD_BACK.values() for row in labelled_rows(folder, part, labels))
    return split_keys(folder) | {normalised(str(row["text"])) for row in held}


def labelled_rows(folder: Path, part: Part = "train", labels: Path = LABELS) -> Iterator[Row]:
    """Yield the rows of the sets in ``folder`` that ``labels`` names, of one part, with its labels added.

    A label whose row is gone is left out and counted in the log: messages are taken out of the sets to measure on.

    Raises:
        InputError: the labels or a set they name can't be read.
    """
    wanted: dict[str, dict[str, Row]] = {}
    for row in read_rows(labels):
        if labelled_part(row) == part:
            wanted.setdefault(str(row["set"]), {})[str(row["id"])] = row
    for name, ours in wanted.items():
        for row in read_rows(folder / f"{name}.jsonl"):
            label = ours.pop(str(row.get("id")), None)
            if label is not None:
                yield {**row, "labels": label["labels"], "primary": label["primary"], "split": "train"}
    gone = sum(map(len, wanted.values()))
    if gone:
        log.warning("%d hand labels have no row in %s; the rest is used", gone, folder)


def training_examples(
    folder: Path | None, recipe: str = "best", labels: Path | None = LABELS, own: Sequence[Own] = ()
) -> list[Example]:
    """Return every row to learn from; none has the text of a measured one, or nearly.

    A text that several sources have is learnt from once, with what the first of them says of it: a company's ``own``
    labels, then the recipe's sets in ``folder``. Without ``labels`` the rows they name are learnt from with their
    sets' own labels.
    """
    keys = {normalised(label.text) for label in own if label.part != "train"}
    candidates = [own_example(label) for label in of_part(own, "train")]
    if folder is not None:
        keys |= measured_keys(folder, labels or LABELS)
        for name in RECIPES[recipe]:
            candidates += _examples(name, _rows(name, folder, labels), recipe)
    measured, examples = Measured(keys), dict[str, Example]()
    for example in candidates:
        if example.key and not measured.has(example.key):
            examples.setdefault(example.key, example)
    return list(examples.values())


def unlabelled_texts(folder: Path, recipe: str = "best") -> list[str]:
    """Return cleaned texts to read without their labels, each once; none is measured on, or nearly.

    A set's test and development splits are left out, save where a set has no other and is measured on nowhere.
    """
    measured, found = Measured(measured_keys(folder)), dict[str, str]()
    for name in READ[recipe]:
        for row in read_rows(folder / f"{name}.jsonl"):
            key = normalised(str(row["text"]))
            if (row["split"] == "train" or name in _MEASURED_NOWHERE) and key and key not in found:
                found[key] = clean(str(row["text"]))
    return [text for key, text in found.items() if not measured.has(key)]


def own_example(label: Own) -> Example:
    """Return a company's label as an example: all three tags are known."""
    complaint, praise, request = (float(tag in label.tags) for tag in Tag)
    return Example(clean(label.text), (complaint, praise, request), OWN, normalised(label.text))


def _rows(name: str, folder: Path, labels: Path | None) -> Iterable[Row]:
    if name != LABELLED:
        return read_rows(folder / SOURCES[name].file)
    return labelled_rows(folder, labels=labels) if labels else ()


def _examples(name: str, rows: Iterable[Row], recipe: str) -> Iterator[Example]:
    source: Source = SOURCES[name]
    for row in rows:
        targets = source.targets(row) if row.get("split") == "train" and _allowed(row, recipe) else None
        if targets is not None:
            text = str(row["text"])
            yield Example(clean(text), targets, name, normalised(text))


def _allowed(row: Row, recipe: str) -> bool:
    return recipe != "permissive" or row["source"] in PERMISSIVE_ORIGINS


def epoch(
    examples: Sequence[Example],
    chance: random.Random,
    *,
    share: float = 1.0,
    repeats: Mapping[str, int] | None = None,
) -> list[Example]:
    """Return one epoch's examples: from each source at most its ``take``, each once.

    All of a company's own are in it. ``repeats`` says by source how often its examples are; once where it does not.
    """
    drawn = [example for example in examples if example.source == OWN] * (repeats or {}).get(OWN, OWN_REPEAT)
    for name, take in [*((name, source.take) for name, source in SOURCES.items()), (ANSWERED, ANSWERED_TAKE)]:
        rows = [example for example in examples if example.source == name]
        wanted = min(len(rows), round(take * share))
        drawn += chance.sample(rows, wanted) * (repeats or {}).get(name, 1)
    chance.shuffle(drawn)
    return drawn
