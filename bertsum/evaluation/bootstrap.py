"""The bootstrap: estimates how much a mean over documents would vary with other documents of the same kind.

# N documents, K figures of each
"""

from __future__ import annotations

import numpy as np


def resampled_means(values: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """Means over samples of the documents, drawn with replacement (samples, K).

    Args:
        values: Figures of each document (N, K).
        samples: Number of samples.
        seed: Seed of the draws; for the same N the same documents are drawn.
    """
    count = len(values)
    random = np.random.default_rng(seed)
    uniform = np.full(count, 1 / count)
    return np.stack([random.multinomial(count, uniform) @ values for _ in range(samples)]) / count


def perl_means(values: np.ndarray, samples: int) -> np.ndarray:
    """Means over samples of the documents, exactly those of ROUGE-1.5.5 (samples, K).

    Sample s is drawn by Perl's ``int(rand(N))`` after ``srand(s)``, and summed up in the order of the draws. Perl has
    the generator drand48 since version 5.20, and had it before on most systems.

    Args:
        values: Figures of each document (N, K).
        samples: Number of samples.
    """
    count = len(values)
    state = (np.arange(samples, dtype=np.uint64) << np.uint64(16)) + np.uint64(0x330E)
    sums = np.zeros((samples, values.shape[1]))
    for _ in range(count):
        state = (state * np.uint64(0x5DEECE66D) + np.uint64(0xB)) & np.uint64((1 << 48) - 1)
        sums += values[(state * 2.0**-48 * count).astype(np.intp)]
    return sums / count


def perl_interval(means: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """The interval of resampled means that ROUGE-1.5.5 prints (K each).

    Like the script, it interpolates by the same fraction at both ends, and takes 0 for a sample after the last one.

    Args:
        means: Resampled means (samples, K).
        confidence: How many percent of them the interval holds.
    """
    samples = len(means)
    ranked = np.concatenate([np.sort(means, axis=0), np.zeros((1, means.shape[1]))])
    outside = samples * ((100 - confidence) / 2) / 100
    low, high = int(outside), int(samples - outside - 1)
    fraction = samples - outside - 1 - high
    ends = (ranked[place] + (ranked[min(place + 1, samples)] - ranked[place]) * fraction for place in (low, high))
    return next(ends), next(ends)


def interval(means: np.ndarray, share: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """An interval of resampled means: for 95%, percentiles 2.5 and 97.5 (K each).

    Args:
        means: Resampled means (samples, K).
        share: The share of them that the interval holds, from 0 to 1.
    """
    outside = 50 - 50 * share
    low, high = np.percentile(means, [outside, 100 - outside], axis=0)
    return low, high
