"""Reading the public data sets: what is trained on, what is measured on, and that the two never meet."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.errors import InputError
from classifiers.learning.sources import MEASURED, PERMISSIVE_ORIGINS, RECIPES, SOURCES, Row, Source, Targets, restored
from classifiers.text import clean, normalised


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


def measured_keys(folder: Path) -> set[str]:
    """Return the normalised texts of everything we measure on: gold, and every test and dev split we use."""
    keys = {normalised(str(row["text"])) for name in MEASURED for row in read_rows(folder / name)}
    for source in SOURCES.values():
        keys |= {normalised(str(row["text"])) for row in read_rows(folder / source.file) if row.get("split") != "train"}
    return keys


def training_examples(folder: Path, recipe: str = "best") -> list[Example]:
    """Return every row the recipe may learn from; none has the normalised text of a measured one."""
    measured = measured_keys(folder)
    examples: dict[str, Example] = {}
    for name in RECIPES[recipe]:
        for example in _examples(name, read_rows(folder / SOURCES[name].file), recipe):
            if example.key and example.key not in measured:
                examples.setdefault(example.key, example)
    return list(examples.values())


def _examples(name: str, rows: Iterable[Row], recipe: str) -> Iterator[Example]:
    source: Source = SOURCES[name]
    for row in rows:
        targets = source.targets(row) if row.get("split") == "train" and _allowed(row, recipe) else None
        if targets is not None:
            text = str(row["text"])
            yield Example(clean(text), targets, name, normalised(text))


def _allowed(row: Row, recipe: str) -> bool:
    return recipe != "permissive" or row["source"] in PERMISSIVE_ORIGINS


def epoch(examples: Sequence[Example], chance: random.Random, *, share: float = 1.0) -> list[Example]:
    """Return one epoch's examples: from each source at most its ``take``, each as often as its ``repeat``."""
    drawn: list[Example] = []
    for name, source in SOURCES.items():
        rows = [example for example in examples if example.source == name]
        wanted = min(len(rows), round(source.take * share))
        drawn += chance.sample(rows, wanted) * source.repeat
    chance.shuffle(drawn)
    return drawn
