"""Choosing a tagger by name, and what is said where there is none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import classifiers
from bot.domain import Tagger
from bot.errors import ClassifierError
from classifiers import SHIPPED
from classifiers.manifest import MANIFEST, NETWORK


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "model"))


def _load(model: str) -> Tagger:
    return classifiers.load(model, reasons={}, review_below=0.7)


def test_a_folder_of_the_same_form_tags_like_the_shipped_model(folder: Path) -> None:
    text = ["Where is my order? It should be here by now."]

    assert _load(str(folder)).tag(text) == _load("shipped").tag(text)


def test_a_name_that_is_no_model_is_refused_with_what_is_supported() -> None:
    with pytest.raises(
        ClassifierError, match=r"no tagger in keywords: \[tagger\] model takes `shipped`, `transformer:`"
    ):
        _load("keywords")


def test_a_manifest_of_another_form_is_refused(folder: Path) -> None:
    (folder / MANIFEST).write_text(json.dumps({"name": "other"}), encoding="utf-8")

    with pytest.raises(ClassifierError, match=r"tagger.json is not a tagger's description"):
        _load(str(folder))


def test_a_damaged_network_is_refused_when_it_is_loaded(folder: Path) -> None:
    with (folder / NETWORK).open("ab") as network:
        network.write(b"\0")
    tagger = _load(str(folder))

    with pytest.raises(ClassifierError, match=r"model.onnx is not the file its manifest describes"):
        tagger.tag(["Hello"])


def test_a_missing_network_is_refused_when_it_is_loaded(folder: Path) -> None:
    (folder / NETWORK).unlink()
    tagger = _load(str(folder))

    with pytest.raises(ClassifierError, match=r"model.onnx can't be read \(No such file or directory\)"):
        tagger.tag(["Hello"])


def test_a_label_map_that_maps_nothing_is_refused() -> None:
    with pytest.raises(ClassifierError, match=r"#LABEL_0=anger maps no labels: write LABEL=complaint"):
        _load("transformer:some/name#LABEL_0=anger")
