"""The texts a tagger is measured on, and fitted on after training; it never learns from them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.domain import Tag
from classifiers.calibration import PRECEDENCE
from classifiers.learning.data import labelled_rows, read_rows
from classifiers.learning.own import Own, Part
from classifiers.learning.sources import Row
from classifiers.reason_phrases import AIRLINE, BANK
from classifiers.text import clean

_REASON_SURE = 0.6
NO_REASON = "Can't Tell"


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text with its true tags. ``source`` is the data set it is from."""

    text: str
    tags: frozenset[Tag]
    primary: Tag | None
    source: str

    @property
    def cleaned(self) -> str:
        """The text as the network reads it."""
        return clean(self.text)


def gold(folder: Path) -> list[Labelled]:
    """Return the hand-labelled messages, all tags known."""
    return [_gold(row) for row in read_rows(folder / "gold_dev.jsonl")]


def hand_labelled(folder: Path, part: Part) -> list[Labelled]:
    """Return the messages of one part of our own labels, all tags known."""
    return [_gold(row) for row in labelled_rows(folder, part)]


def labelled(label: Own) -> Labelled:
    """Return a company's own label in the same form."""
    return Labelled(label.text, label.tags, label.primary, "own")


def complaint_tweets(folder: Path, split: str) -> list[Labelled]:
    """Return the complaint tweets of a split; of their tags only complaint is known."""
    rows = (row for row in read_rows(folder / "complaints_acl2019.jsonl") if row["split"] == split)
    return [_only(row, Tag.COMPLAINT if row["label"] == "complaint" else None) for row in rows]


def airline_tweets(folder: Path, split: str) -> list[Labelled]:
    """Return the airline tweets of a split: negative as complaint, positive as praise, neutral as neither."""
    meaning = {"negative": Tag.COMPLAINT, "positive": Tag.PRAISE, "neutral": None}
    rows = (row for row in read_rows(folder / "airline_us.jsonl") if row["split"] == split)
    return [_only(row, meaning[str(row["label"])]) for row in rows]


def airline_reasons(folder: Path, split: str, *, with_none: bool = False) -> list[tuple[str, str]]:
    """Return cleaned airline complaints with their reasons; ``with_none`` adds those whose annotators found none."""
    wanted = {*AIRLINE, NO_REASON} if with_none else set(AIRLINE)
    rows = [
        row
        for row in read_rows(folder / "airline_us.jsonl")
        if row["split"] == split and row["negativereason"] in wanted
    ]
    return [
        (clean(str(row["text"])), str(row["negativereason"]))
        for row in rows
        if float(str(row["nr_conf"])) >= _REASON_SURE
    ]


def bank_reasons(folder: Path, part: str) -> list[tuple[str, str]]:
    """Return cleaned questions to a bank with the group of their intent.

    The set has no development split: ``dev`` and ``test`` are halves of its test split.
    """
    group = {intent: name for name, (_, intents) in BANK.items() for intent in intents}
    split = "train" if part == "train" else "test"
    rows = [row for row in read_rows(folder / "banking77.jsonl") if row["split"] == split and row["label"] in group]
    chosen = {"train": rows, "dev": rows[::2], "test": rows[1::2]}[part]
    return [(clean(str(row["text"])), group[str(row["label"])]) for row in chosen]


def _gold(row: Row) -> Labelled:
    labels = row["labels"]
    tags = frozenset(Tag(label) for label in labels) if isinstance(labels, list) else frozenset()
    primary = None if row["primary"] == "other" else Tag(str(row["primary"]))
    return Labelled(str(row["text"]), tags, primary, str(row["source"]))


def _only(row: Row, tag: Tag | None) -> Labelled:
    tags = frozenset({tag} if tag else ())
    return Labelled(
        str(row["text"]), tags, next((known for known in PRECEDENCE if known in tags), None), str(row["source"])
    )
