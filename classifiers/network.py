"""The network: its tokenizer and its weights, run by onnxruntime on the CPU."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from bot.errors import ClassifierError
from classifiers.manifest import NETWORK, TOKENIZER, Manifest
from classifiers.windows import Floats, Window, WindowReader, joined

BATCH = 16
"""Windows run together; more of them gain nothing and hold more memory."""


class Network:
    """One model in memory, which any number of threads may use at once."""

    def __init__(self, folder: Path, manifest: Manifest, *, threads: int = 1) -> None:
        _check_files(folder, manifest)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # several batches at once keep several cores busier than one batch does
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Threads that spin while they wait take the time of those that work.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._run = onnxruntime.InferenceSession(
            str(folder / NETWORK),
            options,
            providers=["CPUExecutionProvider"],
            # It would undo what classifiers.learning.fixed has taken apart because it is slower in one piece.
            disabled_optimizers=["SkipLayerNormFusion"],
        ).run
        self._batch = BATCH if manifest.fixed_scales else 1
        self._threads = ThreadPoolExecutor(threads) if threads > 1 else None
        self._reader = WindowReader(folder / TOKENIZER, tokens=manifest.window_tokens, overlap=manifest.overlap_tokens)

    def read(self, texts: Sequence[str]) -> list[tuple[Floats, Floats]]:
        """Return logits ``(tags,)`` and unit sentence vector ``(width,)`` of each cleaned text, same order."""
        windows = self._reader.read(texts)
        batches = list(_batches(windows, self._batch))
        found: dict[int, tuple[Floats, Floats]] = {}
        for places, (logits, vectors) in zip(batches, self._run_all(windows, batches), strict=True):
            found.update(zip(places, zip(logits, vectors, strict=True), strict=True))
        pieces: list[list[tuple[Floats, Floats, int]]] = [[] for _ in texts]
        for place, window in enumerate(windows):
            pieces[window.text].append((*found[place], len(window.ids)))
        return [joined(of_text) for of_text in pieces]

    def _run_all(self, windows: Sequence[Window], batches: Sequence[Sequence[int]]) -> Iterable[tuple[Floats, Floats]]:
        rows = [np.array([windows[place].ids for place in places], dtype=np.int64) for places in batches]
        return (self._threads.map if self._threads else map)(self._rows, rows)

    def _rows(self, ids: NDArray[np.int64]) -> tuple[Floats, Floats]:
        logits, vectors = self._run(None, {"ids": ids})
        return logits, vectors


def _batches(windows: Sequence[Window], most: int) -> Iterator[list[int]]:
    """Yield the places of windows that are run together.

    They are of one length, so that nothing is padded and a text is given to the last bit what it is given alone.
    Where int8 scales are taken over a run, that would not hold, and each window is run by itself.
    """
    alike: dict[int, list[int]] = {}
    for place, window in enumerate(windows):
        alike.setdefault(len(window.ids), []).append(place)
    for places in alike.values():
        for start in range(0, len(places), most):
            yield places[start : start + most]


def _check_files(folder: Path, manifest: Manifest) -> None:
    for name, expected in manifest.files.items():
        try:
            found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        except OSError as error:
            raise ClassifierError(f"{folder / name} can't be read ({error.strerror})", permanent=True) from error
        if found != expected:
            raise ClassifierError(
                f"{folder / name} is not the file its manifest describes: install or export the model again",
                permanent=True,
            )
