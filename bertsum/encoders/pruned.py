"""BERT's family with fewer attention heads and feed-forward units in a layer than its configuration says.

The configuration's own sizes stay, because they tell the size of a head. Its entry ``kept`` tells how many heads and
units each layer has left.

# H hidden, D size of a head
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import nn

if TYPE_CHECKING:
    from transformers import PretrainedConfig

    from bertsum.encoders.load import Encoder

KEPT = "kept"


def head_size(config: PretrainedConfig) -> int:
    """D, the size of an attention head."""
    return int(config.hidden_size) // int(config.num_attention_heads)


def layer_sizes(config: PretrainedConfig) -> list[tuple[int, int]]:
    """For each layer the size of all its attention heads together, and of its feed-forward block.

    Raises:
        ValueError: if the configuration's entry ``kept`` does not fit its layers.
    """
    size, inner, layers = head_size(config), config.intermediate_size, config.num_hidden_layers
    kept: Any = getattr(config, KEPT, None)
    if kept is None:
        return [(config.num_attention_heads * size, inner)] * layers
    if not isinstance(kept, dict) or kept.keys() != {"heads", "feedforward"}:
        raise ValueError(f"{KEPT}: got {kept!r}, expected heads and feedforward")
    for name, most in (("heads", config.num_attention_heads), ("feedforward", inner)):
        counts = kept[name]
        if not isinstance(counts, list) or len(counts) != layers:
            raise ValueError(f"{KEPT}.{name}: got {counts!r}, expected a number for each of {layers} layers")
        if not all(type(count) is int and 1 <= count <= most for count in counts):
            raise ValueError(f"{KEPT}.{name}: got {counts!r}, expected whole numbers from 1 to {most}")
    return [(heads * size, units) for heads, units in zip(kept["heads"], kept["feedforward"], strict=True)]


def shrink(encoder: Encoder) -> None:
    """Gives each layer of a new encoder the matrices of its :func:`layer_sizes`, not yet filled with values.

    Raises:
        ValueError: if the configuration's entry ``kept`` does not fit its layers.
    """
    if getattr(encoder.config, KEPT, None) is None:
        return
    hidden = encoder.config.hidden_size
    layers: Any = encoder.get_submodule("encoder.layer")
    for layer, (attention, inner) in zip(layers, layer_sizes(encoder.config), strict=True):
        own = layer.attention.self
        own.query, own.key, own.value = (nn.Linear(hidden, attention) for _ in range(3))
        own.num_attention_heads = attention // head_size(encoder.config)  # transformers 4 goes by these
        own.all_head_size = attention
        layer.attention.output.dense = nn.Linear(attention, hidden)
        layer.intermediate.dense = nn.Linear(hidden, inner)
        layer.output.dense = nn.Linear(inner, hidden)


def kept_layers(config: PretrainedConfig, layers: Sequence[int]) -> None:
    """Keeps only some layers' entries in ``kept`` and ``layer_types``, if there are any.

    Raises:
        ValueError: if layers are of several kinds, and a layer's kind cannot be said.
    """
    kept: Any = getattr(config, KEPT, None)
    if kept is not None:
        setattr(config, KEPT, {name: [counts[place] for place in layers] for name, counts in kept.items()})
    types: Any = getattr(config, "layer_types", None)
    if types is None and hasattr(config, "global_attn_every_n_layers"):
        raise ValueError("its layers are of several kinds, which transformers can name from version 5 on")
    if types is not None:
        config.layer_types = [types[place] for place in layers]
