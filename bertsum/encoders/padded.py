"""The forward pass of transformers' encoders, with the arguments that each family takes.

# B documents, T tokens, H hidden
"""

from __future__ import annotations

import inspect
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from bertsum.encoders.bert import Bert

if TYPE_CHECKING:
    from torch import nn
    from transformers import PretrainedConfig

    from bertsum.encoders.load import Encoder

_FIELD = "bertsum_reading"  # in an encoder's configuration, which is saved with a model


@dataclass(frozen=True)
class Reading:
    """Special needs of an encoder, found by :func:`bertsum.encoders.check.check_encoder`.

    Attributes:
        one_by_one: It reads each document of a batch alone, because padding changes its vectors (convolutions and
            Fourier transforms reach into padding).
        full_precision: It computes in float32, because its code fails in mixed precision.
    """

    one_by_one: bool = False
    full_precision: bool = False

    @staticmethod
    def of(config: PretrainedConfig) -> Reading:
        """Reads the needs from the encoder's configuration; by default it has none."""
        return Reading(**getattr(config, _FIELD, {}))

    def write(self, config: PretrainedConfig) -> None:
        """Writes the needs into the encoder's configuration."""
        if self != Reading():
            setattr(config, _FIELD, asdict(self))


def has_token_types(encoder: Encoder) -> bool:
    """Whether the encoder has two token types."""
    enough = getattr(encoder.config, "type_vocab_size", 0) >= 2
    return enough and (isinstance(encoder, Bert) or _takes(encoder, "token_type_ids"))


def encode_padded(
    encoder: Encoder, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor | None
) -> torch.Tensor:
    """Output vectors (B, T, H).

    Args:
        encoder: An encoder of transformers.
        input_ids: Tokens (B, T).
        attention_mask: 1 for tokens, 0 for padding (B, T).
        token_type_ids: Segments (B, T); None for an encoder that takes none.
    """
    reading = Reading.of(encoder.config)
    inputs = {"input_ids": input_ids}
    if token_type_ids is not None:
        inputs["token_type_ids"] = token_type_ids
    if _takes(encoder, "attention_mask"):
        inputs["attention_mask"] = attention_mask
    kind = input_ids.device.type
    mixed = torch.is_autocast_enabled(kind) and not reading.full_precision
    with torch.autocast(kind, dtype=torch.get_autocast_dtype(kind), enabled=mixed):
        if not reading.one_by_one:
            return _vectors(encoder, inputs)
        documents = []
        for number, length in enumerate(attention_mask.sum(dim=1).tolist()):
            alone = {name: tensor[number : number + 1, :length] for name, tensor in inputs.items()}
            vectors = _vectors(encoder, alone)[0]  # (length, H)
            documents.append(F.pad(vectors, (0, 0, 0, input_ids.shape[1] - length)))
        return torch.stack(documents)


def _vectors(encoder: nn.Module, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    vectors: torch.Tensor = encoder(**inputs).last_hidden_state
    return vectors


def _takes(encoder: Encoder, argument: str) -> bool:
    return argument in inspect.signature(encoder.forward).parameters
