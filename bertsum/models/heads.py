"""Inter-sentence heads: turn sentence vectors into scores, as in "Fine-tune BERT for Extractive Summarization"
(arXiv 1903.10318, section 3) and "Text Summarization with Pretrained Encoders" (arXiv 1908.08345, section 3).

Every head is ``forward(sentences, mask) -> logits``, and a document's logits do not depend on its batch.

# B documents, S sentences, H hidden
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

from bertsum.config import ModelConfig
from bertsum.device import is_exporting
from bertsum.errors import BertsumError

_SENTENCES_AT_ONCE = 1024


class LinearHead(nn.Module):
    """``Y_i = sigmoid(W T_i + b)`` (1903.10318, equation 2)."""

    def __init__(self, config: ModelConfig, hidden_size: int) -> None:
        super().__init__()
        self.output = nn.Linear(hidden_size, 1)

    def forward(self, sentences: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Sentence vectors (B, S, H) and their mask (B, S) to logits (B, S)."""
        return self.output(sentences)[..., 0]


class TransformerHead(nn.Module):
    """``h^0 = PosEmb(T)``, L transformer layers over sentences, ``Y_i = sigmoid(W h_i^L + b)``
    (1908.08345, equations 2 to 4).
    """

    def __init__(self, config: ModelConfig, hidden_size: int) -> None:
        super().__init__()
        if hidden_size % config.head_heads:
            raise BertsumError(
                f"model.head_heads: got {config.head_heads}, expected a divisor of the encoder's hidden size, "
                f"{hidden_size}"
            )
        if hidden_size % 2:
            raise BertsumError(f"model.head: transformer needs an even hidden size, the encoder's is {hidden_size}")
        self.position_scale = config.position_scale
        self.layers = nn.ModuleList(
            TransformerLayer(config, hidden_size, first=index == 0) for index in range(config.head_layers)
        )
        self.norm = nn.LayerNorm(hidden_size, eps=1e-6)
        self.output = nn.Linear(hidden_size, 1)

    def forward(self, sentences: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Sentence vectors (B, S, H) and their mask (B, S) to logits (B, S)."""
        positions = sinusoidal_positions(sentences.shape[1], sentences.shape[2], sentences.device)  # (S, H)
        hidden = sentences * mask[..., None] + self.position_scale * positions
        for layer in self.layers:
            hidden = layer(hidden, mask)
        return self.output(self.norm(hidden))[..., 0]


class TransformerLayer(nn.Module):
    """``h~ = h + MHAtt(LN(h))``, ``h = h~ + FFN(LN(h~))`` (1908.08345, equations 2 and 3).

    The first layer attends over ``h`` without LN, as in the authors' code and so in every published number.
    """

    def __init__(self, config: ModelConfig, hidden_size: int, first: bool) -> None:
        super().__init__()
        self.heads = config.head_heads
        self.attention_norm = nn.Identity() if first else nn.LayerNorm(hidden_size, eps=1e-6)
        self.query = nn.Linear(hidden_size, hidden_size)
        self.key = nn.Linear(hidden_size, hidden_size)
        self.value = nn.Linear(hidden_size, hidden_size)
        self.attention_output = nn.Linear(hidden_size, hidden_size)
        self.feedforward_norm = nn.LayerNorm(hidden_size, eps=1e-6)
        self.feedforward_input = nn.Linear(hidden_size, config.head_feedforward)
        self.feedforward_output = nn.Linear(config.head_feedforward, hidden_size)
        self.dropout = nn.Dropout(config.head_dropout)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(B, S, H) to (B, S, H)."""
        normed = self.attention_norm(hidden)
        key, value = self._by_heads(self.key(normed)), self._by_heads(self.value(normed))
        if torch.is_grad_enabled() or is_exporting() or hidden.shape[1] <= _SENTENCES_AT_ONCE:
            return self._attend(hidden, normed, key, value, mask)
        # Only keys and values are computed for all sentences at once. The rest goes part by part: a book needs memory.
        parts = zip(hidden.split(_SENTENCES_AT_ONCE, dim=1), normed.split(_SENTENCES_AT_ONCE, dim=1), strict=True)
        return torch.cat([self._attend(part, normed_part, key, value, mask) for part, normed_part in parts], dim=1)

    def _attend(
        self, hidden: torch.Tensor, normed: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        """The rest of the layer for all or some sentences, from all keys and values (B, heads, S, H / heads)."""
        context = F.scaled_dot_product_attention(
            self._by_heads(self.query(normed)),
            key,
            value,
            attn_mask=mask[:, None, None, :],
            dropout_p=self.dropout.p if self.training else 0.0,
        )
        context = context.transpose(1, 2).reshape(hidden.shape)  # (B, S, H)
        hidden = hidden + self.dropout(self.attention_output(context))
        inner = F.gelu(self.feedforward_input(self.feedforward_norm(hidden)), approximate="tanh")
        return hidden + self.dropout(self.feedforward_output(self.dropout(inner)))

    def _by_heads(self, vectors: torch.Tensor) -> torch.Tensor:
        """(B, S, H) to (B, heads, S, H / heads)."""
        return vectors.unflatten(2, (self.heads, -1)).transpose(1, 2)


def sinusoidal_positions(count: int, size: int, device: torch.device) -> torch.Tensor:
    """Sine and cosine of the position at geometric wavelengths (S, H), interleaved."""
    position = torch.arange(count, device=device, dtype=torch.float32)[:, None]
    frequency = torch.exp(torch.arange(0, size, 2, device=device, dtype=torch.float32) * -(math.log(10000.0) / size))
    table = torch.empty(count, size, device=device, dtype=torch.float32)
    table[:, 0::2] = torch.sin(position * frequency)
    table[:, 1::2] = torch.cos(position * frequency)
    return table


class LSTMHead(nn.Module):
    """``Y_i = sigmoid(W (BiLSTM(T)_i + T_i) + b)`` with layer-normalised cells (1903.10318, equations 7 to 13).

    With ``lstm_states: final`` every sentence gets the last state of each direction, not the state at that sentence.
    The authors' code did so, because it kept the outputs of all time steps in one list; its checkpoints need it.
    """

    def __init__(self, config: ModelConfig, hidden_size: int) -> None:
        super().__init__()
        if hidden_size % 2:
            raise BertsumError(f"model.head: lstm needs an even hidden size, the encoder's is {hidden_size}")
        self.final = config.lstm_states == "final"
        self.forward_cell = LayerNormLSTMCell(hidden_size, hidden_size // 2)
        self.backward_cell = LayerNormLSTMCell(hidden_size, hidden_size // 2)
        self.dropout = nn.Dropout(config.head_dropout)
        self.output = nn.Linear(hidden_size, 1)

    def forward(self, sentences: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Sentence vectors (B, S, H) and their mask (B, S) to logits (B, S)."""
        # Each document is reversed without its padding, so that no direction reads padding first.
        position = torch.arange(mask.shape[1], device=mask.device)[None]  # (1, S)
        last = mask.sum(dim=1, keepdim=True) - 1  # (B, 1)
        reverse = torch.where(position <= last, last - position, position)  # (B, S)

        def at(vectors: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
            return vectors.gather(1, positions[..., None].expand(-1, -1, vectors.shape[2]))

        ahead = self.forward_cell(sentences)  # (B, S, H / 2)
        back = self.backward_cell(at(sentences, reverse))  # (B, S, H / 2), from the last sentence to the first
        if self.final:
            states = torch.cat([at(ahead, last), at(back, last)], dim=-1)  # (B, 1, H)
        else:
            states = torch.cat([ahead, at(back, reverse)], dim=-1)  # (B, S, H)
        return self.output(self.dropout(states) + sentences)[..., 0]


class LayerNormLSTMCell(nn.Module):
    """An LSTM over a sequence that normalises the input projection, the recurrent projection and the cell
    (arXiv 1607.06450, equations 20 to 22).
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input = nn.Linear(input_size, 4 * hidden_size)
        self.recurrent = nn.Linear(hidden_size, 4 * hidden_size)
        self.input_norm = nn.LayerNorm(4 * hidden_size)
        self.recurrent_norm = nn.LayerNorm(4 * hidden_size)
        self.cell_norm = nn.LayerNorm(hidden_size)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """(B, S, input) to (B, S, hidden)."""
        projected = self.input_norm(self.input(inputs))  # (B, S, 4 x hidden)
        hidden = cell = projected.new_zeros(len(inputs), self.recurrent.in_features)
        outputs = []
        for step in projected.unbind(dim=1):
            gates = step + self.recurrent_norm(self.recurrent(hidden))
            i, f, o, g = gates.chunk(4, dim=-1)
            cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
            hidden = o.sigmoid() * self.cell_norm(cell).tanh()
            outputs.append(hidden)
        return torch.stack(outputs, dim=1)


HEADS = {"linear": LinearHead, "transformer": TransformerHead, "lstm": LSTMHead}


def build_head(config: ModelConfig, hidden_size: int) -> nn.Module:
    """The configured head; matrices are Xavier-uniform, other weights have PyTorch's defaults."""
    if hidden_size < 1:
        raise BertsumError(f"model.encoder: its hidden size is {hidden_size}, expected 1 or more")
    head = HEADS[config.head](config, hidden_size)
    for parameter in head.parameters():
        if parameter.dim() > 1:
            nn.init.xavier_uniform_(parameter)
    return head
