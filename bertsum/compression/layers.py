"""Makes a model with fewer layers: it keeps some layers of a trained model, evenly spaced."""

from __future__ import annotations

from copy import deepcopy
from typing import TypeVar

from torch import nn

from bertsum.encoders.checkpoint import encoder_config_of
from bertsum.encoders.load import encoder_layers
from bertsum.encoders.pruned import kept_layers
from bertsum.errors import BertsumError
from bertsum.models.base import Model

AnyModel = TypeVar("AnyModel", bound=Model)


def keep_layers(model: AnyModel, count: int) -> AnyModel:
    """A copy of a model that keeps only some of the encoder's layers: the first, the last, and others evenly between.

    Args:
        model: A trained model that holds its whole encoder, not only adapters.
        count: Layers to keep.

    Raises:
        BertsumError: if the encoder has too few layers, or no list of layers, or its family cannot have so few.
    """
    smaller = deepcopy(model)
    layers = encoder_layers(smaller.encoder, "--layers", "another encoder")
    if not 1 <= count < len(layers):
        raise BertsumError(f"--layers: got {count}, expected 1 to {len(layers) - 1}, fewer than the encoder has")
    chosen = evenly(len(layers), count)
    stack = next(name for name, part in smaller.encoder.named_modules() if part is layers)
    parent, _, child = stack.rpartition(".")
    owner = smaller.encoder.get_submodule(parent)
    setattr(owner, child, nn.ModuleList(layers[place] for place in chosen))
    config = smaller.encoder.config
    config.num_hidden_layers = count
    try:
        kept_layers(config, chosen)
        encoder_config_of({"encoder": config.to_dict()})
    except Exception as error:  # each family of encoders checks its configuration in its own way
        raise BertsumError(
            f"--layers: got {count}, which encoder type {config.model_type} cannot have: {error}"
        ) from error
    return smaller


def evenly(layers: int, count: int) -> list[int]:
    """Places of ``count`` of the ``layers`` layers: the last, the first if ``count`` is above 1, and others between."""
    if count == 1:
        return [layers - 1]
    return [round(place * (layers - 1) / (count - 1)) for place in range(count)]
