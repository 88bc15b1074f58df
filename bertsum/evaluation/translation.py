"""BLEU and chrF of sacrebleu: statistics of each document, and the score of a corpus from their sum.

# N documents, K statistics of each
"""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np

from bertsum.errors import BertsumError
from bertsum.evaluation.bootstrap import interval, resampled_means
from bertsum.results import TRANSLATION_METRICS, CorpusScore

# How many counts a document has (K). BLEU: two lengths, the matches and the n-grams of four orders. chrF: the n-grams
# of the text and of the reference, and the matches, of six orders.
STATISTICS = {"bleu": 10, "chrf": 18}


def translation_metrics(metrics: Iterable[str]) -> list[str]:
    """The given metrics that sacrebleu computes, in the order of the table."""
    asked = set(metrics)
    return [metric for metric in TRANSLATION_METRICS if metric in asked]


def check_installed(metrics: Iterable[str]) -> None:
    """Checks that what the metrics need is installed.

    Raises:
        BertsumError: if sacrebleu is needed and missing.
    """
    for metric in translation_metrics(metrics):
        _counter(metric)


def document_statistics(
    metric: str, texts: Iterable[Sequence[str]], references: Iterable[Sequence[Sequence[str]]]
) -> np.ndarray:
    """The counts of which a corpus score is made (N, K).

    Args:
        metric: bleu or chrf.
        texts: One translation a document, as its sentences.
        references: The references of each document, as their sentences. Documents may have different numbers of them.
    """
    counter = _counter(metric)
    counts = []
    for text, several in zip(texts, references, strict=True):
        joined = [[" ".join(reference)] for reference in several]
        counts += counter._extract_corpus_statistics([" ".join(text)], joined)
    return np.array(counts, dtype=np.int64).reshape(len(counts), -1)


def corpus_score(metric: str, statistics: np.ndarray) -> float:
    """The score of all documents together, from 0 to 100: what sacrebleu says of them.

    Args:
        metric: bleu or chrf.
        statistics: From :func:`document_statistics` (N, K).
    """
    return _scores(metric, statistics.sum(axis=0, keepdims=True))[0]


def document_scores(metric: str, statistics: np.ndarray) -> np.ndarray:
    """The score of each document alone, from 0 to 100 (N)."""
    return np.array(_scores(metric, statistics))


def resampled_scores(metric: str, statistics: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """Corpus scores of samples of the documents, drawn with replacement (samples); the samples are those of ROUGE."""
    sums = resampled_means(statistics, samples, seed) * len(statistics)
    return np.array(_scores(metric, np.rint(sums).astype(np.int64)))


def summarize_statistics(metric: str, systems: Sequence[np.ndarray], samples: int, seed: int) -> CorpusScore:
    """The mean corpus score of one or several systems, with its 95% bootstrap interval.

    Args:
        metric: bleu or chrf.
        systems: Statistics of each system (N, K), for the same documents.
        samples: Number of resamplings.
        seed: Seed of the resamplings.
    """
    drawn = np.mean([resampled_scores(metric, one, samples, seed) for one in systems], axis=0)
    low, high = interval(drawn)
    mean = float(np.mean([corpus_score(metric, one) for one in systems]))
    return CorpusScore(mean, (float(low), float(high)))


def signature(metric: str, references: Collection[int]) -> str:
    """How sacrebleu counted: its own signature.

    Args:
        metric: bleu or chrf.
        references: The numbers of references that documents have.
    """
    counter = _counter(metric)
    numbers = set(references)
    counter.num_refs = numbers.pop() if len(numbers) == 1 else -1
    return str(counter.get_signature())


def _counter(metric: str) -> Any:
    """The object of sacrebleu for a metric, with its defaults.

    Raises:
        BertsumError: if sacrebleu is not installed.
    """
    try:
        metrics = importlib.import_module("sacrebleu.metrics")
    except ImportError as error:
        raise BertsumError(
            f"evaluation.metrics: {metric} needs {error.name}, which is not installed: "
            "pip install 'bertsum[translation]'"
        ) from error
    return {"bleu": metrics.BLEU, "chrf": metrics.CHRF}[metric]()


def _scores(metric: str, sums: np.ndarray) -> list[float]:
    """The scores of summed statistics (samples, K)."""
    counter = _counter(metric)
    return [float(counter._compute_score_from_stats(values).score) for values in sums.tolist()]
