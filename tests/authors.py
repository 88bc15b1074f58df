"""Files as the authors' code writes them, made here: its classes by their names, its names of weights."""

from __future__ import annotations

import argparse
import sys
import types
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bertsum.models.extractive import BertSum

_TRANSFORMER = {
    "query": "self_attn.linear_query", "key": "self_attn.linear_keys", "value": "self_attn.linear_values",
    "attention_output": "self_attn.final_linear", "feedforward_norm": "feed_forward.layer_norm",
    "feedforward_input": "feed_forward.w_1", "feedforward_output": "feed_forward.w_2", "attention_norm": "layer_norm",
}  # fmt: skip


def transformer_weights(model: BertSum, head: str) -> OrderedDict[str, torch.Tensor]:
    """Weights of a model with a transformer head, named as PreSumm (``ext_layer``) or BertSum (``encoder``) do."""
    hidden = model.encoder.config.hidden_size
    weights: OrderedDict[str, torch.Tensor] = OrderedDict()
    for name, tensor in model.state_dict().items():
        part, _, rest = name.partition(".")
        if part == "encoder":
            weights[f"bert.model.{rest}"] = tensor
            continue
        *above, kind = rest.split(".")
        if above[0] == "layers":
            above = ["transformer_inter", above[1], _TRANSFORMER[above[2]]]
        else:
            above = [{"norm": "layer_norm", "output": "wo"}[above[0]]]
        weights[".".join([head, *above, kind])] = tensor
    unused = {
        "bert.model.pooler.dense.weight": (hidden, hidden), "bert.model.pooler.dense.bias": (hidden,),
        f"{head}.pos_emb.pe": (1, 5000, hidden), f"{head}.transformer_inter.0.layer_norm.weight": (hidden,),
        f"{head}.transformer_inter.0.layer_norm.bias": (hidden,),
    }  # fmt: skip
    return weights | {name: torch.zeros(shape) for name, shape in unused.items()}


def options(model: BertSum, **values: Any) -> argparse.Namespace:
    """PreSumm's options for such a model."""
    config = model.config.model
    return argparse.Namespace(
        task="ext", encoder="bert", ext_layers=config.head_layers, ext_heads=config.head_heads,
        ext_ff_size=config.head_feedforward, ext_dropout=0.1, max_pos=model.config.encoding.max_length,
        use_interval=True, **values,
    )  # fmt: skip


class Optimizer:
    """``models.optimizers.Optimizer`` around torch's Adam."""

    def __init__(self, module: nn.Module, **values: Any) -> None:
        parameters = [nn.Parameter(parameter.detach().clone()) for parameter in module.parameters()]
        self.optimizer = torch.optim.Adam(parameters, lr=2e-3)
        self.learning_rate, self._step = 2e-3, 18000
        vars(self).update(values)


_HOME = types.ModuleType("models.optimizers")
_HOME.Optimizer = Optimizer  # type: ignore[attr-defined]
Optimizer.__module__ = _HOME.__name__


def save(path: Path, saved: Any, legacy: bool = False, protocol: int = 2) -> Path:
    """``torch.save`` in the zip format or the one before torch 1.6; the authors' modules are there only meanwhile."""
    sys.modules.update({"models": types.ModuleType("models"), _HOME.__name__: _HOME})
    try:
        torch.save(saved, path, _use_new_zipfile_serialization=not legacy, pickle_protocol=protocol)
    finally:
        del sys.modules["models"], sys.modules[_HOME.__name__]
    return path
