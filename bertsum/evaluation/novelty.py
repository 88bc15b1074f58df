"""Measures how much a summary's text differs from its document: its length, and the words that are not in the document.

# N documents, 8 figures of each: the fields of ``Novelty``
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields

import numpy as np

from bertsum.results import NGRAMS, Novelty
from bertsum.support import count_unsupported, tokens, word_key
from bertsum.text import ngrams, split_words


def document_novelty(
    sentences: Sequence[str], document: Iterable[str], unsupported: Collection[str] = ()
) -> list[float]:
    """The figures of one summary; their means over documents are a :class:`Novelty`.

    Novel n-grams are those that the document does not have (See et al. 2017, Narayan et al. 2018). Words are compared
    in small letters, without the punctuation around them. An n-gram that a summary repeats counts once. N-grams of a
    summary do not cross its sentences, so an extract has no novel ones. Without any n-gram the share is nan.

    Args:
        sentences: The summary.
        document: The sentences of the document.
        unsupported: Words of the summary that the document does not have, as the model found them.
    """
    summary = [words_of(sentence) for sentence in sentences]
    source = [word for sentence in document for word in words_of(sentence)]
    keys = {word_key(word) for word in unsupported}
    counted = [count_unsupported(sentence, keys) for sentence in sentences]
    wrong, words = sum(count for count, _ in counted), sum(count for _, count in counted)
    return [
        float(sum(len(split_words(sentence)) for sentence in sentences)),
        float(len(sentences)),
        *(_novel(summary, source, size) for size in NGRAMS),
        float(bool(keys)),
        wrong / words if words else 0.0,
    ]


def summarize_novelty(figures: np.ndarray) -> Novelty:
    """The means over documents (N, 8); documents without a share are left out of its mean."""
    known = ~np.isnan(figures)
    sums, counts = np.where(known, figures, 0.0).sum(axis=0), known.sum(axis=0)
    means = np.divide(sums, counts, out=np.zeros(figures.shape[1]), where=counts > 0)
    names = [item.name for item in fields(Novelty)]
    return Novelty(**dict(zip(names, means.tolist(), strict=True)))


def words_of(sentence: str) -> list[str]:
    """The words of a sentence in small letters, without the punctuation around them."""
    return [sentence[token.begin : token.end].lower() for token in tokens(sentence)]


def _novel(summary: Iterable[Sequence[str]], source: Sequence[str], size: int) -> float:
    """The share of a summary's n-grams that its document does not have."""
    grams = {gram for sentence in summary for gram in ngrams(sentence, size)}
    if not grams:
        return float("nan")
    return len(grams - set(ngrams(source, size))) / len(grams)
