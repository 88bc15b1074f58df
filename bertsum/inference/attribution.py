"""Computes how much each word changed a score, by methods of the package captum.

A method gets a score and the words of its document, and gives each word a value. The values add up (nearly, or by the
method's own rule) to a difference: the score of the document, less the score of the document with all words hidden.

# T tokens, E size of a word embedding, W words
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from bertsum.errors import BertsumError
from bertsum.inference.explained import ExplainedScore

# Numbers of points of the path at which gradients are taken. The next number is tried while the gap is above GAP. With
# fewer points than the first number, values of words are wrong by a tenth, even if they happen to add up.
_POINTS = (11, 23, 47, 95)
GAP = 0.02  # the largest gap between the sum of values and the difference, as a share of the difference
_ROWS_AT_ONCE = 32  # documents with hidden words that are made at a time


@dataclass(frozen=True)
class TokenWords:
    """The tokens of a document, and the words that they belong to.

    Attributes:
        input_ids: The tokens (T).
        hidden_ids: The tokens with all words hidden, by the mask token or by padding; special tokens stay (T).
        word: Number of each token's word; W, which is no word, for special tokens (T).
        count: Number of words (W).
    """

    input_ids: list[int]
    hidden_ids: list[int]
    word: list[int]
    count: int

    def sums(self, of_tokens: np.ndarray) -> np.ndarray:
        """Sums the values of tokens (T) to values of words (W)."""
        return np.bincount(self.word, of_tokens, self.count + 1)[: self.count]


@dataclass(frozen=True)
class Attribution:
    """How much each word changed a score.

    Attributes:
        values: A value for each word (W).
        passes: How many times the document was read.
    """

    values: np.ndarray
    passes: int


def integrated_gradients(score: ExplainedScore, words: TokenWords, difference: float, samples: int) -> Attribution:
    """Integrated gradients (arXiv 1703.01365) over word embeddings; the values add up to the difference.

    Args:
        score: The score.
        words: The words.
        difference: The score of the document, less its score with all words hidden; more points are taken if the values
            do not add up to it.
        samples: Not used.
    """
    method = _captum("IntegratedGradients")(score.of_vectors)
    vectors, hidden = score.vectors(words.input_ids), score.vectors(words.hidden_ids)  # (T, E)
    slopes: dict[float, np.ndarray] = {}  # at points of the path (W)
    values = np.zeros(words.count)
    for count in _POINTS:
        points, weights = fejer(count)
        for point in points:
            if point in slopes:
                continue
            # captum's one step takes the gradient in the middle of a path. So each point gets a path around itself, as
            # long as the whole. Thus points can be added later, and one document is in memory at a time.
            begin, end = (hidden + (point + side / 2) * (vectors - hidden) for side in (-1, 1))
            slope = method.attribute(end[None], begin[None], n_steps=1, method="gausslegendre")  # (1, T, E)
            slopes[point] = words.sums(slope[0].sum(dim=-1).double().cpu().numpy())
        values = sum((weight * slopes[point] for point, weight in zip(points, weights, strict=True)), values * 0)
        if abs(values.sum() - difference) <= GAP * abs(difference):
            break
    return Attribution(values, len(slopes))


def fejer(count: int) -> tuple[list[float], list[float]]:
    """Points between 0 and 1 and their weights, by Fejér's second rule for integrals.

    All ``n`` points of a rule are also points of the rule with ``2 n + 1`` points.
    """
    half = np.arange(1, count // 2 + 2)
    angles = np.arange(1, count + 1) * np.pi / (count + 1)
    sines = np.sin(np.outer(angles, 2 * half - 1)) / (2 * half - 1)  # (points, halves)
    weights = 2 * np.sin(angles) / (count + 1) * sines.sum(axis=1)
    return [float(f"{point:.12f}") for point in (1 - np.cos(angles)) / 2], weights.tolist()


def occlusion(score: ExplainedScore, words: TokenWords, difference: float, samples: int) -> Attribution:
    """Occlusion (arXiv 1311.2901): what the score loses if one word is hidden; the document is read once for each word.

    Args:
        score: The score.
        words: The words.
        difference: Not used.
        samples: Not used.
    """
    method = _captum("FeatureAblation")(score.of_ids)
    values = method.attribute(**_hiding(words), perturbations_per_eval=_ROWS_AT_ONCE)  # (1, T)
    firsts = [words.word.index(number) for number in range(words.count)]
    return Attribution(values[0, firsts].double().numpy(), words.count + 1)


def lime(score: ExplainedScore, words: TokenWords, difference: float, samples: int) -> Attribution:
    """A linear model of the score around the document (LIME, arXiv 1602.04938).

    Args:
        score: The score.
        words: The words.
        difference: Not used.
        samples: Number of copies of the document, with half of the words hidden, that the linear model is fitted to.
    """
    linear = _captum("SkLearnRidge", "captum._utils.models.linear_model")
    method = _captum("Lime")(score.of_ids, linear(alpha=1.0), similarity_func=_nearness)
    return _sampled(method, words, samples)


def shap(score: ExplainedScore, words: TokenWords, difference: float, samples: int) -> Attribution:
    """Shapley values of words, estimated from samples (Kernel SHAP, arXiv 1705.07874).

    Args:
        score: The score.
        words: The words.
        difference: Not used.
        samples: Number of copies of the document, with some words hidden, that the values are fitted to.
    """
    return _sampled(_captum("KernelShap")(score.of_ids), words, samples)


METHODS: dict[str, Callable[[ExplainedScore, TokenWords, float, int], Attribution]] = {
    "integrated_gradients": integrated_gradients,
    "occlusion": occlusion,
    "lime": lime,
    "shap": shap,
}


def _sampled(method: Any, words: TokenWords, samples: int) -> Attribution:
    """The values of a method that fits a linear model; captum draws from torch's generator, which is restored."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        values = method.attribute(
            **_hiding(words), n_samples=samples, perturbations_per_eval=_ROWS_AT_ONCE, return_input_shape=False
        )  # (1, W + 1)
    return Attribution(values[0, : words.count].double().numpy(), samples)


def _hiding(words: TokenWords) -> dict[str, torch.Tensor]:
    """Captum's arguments for methods that hide words; special tokens are a word of their own that stays as it is."""
    return {
        "inputs": torch.tensor([words.input_ids]),
        "baselines": torch.tensor([words.hidden_ids]),
        "feature_mask": torch.tensor([words.word]),
    }


def _nearness(_document: Any, _hidden: Any, kept: torch.Tensor, **_: Any) -> float:
    """LIME's weight of a sample: from the cosine between sample and document, as vectors of which words are kept."""
    distance = 100 * (1 - float(kept.float().mean()) ** 0.5)
    return float(np.exp(-((distance / 25) ** 2) / 2))


def _captum(name: str, module: str = "captum.attr") -> Any:
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise BertsumError("explanations need captum: pip install 'bertsum[explain]'") from error
