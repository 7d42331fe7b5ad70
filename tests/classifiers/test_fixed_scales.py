"""From scales at run time to constants: the same answers, whatever a text is run with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

onnx = pytest.importorskip("onnx", reason="optional: onnx is not installed, which only training needs")

WIDTH, HEADS, WORDS = 16, 2, 20


@pytest.fixture
def dynamic(tmp_path: Path) -> Path:
    """A tiny network of random weights as `quantize_dynamic` leaves one."""
    from onnx import TensorProto, helper, numpy_helper
    from onnxruntime.quantization import QuantType, quantize_dynamic

    chance = np.random.default_rng(3)

    def constant(name: str, *shape: int) -> object:
        return numpy_helper.from_array(chance.normal(size=shape).astype(np.float32), name)

    nodes = [
        helper.make_node("Gather", ["words", "ids"], ["x"]),
        helper.make_node("Attention", ["x", "qkv", "qkv_bias"], ["a"], domain="com.microsoft", num_heads=HEADS),
        helper.make_node("MatMul", ["a", "w1"], ["m1"]),
        helper.make_node(
            "SkipLayerNormalization", ["m1", "x", "g", "b", "b1"], ["n1"], domain="com.microsoft", epsilon=1e-6
        ),
        helper.make_node("MatMul", ["n1", "w2"], ["m2"]),
        helper.make_node("BiasGelu", ["m2", "b2"], ["vectors"], domain="com.microsoft"),
    ]
    constants = [
        constant("words", WORDS, WIDTH),
        constant("qkv", WIDTH, 3 * WIDTH),
        constant("qkv_bias", 3 * WIDTH),
        constant("w1", WIDTH, WIDTH),
        constant("w2", WIDTH, WIDTH),
        *(constant(name, WIDTH) for name in ("g", "b", "b1", "b2")),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["n", "tokens"])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["n", "tokens", WIDTH])],
        constants,
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(tmp_path / "plain.onnx"))
    quantize_dynamic(
        str(tmp_path / "plain.onnx"),
        str(tmp_path / "dynamic.onnx"),
        per_channel=True,
        weight_type=QuantType.QInt8,
        reduce_range=True,  # as the export does: without VNNI eight bits overflow
        op_types_to_quantize=["MatMul", "Attention"],
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )
    return tmp_path / "dynamic.onnx"


def _run(network: Path, rows: list[list[int]]) -> np.ndarray:
    session = onnxruntime.InferenceSession(
        str(network), providers=["CPUExecutionProvider"], disabled_optimizers=["SkipLayerNormFusion"]
    )
    (found,) = session.run(["vectors"], {"ids": np.array(rows, dtype=np.int64)})
    return np.asarray(found)


def test_fixed_scales_say_nearly_the_same_and_the_same_in_any_company(dynamic: Path, tmp_path: Path) -> None:
    from classifiers.learning.fixed import fix

    rows = [[(7 * row + 3 * place) % WORDS for place in range(6)] for row in range(WORDS)]

    fix(dynamic, tmp_path / "fixed.onnx", rows)

    together = _run(tmp_path / "fixed.onnx", rows)
    assert np.array_equal(together, np.concatenate([_run(tmp_path / "fixed.onnx", [row]) for row in rows]))
    assert np.abs(together - np.concatenate([_run(dynamic, [row]) for row in rows])).mean() < 0.1
    kinds = {node.op_type for node in onnx.load(str(tmp_path / "fixed.onnx")).graph.node}
    assert kinds == {
        *("Gather", "QuantizeLinear", "MatMulIntegerToFloat", "MultiHeadAttention"),
        *("Add", "LayerNormalization", "Gelu"),
    }
