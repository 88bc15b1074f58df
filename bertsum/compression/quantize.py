"""Makes a model whose matrices are in eight bits, except those where this would change its summaries.

Vectors have large values in a few channels (columns), and eight bits would round the others badly. So these values are
moved into the weights: channel j of the vectors is divided, and channel j of the weights multiplied, by
``sqrt(max|x_j| / max|w_j|)`` (arXiv 2211.10438, equation 4, alpha 0.5).

# H_in and H_out
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from bertsum.compression.prune import bert_layers, padded_pass
from bertsum.device import in_steps
from bertsum.encoders.int8 import INT8, add_channels, channels_of, rounded
from bertsum.errors import BertsumError
from bertsum.models.base import Model
from bertsum.progress import Progress

_EMBEDDINGS = "embeddings.word_embeddings"  # looked up, not multiplied
Summaries = Callable[[Model], Sequence[Any]]


def quantize(model: Model, rows: Sequence[dict[str, Any]], summaries: Summaries, equal: float = 0.99) -> Model:
    """A copy of a model in eight bits.

    The projections (linear layers) that change the model's outputs most stay in floating point: as many as are needed
    to keep the summaries equal.

    Args:
        model: A trained model, loaded for training (not with ``only_score``).
        rows: Documents on which the largest values and the outputs are measured.
        summaries: A function that gives a model's summaries of some documents, always in the same order.
        equal: Share of these summaries that must stay the same.

    Raises:
        BertsumError: if the encoder is not of BERT's family, there are no documents, or no projection can be in eight
            bits.
    """
    if not rows:
        raise BertsumError("compress: there are no documents to measure the largest values on")
    groups = _groups(model)
    channels = _factors(model, groups, rows)
    before, expected = _outputs(model, rows), summaries(model)
    harm = {}
    with Progress("measure projections in eight bits", len(groups)) as measured:
        for group in groups:
            harm[group] = _distance(before, _outputs(simulated(_in_int8(model, [group], channels)), rows))
            measured.update()
    ranked = sorted(groups, key=lambda group: harm[group])
    found, few, many = None, 0, len(ranked) + 1
    while many - few > 1:  # halving: the more projections are in eight bits, the fewer summaries stay the same
        count = (few + many) // 2
        smaller = _in_int8(model, ranked[:count], channels)
        same = sum(one == other for one, other in zip(summaries(simulated(smaller)), expected, strict=True))
        if same >= equal * len(expected):
            found, few = smaller, count
        else:
            many = count
    if found is None:
        raise BertsumError(
            f"compress: even one projection in eight bits changes {1 - same / len(expected):.1%} of "
            f"{len(expected):,} summaries, expected at most {1 - equal:.1%} (--equal {equal:g})"
        )
    return found


Group = tuple[str, ...]  # names of modules with the same inputs


def _groups(model: Model) -> list[Group]:
    """The projections of all layers; those with the same inputs together."""
    groups: list[Group] = []
    for place in range(len(bert_layers(model))):
        layer = f"encoder.layer.{place}"
        groups.append(tuple(f"{layer}.attention.self.{name}" for name in ("query", "key", "value")))
        groups += [(f"{layer}.{name}",) for name in ("attention.output.dense", "intermediate.dense", "output.dense")]
    return groups


def _factors(model: Model, groups: Sequence[Group], rows: Sequence[dict[str, Any]]) -> dict[Group, torch.Tensor]:
    """For each group, the factors by which its channels are divided (H_in)."""
    largest: dict[Group, torch.Tensor] = {}
    with _watched(model, groups, largest), torch.no_grad():
        _run(model, rows)
    factors = {}
    for group in groups:
        weights = torch.cat([_weight(model, name) for name in group]).abs().amax(dim=0)  # (H_in)
        ratio = (largest[group].clamp(min=1e-5) / weights.clamp(min=1e-5)).sqrt()
        factors[group] = ratio / ratio.log().mean().exp()
    return factors


@contextmanager
def _watched(model: Model, groups: Sequence[Group], largest: dict[Group, torch.Tensor]) -> Iterator[None]:
    """Notes the largest input of each channel while the block runs."""

    def note(group: Group) -> Callable[[nn.Module, tuple[torch.Tensor, ...]], None]:
        def hook(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            seen = inputs[0].detach().abs().flatten(0, -2).amax(dim=0)
            largest[group] = torch.maximum(largest[group], seen) if group in largest else seen

        return hook

    handles = [model.encoder.get_submodule(group[0]).register_forward_pre_hook(note(group)) for group in groups]
    try:
        with padded_pass(model):
            yield
    finally:
        for handle in handles:
            handle.remove()


def simulated(model: Model) -> Model:
    """A copy of an eight-bit model that rounds vectors, too, in floating point: it gives int8's results anywhere."""
    copy = deepcopy(model)
    for module in copy.encoder.modules():
        if (channels := channels_of(module)) is not None:
            module.register_forward_pre_hook(_rounding(channels))
    copy.reader.packs = False  # hooks need modules that are called
    return copy


def _rounding(channels: torch.Tensor) -> Callable[[nn.Module, tuple[torch.Tensor, ...]], tuple[torch.Tensor, ...]]:
    def hook(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        vectors = inputs[0] / channels
        numbers, step, least = in_steps(vectors.flatten(0, -2))
        return ((least + step * numbers).view_as(vectors) * channels, *inputs[1:])

    return hook


def _in_int8(model: Model, groups: Sequence[Group], channels: dict[Group, torch.Tensor]) -> Model:
    copy = deepcopy(model)
    names = [name for group in groups for name in group]
    setattr(copy.encoder.config, INT8, [_EMBEDDINGS, *sorted(names)])
    add_channels(copy.encoder)
    embeddings = copy.encoder.get_submodule(_EMBEDDINGS)
    assert isinstance(embeddings, nn.Embedding)
    embeddings.weight.data = rounded(embeddings.weight.data, None)
    for group in groups:
        for name in group:
            linear = copy.encoder.get_submodule(name)
            assert isinstance(linear, nn.Linear)
            factors = channels_of(linear)
            assert factors is not None
            factors.copy_(channels[group])
            linear.weight.data = rounded(linear.weight.data, factors)
    return copy


def _weight(model: Model, name: str) -> torch.Tensor:
    linear = model.encoder.get_submodule(name)
    assert isinstance(linear, nn.Linear)
    return linear.weight.detach()


def _run(model: Model, rows: Sequence[dict[str, Any]]) -> list[torch.Tensor]:
    return [model(**model.collate([row]).inputs()).detach().float() for row in rows]


def _outputs(model: Model, rows: Sequence[dict[str, Any]]) -> list[torch.Tensor]:
    with model.evaluating(), torch.no_grad():
        return _run(model, rows)


def _distance(before: Sequence[torch.Tensor], now: Sequence[torch.Tensor]) -> float:
    """Mean over documents of the mean squared difference of outputs."""
    return sum(F.mse_loss(one, other).item() for one, other in zip(now, before, strict=True)) / len(before)
