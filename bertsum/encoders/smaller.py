"""Sentences for the model card about what made an encoder smaller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bertsum.encoders.int8 import CHANGES_FILE, INT8_FILE, int8_modules
from bertsum.encoders.pruned import KEPT

if TYPE_CHECKING:
    from transformers import PretrainedConfig


def made_smaller(config: PretrainedConfig) -> list[str]:
    """A sentence about the size of the encoder, and one for each change that its configuration records."""
    told = [f"Its encoder has {config.num_hidden_layers} layers with vectors of {config.hidden_size} numbers."]
    kept = getattr(config, KEPT, None)
    if kept is not None:
        layers = config.num_hidden_layers
        heads = f"{sum(kept['heads'])} of {layers * config.num_attention_heads} attention heads"
        units = f"{sum(kept['feedforward']):,} of {layers * config.intermediate_size:,} feed-forward units"
        told.append(f"{heads} and {units} are left; those that changed the loss least were cut out.")
    if projections := [name for name in int8_modules(config) if "embeddings" not in name]:
        told.append(f"{len(projections)} projections compute in eight bits where the processor is quick at it.")
    if getattr(config, CHANGES_FILE, False):
        told.append(
            "Of the encoder, the file holds what training changed in the pretrained one, in three bits a number, "
            "and in one bit in the word embeddings."
        )
    elif getattr(config, INT8_FILE, False):
        told.append("The file keeps matrices in eight bits and all else in half precision.")
    return told
