"""What the network may learn from. The rows here are ours."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.errors import InputError
from classifiers.learning.data import Example, epoch, measured_keys, training_examples, unlabelled_texts
from classifiers.learning.draw import ROUNDS
from classifiers.learning.sources import READ, SOURCES, restored

pytestmark = pytest.mark.slow

REAL = Path(__file__).parents[3] / "shared" / "data"


def _write(folder: Path, file: str, *rows: Mapping[str, object]) -> None:
    (folder / file).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for file in {source.file for source in SOURCES.values()} | {
        f"{name}.jsonl" for wanted in ROUNDS for name, _, _ in wanted
    }:
        _write(tmp_path, file)
    _write(tmp_path, "gold_dev.jsonl", {"text": "@acme My bag is LOST! https://t.co/1", "source": "x"})
    return tmp_path


def test_no_measured_text_is_learnt_from_however_it_is_written(data: Path) -> None:
    row = {"label": "complaint", "source": "complaints-social-media"}
    _write(
        data,
        "complaints_acl2019.jsonl",
        {**row, "text": "@other my bag is lost", "split": "train"},  # gold, but for handle, case and link
        {**row, "text": "The heating is broken.", "split": "test"},
        {**row, "text": "the heating is BROKEN", "split": "train"},  # a test text
        {**row, "text": "My train never came", "split": "train"},
    )

    assert [example.text for example in training_examples(data)] == ["My train never came"]


def test_a_text_in_two_sets_is_learnt_from_once_with_the_hand_label(data: Path) -> None:
    _write(
        data,
        "seed_handlabelled.jsonl",
        {"text": "So late again", "labels": ["complaint", "request"], "source": "airline", "split": "train"},
    )
    _write(
        data,
        "airline_us.jsonl",
        {"text": "@a so late again", "label": "neutral", "source": "airline", "split": "train"},
    )

    assert [example.targets for example in training_examples(data)] == [(1.0, 0.0, 1.0)]


def test_a_set_says_nothing_about_what_it_does_not_label(data: Path) -> None:
    _write(
        data,
        "complaints_acl2019.jsonl",
        {"text": "Nice", "label": "non-complaint", "source": "complaints-social-media", "split": "train"},
    )

    assert [example.targets for example in training_examples(data)] == [(0.0, None, None)]


def test_the_permissive_recipe_learns_from_nothing_else(data: Path) -> None:
    hand = {"labels": ["praise"], "split": "train"}
    _write(
        data,
        "seed_handlabelled.jsonl",
        {**hand, "text": "Lovely", "source": "ibm-care"},
        {**hand, "text": "Wonderful", "source": "twcs-spotify"},
    )
    _write(data, "airline_us.jsonl", {"text": "Late", "label": "negative", "source": "airline", "split": "train"})

    assert [example.text for example in training_examples(data, "permissive")] == ["Lovely"]


@pytest.mark.parametrize(
    ("mangled", "written"),
    [
        ("my flight was Cancelled Flightled", "my flight was cancelled"),
        ("too Late Flight, see you Late Flightr", "too late, see you later"),
        ("the reFlight Booking Problems desk", "the rebooking desk"),
    ],
)
def test_airline_tweets_are_read_as_they_were_written(mangled: str, written: str) -> None:
    assert restored(mangled) == written


def test_an_epoch_repeats_a_company_s_own_and_samples_what_is_plenty() -> None:
    own = [Example(f"h{n}", (1.0, 0.0, 0.0), "own", f"h{n}") for n in range(3)]
    bank = [Example(f"b{n}", (0.0, 0.0, 1.0), "bank", f"b{n}") for n in range(2000)]

    drawn = epoch(own + bank, random.Random(1))

    assert sum(example.source == "own" for example in drawn) == 12
    assert len({example.text for example in drawn if example.source == "bank"}) == 500


def test_texts_that_are_read_without_labels_are_none_that_is_measured_on(data: Path) -> None:
    for name in READ["best"]:
        _write(data, f"{name}.jsonl")
    _write(
        data,
        "twcs_airlines.jsonl",
        {"text": "@a My bag is lost!!", "split": "train"},  # gold
        {"text": "Nobody answers", "split": "train"},
        {"text": "Nobody ever answers", "split": "test"},
        {"text": "nobody answers", "split": "train"},
    )

    assert unlabelled_texts(data) == ["Nobody answers"]


def test_a_line_that_is_no_json_is_named(data: Path) -> None:
    (data / "banking77.jsonl").write_text('{"text": "a"}\nnonsense\n', encoding="utf-8")

    with pytest.raises(InputError, match=r"banking77.jsonl, line 2: not a JSON object"):
        measured_keys(data)


def test_a_missing_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"gold_dev.jsonl can't be read .*; give the folder of the data sets with --data"
    ):
        measured_keys(tmp_path)


@pytest.mark.skipif(not REAL.is_dir(), reason="optional: the public data sets are not beside the project")
def test_none_of_the_real_measured_texts_is_learnt_from() -> None:
    learnt = {example.key for example in training_examples(REAL)}

    assert len(learnt) > 20_000
    assert not learnt & measured_keys(REAL)


def test_the_model_card_names_every_set_with_its_licence() -> None:
    card = (Path(__file__).parents[2] / "docs" / "model-card.md").read_text(encoding="utf-8")

    for source in SOURCES.values():
        lines = [line for line in card.splitlines() if source.file in line]
        assert lines, source.file
        assert source.licence in lines[0], source.file
