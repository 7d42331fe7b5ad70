"""The training loop: masked tag loss, and a leash that keeps the sentence vector where the untouched encoder had it."""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor, nn

from classifiers.learning.batches import Reader, batches
from classifiers.learning.data import Example, epoch
from classifiers.learning.network import TagNetwork, mean_vector
from classifiers.learning.precision import quick
from classifiers.learning.shallow import Depth
from classifiers.learning.sources import LABELLED, OWN, OWN_REPEAT

log = logging.getLogger(__name__)

_HEAD_RATE = 1e-3
_DECAY = 0.01
_WARM_UP = 0.06
_REPORT_EVERY = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train.

    ``share`` scales every source's rows per epoch, ``labelled_repeat`` is how often our hand labels are seen in one,
    ``own_repeat`` how often a company's; ``leash`` weighs the sentence vector's loss. With ``depth`` some layers of the
    encoder are left out first, and the rest is taught to do without them.
    """

    epochs: int = 3
    share: float = 1.0
    labelled_repeat: int = 1
    own_repeat: int = OWN_REPEAT
    batch: int = 32
    tokens: int = 64
    rate: float = 6e-5
    leash: float = 4.0
    seed: int = 7
    depth: Depth | None = None


class Teacher:
    """The untouched encoder; remembers the vectors it has given."""

    def __init__(self, encoder: nn.Module, reader: Reader) -> None:
        self._encoder, self._reader = encoder.eval(), reader
        self._known: dict[str, Tensor] = {}

    @torch.no_grad()
    def vectors(self, examples: Sequence[Example]) -> Tensor:
        """Return unit vectors ``(n, width)``."""
        new = [example.text for example in examples if example.text not in self._known]
        if new:
            ids, mask = self._reader.batch(new)
            with quick():
                hidden = self._encoder(input_ids=ids, attention_mask=mask).last_hidden_state
            self._known.update(zip(new, mean_vector(hidden.float(), mask), strict=True))
        return torch.stack([self._known[example.text] for example in examples])


def train(
    network: TagNetwork, teacher: Teacher | None, reader: Reader, examples: Sequence[Example], plan: Plan
) -> None:
    """Train ``network`` in place. Without a ``teacher`` its sentence vector goes where it likes."""
    chance = random.Random(plan.seed)
    repeats = {LABELLED: plan.labelled_repeat, OWN: plan.own_repeat}
    epochs = [
        list(batches(epoch(examples, chance, share=plan.share, repeats=repeats), _length, chance, plan.batch))
        for _ in range(plan.epochs)
    ]
    steps = sum(map(len, epochs))
    optimiser = _optimiser(network, plan)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, steps))
    started = time.monotonic()
    network.train()
    for step, batch in enumerate(chain.from_iterable(epochs), start=1):
        losses = _losses(network, teacher, reader, batch)
        (losses[0] + plan.leash * losses[1]).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        optimiser.zero_grad()
        if step % _REPORT_EVERY == 0:
            log.info("step %d of %d, tags %.3f, leash %.4f, %.0f s", step, steps, *losses, time.monotonic() - started)


def _length(example: Example) -> int:
    return len(example.text)


def _losses(
    network: TagNetwork, teacher: Teacher | None, reader: Reader, batch: Sequence[Example]
) -> tuple[Tensor, Tensor]:
    ids, mask = reader.batch([example.text for example in batch])
    with quick():
        logits, vectors = network(ids, mask)
    known = torch.tensor([[target is not None for target in example.targets] for example in batch])
    targets = torch.tensor([[target or 0.0 for target in example.targets] for example in batch])
    tags = nn.functional.binary_cross_entropy_with_logits(logits.float(), targets, reduction="none")
    away = torch.zeros(1) if teacher is None else 1.0 - (vectors * teacher.vectors(batch)).sum(dim=-1)
    return (tags * known).sum() / known.sum(), away.mean()


def _optimiser(network: TagNetwork, plan: Plan) -> torch.optim.Optimizer:
    heads = [weight for name, weight in network.named_parameters() if not name.startswith("encoder.")]
    encoder = [weight for weight in network.encoder.parameters() if weight.requires_grad]
    groups = [{"params": encoder, "lr": plan.rate}, {"params": heads, "lr": _HEAD_RATE}]
    return torch.optim.AdamW(groups, weight_decay=_DECAY)


def _rate(step: int, steps: int) -> float:
    """Rise for the first steps, then fall along a cosine to nothing."""
    warm = max(1, round(steps * _WARM_UP))
    return step / warm if step < warm else 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
