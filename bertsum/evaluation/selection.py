"""Scores to chosen sentences: how many, trigram blocking, budgets. Imports nothing of the models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from bertsum.errors import BertsumError
from bertsum.text import split_words


def select_sentences(
    scores: Sequence[float],
    texts: Sequence[str],
    *,
    sentences: int | None = 3,
    ratio: float | None = None,
    max_words: int | None = None,
    threshold: float | None = None,
    trigram_blocking: bool = False,
    order: Literal["document", "score"] = "document",
    document_sentences: int | None = None,
) -> list[int]:
    """Takes sentences by descending score while every limit that is set holds; ties go to the earlier one.

    Args:
        scores: Probability of each scored sentence.
        texts: The sentences that were scored; no other can be chosen.
        sentences: At most this many.
        ratio: At most this share of the document's sentences, but one at least.
        max_words: At most this many words in all; a sentence that does not fit is passed over, so that nothing is
            chosen where none fits.
        threshold: Only scores of at least this, but always the best one.
        trigram_blocking: Skip a sentence that shares a trigram of words with one already chosen (1903.10318,
            section 4.2).
        order: Order of the result.
        document_sentences: Sentences of the whole document, for ``ratio``; by default those that were scored.

    Returns:
        Places of the chosen sentences in ``texts``.

    Raises:
        BertsumError: if scores and texts do not match, or a score is not a number.
    """
    if len(scores) != len(texts):
        raise BertsumError(f"selection: {len(scores)} scores for {len(texts)} sentences, expected one each")
    if any(math.isnan(score) for score in scores):
        raise BertsumError("selection: a score is not a number; the model's weights are broken")
    limit = len(texts)
    if sentences is not None:
        limit = min(limit, sentences)
    if ratio is not None:
        limit = min(limit, max(1, int(ratio * (document_sentences or len(texts)) + 1e-9)))
    chosen: list[int] = []
    seen: set[tuple[str, ...]] = set()
    words_left = math.inf if max_words is None else max_words
    ranked = sorted(range(len(texts)), key=lambda index: -scores[index])
    for index in ranked:
        if len(chosen) >= limit or (threshold is not None and chosen and scores[index] < threshold):
            break
        words = split_words(texts[index])
        trigrams = set(zip(words, words[1:], words[2:], strict=False))
        if len(words) > words_left or (trigram_blocking and trigrams & seen):
            continue
        chosen.append(index)
        seen |= trigrams
        words_left -= len(words)
    return sorted(chosen) if order == "document" else chosen
