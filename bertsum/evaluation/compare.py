"""Two systems on the same documents: is one better than the other?

# N documents, K figures or statistics of each
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bertsum.errors import BertsumError
from bertsum.evaluation.answers import RANKING, ranking_figures
from bertsum.evaluation.bootstrap import interval, resampled_means
from bertsum.evaluation.perplexity import FIGURES, PERPLEXITY, perplexity, resampled_perplexities
from bertsum.evaluation.translation import STATISTICS, check_installed, corpus_score, resampled_scores
from bertsum.files import read_json_lines
from bertsum.results import METRICS, MOST_SAMPLES, TRANSLATION_METRICS


@dataclass(frozen=True)
class Difference:
    """ROUGE F1 of system b minus that of system a, in percent; or P@1, MRR and MAP; or BLEU, chrF, or perplexity, where
    less is better.

    Attributes:
        a: Mean of system a, or its corpus score.
        b: Mean of system b, or its corpus score.
        mean: Mean of ``b - a`` over documents, or the difference of the corpus scores.
        interval: 95% interval of that difference (low, high).
        p_value: Two-sided p-value: twice the share of resampled differences that are zero or have the opposite sign.
    """

    a: float
    b: float
    mean: float
    interval: tuple[float, float]
    p_value: float


def compare(a: str | Path, b: str | Path, samples: int = 10_000, seed: int = 0) -> dict[str, Difference]:
    """Paired bootstrap test of two ``predictions.jsonl`` (Koehn 2004): each sample draws the same documents for both.

    Args:
        a: Predictions of one system.
        b: Predictions of another system for the same documents, in any order.
        samples: Number of resamplings.
        seed: Seed of the resampling.

    Returns:
        The difference by metric: of all metrics that both files have.

    Raises:
        BertsumError: if a file cannot be read, the documents are not the same, or the files have no metric in common.
    """
    if not 1 <= samples <= MOST_SAMPLES:
        raise BertsumError(f"compare: samples: got {samples}, expected 1 to {MOST_SAMPLES:,}")
    first, second = _read(Path(a)), _read(Path(b))
    alone = [*(first.keys() - second.keys()), *(second.keys() - first.keys())]
    if alone:
        raise BertsumError(
            f"compare: {len(alone)} of {len(first.keys() | second.keys())} documents are in one file only, such as "
            f"'{min(alone)[0]}'; expected predictions for the same documents"
        )
    has_a, has_b = next(iter(first.values())).keys(), next(iter(second.values())).keys()
    common = [metric for metric in has_a if metric in has_b]
    if not common:
        raise BertsumError(
            f"compare: '{a}' has {', '.join(has_a)}, '{b}' has {', '.join(has_b)}; expected a metric that both have "
            "(evaluation.metrics)"
        )
    check_installed(common)
    return {
        metric: _difference(
            metric,
            np.array([values[metric] for values in first.values()]),
            np.array([second[identity][metric] for identity in first]),
            samples,
            seed,
        )
        for metric in common
    }


def _difference(metric: str, a: np.ndarray, b: np.ndarray, samples: int, seed: int) -> Difference:
    """The difference of two systems' figures or statistics, for the same documents (N, K each)."""
    if metric in TRANSLATION_METRICS:
        of_a, of_b = corpus_score(metric, a), corpus_score(metric, b)
        mean = of_b - of_a
        drawn = resampled_scores(metric, b, samples, seed) - resampled_scores(metric, a, samples, seed)  # (samples)
    elif metric == PERPLEXITY:
        of_a, of_b = perplexity(a), perplexity(b)
        mean = of_b - of_a
        drawn = resampled_perplexities(b, samples, seed) - resampled_perplexities(a, samples, seed)
    else:
        difference = 100 * (b - a)[:, 0]
        of_a, of_b, mean = 100 * a.mean(), 100 * b.mean(), difference.mean()
        drawn = resampled_means(difference, samples, seed)
    low, high = interval(drawn)
    # The observed sample counts as one of the samples, so that no p-value is 0.
    beyond = min((drawn <= 0).sum(), (drawn >= 0).sum())
    p_value = min(1.0, 2 * (beyond + 1) / (samples + 1))
    return Difference(float(of_a), float(of_b), float(mean), (float(low), float(high)), float(p_value))


def comparison_table(differences: dict[str, Difference]) -> str:
    """The differences as text."""
    width = max(8, *(len(metric) + 1 for metric in differences))
    lines = [f"{'':<{width}}{'a':>8}{'b':>8}{'b - a':>9}{'95% interval':>18}{'p':>9}"]
    for metric, difference in differences.items():
        low, high = difference.interval
        interval = f"({low:+.2f} {high:+.2f})"
        name = TRANSLATION_METRICS.get(metric, metric.upper())
        lines.append(
            f"{name:<{width}}{difference.a:>8.2f}{difference.b:>8.2f}{difference.mean:>+9.2f}{interval:>18}{difference.p_value:>9.4f}"
        )
    return "\n".join(lines)


Document = tuple[str, int, tuple[int, ...]]  # its id, how often that stood before, and which sentences answer


def _read(path: Path) -> dict[Document, dict[str, list[float]]]:
    """ROUGE F1, statistics of translations, and ranks of answers, each by metric; by document."""
    documents: dict[Document, dict[str, list[float]]] = {}
    seen: Counter[str] = Counter()
    unanswered = 0
    for place, record in read_json_lines(path):
        if record.get("relevant") == []:
            unanswered += 1  # where nothing answers, nothing ranks first
            continue
        try:
            figures = _rouge(record) | _statistics(record) | _ranking(record)
            identity = str(record["id"])
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            found = error if isinstance(error, ValueError) else f"got {_shown(record)}"
            raise BertsumError(
                f"{place}: {found}; expected a line of predictions.jsonl, with id, and rouge, statistics or relevant"
            ) from error
        values = [value for metric in METRICS for value in figures.get(metric, [])]
        if not all(0 <= value <= 1 for value in values):
            raise BertsumError(f"{place}: field 'rouge': got {values}, expected figures from 0 to 1")
        before = next(iter(documents.values()), figures)
        if figures.keys() != before.keys():
            names = [", ".join(each) or "no figures" for each in (figures, before)]
            raise BertsumError(f"{place}: has {names[0]}, expected {names[1]} as in the first line")
        answering = tuple(record.get("relevant", ()))  # other labels would make another record of it
        documents[identity, seen[identity], answering] = figures
        seen[identity] += 1
    if not documents:
        missing = f"an answer in none of its {unanswered:,} records; expected some" if unanswered else "no predictions"
        raise BertsumError(f"'{path}' has {missing}")
    return documents


def _shown(record: dict[str, Any]) -> str:
    text = json.dumps(record, ensure_ascii=False)
    return text if len(text) <= 120 else f"{text[:119]}…"


def _rouge(record: dict[str, Any]) -> dict[str, list[float]]:
    if "rouge" not in record and ("statistics" in record or "relevant" in record):
        return {}
    figures = {metric: record["rouge"][metric] for metric in METRICS}
    return {metric: [float("nan") if isinstance(value, bool) else float(value)] for metric, value in figures.items()}


def _ranking(record: dict[str, Any]) -> dict[str, list[float]]:
    """P@1, reciprocal rank and average precision of a record with a query."""
    if "relevant" not in record:
        return {}
    scores = [-math.inf if score is None else float(score) for score in record["scores"]]
    if any(map(math.isnan, scores)) or not all(0 <= place < len(scores) for place in record["relevant"]):
        raise ValueError("scores and relevant: expected numbers or null, and places of them")
    relevant = np.zeros(len(scores), dtype=bool)
    relevant[record["relevant"]] = True
    return {name: [value] for name, value in zip(RANKING, ranking_figures(scores, relevant), strict=True)}


def _statistics(record: dict[str, Any]) -> dict[str, list[float]]:
    """The numbers that corpus scores are computed from, by metric: counts; for perplexity, a loss and tokens."""
    statistics = record.get("statistics", {})
    if PERPLEXITY in statistics:
        values = statistics[PERPLEXITY]
        loss, tokens = values if isinstance(values, list) and len(values) == FIGURES else (0, 0)
        if type(tokens) is not int or tokens < 1 or not 0 <= float(loss) < float("inf"):
            raise ValueError(f"statistics of {PERPLEXITY}: expected {FIGURES} figures, a loss and a number of tokens")
        return {PERPLEXITY: [float(loss), tokens]}
    found = {metric: list(statistics[metric]) for metric in TRANSLATION_METRICS if metric in statistics}
    for metric, values in found.items():
        if len(values) != STATISTICS[metric] or not all(type(value) is int and value >= 0 for value in values):
            raise ValueError(f"statistics of {metric}: expected {STATISTICS[metric]} counts")
    return found
