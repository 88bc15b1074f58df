"""Chooses sentences by their scores: limits, thresholds, trigram blocking. It does not import models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from bertsum.config import NO_THRESHOLD, SelectionConfig
from bertsum.errors import BertsumError
from bertsum.text import is_character, ngrams, split_words, unify_spelling

# Share of pairs of sentences of a document that have an n-gram in common:
#   words, English news (CNN/DailyMail): 3-grams 6.0%; English abstracts (SciTLDR): 3-grams 5.0%
#   characters, Chinese abstracts (CSL): 3-grams 61%, 4 46%, 5 28%, 6 18%, 7 11%, 8 6.7%, 9 4.3%
# So sharing 8 characters is about as rare as sharing the paper's 3 words. Sentences of CSL are long (52 characters).
TRIGRAM = 3
CHARACTERS = 8


def blocking_ngrams(text: str) -> set[tuple[str, ...]]:
    """The n-grams that no two chosen sentences may share with trigram blocking.

    They are 3 words (1903.10318, section 4.2; words of ``str.split()``, case kept). In a text mostly without spaces
    they are 8 characters, without punctuation.
    """
    words = split_words(unify_spelling(text))
    size = TRIGRAM
    if 2 * sum(map(is_character, words)) > len(words):
        words = [word for word in words if any(map(str.isalnum, word))]
        size = CHARACTERS
    return set(ngrams(words, size))


def answering(selection: SelectionConfig) -> SelectionConfig:
    """How sentences that answer a query are chosen: all above a threshold, without blocking.

    Args:
        selection: How summaries are chosen.
    """
    least = 0.5 if selection.query_threshold is None else selection.query_threshold
    return replace(
        selection,
        sentences=None,
        ratio=None,
        max_words=None,
        threshold=least,
        trigram_blocking=False,
        candidates=None,
        fill=False,
        place_weight=0.0,
    )


def preferred(
    scores: Sequence[float], positions: Sequence[int], window: int, selection: SelectionConfig
) -> list[float]:
    """The scores by which sentences are chosen, those beyond the first window divided as ``place_weight`` says.

    In long documents, what a summary tells mostly stands at the beginning; scores of a model that has read only the
    beginnings of documents do not say so (docs/long-documents.md).

    Args:
        scores: Score of each sentence that was read (S).
        positions: Place of each sentence's first token in the whole document (S).
        window: Tokens of a window.
        selection: How sentences are chosen.
    """
    weight = selection.place_weight if selection.threshold is None else 0.0
    return [score / max(1.0, place / window) ** weight for score, place in zip(scores, positions, strict=True)]


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
    may_be_empty: bool = False,
) -> list[int]:
    """Takes sentences by descending score within all limits that are set; ties go to the earlier sentence.

    Args:
        scores: Score of each scored sentence.
        texts: The scored sentences; only these can be chosen.
        sentences: At most this many.
        ratio: At most this share of the document's sentences, but one at least.
        max_words: At most this many words in all; sentences that do not fit are skipped, and the result may be
            empty.
        threshold: Only scores of at least this; the best sentence is always allowed, unless the result may be empty.
        trigram_blocking: Skip a sentence that shares a trigram with one already chosen (:func:`blocking_ngrams`).
        order: Order of the result.
        document_sentences: Number of sentences of the whole document, for ``ratio``; by default the scored ones.
        may_be_empty: Whether the threshold holds for the best sentence, too.

    Returns:
        Places of the chosen sentences in ``texts``.

    Raises:
        BertsumError: if scores and texts do not match, or a score is not a number.
    """
    if len(scores) != len(texts):
        raise BertsumError(f"selection: {len(scores)} scores for {len(texts)} sentences, expected one each")
    check_scores(scores)
    limit = min(len(texts), most_sentences(sentences, ratio, document_sentences or len(texts)))
    chosen: list[int] = []
    seen: set[tuple[str, ...]] = set()
    words_left = math.inf if max_words is None else max_words
    ranked = sorted(range(len(texts)), key=lambda index: -scores[index])
    for index in ranked:
        if len(chosen) >= limit:
            break
        if threshold is not None and (chosen or may_be_empty) and scores[index] < threshold:
            break
        words = len(split_words(texts[index])) if max_words is not None else 0
        ngrams = blocking_ngrams(texts[index]) if trigram_blocking else set()
        if words > words_left or ngrams & seen:
            continue
        chosen.append(index)
        seen |= ngrams
        words_left -= words
    return sorted(chosen) if order == "document" else chosen


def check_scores(scores: Sequence[float]) -> None:
    """Checks that scores are numbers.

    Raises:
        BertsumError: if one is not.
    """
    if any(math.isnan(score) for score in scores):
        raise BertsumError("selection: a score is not a number; the model's weights are broken")


def check_threshold(scores: str, selection: SelectionConfig) -> None:
    """Checks that a threshold, if there is one, means something.

    Args:
        scores: What a score is (``SavedConfig.scores``).
        selection: How sentences are to be chosen.

    Raises:
        BertsumError: if the scores of a document add up to 1, so that no threshold fits documents of every length.
    """
    if scores == "softmax" and selection.threshold is not None:
        raise BertsumError(
            f"selection.threshold: got {selection.threshold}, expected null: this model was trained with {NO_THRESHOLD}"
            "; say how many sentences or words a summary has"
        )


def most_sentences(sentences: int | None, ratio: float | None, document_sentences: int) -> int:
    """How many sentences of a document may be chosen.

    Args:
        sentences: At most this many.
        ratio: At most this share of the document's sentences, but one at least.
        document_sentences: Number of sentences of the document.
    """
    most = document_sentences if sentences is None else min(document_sentences, sentences)
    return most if ratio is None else min(most, max(1, int(ratio * document_sentences + 1e-9)))


def is_enough(candidates: Sequence[str], document: Sequence[str], selection: SelectionConfig) -> bool:
    """Whether a summary of the requested length is possible without the document's short sentences.

    In a dialogue, minutes or a list it is not, because most sentences are short.

    Args:
        candidates: The sentences that are not short.
        document: All sentences.
        selection: The requested length.
    """
    count = sum(bool(sentence.strip()) for sentence in document)
    if len(candidates) == count:
        return True
    if 2 * len(candidates) < count:
        return False
    most = most_sentences(selection.sentences, selection.ratio, count)
    if selection.max_words is None:
        without_end = selection.sentences is None and selection.ratio is None
        return without_end or len(candidates) >= most
    words = sorted(len(split_words(sentence)) for sentence in candidates)
    return words[0] <= selection.max_words and (len(words) >= most or sum(words) > selection.max_words)
