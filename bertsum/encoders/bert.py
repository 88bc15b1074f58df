"""BERT and RoBERTa (arXiv 1810.04805, 1907.11692): their weights alone, for :mod:`bertsum.encoders.packed`.

Weights have the names of transformers. Its own classes take seconds to import, so they are not used here.

# H hidden
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from torch import nn

from bertsum.encoders.int8 import add_channels
from bertsum.encoders.pruned import layer_sizes

if TYPE_CHECKING:
    from transformers import PretrainedConfig

# Families with these weights, and their first position.
FIRST_POSITION: dict[str, Callable[[PretrainedConfig], int]] = {
    "bert": lambda _: 0,
    "roberta": lambda config: config.pad_token_id + 1,
    "xlm-roberta": lambda config: config.pad_token_id + 1,
    "camembert": lambda config: config.pad_token_id + 1,
}


class Bert(nn.Module):
    """A BERT or RoBERTa encoder: only its weights, not yet filled with values.

    Attributes:
        config: The configuration, a class of transformers.
        embeddings: Embeddings of words, positions and token types, and their norm.
        encoder: The layers.
    """

    def __init__(self, config: PretrainedConfig) -> None:
        super().__init__()
        size, heads, eps = config.hidden_size, config.num_attention_heads, config.layer_norm_eps
        if size % heads:
            raise ValueError(f"its hidden size, {size}, is no multiple of its {heads} attention heads")
        self.config = config
        self.embeddings = nn.ModuleDict(
            {
                "word_embeddings": _Embedding(config.vocab_size, size),
                "position_embeddings": _Embedding(config.max_position_embeddings, size),
                "token_type_embeddings": _Embedding(config.type_vocab_size, size),
                "LayerNorm": nn.LayerNorm(size, eps),
            }
        )
        layers = (_layer(size, attention, inner, eps) for attention, inner in layer_sizes(config))
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(layers)})
        add_channels(self)

    def get_input_embeddings(self) -> nn.Module:
        """The word embeddings (vocabulary, H)."""
        return self.embeddings["word_embeddings"]


class _Embedding(nn.Embedding):
    def reset_parameters(self) -> None:
        """Random values would only take time."""


class _Linear(nn.Linear):
    def reset_parameters(self) -> None:
        """Random values would only take time."""


def _layer(size: int, attention: int, inner: int, eps: float) -> nn.ModuleDict:
    parts = {
        "self": nn.ModuleDict({name: _Linear(size, attention) for name in ("query", "key", "value")}),
        "output": _output(attention, size, eps),
    }
    return nn.ModuleDict(
        {
            "attention": nn.ModuleDict(parts),
            "intermediate": nn.ModuleDict({"dense": _Linear(size, inner)}),
            "output": _output(inner, size, eps),
        }
    )


def _output(inner: int, size: int, eps: float) -> nn.ModuleDict:
    return nn.ModuleDict({"dense": _Linear(inner, size), "LayerNorm": nn.LayerNorm(size, eps)})
