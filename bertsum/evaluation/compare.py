"""Two systems on the same documents: is one better than the other?

# N documents, K metrics
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bertsum.errors import BertsumError
from bertsum.evaluation.bootstrap import interval, resampled_means
from bertsum.files import read_json_lines
from bertsum.results import METRICS


@dataclass(frozen=True)
class Difference:
    """ROUGE F1 of system b minus that of system a, in percent.

    Attributes:
        a: Mean of system a.
        b: Mean of system b.
        mean: Mean of ``b - a`` over documents.
        interval: 95% interval of that mean (low, high).
        p_value: Two-sided: twice the share of resampled means at zero or with the opposite sign.
    """

    a: float
    b: float
    mean: float
    interval: tuple[float, float]
    p_value: float


def compare(a: str | Path, b: str | Path, samples: int = 10_000, seed: int = 0) -> dict[str, Difference]:
    """Paired bootstrap test of two ``predictions.jsonl`` (Koehn 2004: draws the same documents for both).

    Args:
        a: Predictions of one system.
        b: Predictions of another system for the same documents, in any order.
        samples: Number of resamplings.
        seed: Seed of the resampling.

    Returns:
        The difference by metric.

    Raises:
        BertsumError: if a file cannot be read, or the documents are not the same.
    """
    first, second = _read(Path(a)), _read(Path(b))
    alone = [*(first.keys() - second.keys()), *(second.keys() - first.keys())]
    if alone:
        raise BertsumError(
            f"compare: {len(alone)} of {len(first.keys() | second.keys())} documents are in one file only, such as "
            f"'{min(alone)}'; expected predictions for the same documents"
        )
    scores_a = np.array(list(first.values()))  # (N, K)
    scores_b = np.array([second[identity] for identity in first])
    difference = 100 * (scores_b - scores_a)
    means = resampled_means(difference, samples, seed)  # (samples, K)
    low, high = interval(means)
    # The observed sample counts as one of the samples, so that no p-value is 0.
    beyond = np.minimum((means <= 0).sum(axis=0), (means >= 0).sum(axis=0))
    p_values = np.minimum(1.0, 2 * (beyond + 1) / (samples + 1))
    mean_a, mean_b, mean = 100 * scores_a.mean(axis=0), 100 * scores_b.mean(axis=0), difference.mean(axis=0)
    return {
        metric: Difference(
            float(mean_a[k]), float(mean_b[k]), float(mean[k]), (float(low[k]), float(high[k])), float(p_values[k])
        )
        for k, metric in enumerate(METRICS)
    }


def comparison_table(differences: dict[str, Difference]) -> str:
    """The differences as text."""
    lines = [f"{'':<8}{'a':>8}{'b':>8}{'b - a':>9}{'95% interval':>18}{'p':>9}"]
    for metric, difference in differences.items():
        low, high = difference.interval
        interval = f"({low:+.2f} {high:+.2f})"
        lines.append(
            f"{metric.upper():<8}{difference.a:>8.2f}{difference.b:>8.2f}{difference.mean:>+9.2f}{interval:>18}{difference.p_value:>9.4f}"
        )
    return "\n".join(lines)


def _read(path: Path) -> dict[str, list[float]]:
    """ROUGE F1 by document id; a repeated id gets a number."""
    scores: dict[str, list[float]] = {}
    seen: dict[str, int] = {}
    for place, record in read_json_lines(path):
        try:
            figures = [record["rouge"][metric] for metric in METRICS]
            values = [float("nan") if isinstance(value, bool) else float(value) for value in figures]
            identity = str(record["id"])
        except (ValueError, LookupError, TypeError) as error:
            raise BertsumError(
                f"{place}: expected a line of predictions.jsonl, with id and rouge: {error!r}"
            ) from error
        if not all(0 <= value <= 1 for value in values):
            raise BertsumError(f"{place}: field 'rouge': got {values}, expected figures from 0 to 1")
        times = seen[identity] = seen.get(identity, 0) + 1
        scores[identity if times == 1 else f"{identity} ({times})"] = values
    if not scores:
        raise BertsumError(f"'{path}' has no predictions")
    return scores
