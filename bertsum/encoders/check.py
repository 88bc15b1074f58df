"""Tries a pretrained encoder on a few tokens when it is loaded.

Encoder families of transformers (BERT, DeBERTa, ...) differ in more than their configurations show. So this module does
not rely on a list of names, but runs some short passes and one of at most 1024 tokens. BERT and RoBERTa are known, so
they are not tried.

# S tokens of a short document, T of a long one, H hidden
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from bertsum.config import ModelConfig
from bertsum.encoders.padded import Reading, encode_padded, has_token_types
from bertsum.errors import BertsumError

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

_SHORT, _PADDED, _LONGEST = 13, 32, 1024
_MOST_RESERVED = 8  # rows that a table of positions may have beyond its configuration
# In float32, padding changes a document's values by less than 1e-5 of the largest value.
_TOLERANCE = 1e-4


def check_encoder(encoder: PreTrainedModel, config: ModelConfig, max_length: int) -> None:
    """Makes an encoder ready to read and to learn, or refuses it.

    The encoder gets position embeddings for ``max_length`` tokens. Unused weights are frozen: they never get a
    gradient, but training in several processes and resuming expect one for each weight that is not frozen. What the
    family needs is written into the encoder's configuration (:class:`~bertsum.encoders.padded.Reading`).

    Args:
        encoder: An encoder of transformers, on the CPU.
        config: How it is used.
        max_length: Tokens that it will read at once.

    Raises:
        BertsumError: if the encoder needs more than token ids, its vectors do not have the configured size, tokens do
            not attend to later ones, or ``max_length`` is too large.
    """
    was_training = encoder.training
    with torch.random.fork_rng(devices=[]), _plain_attention(encoder):
        try:
            _check(_Trial(encoder.eval(), config.interval_segments), max_length)
        finally:
            encoder.train(was_training)


@dataclass(frozen=True)
class _Trial:
    """An encoder on trial."""

    encoder: PreTrainedModel
    segments: bool

    @property
    def kind(self) -> str:
        kind: str = self.encoder.config.model_type
        return kind

    def tokens(self, count: int) -> torch.Tensor:
        """Different tokens without padding (T)."""
        vocabulary = range(min(1000, len(_word_embeddings(self.encoder))))
        usable = [token for token in vocabulary if token != self.encoder.config.pad_token_id]
        return torch.tensor([usable[-1 - 3 * place % len(usable)] for place in range(count)])

    def vectors(self, tokens: torch.Tensor, length: int | None = None) -> torch.Tensor:
        """Vectors of a document's tokens (S, H); the document may be padded to ``length``."""
        count, length = len(tokens), length or len(tokens)
        input_ids = torch.full((1, length), self.encoder.config.pad_token_id or 0)
        input_ids[0, :count] = tokens
        mask = (torch.arange(length) < count).long()[None]
        types = (torch.arange(length) // 5 % 2)[None] * mask
        segments = types if self.segments and has_token_types(self.encoder) else None
        return encode_padded(self.encoder, input_ids, mask, segments)[0, :count]


def _check(trial: _Trial, max_length: int) -> None:
    encoder = trial.encoder
    longest = min(max_length, _LONGEST)
    try:
        tokens = trial.tokens(min(_SHORT, max(2, longest // 2)))
        with _watched(encoder, len(tokens)) as tables:
            alone = trial.vectors(tokens)
    except Exception as error:  # transformers' families raise errors of many kinds
        raise BertsumError(
            f"model.encoder: encoder type {trial.kind} does not give vectors for token ids alone "
            f"({_first_line(error)}), expected an encoder of text such as bert-base-uncased"
        ) from error
    size = getattr(encoder.config, "hidden_size", None)
    if alone.shape != (len(tokens), size):
        raise BertsumError(
            f"model.encoder: encoder type {trial.kind} gives {len(alone)} vectors of {alone.shape[-1]} for "
            f"{len(tokens)} tokens, expected one of its hidden_size, {size}, for each"
        )
    _freeze_unreached(encoder, alone)
    with torch.no_grad():
        _check_tokens_read_each_other(trial, tokens, alone)
        _make_room(trial, tables, max_length)
        _settle_reading(trial, tokens, alone, longest)


def _check_tokens_read_each_other(trial: _Trial, tokens: torch.Tensor, alone: torch.Tensor) -> None:
    """Refuses an encoder if no token's vector depends on later tokens, as in a decoder."""

    def read(changed: int, vectors: slice) -> bool:
        others = tokens.clone()
        others[changed] = tokens[len(tokens) // 2]
        return not torch.equal(trial.vectors(others)[vectors], alone[vectors])

    if read(-1, slice(None, -1)):
        return
    only_before = read(0, slice(1, None))
    problem = "after them, as in a decoder" if only_before else "beside them (a part that it needs may be missing here)"
    raise BertsumError(
        f"model.encoder: encoder type {trial.kind} is no encoder here: its tokens do not read those {problem}; "
        "expected an encoder such as bert-base-uncased"
    )


def _settle_reading(trial: _Trial, tokens: torch.Tensor, alone: torch.Tensor, longest: int) -> None:
    """Finds the values of :class:`Reading` and writes them into the configuration."""
    encoder = trial.encoder

    def same(vectors: torch.Tensor) -> bool:
        return bool((vectors - alone).abs().max() <= _TOLERANCE * alone.abs().max())

    try:
        trial.vectors(trial.tokens(longest))
        one_by_one = not same(trial.vectors(tokens, min(longest, _PADDED)))
        changing = one_by_one and not same(trial.vectors(tokens))
        encoder.train()
        full_precision = not _computes_in_bf16(trial, tokens)
        if full_precision:
            trial.vectors(tokens)
    except Exception as error:  # transformers' families raise errors of many kinds
        raise BertsumError(
            f"model.encoder: encoder type {trial.kind} cannot be trained on documents of any length up to {longest} "
            f"tokens ({_first_line(error)}), expected an encoder such as bert-base-uncased"
        ) from error
    if changing:
        raise BertsumError(
            f"model.encoder: encoder type {trial.kind} gives one document other vectors the second time, expected an "
            "encoder such as bert-base-uncased"
        )
    Reading(one_by_one, full_precision).write(encoder.config)


def _computes_in_bf16(trial: _Trial, tokens: torch.Tensor) -> bool:
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return bool(trial.vectors(tokens).isfinite().all())
    except (RuntimeError, ValueError):  # its code mixes two precisions by mistake
        return False


def _freeze_unreached(encoder: PreTrainedModel, vectors: torch.Tensor) -> None:
    """Freezes weights that the vectors do not depend on."""
    reached: set[int] = set()
    seen, waiting = set(), [vectors.grad_fn]
    while waiting:
        node: Any = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        reached.add(id(getattr(node, "variable", None)))
        waiting += [following for following, _ in node.next_functions]
    for parameter in encoder.parameters():
        if id(parameter) not in reached:
            parameter.requires_grad_(False)


# ---- positions


@dataclass
class _Table:
    """A table of learned embeddings, maybe of positions: the part ``name`` of ``parent``.

    Attributes:
        firsts: First row of each document's positions (RoBERTa and its kin reserve some rows); None for a look-up of
            something else.
    """

    parent: nn.Module
    name: str
    firsts: list[int | None] = field(default_factory=list)

    @property
    def rows(self) -> int:
        rows: int = getattr(self.parent, self.name).num_embeddings
        return rows

    def looked_up(self, places: torch.Tensor, count: int) -> None:
        """Notes a look-up for a document of ``count`` tokens, which may be padded."""
        some = places.flatten()[:count]
        ascending = len(some) == count and torch.equal(some, some[0] + torch.arange(count))
        self.firsts.append(int(some[0]) if ascending else None)


@contextlib.contextmanager
def _watched(encoder: PreTrainedModel, count: int) -> Iterator[list[_Table]]:
    """Tables of about ``max_position_embeddings`` rows; they note their look-ups while the block runs."""
    limit = getattr(encoder.config, "max_position_embeddings", None) or 0
    tables = [
        _Table(parent, name)
        for parent in encoder.modules()
        for name, part in parent.named_children()
        # Tables of sines have other classes and are not found here. Some families add rows for reserved positions.
        if type(part) is nn.Embedding and "position" in name and 0 <= part.num_embeddings - limit <= _MOST_RESERVED
    ]
    hooks = [
        getattr(table.parent, table.name).register_forward_hook(
            lambda _, places, __, table=table: table.looked_up(places[0], count)
        )
        for table in tables
    ]
    try:
        yield tables
    finally:
        for hook in hooks:
            hook.remove()


def _make_room(trial: _Trial, tables: list[_Table], max_length: int) -> None:
    """Makes position embeddings for ``max_length`` tokens, or refuses the encoder."""
    config = trial.encoder.config
    firsts = {first for table in tables for first in table.firsts if first is not None}
    if len(firsts) != 1:
        check_length(config, max_length)
        return
    table = next(table for table in tables if table.firsts and table.firsts[0] in firsts)
    more = max_length + firsts.pop() - table.rows
    if more <= 0:
        return
    for other in tables:
        if None not in other.firsts:  # tables of other things keep their size; tables without a look-up grow, too
            lengthen_positions(other.parent, other.name, other.rows + more)
    config.max_position_embeddings += more


def check_length(config: PretrainedConfig, max_length: int) -> None:
    """Refuses a ``max_length`` that is too large for an encoder whose positions cannot be extended.

    Raises:
        BertsumError: if there are too many; the message names the limit.
    """
    limit = getattr(config, "max_position_embeddings", None)
    relative = getattr(config, "relative_attention", False)  # DeBERTa: distances, of any length
    if limit is not None and 0 < limit < max_length and not relative:
        raise BertsumError(
            f"encoding.max_length: got {max_length}, expected at most {limit} with encoder type "
            f"{config.model_type}, whose positions cannot be extended"
        )


def lengthen_positions(parent: nn.Module, name: str, rows: int) -> None:
    """Adds rows to a table of position embeddings: copies of its last row (PreSumm)."""
    table = getattr(parent, name)
    longer = nn.Embedding(rows, table.embedding_dim, padding_idx=table.padding_idx)
    with torch.no_grad():
        longer.weight[: table.num_embeddings] = table.weight
        longer.weight[table.num_embeddings :] = table.weight[-1]
    longer.weight.requires_grad_(table.weight.requires_grad)
    setattr(parent, name, longer)
    more = rows - table.num_embeddings
    for buffer, step in (("position_ids", 1), ("token_type_ids", 0)):
        values = getattr(parent, buffer, None)
        if isinstance(values, torch.Tensor):
            longer_values = values[:, :1] + step * torch.arange(values.shape[1] + more)
            parent.register_buffer(buffer, longer_values, persistent=False)


# ---- small things


@contextlib.contextmanager
def _plain_attention(encoder: PreTrainedModel) -> Iterator[None]:
    """Switches FlashAttention off: encoders are tried on the CPU, where it does not run."""
    chosen = encoder.config._attn_implementation
    if not str(chosen).startswith("flash"):
        yield
        return
    encoder.set_attn_implementation("eager")
    try:
        yield
    finally:
        encoder.set_attn_implementation(chosen)


def _word_embeddings(encoder: PreTrainedModel) -> torch.Tensor:
    weight = encoder.get_input_embeddings().get_parameter("weight")
    return weight


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
