"""Makes a model with fewer attention heads and feed-forward units: cuts out those that change its loss least.

The importance of a head or unit is how fast the loss would change if its output were scaled: ``|dL/dg|`` at the gate
``g = 1``, averaged over documents (arXiv 1905.10650, equation 2; arXiv 1905.09418). It is divided by its layer's norm,
so that heads of different layers can be compared.

# L layers, A heads of a layer, U units of a feed-forward block, D size of a head
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import nn

from bertsum.encoders.bert import FIRST_POSITION
from bertsum.encoders.pruned import KEPT, head_size
from bertsum.errors import BertsumError
from bertsum.models.base import Model

AnyModel = TypeVar("AnyModel", bound=Model)

# Units are kept in groups of this size, because matrices whose width is a multiple of it are multiplied fastest.
UNITS_TOGETHER = 16


@dataclass(frozen=True)
class Importance:
    """How much the loss depends on each part of the encoder.

    Attributes:
        heads: For each of the L layers, the importance of its attention heads (A).
        units: For each of the L layers, the importance of its feed-forward units (U).
    """

    heads: list[torch.Tensor]
    units: list[torch.Tensor]


def measure_importance(
    model: Model, rows: Sequence[dict[str, Any]], progress: Callable[[], object] = lambda: None
) -> Importance:
    """The importance of heads and feed-forward units, measured on documents.

    Args:
        model: A trained model, loaded for training (not with ``only_score``).
        rows: Rows with what the loss needs, such as labels.
        progress: Called after each document.

    Raises:
        BertsumError: if the encoder is not of BERT's family, or there are no documents.
    """
    if not rows:
        raise BertsumError("compress: there are no documents to measure the importance of heads on")
    layers = bert_layers(model)
    size = head_size(model.encoder.config)
    with padded_pass(model), _gates(layers, size) as gates:
        sums = [torch.zeros_like(gate) for gate in gates]
        for row in rows:
            batch = model.collate([row])
            loss = model.loss(model(**batch.inputs()), batch) / max(1, batch.units)
            for total, gradient in zip(sums, torch.autograd.grad(loss, gates), strict=True):
                total += gradient.abs()
            progress()
    normed = [total / total.norm().clamp(min=1e-12) for total in sums]
    return Importance(normed[0::2], normed[1::2])


def prune(model: AnyModel, importance: Importance, heads: float = 1.0, feedforward: float = 1.0) -> AnyModel:
    """A copy of a model that has only the most important heads and units.

    All layers compete with each other. Each layer keeps at least one head, and units in groups of
    ``UNITS_TOGETHER``.

    Args:
        model: The model.
        importance: The importance of its heads and units.
        heads: Share of all heads to keep.
        feedforward: Share of all units to keep.
    """
    smaller = deepcopy(model)
    layers, config = bert_layers(smaller), smaller.encoder.config
    size = head_size(config)
    kept_heads = _most_important(importance.heads, heads, 1)
    kept_units = _most_important(importance.units, feedforward, UNITS_TOGETHER)
    for layer, of_heads, of_units in zip(layers, kept_heads, kept_units, strict=True):
        rows = (of_heads[:, None] * size + torch.arange(size)).flatten()  # of the kept heads' vectors
        own = layer.attention.self
        for projection in (own.query, own.key, own.value):
            _keep_outputs(projection, rows)
        _keep_inputs(layer.attention.output.dense, rows)
        _keep_outputs(layer.intermediate.dense, of_units)
        _keep_inputs(layer.output.dense, of_units)
    kept = {"heads": [len(of_layer) for of_layer in kept_heads], "feedforward": [len(units) for units in kept_units]}
    setattr(config, KEPT, kept)
    return smaller


def bert_layers(model: Model) -> Any:
    if model.encoder.config.model_type not in FIRST_POSITION:
        raise BertsumError(
            f"compress: encoder type {model.encoder.config.model_type} cannot be pruned, expected one of "
            f"{', '.join(FIRST_POSITION)}"
        )
    return model.encoder.get_submodule("encoder.layer")


@contextmanager
def padded_pass(model: Model) -> Iterator[None]:
    """Makes the model use transformers' padded forward pass, which calls each module, while the block runs."""
    packs = model.reader.packs
    model.reader.packs = False
    try:
        with model.evaluating(), torch.enable_grad():
            yield
    finally:
        model.reader.packs = packs


@contextmanager
def _gates(layers: Sequence[Any], size: int) -> Iterator[list[torch.Tensor]]:
    """Gates of 1 by which the outputs of heads (A) and units (U) of each layer are multiplied while the block runs."""
    gates, handles = [], []

    def gate(module: nn.Linear, each: int) -> None:
        factors = torch.ones(module.in_features // each, device=module.weight.device, requires_grad=True)

        def scale(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
            return (inputs[0] * factors.repeat_interleave(each), *inputs[1:])

        gates.append(factors)
        handles.append(module.register_forward_pre_hook(scale))

    for layer in layers:
        gate(layer.attention.output.dense, size)
        gate(layer.output.dense, 1)
    try:
        yield gates
    finally:
        for handle in handles:
            handle.remove()


def _most_important(importance: list[torch.Tensor], share: float, together: int) -> list[torch.Tensor]:
    """Places of the most important parts of each layer, ascending; their number is a multiple of ``together``."""
    every = torch.cat(importance)
    if share >= 1:
        return [torch.arange(len(values)) for values in importance]
    chosen = torch.zeros(len(every), dtype=torch.bool)
    chosen[every.topk(max(1, round(share * len(every)))).indices] = True
    kept = []
    for values, of_layer in zip(importance, chosen.split([*map(len, importance)]), strict=True):
        wanted = int(of_layer.sum())
        count = min(len(values), max(together, round(wanted / together) * together))
        kept.append(values.topk(count).indices.sort().values)
    return kept


def _keep_outputs(linear: nn.Linear, rows: torch.Tensor) -> None:
    linear.weight = nn.Parameter(linear.weight.detach()[rows].clone())
    linear.bias = nn.Parameter(linear.bias.detach()[rows].clone())
    linear.out_features = len(rows)


def _keep_inputs(linear: nn.Linear, columns: torch.Tensor) -> None:
    linear.weight = nn.Parameter(linear.weight.detach()[:, columns].clone())
    linear.in_features = len(columns)
