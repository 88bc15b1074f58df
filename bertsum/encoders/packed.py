"""BERT's forward pass over packed documents: one after the other in one sequence, without padding.

It is made for a CPU, where transformers' pass spends most of its time on attention over padded batches and dropout.
On a GPU it uses torch's attention for documents of different lengths (FlashAttention, if possible). It computes what
transformers' BertModel and RobertaModel compute (arXiv 1810.04805), from the same modules' weights.

# N tokens of all documents, T of one, H hidden, A attention heads, V tokens that get a vector
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional as F

from bertsum.device import softmax_backward
from bertsum.encoders.bert import FIRST_POSITION
from bertsum.encoders.projections import ACTIVATIONS, Linear, projection
from bertsum.encoders.pruned import head_size

if TYPE_CHECKING:
    from transformers import PretrainedConfig

    from bertsum.encoders.load import Encoder

# Pairs of tokens, for each core, in one piece of attention: 1 MB in bf16, which fits a core's cache.
_PAIRS_AT_ONCE = 1 << 19
# Tokens: documents that are all as short as this (captions, tweets) are read side by side in training. To score them,
# each is read by itself, so that its scores have the same last digits in any batch.
_SHORT = 64
# The number of rows of a product in bf16 is a multiple of the first, or if there are many, of the second.
_FEW_ROWS, _MANY_ROWS = 32, 128


def can_be_packed(config: PretrainedConfig) -> bool:
    """Whether :func:`encode_packed` knows this encoder."""
    absolute = getattr(config, "position_embedding_type", "absolute") == "absolute"
    return config.model_type in FIRST_POSITION and absolute and config.hidden_act in ACTIVATIONS


@dataclass(frozen=True)
class Layer:
    """A layer: projections in the precision of the forward pass, and norms."""

    query: Linear
    key_value: Linear
    attention_output: Linear
    attention_norm: nn.LayerNorm
    feedforward_input: Linear  # with its activation
    feedforward_output: Linear
    output_norm: nn.LayerNorm
    heads: int
    dtype: torch.dtype


def packed_layers(encoder: Encoder, dtype: torch.dtype) -> list[Layer]:
    """The encoder's layers: for one forward and backward pass, or for many passes without gradients."""
    layers: Any = encoder.get_submodule("encoder.layer")
    activation = encoder.config.hidden_act
    return [
        Layer(
            query=projection([layer.attention.self.query], dtype),
            key_value=projection([layer.attention.self.key, layer.attention.self.value], dtype),
            attention_output=projection([layer.attention.output.dense], dtype),
            attention_norm=layer.attention.output.LayerNorm,
            feedforward_input=projection([layer.intermediate.dense], dtype, activation),
            feedforward_output=projection([layer.output.dense], dtype),
            output_norm=layer.output.LayerNorm,
            heads=layer.attention.self.query.out_features // head_size(encoder.config),
            dtype=dtype,
        )
        for layer in layers
    ]


def encode_packed(
    encoder: Encoder,
    layers: Sequence[Layer],
    input_ids: torch.Tensor,
    token_type_ids: torch.Tensor | None,
    lengths: Sequence[int],
    places: torch.Tensor | None = None,
) -> torch.Tensor:
    """Output vectors of tokens; each token attends to the tokens of the same document.

    Args:
        encoder: BERT or RoBERTa.
        layers: The encoder's :func:`packed_layers`.
        input_ids: Tokens of all documents, one after the other (N).
        token_type_ids: Segments of the tokens (N); 0 by default.
        lengths: Tokens of each document.
        places: Places among the N tokens, ascending (V): the last layer computes only these vectors. All by default.

    Returns:
        Vectors (V, H) or (N, H), in the precision of the norms.
    """
    config, training = encoder.config, encoder.training
    hidden_dropout = config.hidden_dropout_prob if training else 0.0
    attention_dropout = config.attention_probs_dropout_prob if training else 0.0
    hidden = dropout(_embed(encoder, input_ids, token_type_ids, lengths), hidden_dropout)  # (N, H)
    count = len(hidden) if places is None else len(places)
    if hidden.device.type == "cpu" and layers[0].dtype == torch.bfloat16 and not torch.is_grad_enabled():
        hidden, lengths, places = _rounded_up(hidden, lengths, places)
    keys = queries = bounds(lengths)
    for layer in layers:
        values = hidden.to(layer.dtype)
        key_value = layer.key_value(values)  # (N, 2 H)
        if layer is layers[-1] and places is not None:
            queries = torch.searchsorted(places, torch.tensor(keys, device=places.device)).tolist()
            hidden, values = hidden[places], values[places]  # (V, H)
        context = attend(layer.query(values), key_value, queries, keys, layer.heads, attention_dropout)
        hidden = _norm(hidden + dropout(layer.attention_output(context), hidden_dropout), layer.attention_norm)
        inner = layer.feedforward_input(hidden.to(layer.dtype))
        hidden = _norm(hidden + dropout(layer.feedforward_output(inner), hidden_dropout), layer.output_norm)
    return hidden[:count]


def _rounded_up(
    hidden: torch.Tensor, lengths: Sequence[int], places: torch.Tensor | None
) -> tuple[torch.Tensor, Sequence[int], torch.Tensor | None]:
    """Appends documents of zeros, and repeats the last place, so that few numbers of rows occur: oneDNN makes a kernel
    for each number of rows that it has not seen, which takes longer than the product itself.
    """

    def missing(rows: int) -> int:
        return -rows % (_FEW_ROWS if rows <= 16 * _FEW_ROWS else _MANY_ROWS)

    added = missing(len(hidden))
    hidden = F.pad(hidden, (0, 0, 0, added))
    lengths = [*lengths, *(min(_SHORT, added - begin) for begin in range(0, added, _SHORT))]
    return hidden, lengths, places if places is None else torch.cat([places, places[-1:].expand(missing(len(places)))])


def _embed(
    encoder: Encoder, input_ids: torch.Tensor, token_type_ids: torch.Tensor | None, lengths: Sequence[int]
) -> torch.Tensor:
    embeddings: Any = encoder.embeddings
    first = FIRST_POSITION[encoder.config.model_type](encoder.config)
    positions = torch.cat([torch.arange(first, first + length) for length in lengths]).to(input_ids.device)
    types = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
    vectors = embeddings.word_embeddings(input_ids) + embeddings.token_type_embeddings(types)
    return _norm(vectors + embeddings.position_embeddings(positions), embeddings.LayerNorm)


def _norm(vectors: torch.Tensor, norm: nn.LayerNorm) -> torch.Tensor:
    return F.layer_norm(vectors, norm.normalized_shape, norm.weight, norm.bias, norm.eps)


def bounds(lengths: Sequence[int]) -> list[int]:
    """Where each document ends among the tokens of all, with a 0 before the first."""
    return [0, *itertools.accumulate(lengths)]


# ---- dropout from random bytes: a Bernoulli draw for each value would take longer than the rest of a layer


def dropout(vectors: torch.Tensor, probability: float) -> torch.Tensor:
    """Zeroes values with a probability (in steps of 1/256), and scales the others so that the mean stays."""
    if probability == 0.0:
        return vectors
    if vectors.device.type != "cpu":  # on other devices a random draw costs little
        return F.dropout(vectors, probability)
    dropped, scale = _mask(vectors.shape, probability)
    return vectors.masked_fill(dropped, 0.0) * scale


def _mask(shape: Sequence[int], probability: float) -> tuple[torch.Tensor, float]:
    """Which values are dropped, and the factor for the others."""
    count = 1
    for size in shape:
        count *= size
    threshold = min(255, round(probability * 256))
    # whole 64-bit numbers, eight bytes at a time
    numbers = torch.empty(-(-count // 8), dtype=torch.int64).random_(-(2**63), None)
    dropped = numbers.view(torch.uint8)[:count].view(*shape) < threshold
    return dropped, 256 / (256 - threshold)


def attend(
    query: torch.Tensor, key_value: torch.Tensor, queries: list[int], keys: list[int], heads: int, dropout: float
) -> torch.Tensor:
    """Attention inside each document, or from a text to its source, computed in the way that is fast on the device.

    Args:
        query: Queries of all documents (V, H).
        key_value: Keys and values of all documents (N, 2 H).
        queries: Where each document's queries end, from 0.
        keys: Where each document's keys end, from 0.
        heads: Attention heads.
        dropout: Dropout of the probabilities.

    Returns:
        Context vectors (V, H).
    """
    if query.device.type != "cpu":
        return attend_jagged(query, key_value, queries, keys, heads, dropout)
    longest = max(end - begin for begin, end in itertools.pairwise(keys))
    if longest > _SHORT or not torch.is_grad_enabled():
        context: torch.Tensor = _Attention.apply(query, key_value, queries, keys, heads, dropout)
        return context
    return _attend_padded(query, key_value, queries, keys, heads, dropout)


def _attend_padded(
    query: torch.Tensor, key_value: torch.Tensor, queries: list[int], keys: list[int], heads: int, dropout: float
) -> torch.Tensor:
    """Attention of each document (V, H), all documents padded side by side: fast if all are short."""
    of_queries, of_keys = Padding(queries, query.device), Padding(keys, query.device)
    if not len(query):
        return query
    key, value = of_keys.padded(key_value).unflatten(-1, (2, heads, -1)).permute(2, 0, 3, 1, 4)
    padded = of_queries.padded(query).unflatten(-1, (heads, -1)).transpose(1, 2)
    mask = of_keys.inside[:, None, None, :]
    context = F.scaled_dot_product_attention(padded, key, value, attn_mask=mask, dropout_p=dropout)
    return of_queries.packed(context.transpose(1, 2).flatten(2))


class Padding:
    """Moves vectors between two layouts: packed, and side by side with padding to the longest document.

    Attributes:
        inside: True for a document's vectors, False for padding (documents, longest).
    """

    def __init__(self, bounds: Sequence[int], device: torch.device) -> None:
        ends = torch.tensor(bounds, device=device)
        begins, lengths = ends[:-1, None], ends.diff()[:, None]
        steps = torch.arange(int(lengths.max()), device=device)
        self.inside = steps < lengths
        self._places = (begins + steps.clamp(max=lengths - 1)).clamp(min=0)  # padding repeats the last vector
        self._rows = self.inside.flatten().nonzero()[:, 0]

    def padded(self, vectors: torch.Tensor) -> torch.Tensor:
        """Packed vectors (N, H) side by side (documents, longest, H)."""
        return vectors.index_select(0, self._places.flatten()).unflatten(0, self._places.shape)

    def packed(self, vectors: torch.Tensor) -> torch.Tensor:
        """The inverse of :meth:`padded`."""
        return vectors.flatten(0, 1).index_select(0, self._rows)


def attend_jagged(
    query: torch.Tensor, key_value: torch.Tensor, queries: list[int], keys: list[int], heads: int, dropout: float
) -> torch.Tensor:
    """Attention of each document (V, H), by torch's attention for tensors of different lengths."""

    def by_heads(vectors: torch.Tensor, bounds: list[int]) -> torch.Tensor:
        lengths = [end - begin for begin, end in itertools.pairwise(bounds)]
        offsets = torch.tensor(bounds, device=vectors.device)
        values = vectors.unflatten(1, (heads, -1)).contiguous()
        nested = torch.nested.nested_tensor_from_jagged(
            values, offsets, min_seqlen=min(lengths), max_seqlen=max(lengths)
        )  # (documents, T, A, H / A)
        return nested.transpose(1, 2)

    key, value = key_value.chunk(2, dim=1)
    context = F.scaled_dot_product_attention(
        by_heads(query, queries), by_heads(key, keys), by_heads(value, keys), dropout_p=dropout
    )
    return context.transpose(1, 2).values().flatten(1)


class _Attention(torch.autograd.Function):
    """``softmax(Q K^T / sqrt(d)) V`` of each document. Without dropout torch computes it; with dropout, and backward,
    a few heads and queries are computed at a time, so that probabilities stay in the cache. The backward pass computes
    them again: torch's own is slower for short documents, and in bf16.
    """

    @staticmethod
    def forward(
        ctx: Any,
        query: torch.Tensor,
        key_value: torch.Tensor,
        queries: list[int],
        keys: list[int],
        heads: int,
        dropout: float,
    ) -> torch.Tensor:
        """Context (V, H) from queries (V, H), keys and values (N, 2 H); documents end at ``queries`` and ``keys``."""
        context = query.new_empty(query.shape)
        masks = []
        for number in range(len(keys) - 1):
            q, k, v, out = _document(number, queries, keys, heads, query, key_value, context)
            if not dropout:
                if q.shape[1]:  # added rows are asked nothing in the last layer
                    out[:] = F.scaled_dot_product_attention(q[None], k[None], v[None])[0]
                continue
            dropped, scale = _mask((heads, q.shape[1], k.shape[1]), dropout)
            masks.append(dropped)
            for part, rows in _parts(q, k):
                probabilities = _probabilities(q[part, rows], k[part]).masked_fill_(dropped[part, rows], 0.0)
                out[part, rows] = torch.bmm(probabilities, v[part]).mul_(scale)
        ctx.save_for_backward(query, key_value, *masks)
        ctx.rest = (queries, keys, heads, dropout)
        return context

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Gradients of the queries (V, H) and of the keys and values (N, 2 H)."""
        query, key_value, *masks = ctx.saved_tensors
        queries, keys, heads, dropout = ctx.rest
        query_gradient = torch.empty_like(query, memory_format=torch.contiguous_format)
        key_value_gradient = torch.empty_like(key_value, memory_format=torch.contiguous_format)
        for number in range(len(keys) - 1):
            q, k, v, do = _document(number, queries, keys, heads, query, key_value, gradient)
            _, dk, dv, dq = _document(number, queries, keys, heads, query, key_value_gradient, query_gradient)
            dropped = masks[number] if dropout else None
            scale = 256 / (256 - min(255, round(dropout * 256)))
            factor = q.shape[-1] ** -0.5
            done: set[int] = set()
            for part, rows in _parts(q, k):
                probabilities = _probabilities(q[part, rows], k[part])
                own = do[part, rows] * scale if dropped is not None else do[part, rows]
                d_probabilities = torch.bmm(own, v[part].transpose(1, 2))
                kept = probabilities
                if dropped is not None:
                    d_probabilities.masked_fill_(dropped[part, rows], 0.0)
                    kept = probabilities.masked_fill(dropped[part, rows], 0.0)
                d_scores = softmax_backward(d_probabilities, probabilities)
                dq[part, rows] = torch.bmm(d_scores, k[part]).mul_(factor)
                dk_part = torch.bmm(d_scores.transpose(1, 2), q[part, rows]).mul_(factor)
                dv_part = torch.bmm(kept.transpose(1, 2), own)
                if part.start in done:  # more queries of the same heads
                    dk[part] += dk_part
                    dv[part] += dv_part
                else:
                    dk[part], dv[part] = dk_part, dv_part
                    done.add(part.start)
        return query_gradient, key_value_gradient, None, None, None, None


def _document(
    number: int,
    queries: list[int],
    keys: list[int],
    heads: int,
    query: torch.Tensor,
    key_value: torch.Tensor,
    context: torch.Tensor,
) -> tuple[torch.Tensor, ...]:
    """Views of a document's queries, keys, values and context (A, T, H / A)."""

    def by_heads(vectors: torch.Tensor, bounds: list[int]) -> torch.Tensor:
        own = vectors[bounds[number] : bounds[number + 1]]
        return own.unflatten(1, (heads, -1)).transpose(0, 1)

    key, value = key_value.chunk(2, dim=1)
    return by_heads(query, queries), by_heads(key, keys), by_heads(value, keys), by_heads(context, queries)


def _parts(q: torch.Tensor, k: torch.Tensor) -> list[tuple[slice, slice]]:
    """Which heads and queries to compute at a time."""
    heads, count, length = q.shape[0], q.shape[1], k.shape[1]
    if not count:
        return []
    pairs = _PAIRS_AT_ONCE * torch.get_num_threads()
    rows = max(1, min(count, pairs // length))
    some = max(1, min(heads, pairs // (rows * length)))
    return [
        (slice(head, head + some), slice(row, row + rows))
        for head in range(0, heads, some)
        for row in range(0, count, rows)
    ]


def _probabilities(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    """``softmax(Q K^T / sqrt(d))`` (heads, queries, T)."""
    scores = q.new_empty(q.shape[0], q.shape[1], k.shape[1])
    torch.baddbmm(scores, q, k.transpose(1, 2), beta=0, alpha=q.shape[-1] ** -0.5, out=scores)
    return torch.softmax(scores, -1, out=scores)
