"""Low-rank adapters (LoRA, arXiv 2106.09685): ``h = W x + s B A x``, where only A and B learn.

# H_in and H_out, r rank
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from bertsum.config import ModelConfig
from bertsum.encoders.load import encoder_layers
from bertsum.errors import BertsumError

if TYPE_CHECKING:
    from bertsum.encoders.load import Encoder

# The factor s of adapters made here (alpha = 2 r is usual). It is saved with them, since versions may differ.
SCALE = 2.0
FIRST_SCALE = 2.0  # of adapters saved without s
_A, _B = ".lora_A.default.weight", ".lora_B.default.weight"  # names as in the package peft


class LowRankLinear(nn.Linear):
    """A projection with a fixed matrix W and an adapter that learns: ``W x + b + s B A x``.

    Attributes:
        lora_A: A (r, H_in).
        lora_B: B (H_out, r), zero at first.
    """

    def __init__(self, linear: nn.Linear, rank: int) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight, self.bias = linear.weight, linear.bias
        self.lora_A = nn.ModuleDict({"default": nn.Linear(self.in_features, rank, bias=False)})
        self.lora_B = nn.ModuleDict({"default": nn.Linear(rank, self.out_features, bias=False)})
        nn.init.zeros_(self.b)

    @property
    def a(self) -> torch.Tensor:
        """A (r, H_in)."""
        return self.lora_A["default"].get_parameter("weight")

    @property
    def b(self) -> torch.Tensor:
        """B (H_out, r)."""
        return self.lora_B["default"].get_parameter("weight")

    @property
    def learns(self) -> bool:
        """Whether the adapter is being trained."""
        return self.a.requires_grad and self.b.requires_grad

    def folded(self) -> torch.Tensor:
        """``W + s B A`` (H_out, H_in)."""
        return self.weight + SCALE * (self.b @ self.a)

    def adaptation(self, vectors: torch.Tensor) -> torch.Tensor:
        """``s B A x`` for vectors (N, H_in): (N, H_out)."""
        return F.linear(F.linear(vectors, self.a.to(vectors.dtype)), SCALE * self.b.to(vectors.dtype))

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """(..., H_in) to (..., H_out)."""
        low = self.lora_B["default"](self.lora_A["default"](input))
        return super().forward(input) + SCALE * low


def add_adapters(encoder: Encoder, config: ModelConfig) -> None:
    """Adds an adapter to each matrix of the encoder's layers above ``model.freeze_layers``.

    All other weights of the encoder are fixed; with ``model.freeze_encoder`` the adapters are too.

    Raises:
        BertsumError: if no layer is left.
    """
    if config.adapters is None:
        return
    layers = encoder_layers(encoder, "model.adapters", "null")
    adapted = {id(part) for layer in layers[config.freeze_layers :] for part in layer.modules()}
    linears = {
        name: part for name, part in linears_of(encoder).items() if id(part) in adapted and part.weight.requires_grad
    }  # unused ones are frozen
    if not linears and config.freeze_layers:
        raise BertsumError("model.adapters: no layer of the encoder is left for them; lower model.freeze_layers")
    if not linears:
        kind = encoder.config.model_type
        raise BertsumError(f"model.adapters: encoder type {kind} has no linear layers to adapt, expected null")
    encoder.requires_grad_(False)
    for name, part in linears.items():
        parent, _, child = name.rpartition(".")
        setattr(encoder.get_submodule(parent), child, LowRankLinear(part, config.adapters))
    if config.freeze_encoder:
        encoder.requires_grad_(False)


def linears_of(encoder: Encoder) -> dict[str, nn.Linear]:
    """The linear modules of an encoder by name."""
    return {name: part for name, part in encoder.named_modules() if isinstance(part, nn.Linear)}


def belongs_to_checkpoint(name: str, config: ModelConfig) -> bool:
    """Whether a model's checkpoint holds a weight; with adapters it leaves out the encoder's other weights."""
    return config.adapters is None or not name.startswith("encoder.") or name.endswith((_A, _B))


def scaled_as_here(weights: dict[str, torch.Tensor], scale: float) -> dict[str, torch.Tensor]:
    """A checkpoint's weights; if its adapters had another s, B is scaled so that ``SCALE`` gives the same products.

    Args:
        weights: The checkpoint's weights by name.
        scale: The s that they were trained with.
    """
    if scale == SCALE:
        return weights
    return {name: tensor * (scale / SCALE) if name.endswith(_B) else tensor for name, tensor in weights.items()}


def fold_adapters(encoder: Encoder, weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The encoder's weights with a checkpoint's adapters added to them, and the checkpoint's other weights.

    Args:
        encoder: The pretrained encoder that the adapters were trained in.
        weights: The checkpoint's, by name: ``encoder.NAME.lora_A.default.weight`` (r, H_in), ``lora_B`` (H_out, r).

    Raises:
        BertsumError: if the shape of an adapter does not fit the encoder's matrix.
    """
    folded = {f"encoder.{name}": tensor.clone() for name, tensor in encoder.state_dict().items()}
    for name, low in weights.items():
        if not name.endswith((_A, _B)):
            folded[name] = low
        elif name.endswith(_A):
            matrix = folded.get(target := f"{name.removesuffix(_A)}.weight")
            high = weights.get(f"{name.removesuffix(_A)}{_B}")
            if matrix is None or high is None or (high.shape[0], low.shape[1]) != matrix.shape:
                raise BertsumError(f"adapters: '{name}' fits no matrix of the encoder")
            folded[target] = matrix + SCALE * (high.float() @ low.float())
    return folded
