"""Any sequence classifier as tagger, with a tiny one of random weights made here."""

from __future__ import annotations

from pathlib import Path

import pytest

import classifiers
from bot.domain import Tag, Tagger
from bot.errors import ClassifierError

torch = pytest.importorskip("torch", reason="optional: torch is not installed, which only this tagger needs")

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "where", "is", "my", "order", "thank", "you"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    path = tmp_path_factory.mktemp("classifier")
    (path / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=32,
        id2label={0: "anger", 1: "Praise", 2: "neutral"},
        label2id={"anger": 0, "Praise": 1, "neutral": 2},
    )
    BertForSequenceClassification(config).save_pretrained(path)
    BertTokenizerFast(vocab={word: place for place, word in enumerate(WORDS)}).save_pretrained(path)
    return path


def _load(model: str) -> Tagger:
    return classifiers.load(model, reasons={"where": ("where is my order",)}, review_below=0.7)


def test_any_text_is_tagged_in_order(folder: Path) -> None:
    tagger = _load(f"transformer:{folder}#anger=complaint")
    texts = ["where is my order", "", "thank you " * 200, "\ud800", "where is my order"]

    taggings = tagger.tag(texts)

    assert [tagging.model for tagging in taggings] == [tagger.version] * 5
    assert taggings[0] == taggings[4]
    assert taggings[1].primary is None
    assert 0.0 < taggings[0].scores[Tag.COMPLAINT] < 1.0
    assert taggings[0].scores[Tag.REQUEST] == 0.0


def test_labels_are_matched_by_name_and_by_map(folder: Path) -> None:
    by_name = _load(f"transformer:{folder}").tag(["where is my order"])[0]
    mapped = _load(f"transformer:{folder}#anger=complaint").tag(["where is my order"])[0]

    assert by_name.scores[Tag.COMPLAINT] == 0.0
    assert mapped.scores[Tag.COMPLAINT] > 0.0
    assert mapped.scores[Tag.PRAISE] == by_name.scores[Tag.PRAISE] > 0.0


def test_a_model_none_of_whose_labels_means_a_tag_is_refused(folder: Path) -> None:
    from transformers import BertForSequenceClassification

    other = folder / "other"
    model = BertForSequenceClassification.from_pretrained(folder)
    model.config.id2label = {0: "a", 1: "b", 2: "c"}
    model.save_pretrained(other)
    (other / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    (other / "tokenizer_config.json").write_bytes((folder / "tokenizer_config.json").read_bytes())

    with pytest.raises(
        ClassifierError, match=r"none of the labels of .* \(a, b, c\) means complaint, praise or request"
    ):
        _load(f"transformer:{other}").tag(["hello"])


def test_a_name_that_is_no_classifier_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClassifierError, match="can't be read as a sequence classifier"):
        _load(f"transformer:{tmp_path}").tag(["hello"])
