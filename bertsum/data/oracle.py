"""Makes extractive labels from reference summaries: the greedy oracle of BERTSUM (arXiv 1903.10318, section 4.1).

# D documents, S sentences, R references, E extracts, P pairs of a sentence and one of its distinct n-grams
"""

from __future__ import annotations

import functools
import itertools
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

import numpy as np
import regex

from bertsum.errors import BertsumError
from bertsum.text import kind_of, listed, split_words, unify_spelling

_NOT_ASCII_ALPHANUMERIC = re.compile(r"[^a-zA-Z0-9 ]")
# Combining marks are part of a word in Hindi, Arabic or Vietnamese; the underscore is not in these classes.
_NOT_ALPHANUMERIC = regex.compile(r"[^\p{L}\p{M}\p{N}\s]")


class _Kept(dict[int, int | None]):
    """For :meth:`str.translate`: letters, marks, digits and white space stay, other characters go."""

    def __missing__(self, code: int) -> int | None:
        self[code] = kept = None if _NOT_ALPHANUMERIC.match(chr(code)) else code
        return kept


_KEPT = _Kept()
_ASCII_PUNCTUATION = bytes(code for code in range(128) if _NOT_ALPHANUMERIC.match(chr(code)))

Mode = Literal["unicode", "paper"]
Reference = str | Sequence[str] | Sequence[Sequence[str]]

# 12 sentences make 298 extracts of up to three. With 16 (696), CNN/DailyMail labels change by 0.011 on average.
SOFT_CANDIDATES = 12
_LARGEST = 2**62


def oracle_words(text: str, mode: Mode = "unicode") -> list[str]:
    """A text's words as the oracle compares them; case is kept, punctuation erased.

    ``paper`` erases everything but ASCII letters, digits and spaces, as the authors did: nothing is left of Chinese,
    Russian or Arabic. ``unicode`` keeps letters, marks and digits of every script, in one spelling
    (:func:`~bertsum.text.unify_spelling`), and gives the same on ASCII text.
    """
    if mode == "paper":
        return _NOT_ASCII_ALPHANUMERIC.sub("", text).split()
    if text.isascii():
        return text.encode().translate(None, _ASCII_PUNCTUATION).decode().split()
    return split_words(unify_spelling(text).translate(_KEPT))


class _Ngrams:
    """The unigrams and bigrams (2 kinds of n-grams) of documents' sentences, and which of them references have.

    N-grams are numbered. N-grams of a reference may cross sentences; those of a document do not. If two documents have
    the same n-gram, it has a number for each.

    Attributes:
        starts: Begin of each document's sentences among all sentences (D + 1).
        document: The document of each sentence (S).
        owner: For each pair of a sentence and one of its distinct n-grams, the sentence; plus S if it is a bigram (P).
        ngram: The n-gram of each pair, ascending (P).
        pairs: Begin of each document's pairs (D + 1).
        wanted: Whether each reference of the document has an n-gram (R, distinct n-grams).
        target_sizes: Distinct n-grams of each document's references (R, 2, D); 0 for missing references.
        references: Number of references of each document (D).
    """

    def __init__(self, documents: Sequence[tuple[Sequence[str], Sequence[str]]], mode: Mode) -> None:
        """Takes the sentences and the references of each document."""
        self.starts = np.cumsum([0, *(len(sentences) for sentences, _ in documents)])
        self.references = np.array([len(references) for _, references in documents])
        count = self.starts[-1]  # S
        self.document = np.repeat(np.arange(len(documents)), np.diff(self.starts))
        texts = [sentence for sentences, _ in documents for sentence in sentences]
        texts += [reference for _, references in documents for reference in references]
        words = [oracle_words(text, mode) for text in texts]
        numbers: defaultdict[str, int] = defaultdict()
        numbers.default_factory = numbers.__len__  # each new word is the next number
        lengths = np.fromiter(map(len, words), np.int64, len(words))
        ends = np.cumsum(lengths)
        every = np.fromiter(map(numbers.__getitem__, itertools.chain.from_iterable(words)), np.int64, ends[-1])
        unigrams, most = len(numbers), len(numbers) * (len(numbers) + 1)

        def bigrams(text: np.ndarray) -> np.ndarray:
            return (text[:-1] + 1) * unigrams + text[1:]  # never the number of a unigram

        text, *targets = np.split(every, ends[count - 1 : -1])
        owner = np.repeat(np.arange(count), lengths[:count])
        inside = owner[1:] == owner[:-1]  # both words in one sentence
        codes = np.concatenate([text, bigrams(text)[inside]])
        owners = np.concatenate([owner, owner[1:][inside]])
        kinds = np.repeat([0, count], [len(text), len(codes) - len(text)])
        codes += self.document[owners] * most
        names = np.empty(0)
        if len(documents) * most * 2 * count > _LARGEST:  # a book: renumbered, or the next line would overflow
            names, codes = np.unique(codes, return_inverse=True)
        code, self.owner = np.divmod(_distinct(codes * (2 * count) + owners + kinds), 2 * count)
        code = names[code] if len(names) else code
        begins = _changes(code)
        self.ngram = np.cumsum(begins) - 1
        self.pairs = np.searchsorted(code, np.arange(len(documents) + 1) * most)

        distinct = np.append(code[begins], -1)
        shape = (self.references.max(), len(distinct))
        self.wanted = np.zeros(shape, dtype=bool)
        self.target_sizes = np.zeros((shape[0], 2, len(documents)), dtype=np.int64)
        places = [(document, own) for document, own in enumerate(self.references) for own in range(own)]
        for (document, own), words_of in zip(places, targets, strict=True):
            target = _distinct(np.concatenate([words_of, bigrams(words_of)]))
            first = np.searchsorted(target, unigrams)
            self.target_sizes[own, :, document] = first, len(target) - first
            target += document * most
            place = np.searchsorted(distinct[:-1], target)
            self.wanted[own, place[distinct[place] == target]] = True

    def sizes(self) -> np.ndarray:
        """N-grams of each sentence (2, S)."""
        return np.bincount(self.owner, minlength=2 * len(self.document)).reshape(2, -1)

    def hits(self) -> np.ndarray:
        """N-grams that each sentence has in common with each reference (R, 2, S)."""
        counts = [np.bincount(self.owner, own[self.ngram], 2 * len(self.document)) for own in self.wanted]
        return np.array(counts).reshape(len(self.wanted), 2, -1)

    def leave_out(self, sentences: np.ndarray) -> None:
        """Removes the n-grams of some sentences from every sentence of their documents."""
        out = np.zeros(len(self.document), dtype=bool)
        out[sentences] = True
        gone = np.zeros(self.wanted.shape[1], dtype=bool)
        gone[self.ngram[np.tile(out, 2)[self.owner]]] = True
        kept = ~gone[self.ngram]
        self.owner, self.ngram = self.owner[kept], self.ngram[kept]

    def of_extracts(self, document: int, candidates: np.ndarray, extracts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Number of n-grams of extracts (2, E), and of those in common with each reference (R, 2, E).

        Args:
            document: Index of the document.
            candidates: The sentences that extracts are made of (C), as indices among the sentences of all documents.
            extracts: 1 for each candidate that an extract has (E, C).
        """
        own = slice(*self.pairs[document : document + 2])
        kind, sentence = np.divmod(self.owner[own], len(self.document))
        place = np.full(len(self.document), -1)
        place[candidates] = np.arange(len(candidates))
        row = place[sentence]
        ngram, kind, row = self.ngram[own][row >= 0], kind[row >= 0], row[row >= 0]
        begins = _changes(ngram)
        members = np.zeros((len(candidates), np.count_nonzero(begins)), dtype=np.float32)
        members[row, np.cumsum(begins) - 1] = 1
        covered = (extracts @ members > 0).astype(np.float32)  # (E, n-grams)
        kinds = kind[begins] == np.array([[0], [1]])  # (2, n-grams)
        wanted = self.wanted[: self.references[document], None, ngram[begins]]
        counts = (np.concatenate([kinds[None], kinds & wanted]).astype(np.float32) @ covered.T).astype(np.float64)
        return counts[0], counts[1:]  # of (1 + R, 2, E)


def _distinct(values: np.ndarray) -> np.ndarray:
    """The distinct values in ascending order."""
    ordered = np.sort(values)
    return ordered[_changes(ordered)]


def _changes(values: np.ndarray) -> np.ndarray:
    """Places where the value changes."""
    begins = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=begins[1:])
    return begins


@functools.lru_cache(maxsize=32)  # a table of a thousand candidates takes megabytes
def all_extracts(candidates: int, most: int) -> np.ndarray:
    """All sets of up to ``most`` candidates, small sets first; 1 if a set has a candidate (E, C). Not to be changed."""
    sets = [chosen for size in range(1, most + 1) for chosen in itertools.combinations(range(candidates), size)]
    members = np.zeros((len(sets), candidates), dtype=np.float32)
    for own, chosen in zip(members, sets, strict=True):
        own[list(chosen)] = 1
    return members


def _score(
    sizes: np.ndarray, hits: np.ndarray, target_sizes: np.ndarray, count: np.ndarray, references: str
) -> np.ndarray:
    """ROUGE-1 F1 + ROUGE-2 F1 over distinct n-grams, to the last bit as the authors compute it.

    Args:
        sizes: Distinct n-grams of each extract (2, E).
        hits: How many of these n-grams each reference has (R, 2, E).
        target_sizes: Distinct n-grams of the references (R, 2, E).
        count: Number of references (E).
        references: Whether to take the mean over the references or the best of them.

    Returns:
        A score for each extract (E).
    """
    precision = hits / np.maximum(sizes, 1)
    recall = hits / np.maximum(target_sizes, 1)
    f1 = 2.0 * ((precision * recall) / (precision + recall + 1e-8))  # (R, 2, E)
    scores = f1[:, 0] + f1[:, 1]
    combined: np.ndarray = scores.sum(axis=0) / count if references == "mean" else scores.max(axis=0)
    return combined


def greedy_oracle(
    sentences: Sequence[str],
    summary: Reference,
    max_sentences: int = 3,
    mode: Mode = "unicode",
    references: Literal["mean", "best"] = "mean",
) -> list[int]:
    """Chooses, one at a time, the sentence that most increases ROUGE-1 F1 + ROUGE-2 F1, until none does.

    N-grams are counted as sets. N-grams of the reference may cross sentences; those of the document do not.

    Args:
        sentences: The document's sentences (S).
        summary: The reference: a string, a list of its sentences, or a list of several such lists.
        max_sentences: Choose at most this many.
        mode: Normalisation of text, see :func:`oracle_words`.
        references: With several references, maximise the mean over them or the best of them.

    Returns:
        Indices of the chosen sentences, in document order; none if no sentence shares a word with the reference.

    Raises:
        BertsumError: if a sentence or the summary is not text.
    """
    return greedy_oracles([(sentences, summary)], max_sentences, mode, references)[0]


def greedy_oracles(
    documents: Sequence[tuple[Sequence[str], Reference]],
    max_sentences: int = 3,
    mode: Mode = "unicode",
    references: Literal["mean", "best"] = "mean",
) -> list[list[int]]:
    """The :func:`greedy_oracle` of each document, given as sentences and summary; quicker for many documents."""
    chosen: list[list[int]] = [[] for _ in documents]
    places, texts = _checked(documents, mode, references)
    if not places:
        return chosen
    left = _Ngrams(texts, mode)  # n-grams that the chosen sentences do not have yet
    of, starts = left.document, left.starts[:-1]
    size = np.zeros((2, len(texts)))  # n-grams of each document's chosen sentences, and in common with each reference
    hit = np.zeros((len(left.wanted), 2, len(texts)))
    best, going_on = np.zeros(len(texts)), np.ones(len(texts), dtype=bool)
    taken = np.zeros(len(of), dtype=bool)
    for _ in range(max_sentences):
        # of the chosen sentences plus each further sentence
        sizes, hits = size[:, of] + left.sizes(), hit[..., of] + left.hits()  # (2, S), (R, 2, S)
        scores = _score(sizes, hits, left.target_sizes[..., of], left.references[of], references)
        scores[taken] = 0.0
        top = np.maximum.reduceat(scores, starts)
        going_on &= top > best
        if not going_on.any():
            break
        highest = np.flatnonzero(scores == top[of])
        picks = highest[np.searchsorted(highest, starts)][going_on]  # the first of the highest
        taken[picks] = True
        best[going_on], size[:, going_on], hit[..., going_on] = top[going_on], sizes[:, picks], hits[..., picks]
        left.leave_out(picks)
    for place, own in zip(places, np.split(taken, starts[1:]), strict=True):
        chosen[place] = np.flatnonzero(own).tolist()
    return chosen


def soft_oracle(
    sentences: Sequence[str],
    summary: Reference,
    max_sentences: int = 3,
    temperature: float = 0.05,
    mode: Mode = "unicode",
    references: Literal["mean", "best"] = "mean",
) -> list[float]:
    """The probability that a good extract has the sentence, for each sentence.

    An extract E is a set of up to ``max_sentences`` sentences. Its probability is ``exp(score(E) / temperature)`` up to
    a constant, with the score of :func:`greedy_oracle`. A sentence's probability is the sum over the extracts with it.
    Many extracts are nearly as good as the oracle's: this tells a sentence in some of them from one in none. Extracts
    are made only of the ``SOFT_CANDIDATES`` sentences that score highest alone; other sentences get 0.

    Args:
        sentences: The document's sentences (S).
        summary: The reference: a string, a list of its sentences, or a list of several such lists.
        max_sentences: Extracts have at most this many sentences.
        temperature: Near 0, only the best extract counts; 0.05 is five points of ROUGE-1 + ROUGE-2.
        mode: Normalisation of text, see :func:`oracle_words`.
        references: With several references, the mean over them or the best of them is the score.

    Returns:
        A probability for each sentence (S); all 0 if no sentence shares a word with the reference.

    Raises:
        BertsumError: if the temperature is not more than 0, or a sentence or the summary is not text.
    """
    return soft_oracles([(sentences, summary)], max_sentences, temperature, mode, references)[0]


def soft_oracles(
    documents: Sequence[tuple[Sequence[str], Reference]],
    max_sentences: int = 3,
    temperature: float = 0.05,
    mode: Mode = "unicode",
    references: Literal["mean", "best"] = "mean",
) -> list[list[float]]:
    """The :func:`soft_oracle` of each document, given as sentences and summary; quicker for many documents."""
    if not temperature > 0:
        raise BertsumError(f"soft_oracle: temperature: got {temperature}, expected more than 0")
    labels = [[0.0] * len(sentences) for sentences, _ in documents]
    places, texts = _checked(documents, mode, references)
    if not places or max_sentences < 1:
        return labels
    ngrams = _Ngrams(texts, mode)
    of = ngrams.document
    targets, count = ngrams.target_sizes, ngrams.references
    alone = _score(ngrams.sizes(), ngrams.hits(), targets[..., of], count[of], references)  # (S)
    for number, (place, start, end) in enumerate(zip(places, ngrams.starts, ngrams.starts[1:], strict=False)):
        candidates = start + np.argsort(-alone[start:end], kind="stable")[:SOFT_CANDIDATES]
        candidates = candidates[alone[candidates] > 0]
        if not len(candidates):
            continue
        extracts = all_extracts(len(candidates), min(max_sentences, len(candidates)))  # (E, C)
        sizes, hits = ngrams.of_extracts(number, candidates, extracts)
        scores = _score(sizes, hits, targets[: count[number], :, [number]], count[number], references)  # (E)
        weights = np.exp((scores - scores.max()) / temperature)
        own = np.zeros(end - start)
        own[candidates - start] = np.minimum(weights @ extracts / weights.sum(), 1.0)
        labels[place] = own.tolist()
    return labels


def _checked(
    documents: Sequence[tuple[Sequence[str], Reference]], mode: str, references: str
) -> tuple[list[int], list[tuple[Sequence[str], list[str]]]]:
    """Places and texts of the documents that have sentences and a reference."""
    for name, value, known in (("mode", mode, ("unicode", "paper")), ("references", references, ("mean", "best"))):
        if value not in known:
            raise BertsumError(f"oracle: {name}: got {value!r}, expected {known[0]} or {known[1]}")
    texts = [(_sentences(sentences), _reference_texts(summary)) for sentences, summary in documents]
    places = [place for place, (sentences, own) in enumerate(texts) if sentences and own]
    return places, [texts[place] for place in places]


def _sentences(sentences: object) -> list[str]:
    """A document's sentences as a list."""
    items = listed(sentences)
    if items is None or not all(isinstance(item, str) for item in items):
        kind = kind_of(sentences) if items is None else ", ".join(sorted(set(map(kind_of, items))))
        raise BertsumError(f"oracle: sentences: got {kind}, expected a list of strings (split_sentences makes one)")
    return items


def _reference_texts(summary: object) -> list[str]:
    """One string per reference: bigrams of a reference may cross its sentences."""
    if isinstance(summary, str):
        return [summary]
    items = listed(summary)
    if items is not None and all(isinstance(item, str) for item in items):
        return [" ".join(items)] if items else []
    several = [[item] if isinstance(item, str) else listed(item) for item in items or [None]]
    if not all(reference is not None and all(isinstance(item, str) for item in reference) for reference in several):
        kind = f" got {kind_of(summary)}," if items is None else ""
        raise BertsumError(f"oracle: summary:{kind} expected a string, a list of sentences or a list of such lists")
    return [" ".join(reference or []) for reference in several]
