"""Turns documents into sentence vectors; the encoder reads them padded or packed, long ones some windows at a time.

# W windows, T tokens of the longest, N tokens of all, S sentences, H hidden, V as Reader tells
"""

from __future__ import annotations

import threading
from collections.abc import Sized
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional as F

from bertsum.config import ModelConfig
from bertsum.device import version_of
from bertsum.encoders.bert import Bert
from bertsum.encoders.packed import Layer, can_be_packed, encode_packed, packed_layers
from bertsum.encoders.padded import encode_padded, has_token_types
from bertsum.errors import BertsumError

if TYPE_CHECKING:
    from bertsum.encoders.load import Encoder


_LOCK = threading.Lock()  # held while packed layers are made
_NEVER = -1e4  # a logit of what cannot be


class Reader:
    """How an encoder reads documents.

    Attributes:
        encoder: The encoder.
        uses_segments: Whether the encoder gets the interval segments.
        packs: Whether it may read documents one after the other without padding, by
            :func:`~bertsum.encoders.packed.encode_packed`.
        span_output: Vectors of tokens (H) to logits of where answers begin and end (2), if the model has that output.
        windows_at_once: Windows of long documents to read at a time without gradients, so that a book takes no more
            memory than some pages. None: all windows of a batch.
    """

    windows_at_once: int | None = 8

    def __init__(self, encoder: Encoder, config: ModelConfig) -> None:
        self.encoder = encoder
        self._config = config
        self.uses_segments = config.interval_segments and has_token_types(encoder)
        self.packs = can_read_packed(config, encoder.config)
        if config.attention == "packed" and not self.packs:
            raise BertsumError(f"model.attention: packed is for BERT and RoBERTa, not for {encoder.config.model_type}")
        self.span_output: nn.Linear | None = None
        self._kept_layers: dict[torch.dtype, tuple[list[tuple[int, int | None]], list[Layer]]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Leaves out the packed layers: they are made from the weights, and cannot go to another process."""
        return {**self.__dict__, "_kept_layers": {}}

    def packs_on(self, device: torch.device) -> bool:
        """Whether documents are packed: on a CPU, and on other devices if ``model.attention`` asks for it.

        Args:
            device: Where the weights are.
        """
        asked = self._config.attention == "packed" or isinstance(self.encoder, Bert)
        return self.packs and (device.type == "cpu" or asked)

    def attention_on(self, device: torch.device, sharded: bool = False) -> str:
        """The value of ``model.attention`` on a device: packed, or the name of transformers' implementation.

        Args:
            device: Where the weights are.
            sharded: Whether the weights are sharded over processes; then nothing is packed.
        """
        if not sharded and self.packs_on(device):
            return "packed"
        return str(getattr(self.encoder.config, "_attn_implementation", None) or "eager")

    def layers(self, dtype: torch.dtype) -> list[Layer]:
        """The packed layers for calls without gradients; made again if weights have changed.

        Args:
            dtype: Precision of the layers.
        """
        weights = [(weight.data_ptr(), version_of(weight)) for weight in self.encoder.parameters()]
        unknown = any(version is None for _, version in weights)  # whether weights have changed is not known
        with _LOCK:  # threads that score at once share them
            kept = self._kept_layers.get(dtype)
            if unknown or kept is None or kept[0] != weights:
                with torch.no_grad():
                    kept = (weights, packed_layers(self.encoder, dtype))
                self._kept_layers[dtype] = kept
        return kept[1]

    def forget_layers(self) -> None:
        """Call this before weights change: fused optimisers do not count their changes."""
        self._kept_layers = {}

    def __call__(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None,
        token_type_ids: torch.Tensor,
        cls_positions: torch.Tensor,
        sentence_mask: torch.Tensor,
        lengths: tuple[int, ...] | None = None,
        are_parts: bool = False,
    ) -> torch.Tensor:
        """Vectors of sentences (W, S, V).

        A sentence's vector (H) has the query's behind it with ``model.query_product`` (H), and the log-odds that the
        sentence answers with ``model.answer_spans`` (1). So V is the sum.

        Args:
            input_ids: Tokens, padded (W, T) or packed (N).
            attention_mask: 1 for tokens, 0 for padding (W, T); None if packed.
            token_type_ids: Interval segments, in the shape of ``input_ids``.
            cls_positions: Position of each sentence's [CLS] in its window (W, S).
            sentence_mask: True for sentences, False for padding (W, S).
            lengths: Tokens of each window, if packed.
            are_parts: Whether some of the windows are parts of long documents.
        """
        most = self.windows_at_once if are_parts and not torch.is_grad_enabled() else None
        input_ids, types, lengths = self._settled(input_ids, attention_mask, token_type_ids, lengths)
        if lengths is not None:
            return self._packed(input_ids, types, cls_positions, sentence_mask, lengths, most)
        assert attention_mask is not None
        sentences = []
        for some in _parts(input_ids, most):
            segments = None if types is None else types[some]
            hidden = encode_padded(self.encoder, input_ids[some], attention_mask[some], segments)  # (windows, T, H)
            sentences.append(self._of_sentences(hidden, attention_mask[some], cls_positions[some], sentence_mask[some]))
        return sentences[0] if len(sentences) == 1 else torch.cat(sentences)

    def tokens(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None,
        token_type_ids: torch.Tensor,
        lengths: tuple[int, ...] | None = None,
        places: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, tuple[int, ...]]:
        """Vectors of tokens, packed (N, H), and the number of tokens of each document.

        Args:
            input_ids: Tokens, padded (B, T) or packed (N).
            attention_mask: 1 for tokens, 0 for padding behind them (B, T); None if packed.
            token_type_ids: Interval segments, in the shape of ``input_ids``.
            lengths: Tokens of each document, if packed.
            places: Places among the N tokens, ascending: only their vectors are wanted. All by default.
        """
        input_ids, types, lengths = self._settled(input_ids, attention_mask, token_type_ids, lengths)
        if lengths is None:
            assert attention_mask is not None
            hidden = encode_padded(self.encoder, input_ids, attention_mask, types)  # (B, T, H)
            vectors = hidden[attention_mask.bool()]
            return vectors if places is None else vectors[places], tuple(attention_mask.sum(dim=1).tolist())
        layers = self._layers(input_ids.device.type)
        with torch.autocast(input_ids.device.type, enabled=False):
            return encode_packed(self.encoder, layers, input_ids, types, lengths, places), lengths

    def of_tokens(
        self,
        vectors: torch.Tensor,
        lengths: tuple[int, ...],
        cls_positions: torch.Tensor,
        sentence_mask: torch.Tensor,
    ) -> torch.Tensor:
        """Vectors of sentences (B, S, V) from those of tokens, as :meth:`tokens` gives them.

        Args:
            vectors: Vectors of tokens (N, H).
            lengths: Tokens of each document (B).
            cls_positions: Position of each sentence's [CLS] (B, S).
            sentence_mask: True for sentences, False for padding (B, S).
        """
        inside = tokens_mask(lengths, vectors.device)
        return self._of_sentences(unpacked(vectors, inside), inside, cls_positions, sentence_mask)

    def _settled(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None,
        token_type_ids: torch.Tensor,
        lengths: tuple[int, ...] | None,
    ) -> tuple[torch.Tensor, torch.Tensor | None, tuple[int, ...] | None]:
        """Tokens, segments and lengths as this encoder reads them; padded documents may become packed."""
        if lengths is None and self.packs_on(input_ids.device):
            assert attention_mask is not None
            tokens = attention_mask.bool()
            input_ids, token_type_ids = input_ids[tokens], token_type_ids[tokens]
            lengths = tuple(attention_mask.sum(dim=1).tolist())
        return input_ids, token_type_ids if self.uses_segments else None, lengths

    def _of_sentences(
        self, hidden: torch.Tensor, tokens: torch.Tensor, cls_positions: torch.Tensor, sentence_mask: torch.Tensor
    ) -> torch.Tensor:
        """Vectors of sentences (W, S, V), from the vectors of tokens (W, T, H)."""
        if self._config.sentence_vectors == "mean":
            members = tokens_of_sentences(tokens, cls_positions, sentence_mask)
            parts = [sentence_means(hidden, members)]
            if self._config.query_product:
                parts.append(query_mean(hidden, cls_positions)[:, None].expand_as(parts[0]))
            if self.span_output is not None:
                with torch.autocast(hidden.device.type, enabled=False):
                    odds = answer_odds(self.span_output(hidden.float()), members)  # (W, S)
                asked = cls_positions[:, :1] > 0  # a query stands before the first sentence
                parts.append(torch.where(asked, odds, 0.0)[..., None])
            return torch.cat(parts, dim=-1)
        sentences: torch.Tensor = hidden[torch.arange(hidden.shape[0], device=hidden.device)[:, None], cls_positions]
        return sentences

    def _packed(
        self,
        input_ids: torch.Tensor,
        types: torch.Tensor | None,
        cls_positions: torch.Tensor,
        sentence_mask: torch.Tensor,
        lengths: tuple[int, ...],
        most: int | None,
    ) -> torch.Tensor:
        """Sentence vectors from packed tokens (N)."""
        means = self._config.sentence_vectors == "mean"
        kind = input_ids.device.type
        layers = self._layers(kind)
        sentences, begin = [], 0
        for some in _parts(lengths, most):
            end = begin + sum(lengths[some])
            mask = sentence_mask[some]
            places = None if means else _places(lengths[some], cls_positions[some])[mask]
            tokens, segments = input_ids[begin:end], None if types is None else types[begin:end]
            with torch.autocast(kind, enabled=False):  # the layers have the precision that they were made for
                vectors = encode_packed(self.encoder, layers, tokens, segments, lengths[some], places)
            if means:
                sentences.append(self.of_tokens(vectors, lengths[some], cls_positions[some], mask))
            else:
                sentences.append(unpacked(vectors, mask))
            begin = end
        return sentences[0] if len(sentences) == 1 else torch.cat(sentences)

    def _layers(self, kind: str) -> list[Layer]:
        """The packed layers in the precision of the pass; kept if nothing is being trained."""
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else torch.float32
        with torch.autocast(kind, enabled=False):
            if torch.is_grad_enabled() or self.encoder.training:
                return packed_layers(self.encoder, dtype)
            return self.layers(dtype)


def _parts(windows: Sized, most: int | None) -> list[slice]:
    """Which windows are read at a time: at most ``most``, or all."""
    if most is None:  # an exported model has no fixed number of them
        return [slice(None)]
    return [slice(first, first + most) for first in range(0, len(windows), most)]


def can_read_packed(config: ModelConfig, encoder_config: Any) -> bool:
    """Whether an encoder of that configuration may read documents without padding."""
    return config.attention in ("auto", "packed") and can_be_packed(encoder_config)


def _places(lengths: tuple[int, ...], positions: torch.Tensor) -> torch.Tensor:
    """Positions in windows (W, S) as places among all their tokens."""
    count = torch.tensor(lengths, device=positions.device)
    return (count.cumsum(0) - count)[:, None] + positions


def tokens_mask(lengths: tuple[int, ...], device: torch.device) -> torch.Tensor:
    """True for tokens of windows, False for padding behind them (W, T)."""
    return torch.arange(max(lengths), device=device) < torch.tensor(lengths, device=device)[:, None]


def unpacked(vectors: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Packed vectors, put where a mask is True; zeros elsewhere."""
    return vectors.new_zeros(*mask.shape, vectors.shape[1]).masked_scatter(mask[..., None], vectors)


def query_mean(hidden: torch.Tensor, cls_positions: torch.Tensor) -> torch.Tensor:
    """Mean over the tokens of each window's query, without its [CLS] and two [SEP].

    Args:
        hidden: Encoder output (W, T, H).
        cls_positions: (W, S).

    Returns:
        Query vectors (W, H); zeros where there is no query.
    """
    place = torch.arange(hidden.shape[1], device=hidden.device)
    own = (place > 0) & (place < cls_positions[:, :1] - 2)  # before the first sentence stand [CLS] query [SEP] [SEP]
    count = own.sum(dim=1, keepdim=True).clamp(min=1)  # (W, 1)
    total = own[:, None].to(hidden.dtype) @ hidden  # (W, 1, H)
    return total[:, 0] / count.to(hidden.dtype)


def tokens_of_sentences(
    attention_mask: torch.Tensor, cls_positions: torch.Tensor, sentence_mask: torch.Tensor
) -> torch.Tensor:
    """Which tokens are whose, without [CLS] and [SEP].

    Args:
        attention_mask: (B, T).
        cls_positions: (B, S).
        sentence_mask: (B, S).

    Returns:
        True where a token belongs to a sentence (B, T, S).
    """
    begins = torch.zeros(attention_mask.shape, dtype=torch.long, device=attention_mask.device)
    begins.scatter_add_(1, cls_positions, sentence_mask.long())  # 1 at each [CLS]
    attended = attention_mask.long()
    # A [SEP] stands before the next [CLS], or before the padding, or last.
    following = F.pad(begins, (0, 1))[:, 1:] + 1 - F.pad(attended, (0, 1))[:, 1:]
    sentence = begins.cumsum(dim=1) - 1  # which sentence a token belongs to; -1 for a query's (B, T)
    own = attended * (1 - begins) * (following == 0) * (sentence >= 0)  # (B, T)
    each = torch.arange(cls_positions.shape[1], device=attention_mask.device)
    return (sentence.clamp(min=0)[..., None] == each) & own.bool()[..., None]


def sentence_means(hidden: torch.Tensor, members: torch.Tensor) -> torch.Tensor:
    """Mean over each sentence's tokens (B, S, H); zeros for padding.

    Args:
        hidden: Encoder output (B, T, H).
        members: True where a token belongs to a sentence (B, T, S).
    """
    count = members.sum(dim=1).clamp(min=1)  # (B, S)
    weights = members.to(hidden.dtype).transpose(1, 2)  # (B, S, T)
    return (weights @ hidden) / count[..., None].to(hidden.dtype)


def answer_odds(logits: torch.Tensor, members: torch.Tensor) -> torch.Tensor:
    """Log-odds that an answer stands in a sentence (arXiv 1810.04805, section 4.3).

    The probability that an answer begins in a sentence is the sum over its tokens. It stands against that of the
    window's first token, which means no answer, and against that of all other sentences and no answer; of both log-odds
    the mean is taken. So it is for its end.

    Args:
        logits: Logits of where answers begin and end (B, T, 2).
        members: True where a token belongs to a sentence (B, T, S).

    Returns:
        The mean for begin and end (B, S).
    """
    others = members.any(dim=2, keepdim=True) & ~members  # (B, T, S)
    others[:, 0] = True
    inside, outside = (
        logits[:, :, None].masked_fill(~mask[..., None], _NEVER).logsumexp(dim=1)  # (B, S, 2)
        for mask in (members, others)
    )
    return (inside - (logits[:, :1] + outside) / 2).mean(dim=-1)
