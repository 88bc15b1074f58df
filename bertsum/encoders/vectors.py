"""Documents to sentence vectors: in one pass of the encoder or window by window, padded or packed.

# B documents, T tokens, S sentences, H hidden
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from bertsum.data.batching import collate
from bertsum.data.encoding import Window, windows
from bertsum.encoders.packed import Layer, encode_packed, packed_layers
from bertsum.encoders.padded import encode_padded

if TYPE_CHECKING:
    from bertsum.encoders.load import Encoder


@dataclass(frozen=True)
class Reader:
    """An encoder, and how it reads.

    Attributes:
        encoder: The encoder.
        vectors: cls or mean, as ``model.sentence_vectors``.
        segments: Whether it is told the interval segments.
        packs: Whether documents are read one after the other without padding, by :func:`encode_packed`.
        max_length: Tokens that it reads at once.
        windows_at_once: So many windows of long documents; None for all that a batch has, in one pass.
    """

    encoder: Encoder
    vectors: str
    segments: bool
    packs: bool
    max_length: int
    windows_at_once: int | None

    def __call__(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor,
        cls_positions: torch.Tensor,
        sentence_mask: torch.Tensor,
        layers: list[Layer] | None,
    ) -> torch.Tensor:
        """Vectors of sentences (B, S, H).

        Args:
            input_ids: Tokens (B, T); documents longer than ``max_length`` are read in :func:`windows`.
            attention_mask: 1 for tokens, 0 for padding (B, T).
            token_type_ids: Interval segments (B, T).
            cls_positions: Position of each sentence's [CLS] (B, S).
            sentence_mask: True for sentences, False for padding (B, S).
            layers: The encoder's :func:`packed_layers`; made here if it packs and there are none.
        """
        if input_ids.shape[1] > self.max_length:
            return self._in_windows(input_ids, attention_mask, cls_positions, sentence_mask, layers)
        read = self._packed if self.packs else self._padded
        return read(input_ids, attention_mask, token_type_ids, cls_positions, sentence_mask, layers)

    def _in_windows(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        cls_positions: torch.Tensor,
        sentence_mask: torch.Tensor,
        layers: list[Layer] | None,
    ) -> torch.Tensor:
        """Some windows at a time: without gradients a book takes no more memory than some pages."""
        parts: list[tuple[int, Window, list[int], list[int]]] = []
        lengths = attention_mask.sum(dim=1).tolist()
        counts = sentence_mask.sum(dim=1).tolist()
        for document, (length, count) in enumerate(zip(lengths, counts, strict=True)):
            ids, positions = input_ids[document, :length].tolist(), cls_positions[document, :count].tolist()
            found = windows(positions, length, self.max_length)
            parts += [(document, window, ids, positions) for window in found]
        sentences = torch.empty(0)
        at_once = self.windows_at_once or len(parts)
        for start in range(0, len(parts), at_once):
            some = parts[start : start + at_once]
            rows = [window.row(ids, positions) for _, window, ids, positions in some]
            batch = collate(rows, self.encoder.config.pad_token_id or 0).to(input_ids.device)
            vectors = self(**batch.inputs(), layers=layers)  # (windows, S, H)
            if start == 0:
                sentences = vectors.new_zeros(*sentence_mask.shape, vectors.shape[-1])  # (B, S, H)
            for (document, window, *_), of_window in zip(some, vectors, strict=True):
                sentences[document, slice(*window.own)] = of_window[window.place :][: window.own[1] - window.own[0]]
        return sentences

    def _padded(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor,
        cls_positions: torch.Tensor,
        sentence_mask: torch.Tensor,
        layers: list[Layer] | None,
    ) -> torch.Tensor:
        """By transformers' own forward pass."""
        types = token_type_ids if self.segments else None
        hidden = encode_padded(self.encoder, input_ids, attention_mask, types)  # (B, T, H)
        if self.vectors == "mean":
            return sentence_means(hidden, attention_mask, cls_positions, sentence_mask)
        rows = torch.arange(hidden.shape[0], device=hidden.device)[:, None]
        sentences: torch.Tensor = hidden[rows, cls_positions]
        return sentences

    def _packed(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor,
        cls_positions: torch.Tensor,
        sentence_mask: torch.Tensor,
        layers: list[Layer] | None,
    ) -> torch.Tensor:
        """From the tokens without their padding."""
        tokens = attention_mask.bool()
        lengths = tokens.sum(dim=1)
        types = token_type_ids[tokens] if self.segments else None
        begins = (lengths.cumsum(0) - lengths)[:, None]  # where each document begins
        wanted = (begins + cls_positions)[sentence_mask] if self.vectors == "cls" else None
        kind = input_ids.device.type
        autocast = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else torch.float32
        with torch.autocast(kind, enabled=False):  # the layers have the precision that they were made for
            layers = layers or packed_layers(self.encoder, autocast)
            vectors = encode_packed(self.encoder, layers, input_ids[tokens], types, lengths.tolist(), wanted)
        mask = tokens if wanted is None else sentence_mask
        padded = vectors.new_zeros(*mask.shape, vectors.shape[1]).masked_scatter(mask[..., None], vectors)
        return padded if wanted is not None else sentence_means(padded, tokens, cls_positions, sentence_mask)


def sentence_means(
    hidden: torch.Tensor, attention_mask: torch.Tensor, cls_positions: torch.Tensor, sentence_mask: torch.Tensor
) -> torch.Tensor:
    """Mean over each sentence's own tokens, its [CLS] and [SEP] left out.

    Args:
        hidden: Encoder output (B, T, H).
        attention_mask: (B, T).
        cls_positions: (B, S).
        sentence_mask: (B, S).

    Returns:
        Sentence vectors (B, S, H); those of padding are zero.
    """
    batch, tokens, _ = hidden.shape
    begins = torch.zeros(batch, tokens, dtype=torch.long, device=hidden.device)
    begins.scatter_add_(1, cls_positions, sentence_mask.long())  # 1 at each [CLS]
    attended = attention_mask.long()
    # A [SEP] stands before the next [CLS], or before the padding, or last.
    following = F.pad(begins, (0, 1))[:, 1:] + 1 - F.pad(attended, (0, 1))[:, 1:]
    own = attended * (1 - begins) * (following == 0)  # (B, T)
    sentence = begins.cumsum(dim=1) - 1  # which sentence a token belongs to (B, T)
    each = torch.arange(cls_positions.shape[1], device=hidden.device)
    member = (sentence.clamp(min=0)[..., None] == each) * own[..., None]  # (B, T, S)
    count = member.sum(dim=1).clamp(min=1)  # (B, S)
    weights = member.to(hidden.dtype).transpose(1, 2)  # (B, S, T)
    return (weights @ hidden) / count[..., None].to(hidden.dtype)
