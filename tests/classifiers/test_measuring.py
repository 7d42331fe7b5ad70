"""Fitting and measuring, end to end, on a few rows of our own and the shipped network."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.domain import Tag
from classifiers import SHIPPED, Options, evaluate, train
from classifiers.learning.data import LABELS, labelled_part, read_rows
from classifiers.learning.fit import calibrate
from classifiers.learning.sources import SOURCES
from classifiers.manifest import NETWORK, TOKENIZER, read_manifest
from classifiers.onnx import OnnxTagger

pytestmark = pytest.mark.slow

Row = Mapping[str, object]
COMPLAINTS = ("My order never came.", "Your app crashes all day!", "Charged twice, again.", "Worst service I have had.")
PRAISES = ("Thank you, wonderful staff!", "I love this app.", "Great service, well done.", "Best shop in town.")
REQUESTS = ("How do I change my seat?", "Can you send me the form?", "Please add a dark mode.", "Do you ship to Malta?")
OTHERS = ("The shares closed higher.", "Meet me at the Acme shop.", "Acme opens a new office.", "We are at the fair.")


def _write(folder: Path, file: str, rows: list[Row]) -> None:
    (folder / file).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _held_back(kinds: Mapping[str, tuple[str, ...]]) -> list[Row]:
    """Return our texts under the ids of labels that are held back, so that they have these labels."""
    rows: list[Row] = []
    for part in ("dev", "test"):
        for kind, texts in kinds.items():
            wanted = [] if kind == "other" else [kind]
            ids = [
                row["id"]
                for row in read_rows(LABELS)
                if row["set"] == "twcs_spotify" and row["labels"] == wanted
                if labelled_part(row) == part
            ]
            rows += [
                {"id": key, "text": text, "source": "ours", "split": "train"}
                for key, text in zip(ids, texts, strict=False)
            ]
    return rows


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for file in {source.file for source in SOURCES.values()} | {f"{row['set']}.jsonl" for row in read_rows(LABELS)}:
        _write(tmp_path, file, [])
    kinds = {"complaint": COMPLAINTS, "praise": PRAISES, "request": REQUESTS, "other": OTHERS}
    _write(tmp_path, "twcs_spotify.jsonl", _held_back(kinds))
    gold: list[Row] = [
        {"text": text, "labels": [kind] if kind != "other" else [], "primary": kind, "source": "ours"}
        for texts in zip(*kinds.values(), strict=True)
        for kind, text in zip(kinds, texts, strict=True)
    ]
    _write(tmp_path, "gold_dev.jsonl", gold)
    tweets: list[Row] = [
        {"text": text, "label": label, "source": "ours", "split": split}
        for split in ("dev", "test")
        for label, texts in (("complaint", COMPLAINTS), ("non-complaint", OTHERS))
        for text in texts
    ]
    _write(tmp_path, "complaints_acl2019.jsonl", tweets)
    flight = {"label": "negative", "nr_conf": 1.0, "source": "airline"}
    airline: list[Row] = [
        {**flight, "text": text, "negativereason": reason, "split": split}
        for split in ("dev", "test", "train")
        for reason, text in (
            ("Lost Luggage", "Where is my suitcase? It was not on the belt."),
            ("Late Flight", "Two hours on the runway and still waiting."),
            ("Can't Tell", "Never again."),
        )
    ]
    _write(tmp_path, "airline_us.jsonl", airline)
    bank: list[Row] = [
        {"text": text, "label": label, "source": "banking77", "split": split}
        for split in ("test", "train")
        for label, text in (("change_pin", "I want a new PIN"), ("request_refund", "Give me my money back")) * 2
    ]
    _write(tmp_path, "banking77.jsonl", bank)
    return tmp_path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder without a manifest, as export leaves it."""
    path = tmp_path / "model"
    path.mkdir()
    for name in (NETWORK, TOKENIZER):
        shutil.copy(SHIPPED / name, path / name)
    return path


def test_a_network_becomes_a_tagger_by_fitting_on_development_data(data: Path, folder: Path) -> None:
    calibrate(data, folder, {"name": "fitted", "window_tokens": 128, "overlap_tokens": 16})

    manifest = read_manifest(folder)
    assert manifest.name == "fitted"
    assert all(scale.slope > 0 for scale in manifest.scales.values())
    assert set(manifest.thresholds) == set(Tag)
    assert all(0.3 <= least <= 0.65 for least in manifest.thresholds.values())
    tagging = OnnxTagger(folder, Options({}, review_below=0.5)).tag(["My parcel never came!"])[0]
    assert tagging.primary is Tag.COMPLAINT


def test_every_figure_comes_with_its_interval(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main(["--data", str(data), "--json"]) == 0

    parts = json.loads(capsys.readouterr().out)
    assert list(parts) == [
        "gold",
        "hand labels",
        "complaint tweets",
        "airline tweets",
        "airline reasons",
        "bank reasons",
    ]
    assert all(low <= high for figures in parts.values() for _, low, high in figures.values())
    assert parts["gold"]["primary macro F1"][0] > 0.6
    assert parts["bank reasons"]["accuracy"][0] == 1.0
    assert parts["bank reasons"]["accuracy of 1200 labels"][0] == 1.0
    assert 0.0 < parts["hand labels"]["praise calibration error before scaling"][0] < 1.0


def test_measuring_without_the_data_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main(["--data", str(tmp_path)]) == 2

    assert "gold_dev.jsonl can't be read" in capsys.readouterr().err


def test_training_without_its_extra_says_what_to_install(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)

    assert train.main(["--data", str(data), "--out", str(data / "out")]) == 2

    assert capsys.readouterr().err == "training needs onnx: install the extra with pip install 'earmark[train]'\n"
    assert not (data / "out").exists()
