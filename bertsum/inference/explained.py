"""The score that is explained, as a function of a document's words, of its sentences, and of their vectors.

For an extractive model it is the logit of a sentence: the head's output before the sigmoid. For a written sentence it
is the sum of its tokens' log-probabilities, given the document and the text before it.

# K variants of a document, T tokens, E size of a word embedding, S sentences that are read, H hidden, L tokens of a
# written text
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from bertsum.data.batching import PairBatch, cut_rows
from bertsum.device import autocast, settle_precision
from bertsum.encoders.given_words import given_words, word_vectors
from bertsum.models.contract import PredictOptions
from bertsum.models.extractive import BertSum
from bertsum.models.seq2seq import BertSumAbs

Row = dict[str, Any]
_WINDOWS_AT_ONCE = 8  # with gradients
_VECTORS_AT_ONCE = 1 << 14  # of sentences, or of tokens, that a head or a decoder reads


class ExplainedScore(ABC):
    """A score of one document.

    Attributes:
        row: The document, with ``input_ids`` (T), ``cls_positions`` and ``sentence_indices`` (S).
        precision: Arithmetic of the encoder.
    """

    def __init__(self, model: BertSum | BertSumAbs, row: Row, precision: str) -> None:
        self._encoder, self._reader = model.encoder, model.reader
        self.row = row
        self.device = next(model.parameters()).device
        self.precision = settle_precision(precision, self.device)

    @property
    def windows(self) -> int:
        """How many windows the encoder reads the document in."""
        return 1

    def vectors(self, input_ids: Sequence[int]) -> torch.Tensor:
        """Word embeddings of tokens (T, E)."""
        return word_vectors(self._encoder, torch.tensor(input_ids, device=self.device))

    @abstractmethod
    def of_vectors(self, vectors: torch.Tensor) -> torch.Tensor:
        """The score (K) of documents with these word embeddings (K, T, E); gradients flow."""

    @abstractmethod
    def of_rows(self, rows: Sequence[Row]) -> list[float | None]:
        """The score of other rows; None where the explained sentence is not read."""

    @abstractmethod
    def without(self, left_out: Sequence[Sequence[int]]) -> list[float]:
        """The score if the head or decoder does not get the vectors of some sentences; the encoder still reads all.

        Args:
            left_out: For each variant, places of sentences among those that are read.
        """

    def likely(self, most: int) -> list[int]:
        """Places of other sentences among those that are read: all, or the likeliest to matter, in their order."""
        return list(range(len(self.row["cls_positions"])))

    def of_ids(self, ids: torch.Tensor) -> torch.Tensor:
        """The score (K) of documents with these tokens (K, T)."""
        rows = [{**self.row, "input_ids": tokens} for tokens in ids.tolist()]
        return torch.tensor([score or 0.0 for score in self.of_rows(rows)])

    def _options(self) -> PredictOptions:
        return PredictOptions(precision=self.precision)


class SentenceScore(ExplainedScore):
    """The logit of a sentence of the document.

    Attributes:
        index: The sentence's place in the document.
        place: Its place among those that are read.
    """

    def __init__(self, model: BertSum, row: Row, index: int, precision: str) -> None:
        super().__init__(model, row, precision)
        self._model = model
        self.index = index
        self.place: int = row["sentence_indices"].index(index)
        numbered = {**row, "input_ids": range(len(row["input_ids"]))}  # windows of these tell each token's place
        read, (places,) = cut_rows([numbered], model.config.encoding.max_length)
        self._groups = [
            (read[first : first + _WINDOWS_AT_ONCE],
             [(window - first, place) for window, place in places if first <= window < first + _WINDOWS_AT_ONCE])
            for first in range(0, len(read), _WINDOWS_AT_ONCE)
        ]  # fmt: skip
        self._windows = len(read)
        self._kept: torch.Tensor | None = None

    @property
    def windows(self) -> int:
        """How many windows the encoder reads the document in."""
        return self._windows

    def of_vectors(self, vectors: torch.Tensor) -> torch.Tensor:
        """The logit (K) of documents with these word embeddings (K, T, E); gradients flow."""
        again = torch.is_grad_enabled() and len(self._groups) > 1  # recompute: a book's activations would not fit
        parts = []
        for group in self._groups:
            read = partial(self._read, *group)
            parts.append(checkpoint(read, vectors, use_reentrant=False) if again else read(vectors))
        sentences = torch.cat(parts, dim=1)  # (K, S, H)
        mask = torch.ones(sentences.shape[:2], dtype=torch.bool, device=self.device)
        return self._model.logits(sentences, mask)[:, self.place]

    def _read(
        self, windows: Sequence[Mapping[str, Any]], taken: Sequence[tuple[int, int]], vectors: torch.Tensor
    ) -> torch.Tensor:
        """Vectors of the sentences that are taken from some windows (K, sentences, H)."""
        copies, ids = len(vectors), self.row["input_ids"]
        rows = [{**window, "input_ids": [ids[place] for place in window["input_ids"]]} for window in windows]
        batch = self._model.collate(rows * copies).to(self.device)
        tokens = torch.tensor([place for window in windows for place in window["input_ids"]], device=self.device)
        inside = None if batch.attention_mask is None else batch.attention_mask.bool()
        given = given_words(self._encoder, vectors[:, tokens].flatten(0, 1), inside)
        with given, autocast(self.device, self.precision):
            sentences = self._reader(
                batch.input_ids, batch.attention_mask, batch.token_type_ids, batch.cls_positions, batch.sentence_mask,
                batch.lengths,
            )  # fmt: skip
        places = torch.tensor(taken, device=self.device)
        return sentences.unflatten(0, (copies, len(windows)))[:, places[:, 0], places[:, 1]]

    def logits_of_rows(self, rows: Sequence[Row]) -> list[dict[int, float]]:
        """The logit of each sentence that is read, by its place in the document."""
        logits: list[dict[int, float]] = [{} for _ in rows]
        for scored in self._model.outputs(rows, self._options()):
            logits[scored.place] = dict(zip(scored.row["sentence_indices"], scored.output.tolist(), strict=False))
        return logits

    def of_rows(self, rows: Sequence[Row]) -> list[float | None]:
        """The logit in other rows; None where the sentence is not read."""
        return [logits.get(self.index) for logits in self.logits_of_rows(rows)]

    def logits_without(self, left_out: Sequence[Sequence[int]]) -> list[dict[int, float]]:
        """Logits of all sentences but those left out of the head, by their place among those that are read."""
        count = len(self.row["cls_positions"])
        kept = [sorted(set(range(count)) - set(places)) for places in left_out]
        found: list[dict[int, float]] = []
        for first in range(0, len(kept), max(1, _VECTORS_AT_ONCE // count)):
            some = kept[first : first + max(1, _VECTORS_AT_ONCE // count)]
            longest = max(map(len, some))
            places = torch.tensor([one + [0] * (longest - len(one)) for one in some], device=self.device)
            lengths = torch.tensor([len(one) for one in some], device=self.device)
            with torch.inference_mode():
                mask = torch.arange(longest, device=self.device) < lengths[:, None]
                logits = self._model.logits(self._sentence_vectors()[places], mask).tolist()
            found += [dict(zip(one, values, strict=False)) for one, values in zip(some, logits, strict=True)]
        return found

    def likely(self, most: int) -> list[int]:
        """Places of the other sentences; of many, those whose vectors matter most at a first estimate (gradient times
        vector).
        """
        others = [place for place in range(len(self.row["cls_positions"])) if place != self.place]
        if len(others) <= most:
            return others
        vectors = self._sentence_vectors().clone().requires_grad_()
        mask = torch.ones(1, len(vectors), dtype=torch.bool, device=self.device)
        with torch.enable_grad():
            (slopes,) = torch.autograd.grad(self._model.logits(vectors[None], mask)[0, self.place], vectors)
        parts = (slopes * vectors.detach()).sum(dim=1).abs().tolist()
        return sorted(sorted(others, key=lambda place: -parts[place])[:most])

    def without(self, left_out: Sequence[Sequence[int]]) -> list[float]:
        """The logit without some sentences in the head."""
        return [logits[self.place] for logits in self.logits_without(left_out)]

    def _sentence_vectors(self) -> torch.Tensor:
        """The encoder's vectors of the sentences (S, H)."""
        if self._kept is None:
            with torch.inference_mode(), autocast(self.device, self.precision):
                batch = self._model.collate([self.row]).to(self.device)
                sentences = self._reader(
                    batch.input_ids, batch.attention_mask, batch.token_type_ids, batch.cls_positions,
                    batch.sentence_mask, batch.lengths, batch.places is not None,
                )  # fmt: skip
                places = batch.sentence_mask.flatten().nonzero()[:, 0] if batch.places is None else batch.places[0]
                self._kept = sentences.float().flatten(0, 1)[places]
        return self._kept


class WrittenScore(ExplainedScore):
    """The log-probability of a sentence of a written text, in natural logarithms.

    Attributes:
        target_ids: Tokens of the text up to the end of the sentence (L).
        begin: Place of the sentence's first token among them.
    """

    def __init__(self, model: BertSumAbs, row: Row, written: Sequence[str], number: int, precision: str) -> None:
        assert model.targets is not None
        self.target_ids: list[int] = model.targets.whole(written[: number + 1])[:-1]
        self.begin = len(model.targets.whole(written[:number])) if number else 1  # behind the start, or a separator
        super().__init__(model, {**row, "target_ids": self.target_ids}, precision)
        self._model = model

    def of_vectors(self, vectors: torch.Tensor) -> torch.Tensor:
        """The log-probability (K) for documents with these word embeddings (K, T, E); gradients flow."""
        batch = self._model.collate([self.row] * len(vectors)).to(self.device)
        inside = None if batch.attention_mask is None else batch.attention_mask.bool()
        with given_words(self._encoder, vectors.flatten(0, 1), inside):
            return self._log_probabilities(*self._memory(batch))

    def _log_probabilities(self, memory: torch.Tensor, lengths: Sequence[int]) -> torch.Tensor:
        """The score (K) from the vectors of the sources' tokens, packed."""
        copies, count = len(lengths), len(self.target_ids)
        targets = torch.tensor([self.target_ids] * copies, device=self.device)
        with torch.autocast(self.device.type, enabled=False):
            log_probabilities = self._model.decoder(targets, [count] * copies, memory.float(), lengths)
        return self._of_sentence(log_probabilities.unflatten(0, (copies, count - 1)))

    def _of_sentence(self, log_probabilities: torch.Tensor) -> torch.Tensor:
        """The sum over the sentence's tokens (K), from the log-probabilities of each next token (K, L - 1, V)."""
        wanted = torch.tensor(self.target_ids[self.begin :], device=self.device)[None, :, None]
        inside = log_probabilities[:, self.begin - 1 :]
        return inside.gather(2, wanted.expand(len(inside), -1, 1)).sum(dim=(1, 2))

    def of_rows(self, rows: Sequence[Row]) -> list[float | None]:
        """The log-probability of the sentence, given other documents."""
        found: list[float | None] = [None] * len(rows)

        def read(batch: PairBatch) -> list[float]:
            return self._log_probabilities(*self._memory(batch)).tolist()

        for scored in self._model.outputs(rows, self._options(), read):
            found[scored.place] = scored.output
        return found

    def without(self, left_out: Sequence[Sequence[int]]) -> list[float]:
        """The log-probability without some sentences' tokens in what the decoder reads."""
        bounds = [*self.row["cls_positions"], len(self.row["input_ids"])]
        kept = [
            [place for number, (begin, end) in enumerate(pairwise(bounds)) if number not in one
             for place in range(begin, end)]
            for one in map(set, left_out)
        ]  # fmt: skip
        found: list[float] = []
        step = max(1, _VECTORS_AT_ONCE // bounds[-1])
        with torch.inference_mode():
            memory = self._memory(self._model.collate([self.row]).to(self.device))[0]
            for first in range(0, len(kept), step):
                some = kept[first : first + step]
                places = torch.tensor([place for one in some for place in one], dtype=torch.long, device=self.device)
                found += self._log_probabilities(memory[places], [len(one) for one in some]).tolist()
        return found

    def _memory(self, batch: PairBatch) -> tuple[torch.Tensor, tuple[int, ...]]:
        """Vectors of the sources' tokens, packed, and the number of each source's."""
        with autocast(self.device, self.precision):
            return self._reader.tokens(batch.input_ids, batch.attention_mask, batch.token_type_ids, batch.lengths)
