"""Counts what the Perl script ROUGE-1.5.5 counts (Lin, 2004): its words, metrics, limits and several references.

Its options are -n, -w, -2, -u, -m, -s, -l, -b, -f and -p. Its input is one sentence a line.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from bertsum.data.stemmer import base_form
from bertsum.errors import BertsumError
from bertsum.evaluation.overlap import (
    clip_counts,
    common_ngrams,
    common_subsequences,
    skip_bigrams,
    weighted_subsequences,
)

NOT_COUNTED = re.compile("[^A-Za-z0-9]+")
_WORD = re.compile(r"\S+", re.ASCII)  # Perl reads bytes, of which only ASCII has white space
_METRIC = re.compile(r"rouge(?:([1-9]\d?)|(L|Lsum)|W(?:-(\d+(?:\.\d+)?))?|(SU?)(\d{1,3}|\*))")
_WEIGHT = "1.2"
_MOST_WEIGHT = 10  # powers of the lengths of texts stay finite
_DIGITS = 5
_MOST_PAIRS = 100_000_000

Figures = tuple[float, float, float]  # precision, recall, F
Average = Literal["A", "B"]


class Rouge155Tokenizer:
    """The words of ROUGE-1.5.5: lower case, ``-`` apart, ASCII letters and digits. With ``-m`` Porter stems of words
    longer than 3 characters, irregular forms by WordNet's lists; with ``-s`` without stop words.
    """

    def __init__(self, stem: bool = True, stop_words: bool = False) -> None:
        stems = "with Porter stems" if stem else "without stems"
        self.name = f"ROUGE-1.5.5 words {stems}{' and without stop words' if stop_words else ''}"
        self.stem = stem
        self.stop_words = stop_words

    def tokenize(self, text: str) -> list[str]:
        words = NOT_COUNTED.sub(" ", text).lower().split()
        if self.stop_words:
            left_out = _stop_words()
            words = [word for word in words if word not in left_out]
        return [base_form(word) for word in words] if self.stem else words


@functools.cache
def _stop_words() -> frozenset[str]:
    lines = (Path(__file__).parent / "stop_words.txt").read_text(encoding="ascii").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


class Text(NamedTuple):
    """A summary as ROUGE reads it.

    Attributes:
        words: Its words.
        sentences: The words of each sentence, for common subsequences. With a limit of bytes they are more than
            ``words``: ROUGE-1.5.5 then cuts only the first sentence that is longer than the limit.
    """

    words: list[str]
    sentences: list[list[str]]


def read_text(sentences: Sequence[str], tokenize: Callable[[str], list[str]], words: int = 0, size: int = 0) -> Text:
    """The words of a summary, cut as ROUGE-1.5.5 cuts it.

    Args:
        sentences: The summary.
        tokenize: Splits a sentence into words.
        words: Only this many words are read, as white space separates them (-l). 0: all.
        size: Only this many bytes of UTF-8 are read, line ends not counted (-b). 0: all.
    """
    if not size:
        tokenized = [*map(tokenize, _first_words(sentences, words) if words else sentences)]
        return Text([*chain(*tokenized)], tokenized)
    counted = [*chain(*map(tokenize, _first_bytes(sentences, size, in_all=True)))]
    return Text(counted, [*map(tokenize, _first_bytes(sentences, size, in_all=False))])


def _first_words(sentences: Iterable[str], limit: int) -> list[str]:
    """The first ``limit`` words. White space at the beginning of a sentence counts as a word, as in Perl's split."""
    kept = []
    for sentence in sentences:
        ends = [match.end() for match in _WORD.finditer(sentence)]
        if ends and not _WORD.match(sentence):
            ends.insert(0, 0)
        if len(ends) >= limit:
            kept.append(sentence[: ends[limit - 1]])
            break
        kept.append(sentence)
        limit -= len(ends)
    return kept


def _first_bytes(sentences: Iterable[str], limit: int, in_all: bool) -> list[str]:
    """The first ``limit`` bytes in all, or whole sentences up to the first one that alone has that many."""
    kept = []
    for sentence in sentences:
        encoded = sentence.encode("utf-8", "replace")
        if len(encoded) >= limit:
            kept.append(encoded[:limit].decode("utf-8", "replace"))
            break
        kept.append(sentence)
        limit -= len(encoded) if in_all else 0
    return kept


class Hits(NamedTuple):
    """What two summaries have in common.

    Attributes:
        common: Number of units (such as n-grams) in common.
        candidate: Number of units of the candidate.
        reference: Number of units of the reference.
        root: Shares are raised to this power: 1, or for ROUGE-W the inverse of its weight.
    """

    common: float
    candidate: float
    reference: float
    root: float = 1.0

    def precision(self) -> float:
        """The share of the candidate's units that are in common."""
        return (self.common / self.candidate) ** self.root if self.candidate else 0.0

    def recall(self) -> float:
        """The share of the reference's units that are in common."""
        return (self.common / self.reference) ** self.root if self.reference else 0.0

    def figures(self, alpha: float = 0.5) -> Figures:
        """Precision, recall and F of these two, each to 5 digits, as in ROUGE-1.5.5.

        Args:
            alpha: How much precision weighs in F, from 0 to 1.
        """
        precision, recall = round(self.precision(), _DIGITS), round(self.recall(), _DIGITS)
        total = (1 - alpha) * precision + alpha * recall
        return precision, recall, round(precision * recall / total, _DIGITS) if total else 0.0


@dataclass(frozen=True)
class Metric:
    """One of ROUGE's metrics.

    Attributes:
        kind: N for n-grams, L for the longest common subsequence of whole texts, Lsum for that of their sentences, W
            for the weighted one, S and SU for skip bigrams.
        size: The n of n-grams, or the words that may lie between the two of a skip bigram (None: any number).
        weight: The exponent of the weighted one, as text, such as 1.2.
    """

    kind: str
    size: int | None = None
    weight: str = _WEIGHT

    @classmethod
    def of(cls, name: str) -> Metric:
        """The metric of a name.

        Args:
            name: rouge1 to rouge99, rougeL, rougeLsum, rougeW (its weight is 1.2) or rougeW-1.5 (1 to 10), rougeS4,
                rougeSU4, rougeS* or rougeSU*.

        Raises:
            BertsumError: if there is no such metric.
        """
        match = _METRIC.fullmatch(name) if isinstance(name, str) else None
        if match is None or not 1 <= float(match[3] or _WEIGHT) <= _MOST_WEIGHT:
            expected = "such as rouge1, rougeL, rougeLsum, rougeW, rougeW-1.5 (1 to 10), rougeS4, rougeSU4 or rougeSU*"
            raise BertsumError(f"rouge: metric: got {name!r}, expected a name {expected}")
        size, subsequence, weight, skip, distance = match.groups()
        if size:
            return cls("N", int(size))
        if skip:
            return cls(skip, None if distance == "*" else int(distance))
        return cls(subsequence) if subsequence else cls("W", None, weight or _WEIGHT)

    @property
    def title(self) -> str:
        """The name that the Perl script prints; its ROUGE-L is our Lsum."""
        if self.kind == "N":
            return f"ROUGE-{self.size}"
        if self.kind in ("S", "SU"):
            return f"ROUGE-{self.kind}{'*' if self.size is None else self.size}"
        return f"ROUGE-W-{self.weight}" if self.kind == "W" else "ROUGE-L"

    def count(self, candidate: Text, reference: Text) -> Hits:
        """What two summaries have in common.

        Raises:
            BertsumError: if they are too long for that.
        """
        words, expected = candidate.words, reference.words
        self._check_size(len(words), len(expected))
        if self.kind == "N":
            before_last = (self.size or 1) - 1
            common = common_ngrams(expected, words, before_last + 1)
            return Hits(common, max(len(words) - before_last, 0), max(len(expected) - before_last, 0))
        if self.kind == "L":
            return Hits(common_subsequences([expected], [words]), len(words), len(expected))
        if self.kind in ("S", "SU"):
            grams, wanted = (skip_bigrams(text, self.size, self.kind == "SU") for text in (words, expected))
            return Hits((grams & wanted).total(), grams.total(), wanted.total())
        clip = clip_counts(expected, words)
        lengths = [*map(len, reference.sentences)]
        if self.kind == "Lsum":
            return Hits(common_subsequences(reference.sentences, candidate.sentences, clip), len(words), sum(lengths))
        weight = float(self.weight)
        common_weight = weighted_subsequences(reference.sentences, candidate.sentences, clip, weight)
        # The Perl script weighs the lengths of sentences, and then their sum once more.
        base = sum(length**weight for length in lengths) ** weight
        return Hits(common_weight, len(words) ** weight, base, 1 / weight)

    def _check_size(self, words: int, expected: int) -> None:
        """Refuses texts for which time or memory would explode."""
        if self.kind == "N":
            return
        if self.kind in ("S", "SU"):
            apart = max(words, expected) if self.size is None else self.size + 1
            pairs = max(count * min(count, apart) for count in (words, expected))
        else:
            pairs = words * expected
        most = _MOST_PAIRS if self.kind in ("L", "Lsum") else _MOST_PAIRS // 10
        if pairs > most:
            raise BertsumError(
                f"rouge: {self.title}: a summary of {words:,} words cannot be compared with a reference of "
                f"{expected:,} words, expected at most {most:,} pairs of words"
            )

    def best_by(self, hits: Hits) -> float:
        """The figure by which the Perl script finds the best of several references (-f B)."""
        if self.kind == "W":  # of the weighted lengths of sentences, before their sum is weighted
            base = hits.reference**hits.root
            return (hits.common / base) ** hits.root if base else 0.0
        return hits.recall() if self.kind in ("L", "Lsum") else round(hits.recall(), _DIGITS)


def of_several(metric: Metric, hits: Sequence[Hits], average: Average) -> Hits:
    """Combines what a candidate has in common with each of several references, as the Perl script does.

    Args:
        metric: The metric.
        hits: What the candidate has in common with each reference.
        average: A sums up over the references, B takes the one with the best recall.
    """
    if average == "B":
        return max(hits, key=metric.best_by)  # of equally good ones the first
    common, candidate, reference = (sum(each) for each in zip(*(one[:3] for one in hits), strict=True))
    return Hits(common, candidate, reference, hits[0].root)


class Tokenizer(Protocol):
    """Splits a sentence into the words that are compared."""

    def tokenize(self, text: str) -> list[str]: ...


@dataclass(frozen=True)
class Counter155:
    """Counts what a candidate has in common with its references.

    Attributes:
        metrics: What is counted.
        tokenizer: Splits sentences into words.
        limit_words: As ``words`` of :func:`read_text`, for candidates and references.
        limit_bytes: As ``size`` of :func:`read_text`, for candidates and references.
        alpha: How much precision weighs in F, from 0 to 1.
    """

    metrics: tuple[Metric, ...]
    tokenizer: Tokenizer
    limit_words: int = 0
    limit_bytes: int = 0
    alpha: float = 0.5

    def __post_init__(self) -> None:
        for name in ("limit_words", "limit_bytes"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise BertsumError(f"rouge: {name}: got {value!r}, expected a whole number, or 0 for no limit")
        if self.limit_words and self.limit_bytes:
            raise BertsumError("rouge: limit_words and limit_bytes: got both, expected at most one of them")
        if not isinstance(self.alpha, int | float) or not 0 <= self.alpha <= 1:
            raise BertsumError(f"rouge: alpha: got {self.alpha!r}, expected a number from 0 to 1")

    def hits(self, candidate: Sequence[str], references: Iterable[Sequence[str]]) -> list[list[Hits]]:
        """What sentences have in common with those of each reference, by metric (M, references)."""
        words, *expected = (
            read_text(text, self.tokenizer.tokenize, self.limit_words, self.limit_bytes)
            for text in (candidate, *references)
        )
        return [[metric.count(words, reference) for reference in expected] for metric in self.metrics]

    def figures(self, candidate: Sequence[str], references: Iterable[Sequence[str]], average: Average) -> list[Figures]:
        """Precision, recall and F by metric (M), each to 5 digits, of several references as in ROUGE-1.5.5.

        Args:
            candidate: Its sentences.
            references: The sentences of each reference.
            average: A sums up over the references, B takes the one with the best recall.
        """
        return [
            of_several(metric, hits, average).figures(self.alpha)
            for metric, hits in zip(self.metrics, self.hits(candidate, references), strict=True)
        ]
