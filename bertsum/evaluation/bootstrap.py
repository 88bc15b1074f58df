"""The bootstrap: how much a mean over documents would vary with other documents of the same kind.

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


def interval(means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 95% interval of resampled means: percentiles 2.5 and 97.5 (K each)."""
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    return low, high
