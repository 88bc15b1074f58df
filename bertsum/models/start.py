"""First weights of a new model: a trained model's, or its encoder's; decoder embeddings copied from the encoder's."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from bertsum.config import ModelConfig
from bertsum.encoders.int8 import in_floating_point
from bertsum.encoders.load import load_encoder
from bertsum.encoders.low_rank import fold_adapters
from bertsum.errors import BertsumError
from bertsum.models.presumm import read_presumm
from bertsum.models.storage import SavedModel, find_model, load_weights, read_model

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from bertsum.encoders.load import Encoder

# Fields that decide which weights a model has, beside its encoder.
_SHAPING = (
    *("kind", "head", "head_layers", "head_feedforward"),
    *("sentence_norm", "query_product", "answer_spans", "adapters"),
)
_POSITIONS = "embeddings.position_embeddings.weight"


def folded(saved: SavedModel, weights_alone: bool = False) -> tuple[SavedModel, Encoder | None]:
    """Folds a saved model's adapters, if any, into the pretrained encoder; returns the new model and that encoder."""
    model = saved.config.model
    if model.adapters is None:
        return saved, None
    encoder = load_encoder(model, saved.config.encoding.max_length, weights_alone)
    config = replace(saved.config, model=replace(model, adapters=None))
    return replace(saved, config=config, weights=fold_adapters(encoder, saved.weights)), encoder


def start_model(model: nn.Module, source: str, config: ModelConfig, optional: tuple[str, ...]) -> None:
    """Copies the weights of a trained model of the same architecture.

    Args:
        model: The model to fill.
        source: A checkpoint folder or a hub id (``train.start_from``).
        config: The new model's configuration. Without adapters those of the source are folded into its encoder.
        optional: Names of weights that the source may lack; they stay as they are.

    Raises:
        BertsumError: if the model cannot be read, or its weights do not fit.
    """
    saved = read_model(find_model(source))
    saved = saved if config.adapters is not None else folded(saved)[0]
    kept = {name: weight for name, weight in model.state_dict().items() if name in optional}
    where = f"train.start_from: '{source}'{_differences(saved.config.model, config)}"
    load_weights(model, {**kept, **in_floating_point(saved.weights)}, where, config)


def _differences(there: ModelConfig, here: ModelConfig) -> str:
    """The fields that may be why weights do not fit, in brackets; an empty text if there are none."""
    found = [
        f"model.{field} is {json.dumps(getattr(there, field))} there, {json.dumps(getattr(here, field))} here"
        for field in _SHAPING
        if getattr(there, field) != getattr(here, field)
    ]
    return f" ({'; '.join(found)})" if found else ""


def start_encoder(encoder: Encoder, source: str, name: str) -> None:
    """Copies the weights of a trained extractive model's encoder.

    Args:
        encoder: The encoder to fill.
        source: A checkpoint folder, a hub id, or a file of the authors' code (``model.start_from_extractive``).
        name: The encoder's name (``model.encoder``).

    Raises:
        BertsumError: if the model cannot be read, is not extractive, or has an encoder of another size.
    """
    where = f"model.start_from_extractive: '{source}'"
    if Path(source).is_file():
        weights = read_presumm(source, name).weights
    else:
        saved = read_model(find_model(source))
        if saved.config.model.kind != "extractive":
            raise BertsumError(f"{where}: is of model.kind {saved.config.model.kind}, expected extractive")
        if saved.config.model.adapters is not None:
            saved = folded(saved)[0]
        weights = saved.weights
    state = encoder.state_dict()
    taken = {key.removeprefix("encoder."): weight for key, weight in weights.items() if key.startswith("encoder.")}
    if _POSITIONS in taken and _POSITIONS in state:
        taken[_POSITIONS] = _as_long(taken[_POSITIONS], len(state[_POSITIONS]))
    wrong = [key for key in state if key not in taken or taken[key].shape != state[key].shape]
    if wrong:
        raise BertsumError(f"{where}: its encoder is not that of model.encoder '{name}': {', '.join(wrong[:5])}")
    encoder.load_state_dict({key: taken[key] for key in state})


def _as_long(positions: torch.Tensor, rows: int) -> torch.Tensor:
    """A table of positions with ``rows`` rows: cut, or lengthened by copies of its last row (PreSumm)."""
    if len(positions) >= rows:
        return positions[:rows]
    return torch.cat([positions, positions[-1:].expand(rows - len(positions), -1)])


def copy_embeddings(
    embeddings: nn.Embedding,
    encoder: Encoder,
    tokenizer: PreTrainedTokenizerBase | None,
    target_tokenizer: PreTrainedTokenizerBase | None,
) -> None:
    """Fills the decoder's embeddings with the encoder's: all of them, or those of the tokens that both know.

    Args:
        embeddings: The decoder's embeddings (V, H).
        encoder: The encoder.
        tokenizer: The encoder's tokenizer.
        target_tokenizer: The decoder's tokenizer; None if it is the encoder's.
    """
    source = encoder.get_input_embeddings().get_parameter("weight")
    if source.shape[1] != embeddings.embedding_dim:
        raise BertsumError(
            f"decoder.copy_embeddings: the encoder's embeddings have size {source.shape[1]}, not its hidden size "
            f"{embeddings.embedding_dim}; expected false"
        )
    with torch.no_grad():
        if target_tokenizer is None or tokenizer is None:
            embeddings.weight.copy_(source)
            return
        known = tokenizer.get_vocab()
        pairs = [(place, known[token]) for token, place in target_tokenizer.get_vocab().items() if token in known]
        nn.init.normal_(embeddings.weight, std=float(source.std()))
        if pairs:
            here, there = torch.tensor(pairs).T
            embeddings.weight[here] = source[there]
