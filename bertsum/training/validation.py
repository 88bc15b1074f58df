"""Validation during a training: every document once, and to the bit the same on any number of processes."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bertsum.config import Config
from bertsum.data.store import Prepared
from bertsum.evaluation.measure import rouge_of
from bertsum.evaluation.predictions import SentenceScores, score_documents
from bertsum.models.extractive import BertSum, sentence_loss
from bertsum.models.selection import select
from bertsum.parallel import chunks, map_in_order
from bertsum.progress import Progress
from bertsum.results import METRICS
from bertsum.text import text_size

if TYPE_CHECKING:
    from accelerate import Accelerator

_CHUNK = 64  # documents that a process measures at once,
_CHUNK_BYTES = 1 << 22  # or fewer where they are long


def validation_metrics(
    model: BertSum, prepared: Prepared, config: Config, accelerator: Accelerator
) -> dict[str, float]:
    """Validation loss per document (summed over sentences), and ROUGE when asked; the same on each process.

    Batches, not documents, are dealt out to the processes, so that each is computed as one process would; sums are
    taken in the order of the documents. The forward pass computes in ``train.precision``, as in training.
    """
    from accelerate.utils import gather_object

    count, limit = len(prepared), config.train.validate_documents
    chosen = np.arange(count) if limit is None or limit >= count else np.linspace(0, count - 1, limit).astype(int)
    part = (accelerator.process_index, accelerator.num_processes)
    precision = config.train.precision  # what the training computes in
    with Progress("validate", len(chosen), shown=accelerator.is_main_process, bar=False) as progress:
        scores = score_documents(model, prepared, config, chosen, progress, part, precision)
    places = np.flatnonzero(scores.scored)
    own = _measure(scores, prepared, chosen, places, config)
    measured = dict(gather_object(list(zip(places.tolist(), own.tolist(), strict=True))))
    prepared.forget_pages()
    loss, *rouge = np.array([measured[place] for place in range(len(chosen))]).mean(axis=0).tolist()
    metrics = {"loss": loss}
    if rouge:
        metrics |= dict(zip(METRICS, rouge, strict=True))
        metrics["rouge_mean"] = sum(rouge) / len(rouge)
    return metrics


def _measure(
    scores: SentenceScores, prepared: Prepared, chosen: np.ndarray, places: np.ndarray, config: Config
) -> np.ndarray:
    """Loss of each document and, when asked, ROUGE-1, 2 and L F1 of its selected summary (N, 1 or 4).

    Args:
        scores: Of the chosen documents' sentences.
        prepared: The split.
        chosen: Which of its documents were chosen.
        places: Which of those to measure (N).
        config: With ``selection`` and ``rouge``.
    """
    dataset = prepared.dataset.select(chosen[places])
    labels = (row["labels"] for row in dataset.select_columns(["labels"]))
    losses = [_loss(scores[place], of_document, config) for place, of_document in zip(places, labels, strict=True)]
    measures = np.array(losses, dtype=np.float64).reshape(len(places), 1)
    if not config.train.validate_rouge:
        return measures
    texts = dataset.select_columns(["sentences", "sentence_indices", "references"])
    pairs = (_pair(scores, place, row, config) for place, row in zip(places, texts, strict=True))
    chunked = chunks(pairs, _CHUNK, lambda pair: text_size(pair[0]) + sum(map(text_size, pair[1])), _CHUNK_BYTES)
    rouge = list(map_in_order(functools.partial(_rouge, config), chunked, config.data.workers))
    return np.hstack([measures, np.concatenate([np.zeros((0, len(METRICS))), *rouge])])


def _pair(scores: SentenceScores, place: int, row: dict[str, Any], config: Config) -> tuple[list[str], list[list[str]]]:
    """A document's selected summary, and its references."""
    sentences = row["sentences"]
    prediction = select(scores.probabilities(place), row["sentence_indices"], sentences, config.selection)
    return [sentences[index] for index in prediction.indices], row["references"]


def _rouge(config: Config, pairs: list[tuple[list[str], list[list[str]]]]) -> np.ndarray:
    """ROUGE-1, 2 and L F1 of some documents (N, 3)."""
    summaries, references = zip(*pairs, strict=True)
    return rouge_of(config, list(summaries), list(references))[:, :, 2]


def _loss(logits: torch.Tensor, labels: list[float], config: Config) -> float:
    targets = torch.tensor(labels, dtype=torch.float32)
    everything = torch.ones_like(targets, dtype=torch.bool)
    return sentence_loss(logits, targets, everything, config.train.positive_weight).item()
