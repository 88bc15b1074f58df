"""Optimiser groups and learning-rate schedules."""

from __future__ import annotations

import math
from typing import Any

import torch

from bertsum.config import TrainConfig
from bertsum.encoders.load import encoder_layers
from bertsum.models.base import Model


def build_optimizer(model: Model, config: TrainConfig, fused: bool = True) -> torch.optim.Optimizer:
    """Adam or AdamW over the trained parameters, one group per learning rate, warmup and decay.

    ``peak`` holds a group's rate, ``warmup`` the updates of its warmup. ``fused``
    uses one kernel for all parameters; sharded parameters have none on a CPU.
    """
    groups: dict[tuple[float, int, float], list[torch.nn.Parameter]] = {}
    above = _layers_above(model) if config.layer_decay != 1.0 else {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        rate, warmup = config.learning_rate, config.warmup_steps
        if name.startswith("encoder."):
            rate = rate if config.encoder_learning_rate is None else config.encoder_learning_rate
            rate *= config.layer_decay ** above.get(parameter, 0)
            warmup = warmup if config.encoder_warmup_steps is None else config.encoder_warmup_steps
        decay = config.weight_decay if parameter.dim() > 1 else 0.0
        groups.setdefault((rate, warmup, decay), []).append(parameter)
    described: list[dict[str, Any]] = [
        {"params": parameters, "lr": rate, "peak": rate, "warmup": warmup, "weight_decay": decay}
        for (rate, warmup, decay), parameters in groups.items()
    ]
    kind = torch.optim.Adam if config.optimizer == "adam" else torch.optim.AdamW
    return kind(described, betas=(config.beta1, config.beta2), eps=config.eps, fused=fused)


def _layers_above(model: Model) -> dict[torch.nn.Parameter, int]:
    """For each parameter of the encoder's layers or embeddings: how many layers are above it."""
    layers = encoder_layers(model.encoder, "train.layer_decay", "1.0")
    above = {parameter: len(layers) - 1 - n for n, layer in enumerate(layers) for parameter in layer.parameters()}
    embeddings = getattr(model.encoder, "embeddings", None) or model.encoder.get_input_embeddings()
    return above | dict.fromkeys(embeddings.parameters(), len(layers))


def schedule(config: TrainConfig, step: int, total_steps: int, warmup: int | None = None) -> float:
    """Factor on the peak learning rate at an update.

    Args:
        config: Its ``schedule`` and ``warmup_steps`` are read.
        step: The update, counted from 1.
        total_steps: Updates of the whole run; only linear and cosine depend on it.
        warmup: Updates of the warmup, in place of the config's.

    Returns:
        noam: ``min(step^-0.5, step * warmup^-1.5)`` (1908.08345, section 4.2). Others rise linearly to 1 at
        ``warmup_steps``, then stay (constant) or fall to 0 after ``total_steps`` (linear, cosine).
    """
    warmup = config.warmup_steps if warmup is None else warmup
    if config.schedule == "noam":
        return min(step**-0.5, step * warmup**-1.5)
    if step <= warmup:
        return step / warmup
    if config.schedule == "constant":
        return 1.0
    done = min(1.0, (step - warmup) / max(1, total_steps + 1 - warmup))
    return 1.0 - done if config.schedule == "linear" else 0.5 * (1.0 + math.cos(math.pi * done))


def set_learning_rate(optimizer: torch.optim.Optimizer, config: TrainConfig, step: int, total_steps: int) -> None:
    """Sets every group's rate to its peak times the schedule's factor at an update."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * schedule(config, step, total_steps, group["warmup"])
