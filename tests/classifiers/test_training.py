"""Training, end to end, of a tiny encoder of random weights made here: what comes out runs and has learnt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="optional: torch is not installed, which only training needs")
pytest.importorskip("onnx", reason="optional: onnx is not installed, which only training needs")

from tokenizers import Tokenizer

from bot.errors import InputError
from classifiers import Options, train
from classifiers.learning.batches import Reader
from classifiers.learning.data import Example, own_example
from classifiers.learning.loop import Plan
from classifiers.learning.making import answered, make_network
from classifiers.learning.network import deep_encoder, encoder_with
from classifiers.learning.own import of_part, read_own
from classifiers.learning.shallow import Depth, imitate
from classifiers.manifest import read_manifest
from classifiers.onnx import OnnxTagger

pytestmark = pytest.mark.slow

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
KINDS = {
    "complaint": ("broken", "late", "terrible", "crashed"),
    "praise": ("lovely", "wonderful", "great", "thanks"),
    "request": ("can", "please", "how", "where"),
    "other": ("shares", "fair", "office", "news"),
}
THINGS = ("parcel", "app", "shop", "card", "seat", "order", "bag", "train", "bill", "phone", "desk", "line")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """As training does: threads that wait for each other are slow where other tests run too."""
    torch.set_num_threads(1)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A folder with an encoder of three layers, and its tokenizer."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    words = [*SPECIAL, "my", "the", *THINGS, *(word for words in KINDS.values() for word in words)]
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=140,
        initializer_range=0.1,  # so that layers change what they read
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(tmp_path / "base")
    BertTokenizerFast(vocab={word: place for place, word in enumerate(words)}).save_pretrained(tmp_path / "base")
    return tmp_path / "base"


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.jsonl"
    rows = [
        {"text": f"{the} {word} {thing}", "tags": [] if kind == "other" else [kind]}
        for kind, words in KINDS.items()
        for word in words
        for thing in THINGS
        for the in ("my", "the")
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(("layers", "count"), [(None, 3), ((0, 2), 2)])
def test_a_trained_model_is_a_folder_that_runs_without_torch_and_knows_what_it_was_taught(
    tmp_path: Path, base: Path, labels: Path, layers: tuple[int, ...] | None, count: int
) -> None:
    depth = None if layers is None else Depth(layers, texts=100, epochs=12, answers_rate=3e-3)
    plan = Plan(epochs=12, rate=3e-3, leash=0.1, depth=depth)

    train.train(None, tmp_path / "out", plan, base=base, own=read_own(labels), name="tiny")

    tagger = OnnxTagger(tmp_path / "out", Options({}, review_below=0.5))
    held_back = of_part(read_own(labels), "test")
    taggings = tagger.tag([label.text for label in held_back])
    right = sum(tagging.primary == label.primary for tagging, label in zip(taggings, held_back, strict=True))
    assert right / len(held_back) > 0.8
    assert read_manifest(tmp_path / "out").name == "tiny"
    assert _products(tmp_path / "out" / "model.onnx") == 6 * count + 3


def test_the_same_seed_gives_the_same_model(tmp_path: Path, base: Path, labels: Path) -> None:
    digests = []
    for name in ("one", "two"):
        train.train(None, tmp_path / name, Plan(epochs=1), base=base, own=read_own(labels))
        digests.append(read_manifest(tmp_path / name).files)

    assert digests[0] == digests[1]


def test_a_shallow_encoder_comes_to_say_what_the_deep_one_says(base: Path) -> None:
    reader = Reader(Tokenizer.from_file(str(base / "tokenizer.json")), 64)
    texts = [f"my {word} {thing}" for words in KINDS.values() for word in words for thing in THINGS] * 8
    deep, shallow = encoder_with(base), encoder_with(base, layers=(0, 2))
    ids, mask = reader.batch(texts[:64])

    def away() -> float:
        with torch.no_grad():
            said, wanted = (one(input_ids=ids, attention_mask=mask).last_hidden_state for one in (shallow, deep))
        return float((said - wanted).square().mean())

    before = away()
    imitate(deep, shallow, reader, texts, Depth((0, 2), texts=800, batch=32, rate=5e-3))

    assert away() < before / 2


def test_networks_answer_together_halfway_with_the_people_who_said_something() -> None:
    examples = [
        Example("my late parcel", (1.0, 0.0, 0.0), "labelled", "a"),
        Example("my late bag", (1.0, None, None), "complaints", "b"),
    ]
    texts = ["the fair", "my late bag", "my late parcel"]
    one, other = torch.tensor([[0.25] * 3, [0.5] * 3, [0.75] * 3]), torch.tensor([[0.75] * 3, [0.5] * 3, [0.25] * 3])

    assert answered(examples, texts, [one, other]) == [
        Example("my late parcel", (0.75, 0.25, 0.25), "labelled", "a"),
        Example("my late bag", (0.75, 0.5, 0.5), "complaints", "b"),
        Example("the fair", (0.5, 0.5, 0.5), "answered", "the fair"),
    ]


def test_a_shallow_network_also_learns_from_what_the_deep_one_answered(base: Path, labels: Path) -> None:
    examples = [own_example(label) for label in read_own(labels)][:60]
    unlabelled = [f"the {thing} news" for thing in THINGS]
    plan = Plan(epochs=1, depth=Depth((0, 2), texts=20, epochs=1))

    alone = make_network(base, examples, [], plan)
    taught = make_network(base, examples, unlabelled, plan)

    assert taught.network.encoder.config.num_hidden_layers == 2
    assert taught.tokenizer == alone.tokenizer
    assert not torch.equal(taught.network.outer.weight, alone.network.outer.weight)


@pytest.fixture
def larger(tmp_path: Path, base: Path) -> Path:
    """A folder with a wider encoder of another kind, which reads the same words."""
    from transformers import MPNetConfig, MPNetModel

    folder = tmp_path / "larger"
    torch.manual_seed(4)
    config = MPNetConfig(vocab_size=200, hidden_size=48, num_hidden_layers=3, num_attention_heads=4)
    MPNetModel(config, add_pooling_layer=False).save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes((base / "tokenizer.json").read_bytes())
    return folder


def test_larger_encoders_of_another_kind_can_be_those_that_teach(base: Path, labels: Path, larger: Path) -> None:
    depth = Depth((0, 2), texts=100, epochs=12, answers_rate=3e-3, teachers=(larger, larger), teacher_rate=3e-3)
    plan = Plan(epochs=12, leash=0.1, depth=depth)
    unlabelled = [f"the {word} {thing} of ours" for words in KINDS.values() for word in words for thing in THINGS]
    examples = [own_example(label) for label in of_part(read_own(labels), "train")]

    made = make_network(base, examples, unlabelled, plan)

    assert made.network.encoder.config.hidden_size == 32
    assert made.network.encoder.config.num_hidden_layers == 2
    made.network.eval()
    tokenizer = Tokenizer.from_str(made.tokenizer)
    with torch.no_grad():
        logits, _ = made.network(*Reader(tokenizer, 64).batch(["the late bag of ours", "the great bag of ours"]))
    assert logits.argmax(dim=-1).tolist() == [0, 1]


def test_a_run_that_was_broken_off_goes_on_behind_the_teachers_that_have_answered(
    tmp_path: Path, base: Path, labels: Path, larger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = [own_example(label) for label in read_own(labels)][:60]
    unlabelled = [f"the {thing} news" for thing in THINGS]
    one, both = (
        Plan(epochs=1, depth=Depth((0, 2), texts=20, epochs=1, teachers=teachers))
        for teachers in ((larger,), (larger, larger))
    )

    def taught(plan: Plan, kept_in: Path) -> list[Any]:
        return list(make_network(base, examples, unlabelled, plan, kept_in).network.state_dict().values())

    whole = taught(both, tmp_path / "whole")
    taught(one, tmp_path / "broken-off")
    goes_on = taught(both, tmp_path / "broken-off")
    monkeypatch.setattr("classifiers.learning.making.deep_encoder", None)  # nobody is taught any more
    again = taught(both, tmp_path / "broken-off")

    assert all(map(torch.equal, whole, goes_on))
    assert all(map(torch.equal, whole, again))
    assert len(list((tmp_path / "broken-off").iterdir())) == 2


def test_what_the_larger_encoder_knows_of_words_stays_the_same_while_it_learns(base: Path) -> None:
    encoder = deep_encoder(base)

    assert not any(weight.requires_grad for weight in encoder.embeddings.parameters())
    assert [all(w.requires_grad for w in layer.parameters()) for layer in encoder.encoder.layer] == [False, True, True]


def test_a_teacher_without_anybody_to_teach_is_refused(base: Path) -> None:
    with pytest.raises(InputError, match="--teacher teaches a network of fewer layers"):
        train.plan_of(1, 1.0, 1, 7, "all", [base])


def test_a_teacher_that_is_no_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no encoder in"):
        train.plan_of(1, 1.0, 1, 7, "0,2", [tmp_path])


@pytest.mark.parametrize("layers", ["", "2,1", "0,0", "-1", "one"])
def test_layers_that_are_none_are_refused(layers: str) -> None:
    with pytest.raises(InputError, match=r"--layers .*: give the numbers of layers from 0 up, such as 0,2,5, or `all`"):
        train.plan_of(1, 1.0, 1, 7, layers)


def _products(file: Path) -> int:
    """Return how many int8 products with weights a network has: six a layer, three in the head."""
    import onnx

    return sum(node.op_type == "MatMulIntegerToFloat" for node in onnx.load(str(file)).graph.node)
