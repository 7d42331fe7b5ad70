"""Our own labels: what the file holds, how it is joined with the sets, and that nothing measured is in it."""

from __future__ import annotations

import json
import logging
import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.errors import InputError
from classifiers.learning import draw
from classifiers.learning.data import (
    DOUBTED,
    LABELS,
    Example,
    epoch,
    labelled_part,
    labelled_rows,
    measured_keys,
    read_rows,
    training_examples,
)
from classifiers.learning.sources import SOURCES
from classifiers.text import normalised

REAL = Path(__file__).parents[3] / "shared" / "data"
TWEET = {"source": "complaints-social-media", "split": "train"}


def _write(path: Path, *rows: Mapping[str, object]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for file in {source.file for source in SOURCES.values()} | {f"{row['set']}.jsonl" for row in read_rows(LABELS)}:
        _write(tmp_path / file)
    _write(tmp_path / "gold_dev.jsonl", {"text": "@acme My bag is LOST!", "source": "x"})
    return tmp_path


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.jsonl"
    _write(path, {"set": "complaints_acl2019", "id": "c1", "labels": ["complaint", "request"], "primary": "complaint"})
    return path


def test_the_file_holds_labels_and_no_text() -> None:
    rows = [json.loads(line) for line in LABELS.read_text(encoding="utf-8").splitlines()]

    assert len(rows) == 27_124
    assert len({(row["set"], row["id"]) for row in rows}) == 27_124
    for row in rows:
        assert list(row) in (["set", "id", "labels", "primary"], ["set", "id", "labels", "primary", "drawn"])
        assert row.get("drawn", DOUBTED) == DOUBTED
        assert row["primary"] in (row["labels"] or ["other"])
        assert set(row["labels"]) <= {"complaint", "praise", "request"}


def test_of_each_set_no_more_is_labelled_than_was_drawn() -> None:
    counted = Counter(str(row["set"]) for row in read_rows(LABELS))
    drawn: Counter[str] = Counter()
    for wanted in draw.ROUNDS:
        for name, _, count in wanted:
            drawn[name] += count

    assert set(counted) == set(drawn)
    assert {name: count for name, count in counted.items() if count > drawn[name]} == {}


def test_of_our_labels_that_chance_drew_an_eighth_is_held_back_to_fit_and_to_measure_on() -> None:
    drawn = [row for row in read_rows(LABELS) if "drawn" not in row]
    parts = Counter(labelled_part(row) for row in drawn)

    assert parts == {"train": 16_904, "dev": 1_201, "test": 1_219}


def test_a_label_that_was_drawn_because_a_tagger_doubted_is_never_measured_on() -> None:
    keys = [{"set": "complaints_acl2019", "id": f"c{number}"} for number in range(100)]

    assert {labelled_part(key) for key in keys} == {"train", "dev", "test"}
    assert {labelled_part({**key, "drawn": DOUBTED}) for key in keys} == {"train"}


def test_our_label_replaces_that_of_the_set(data: Path, labels: Path) -> None:
    _write(
        data / "complaints_acl2019.jsonl",
        {**TWEET, "id": "c1", "text": "Where is my train", "label": "complaint"},
        {**TWEET, "id": "c2", "text": "Nice day", "label": "non-complaint"},
    )

    learnt = {example.text: (example.source, example.targets) for example in training_examples(data, labels=labels)}

    assert learnt == {
        "Where is my train": ("labelled", (1.0, 0.0, 1.0)),
        "Nice day": ("complaints", (0.0, None, None)),
    }


def test_where_people_and_we_differ_on_a_complaint_both_are_heard_and_people_count_more(
    data: Path, labels: Path
) -> None:
    row = {**TWEET, "id": "c1", "text": "Where is my train", "label": "non-complaint"}
    _write(data / "complaints_acl2019.jsonl", {**row, "source": "complaints-social-media"})

    complaint, praise, request = training_examples(data, labels=labels)[0].targets
    assert (round(complaint or 0, 6), praise, request) == (0.3, 0.0, 1.0)


def test_a_label_that_is_held_back_is_measured_on_and_neither_it_nor_its_set_s_own_is_learnt_from(
    data: Path, tmp_path: Path
) -> None:
    held = next(f"c{n}" for n in range(100) if labelled_part({"set": "complaints_acl2019", "id": f"c{n}"}) == "test")
    labels = tmp_path / "held.jsonl"
    _write(labels, {"set": "complaints_acl2019", "id": held, "labels": ["complaint"], "primary": "complaint"})
    _write(data / "complaints_acl2019.jsonl", {**TWEET, "id": held, "text": "So late", "label": "complaint"})

    assert training_examples(data, labels=labels) == []
    assert [row["text"] for row in labelled_rows(data, "test", labels)] == ["So late"]
    assert measured_keys(data, labels) == {"my bag is lost", "so late"}


def test_without_our_labels_the_set_speaks_for_itself(data: Path) -> None:
    _write(data / "complaints_acl2019.jsonl", {**TWEET, "id": "c1", "text": "Where is my train", "label": "complaint"})

    assert [example.targets for example in training_examples(data, labels=None)] == [(1.0, None, None)]


@pytest.mark.parametrize(
    "measured",
    [
        {"text": "MY BAG IS LOST", "id": "c1", "split": "train"},  # gold, but for handle and case
        {"text": "Moved to the test split since", "id": "c1", "split": "test"},
    ],
)
def test_a_labelled_row_that_is_measured_on_is_not_learnt_from(
    data: Path, labels: Path, measured: Mapping[str, object]
) -> None:
    _write(data / "complaints_acl2019.jsonl", {**TWEET, "label": "complaint", **measured})

    assert training_examples(data, labels=labels) == []


def test_the_permissive_recipe_takes_only_rows_of_permissive_sets(data: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.jsonl"
    _write(
        labels,
        {"set": "complaints_acl2019", "id": "c1", "labels": [], "primary": "other"},
        {"set": "ibm_care", "id": "i1", "labels": ["praise"], "primary": "praise"},
        {"set": "tweet_acts", "id": "t1", "labels": [], "primary": "other"},
    )
    _write(data / "complaints_acl2019.jsonl", {**TWEET, "id": "c1", "text": "Late", "label": "complaint"})
    _write(data / "ibm_care.jsonl", {"id": "i1", "text": "Lovely people", "source": "ibm-care", "split": "dev"})
    _write(data / "tweet_acts.jsonl", {"id": "t1", "text": "Hello there", "source": "tweet-acts", "split": "train"})

    learnt = training_examples(data, "permissive", labels)

    assert [(example.text, example.targets) for example in learnt] == [
        ("Lovely people", (0.0, 1.0, 0.0)),
        ("Hello there", (0.0, 0.0, 0.0)),
    ]


def test_a_label_whose_row_is_gone_is_left_out_and_counted(
    data: Path, labels: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert list(labelled_rows(data, labels=labels)) == []

    assert f"1 hand labels have no row in {data}; the rest is used" in caplog.text


def test_a_set_that_is_missing_is_named(data: Path, labels: Path) -> None:
    (data / "complaints_acl2019.jsonl").unlink()

    with pytest.raises(InputError, match=r"complaints_acl2019.jsonl can't be read"):
        list(labelled_rows(data, labels=labels))


def test_how_often_our_labels_are_seen_can_be_set() -> None:
    examples = [Example("a", (1.0, 0.0, 0.0), "labelled", "a"), Example("b", (1.0, 0.0, 0.0), "hand", "b")]

    usual = epoch(examples, random.Random(1))
    asked = epoch(examples, random.Random(1), repeats={"labelled": 2})

    assert Counter(example.source for example in usual) == {"labelled": 1, "hand": 1}
    assert Counter(example.source for example in asked) == {"labelled": 2, "hand": 1}


def test_the_draw_takes_the_first_by_hash_that_is_neither_measured_nor_labelled_nor_foreign(data: Path) -> None:
    texts = {
        "c1": "My bag is lost",  # gold
        "c2": "Where on earth is my order",
        "c3": "Where on earth is MY ORDER?",  # the same again
        "c4": "too few words",
        "c5": "Der Zug hat schon wieder eine Stunde Verspätung und niemand sagt etwas",
        "c6": "The app crashes every single day",
        "c7": "Thank you for the quick answer",  # labelled before
    }
    rows = [{**TWEET, "id": key, "text": text, "label": "complaint"} for key, text in texts.items()]
    _write(data / "complaints_acl2019.jsonl", *rows)
    _write(data / "seed_handlabelled.jsonl", {"text": texts["c7"], "labels": [], "source": "x", "split": "train"})

    drawn = draw.draw(data, [[("complaints_acl2019", "train", 5)]])

    assert [row.text for row in drawn] == ["Where on earth is MY ORDER?", "The app crashes every single day"]


def test_a_later_round_draws_what_no_earlier_one_drew(data: Path) -> None:
    texts = ["Where on earth is my order", "The app crashes every single day", "You never answer your phone"]
    rows = [{**TWEET, "id": f"c{n}", "text": text, "label": "complaint"} for n, text in enumerate(texts)]
    _write(data / "complaints_acl2019.jsonl", *rows)
    one = [("complaints_acl2019", "train", 1)]

    drawn = [draw.draw(data, [one] * count)[0].text for count in (1, 2, 3)]

    assert sorted(drawn) == sorted(texts)


def test_with_doubts_the_most_doubtful_third_of_what_is_next_by_chance_is_drawn(data: Path) -> None:
    texts = [f"The app crashes every single day of week {number}" for number in range(9)]
    rows = [{**TWEET, "id": f"c{n}", "text": text, "label": "complaint"} for n, text in enumerate(texts)]
    _write(data / "complaints_acl2019.jsonl", *rows)
    by_chance = [row.text for row in draw.draw(data, [[("complaints_acl2019", "train", 6)]])]

    drawn = draw.draw(
        data,
        [[("complaints_acl2019", "train", 2)]],
        doubts=lambda asked: [texts.index(text) for text in asked],
    )

    assert len(by_chance) == 6
    assert sorted(row.text for row in drawn) == sorted(by_chance, key=texts.index)[-2:]


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="optional: the public data sets are not beside the project")
def test_no_measured_and_no_older_hand_labelled_text_is_among_the_labelled() -> None:
    keys = {normalised(str(row["text"])) for row in labelled_rows(REAL)}
    older = {normalised(str(row["text"])) for row in read_rows(REAL / SOURCES["hand"].file)}

    assert len(keys) > 24_000
    assert not keys & measured_keys(REAL)
    assert not keys & older


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="optional: the public data sets are not beside the project")
def test_no_near_copy_of_a_message_we_measure_on_is_learnt_from() -> None:
    held = [*read_rows(REAL / "gold_dev.jsonl"), *labelled_rows(REAL, "test")]
    gold = [set(normalised(str(row["text"])).split()) for row in held[::3]]
    ours = [set(example.key.split()) for example in training_examples(REAL) if example.source == "labelled"]

    # A retweet, or a headline with one word more: two thirds of the words are the same.
    near = [words & other for words in ours for other in gold if 3 * len(words & other) >= 2 * len(words | other)]

    assert near == []
