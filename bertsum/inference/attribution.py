"""Computes how much each word changed a score: by integrated gradients, or by methods of the package captum.

A method gets a score and the words of its document, and gives each word a value. The values add up (nearly, or by the
method's own rule) to a difference: the score of the document, less the score of the document with all words hidden.

# T tokens, E size of a word embedding, W words
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from bertsum.errors import BertsumError
from bertsum.inference.explained import ExplainedScore
from bertsum.inference.explanation import Completeness

# Number of points of the path at which gradients are taken: at least, and at most while the gap is above GAP. With
# fewer, values of words are wrong by a tenth, even if they happen to add up. What bf16 has not reached with these, it
# does not reach with more: its rounding is larger than the gap.
_FEWEST, _MOST, _MOST_IN_BF16 = 11, 95, 31
GAP = 0.02  # the largest gap between the sum of values and the difference, as a share of the difference
_ROWS_AT_ONCE = 32  # documents with hidden words that are made at a time


@dataclass(frozen=True)
class TokenWords:
    """The tokens of a document, and the words that they belong to.

    Attributes:
        input_ids: The tokens (T).
        hidden_ids: The tokens with all words hidden, by the mask token if there is one; special tokens stay (T).
        padded_ids: The tokens with padding in the place of all words; special tokens stay (T).
        word: Number of each token's word; W, which is no word, for special tokens (T).
        count: Number of words (W).
    """

    input_ids: list[int]
    hidden_ids: list[int]
    padded_ids: list[int]
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
        score: The score of the document.
        hidden: The score of the document with all words hidden, or with padding in their place.
        passes: How many times the document was read.
    """

    values: np.ndarray
    score: float
    hidden: float
    passes: int

    @property
    def completeness(self) -> Completeness:
        """What the values add up to, beside what they should."""
        return Completeness(float(self.values.sum()), self.score - self.hidden, self.passes)


def integrated_gradients(score: ExplainedScore, words: TokenWords, samples: int) -> Attribution:
    """Integrated gradients (arXiv 1703.01365) over word embeddings, from padding to the words; the values add up to the
    difference.

    Points of the path are added where they are needed, so captum's method, which has fixed ones, is not used.

    Args:
        score: The score.
        words: The words.
        samples: Not used.
    """
    padding = score.vectors(words.padded_ids)  # (T, E)
    way = score.vectors(words.input_ids) - padding
    most = _MOST if score.precision == "fp32" else _MOST_IN_BF16
    read: dict[float, tuple[float, np.ndarray]] = {}  # score and slopes (W) at points of the path
    wanted = [0.0, 0.25, 0.5, 0.75, 1.0]
    while True:
        for point in wanted:
            with torch.enable_grad():
                vectors = (padding + point * way).requires_grad_()
                value = score.of_vectors(vectors[None])
                (gradient,) = torch.autograd.grad(value.sum(), vectors)
            slopes = (gradient * way).sum(dim=-1)  # of the score, by each token's step along the path (T)
            read[point] = _finite(value), words.sums(slopes.double().cpu().numpy())
        points = sorted(read)
        parts = spline_integrals(np.array(points), np.stack([read[point][1] for point in points]))
        values = parts.sum(axis=0)
        made = Attribution(values, read[1.0][0], read[0.0][0], len(points))
        if len(points) >= most or (made.completeness.gap <= GAP and len(points) >= _FEWEST):
            return made
        # What the score did between two points is known. The next point goes where the integral misses it most.
        missed = np.abs(parts.sum(axis=1) - np.diff([read[point][0] for point in points]))
        worst = int(missed.argmax())
        wanted = [(points[worst] + points[worst + 1]) / 2]


def spline_integrals(points: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Integrals of a cubic spline between its points; at the second and the last but one the third derivative is
    continuous, too ("not a knot"). It equals scipy's CubicSpline, whose import takes most of a second.

    Args:
        points: Ascending points, 4 or more (P).
        values: Values there of several functions (P, W).

    Returns:
        The integrals (P - 1, W).
    """
    steps = np.diff(points)[:, None]
    before, after = steps[:-1, 0], steps[1:, 0]
    system, right = np.zeros((len(points), len(points))), np.zeros_like(values)
    inner = np.arange(1, len(points) - 1)
    system[inner, inner - 1], system[inner, inner], system[inner, inner + 1] = before, 2 * (before + after), after
    right[1:-1] = 6 * np.diff(np.diff(values, axis=0) / steps, axis=0)
    system[0, :3] = after[0], -before[0] - after[0], before[0]
    system[-1, -3:] = after[-1], -before[-1] - after[-1], before[-1]
    bends = np.linalg.solve(system, right)  # second derivatives at the points (P, W)
    return steps * (values[:-1] + values[1:]) / 2 - steps**3 * (bends[:-1] + bends[1:]) / 24


def occlusion(score: ExplainedScore, words: TokenWords, samples: int) -> Attribution:
    """Occlusion (arXiv 1311.2901): what the score loses if one word is hidden; the document is read once for each word.

    Args:
        score: The score.
        words: The words.
        samples: Not used.
    """
    method = _captum("FeatureAblation")(score.of_ids)
    values = method.attribute(**_hiding(words), perturbations_per_eval=_ROWS_AT_ONCE)  # (1, T)
    firsts = [words.word.index(number) for number in range(words.count)]
    return Attribution(values[0, firsts].double().numpy(), *_ends(score, words), words.count + 1)


def lime(score: ExplainedScore, words: TokenWords, samples: int) -> Attribution:
    """A linear model of the score around the document (LIME, arXiv 1602.04938).

    Args:
        score: The score.
        words: The words.
        samples: Number of copies of the document, with half of the words hidden, that the linear model is fitted to.
    """
    linear = _imported("SkLearnRidge", "captum._utils.models.linear_model")
    method = _captum("Lime")(score.of_ids, linear(alpha=1.0), similarity_func=_nearness)
    return _sampled(method, score, words, samples)


def shap(score: ExplainedScore, words: TokenWords, samples: int) -> Attribution:
    """Shapley values of words, estimated from samples (Kernel SHAP, arXiv 1705.07874).

    Args:
        score: The score.
        words: The words.
        samples: Number of copies of the document, with some words hidden, that the values are fitted to.
    """
    if words.count == 1:  # there is nothing to divide
        whole, hidden = _ends(score, words)
        return Attribution(np.array([whole - hidden]), whole, hidden, 2)
    # Special tokens count to the first word: as a word of their own, they would get a part of the score.
    own = replace(words, word=[word if word < words.count else 0 for word in words.word])
    return _sampled(_captum("KernelShap")(score.of_ids), score, own, samples)


METHODS: dict[str, Callable[[ExplainedScore, TokenWords, int], Attribution]] = {
    "integrated_gradients": integrated_gradients,
    "occlusion": occlusion,
    "lime": lime,
    "shap": shap,
}


def _sampled(method: Any, score: ExplainedScore, words: TokenWords, samples: int) -> Attribution:
    """The values of a method that fits a linear model; captum draws from torch's generator, which is restored."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        values = method.attribute(
            **_hiding(words), n_samples=samples, perturbations_per_eval=_ROWS_AT_ONCE, return_input_shape=False
        )  # (1, W), or one more for special tokens
    return Attribution(values[0, : words.count].double().numpy(), *_ends(score, words), samples)


def _ends(score: ExplainedScore, words: TokenWords) -> tuple[float, float]:
    """The scores of the document, and of the document with all words hidden."""
    with torch.no_grad():
        whole, hidden = (score.of_vectors(score.vectors(ids)[None]) for ids in (words.input_ids, words.hidden_ids))
    return _finite(whole), _finite(hidden)


def _finite(score: torch.Tensor) -> float:
    value = score.item()
    if not math.isfinite(value):
        raise BertsumError("the explained score is not a number; the model's weights are broken")
    return value


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


def _captum(name: str) -> Any:
    return _imported(name, "captum.attr")


def _imported(name: str, module: str) -> Any:
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError as error:
        package = module.partition(".")[0]
        raise BertsumError(f"this method needs {package}: pip install 'bertsum[explain]'") from error
