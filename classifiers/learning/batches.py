"""Texts as a network in training reads them: padded rows, texts of like length together."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from tokenizers import Tokenizer
from torch import Tensor

_CHUNKS = 16
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Reader:
    """A tokenizer and how many tokens it may give."""

    tokenizer: Tokenizer
    tokens: int

    def batch(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return ids and mask, both ``(n, longest)``."""
        rows = [encoding.ids for encoding in self.tokenizer.encode_batch(list(texts))]
        rows = [row if len(row) <= self.tokens else [*row[: self.tokens - 1], row[-1]] for row in rows]
        width = max(len(row) for row in rows)
        ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
        return ids, mask


def batches(
    items: Sequence[Item], length: Callable[[Item], int], chance: random.Random, size: int
) -> Iterator[list[Item]]:
    """Yield batches of items of like length, in no order: padding is arithmetic spent on nothing."""
    chunk = size * _CHUNKS
    found: list[list[Item]] = []
    for start in range(0, len(items), chunk):
        alike = sorted(items[start : start + chunk], key=length)
        found += [alike[at : at + size] for at in range(0, len(alike), size)]
    chance.shuffle(found)
    yield from found
