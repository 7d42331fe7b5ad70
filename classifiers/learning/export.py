"""From a trained network to the folder the product runs: int8 ONNX, small tokenizer, manifest."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import torch
from onnx import TensorProto
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers.fusion_options import FusionOptions
from onnxruntime.transformers.optimizer import optimize_model
from torch import Tensor, nn

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


def export_network(network: TagNetwork, out: Path) -> None:
    """Write the network to ``out``: operators fused, weights in int8 with a scale per channel.

    One scale for a whole matrix was measured to cost two points of F1.
    """
    network.encoder.set_attn_implementation("eager")
    with tempfile.TemporaryDirectory() as scratch:
        plain, fused = Path(scratch, "plain.onnx"), Path(scratch, "fused.onnx")
        torch.onnx.export(
            _Single(network).eval(),
            (torch.arange(2, 14).reshape(1, -1),),
            str(plain),
            input_names=["ids"],
            output_names=["logits", "vectors"],
            dynamic_axes={"ids": {0: "n", 1: "tokens"}, "logits": {0: "n"}, "vectors": {0: "n"}},
            opset_version=_OPSET,
            dynamo=False,
        )
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
            str(out / NETWORK),
            per_channel=True,
            weight_type=QuantType.QInt8,
            # Shape inference does not know the fused operators; all that is not int8 is float.
            extra_options={"DefaultTensorType": TensorProto.FLOAT},
        )
