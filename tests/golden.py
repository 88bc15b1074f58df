"""Reads the authors' checkpoints for comparison: tensors, and inert stand-ins for their pickled objects."""

from __future__ import annotations

import json
import pickle
import types
from typing import Any

import torch
from conftest import SHARED
from torch import nn

PRESUMM = SHARED / "golden" / "presumm"
NAMES = ("presumm_transformer", "bertsum_classifier", "bertsum_transformer", "bertsum_rnn")


class _Inert:
    def __init__(self, *_: Any) -> None: ...

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.state = state


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module == "collections" or (module.startswith("torch") and not module.startswith("torch.optim")):
            return super().find_class(module, name)
        return _Inert


def read(name: str) -> tuple[dict[str, torch.Tensor], dict[str, Any], dict[str, Any]]:
    """Weights, options, and the file with configuration, documents and scores."""
    loader = types.SimpleNamespace(
        __name__="inert", Unpickler=_Unpickler, load=lambda file, **kw: _Unpickler(file, **kw).load()
    )
    saved = torch.load(PRESUMM / f"{name}.pt", pickle_module=loader, weights_only=False)
    return saved["model"], saved["opt"].state, json.loads((PRESUMM / f"{name}.json").read_text())


_PARTS = {
    "linear1": "output", "wo": "output", "layer_norm": "norm",
    "self_attn.linear_query": "query", "self_attn.linear_keys": "key", "self_attn.linear_values": "value",
    "self_attn.final_linear": "attention_output", "feed_forward.layer_norm": "feedforward_norm",
    "feed_forward.w_1": "feedforward_input", "feed_forward.w_2": "feedforward_output",
}  # fmt: skip
_CELL = {
    "weight_ih": "input.weight", "bias_ih": "input.bias", "weight_hh": "recurrent.weight",
    "bias_hh": "recurrent.bias", "ln_ih.weight": "input_norm.weight", "ln_ih.bias": "input_norm.bias",
    "ln_hh.weight": "recurrent_norm.weight", "ln_hh.bias": "recurrent_norm.bias",
    "ln_ho.weight": "cell_norm.weight", "ln_ho.bias": "cell_norm.bias",
}  # fmt: skip


def copy_weights(model: nn.Module, weights: dict[str, torch.Tensor]) -> None:
    """Copies the authors' weights into a BertSum; every weight of the model must find its own."""
    renamed = {}
    for name, tensor in weights.items():
        part, _, rest = name.partition(".")
        if part == "bert":
            if "pooler" not in rest:
                renamed["encoder." + rest.removeprefix("model.")] = tensor
            continue
        if rest == "pos_emb.pe" or rest.startswith("transformer_inter.0.layer_norm"):
            continue
        if rest.startswith("rnn.hidden"):
            direction = {"rnn.hidden0": "forward_cell", "rnn.hidden1": "backward_cell"}[rest[:11]]
            renamed[f"head.{direction}.{_CELL[rest[14:]]}"] = tensor
            continue
        prefix = "head."
        if rest.startswith("transformer_inter."):
            index, rest = rest.removeprefix("transformer_inter.").split(".", 1)
            prefix = f"head.layers.{index}."
        stem, _, kind = rest.rpartition(".")
        target = "attention_norm" if stem == "layer_norm" and prefix != "head." else _PARTS[stem]
        renamed[f"{prefix}{target}.{kind}"] = tensor
    model.load_state_dict(renamed)
