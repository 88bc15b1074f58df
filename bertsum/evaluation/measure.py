"""Chooses each system's summary of each document, and measures it; chunk by chunk, to save memory.

# N documents
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from bertsum.by_place import ByPlace
from bertsum.config import Config
from bertsum.errors import BertsumError
from bertsum.evaluation.baselines import lead, oracles
from bertsum.evaluation.novelty import document_novelty
from bertsum.evaluation.rouge import check_language, document_rouge
from bertsum.evaluation.text_figures import asked_figures, document_figures, ranked
from bertsum.evaluation.translation import document_statistics, translation_metrics
from bertsum.files import whole_file
from bertsum.models.contract import Prediction
from bertsum.parallel import chunks, map_in_order
from bertsum.progress import Progress
from bertsum.results import METRICS
from bertsum.support import unsupported_words
from bertsum.text import text_size

_CHUNK = 64  # documents that a process measures at once,
_CHUNK_BYTES = 1 << 22  # or fewer where they are long
_CHECKED = 1000  # documents to check for their language

REFERENCE = "reference"  # the first reference, as a system of the table of novelty


@dataclass(frozen=True)
class Measures:
    """The figures of several systems on the documents of one split.

    Attributes:
        choices: The sentences that each system chose in each document (N), by system; not of models that write.
        rouge: ROUGE of each document, by system (N, 3 metrics, 3 figures); empty if it is not asked for.
        statistics: By metric of translation and by system, the counts that its score is computed from (N, K).
        novelty: Figures about each summary's text, by system (N, 8); empty if no model writes, or without ROUGE.
        text_figures: Coverage and the like, by system (N, K), nan where a text has none; empty if none is asked for.
    """

    choices: dict[str, list[list[int]]]
    rouge: dict[str, np.ndarray]
    statistics: dict[str, dict[str, np.ndarray]]
    novelty: dict[str, np.ndarray]
    text_figures: dict[str, np.ndarray]


def writes(predictions: Iterable[Prediction]) -> bool:
    """Whether predictions are new sentences rather than sentences of the document, which have scores."""
    return next((not prediction.scores for prediction in predictions), False)


def check_references(row: dict[str, Any]) -> dict[str, Any]:
    """The document, which must have a summary to compare others with.

    Raises:
        BertsumError: if it has none.
    """
    if not row["references"]:
        raise BertsumError(
            f"evaluation.metrics: document '{row['id']}' has no summary to compare with; expected summaries, or "
            "evaluation.metrics [answers] for documents with queries"
        )
    return row


def measure(
    config: Config,
    rows: ByPlace[dict[str, Any]],
    predictions: Mapping[str, Iterable[Prediction]],
    files: Mapping[str, Path],
    progress: str,
    writers: Collection[str] = (),
) -> Measures:
    """Chooses the summaries of the baselines, and measures the summaries of all systems.

    Args:
        config: Its ``selection``, ``evaluation`` and ``rouge`` are read. Without ROUGE there are no baselines.
        rows: The documents, with ``id``, ``sentences`` and ``references``.
        predictions: Predictions for each document (N), by model.
        files: A file for each model's predictions, one line a document.
        progress: Title of the progress shown.
        writers: The models that write new sentences.

    Raises:
        BertsumError: if a file cannot be written, a document has no reference, or no reference has a word that counts
            in the language of ROUGE.
    """
    if "rouge" in config.evaluation.metrics:
        check_language((row["references"] for row in islice(rows, _CHECKED)), config.rouge_language)
    documents = (
        (check_references(row), dict(zip(predictions, of_row, strict=True)))
        for row, *of_row in zip(rows, *predictions.values(), strict=True)
    )
    made = map_in_order(
        _Measurer(config, frozenset(writers)),
        chunks(documents, _CHUNK, lambda document: _size(document[0]), _CHUNK_BYTES),
        config.data.workers,
        lambda chunk: sum(_size(row) for row, _ in chunk),
    )
    parts: list[Measures] = []
    with ExitStack() as stack, Progress(progress, len(rows)) as shown:
        opened = {system: stack.enter_context(whole_file(path)) for system, path in files.items()}
        for chunk in made:
            parts.append(chunk.measures)
            for system, file in opened.items():
                file.writelines(f"{line}\n" for line in chunk.lines[system])
            shown.update(chunk.documents)
    return _joined(parts)


def _joined(parts: list[Measures]) -> Measures:
    """The measures of all chunks, which have the same systems."""
    first = parts[0]
    return Measures(
        {name: [chosen for part in parts for chosen in part.choices[name]] for name in first.choices},
        {name: np.concatenate([part.rouge[name] for part in parts]) for name in first.rouge},
        {
            metric: {name: np.concatenate([part.statistics[metric][name] for part in parts]) for name in systems}
            for metric, systems in first.statistics.items()
        },
        {name: np.concatenate([part.novelty[name] for part in parts]) for name in first.novelty},
        {name: np.concatenate([part.text_figures[name] for part in parts]) for name in first.text_figures},
    )


def _size(row: dict[str, Any]) -> int:
    return text_size(row["sentences"]) + sum(map(text_size, row["references"]))


@dataclass(frozen=True)
class _Chunk:
    """The figures of systems on a few documents, and each model's lines of ``predictions.jsonl``."""

    documents: int
    measures: Measures
    lines: dict[str, list[str]]


@dataclass(frozen=True)
class _Measurer:
    """Turns a few documents and the models' predictions into a :class:`_Chunk`."""

    config: Config
    writers: frozenset[str]

    def __call__(self, documents: list[tuple[dict[str, Any], dict[str, Prediction]]]) -> _Chunk:
        rows = [row for row, _ in documents]
        predictions = {system: [of_row[system] for _, of_row in documents] for system in documents[0][1]}
        choices = self._baselines(rows)
        summaries = {
            system: [[row["sentences"][index] for index in chosen] for row, chosen in zip(rows, made, strict=True)]
            for system, made in choices.items()
        } | {system: [prediction.sentences for prediction in made] for system, made in predictions.items()}
        choices |= {
            system: [prediction.indices for prediction in made]
            for system, made in predictions.items()
            if system not in self.writers
        }
        measures = self._measured(rows, predictions, choices, summaries)
        lines = {
            system: [
                json.dumps(self._line(system, row, prediction, measures, place), ensure_ascii=False)
                for place, (row, prediction) in enumerate(zip(rows, made, strict=True))
            ]
            for system, made in predictions.items()
        }
        return _Chunk(len(rows), measures, lines)

    def _baselines(self, rows: list[dict[str, Any]]) -> dict[str, list[list[int]]]:
        config = self.config
        if "rouge" not in config.evaluation.metrics:
            return {}
        return {
            f"lead-{config.lead_sentences}": [lead(row, config) for row in rows],
            "oracle": oracles(rows, config),
        }

    def _measured(
        self,
        rows: list[dict[str, Any]],
        predictions: dict[str, list[Prediction]],
        choices: dict[str, list[list[int]]],
        summaries: dict[str, list[list[str]]],
    ) -> Measures:
        config, references = self.config, [row["references"] for row in rows]
        rouge: dict[str, np.ndarray] = {}
        novelty: dict[str, np.ndarray] = {}
        if "rouge" in config.evaluation.metrics:
            rouge = {system: rouge_of(config, texts, references) for system, texts in summaries.items()}
            novelty = self._novelty(rows, predictions, summaries) if self.writers else {}
        statistics = {
            metric: {system: document_statistics(metric, texts, references) for system, texts in summaries.items()}
            for metric in translation_metrics(config.evaluation.metrics)
        }
        return Measures(choices, rouge, statistics, novelty, self._text_figures(rows, predictions, choices, summaries))

    def _text_figures(
        self,
        rows: list[dict[str, Any]],
        predictions: dict[str, list[Prediction]],
        choices: dict[str, list[list[int]]],
        summaries: dict[str, list[list[str]]],
    ) -> dict[str, np.ndarray]:
        names = asked_figures(self.config.evaluation.metrics, of_vectors=False)
        if not names:
            return {}
        # A baseline's ranking is the order of its choice; the oracle is not compared with itself.
        rankings: dict[str, list[list[int]]] = {name: made for name, made in choices.items() if name != "oracle"}
        rankings |= {
            system: [ranked(prediction.scores) for prediction in made]
            for system, made in predictions.items()
            if system not in self.writers
        }
        return {
            system: np.array(
                [
                    document_figures(
                        names,
                        text,
                        row["sentences"],
                        rankings[system][place] if system in rankings else None,
                        choices["oracle"][place],
                    )
                    for place, (text, row) in enumerate(zip(texts, rows, strict=True))
                ]
            )
            for system, texts in summaries.items()
        }

    def _novelty(
        self,
        rows: list[dict[str, Any]],
        predictions: dict[str, list[Prediction]],
        summaries: dict[str, list[list[str]]],
    ) -> dict[str, np.ndarray]:
        documents = [row["sentences"] for row in rows]
        first = [row["references"][0] for row in rows]
        unsupported: dict[str, list[list[str]]] = {
            **{system: [[] for _ in rows] for system in summaries},  # an extract has its document's words
            **{system: [prediction.unsupported for prediction in made] for system, made in predictions.items()},
            REFERENCE: [unsupported_words(text, document) for text, document in zip(first, documents, strict=True)],
        }
        return {
            system: np.array(list(map(document_novelty, texts, documents, unsupported[system])))
            for system, texts in {**summaries, REFERENCE: first}.items()
        }

    def _line(
        self, system: str, row: dict[str, Any], prediction: Prediction, measures: Measures, place: int
    ) -> dict[str, Any]:
        """A line of predictions.jsonl."""
        line = {
            "id": row["id"],
            "indices": prediction.indices,
            "scores": [None if score is None else round(score, 6) for score in prediction.scores],
            "summary": prediction.sentences,
            "references": row["references"],
        }
        if measures.rouge:
            scores = measures.rouge[system][place]
            line["oracle"] = measures.choices["oracle"][place]
            line["rouge"] = {metric: round(float(scores[m, 2]), 5) for m, metric in enumerate(METRICS)}
        if measures.text_figures:
            names = asked_figures(self.config.evaluation.metrics, of_vectors=False)
            values = zip(names, measures.text_figures[system][place].tolist(), strict=True)
            line["figures"] = {name: None if np.isnan(value) else round(value, 5) for name, value in values}
        if measures.statistics:
            line["statistics"] = {metric: of[system][place].tolist() for metric, of in measures.statistics.items()}
        if system in self.writers:
            line |= {"leans_on": prediction.leans_on, "unsupported": prediction.unsupported}
        return line


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
