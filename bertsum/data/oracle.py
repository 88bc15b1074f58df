"""Reference summaries to extractive labels: the greedy oracle of BERTSUM (arXiv 1903.10318, section 4.1).

# S sentences, R references
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from typing import Any, Literal

import regex

from bertsum.errors import BertsumError
from bertsum.text import split_words

_NOT_ASCII_ALPHANUMERIC = re.compile(r"[^a-zA-Z0-9 ]")
# Combining marks are part of a word in Hindi, Arabic or Vietnamese; the underscore is not in these classes.
_NOT_ALPHANUMERIC = regex.compile(r"[^\p{L}\p{M}\p{N}\s]")

# 12 sentences make 298 extracts of up to three; with 16 (696), CNN/DailyMail labels change by 0.011 on average.
SOFT_CANDIDATES = 12

Ngrams = set[tuple[str, ...]]


def oracle_words(text: str, mode: Literal["unicode", "paper"] = "unicode") -> list[str]:
    """A text's words as the oracle compares them; case is kept, punctuation erased.

    ``paper`` erases everything but ASCII letters, digits and spaces, as the authors did: nothing is left of Chinese,
    Russian or Arabic. ``unicode`` keeps letters, marks and digits of every script, and gives the same on ASCII text.
    """
    if mode == "paper":
        return _NOT_ASCII_ALPHANUMERIC.sub("", text).split()
    return split_words(_NOT_ALPHANUMERIC.sub("", text))


def _ngrams(words: Sequence[str]) -> tuple[Ngrams, Ngrams]:
    """Distinct unigrams and bigrams."""
    return {(word,) for word in words}, set(itertools.pairwise(words))


def _f1(overlap: int, candidate: int, reference: int) -> float:
    """ROUGE-N F1 over distinct n-grams, to the last bit as the authors compute it."""
    precision = overlap / candidate if candidate else 0.0
    recall = overlap / reference if reference else 0.0
    return 2.0 * ((precision * recall) / (precision + recall + 1e-8))


def greedy_oracle(
    sentences: Sequence[str],
    summary: str | Sequence[str] | Sequence[Sequence[str]],
    max_sentences: int = 3,
    mode: Literal["unicode", "paper"] = "unicode",
    references: Literal["mean", "best"] = "mean",
) -> list[int]:
    """Chooses, one at a time, the sentence that most increases ROUGE-1 F1 + ROUGE-2 F1, until none does.

    N-grams are counted as sets. Those of the document never cross sentences; those of the reference do.

    Args:
        sentences: The document's sentences (S).
        summary: The reference: a string, a list of its sentences, or a list of several such lists.
        max_sentences: Choose at most this many.
        mode: Normalisation of text, see :func:`oracle_words`.
        references: With several references, maximise the mean over them or the best of them.

    Returns:
        Indices of the chosen sentences, in document order; none where no sentence shares a word with the reference.

    Raises:
        BertsumError: if a sentence or the summary is not text.
    """
    _check_arguments("greedy_oracle", sentences, mode, references)
    texts = _reference_texts(summary)
    targets = [_ngrams(oracle_words(text, mode)) for text in texts]  # R x (unigrams, bigrams)
    grams = [_ngrams(oracle_words(sentence, mode)) for sentence in sentences]  # S x (unigrams, bigrams)
    # What a sentence shares with each reference never changes; what it adds to the chosen ones is a set difference.
    shared = [[(own[0] & target[0], own[1] & target[1]) for target in targets] for own in grams]
    average = len(targets) if references == "mean" else 1
    combine = sum if references == "mean" else max

    chosen: list[int] = []
    covered: tuple[Ngrams, Ngrams] = (set(), set())
    best = 0.0
    while len(chosen) < max_sentences:
        pick = -1
        hit = [[len(covered[n] & target[n]) for n in (0, 1)] for target in targets]
        for index, own in enumerate(grams):
            if index in chosen:
                continue
            # F1 of the chosen sentences with this one, from the sizes of unions
            size = [len(covered[n]) + len(own[n] - covered[n]) for n in (0, 1)]
            scores = []
            for target, already, common in zip(targets, hit, shared[index], strict=True):
                hits = [already[n] + len(common[n] - covered[n]) for n in (0, 1)]
                scores.append(_f1(hits[0], size[0], len(target[0])) + _f1(hits[1], size[1], len(target[1])))
            score = combine(scores) / average
            if score > best:
                best, pick = score, index
        if pick < 0:
            break
        chosen.append(pick)
        covered = (covered[0] | grams[pick][0], covered[1] | grams[pick][1])
    return sorted(chosen)


def _check_arguments(function: str, sentences: Any, mode: str, references: str) -> None:
    for name, value, known in (("mode", mode, ("unicode", "paper")), ("references", references, ("mean", "best"))):
        if value not in known:
            raise BertsumError(f"{function}: {name}: got {value!r}, expected {known[0]} or {known[1]}")
    if (
        not isinstance(sentences, Sequence)
        or isinstance(sentences, str)
        or not all(isinstance(sentence, str) for sentence in sentences)
    ):
        raise BertsumError(f"{function}: sentences: expected a list of strings (split_sentences makes one)")


def soft_oracle(
    sentences: Sequence[str],
    summary: str | Sequence[str] | Sequence[Sequence[str]],
    max_sentences: int = 3,
    temperature: float = 0.05,
    mode: Literal["unicode", "paper"] = "unicode",
    references: Literal["mean", "best"] = "mean",
) -> list[float]:
    """How probable it is that a good extract has each sentence.

    An extract E, a set of up to ``max_sentences`` sentences, has probability ``exp(score(E) / temperature)`` up to a
    constant, with the score of :func:`greedy_oracle`; a sentence has the sum over the extracts that it is in. Many
    extracts are nearly as good as the oracle's: this tells a sentence in some of them from one in none. Extracts are
    made of the ``SOFT_CANDIDATES`` sentences with the highest scores of their own; all others have 0.

    Args:
        sentences: The document's sentences (S).
        summary: The reference: a string, a list of its sentences, or a list of several such lists.
        max_sentences: Extracts have at most this many sentences.
        temperature: Towards 0, the best extract alone counts; 0.05 is five points of ROUGE-1 + ROUGE-2.
        mode: Normalisation of text, see :func:`oracle_words`.
        references: With several references, the mean over them or the best of them is the score.

    Returns:
        A probability for each sentence (S); all 0 where no sentence shares a word with the reference.

    Raises:
        BertsumError: if the temperature is not more than 0, or a sentence or the summary is not text.
    """
    if not temperature > 0:
        raise BertsumError(f"soft_oracle: temperature: got {temperature}, expected more than 0")
    _check_arguments("soft_oracle", sentences, mode, references)
    targets = [_ngrams(oracle_words(text, mode)) for text in _reference_texts(summary)]
    grams = [_ngrams(oracle_words(sentence, mode)) for sentence in sentences]
    # Sets as bits of whole numbers: a union is one operation, and there are hundreds of extracts.
    numbers: tuple[dict[tuple[str, ...], int], ...] = ({}, {})

    def bits(own: tuple[Ngrams, Ngrams]) -> tuple[int, int]:
        first, second = (
            sum(1 << number.setdefault(gram, len(number)) for gram in grams)
            for grams, number in zip(own, numbers, strict=True)
        )
        return first, second

    target_bits = [bits(target) for target in targets]
    sentence_bits = [bits(own) for own in grams]
    average = len(targets) if references == "mean" else 1
    combine = sum if references == "mean" else max

    def score(extract: Sequence[int]) -> float:
        covered = [0, 0]
        for index in extract:
            covered = [covered[n] | sentence_bits[index][n] for n in (0, 1)]
        scores = (
            sum(_f1((covered[n] & own[n]).bit_count(), covered[n].bit_count(), own[n].bit_count()) for n in (0, 1))
            for own in target_bits
        )
        return combine(scores) / average

    alone = [score([index]) for index in range(len(sentences))]
    candidates = sorted(range(len(sentences)), key=lambda index: -alone[index])[:SOFT_CANDIDATES]
    candidates = [index for index in candidates if alone[index] > 0]
    extracts = [extract for size in range(1, max_sentences + 1) for extract in itertools.combinations(candidates, size)]
    scores = [score(extract) for extract in extracts]
    best = max(scores, default=0.0)
    weights = [math.exp((value - best) / temperature) for value in scores]
    total = sum(weights)
    labels = [0.0] * len(sentences)
    for extract, weight in zip(extracts, weights, strict=True):
        for index in extract:
            labels[index] += weight / total
    return [min(1.0, label) for label in labels]


def _reference_texts(summary: str | Sequence[str] | Sequence[Sequence[str]]) -> list[str]:
    """One string per reference: bigrams of a reference may cross its sentences."""
    if isinstance(summary, str):
        return [summary]
    if not isinstance(summary, Sequence) or not all(isinstance(item, str | Sequence) for item in summary):
        raise BertsumError("oracle: summary: expected a string, a list of sentences or a list of such lists")
    several = [[item] if isinstance(item, str) else list(item) for item in summary]
    if not all(isinstance(sentence, str) for reference in several for sentence in reference):
        raise BertsumError("oracle: summary: expected a string, a list of sentences or a list of such lists")
    if all(isinstance(item, str) for item in summary):
        several = [[sentence for reference in several for sentence in reference]]
    return [" ".join(reference) for reference in several]
