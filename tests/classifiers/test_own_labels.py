"""A company's own labels: what is learnt from, and what is held back to measure on."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from bot.domain import UNCLASSIFIED, Tag
from bot.errors import InputError
from classifiers import train
from classifiers.learning.data import epoch, training_examples
from classifiers.learning.own import Own, of_part, part_of, read_own

TEXTS = [" ".join(f"{word}{number}" for word in ("parcel", "shop", "late", "never")) for number in range(1000)]
"""No two have a word in common: near copies of what is held back are not learnt from either."""


def _labels(*texts: str) -> list[Own]:
    return [Own(str(place), text, frozenset({Tag.COMPLAINT}), Tag.COMPLAINT) for place, text in enumerate(texts)]


def test_of_ten_texts_two_are_held_back_and_one_is_fitted_on() -> None:
    assert Counter(map(part_of, TEXTS)) == {"train": 690, "test": 198, "dev": 112}


def test_a_copy_of_a_text_is_never_on_the_other_side() -> None:
    assert part_of("@acme Where IS my parcel?! https://t.co/x") == part_of("where is my parcel")


def test_what_is_held_back_is_not_learnt_from() -> None:
    examples = training_examples(None, own=_labels(*TEXTS))

    assert len(examples) == 690
    assert {part_of(example.text) for example in examples} == {"train"}
    assert examples[0].targets == (1.0, 0.0, 0.0)


def test_a_near_copy_of_what_is_held_back_is_not_learnt_from() -> None:
    held = next(text for text in TEXTS if part_of(text) == "test")
    copies = [text for text in (f"{held} again{number}" for number in range(20)) if part_of(text) == "train"]

    assert len(copies) > 5
    assert training_examples(None, own=_labels(held, *copies)) == []


def test_the_last_word_on_a_text_counts() -> None:
    text = next(text for text in TEXTS if part_of(text) == "test")
    first = Own("1", text, frozenset(), None)
    last = Own("2", text.upper(), frozenset({Tag.PRAISE}), Tag.PRAISE)

    assert of_part([first, last], "test") == [last]


def test_an_epoch_has_every_own_label_as_often_as_asked() -> None:
    examples = training_examples(None, own=_labels(*TEXTS[:40]))

    assert len(epoch(examples, random.Random(1), repeats={"own": 3})) == 3 * len(examples)


def test_a_line_needs_only_a_text_and_its_tags(tmp_path: Path) -> None:
    file = tmp_path / "own.jsonl"
    file.write_text('{"text": "late, where is it?", "tags": ["request", "complaint"]}\n\n{"text": "hm", "tags": []}\n')

    assert read_own(file) == [
        Own("1", "late, where is it?", frozenset({Tag.COMPLAINT, Tag.REQUEST}), Tag.COMPLAINT, UNCLASSIFIED),
        Own("3", "hm", frozenset(), None, UNCLASSIFIED),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("not json", "line 1: not a label; write"),
        ('{"text": "a"}', "line 1: not a label; write"),
        ('{"text": 1, "tags": []}', "line 1: not a label; write"),
        ('{"text": "a", "tags": ["anger"]}', "line 1: not a label; write"),
        ('{"text": "a", "tags": ["praise"], "primary": "request"}', "primary tag request is not one of the tags"),
    ],
)
def test_what_is_no_label_is_refused_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "own.jsonl").write_text(line)

    with pytest.raises(InputError, match=said):
        read_own(tmp_path / "own.jsonl")


def test_too_few_labels_are_refused_with_the_count() -> None:
    with pytest.raises(InputError, match=r"too few labels to learn from: 7 of 7 texts for learning are complaint"):
        train._check_enough(None, _labels(*[text for text in TEXTS if part_of(text) == "train"][:7]))
