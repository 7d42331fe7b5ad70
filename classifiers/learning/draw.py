"""Draws the messages to label by hand: ``python -m classifiers.learning.draw --data DATA > drawn.tsv``.

``--round`` says which drawing; a later one passes over what an earlier one drew. A line is number, set, id and text.
A set's own label is not among them, so that whoever labels stays blind to it.

The first three rounds draw by chance. The fourth draws what the shipped tagger is in doubt of, which teaches more: it
depends on the tagger that was shipped then.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bot.errors import EarmarkError
from classifiers import load
from classifiers.language import UNDETERMINED, detect
from classifiers.learning.data import place, read_rows, split_keys
from classifiers.learning.sources import SOURCES
from classifiers.text import normalised

Wanted = Sequence[tuple[str, str, int]]
ROUNDS: Sequence[Wanted] = (
    (
        ("complaints_acl2019", "train", 500),
        ("airline_us", "train", 400),
        ("sxsw_brands", "train", 350),
        ("apple_dfe", "train", 300),
        ("twcs_spotify", "train", 200),
        ("twcs_airlines", "train", 300),
        ("ibm_care", "dev", 300),
        ("tweet_acts", "train", 150),
        ("tweeteval_sentiment", "val", 100),
        ("app_reviews_maalej", "train", 200),
    ),
    (
        ("complaints_acl2019", "train", 2_683),
        ("airline_us", "train", 1_300),
        ("sxsw_brands", "train", 900),
        ("apple_dfe", "train", 900),
        ("twcs_spotify", "train", 800),
        ("twcs_airlines", "train", 600),
        ("ibm_care", "dev", 500),
        ("ibm_care", "test", 500),
        ("tweeteval_irony", "train", 250),
        ("tweeteval_sentiment", "val", 200),
        ("app_reviews_maalej", "train", 700),
        ("banking77", "train", 150),
    ),
    (
        ("airline_us", "train", 1_800),
        ("sxsw_brands", "train", 1_200),
        ("apple_dfe", "train", 1_400),
        ("twcs_spotify", "train", 1_500),
        ("twcs_airlines", "train", 1_400),
        ("app_reviews_maalej", "train", 900),
        ("banking77", "train", 400),
    ),
    (
        ("airline_us", "train", 1_600),
        ("twcs_airlines", "train", 2_800),
        ("twcs_spotify", "train", 1_700),
        ("sxsw_brands", "train", 500),
        ("app_reviews_maalej", "train", 500),
        ("banking77", "train", 900),
    ),
)
"""Set, split and the most rows of it, by round. Splits that are not for training are measured on nowhere here."""
Doubts = Callable[[Sequence[str]], Sequence[float]]
"""Says how doubtful each text is, in bits."""
_WORDS_MIN = 4
_DOUBTED_ROUND = 4
_DOUBTED_OF = 3
"""Of so many rows that are next by chance, the one that is most doubtful is drawn."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A message to label; ``source`` is the name of its set's file without ``.jsonl``."""

    source: str
    id: str
    text: str


def draw(folder: Path, rounds: Sequence[Wanted] = ROUNDS[:1], doubts: Doubts | None = None) -> list[Drawn]:
    """Return what the last of ``rounds`` draws, all sets mixed: of each set the first rows by ``place``.

    With ``doubts`` the most doubtful third of three times as many. None is measured on, in the seed file, or drawn by
    an earlier round.
    """
    taken = split_keys(folder) | {normalised(str(row["text"])) for row in read_rows(folder / SOURCES["hand"].file)}
    drawn: list[Drawn] = []
    for number, wanted in enumerate(rounds, start=1):
        drawn, asked = [], doubts if number == len(rounds) else None
        for source, split, count in wanted:
            readable = _readable(source, split, folder, taken)
            rows = _doubtful(readable, count, asked) if asked else list(islice(readable, count))
            taken |= {normalised(row.text) for row in rows}
            drawn += rows
    return sorted(drawn, key=lambda row: place(row.source, row.id))


def _doubtful(rows: Iterator[Drawn], count: int, doubts: Doubts) -> list[Drawn]:
    found = list(islice(rows, count * _DOUBTED_OF))
    by_doubt = sorted(zip(doubts([row.text for row in found]), found, strict=True), key=lambda pair: -pair[0])
    return [row for _, row in by_doubt[:count]]


def _shipped_doubts(texts: Sequence[str]) -> list[float]:
    tagger = load("shipped", reasons={}, review_below=0.0)
    return [sum(map(_entropy, tagging.scores.values())) for tagging in tagger.tag(texts)]


def _entropy(chance: float) -> float:
    return -sum(p * math.log2(p) for p in (chance, 1 - chance) if p > 0)


def _readable(source: str, split: str, folder: Path, taken: Collection[str]) -> Iterator[Drawn]:
    seen = set(taken)
    rows = [row for row in read_rows(folder / f"{source}.jsonl") if row["split"] == split]
    rows.sort(key=lambda row: place(source, str(row["id"])))
    for row in rows:
        text = str(row["text"])
        key = normalised(text)
        if key not in seen and _is_readable(text, key):
            seen.add(key)
            yield Drawn(source, str(row["id"]), text)


def _is_readable(text: str, key: str) -> bool:
    return len(key.split()) >= _WORDS_MIN and detect(text) in {"en", UNDETERMINED}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m classifiers.learning.draw", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data sets")
    parser.add_argument("--round", type=int, choices=range(1, len(ROUNDS) + 1), default=1, help="which drawing")
    given = parser.parse_args(arguments)
    try:
        doubts = _shipped_doubts if given.round == _DOUBTED_ROUND else None
        for number, row in enumerate(draw(given.data, ROUNDS[: given.round], doubts)):
            sys.stdout.write(f"{number}\t{row.source}\t{row.id}\t{' '.join(row.text.split())}\n")
    except EarmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
