"""Matrices in eight bits (arXiv 2211.10438, SmoothQuant).

Each output of a weight has its own scale. Each vector that is multiplied is rounded between its own least and largest
value. Factors of the channels (columns) move large values from the vectors into the weights. The encoder's
configuration has two entries:

- ``int8`` names the modules in eight bits. Their weights are also kept in floating point, rounded to the values that
  eight bits hold, so that a processor without fast integer products computes nearly the same.
- ``int8_file`` is true if the file holds all other matrices in eight bits, too, and everything else in half precision.
  Such a model computes in floating point.

# H_in and H_out, V rows
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from transformers import PretrainedConfig

    from bertsum.encoders.load import Encoder

INT8, INT8_FILE = "int8", "int8_file"
CHANGES_FILE = "changes_file"  # see bertsum.encoders.changes
LARGEST = 127
_SCALE, _CHANNELS = "weight_scale", "channels"


def int8_modules(config: PretrainedConfig) -> list[str]:
    """The encoder's modules whose weights are in eight bits.

    Raises:
        ValueError: if the configuration's entry ``int8`` is not a list of names.
    """
    names = getattr(config, INT8, None) or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{INT8}: got {names!r}, expected a list of names of modules")
    return names


def add_channels(encoder: Encoder) -> None:
    """Adds factors of channels (H_in), 1 at first, to those linear modules of a new encoder that are in eight bits.

    Raises:
        ValueError: if the configuration names a module that has no weights of that kind.
    """
    for name in int8_modules(encoder.config):
        try:
            module = encoder.get_submodule(name)
        except AttributeError as error:
            raise ValueError(f"{INT8}: the encoder has no module {name!r}") from error
        if isinstance(module, nn.Linear):
            module.register_buffer(_CHANNELS, torch.ones(module.in_features))
        elif not isinstance(module, nn.Embedding):
            raise ValueError(f"{INT8}: {name!r} is a {type(module).__name__}, expected a linear module or embeddings")


def channels_of(module: nn.Module) -> torch.Tensor | None:
    """A linear module's factors of channels (H_in); None if it is not in eight bits."""
    channels = getattr(module, _CHANNELS, None)
    return channels if isinstance(channels, torch.Tensor) else None


def in_eight_bits(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Rounds a weight to whole numbers (int8) and a scale for each row, whose product is about ``weight``.

    Args:
        weight: (H_out, H_in) or (V, H).
    """
    scale = (weight.float().abs().amax(dim=1) / LARGEST).clamp(min=torch.finfo(torch.float32).tiny)
    return (weight.float() / scale[:, None]).round().to(torch.int8), scale


def rounded(weight: torch.Tensor, channels: torch.Tensor | None) -> torch.Tensor:
    """A weight in floating point, rounded to the values that eight bits hold."""
    whole, scale = in_eight_bits(weight if channels is None else weight * channels)
    values = whole.float() * scale[:, None]
    return values if channels is None else values / channels


def is_rounded(config: PretrainedConfig) -> bool:
    """Whether a model's file holds other numbers than the model itself computes with."""
    return bool(int8_modules(config)) or bool(getattr(config, INT8_FILE, False))


def stored(weights: Mapping[str, torch.Tensor], config: PretrainedConfig) -> dict[str, torch.Tensor]:
    """A model's weights as a file holds them: some as whole numbers, each beside its scales."""
    kept = dict(weights)
    matrices = [f"encoder.{name}.weight" for name in int8_modules(config)]
    if getattr(config, INT8_FILE, False):
        matrices += [name for name, weight in weights.items() if weight.ndim == 2 and name.endswith(".weight")]
        kept = {name: weight.half() if weight.is_floating_point() else weight for name, weight in kept.items()}
    for key in dict.fromkeys(matrices):
        module = key.removesuffix(".weight")
        channels = weights.get(f"{module}.{_CHANNELS}")
        weight = weights[key] if channels is None else weights[key] * channels
        kept[key], kept[f"{module}.{_SCALE}"] = in_eight_bits(weight)
        if channels is not None:
            kept[f"{module}.{_CHANNELS}"] = channels
    return kept


def to_train(encoder: Encoder) -> None:
    """Makes an encoder compute in floating point, because training changes weights by less than eight bits can hold."""
    for module in encoder.modules():
        if channels_of(module) is not None:
            delattr(module, _CHANNELS)
    _forget(encoder.config, INT8, INT8_FILE, CHANGES_FILE)


def without_changes(config: PretrainedConfig) -> None:
    """Makes a configuration one of a model whose file holds no changes but the whole encoder."""
    if getattr(config, CHANGES_FILE, False):
        _forget(config, INT8_FILE, CHANGES_FILE)


def _forget(config: PretrainedConfig, *entries: str) -> None:
    for entry in entries:
        if hasattr(config, entry):
            delattr(config, entry)


def in_floating_point(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights that :func:`restored` returns, without the factors of channels, which are already applied to them."""
    return {name: weight for name, weight in weights.items() if not name.endswith(f".{_CHANNELS}")}


def restored(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The inverse of :func:`stored`: all weights in floating point.

    Raises:
        ValueError: if whole numbers have no scales, or not one for each row.
    """
    kept = {name: tensor for name, tensor in weights.items() if not name.endswith(f".{_SCALE}")}
    for name, whole in weights.items():
        if whole.dtype != torch.int8:
            continue
        scale = weights.get(f"{name.removesuffix('weight')}{_SCALE}")
        channels = weights.get(f"{name.removesuffix('weight')}{_CHANNELS}")
        if scale is None or scale.shape != whole.shape[:1]:
            raise ValueError(f"{name} is in eight bits, but has no scale for each of its rows")
        if channels is not None and channels.shape != whole.shape[1:]:
            raise ValueError(f"{name} is in eight bits, but has no factor for each of its channels")
        values = whole.float() * scale.float()[:, None]
        kept[name] = values if channels is None else values / channels.float()
    return kept
