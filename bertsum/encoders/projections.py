"""The projections of packed layers: turns weights into functions of vectors, once for many passes.

# N vectors
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from bertsum.device import has_int8_linear, has_pointwise_linear, int8_linear, pointwise_linear
from bertsum.encoders.int8 import channels_of, in_eight_bits
from bertsum.encoders.low_rank import LowRankLinear

# By transformers' names.
ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "gelu": F.gelu,
    "gelu_new": partial(F.gelu, approximate="tanh"),
    "gelu_pytorch_tanh": partial(F.gelu, approximate="tanh"),
    "relu": F.relu,
    "silu": F.silu,
    "swish": F.silu,
}
Linear = Callable[[torch.Tensor], torch.Tensor]


def projection(modules: Sequence[nn.Linear], dtype: torch.dtype, activation: str | None = None) -> Linear:
    """Several projections of the same vectors as one, in the way that is quick on the device.

    Args:
        modules: Linear modules with the same inputs.
        dtype: Precision of the pass. In float32 and without gradients, modules in eight bits multiply whole numbers,
            if the processor has instructions for that; in bfloat16 this would not be quicker.
        activation: The activation that follows, by transformers' name.
    """
    adapted = torch.is_grad_enabled() and any(isinstance(one, LowRankLinear) and one.learns for one in modules)
    weights = [one.folded() if isinstance(one, LowRankLinear) and not adapted else one.weight for one in modules]
    weight = (torch.cat(weights) if len(modules) > 1 else weights[0]).to(dtype)
    bias = (torch.cat([module.bias for module in modules]) if len(modules) > 1 else modules[0].bias).to(dtype)
    for_scoring = weight.device.type == "cpu" and not torch.is_grad_enabled()
    if for_scoring and dtype == torch.bfloat16 and activation in (None, "gelu") and has_pointwise_linear():
        return pointwise_linear(weight, bias, gelu=activation == "gelu")
    function = ACTIVATIONS[activation] if activation is not None else None
    channels = channels_of(modules[0])
    if for_scoring and dtype == torch.float32 and channels is not None and has_int8_linear():
        product = int8_linear(*in_eight_bits(weight * channels), bias, channels)
        return product if function is None else lambda vectors: function(product(vectors))

    def apply(vectors: torch.Tensor) -> torch.Tensor:
        result = F.linear(vectors, weight, bias)
        if adapted:
            added = [
                one.adaptation(vectors)
                if isinstance(one, LowRankLinear)
                else vectors.new_zeros(len(vectors), one.out_features)
                for one in modules
            ]
            result = result + torch.cat(added, dim=-1)
        return result if function is None else function(result)

    return apply
