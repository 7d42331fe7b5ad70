"""The network: its tokenizer and its weights, run by onnxruntime on the CPU."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from bot.errors import ClassifierError
from classifiers.manifest import NETWORK, TOKENIZER, Manifest
from classifiers.windows import Floats, Window, WindowReader, joined


class Network:
    """One model in memory, which any number of threads may use at once."""

    def __init__(self, folder: Path, manifest: Manifest, *, threads: int = 1) -> None:
        _check_files(folder, manifest)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Threads that spin while they wait take the time of those that work.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._run = onnxruntime.InferenceSession(str(folder / NETWORK), options, providers=["CPUExecutionProvider"]).run
        self._reader = WindowReader(folder / TOKENIZER, tokens=manifest.window_tokens, overlap=manifest.overlap_tokens)

    def read(self, texts: Sequence[str]) -> list[tuple[Floats, Floats]]:
        """Return logits ``(tags,)`` and unit sentence vector ``(width,)`` of each cleaned text, same order."""
        pieces: list[list[tuple[Floats, Floats, int]]] = [[] for _ in texts]
        for window in self._reader.read(texts):
            pieces[window.text].append((*self._window(window), len(window.ids)))
        return [joined(of_text) for of_text in pieces]

    def _window(self, window: Window) -> tuple[Floats, Floats]:
        """Run one window by itself.

        The scales of int8 are taken from all that is in a run, so in a batch a text's scores would depend on what it
        came with, and the same mention could be tagged differently tomorrow. A batch of 8 would be a third faster.
        """
        logits, vectors = self._run(None, {"ids": np.array([window.ids], dtype=np.int64)})
        return logits[0], vectors[0]


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
