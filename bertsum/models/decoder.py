"""The Transformer decoder of "Text Summarization with Pretrained Encoders" (arXiv 1908.08345, section 4): it writes a
text token by token, and reads the encoder's vectors of the source's tokens.

Its layers normalise before each block (pre-LN). In training, all tokens of all texts are computed at once and packed,
so that padding costs nothing. In a search, one token of several hypotheses is computed at a time, and keys and values
are kept.

# B documents, L tokens of the longest target, M tokens to predict in all targets, N tokens of all sources, T of one,
# K hypotheses of a document, H hidden, A attention heads, V vocabulary
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from bertsum.config import DecoderConfig
from bertsum.encoders.packed import Padding, attend, bounds, dropout
from bertsum.errors import BertsumError
from bertsum.models.heads import sinusoidal_positions


@dataclass
class DecoderState:
    """What a search keeps from one step to the next, by layer.

    Attributes:
        keys: Keys of the tokens so far (B, K, A, tokens, H / A); empty before the first step.
        values: Values of the tokens so far, in the same shape.
        memory: Keys and values of the source (B, A, T, H / A).
        mask: True for tokens of the source, False for padding (B, 1, 1, T).
    """

    memory: list[tuple[torch.Tensor, torch.Tensor]]
    mask: torch.Tensor
    keys: list[torch.Tensor] = field(default_factory=list)
    values: list[torch.Tensor] = field(default_factory=list)

    def select(self, documents: torch.Tensor, hypotheses: torch.Tensor) -> None:
        """Keeps only some documents, and reorders the hypotheses of each.

        Args:
            documents: Places of the documents (documents that stay).
            hypotheses: Which hypothesis each of the next ones continues (documents that stay, K).
        """
        rows = documents[:, None]
        self.keys = [keys[rows, hypotheses] for keys in self.keys]
        self.values = [values[rows, hypotheses] for values in self.values]
        if len(documents) < len(self.mask):
            self.mask = self.mask[documents]
            self.memory = [(keys[documents], values[documents]) for keys, values in self.memory]


class Decoder(nn.Module):
    """Computes log-probabilities of the next token from the source's vectors and the text so far.

    Attributes:
        embeddings: Embeddings of the vocabulary (V, H); also the matrix of the generator (the output layer).
        generator_bias: The generator's bias (V).
        layers: The layers.
        norm: The norm after the last layer.
        pad_id: Token of padding. If a search writes it, it attends to all tokens equally, as in the authors' code.
    """

    def __init__(self, config: DecoderConfig, size: int, vocabulary: int, pad_id: int = 0) -> None:
        super().__init__()
        if size % config.heads or size % 2:
            raise BertsumError(
                f"decoder.heads: got {config.heads}, expected a divisor of the encoder's hidden size, {size}, which "
                "must be even"
            )
        self.dropout = config.dropout
        self.pad_id = pad_id
        self.embeddings = nn.Embedding(vocabulary, size)
        self.heads = config.heads
        self.layers = nn.ModuleList(DecoderLayer(config, size) for _ in range(config.layers))
        self.norm = nn.LayerNorm(size, eps=1e-6)
        self.generator_bias = nn.Parameter(torch.zeros(vocabulary))
        self._reset()

    def _reset(self) -> None:
        """Weights before training, as in the authors' code: N(0, 0.02), biases 0; the generator's Xavier-uniform."""
        for part in self.modules():
            if isinstance(part, nn.Linear):
                nn.init.normal_(part.weight, std=0.02)
                nn.init.zeros_(part.bias)
        nn.init.xavier_uniform_(self.embeddings.weight)

    def forward(
        self,
        target_ids: torch.Tensor,
        target_lengths: Sequence[int],
        memory: torch.Tensor,
        lengths: Sequence[int],
    ) -> torch.Tensor:
        """Log-probabilities of the tokens after each token of the targets but the last, packed (M, V).

        Args:
            target_ids: Tokens of the targets, from the start to the end (B, L).
            target_lengths: Tokens of each target (B), 2 at least.
            memory: Vectors of all sources' tokens, packed (N, H).
            lengths: Tokens of each source (B).
        """
        counts = [length - 1 for length in target_lengths]
        queries, keys = bounds(counts), bounds(lengths)
        padding = Padding(queries, memory.device)
        hidden = padding.packed(self._embed(target_ids[:, : max(counts)], 0))  # (M, H)
        hidden = dropout(hidden, self.dropout if self.training else 0.0)
        for layer in self.layers:
            hidden = layer(hidden, padding, memory, queries, keys)
        return self._log_probabilities(hidden)

    def begin(self, memory: torch.Tensor, mask: torch.Tensor) -> DecoderState:
        """The state before the first step.

        Args:
            memory: Vectors of the sources' tokens (B, T, H).
            mask: True for tokens, False for padding (B, T).
        """
        layers: list[Any] = list(self.layers)
        pairs = [layer.context_attention.key_value(memory).chunk(2, dim=-1) for layer in layers]
        heads = [(self._by_heads(key), self._by_heads(value)) for key, value in pairs]
        return DecoderState(heads, mask[:, None, None, :])

    def step(self, token_ids: torch.Tensor, state: DecoderState) -> torch.Tensor:
        """Log-probabilities of the next token (B, K, V); adds the last token to the state.

        Args:
            token_ids: The last token of each hypothesis (B, K).
            state: The state; it has the tokens before the last one.
        """
        place = state.keys[0].shape[-2] if state.keys else 0
        hidden = self._embed(token_ids[..., None], place)[..., 0, :]  # (B, K, H)
        is_padding = token_ids == self.pad_id
        layers: list[Any] = list(self.layers)
        for number, layer in enumerate(layers):
            hidden = layer.step(hidden, is_padding, state, number)
        return self._log_probabilities(hidden)

    def _embed(self, token_ids: torch.Tensor, first: int) -> torch.Tensor:
        """Embeddings times sqrt(H), plus sines of the positions from ``first`` on (..., tokens, H)."""
        count, size = token_ids.shape[-1], self.embeddings.embedding_dim
        positions = sinusoidal_positions(first + count, size, token_ids.device)[first:]
        return self.embeddings(token_ids) * math.sqrt(size) + positions

    def _log_probabilities(self, hidden: torch.Tensor) -> torch.Tensor:
        logits = F.linear(self.norm(hidden), self.embeddings.weight, self.generator_bias)
        return logits.float().log_softmax(dim=-1)

    def _by_heads(self, vectors: torch.Tensor) -> torch.Tensor:
        """(B, T, H) to (B, A, T, H / A)."""
        return vectors.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class SelfAttention(nn.Module):
    """Projections of attention to the text so far."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.query_key_value = nn.Linear(size, 3 * size)
        self.output = nn.Linear(size, size)


class ContextAttention(nn.Module):
    """Projections of attention to the source."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.query = nn.Linear(size, size)
        self.key_value = nn.Linear(size, 2 * size)
        self.output = nn.Linear(size, size)


class DecoderLayer(nn.Module):
    """``a = x + SelfAtt(LN(x))``, ``c = a + ContextAtt(LN(a), source)``, ``y = c + FFN(LN(c))``."""

    def __init__(self, config: DecoderConfig, size: int) -> None:
        super().__init__()
        self.heads, self.probability = config.heads, config.dropout
        self.self_norm = nn.LayerNorm(size, eps=1e-6)
        self.self_attention = SelfAttention(size)
        self.context_norm = nn.LayerNorm(size, eps=1e-6)
        self.context_attention = ContextAttention(size)
        self.feedforward_norm = nn.LayerNorm(size, eps=1e-6)
        self.feedforward_input = nn.Linear(size, config.feedforward)
        self.feedforward_output = nn.Linear(config.feedforward, size)

    def forward(
        self, hidden: torch.Tensor, padding: Padding, memory: torch.Tensor, queries: list[int], keys: list[int]
    ) -> torch.Tensor:
        """Vectors of the targets' tokens, packed (M, H), to new ones.

        Args:
            hidden: The vectors.
            padding: How packed tokens are laid side by side (B, L - 1).
            memory: Vectors of the sources' tokens, packed (N, H).
            queries: Where each target ends among the M tokens, from 0.
            keys: Where each source ends among the N tokens, from 0.
        """
        probability = self.probability if self.training else 0.0
        projected = self.self_attention.query_key_value(self.self_norm(hidden))  # (M, 3 H)
        # A token only sees tokens before it, and padding stands after it. So this attention needs no padding mask.
        query, key, value = padding.padded(projected).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        context = F.scaled_dot_product_attention(query, key, value, dropout_p=probability, is_causal=True)
        context = padding.packed(context.transpose(1, 2).flatten(2))  # (M, H)
        hidden = hidden + dropout(self.self_attention.output(context), probability)
        attention = self.context_attention
        query, key_value = attention.query(self.context_norm(hidden)), attention.key_value(memory)
        context = attend(query, key_value, queries, keys, self.heads, probability)
        hidden = hidden + dropout(attention.output(context), probability)
        return hidden + dropout(self._feed_forward(hidden, probability), probability)

    def step(self, hidden: torch.Tensor, is_padding: torch.Tensor, state: DecoderState, number: int) -> torch.Tensor:
        """Vectors of the last token of each hypothesis (B, K, H) to new ones; ``number`` is the layer's."""
        query, key, value = self.self_attention.query_key_value(self.self_norm(hidden)).chunk(3, dim=-1)
        query = query.masked_fill(is_padding[..., None], 0.0)  # a zero query attends to all keys equally
        key, value = (vectors.unflatten(-1, (self.heads, 1, -1)) for vectors in (key, value))  # (B, K, A, 1, H / A)
        if len(state.keys) == number:
            state.keys.append(key)
            state.values.append(value)
        else:
            state.keys[number] = torch.cat([state.keys[number], key], dim=-2)
            state.values[number] = torch.cat([state.values[number], value], dim=-2)
        context = F.scaled_dot_product_attention(
            query.unflatten(-1, (self.heads, 1, -1)), state.keys[number], state.values[number]
        )
        hidden = hidden + self.self_attention.output(context.flatten(2))
        attention = self.context_attention
        query = attention.query(self.context_norm(hidden)).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        keys, values = state.memory[number]
        context = F.scaled_dot_product_attention(query, keys, values, attn_mask=state.mask)  # (B, A, K, H / A)
        hidden = hidden + attention.output(context.transpose(1, 2).flatten(2))
        return hidden + self._feed_forward(hidden, 0.0)

    def _feed_forward(self, hidden: torch.Tensor, probability: float) -> torch.Tensor:
        inner = F.gelu(self.feedforward_input(self.feedforward_norm(hidden)), approximate="tanh")
        return self.feedforward_output(dropout(inner, probability))
