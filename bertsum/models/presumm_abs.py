"""Abstractive checkpoints of the authors' code: PreSumm's ``AbsSummarizer`` (arXiv 1908.08345), read safely, with the
weights renamed to bertsum's names.
"""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import PretrainedConfig, PreTrainedTokenizerBase

from bertsum.config import Config
from bertsum.encoders.load import build_encoder, check_vocabulary, load_encoder_config, load_tokenizer
from bertsum.errors import BertsumError
from bertsum.models.presumm import read_checkpoint
from bertsum.models.storage import SavedConfig

if TYPE_CHECKING:
    from bertsum.encoders.load import Encoder

# Weights that no output uses: BERT's pooler, tables of sines and of masks, and position ids; also the generator's
# matrix, which is the same as the decoder's embedding.
_UNUSED = re.compile(
    r"bert\.model\.pooler\..*|decoder\.pos_emb\.pe|decoder\.transformer_layers\.\d+\.mask|.*\.position_ids|"
    r"generator\.0\.weight"
)
_LAYER = re.compile(r"decoder\.transformer_layers\.(\d+)\.(.+)\.(weight|bias)")
_PARTS = {
    "layer_norm_1": "self_norm", "layer_norm_2": "context_norm", "self_attn.final_linear": "self_attention.output",
    "context_attn.final_linear": "context_attention.output", "context_attn.linear_query": "context_attention.query",
    "feed_forward.layer_norm": "feedforward_norm", "feed_forward.w_1": "feedforward_input",
    "feed_forward.w_2": "feedforward_output",
}  # fmt: skip
# Projections that are separate in the authors' code and one matrix here.
_JOINED = {
    "self_attention.query_key_value": ("self_attn.linear_query", "self_attn.linear_keys", "self_attn.linear_values"),
    "context_attention.key_value": ("context_attn.linear_keys", "context_attn.linear_values"),
}
_OTHERS = {
    "decoder.embeddings.weight": "decoder.embeddings.weight", "generator.0.bias": "decoder.generator_bias",
    "decoder.layer_norm.weight": "decoder.norm.weight", "decoder.layer_norm.bias": "decoder.norm.bias",
}  # fmt: skip


@dataclass(frozen=True)
class AbstractiveCheckpoint:
    """The content of an abstractive checkpoint of the authors' code.

    Attributes:
        weights: Weights by their names in :class:`~bertsum.models.seq2seq.BertSumAbs`.
        config: The model's sizes, and the authors' preprocessing and search.
        encoder: An encoder of the checkpoint's size, not yet filled.
        tokenizer: The encoder's tokenizer.
    """

    weights: dict[str, torch.Tensor]
    config: SavedConfig
    encoder: Encoder
    tokenizer: PreTrainedTokenizerBase | None


def read_presumm_abs(
    path: str | Path,
    encoder: str | Path | PretrainedConfig,
    tokenizer: PreTrainedTokenizerBase | None = None,
    heads: int | None = None,
) -> AbstractiveCheckpoint:
    """Reads a checkpoint.

    Args:
        path: A file such as ``model_step_148000.pt``, in torch's zip format or its older one.
        encoder: What it was trained from: a hub name, a folder, or a configuration.
        tokenizer: The encoder's tokenizer; by default that of ``encoder``, unless this is a configuration.
        heads: Attention heads of the decoder, if its options were not saved; 8 by default, as in the paper.

    Raises:
        BertsumError: if it cannot be read, holds more than tensors and plain values, or is not an abstractive model.
    """
    weights, options = read_checkpoint(path)
    if not any(name.startswith("decoder.") for name in weights):
        raise BertsumError(f"'{path}': is an extractive model, read it with bertsum.BertSum.from_presumm")
    if isinstance(encoder, PretrainedConfig):
        encoder_config, name = deepcopy(encoder), encoder.name_or_path or encoder.model_type
    else:
        name = str(encoder)
        encoder_config = load_encoder_config(name)
        tokenizer = tokenizer or load_tokenizer(name)
    renamed = rename(weights, path)
    positions = renamed.get("encoder.embeddings.position_embeddings.weight")
    if positions is not None:
        encoder_config.max_position_embeddings = len(positions)
    config = _described(path, options, renamed, name, heads)
    built = build_encoder(encoder_config, config.model, encoder_config.max_position_embeddings)
    if tokenizer is not None:
        check_vocabulary(tokenizer, built)
    return AbstractiveCheckpoint(renamed, config, built, tokenizer)


def rename(weights: dict[str, torch.Tensor], path: str | Path) -> dict[str, torch.Tensor]:
    """The weights by their names here; projections that are one matrix here are joined.

    Args:
        weights: Weights by the authors' names.
        path: The file, for messages.

    Raises:
        BertsumError: if the generator's matrix is not the decoder's embedding, or a part of a projection is missing.
    """
    generator, embedding = weights.get("generator.0.weight"), weights.get("decoder.embeddings.weight")
    if generator is not None and embedding is not None and not torch.equal(generator, embedding):
        raise BertsumError(
            f"'{path}': its generator's matrix is not the decoder's embedding, expected one and the same"
        )
    renamed: dict[str, torch.Tensor] = {}
    for name, tensor in weights.items():
        if _UNUSED.fullmatch(name):
            continue
        layer = _LAYER.fullmatch(name)
        if name.startswith("bert.model."):
            renamed[f"encoder.{name.removeprefix('bert.model.')}"] = tensor
        elif layer is None or layer[2] not in {part for parts in _JOINED.values() for part in parts}:
            renamed[_of_layer(layer) if layer else _OTHERS.get(name, name)] = tensor
        else:
            ours, parts = next((ours, parts) for ours, parts in _JOINED.items() if layer[2] in parts)
            if layer[2] == parts[0]:
                names = [f"decoder.transformer_layers.{layer[1]}.{part}.{layer[3]}" for part in parts]
                missing = [part for part in names if part not in weights]
                if missing:
                    raise BertsumError(f"'{path}': has no weight '{missing[0]}'")
                renamed[f"decoder.layers.{layer[1]}.{ours}.{layer[3]}"] = torch.cat([weights[part] for part in names])
    return renamed


def _of_layer(layer: re.Match[str]) -> str:
    return f"decoder.layers.{layer[1]}.{_PARTS.get(layer[2], layer[2])}.{layer[3]}"


def _described(
    path: str | Path, options: dict[str, Any], weights: dict[str, torch.Tensor], encoder: str, heads: int | None
) -> SavedConfig:
    """Sizes and settings, from the options if they were saved, else from the weights' names and shapes."""
    numbers = {int(match[1]) for name in weights if (match := re.match(r"decoder\.layers\.(\d+)\.", name))}
    inner = weights.get("decoder.layers.0.feedforward_input.weight")
    positions = weights.get("encoder.embeddings.position_embeddings.weight")
    most = 512 if positions is None else len(positions)
    baseline = options.get("encoder") == "baseline"  # without bert, its heads are always eight
    values = {
        "model": {
            "kind": "seq2seq",
            "encoder": encoder,
            "interval_segments": options.get("use_interval", True),
            "freeze_encoder": not options.get("finetune_bert", True),
            "hidden_dropout": options.get("enc_dropout", 0.1) if baseline else None,
            "attention_dropout": options.get("enc_dropout", 0.1) if baseline else None,
        },
        "decoder": {
            "layers": len(numbers) or 6,
            "heads": options.get("dec_heads", 8) if heads is None else heads,
            "feedforward": 2048 if inner is None else len(inner),
            "dropout": options.get("dec_dropout", 0.2),
            "max_length": options.get("max_tgt_len", 140),
        },
        "encoding": {
            "max_length": most,
            "max_sentences": 100,
            "min_sentence_words": 6,
            "max_sentence_words": 200,
        },
        "generation": {
            "beam_size": options.get("beam_size", 5),
            "length_penalty": options.get("alpha", 0.6),
            "min_length": options.get("min_length", 15),
            "max_length": options.get("max_length", 150),
            "trigram_blocking": options.get("block_trigram", True),
            "search": "presumm",
        },
    }
    try:
        return SavedConfig.of(Config.from_dict(values))
    except BertsumError as error:
        raise BertsumError(f"'{path}': its saved options are broken: {error}") from error
