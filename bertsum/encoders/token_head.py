"""Vectors of tokens to logits of the vocabulary: the head of a masked language model (arXiv 1810.04805).

# M tokens to guess, H hidden, E size of the embeddings (H for most encoders), V vocabulary
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers.activations import ACT2FN

from bertsum.encoders.checkpoint import read_checkpoint
from bertsum.encoders.load import explained, quiet_loading, resolve_encoder

if TYPE_CHECKING:
    from bertsum.encoders.load import Encoder

# The head's parts in models of transformers: BERT's, RoBERTa's and XLM-R's, DistilBERT's, ELECTRA's generator.
_NAMES = (
    {"dense": "cls.predictions.transform.dense", "norm": "cls.predictions.transform.LayerNorm", "": "cls.predictions"},
    {"dense": "lm_head.dense", "norm": "lm_head.layer_norm", "": "lm_head"},
    {"dense": "vocab_transform", "norm": "vocab_layer_norm", "": "vocab_projector"},
    {"dense": "generator_predictions.dense", "norm": "generator_predictions.LayerNorm", "": "generator_lm_head"},
)


class TokenHead(nn.Module):
    """A projection, an activation and a norm; then the encoder's word embeddings as the output matrix, and a bias.

    Attributes:
        dense: The projection (E, H).
        norm: The norm (E).
        bias: The bias of each token of the vocabulary (V).
    """

    def __init__(self, encoder: Encoder) -> None:
        """A head with random weights, as in a new BERT.

        Args:
            encoder: The encoder; its embeddings are passed at each call, so that they are not saved twice.
        """
        super().__init__()
        config: Any = encoder.config
        embeddings = output_matrix(encoder)
        self.dense = nn.Linear(config.hidden_size, embeddings.shape[1])
        self.norm = nn.LayerNorm(embeddings.shape[1], getattr(config, "layer_norm_eps", 1e-12))
        self.bias = nn.Parameter(torch.zeros(embeddings.shape[0]))
        self._activation = ACT2FN[getattr(config, "hidden_act", "gelu")]
        nn.init.normal_(self.dense.weight, std=getattr(config, "initializer_range", 0.02))
        nn.init.zeros_(self.dense.bias)

    def forward(self, vectors: torch.Tensor, embeddings: torch.Tensor) -> torch.Tensor:
        """Logits (M, V).

        Args:
            vectors: The encoder's output for tokens (M, H).
            embeddings: Its word embeddings (V, E).
        """
        return F.linear(self.norm(self._activation(self.dense(vectors))), embeddings, self.bias)


def output_matrix(encoder: Encoder) -> torch.Tensor:
    """The encoder's word embeddings (V, E)."""
    weight = encoder.get_input_embeddings().get_parameter("weight")
    return weight


def load_token_head(name: str, encoder: Encoder) -> dict[str, torch.Tensor] | None:
    """The weights of the head that an encoder was pretrained with, for :class:`TokenHead`; None if it comes without.

    Args:
        name: The encoder's hub name or folder (``model.encoder``).
        encoder: The encoder.

    Raises:
        BertsumError: if the encoder's files cannot be read.
    """
    with explained(name):
        checkpoint = read_checkpoint(Path(resolve_encoder(name)))
        found = _of_transformers(name) if checkpoint is None else checkpoint.weights
    expected = TokenHead(encoder).state_dict()
    sources = _NAMES if checkpoint is None else ({"dense": "head.dense", "norm": "head.norm", "": "head"},)
    for names in sources:
        taken = {key: f"{names[key.rpartition('.')[0]]}.{key.rpartition('.')[2]}" for key in expected}
        if all(place in found and found[place].shape == expected[key].shape for key, place in taken.items()):
            return {key: found[place].float() for key, place in taken.items()}
    return None


def _of_transformers(name: str) -> dict[str, torch.Tensor]:
    """The weights of transformers' masked language model of this name; none if its family has no such model."""
    from transformers import AutoConfig, AutoModelForMaskedLM

    path = resolve_encoder(name)
    config = AutoConfig.from_pretrained(path, trust_remote_code=False)
    if type(config) not in AutoModelForMaskedLM._model_mapping:
        return {}
    with quiet_loading():
        model, loaded = AutoModelForMaskedLM.from_pretrained(
            path, config=config, trust_remote_code=False, dtype=torch.float32, output_loading_info=True
        )
    missing = set(loaded["missing_keys"])
    return {key: tensor for key, tensor in model.state_dict().items() if key not in missing}
