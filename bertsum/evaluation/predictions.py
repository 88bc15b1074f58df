"""A model's predictions for the documents of a split, in little memory.

# N documents
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bertsum.by_place import OnDisk
from bertsum.config import Config
from bertsum.data.store import Prepared
from bertsum.models.base import Model
from bertsum.models.contract import Prediction, PredictOptions
from bertsum.models.selection import answering
from bertsum.pages.written import Written
from bertsum.program import release_freed_memory
from bertsum.progress import Progress


def predict_split(
    model: Model,
    prepared: Prepared,
    config: Config,
    indices: Sequence[int] | np.ndarray | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Iterator[Prediction]:
    """Predictions for documents of a prepared split, batch after batch.

    Args:
        model: The model, on any device.
        prepared: The split.
        config: Its ``selection``, ``generation`` and ``evaluation`` are read.
        indices: Documents to read; all by default. A prediction's place counts within ``indices``.
        progress: Counts the documents.
        options: Fields of :class:`~bertsum.models.base.PredictOptions` that replace the config's values.
    """
    release_freed_memory()  # threads that score cannot use the memory that a training keeps
    rows, lengths = prepared.dataset, prepared.lengths
    if indices is not None:
        rows, lengths = rows.select(indices), lengths[indices]
    settled = {
        "selection": config.selection,
        "answering": answering(config.selection),
        "generation": config.generation,
        "max_tokens_per_batch": config.evaluation.max_tokens_per_batch,
        "precision": config.evaluation.precision,
        "lengths": lengths,
        **options,
    }
    for prediction in model.predict(rows, PredictOptions(**settled)):
        yield prediction
        if progress is not None:
            progress.update()
    release_freed_memory()


class PredictionsOnDisk:
    """Predictions by the document's place (N), in an unnamed temporary file."""

    def __init__(self, predictions: Iterator[Prediction], folder: Path) -> None:
        """Writes all predictions to the file.

        Args:
            predictions: The predictions; places are 0 to N - 1 in any order.
            folder: A folder on the disk for the file.

        Raises:
            BertsumError: if the file cannot be written.
        """
        self._values = OnDisk(((one.place, vars(one)) for one in predictions), folder)

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, place: int) -> Prediction:
        """The prediction for the document at that place, from 0."""
        return Prediction(**self._values[place])

    def __iter__(self) -> Iterator[Prediction]:
        return (self[place] for place in range(len(self)))


@dataclass(frozen=True)
class DocumentScores:
    """Each document's scores, read on demand.

    Attributes:
        predictions: The predictions with the scores (N).
    """

    predictions: PredictionsOnDisk

    def __len__(self) -> int:
        return len(self.predictions)

    def __getitem__(self, place: int) -> list[float | None]:
        return self.predictions[place].scores

    def __iter__(self) -> Iterator[list[float | None]]:
        return (prediction.scores for prediction in self.predictions)


@dataclass(frozen=True)
class WrittenOnDisk:
    """Each document's written summary, read on demand.

    Attributes:
        predictions: The predictions of a model that writes (N).
    """

    predictions: PredictionsOnDisk

    def __len__(self) -> int:
        return len(self.predictions)

    def __getitem__(self, place: int) -> Written:
        made = self.predictions[place]
        return Written(made.sentences, made.leans_on, made.unsupported)

    def __iter__(self) -> Iterator[Written]:
        return (self[place] for place in range(len(self)))
