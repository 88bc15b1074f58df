"""A model's file that holds, of its encoder, only what training changed in a pretrained one: a thirteenth of the room.

A matrix of a layer is ``W + D``, and W is the pretrained encoder's. A row of D is cut into runs of 64 numbers. A run
has a scale s, and each of its numbers is ``s (c + 1/2)`` with a whole number c from -8 to 7, so it takes four bits. Of
several scales the one is taken whose numbers are nearest (the least sum of squared errors). Biases and norms are kept
as they are. Embeddings are the pretrained encoder's: what training changed there is left out.

The encoder's configuration tells of it by the entry ``changes_file``, beside those of :mod:`bertsum.encoders.int8`.

# H_in and H_out, R numbers in a run
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from bertsum.encoders.low_rank import linears_of
from bertsum.errors import BertsumError

if TYPE_CHECKING:
    from bertsum.encoders.load import Encoder

_CODES, _SCALES = "change_codes", "change_scales"
_LONGEST_RUN, _LOWEST, _HIGHEST = 64, -8, 7
_TRIED = [share / 20 for share in range(9, 21)]  # scales, as shares of the one that clips nothing


def as_changes(pretrained: Encoder, weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A model's weights as such a file holds them.

    Args:
        pretrained: The pretrained encoder.
        weights: The model's weights by name; the encoder's begin with ``encoder.``.

    Returns:
        For each matrix of a layer ``change_codes`` (H_out, H_in / 2), two numbers a byte, and ``change_scales`` (H_out,
        H_in / R); other weights as they are, without the encoder's embeddings.

    Raises:
        BertsumError: if the encoder is not a trained copy of the pretrained one.
    """
    there = _weights_of(pretrained)
    own = {name: tensor.shape for name, tensor in weights.items() if name.startswith("encoder.")}
    if own != {name: tensor.shape for name, tensor in there.items()}:
        raise BertsumError("--changes-file: the model's encoder has other parts than model.encoder, or other sizes")
    matrices = _matrices(pretrained)
    kept = {name: one for name, one in weights.items() if name not in there or there[name].ndim == 1}
    for name in matrices:
        module = name.removesuffix("weight")
        kept[module + _CODES], kept[module + _SCALES] = _in_four_bits(weights[name].float() - there[name].float())
    return kept


def with_changes(pretrained: Encoder, weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The inverse of :func:`as_changes`: all weights of the model.

    Raises:
        ValueError: if a change is missing, or does not fit the pretrained encoder's matrix.
    """
    found = {**_weights_of(pretrained)}
    found |= {name: one for name, one in weights.items() if not name.endswith((_CODES, _SCALES))}
    for name in _matrices(pretrained):
        module = name.removesuffix("weight")
        codes, scales = weights.get(module + _CODES), weights.get(module + _SCALES)
        outputs, inputs = found[name].shape
        if codes is None or scales is None or codes.shape != (outputs, inputs // 2) or len(scales) != outputs:
            raise ValueError(f"{name} has no change, or one that does not fit the pretrained encoder")
        found[name] = found[name].float() + _from_four_bits(codes, scales)
    return found


def _weights_of(encoder: Encoder) -> dict[str, torch.Tensor]:
    return {f"encoder.{name}": tensor for name, tensor in encoder.state_dict().items()}


def _matrices(encoder: Encoder) -> list[str]:
    return [f"encoder.{name}.weight" for name in linears_of(encoder)]


def _in_four_bits(change: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes, two a byte (H_out, H_in / 2), and scales (H_out, H_in / R) of a change (H_out, H_in)."""
    runs = change.unflatten(1, (-1, math.gcd(change.shape[1], _LONGEST_RUN)))
    largest = runs.abs().amax(dim=2, keepdim=True)
    best, codes, scales = torch.full_like(largest, math.inf), torch.zeros_like(runs), torch.zeros_like(largest)
    for share in _TRIED:
        scale = (largest * share / (_HIGHEST + 0.5)).half().float().clamp(min=torch.finfo(torch.float16).tiny)
        code = (runs / scale).floor().clamp(_LOWEST, _HIGHEST)
        missed = (scale * (code + 0.5) - runs).square().sum(dim=2, keepdim=True)
        better = missed < best
        best, codes, scales = (
            torch.where(better, new, old) for new, old in ((missed, best), (code, codes), (scale, scales))
        )
    whole = (codes.flatten(1) - _LOWEST).to(torch.uint8)
    return whole[:, ::2] + 16 * whole[:, 1::2], scales.squeeze(2).half()


def _from_four_bits(codes: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    """The inverse of :func:`_in_four_bits` (H_out, H_in)."""
    whole = torch.stack([codes % 16, codes // 16], dim=2).flatten(1).float() + _LOWEST + 0.5
    return (whole.unflatten(1, (scales.shape[1], -1)) * scales.float()[:, :, None]).flatten(1)
