"""Perplexity of a masked language model: ``exp(-(1 / |M|) sum of log p(x_i | masked text))`` over the tokens to guess.

M are the hidden tokens. A perplexity of 10 means: the model is as uncertain as if it had to guess among 10 equally
probable tokens. Which tokens are hidden depends only on the document's text and id, so models with the same tokenizer
can be compared.

# N windows, D documents; K = 2 figures of each: its loss (the sum of -log p), and the number of its tokens to guess
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from bertsum.evaluation.bootstrap import interval, resampled_means
from bertsum.files import whole_file
from bertsum.models.contract import Prediction
from bertsum.results import CorpusScore

PERPLEXITY = "perplexity"  # the metric's name
FIGURES = 2


def document_losses(
    rows: Iterable[Mapping[str, Any]], predictions: Iterable[Prediction]
) -> Iterator[tuple[str, float, int]]:
    """The id of each document, its loss and its hidden tokens (D): sums over its windows, which follow each other.

    Args:
        rows: The windows, with the ``id`` of their document (N).
        predictions: A prediction with loss and units for each (N).
    """
    windows = zip(rows, predictions, strict=True)
    for identity, group in groupby(windows, key=lambda window: str(window[0]["id"])):
        made = [prediction for _, prediction in group]
        yield identity, sum(one.loss or 0.0 for one in made), sum(one.units for one in made)


def perplexity(figures: np.ndarray) -> float:
    """The perplexity of all documents together.

    Args:
        figures: Loss and hidden tokens of each document (D, 2).
    """
    return float(_perplexities(figures.sum(axis=0)))


def resampled_perplexities(figures: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """Perplexities of samples of the documents, drawn with replacement (samples)."""
    return _perplexities(resampled_means(figures, samples, seed))


def summarize_perplexity(figures: np.ndarray, samples: int, seed: int) -> CorpusScore:
    """The perplexity of all documents, with its 95% bootstrap interval.

    Args:
        figures: Loss and hidden tokens of each document (D, 2).
        samples: Number of resamplings.
        seed: Seed of the resamplings.
    """
    low, high = interval(resampled_perplexities(figures, samples, seed))
    return CorpusScore(perplexity(figures), (float(low), float(high)))


def write_perplexity(
    file: Path, rows: Iterable[Mapping[str, Any]], predictions: Iterable[Prediction], samples: int, seed: int
) -> CorpusScore:
    """The perplexity of a model; a line for each document goes to a file.

    Args:
        file: The predictions.jsonl to write.
        rows: The windows, with the ``id`` of their document (N).
        predictions: A prediction with loss and units for each (N).
        samples: Number of resamplings.
        seed: Seed of the resamplings.

    Raises:
        BertsumError: if the file cannot be written.
    """
    figures = []
    with whole_file(file) as lines:
        for identity, *of_document in document_losses(rows, predictions):
            figures.append(of_document)
            line = {"id": identity, "statistics": {PERPLEXITY: of_document}}
            lines.write(json.dumps(line, ensure_ascii=False) + "\n")
    return summarize_perplexity(np.array(figures), samples, seed)


def _perplexities(sums: np.ndarray) -> np.ndarray:
    """Perplexities from sums or means of losses and tokens (..., 2)."""
    with np.errstate(over="ignore"):  # the perplexity of a very bad model may be infinite
        values: np.ndarray = np.exp(sums[..., 0] / sums[..., 1])
    return values
