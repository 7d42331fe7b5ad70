"""From an encoder and texts to a trained network: in one go, or by way of a deep one that teaches a shallow one.

A shallow network of half the layers is half the work. It learns three things, one after the other: what the untouched
encoder makes of a text (:mod:`classifiers.learning.shallow`), what people say of it, and then, beside that, what a deep
network that has learnt from the same people says of texts that nobody has labelled.
"""

from __future__ import annotations

import dataclasses
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer

from classifiers.learning.batches import Reader
from classifiers.learning.data import Example
from classifiers.learning.loop import Plan, Teacher, train
from classifiers.learning.network import TagNetwork, deep_encoder, encoder_with
from classifiers.learning.precision import quick
from classifiers.learning.shallow import imitate
from classifiers.learning.sources import ANSWERED, ANSWERED_TAKE, LABELLED, OWN
from classifiers.learning.vocabulary import kept_ids, shrink
from classifiers.manifest import TOKENIZER
from classifiers.text import normalised

log = logging.getLogger(__name__)

_FULLY_LABELLED = frozenset({"hand", LABELLED, OWN})
_BATCH = 64


@dataclass(frozen=True, slots=True)
class Made:
    """A trained network, and the tokenizer file it reads with."""

    network: TagNetwork
    tokenizer: str


def make_network(base: Path, examples: Sequence[Example], unlabelled: Sequence[str], plan: Plan) -> Made:
    """Return a network that has learnt from ``examples``, made of the encoder in ``base``.

    ``unlabelled`` are cleaned texts, which are read only where the plan has a depth.
    """
    whole = Tokenizer.from_file(str(base / TOKENIZER))
    whole.no_truncation()
    whole.no_padding()
    texts = [example.text for example in examples]
    kept = kept_ids(whole, dict.fromkeys([*texts, *unlabelled]))
    small = shrink(base / TOKENIZER, kept)
    reader = Reader(Tokenizer.from_str(small), plan.tokens)
    untouched = Teacher(encoder_with(base), Reader(whole, plan.tokens))
    if plan.depth is not None and plan.depth.teacher is not None:
        deep, deep_reader = _larger(plan.depth.teacher, examples, plan, plan.depth.teacher_rate)
    else:
        deep, deep_reader = TagNetwork(encoder_with(base, kept)), reader
        train(deep, untouched, reader, examples, plan)
    if plan.depth is None:
        return Made(deep, small)
    wanted = random.Random(plan.seed).sample(
        unlabelled, min(len(unlabelled), ANSWERED_TAKE * plan.depth.answers_epochs)
    )
    more = answered(deep, deep_reader, examples, wanted)
    encoder = encoder_with(base, kept, plan.depth.layers)
    imitate(encoder_with(base, kept), encoder, reader, list(dict.fromkeys([*texts, *unlabelled])), plan.depth)
    shallow = TagNetwork(encoder)
    train(shallow, untouched, reader, examples, dataclasses.replace(plan, rate=plan.depth.labels_rate))
    last = dataclasses.replace(plan, epochs=plan.depth.answers_epochs, seed=plan.seed + 1)
    train(shallow, untouched, reader, [*examples, *more], last)
    return Made(shallow, small)


def _larger(folder: Path, examples: Sequence[Example], plan: Plan, rate: float) -> tuple[TagNetwork, Reader]:
    """Return a larger network that has learnt from the labels, and what it reads with.

    Nobody asks for its sentence vector.
    """
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    network, reader = TagNetwork(deep_encoder(folder)), Reader(tokenizer, plan.tokens)
    train(network, None, reader, examples, dataclasses.replace(plan, rate=rate))
    return network, reader


def answered(deep: TagNetwork, reader: Reader, examples: Sequence[Example], unlabelled: Sequence[str]) -> list[Example]:
    """Return the texts on which people have not said everything, with the probabilities that ``deep`` gives them."""
    known = {example.text for example in examples if example.source in _FULLY_LABELLED}
    texts = sorted({text for text in unlabelled if text not in known}, key=len)
    found = []
    deep.eval()
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        with torch.no_grad(), quick():
            logits, _ = deep(*reader.batch(batch))
        for text, chances in zip(batch, torch.sigmoid(logits.float()).tolist(), strict=True):
            complaint, praise, request = chances
            found.append(Example(text, (complaint, praise, request), ANSWERED, normalised(text)))
    log.info("%d texts answered by the deep network", len(found))
    return found
