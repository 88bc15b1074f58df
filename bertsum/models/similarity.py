"""What the pretrained encoder says of a query and sentences, as it was before it was trained further here.

all-MiniLM-L6-v2 was trained on a billion pairs of texts, questions with their answers among them, to give both texts of
a pair vectors that point the same way (https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2). A model that
learned from some thousand questions knows those better, and has forgotten part of that (docs/asking.md).

# S sentences, T tokens, H hidden
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from bertsum.config import ModelConfig
from bertsum.data.batching import length_batches
from bertsum.device import autocast, explained_memory, settle_precision
from bertsum.encoders.load import load_encoder
from bertsum.encoders.vectors import Reader
from bertsum.errors import BertsumError
from bertsum.models.contract import PredictOptions
from bertsum.models.scoring import advice, in_threads

Tokens = tuple[int, ...]

# Sentences are read again whose logit is at most MARGIN below the best, and not below LEAST: the best 3, or the best
# 32nd part of a long document. More gain little. Those that are not read count as if their cosine were UNRELATED.
MARGIN, LEAST = 3.0, -5.0
FEWEST, SHARE = 3, 32
UNRELATED = 0.3  # the cosine that counts nothing
_KEPT = 4096  # vectors, at most, for the next calls: one query is asked of many documents


@dataclass(frozen=True)
class AskedDocument:
    """A document with a query, as the model has read it.

    Attributes:
        logits: Logits of the sentences (S).
        input_ids: Tokens of the query and the document (T).
        cls_positions: Position of each sentence's [CLS] in them (S).
    """

    logits: torch.Tensor
    input_ids: Sequence[int]
    cls_positions: Sequence[int]

    def near(self) -> list[int]:
        """Places of the sentences that are read again, the best ones first."""
        most = max(FEWEST, len(self.logits) // SHARE)
        best = self.logits.sort(descending=True, stable=True)
        least = max(float(best.values[0]) - MARGIN, LEAST)
        return best.indices[:most][best.values[:most] >= least].tolist()

    def query(self) -> Tokens:
        """[CLS] query [SEP], without the [SEP] behind it."""
        return tuple(self.input_ids[: self.cls_positions[0] - 1])

    def sentence(self, place: int) -> Tokens:
        """[CLS] sentence [SEP]."""
        bounds = [*self.cls_positions, len(self.input_ids)]
        return tuple(self.input_ids[bounds[place] : bounds[place + 1]])


class Similarity:
    """Cosines of a query's vector and those of sentences. A text is read alone; its vector is the mean of its tokens'.

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

    def raised(self, asked: Sequence[AskedDocument], weight: float, options: PredictOptions) -> list[torch.Tensor]:
        """Logits of the sentences of some documents (S each), those near a document's best one raised by ``weight *
        (cosine - UNRELATED)``.

        Args:
            asked: The documents with their queries.
            weight: What a cosine of 1 counts.
            options: ``precision`` and ``max_tokens_per_batch`` are read.

        Raises:
            BertsumError: if memory does not suffice for a batch.
        """
        near = [one.near() for one in asked]
        texts = [[one.query(), *map(one.sentence, places)] for one, places in zip(asked, near, strict=True)]
        vectors = self._vectors([text for some in texts for text in some], options)
        raised = []
        for one, places, own in zip(asked, near, vectors.split([len(some) for some in texts]), strict=True):
            logits = one.logits.clone()
            logits[places] += weight * (own[1:] @ own[0] - UNRELATED)
            raised.append(logits)
        return raised

    def _vectors(self, texts: Sequence[Tokens], options: PredictOptions) -> torch.Tensor:
        """Vectors of length 1 of texts, on the CPU (texts, H)."""
        precision = settle_precision(options.precision, self.device)
        kept = {text: self._kept.get((precision, text)) for text in texts}
        new = [text for text, vector in kept.items() if vector is None]
        batches = length_batches([len(text) for text in new], options.max_tokens_per_batch)
        parts = [[new[place] for place in batch] for batch in batches]
        read = partial(self._read, precision=precision, most=options.max_tokens_per_batch)
        threads = torch.get_num_threads()
        several = self.device.type == "cpu" and 1 < threads <= len(parts)
        made = in_threads(read, iter(parts), threads) if several else map(read, parts)
        for part, vectors in zip(parts, made, strict=True):
            kept.update(zip(part, vectors, strict=True))
        if len(self._kept) + len(new) > _KEPT:
            self._kept = {}
        self._kept |= {(precision, text): vector for text, vector in [*kept.items()][:_KEPT] if vector is not None}
        return torch.stack([vector for text in texts if (vector := kept[text]) is not None])

    @torch.inference_mode()
    def _read(self, texts: Sequence[Tokens], precision: str, most: int) -> torch.Tensor:
        lengths = np.asarray([len(text) for text in texts])
        with explained_memory(lambda: "sentences and queries", lengths, advice(most)):
            return self._means(texts, precision)

    def _means(self, texts: Sequence[Tokens], precision: str) -> torch.Tensor:
        ids = pad_sequence([torch.tensor(text) for text in texts], batch_first=True).to(self.device)
        counts = torch.tensor([len(text) for text in texts], device=self.device)
        mask = (torch.arange(ids.shape[1], device=self.device) < counts[:, None]).long()
        with autocast(self.device, precision):
            vectors, lengths = self._reader.tokens(ids, mask, torch.zeros_like(ids))
        means = torch.stack([part.float().mean(dim=0) for part in vectors.split(lengths)])
        return F.normalize(means, dim=-1).cpu()
