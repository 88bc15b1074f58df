"""A model's scores of many documents, in little memory, and what they choose.

# N documents
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.compute
import torch

from bertsum.allocation import release_freed_memory
from bertsum.by_place import ByPlace
from bertsum.config import Config
from bertsum.data.store import Prepared
from bertsum.models.extractive import BertSum
from bertsum.models.selection import of_all_sentences
from bertsum.progress import Progress

_PAGES_KEPT = 1000  # documents scored until their pages go back to the system


@dataclass(frozen=True)
class SentenceScores:
    """The logits of the sentences that were read, of many documents in one array.

    A tensor for each document takes more memory, and splits what the batches around it free into pieces that no later
    batch fits in.

    Attributes:
        logits: Of all documents, one after the other.
        starts: Where each document's logits start, and where the last one's end (N + 1).
        scored: Which documents have been scored (N); the others' logits have no meaning.
    """

    logits: np.ndarray
    starts: np.ndarray
    scored: np.ndarray

    @staticmethod
    def of_length(counts: np.ndarray) -> SentenceScores:
        """Room for documents with so many sentences each (N)."""
        starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        return SentenceScores(np.zeros(starts[-1], dtype=np.float32), starts, np.zeros(len(counts), dtype=bool))

    def put(self, place: int, logits: torch.Tensor) -> None:
        """Keeps a document's logits."""
        self[place].copy_(logits)
        self.scored[place] = True

    def __getitem__(self, place: int) -> torch.Tensor:
        """The logits of one document (S)."""
        return torch.from_numpy(self.logits[self.starts[place] : self.starts[place + 1]])

    def probabilities(self, place: int) -> list[float]:
        """The probability of each of one document's sentences that were read (S)."""
        values: list[float] = self[place].sigmoid().tolist()
        return values


@dataclass(frozen=True)
class DocumentProbabilities:
    """The probability of each sentence of each document, made when it is asked for; None where it was not read.

    Attributes:
        scores: Of the sentences that were read.
        rows: The documents, with ``sentences`` and ``sentence_indices`` (N).
    """

    scores: SentenceScores
    rows: ByPlace[dict[str, Any]]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int) -> list[float | None]:
        row = self.rows[place]
        return of_all_sentences(self.scores.probabilities(place), row["sentence_indices"], len(row["sentences"]))

    def __iter__(self) -> Iterator[list[float | None]]:
        return (self[place] for place in range(len(self)))


def score_documents(
    model: BertSum,
    prepared: Prepared,
    config: Config,
    indices: Sequence[int] | np.ndarray | None = None,
    progress: Progress | None = None,
    part: tuple[int, int] = (0, 1),
    precision: str | None = None,
) -> SentenceScores:
    """The logits of the sentences that are read, by a document's place in ``indices``.

    Args:
        model: On any device.
        prepared: A prepared split.
        config: With ``evaluation``.
        indices: Documents to score; all by default.
        progress: Counts the documents.
        part: Number of this process and of all processes, of which each scores its share of the batches.
        precision: Arithmetic; by default ``evaluation.precision``.
    """
    release_freed_memory()  # what a training keeps is of no use to the threads that score
    chosen = np.arange(len(prepared)) if indices is None else np.asarray(indices)
    rows = prepared.dataset.select(chosen).select_columns(["input_ids", "cls_positions"])
    counts = pyarrow.compute.list_value_length(prepared.dataset.data.column("cls_positions")).to_numpy()
    scores = SentenceScores.of_length(counts[chosen])
    budget, precision = config.evaluation.max_tokens_per_batch, precision or config.evaluation.precision
    for number, (place, logits) in enumerate(model.score(rows, budget, precision, prepared.lengths[chosen], part)):
        scores.put(place, logits)
        if progress is not None:
            progress.update()
        if number % _PAGES_KEPT == 0:
            prepared.forget_pages()
    release_freed_memory()
    return scores
