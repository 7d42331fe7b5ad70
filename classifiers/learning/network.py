"""The network: one encoder, read twice, for the tags and for the sentence vector."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import AutoModel, BertModel, PreTrainedModel
from transformers.utils import logging

TAGS = 3
_HEAD = 192


class TagNetwork(nn.Module):
    """An encoder whose last layer is read by an attention-pooled head (tags) and by a plain mean (meaning).

    Fine-tuning for tags alone ruins the mean for comparing meanings, so training also holds it near the
    untouched encoder's; see :mod:`classifiers.learning.loop`.
    """

    def __init__(self, encoder: PreTrainedModel) -> None:
        super().__init__()
        width = encoder.config.hidden_size
        self.encoder = encoder
        self.attention = nn.Linear(width, 1)
        self.inner = nn.Linear(width, _HEAD)
        self.outer = nn.Linear(_HEAD, TAGS)
        self.dropout = nn.Dropout(0.2)

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits ``(n, 3)`` and unit sentence vectors ``(n, width)`` for ids and mask ``(n, tokens)``."""
        hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        absent = (1.0 - mask.to(hidden.dtype)) * -1e4
        weights = torch.softmax(self.attention(hidden).squeeze(-1) + absent, dim=1)
        pooled = (weights.unsqueeze(-1) * hidden).sum(dim=1)
        logits = self.outer(self.dropout(torch.tanh(self.inner(self.dropout(pooled)))))
        return logits, mean_vector(hidden, mask)


def mean_vector(hidden: Tensor, mask: Tensor) -> Tensor:
    """Return the unit mean of the tokens' vectors, as the encoder's makers read it."""
    share = mask.to(hidden.dtype).unsqueeze(-1)
    mean = (hidden * share).sum(dim=1) / share.sum(dim=1).clamp(min=1.0)
    return nn.functional.normalize(mean, dim=-1)


def encoder_with(folder: Path, kept: list[int] | None = None, layers: Sequence[int] | None = None) -> BertModel:
    """Return the encoder in ``folder``.

    With ``kept`` it has only these entries of its vocabulary, in this order; with ``layers`` only these of its layers,
    counted from 0. What is left of the layers has to be taught again: see :mod:`classifiers.learning.shallow`.
    """
    logging.set_verbosity_error()  # the loader reports the pooler, which nothing here reads
    encoder = BertModel.from_pretrained(str(folder), add_pooling_layer=False, local_files_only=True)
    if kept is not None:
        words = encoder.embeddings.word_embeddings.weight.detach()[torch.tensor(kept)]
        encoder.embeddings.word_embeddings = nn.Embedding.from_pretrained(words, freeze=True, padding_idx=0)
        encoder.config.vocab_size = len(kept)
    if layers is not None:
        encoder.encoder.layer = nn.ModuleList([encoder.encoder.layer[place] for place in layers])
        encoder.config.num_hidden_layers = len(layers)
    return encoder


def deep_encoder(folder: Path) -> PreTrainedModel:
    """Return any encoder, of which the layers above the lowest third learn: those know words, which stay the same."""
    logging.set_verbosity_error()
    encoder = AutoModel.from_pretrained(str(folder), local_files_only=True)
    layers = encoder.encoder.layer
    for part in (encoder.embeddings, *layers[: len(layers) // 3]):
        for weight in part.parameters():
            weight.requires_grad = False
    return encoder
