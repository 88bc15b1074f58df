"""Which sentences to take together: those with the best expected ROUGE.

Scores rank sentences one by one. But two sentences that say the same are worth little more than one of them, and a
third that adds few words of the reference lowers ROUGE. The reference is not known. How likely it has an n-gram of the
document can be estimated from the scores of the sentences with that n-gram. A small network does so; it is fitted on
held-back documents. Then an extract E, a set of sentences, has

    expected ROUGE-n F1 (E) = 2 * sum of P(the reference has g) over the n-grams g in E / (|E|_n + r_n)

with ``|E|_n`` n-grams in E, and ``r_n`` in a reference on average. The summary is the extract with the largest sum for
n = 1 and 2. It may be shorter than it is allowed to be. No rule against repetition is needed: an n-gram counts once.

Gillick and Favre 2009 (aclanthology.org/W09-1802) choose the extract by the n-grams that it covers; Li, Qian and Liu
2013 (aclanthology.org/P13-1099) learn what bigrams are worth.

# S sentences that were read, C candidates, E extracts, G distinct n-grams, F features, H hidden units
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bertsum.config import SelectionConfig
from bertsum.data.oracle import all_extracts
from bertsum.data.stemmer import base_form
from bertsum.models.selection import blocking_ngrams, check_scores, most_sentences
from bertsum.text import alphanumeric_words, ngrams, split_words, unify_spelling

FEATURES = 9
_MOST_EXTRACTS = 1 << 13  # all of them are compared; of more, one is built sentence by sentence
_LEAST = 1e-4  # a score below this counts as this in a logarithm


def words_of(text: str) -> list[str]:
    """The words that extracts and references are compared by: in lower case, of any script, with the stems of
    ROUGE-1.5.5 where they are ASCII.
    """
    words = alphanumeric_words(unify_spelling(text).lower())
    return [base_form(word) if word.isascii() else word for word in words]


class Ngrams:
    """The n-grams of a document's sentences.

    Attributes:
        number: Each distinct n-gram, a tuple of words, and its number (G).
        sentence: For each pair of a sentence and one of its distinct n-grams, the sentence (pairs).
        ngram: The n-gram of each pair.
        count: How often the sentence has it.
        sizes: N-grams of each sentence (S).
    """

    def __init__(self, sentences: Sequence[Sequence[str]], n: int) -> None:
        """Takes the words of each sentence."""
        self.number: dict[tuple[str, ...], int] = {}
        numbers = [
            [self.number.setdefault(ngram, len(self.number)) for ngram in ngrams(words, n)] for words in sentences
        ]
        self.sizes = np.array([len(one) for one in numbers])
        distinct = max(1, len(self.number))
        owners = np.repeat(np.arange(len(sentences)), self.sizes)
        flat = np.fromiter((number for one in numbers for number in one), np.int64, int(self.sizes.sum()))
        codes, self.count = np.unique(owners * distinct + flat, return_counts=True)
        self.sentence, self.ngram = np.divmod(codes, distinct)

    def features(self, scores: np.ndarray, places: np.ndarray) -> np.ndarray:
        """What is known of each n-gram (G, F).

        Args:
            scores: The scores of the sentences (S).
            places: Their places in the document (S).
        """
        of_pair, distinct = scores[self.sentence], len(self.number)
        total = np.bincount(self.ngram, of_pair, distinct)
        sentences = np.bincount(self.ngram, minlength=distinct)
        best, most, first = np.zeros(distinct), np.zeros(distinct), np.full(distinct, np.inf)
        np.maximum.at(best, self.ngram, of_pair)
        np.maximum.at(most, self.ngram, self.count)
        np.minimum.at(first, self.ngram, places[self.sentence])
        characters = np.array([sum(map(len, ngram)) / len(ngram) for ngram in self.number])
        return np.stack(
            [
                total,
                total / max(scores.sum(), _LEAST),
                best,
                np.log(best + _LEAST),
                np.log(sentences),
                sentences / len(scores),
                np.log1p(first),
                most - 1,
                np.log1p(characters),
            ],
            axis=1,
        )

    def members(self, candidates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which n-grams each candidate has (C, n-grams of candidates), and the numbers of these n-grams."""
        row = np.full(len(self.sizes), -1)
        row[candidates] = np.arange(len(candidates))
        own = row[self.sentence] >= 0
        used, column = np.unique(self.ngram[own], return_inverse=True)
        members = np.zeros((len(candidates), len(used)), dtype=np.float32)
        members[row[self.sentence[own]], column] = 1
        return members, used


@dataclass(frozen=True)
class NgramNetwork:
    """How likely a reference has an n-gram: ``sigmoid(output . tanh(hidden . features + hidden_bias) + output_bias)``.

    Attributes:
        hidden: (H, F).
        hidden_bias: (H).
        output: (H).
        output_bias: A number.
        length: N-grams of a reference on average (``r_n``).
    """

    hidden: tuple[tuple[float, ...], ...]
    hidden_bias: tuple[float, ...]
    output: tuple[float, ...]
    output_bias: float
    length: float

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """(G, F) to (G)."""
        inner = np.tanh(features @ np.array(self.hidden).T + np.array(self.hidden_bias))
        logits = inner @ np.array(self.output) + self.output_bias
        probabilities: np.ndarray = 1 / (1 + np.exp(-logits.clip(-50, 50)))
        return probabilities


@dataclass(frozen=True)
class ExpectedRouge:
    """Chooses extracts by their expected ROUGE (:mod:`bertsum.evaluation.fitting` makes it).

    Attributes:
        unigrams: The network for single words.
        bigrams: The network for two words in a row.
        documents: How many documents the networks were fitted on.
    """

    unigrams: NgramNetwork
    bigrams: NgramNetwork
    documents: int

    def choose(
        self,
        scores: Sequence[float],
        texts: Sequence[str],
        places: Sequence[int],
        selection: SelectionConfig,
        document_sentences: int,
    ) -> list[int]:
        """The extract with the best expected ROUGE within the limits of a selection; of equal ones the shortest.

        Args:
            scores: Score of each sentence that was read (S).
            texts: The sentences (S).
            places: Their places in the document, ascending (S).
            selection: The limits, and whether the extract is filled up to them.
            document_sentences: Number of sentences of the document.

        Returns:
            Places of the chosen sentences in ``texts``; none if a limit of words excludes each.

        Raises:
            BertsumError: if a score is not a number.
        """
        check_scores(scores)
        found = _Candidates(scores, texts, selection, document_sentences)
        if not len(found.places):
            return []
        parts = self._parts(found, scores, texts, places)
        if found.are_few:
            extracts, values = _compared(found, parts)
            chosen = np.flatnonzero(extracts[int(values.argmax())]).tolist()
        else:
            chosen = _built_extract(found, parts)
        own = found.places[chosen].tolist()
        return own if selection.order == "document" else sorted(own, key=lambda place: -scores[place])

    def margin(
        self,
        sentence: int,
        scores: Sequence[float],
        texts: Sequence[str],
        places: Sequence[int],
        selection: SelectionConfig,
        document_sentences: int,
    ) -> float | None:
        """How much better the best extract with a sentence is than the best without it; below 0 it is not chosen.

        Args:
            sentence: Its place in ``texts``.
            scores: As in :meth:`choose`, like all that follow.
            texts: The sentences that were read (S).
            places: Their places in the document (S).
            selection: The limits.
            document_sentences: Number of sentences of the document.

        Returns:
            A difference of expected ROUGE-1 + ROUGE-2, infinite if all extracts have the sentence or none; None if
            there are too many extracts to compare.
        """
        found = _Candidates(scores, texts, selection, document_sentences)
        if sentence not in found.places:
            return -math.inf
        if not found.are_few:
            return None
        extracts, values = _compared(found, self._parts(found, scores, texts, places))
        having = extracts[:, int(np.flatnonzero(found.places == sentence)[0])] > 0
        best = [values[own].max() if own.any() else -math.inf for own in (having, ~having)]
        return float(best[0] - best[1])

    def _parts(
        self, found: _Candidates, scores: Sequence[float], texts: Sequence[str], places: Sequence[int]
    ) -> list[_Part]:
        """What expected ROUGE-1 and ROUGE-2 of extracts need."""
        words, values = [words_of(text) for text in texts], np.asarray(scores, dtype=np.float64)
        parts = []
        for n, network in ((1, self.unigrams), (2, self.bigrams)):
            of_document = Ngrams(words, n)
            members, used = of_document.members(found.places)
            likely = network.probabilities(of_document.features(values, np.asarray(places))[used])
            sizes = of_document.sizes[found.places]
            parts.append(_Part(members, likely, sizes, max(network.length, found.wanted_length(sizes))))
        return parts


class _Candidates:
    """The sentences that extracts are made of, and the limits of an extract.

    Attributes:
        places: Their places among the sentences that were read, ascending (C).
        words: Words of each (C).
        most: An extract has at most this many of them.
        budget: And this many words.
        fill: Whether an extract goes on up to the limits.
        apart: Whether two candidates may not stand in one extract (C, C).
    """

    def __init__(
        self, scores: Sequence[float], texts: Sequence[str], selection: SelectionConfig, document_sentences: int
    ) -> None:
        ranked = sorted(range(len(texts)), key=lambda place: -scores[place])
        if selection.threshold is not None:
            ranked = [place for place in ranked if place == ranked[0] or scores[place] >= selection.threshold]
        words = {place: len(split_words(texts[place])) for place in ranked}
        self.budget = math.inf if selection.max_words is None else selection.max_words
        ranked = [place for place in ranked if words[place] <= self.budget]
        limit = most_sentences(selection.sentences, selection.ratio, document_sentences)
        self.fill = selection.fill
        count = selection.candidates or len(ranked)
        if self.fill:  # enough of them for twice the length
            half, total = min(limit, len(ranked)), 0
            for number, place in enumerate(ranked if self.budget < math.inf else (), start=1):
                total += words[place]
                if total >= self.budget:
                    half = min(half, number)
                    break
            count = max(count, 2 * half)
        self.places = np.array(sorted(ranked[:count]), dtype=np.int64)
        self.words = np.array([words[place] for place in self.places])
        self.most = min(limit, len(self.places))
        self._best = np.searchsorted(self.places, ranked[: self.most])
        self.apart = np.zeros((len(self.places),) * 2, dtype=bool)
        if selection.trigram_blocking:
            blocking = [blocking_ngrams(texts[place]) for place in self.places]
            for one, own in enumerate(blocking):
                self.apart[one] = [other != one and bool(own & theirs) for other, theirs in enumerate(blocking)]

    def wanted_length(self, sizes: np.ndarray) -> float:
        """How long an extract is that is filled up, as n-grams, from the sizes of the candidates (C); else 0. The mean
        of them all would be too short where many short ones have low scores, and would prefer these.
        """
        return float(min(self.budget, sizes[self._best].sum())) if self.fill else 0.0

    @property
    def are_few(self) -> bool:
        """Whether all extracts can be compared."""
        return sum(math.comb(len(self.places), size) for size in range(1, self.most + 1)) <= _MOST_EXTRACTS


@dataclass(frozen=True)
class _Part:
    """What expected ROUGE-n needs: n-grams of candidates (C, n-grams), the probability of each (n-grams), n-grams of
    each candidate (C), and those of a reference.
    """

    members: np.ndarray
    likely: np.ndarray
    sizes: np.ndarray
    length: float


def _compared(found: _Candidates, parts: Sequence[_Part]) -> tuple[np.ndarray, np.ndarray]:
    """All extracts within the limits (E, C), and the expected ROUGE-1 + ROUGE-2 of each (E)."""
    extracts = all_extracts(len(found.places), found.most)  # (E, C)
    words = extracts @ found.words
    allowed = words <= found.budget
    if found.apart.any():
        allowed &= (extracts @ found.apart * extracts).sum(axis=1) == 0
    if found.fill:  # those that no other candidate can be added to
        open_ = (extracts == 0) & (words[:, None] + found.words <= found.budget)
        open_ &= extracts @ found.apart.astype(np.float32) == 0
        allowed &= (extracts.sum(axis=1) == found.most) | ~open_.any(axis=1)
    extracts = extracts[allowed]
    values = np.zeros(len(extracts))
    for part in parts:
        hits = (extracts @ part.members > 0) @ part.likely
        values += 2 * hits / (extracts @ part.sizes + part.length)
    return extracts, values


def _built_extract(found: _Candidates, parts: Sequence[_Part]) -> list[int]:
    """An extract that is built by adding the best sentence each time, as places among the candidates."""
    chosen: list[int] = []
    hits, sizes = [0.0] * len(parts), [0.0] * len(parts)
    left = [part.likely.copy() for part in parts]  # of n-grams that the extract does not have yet
    best, words = -math.inf, 0
    while len(chosen) < found.most:
        allowed = (words + found.words <= found.budget) & ~found.apart[chosen].any(axis=0)
        allowed[chosen] = False
        values = np.zeros(len(found.places))
        for part, own, hit, size in zip(parts, left, hits, sizes, strict=True):
            values += 2 * (hit + part.members @ own) / (size + part.sizes + part.length)
        values[~allowed] = -math.inf
        place = int(values.argmax())
        if not allowed.any() or (not found.fill and values[place] <= best):
            break
        chosen.append(place)
        best, words = values[place], words + found.words[place]
        for number, part in enumerate(parts):
            hits[number] += float(part.members[place] @ left[number])
            sizes[number] += float(part.sizes[place])
            left[number] = np.where(part.members[place] > 0, 0.0, left[number])
    return sorted(chosen)
