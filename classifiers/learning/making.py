"""From an encoder and texts to a trained network: in one go, or by way of deep ones that teach a shallow one.

A shallow network is less work. It learns two things, one after the other: what the untouched encoder makes of a text
(:mod:`classifiers.learning.shallow`), and then what people say of it and, halfway with them and alone where nobody has
said anything, what deep networks that have learnt from the same people say of it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from classifiers.learning.batches import Reader
from classifiers.learning.data import Example
from classifiers.learning.loop import Plan, Teacher, train
from classifiers.learning.network import TagNetwork, deep_encoder, encoder_with
from classifiers.learning.precision import quick
from classifiers.learning.shallow import imitate
from classifiers.learning.sources import ANSWERED, Targets
from classifiers.learning.vocabulary import kept_ids, shrink
from classifiers.manifest import TOKENIZER
from classifiers.text import normalised

log = logging.getLogger(__name__)

_BATCH = 64


@dataclass(frozen=True, slots=True)
class Made:
    """A trained network, and the tokenizer file it reads with."""

    network: TagNetwork
    tokenizer: str


def make_network(
    base: Path, examples: Sequence[Example], unlabelled: Sequence[str], plan: Plan, kept_in: Path | None = None
) -> Made:
    """Return a network that has learnt from ``examples``, made of the encoder in ``base``.

    ``unlabelled`` are cleaned texts, which are read only where the plan has a depth. What larger teachers answer is
    kept in the folder ``kept_in``, and read from there when they would be taught and asked the same again.
    """
    whole = _whole_tokenizer(base)
    texts = [example.text for example in examples]
    kept = kept_ids(whole, dict.fromkeys([*texts, *unlabelled]))
    small = shrink(base / TOKENIZER, kept)
    reader = Reader(Tokenizer.from_str(small), plan.tokens)
    untouched = Teacher(encoder_with(base), Reader(whole, plan.tokens))
    depth = plan.depth
    if depth is None:
        network = TagNetwork(encoder_with(base, kept))
        train(network, untouched, reader, examples, plan)
        return Made(network, small)
    asked = sorted({*texts, *unlabelled}, key=lambda text: (len(text), text))
    lesson = replace(plan, depth=None, rate=depth.teacher_rate)
    chances = [
        _of_larger(folder, replace(lesson, seed=plan.seed + number), examples, asked, kept_in)
        for number, folder in enumerate(depth.teachers)
    ]
    if not chances:
        deep = TagNetwork(encoder_with(base, kept))
        train(deep, untouched, reader, examples, plan)
        chances = [_chances(deep, reader, asked)]
    taught = answered(examples, asked, chances)
    torch.manual_seed(plan.seed)
    encoder = encoder_with(base, kept, depth.layers)
    imitate(encoder_with(base, kept), encoder, reader, asked, depth)
    shallow = TagNetwork(encoder)
    last = replace(plan, epochs=depth.epochs, rate=depth.answers_rate, batch=depth.batch)
    train(shallow, untouched, reader, taught, last)
    return Made(shallow, small)


def answered(examples: Sequence[Example], texts: Sequence[str], chances: Sequence[Tensor]) -> list[Example]:
    """Return all ``texts`` with the mean of the probabilities ``(n, 3)`` that each of several networks gives them.

    Where people have said something, it is halfway between them and the networks: a network that has learnt from many
    labels is often right where it contradicts one.
    """
    said = dict(zip(texts, torch.stack(list(chances)).mean(dim=0).tolist(), strict=True))
    found = [replace(example, targets=_halfway(example.targets, said[example.text])) for example in examples]
    labelled = {example.text for example in examples}
    for text, (complaint, praise, request) in said.items():
        if text not in labelled:
            found.append(Example(text, (complaint, praise, request), ANSWERED, normalised(text)))
    log.info("deep networks answered %d texts, %d of which nobody has labelled", len(said), len(found) - len(examples))
    return found


def _halfway(targets: Targets, chances: Sequence[float]) -> Targets:
    complaint, praise, request = (
        chance if target is None else (target + chance) / 2 for target, chance in zip(targets, chances, strict=True)
    )
    return complaint, praise, request


@torch.no_grad()
def _chances(network: TagNetwork, reader: Reader, texts: Sequence[str]) -> Tensor:
    """Return the probabilities ``(n, 3)`` of the tags; texts of like length should stand together."""
    network.eval()
    found = []
    for start in range(0, len(texts), _BATCH):
        with quick():
            logits, _ = network(*reader.batch(texts[start : start + _BATCH]))
        found.append(torch.sigmoid(logits.float()))
    return torch.cat(found)


def _of_larger(
    folder: Path, plan: Plan, examples: Sequence[Example], texts: Sequence[str], kept_in: Path | None
) -> Tensor:
    """Return what the encoder in ``folder`` answers after it has learnt from the labels.

    Nobody asks for its sentence vector.
    """
    file = kept_in / f"{_digest_of(folder, plan, examples, texts)}.npy" if kept_in else None
    if file is not None and file.is_file():
        log.info("a larger network has answered before: %s", file)
        return torch.from_numpy(np.load(file))
    torch.manual_seed(plan.seed)
    network, reader = TagNetwork(deep_encoder(folder)), Reader(_whole_tokenizer(folder), plan.tokens)
    train(network, None, reader, examples, plan)
    chances = _chances(network, reader, texts)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_name("unfinished.npy")
        np.save(unfinished, chances.numpy())
        unfinished.replace(file)
    return chances


def _digest_of(folder: Path, plan: Plan, examples: Sequence[Example], texts: Sequence[str]) -> str:
    """Return a name for all that decides what a larger network answers."""
    digest = sha256(repr(plan).encode())
    for file in sorted(path for path in folder.iterdir() if path.suffix in {".json", ".safetensors", ".bin"}):
        digest.update(file.read_bytes())
    for part in (*((example.text, example.targets, example.source) for example in examples), *texts):
        digest.update(repr(part).encode())
    return digest.hexdigest()[:16]


def _whole_tokenizer(folder: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
