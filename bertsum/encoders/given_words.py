"""Gives an encoder vectors in place of the embeddings of its words, so that a gradient can reach them.

The encoder still adds its own positions and segments, so the vectors stand for the words alone.

# R rows, T tokens of a row, N tokens of all rows, E size of a word embedding
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from bertsum.encoders.vectors import unpacked

if TYPE_CHECKING:
    from torch import nn

    from bertsum.encoders.load import Encoder


def word_vectors(encoder: Encoder, input_ids: torch.Tensor) -> torch.Tensor:
    """The word embeddings of tokens (..., E)."""
    with torch.no_grad():
        vectors: torch.Tensor = encoder.get_input_embeddings()(input_ids)
    return vectors.detach().float()


@contextmanager
def given_words(encoder: Encoder, vectors: torch.Tensor, tokens: torch.Tensor | None) -> Iterator[None]:
    """The encoder reads these vectors as the embeddings of its words, row after row, while the block runs.

    Args:
        encoder: The encoder; rows may be read in several calls, in their order.
        vectors: Embeddings of the tokens of all rows, packed (N, E).
        tokens: True for tokens, False for padding behind them (R, T); None if the encoder reads packed rows.
    """
    given = vectors if tokens is None else unpacked(vectors, tokens)  # (N, E) or (R, T, E)
    read, mine = 0, threading.get_ident()

    def replace(_module: nn.Module, _inputs: Any, own: torch.Tensor) -> torch.Tensor:
        nonlocal read
        if threading.get_ident() != mine:  # another thread is reading its own document
            return own
        part = given[read : read + len(own)].to(own.dtype)
        read += len(own)
        if tokens is None:
            return part
        inside = tokens[read - len(own) : read, : own.shape[1]]
        part, missing = part[:, : own.shape[1]], own.shape[1] - inside.shape[1]  # some encoders add padding
        if missing > 0:
            part = torch.nn.functional.pad(part, (0, 0, 0, missing))
            inside = torch.nn.functional.pad(inside, (0, missing))
        return torch.where(inside[..., None], part, own)

    handle = encoder.get_input_embeddings().register_forward_hook(replace)
    try:
        yield
    finally:
        handle.remove()
