"""Texts as the network reads them: rows of token numbers, long texts in overlapping windows."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
WINDOWS_AT_START, WINDOWS_AT_END = 48, 16
"""Of a text with more windows, some 25,000 characters, the middle is not read: a mail that long quotes others."""
_NEARLY_NOTHING = 1e-9
_SPECIAL = {f"{name}_token": f"[{name.upper()}]" for name in ("unk", "pad", "cls", "sep")}


@dataclass(frozen=True, slots=True)
class Window:
    """Part of a text: ``text`` is its place in the batch, ``ids`` include the tokens that begin and end a row."""

    text: int
    ids: tuple[int, ...]


class WindowReader:
    """Turns texts into windows of at most ``tokens``, of which ``overlap`` are read again by the next one."""

    def __init__(self, tokenizer_file: Path, *, tokens: int, overlap: int) -> None:
        fast = _fast_tokenizer(tokenizer_file)
        self._first, self._last = int(fast.cls_token_id), int(fast.sep_token_id)
        # The Rust tokenizer itself, which threads may share; the Python class sets padding on it at every call.
        self._tokenizer = fast.backend_tokenizer
        self._room, self._overlap = tokens - 2, overlap

    def read(self, texts: Sequence[str]) -> list[Window]:
        """Return the windows of ``texts``, at least one a text, in order."""
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [
            Window(place, (self._first, *part, self._last))
            for place, encoding in enumerate(encodings)
            for part in self._parts(encoding.ids)
        ]

    def _parts(self, ids: Sequence[int]) -> list[Sequence[int]]:
        step = self._room - self._overlap
        count = 1 + max(0, math.ceil((len(ids) - self._room) / step))
        read = [at for at in range(count) if at < WINDOWS_AT_START or at >= count - WINDOWS_AT_END]
        return [ids[at * step : at * step + self._room] for at in read]


def _fast_tokenizer(tokenizer_file: Path) -> Any:
    # Without it transformers tells whoever imports it that torch is missing; that it may be missing is the point.
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    from transformers import PreTrainedTokenizerFast

    # A bare file: the class reads it, no hub and no guessing by a model's name.
    return PreTrainedTokenizerFast(tokenizer_file=str(tokenizer_file), **_SPECIAL)


def joined(pieces: Sequence[tuple[Floats, Floats, int]]) -> tuple[Floats, Floats]:
    """Return one row of logits and one unit vector for a text read in ``pieces``: logits, unit vector, tokens of each.

    One angry paragraph makes a mail a complaint, so logits are joined by the logarithm of their mean odds, which
    follows the strongest window without letting twenty weak ones add up. The vector is the mean, weighted by length.
    """
    if len(pieces) == 1:
        return pieces[0][:2]
    logits = np.stack([piece[0] for piece in pieces])
    top = logits.max(axis=0)
    mean = np.average(np.stack([piece[1] for piece in pieces]), axis=0, weights=[piece[2] for piece in pieces])
    unit = mean / max(float(np.linalg.norm(mean)), _NEARLY_NOTHING)
    return top + np.log(np.exp(logits - top).mean(axis=0)), unit.astype(np.float32)
