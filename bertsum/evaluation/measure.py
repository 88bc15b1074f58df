"""The sentences that each system chooses in each document, and their ROUGE: chunk by chunk, to save memory.

# N documents
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from bertsum.by_place import ByPlace
from bertsum.config import Config
from bertsum.evaluation.baselines import lead, oracles
from bertsum.evaluation.rouge import check_language, document_rouge
from bertsum.files import whole_file
from bertsum.models.base import Prediction
from bertsum.parallel import chunks, map_in_order
from bertsum.progress import Progress
from bertsum.results import METRICS
from bertsum.text import text_size

_CHUNK = 64  # documents that a process measures at once,
_CHUNK_BYTES = 1 << 22  # or fewer where they are long
_CHECKED = 1000  # documents to check for their language


@dataclass(frozen=True)
class Measures:
    """Systems on the documents of one split.

    Attributes:
        choices: The sentences that each system chose in each document (N), by system.
        rouge: ROUGE of each document, by system (N, 3 metrics, 3 figures).
    """

    choices: dict[str, list[list[int]]]
    rouge: dict[str, np.ndarray]


def measure(
    config: Config,
    rows: ByPlace[dict[str, Any]],
    predictions: Mapping[str, Iterable[Prediction]],
    files: Mapping[str, Path],
    progress: str,
) -> Measures:
    """Chooses and measures the summaries of the baselines and of each model.

    Args:
        config: Its ``selection``, ``evaluation`` and ``rouge`` are read.
        rows: The documents, with ``id``, ``sentences`` and ``references``.
        predictions: Predictions for each document (N), by model.
        files: A file for each model's predictions, one line a document.
        progress: Title of the progress shown.

    Raises:
        BertsumError: if a file cannot be written, or no reference has a word that counts in the language of ROUGE.
    """
    check_language((row["references"] for row in islice(rows, _CHECKED)), config.rouge_language)
    documents = (
        (row, dict(zip(predictions, of_row, strict=True)))
        for row, *of_row in zip(rows, *predictions.values(), strict=True)
    )
    made = map_in_order(
        _Measurer(config),
        chunks(documents, _CHUNK, lambda document: _size(document[0]), _CHUNK_BYTES),
        config.data.workers,
        lambda chunk: sum(_size(row) for row, _ in chunk),
    )
    choices: dict[str, list[list[int]]] = {}
    rouge: dict[str, list[np.ndarray]] = {}
    with ExitStack() as stack, Progress(progress, len(rows)) as shown:
        opened = {system: stack.enter_context(whole_file(path)) for system, path in files.items()}
        for chunk in made:
            for system in chunk.choices:
                choices.setdefault(system, []).extend(chunk.choices[system])
                rouge.setdefault(system, []).append(chunk.rouge[system])
            for system, file in opened.items():
                file.writelines(f"{line}\n" for line in chunk.lines[system])
            shown.update(len(chunk.choices["oracle"]))
    return Measures(choices, {system: np.concatenate(parts) for system, parts in rouge.items()})


def _size(row: dict[str, Any]) -> int:
    return text_size(row["sentences"]) + sum(map(text_size, row["references"]))


@dataclass(frozen=True)
class _Chunk(Measures):
    """Systems on a few documents, and the lines of ``predictions.jsonl`` of each model."""

    lines: dict[str, list[str]]


@dataclass(frozen=True)
class _Measurer:
    """Turns a few documents and the models' predictions into all that is kept of them."""

    config: Config

    def __call__(self, documents: list[tuple[dict[str, Any], dict[str, Prediction]]]) -> _Chunk:
        config = self.config
        rows = [row for row, _ in documents]
        predictions = {system: [of_row[system] for _, of_row in documents] for system in documents[0][1]}
        choices = {
            f"lead-{config.lead_sentences}": [lead(row, config) for row in rows],
            "oracle": oracles(rows, config),
            **{system: [prediction.indices for prediction in made] for system, made in predictions.items()},
        }
        summaries = {
            system: [[row["sentences"][index] for index in chosen] for row, chosen in zip(rows, made, strict=True)]
            for system, made in choices.items()
            if system not in predictions
        } | {system: [prediction.sentences for prediction in made] for system, made in predictions.items()}
        references = [row["references"] for row in rows]
        rouge = {system: rouge_of(config, texts, references) for system, texts in summaries.items()}
        lines = {
            system: [
                json.dumps(_line(*of_document), ensure_ascii=False)
                for of_document in zip(rows, made, choices["oracle"], rouge[system], strict=True)
            ]
            for system, made in predictions.items()
        }
        return _Chunk(choices, rouge, lines)


def _line(row: dict[str, Any], prediction: Prediction, oracle: list[int], scores: np.ndarray) -> dict[str, Any]:
    """A line of predictions.jsonl."""
    return {
        "id": row["id"],
        "indices": prediction.indices,
        "scores": [None if score is None else round(score, 6) for score in prediction.scores],
        "summary": prediction.sentences,
        "references": row["references"],
        "oracle": oracle,
        "rouge": {metric: round(float(scores[m, 2]), 5) for m, metric in enumerate(METRICS)},
    }


def rouge_of(config: Config, summaries: list[list[str]], references: list[list[list[str]]]) -> np.ndarray:
    """ROUGE of each document as configured, in this process (N, 3, 3)."""
    return document_rouge(
        summaries,
        references,
        config.rouge_language,
        several=config.rouge.references,
        limit_to_reference=config.rouge.limit_to_reference,
        language_known=True,
    )
