"""A model's file that holds, of its encoder, only what training changed in a pretrained one: a thirteenth of the room.

A matrix is ``W + D``, and W is the pretrained encoder's. A row of D has a scale s, and each of its numbers is
``s (c + 1/2)`` with a whole number c. In a layer's matrix c is one of eight numbers, from -4 to 3: three bits. In the
word embeddings, which are half of an encoder like minilm, it is -1 or 0: one bit. Embeddings of positions and segments
have three. Of several scales the one is taken whose numbers are nearest (the least sum of squared errors). Biases and
norms are kept as they are.

The encoder's configuration tells of it by the entry ``changes_file``, beside those of :mod:`bertsum.encoders.int8`.

# R rows, C columns of a matrix, B bytes of a row
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from bertsum.errors import BertsumError

if TYPE_CHECKING:
    from bertsum.encoders.load import Encoder

_CODES, _SCALES = "change_codes", "change_scales"
_BITS, _BITS_OF_WORDS = 3, 1
# Scales, as shares of the one that clips nothing. The small ones are for rows of a few large changes, 0 for those that
# are better left out.
_TRIED = [0, 0.01, 0.02, 0.03, 0.05, 0.07, *(share / 20 for share in range(2, 21))]


def as_changes(pretrained: Encoder, weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A model's weights as such a file holds them.

    Args:
        pretrained: The pretrained encoder.
        weights: The model's weights by name; the encoder's begin with ``encoder.``.

    Returns:
        For each matrix of the encoder ``change_codes`` (R, B), its bits from the lowest on, and ``change_scales`` (R);
        other weights as they are.

    Raises:
        BertsumError: if the encoder is not a trained copy of the pretrained one.
    """
    there = _weights_of(pretrained)
    own = {name: tensor.shape for name, tensor in weights.items() if name.startswith("encoder.")}
    if own != {name: tensor.shape for name, tensor in there.items()}:
        raise BertsumError("--changes-file: the model's encoder has other parts than model.encoder, or other sizes")
    bits = _bits_of(pretrained)
    kept = {name: one for name, one in weights.items() if name not in bits}
    for name, count in bits.items():
        module = name.removesuffix("weight")
        kept[module + _CODES], kept[module + _SCALES] = _in_bits(weights[name].float() - there[name].float(), count)
    return kept


def with_changes(pretrained: Encoder, weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The inverse of :func:`as_changes`: all weights of the model.

    Raises:
        ValueError: if a change is missing, or does not fit the pretrained encoder's matrix.
    """
    found = {**_weights_of(pretrained)}
    found |= {name: one for name, one in weights.items() if not name.endswith((_CODES, _SCALES))}
    for name, count in _bits_of(pretrained).items():
        module = name.removesuffix("weight")
        codes, scales = weights.get(module + _CODES), weights.get(module + _SCALES)
        rows, columns = found[name].shape
        expected = (torch.uint8, (rows, -(-columns * count // 8)), (rows,))
        if codes is None or scales is None or (codes.dtype, codes.shape, scales.shape) != expected:
            raise ValueError(f"{name} has no change, or one that does not fit the pretrained encoder")
        found[name] = found[name].float() + _from_bits(codes, scales, columns, count)
    return found


def _weights_of(encoder: Encoder) -> dict[str, torch.Tensor]:
    return {f"encoder.{name}": tensor for name, tensor in encoder.state_dict().items()}


def _bits_of(encoder: Encoder) -> dict[str, int]:
    """How many bits a number of each matrix has, by the matrix's name."""
    words = encoder.get_input_embeddings().weight
    return {
        f"encoder.{name}": _BITS_OF_WORDS if matrix is words else _BITS
        for name, matrix in encoder.named_parameters()
        if matrix.ndim == 2 and name.endswith(".weight")
    }


def _in_bits(change: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes (R, B), so many bits each, and scales (R) of a change (R, C)."""
    half = 2 ** (count - 1)
    largest = change.abs().amax(dim=1, keepdim=True)
    best, codes, scales = torch.full_like(largest, math.inf), torch.zeros_like(change), torch.zeros_like(largest)
    for share in _TRIED:
        scale = (largest * share / (half - 0.5)).half().float()
        code = (change / scale.clamp(min=torch.finfo(torch.float32).tiny)).floor().clamp(-half, half - 1)
        missed = (scale * (code + 0.5) - change).square().sum(dim=1, keepdim=True)
        better = missed < best
        best, codes, scales = (
            torch.where(better, new, old) for new, old in ((missed, best), (code, codes), (scale, scales))
        )
    whole = (codes + half).to(torch.uint8).numpy()
    bits = np.stack([whole >> place & 1 for place in range(count)], axis=2).reshape(len(whole), -1)
    return torch.from_numpy(np.packbits(bits, axis=1, bitorder="little")), scales.squeeze(1).half()


def _from_bits(codes: torch.Tensor, scales: torch.Tensor, columns: int, count: int) -> torch.Tensor:
    """The inverse of :func:`_in_bits` (R, C)."""
    bits = np.unpackbits(codes.numpy(), axis=1, count=columns * count, bitorder="little").reshape(-1, columns, count)
    whole = sum(bits[:, :, place] << place for place in range(count))
    return (torch.from_numpy(whole).float() - (2 ** (count - 1) - 0.5)) * scales.float()[:, None]
