"""Validation during a training: every document once, and to the bit the same on any number of processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from bertsum.config import Config
from bertsum.data.prepared import Prepared
from bertsum.evaluation.evaluate import rouge_of, score_documents, select
from bertsum.evaluation.rouge import METRICS
from bertsum.models.bertsum import BertSum, sentence_loss

if TYPE_CHECKING:
    from accelerate import Accelerator


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
    logits = score_documents(model, prepared, config, chosen, part=part, precision=config.train.precision)
    places = sorted(logits)
    own = _measure([logits[place] for place in places], prepared, chosen[places], config)
    measured = dict(gather_object(list(zip(places, own.tolist(), strict=True))))
    prepared.forget_pages()
    loss, *rouge = np.array([measured[place] for place in range(len(chosen))]).mean(axis=0).tolist()
    metrics = {"loss": loss}
    if rouge:
        metrics |= dict(zip(METRICS, rouge, strict=True))
        metrics["rouge_mean"] = sum(rouge) / len(rouge)
    return metrics


def _measure(logits: list[torch.Tensor], prepared: Prepared, indices: np.ndarray, config: Config) -> np.ndarray:
    """Loss of each document and, when asked, ROUGE-1, 2 and L F1 of its selected summary (N, 1 or 4)."""
    rows = prepared.dataset.select(indices)
    losses = [_loss(scores, labels, config) for scores, labels in zip(logits, rows["labels"], strict=True)]
    measures = np.array(losses, dtype=np.float64).reshape(len(logits), 1)
    if not config.train.validate_rouge:
        return measures
    summaries = []
    for scores, row in zip(logits, rows.select_columns(["sentences", "sentence_indices"]), strict=True):
        sentences = row["sentences"]
        prediction = select(scores.sigmoid().tolist(), row["sentence_indices"], sentences, config.selection)
        summaries.append([sentences[index] for index in prediction.indices])
    rouge = rouge_of(config, summaries, rows["references"][:])[:, :, 2] if summaries else np.zeros((0, len(METRICS)))
    return np.hstack([measures, rouge])


def _loss(logits: torch.Tensor, labels: list[float], config: Config) -> float:
    targets = torch.tensor(labels, dtype=torch.float32)
    everything = torch.ones_like(targets, dtype=torch.bool)
    return sentence_loss(logits, targets, everything, config.train.positive_weight).item()
