"""What the shipped tagger is compared with; needs the extra ``train``. Part of ``benchmarks.tagger``."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import helper, numpy_helper
from transformers import BartConfig, BartForSequenceClassification, BertConfig, BertModel

from classifiers import SHIPPED
from classifiers.manifest import TOKENIZER, read_manifest
from classifiers.text import clean
from classifiers.windows import WindowReader

LAYERS, WIDTH, INNER = 6, 384, 1536
OPS_A_TOKEN = 2 * LAYERS * (4 * WIDTH * WIDTH + 2 * WIDTH * INNER)
"""Multiplications and additions with the encoder's weights; attention between tokens adds under a hundredth."""
LABELS, HYPOTHESIS_TOKENS = 3, 8
"""A zero-shot network reads the mention with a sentence such as "This example is praise." once for each label."""
TURNS, BATCH, PEAK_ROUNDS = 3, 16, 200


def measure(texts: Sequence[str], model: str, ours: float) -> dict[str, float]:
    """Return the rates of the others, and ``ours`` (mentions per CPU-second) as a ratio to each."""
    torch.set_num_threads(1)
    folder = SHIPPED if model == "shipped" else Path(model)
    manifest = read_manifest(folder)
    reader = WindowReader(folder / TOKENIZER, tokens=manifest.window_tokens, overlap=manifest.overlap_tokens)
    rows = sorted(([*window.ids] for window in reader.read([clean(text) for text in texts])), key=len)
    tokens = sum(map(len, rows)) / len(texts)
    fp32 = len(texts) / _encoder_s(rows)
    zero_shot = 1 / _zero_shot_s(round(tokens) + HYPOTHESIS_TOKENS)
    peak = _peak_ops_s()
    return {
        "tokens_a_mention": round(tokens, 1),
        "torch_fp32_per_cpu_s": round(fp32, 1),
        "ratio_to_torch_fp32": round(ours / fp32, 1),
        "zero_shot_per_cpu_s": round(zero_shot, 3),
        "ratio_to_zero_shot": round(ours / zero_shot),
        "int8_peak_gop_s": round(peak / 1e9),
        "share_of_int8_peak_pct": round(100 * ours * tokens * OPS_A_TOKEN / peak, 1),
    }


def _encoder_s(rows: Sequence[Sequence[int]]) -> float:
    """Return the CPU-seconds that the same encoder takes in torch fp32, texts of like length together."""
    config = BertConfig(hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=12, intermediate_size=INNER)
    encoder = BertModel(config, add_pooling_layer=False).eval()
    batches = [_padded(rows[start : start + BATCH]) for start in range(0, len(rows), BATCH)]

    def run() -> None:
        for ids, mask in batches:
            encoder(input_ids=ids, attention_mask=mask)

    return _best_cpu_s(run)


def _padded(rows: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, rows))
    ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows])
    return ids, torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])


def _zero_shot_s(tokens: int) -> float:
    """Return the CPU-seconds that a network of bart-large's shape takes for a mention: a pass for each label."""
    network = BartForSequenceClassification(BartConfig(num_labels=3)).eval()
    ids = torch.randint(10, 50_000, (LABELS, tokens))
    ids[:, -1] = network.config.eos_token_id
    return _best_cpu_s(lambda: network(input_ids=ids))


def _peak_ops_s() -> float:
    """Return the most operations a second that one thread does in an int8 product of 512 x 384 x 1536."""
    rows = 512
    chance = np.random.default_rng(1)
    weights = numpy_helper.from_array(chance.integers(-127, 128, (WIDTH, INNER), dtype=np.int8), "b")
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "b"], ["y"])],
        "product",
        [helper.make_tensor_value_info("a", onnx.TensorProto.UINT8, [rows, WIDTH])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.INT32, [rows, INNER])],
        [weights],
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    values = chance.integers(0, 256, (rows, WIDTH), dtype=np.uint8)
    best = float("inf")
    for _ in range(PEAK_ROUNDS):
        start = time.perf_counter()
        session.run(None, {"a": values})
        best = min(best, time.perf_counter() - start)
    return 2 * rows * WIDTH * INNER / best


def _best_cpu_s(work: Callable[[], object]) -> float:
    turns = []
    with torch.inference_mode():
        work()
        for _ in range(TURNS):
            start = time.process_time()
            work()
            turns.append(time.process_time() - start)
    return min(turns)
