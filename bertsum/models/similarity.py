"""What the pretrained encoder says of a query and sentences, as it was before it was trained further here.

all-MiniLM-L6-v2 was trained on a billion pairs of texts, questions with their answers among them, to give both texts of
a pair vectors that point the same way (https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2). A model that
learned from some thousand questions knows those better, and has forgotten part of that (docs/asking.md).

# S sentences, T tokens, H hidden
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from bertsum.config import ModelConfig
from bertsum.device import autocast, settle_precision
from bertsum.encoders.load import load_encoder
from bertsum.encoders.vectors import Reader
from bertsum.errors import BertsumError

Tokens = tuple[int, ...]

# Sentences whose logit is at most this much below the best are read again. More of them gain little. Those that are not
# read count as if their cosine were UNRELATED.
MARGIN = 3.0
UNRELATED = 0.3  # the cosine that counts nothing
_AT_ONCE = 64  # texts
_KEPT = 4096  # vectors, at most, for the next calls: one query is asked of many documents


class Similarity:
    """Cosines of a query's vector and those of sentences. A text's vector is the mean of its tokens'; each is read
    alone.

    Attributes:
        device: Where texts are read.

    Args:
        config: The model's configuration, with the name of its pretrained encoder.
        length: Tokens of the longest text.
        device: Where to read.

    Raises:
        BertsumError: if the encoder cannot be loaded.
    """

    def __init__(self, config: ModelConfig, length: int, device: torch.device) -> None:
        self.device = device
        pretrained = replace(config, adapters=None)
        try:
            with torch.inference_mode(False):  # weights made inside it have no version, and would be packed each time
                encoder = load_encoder(pretrained, length, weights_alone=device.type == "cpu").float()
        except BertsumError as error:
            raise BertsumError(
                f"selection.similarity_weight: needs the pretrained encoder; expected it within reach, or 0: {error}"
            ) from error
        encoder = encoder.to(device).eval()
        self._reader = Reader(encoder, pretrained)
        self._kept: dict[tuple[str, Tokens], torch.Tensor] = {}

    def raised(
        self,
        logits: torch.Tensor,
        input_ids: Sequence[int],
        cls_positions: Sequence[int],
        weight: float,
        precision: str,
    ) -> torch.Tensor:
        """Logits of sentences, those near the best one raised by ``weight * (cosine - UNRELATED)`` (S).

        Args:
            logits: The logits before (S).
            input_ids: Tokens of the document with its query (T), as the model reads them.
            cls_positions: Position of each sentence's [CLS] in them (S).
            weight: What a cosine of 1 counts.
            precision: auto, fp32, bf16 or fp16 arithmetic.
        """
        near = (logits >= logits.max() - MARGIN).nonzero().flatten().tolist()
        ends = [*cls_positions[1:], len(input_ids)]
        texts = [tuple(input_ids[cls_positions[place] : ends[place]]) for place in near]
        query = tuple(input_ids[: cls_positions[0] - 1])  # [CLS] query [SEP], without the [SEP] behind it
        vectors = self._vectors([query, *texts], settle_precision(precision, self.device))
        raised = logits.clone()
        raised[near] += weight * (vectors[1:] @ vectors[0] - UNRELATED)
        return raised

    def _vectors(self, texts: Sequence[Tokens], precision: str) -> torch.Tensor:
        """Vectors of length 1 of texts, on the CPU (texts, H)."""
        kept = {text: self._kept.get((precision, text)) for text in texts}
        new = [text for text, vector in kept.items() if vector is None]
        for first in range(0, len(new), _AT_ONCE):
            some = new[first : first + _AT_ONCE]
            kept.update(zip(some, self._read(some, precision), strict=True))
        if len(self._kept) + len(new) > _KEPT:
            self._kept = {}
        self._kept |= {(precision, text): vector for text, vector in [*kept.items()][:_KEPT] if vector is not None}
        return torch.stack([vector for text in texts if (vector := kept[text]) is not None])

    @torch.inference_mode()
    def _read(self, texts: Sequence[Tokens], precision: str) -> torch.Tensor:
        ids = pad_sequence([torch.tensor(text) for text in texts], batch_first=True).to(self.device)
        counts = torch.tensor([len(text) for text in texts], device=self.device)
        mask = (torch.arange(ids.shape[1], device=self.device) < counts[:, None]).long()
        with autocast(self.device, precision):
            vectors, lengths = self._reader.tokens(ids, mask, torch.zeros_like(ids))
        means = torch.stack([part.float().mean(dim=0) for part in vectors.split(lengths)])
        return F.normalize(means, dim=-1).cpu()
