"""A shallow encoder that says of a text what a deep one says of it, learnt without any label.

Half of the layers take half of the time. What they lose is taught back: the deep encoder reads texts of the kind that
will be tagged, and the shallow one learns to give each token the vector that the deep one gave it, and each text the
same mean.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import BertModel

from classifiers.learning.batches import Reader, batches
from classifiers.learning.network import mean_vector
from classifiers.learning.precision import quick

log = logging.getLogger(__name__)

_DECAY = 0.01
_REPORT_EVERY = 50
_WARM_UP_STEPS = 100
_WEIGHT = 10.0
"""Of either loss; both are small numbers beside the size of the gradients that are cut off."""


@dataclass(frozen=True, slots=True)
class Depth:
    """Which ``layers`` of the deep encoder the shallow one begins with, counted from 0, and how it is taught.

    ``texts`` are read to imitate the untouched encoder, at ``rate``. Then it learns for ``epochs`` at ``answers_rate``
    from labels and from what deep networks answer on those and on other texts. The deep network is of the same encoder,
    or there is one of each folder in ``teachers``, larger ones, which learn at ``teacher_rate``.
    """

    layers: tuple[int, ...] = (0, 2, 3, 5)
    texts: int = 64_000
    batch: int = 64
    rate: float = 4e-4
    answers_rate: float = 2e-4
    epochs: int = 8
    teachers: tuple[Path, ...] = ()
    teacher_rate: float = 3e-5
    seed: int = 7


def imitate(deep: BertModel, shallow: BertModel, reader: Reader, texts: Sequence[str], depth: Depth) -> None:
    """Teach ``shallow`` in place to give ``texts`` the token vectors that ``deep`` gives them. Both read ``reader``."""
    chance = random.Random(depth.seed)
    chosen = chance.sample(list(texts), min(len(texts), depth.texts))
    steps = list(batches(chosen, len, chance, depth.batch))
    weights = [weight for weight in shallow.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=depth.rate, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, len(steps)))
    started = time.monotonic()
    deep.eval()
    shallow.eval()  # dropout would only blur what is to be imitated
    for step, rows in enumerate(steps, start=1):
        tokens, means = _losses(deep, shallow, *reader.batch(rows))
        (_WEIGHT * (tokens + means)).backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        schedule.step()
        optimiser.zero_grad()
        if step % _REPORT_EVERY == 0:
            spent = time.monotonic() - started
            log.info("imitating %d of %d, tokens %.4f, means %.4f, %.0f s", step, len(steps), tokens, means, spent)


def _losses(deep: BertModel, shallow: BertModel, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean squared difference of token vectors, and the mean cosine distance of sentence vectors."""
    with torch.no_grad(), quick():
        wanted = deep(input_ids=ids, attention_mask=mask).last_hidden_state.float()
    with quick():
        given = shallow(input_ids=ids, attention_mask=mask).last_hidden_state.float()
    share = mask.unsqueeze(-1).to(given.dtype)
    tokens = ((given - wanted).square() * share).sum() / (share.sum() * given.shape[-1])
    away = 1.0 - (mean_vector(given, mask) * mean_vector(wanted, mask)).sum(dim=-1)
    return tokens, away.mean()


def _rate(step: int, steps: int) -> float:
    """Rise for the first steps, then fall in a line to nothing."""
    return min(1.0, (step + 1) / _WARM_UP_STEPS) * (1 - step / max(1, steps))
