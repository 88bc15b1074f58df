"""Checkpoints of the authors' code: PreSumm's ``ExtSummarizer`` (arXiv 1908.08345) and BertSum's ``Summarizer``
(arXiv 1903.10318), read safely, with the weights renamed to bertsum's names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bertsum.config import Config, EncodingConfig, ModelConfig, SelectionConfig
from bertsum.data.torch_files import StandIn, safe_load
from bertsum.errors import BertsumError

# The head's name in the authors' options (BertSum: --encoder), and our name.
_HEADS = {"classifier": "linear", "baseline": "linear", "transformer": "transformer", "rnn": "lstm"}

_TRANSFORMER_PARTS = {
    "self_attn.linear_query": "query", "self_attn.linear_keys": "key", "self_attn.linear_values": "value",
    "self_attn.final_linear": "attention_output", "feed_forward.layer_norm": "feedforward_norm",
    "feed_forward.w_1": "feedforward_input", "feed_forward.w_2": "feedforward_output",
    "layer_norm": "attention_norm",
}  # fmt: skip
_LSTM_PARTS = {
    "weight_ih": "input.weight", "bias_ih": "input.bias", "weight_hh": "recurrent.weight",
    "bias_hh": "recurrent.bias", "ln_ih.weight": "input_norm.weight", "ln_ih.bias": "input_norm.bias",
    "ln_hh.weight": "recurrent_norm.weight", "ln_hh.bias": "recurrent_norm.bias",
    "ln_ho.weight": "cell_norm.weight", "ln_ho.bias": "cell_norm.bias",
}  # fmt: skip
_LSTM_DIRECTIONS = {"rnn.hidden0.0": "forward_cell", "rnn.hidden1.0": "backward_cell"}
_HEAD_PARTS = {"linear1": "output", "wo": "output", "layer_norm": "norm"}
# Weights that no score uses: BERT's pooler, the table of sines, the LayerNorm that layer 0 skips, and position ids.
_UNUSED = re.compile(
    r"encoder\.pooler\..*|head\.pos_emb\.pe|head\.transformer_inter\.0\.layer_norm\..*|.*\.position_ids"
)

# Tables that are no weights: masks of later tokens, and position ids.
_TABLE = re.compile(r".*\.mask|.*\.position_ids")


@dataclass(frozen=True)
class PreSummCheckpoint:
    """The content of a checkpoint of the authors' code.

    Attributes:
        weights: Weights by their names in :class:`~bertsum.models.extractive.BertSum`.
        model: Encoder name, head and dropout.
        encoding: The authors' preprocessing and their training length.
        selection: Three sentences, with trigram blocking as saved.
    """

    weights: dict[str, torch.Tensor]
    model: ModelConfig
    encoding: EncodingConfig
    selection: SelectionConfig


def read_presumm(path: str | Path, encoder: str, heads: int | None = None) -> PreSummCheckpoint:
    """Reads a checkpoint.

    Args:
        path: A file such as ``model_step_18000.pt``, in torch's zip format or its older one.
        encoder: Name of the encoder, for the config.
        heads: Attention heads of a transformer head, if its options were not saved; 8 by default, as in the papers.

    Raises:
        BertsumError: if it cannot be read, holds more than tensors and plain values, or is not one of the authors'.
    """
    weights, options = read_checkpoint(path)
    if options.get("task") == "abs" or any(name.startswith(("decoder.", "generator.")) for name in weights):
        raise BertsumError(f"'{path}': is an abstractive model, read it with bertsum.BertSumAbs.from_presumm")
    renamed: dict[str, torch.Tensor] = {}
    for name, tensor in weights.items():
        new = rename(name)
        if not _UNUSED.fullmatch(new):
            renamed[new] = tensor
    return _described(path, options, renamed, encoder, heads)


def is_abstractive(path: str | Path) -> bool:
    """Whether a checkpoint is of the abstractive half of the authors' code.

    Raises:
        BertsumError: if it cannot be read, or is not one of the authors'.
    """
    return any(name.startswith("decoder.") for name in read_checkpoint(path)[0])


def read_checkpoint(path: str | Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The weights of a checkpoint, by the authors' names, and its options; empty if they were not saved.

    Raises:
        BertsumError: if it cannot be read, holds more than tensors and plain values, or has no weights.
    """
    loaded = safe_load(path)
    saved = dict(loaded) if isinstance(loaded, dict) else {}
    weights = saved if saved and all(map(torch.is_tensor, saved.values())) else saved.get("model")  # a bare state_dict
    if not isinstance(weights, dict) or not all(isinstance(n, str) and torch.is_tensor(w) for n, w in weights.items()):
        raise BertsumError(f"'{path}': has no weights under 'model', expected a checkpoint of PreSumm or BertSum")
    plain: dict[str, torch.Tensor] = {}
    for name, tensor in weights.items():
        if _TABLE.fullmatch(name):
            continue
        new = name.removeprefix("module.")  # DataParallel's prefix
        if new in plain:
            raise BertsumError(f"'{path}': has weight '{name}' twice, with and without 'module.'")
        if not tensor.is_floating_point() or not tensor.isfinite().all():
            raise BertsumError(f"'{path}': weight '{name}' has numbers that are not finite, or whole numbers only")
        plain[new] = tensor.as_subclass(torch.Tensor)
    return plain, _options(saved.get("opt"))


def rename(name: str) -> str:
    """A weight's name in BertSum for its name in the authors' code; other names stay."""
    part, _, rest = name.partition(".")
    if part == "bert":
        return f"encoder.{rest.removeprefix('model.')}"
    if part not in ("ext_layer", "encoder"):  # PreSumm's and BertSum's name of the head
        return name
    layer = re.fullmatch(r"transformer_inter\.(\d+)\.(.+)\.(weight|bias)", rest)
    if layer and (layer[1], layer[2]) != ("0", "layer_norm") and layer[2] in _TRANSFORMER_PARTS:
        return f"head.layers.{layer[1]}.{_TRANSFORMER_PARTS[layer[2]]}.{layer[3]}"
    for theirs, ours in _LSTM_DIRECTIONS.items():
        if rest.startswith(f"{theirs}.") and rest.removeprefix(f"{theirs}.") in _LSTM_PARTS:
            return f"head.{ours}.{_LSTM_PARTS[rest.removeprefix(f'{theirs}.')]}"
    stem, _, kind = rest.rpartition(".")
    return f"head.{_HEAD_PARTS.get(stem, stem)}.{kind}"


def _options(saved: Any) -> dict[str, Any]:
    """The saved argparse namespace; empty if there is none."""
    state = saved.state if isinstance(saved, StandIn) else saved
    return dict(state) if isinstance(state, Mapping) else {}


def _described(
    path: str | Path, options: dict[str, Any], weights: dict[str, torch.Tensor], encoder: str, heads: int | None
) -> PreSummCheckpoint:
    """Head, layers and length, from the options if they were saved, else from the weights' names and shapes."""
    presumm = "ext_layers" in options
    kinds = {"lstm": "head.forward_cell.", "transformer": "head.layers.", "linear": "head.output."}
    head = next((kind for kind, prefix in kinds.items() if any(name.startswith(prefix) for name in weights)), None)
    if head is None:
        raise BertsumError(f"'{path}': has no weights of an extractive head (ext_layer.* or encoder.*)")
    said = "baseline" if options.get("encoder") == "baseline" else "transformer" if presumm else options.get("encoder")
    numbers = {int(match[1]) for name in weights if (match := re.match(r"head\.layers\.(\d+)\.", name))}
    inner = weights.get("head.layers.0.feedforward_input.weight")
    positions = weights.get("encoder.embeddings.position_embeddings.weight")
    prefix = "ext_" if presumm else ""
    most = 512 if positions is None else len(positions)
    max_pos = options.get("max_pos", most)
    values = {
        "model": {
            "encoder": encoder,
            "interval_segments": options.get("use_interval", True),
            "head": _HEADS.get(str(said), head),
            "head_layers": options.get("ext_layers" if presumm else "inter_layers", len(numbers) or 2),
            "head_heads": options.get(f"{prefix}heads", 8) if heads is None else heads,
            "head_feedforward": options.get(f"{prefix}ff_size", 2048 if inner is None else len(inner)),
            "head_dropout": options.get("ext_dropout" if presumm else "dropout", 0.1),
            "lstm_states": "final" if head == "lstm" else "own",
        },
        "encoding": {
            "max_length": min(max_pos, most) if isinstance(max_pos, int) else max_pos,
            "max_sentences": 100,
            "min_sentence_words": 6,
            "max_sentence_words": 200,
        },
        "selection": {"trigram_blocking": options.get("block_trigram", True)},
    }
    try:
        config = Config.from_dict(values)
    except BertsumError as error:
        raise BertsumError(f"'{path}': its saved options are broken: {error}") from error
    return PreSummCheckpoint(weights, config.model, config.encoding, config.selection)
