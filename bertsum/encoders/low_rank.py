"""Low-rank adapters (LoRA, arXiv 2106.09685): ``h = W x + s B A x``, where only A and B learn.

# H_in and H_out, r rank
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional as F

from bertsum.config import ModelConfig
from bertsum.encoders.load import encoder_layers
from bertsum.errors import BertsumError

if TYPE_CHECKING:
    from bertsum.encoders.load import Encoder

# s of adapters that are made here (alpha = 2 r is usual). It is saved with them: another version may have another.
SCALE = 2.0
FIRST_SCALE = 2.0  # of those that were saved without it
_A, _B = ".lora_A.default.weight", ".lora_B.default.weight"


def add_adapters(encoder: Encoder, config: ModelConfig) -> None:
    """Gives an adapter to each matrix of the encoder's layers above ``model.freeze_layers``.

    Of the encoder they alone learn; with ``model.freeze_encoder`` nothing does.

    Raises:
        BertsumError: if the package peft is not installed, or no layer is left.
    """
    if config.adapters is None:
        return
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise BertsumError(
            "model.adapters: the package peft is not installed (pip install 'bertsum[adapters]')"
        ) from error
    layers = encoder_layers(encoder, "model.adapters", "null")
    adapted = {id(part) for layer in layers[config.freeze_layers :] for part in layer.modules()}
    names = [
        name
        for name, part in encoder.named_modules()
        if isinstance(part, nn.Linear) and id(part) in adapted and part.weight.requires_grad  # and takes part
    ]
    if not names and config.freeze_layers:
        raise BertsumError("model.adapters: no layer of the encoder is left for them; lower model.freeze_layers")
    if not names:
        kind = encoder.config.model_type
        raise BertsumError(f"model.adapters: encoder type {kind} has no linear layers to adapt, expected null")
    encoder.requires_grad_(False)
    rank = config.adapters
    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=int(SCALE * rank), target_modules=names), encoder)
    if config.freeze_encoder:
        encoder.requires_grad_(False)


def is_own(name: str, config: ModelConfig) -> bool:
    """Whether a weight of a model belongs to its checkpoint: with adapters, those of the encoder itself do not."""
    return config.adapters is None or not name.startswith("encoder.") or name.endswith((_A, _B))


def scaled_as_here(weights: dict[str, torch.Tensor], scale: float) -> dict[str, torch.Tensor]:
    """Weights of a checkpoint whose adapters were trained with another s, so that ``SCALE`` is theirs: in B.

    Args:
        weights: By name.
        scale: Their own s.
    """
    if scale == SCALE:
        return weights
    return {name: tensor * (scale / SCALE) if name.endswith(_B) else tensor for name, tensor in weights.items()}


def fold_adapters(encoder: Encoder, weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The encoder's weights with the adapters of a checkpoint added to them, and the checkpoint's other weights.

    Args:
        encoder: The pretrained encoder that they were trained in.
        weights: Of the checkpoint, by name: ``encoder.NAME.lora_A.default.weight`` (r, H_in), ``lora_B`` (H_out, r).

    Raises:
        BertsumError: if an adapter is of another shape than the encoder's matrix.
    """
    whole = {f"encoder.{name}": tensor.clone() for name, tensor in encoder.state_dict().items()}
    for name, low in weights.items():
        if not name.endswith((_A, _B)):
            whole[name] = low
        elif name.endswith(_A):
            matrix = whole.get(target := f"{name.removesuffix(_A)}.weight")
            high = weights.get(f"{name.removesuffix(_A)}{_B}")
            if matrix is None or high is None or (high.shape[0], low.shape[1]) != matrix.shape:
                raise BertsumError(f"adapters: '{name}' fits no matrix of the encoder")
            whole[target] = matrix + SCALE * (high.float() @ low.float())
    return whole


def adaptation(module: nn.Linear, vectors: torch.Tensor) -> torch.Tensor:
    """``s B A x``: what a projection's adapter, where it has one, adds for vectors (N, H_in): (N, H_out)."""
    if not hasattr(module, "lora_A"):
        return vectors.new_zeros(len(vectors), module.out_features)
    down, up = (part["default"].weight.to(vectors.dtype) for part in _parts(module))
    return F.linear(F.linear(vectors, down), SCALE * up)


def learns_adapter(module: nn.Linear) -> bool:
    """Whether a projection has an adapter whose weights are being trained."""
    return hasattr(module, "lora_A") and all(part["default"].weight.requires_grad for part in _parts(module))


def weight_of(module: nn.Linear) -> torch.Tensor:
    """The matrix (H_out, H_in) of a projection; its adapter, where it has one, is added to it."""
    if not hasattr(module, "lora_A"):
        return module.weight
    down, up = (part["default"].weight for part in _parts(module))
    return module.weight + SCALE * (up @ down)


def _parts(module: Any) -> tuple[Any, Any]:
    """A (r, H_in) and B (H_out, r) of an adapter, as peft keeps them."""
    return module.lora_A, module.lora_B
