"""From a trained network to the folder the product runs: int8 ONNX, small tokenizer, manifest."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from onnx import TensorProto
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers.fusion_options import FusionOptions
from onnxruntime.transformers.optimizer import optimize_model
from torch import Tensor, nn

from classifiers.learning.fixed import Row, fix
from classifiers.learning.network import TagNetwork
from classifiers.manifest import NETWORK

log = logging.getLogger(__name__)

_OPSET = 17


class _Single(nn.Module):
    """The network for rows without padding: what runs needs no mask."""

    def __init__(self, network: TagNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        logits, vectors = self.network(ids, torch.ones_like(ids))
        return logits, vectors


def _write(network: TagNetwork, file: Path) -> None:
    with warnings.catch_warnings():
        # The exporter that writes the operators which onnxruntime fuses is the older one. It says so, and at each
        # place where it can't tell that a shape is the same for every text.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Single(network).eval(),
            (torch.arange(2, 14).reshape(1, -1),),
            str(file),
            input_names=["ids"],
            output_names=["logits", "vectors"],
            dynamic_axes={"ids": {0: "n", 1: "tokens"}, "logits": {0: "n"}, "vectors": {0: "n"}},
            opset_version=_OPSET,
            dynamo=False,
        )


def export_network(network: TagNetwork, out: Path, rows: Sequence[Row]) -> None:
    """Write the network to ``out``: weights in int8 with a scale per channel, activations by scales from ``rows``.

    One scale for a whole matrix of weights was measured to cost two points of F1.
    """
    network.encoder.set_attn_implementation("eager")
    with tempfile.TemporaryDirectory() as scratch:
        plain, fused, dynamic = (Path(scratch, f"{name}.onnx") for name in ("plain", "fused", "dynamic"))
        _write(network, plain)
        config = network.encoder.config
        model = optimize_model(
            str(plain),
            model_type="bert",
            num_heads=config.num_attention_heads,
            hidden_size=config.hidden_size,
            optimization_options=FusionOptions("bert"),
        )
        log.info("fused: %s", model.get_fused_operator_statistics())
        model.save_model_to_file(str(fused))
        quantize_dynamic(
            str(fused),
            str(dynamic),
            per_channel=True,
            weight_type=QuantType.QInt8,
            # Seven bits: without VNNI x86 adds two products in sixteen bits, where eight would overflow, so that the
            # scores would depend on the processor. On 600 texts it changes 0.8 % of the labels against fp32; eight
            # bits change 0.7 % on such a processor, with logits further off.
            reduce_range=True,
            # Shape inference does not know the fused operators; all that is not int8 is float.
            extra_options={"DefaultTensorType": TensorProto.FLOAT},
        )
        fix(dynamic, out / NETWORK, rows)
