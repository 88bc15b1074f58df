"""Figures beside ROUGE: how much a summary copies, what it repeats, and how many of its best sentences the oracle has.

# N documents, K figures of each
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial

import numpy as np

from bertsum.evaluation.bootstrap import interval, resampled_means
from bertsum.evaluation.novelty import words_of
from bertsum.results import BERTSCORE, TEXT_FIGURES, CorpusScore
from bertsum.text import ngrams

_REPEATED = 3  # words of the n-grams whose repetition counts
_RANKS = (1, 3)

# What each metric of the config gives, by its name in the results.
FIGURES_OF = {
    "coverage": ("coverage",),
    "density": ("density",),
    "redundancy": ("redundancy",),
    "precision_at": tuple(f"precision_at_{rank}" for rank in _RANKS),
    BERTSCORE: (BERTSCORE,),
}


def asked_figures(metrics: Iterable[str], of_vectors: bool = True) -> list[str]:
    """The figures that the given metrics ask for, in the order of the table.

    Args:
        metrics: ``evaluation.metrics``.
        of_vectors: Whether to include figures that need an encoder (:mod:`bertsum.evaluation.bertscore`).
    """
    asked = {name for metric in metrics for name in FIGURES_OF.get(metric, ())}
    return [name for name in TEXT_FIGURES if name in asked and (of_vectors or name != BERTSCORE)]


def fragments(summary: Sequence[str], document: Sequence[str]) -> list[int]:
    """Lengths of the extractive fragments of a summary (Grusky et al. 2018, Newsroom, figure 3).

    From the first word on, the longest run of words that the document has, too, is a fragment; the search continues
    after it. A word that the document does not have is in no fragment.

    Args:
        summary: The words of the summary.
        document: The words of the document.
    """
    places: dict[str, list[int]] = {}
    for place, word in enumerate(document):
        places.setdefault(word, []).append(place)
    lengths = []
    begin = 0
    while begin < len(summary):
        longest = 0
        for place in places.get(summary[begin], ()):
            # Only a longer run counts, so its last word is looked at first.
            if (
                longest
                and summary[begin + longest : begin + longest + 1] != document[place + longest : place + longest + 1]
            ):
                continue
            length = 1
            while summary[begin + length : begin + length + 1] == document[place + length : place + length + 1] != []:
                length += 1
            longest = max(longest, length)
        if longest:
            lengths.append(longest)
        begin += max(longest, 1)
    return lengths


def coverage(summary: Sequence[str], document: Sequence[str]) -> float:
    """The share of a summary's words that are in extractive fragments (Grusky et al. 2018); nan without words."""
    return sum(fragments(summary, document)) / len(summary) if summary else float("nan")


def density(summary: Sequence[str], document: Sequence[str]) -> float:
    """The mean length of the fragment that a word of a summary is in (Grusky et al. 2018); nan without words."""
    return sum(length**2 for length in fragments(summary, document)) / len(summary) if summary else float("nan")


def redundancy(sentences: Iterable[Sequence[str]]) -> float:
    """The share of a summary's trigrams that occurred in it before: seq-rep-3 of Welleck et al. (2020), in sentences.

    Args:
        sentences: The words of each sentence. Without any trigram there is no share: nan.
    """
    grams = [gram for words in sentences for gram in ngrams(words, _REPEATED)]
    return 1 - len(set(grams)) / len(grams) if grams else float("nan")


def precision_at(ranking: Sequence[int], relevant: Collection[int], rank: int) -> float:
    """The share of the first sentences of a ranking that are relevant: P@k.

    Args:
        ranking: Sentences, the best one first.
        relevant: Sentences of the oracle. Without any there is no share: nan.
        rank: How many of the first sentences count; all of them, if the ranking has fewer.
    """
    first = ranking[:rank]
    return sum(index in relevant for index in first) / len(first) if first and relevant else float("nan")


def document_figures(
    names: Iterable[str],
    summary: Iterable[str],
    document: Iterable[str],
    ranking: Sequence[int] | None = None,
    oracle: Collection[int] = (),
) -> list[float]:
    """Figures of one summary (K); nan for a figure that it does not have.

    Args:
        names: Names of :data:`bertsum.results.TEXT_FIGURES`.
        summary: Its sentences.
        document: The document's sentences.
        ranking: The document's sentences by their scores; None if a system has no such ranking.
        oracle: The sentences that the oracle chooses.
    """
    sentences = [words_of(sentence) for sentence in summary]
    words = [word for sentence in sentences for word in sentence]
    source = [word for sentence in document for word in words_of(sentence)]
    figures: dict[str, Callable[[], float]] = {
        "coverage": partial(coverage, words, source),
        "density": partial(density, words, source),
        "redundancy": partial(redundancy, sentences),
        **{f"precision_at_{rank}": partial(precision_at, ranking or (), oracle, rank) for rank in _RANKS},
    }
    return [figures[name]() for name in names]


def ranked(scores: Sequence[float | None]) -> list[int]:
    """The sentences that were scored, from the best to the worst; of equal ones the first stands first."""
    known = [(-score, index) for index, score in enumerate(scores) if score is not None]
    return [index for _, index in sorted(known)]


def summarize_figures(names: Sequence[str], values: np.ndarray, samples: int, seed: int) -> dict[str, CorpusScore]:
    """Means over documents with 95% bootstrap intervals, by name; without figures that no document has.

    Args:
        names: The figures' names (K).
        values: Figures of each document (N, K). Documents without a figure are left out of its mean.
        samples: Number of resamplings.
        seed: Seed of the resamplings.
    """
    known = ~np.isnan(values)
    both = np.concatenate([np.where(known, values, 0.0), known], axis=1)  # (N, 2K)
    drawn = resampled_means(both, samples, seed)
    count = len(names)
    scores = {}
    for place, name in enumerate(names):
        if not known[:, place].any():
            continue
        has_some = drawn[:, count + place] > 0
        low, high = interval(drawn[has_some, place] / drawn[has_some, count + place])
        scores[name] = CorpusScore(float(values[known[:, place], place].mean()), (float(low), float(high)))
    return scores
