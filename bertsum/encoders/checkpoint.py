"""A checkpoint of ours as an encoder: ``model.encoder`` takes the folder of any kind of model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, PretrainedConfig

from bertsum.encoders.int8 import CHANGES_FILE, restored
from bertsum.encoders.tensors import read_tensors


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint of ours that serves as an encoder.

    Attributes:
        config: The encoder's configuration.
        weights: All weights by name; the encoder's begin with ``encoder.``.
    """

    config: PretrainedConfig
    weights: dict[str, torch.Tensor]

    def encoder_weights(self) -> dict[str, torch.Tensor]:
        """The encoder's weights, by its own names."""
        begin = "encoder."
        return {name.removeprefix(begin): one for name, one in self.weights.items() if name.startswith(begin)}


def read_checkpoint(folder: Path) -> Checkpoint | None:
    """Reads a folder as a checkpoint of ours, of any kind of model; None if it is something else.

    Raises:
        ValueError: if it holds adapters, or changes, without the encoder that they belong to.
        BertsumError: if its weights are not what was written.
    """
    described = described_by_us(folder)
    if described is None:
        return None
    if described["model"].get("adapters") is not None:
        raise ValueError("it is a checkpoint with model.adapters, which does not hold an encoder")
    if described["encoder"].get(CHANGES_FILE, False):
        raise ValueError("it is a file of changes (compress --changes-file), which does not hold an encoder")
    return Checkpoint(encoder_config_of(described), restored(read_tensors(folder / "model.safetensors")))


def described_by_us(folder: Path) -> dict[str, Any] | None:
    """config.json of a checkpoint of ours; None if the folder has none."""
    path = folder / "config.json"
    described = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    return described if isinstance(described, dict) and described.get("library") == "bertsum" else None


def encoder_config_of(described: dict[str, Any]) -> PretrainedConfig:
    """The encoder's configuration, from config.json."""
    values = dict(described["encoder"])
    return AutoConfig.for_model(values.pop("model_type"), **values)
