"""Validation during a training: each document once; results are equal to the last bit on any number of processes."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bertsum.config import Config
from bertsum.data.store import Prepared
from bertsum.evaluation.measure import rouge_of
from bertsum.evaluation.predictions import predict_split
from bertsum.models.base import Model
from bertsum.models.contract import Prediction
from bertsum.parallel import chunks, map_in_order
from bertsum.progress import Progress
from bertsum.results import METRICS
from bertsum.text import text_size

if TYPE_CHECKING:
    from accelerate import Accelerator

_CHUNK = 64  # documents that a process measures at once,
_CHUNK_BYTES = 1 << 22  # or fewer where they are long
_MOST = 700.0  # the largest loss of a token whose exponential is still a finite number


def validation_metrics(model: Model, prepared: Prepared, config: Config, accelerator: Accelerator) -> dict[str, float]:
    """Validation loss per row, perplexity if the model counts its units, and ROUGE if configured.

    All processes get the same values. They share out batches, not documents, so that each batch is computed as on one
    process. Sums are taken in the order of the documents. The forward pass computes in ``train.precision``, as in
    training.
    """
    from accelerate.utils import gather_object

    chosen = prepared.spread(config.train.validate_documents)
    part = (accelerator.process_index, accelerator.num_processes)
    with Progress("validate", len(chosen), shown=accelerator.is_main_process, bar=False) as progress:
        options = {"precision": config.train.precision, "loss": True, "summaries": config.train.validate_rouge}
        predicted = predict_split(model, prepared, config, chosen, progress, part=part, **options)
        kept = (replace(made, scores=[], indices=[], leans_on=[], unsupported=[]) for made in predicted)
        predictions = sorted(kept, key=lambda prediction: prediction.place)
    figures = _figures(predictions, prepared, chosen, config)
    measured = dict(
        gather_object([(one.place, values) for one, values in zip(predictions, figures.tolist(), strict=True)])
    )
    loss, units, *rouge = np.array([measured[place] for place in range(len(chosen))]).mean(axis=0).tolist()
    metrics = {"loss": loss}
    if units:
        metrics["perplexity"] = math.exp(min(loss / units, _MOST))
    if rouge:
        metrics |= dict(zip(METRICS, rouge, strict=True))
        metrics["rouge_mean"] = sum(rouge) / len(rouge)
    return metrics


def _figures(predictions: Sequence[Prediction], prepared: Prepared, chosen: np.ndarray, config: Config) -> np.ndarray:
    """Loss and units of each document and, if configured, ROUGE-1, 2 and L F1 of its summary (N, 2 or 5)."""
    losses = np.array([(prediction.loss, prediction.units) for prediction in predictions], dtype=float).reshape(-1, 2)
    if not config.train.validate_rouge:
        return losses
    places = chosen[[prediction.place for prediction in predictions]]
    references = (row["references"] for row in prepared.dataset.select(places).select_columns(["references"]))
    pairs = ((one.sentences, of_one) for one, of_one in zip(predictions, references, strict=True))
    chunked = chunks(pairs, _CHUNK, lambda pair: text_size(pair[0]) + sum(map(text_size, pair[1])), _CHUNK_BYTES)
    rouge = list(map_in_order(functools.partial(_rouge, config), chunked, config.data.workers))
    return np.hstack([losses, np.concatenate([np.zeros((0, len(METRICS))), *rouge])])


def _rouge(config: Config, pairs: list[tuple[list[str], list[list[str]]]]) -> np.ndarray:
    """ROUGE-1, 2 and L F1 of some documents (N, 3)."""
    summaries, references = zip(*pairs, strict=True)
    return rouge_of(config, list(summaries), list(references))[:, :, 2]
