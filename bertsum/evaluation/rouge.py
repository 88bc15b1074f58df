"""ROUGE that can be compared with published numbers: equal to ROUGE-1.5.5 on English, words or characters elsewhere.

# N documents, 3 metrics (ROUGE-1, 2, L), 3 figures (precision, recall, F1)
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Literal

import numpy as np
import regex

from bertsum.data.languages import AUTO, base_language, checked_language, language_of
from bertsum.errors import BertsumError, check_whole
from bertsum.evaluation.bootstrap import interval, resampled_means
from bertsum.evaluation.rouge155 import NOT_COUNTED, Metric, Rouge155Tokenizer, Text
from bertsum.parallel import map_in_order
from bertsum.progress import Progress
from bertsum.results import METRICS, MOST_SAMPLES, RougeScore
from bertsum.text import alphanumeric_words, cut_words, kind_of, listed, split_words, unify_spelling

_CHUNK = 64
_BY_CHARACTER = {"zh", "ja", "th", "lo", "km", "my"}
_DOTLESS_I = {"tr", "az"}

_LETTER = regex.compile(r"[\p{L}\p{N}]")
# The end of a sentence and what follows. The word before it is in small letters, unlike "Dr." and "Prof.".
_SENTENCE_BEHIND = regex.compile(
    r"\b\p{Ll}{3,}[.!?][\"')\]”’]*\s+(?!\p{Ll})\S|\s[.!?]\s+\S|[。！？।॥۔؟][”’」』）]*\s*\w"
)
_NAMED = 5  # documents in a warning
# Perl's ROUGE-L is the summary-level LCS over sentences, which rouge-score calls rougeLsum.
_COUNTED = (Metric.of("rouge1"), Metric.of("rouge2"), Metric.of("rougeLsum"))

# A summary: a string, or its sentences. A document's references: one summary, or several as a list of lists.
Summary = str | Sequence[str]
References = Summary | Sequence[Sequence[str]]


class UnicodeTokenizer:
    """Words of letters, marks and digits of any script, in lower case and one spelling; scripts without spaces by
    character; no stemming.
    """

    def __init__(self, name: str, dotless_i: bool = False) -> None:
        self.name = name
        self.dotless_i = dotless_i

    def tokenize(self, text: str) -> list[str]:
        text = unify_spelling(text)
        if self.dotless_i:  # the lower case of İ is i, that of I is ı
            text = text.replace("İ", "i").replace("I", "ı")
        return alphanumeric_words(text.lower())


def tokenizer_for(language: str) -> Rouge155Tokenizer | UnicodeTokenizer:
    """The tokenizer of a language (ISO 639-1); its ``name`` says how it counts."""
    if language == AUTO:
        raise BertsumError("rouge: language: got auto, expected the language of a text")
    base = base_language(checked_language(language))
    if base == "en":
        return Rouge155Tokenizer()
    return UnicodeTokenizer("characters" if base in _BY_CHARACTER else "Unicode words", base in _DOTLESS_I)


def tokenizer_name(language: str) -> str:
    """How ROUGE counts words in a language, or with ``auto``."""
    return "words or characters by the language of each reference" if language == AUTO else tokenizer_for(language).name


def rouge(
    candidates: Sequence[Summary],
    references: Sequence[References],
    language: str = "en",
    *,
    several: Literal["mean", "best"] = "mean",
    limit_to_reference: bool = False,
    bootstrap_samples: int = 1000,
    seed: int = 0,
    workers: int | None = 1,
) -> dict[str, RougeScore]:
    """Means of ROUGE-1, 2 and L over documents.

    Args:
        candidates: One summary a document: a string or a list of sentences.
        references: One entry a document: a summary, or several summaries as a list of lists.
        language: ISO 639-1 code, see :func:`tokenizer_for`; or auto, which detects the language of each document's
            references.
        several: With several references, average over them, or take the one with the best ROUGE-1 F1.
        limit_to_reference: Cut each candidate to as many words as the reference has (limited-length recall).
        bootstrap_samples: Number of resamplings for the intervals.
        seed: Seed of the resamplings.
        workers: Processes; None uses every core.

    Returns:
        Scores by ``rouge1``, ``rouge2`` and ``rougeL``.

    Raises:
        BertsumError: if no documents are given, or not exactly one reference entry for each candidate.
    """
    check_whole("bootstrap_samples", bootstrap_samples)
    check_whole("seed", seed, 0)
    scores = document_rouge(
        candidates, references, language, several=several, limit_to_reference=limit_to_reference, workers=workers
    )
    return summarize_scores(scores, bootstrap_samples, seed)


def document_rouge(
    candidates: Sequence[Summary],
    references: Sequence[References],
    language: str = "en",
    *,
    several: Literal["mean", "best"] = "mean",
    limit_to_reference: bool = False,
    workers: int | None = 1,
    progress: str | None = None,
    language_known: bool = False,
) -> np.ndarray:
    """ROUGE of each document (N, 3 metrics, 3 figures); arguments as in :func:`rouge`, a title for the progress bar,
    and whether :func:`check_language` was called.
    """
    if workers is not None:
        check_whole("workers", workers)
    candidates, references = _entries(candidates, "candidates"), _entries(references, "references")
    if several not in ("mean", "best"):
        raise BertsumError(f"rouge: several: got {several!r}, expected mean or best")
    if len(candidates) != len(references):
        raise BertsumError(f"rouge: {len(candidates)} candidates for {len(references)} references, expected one each")
    pairs = [
        (_sentences(candidate, f"candidate {number}"), _several(reference, f"reference {number}"))
        for number, (candidate, reference) in enumerate(zip(candidates, references, strict=True))
    ]
    if not pairs:
        raise BertsumError("rouge: no documents")
    if not language_known:
        check_language((texts for _, texts in pairs), language)
        _advise_lines(candidates, references)
    chunks = (pairs[start : start + _CHUNK] for start in range(0, len(pairs), _CHUNK))
    score = functools.partial(_score_chunk, language=language, several=several, limit=limit_to_reference)
    scores = []
    with Progress(progress or "rouge", len(pairs), shown=progress is not None) as shown:
        for of_chunk in map_in_order(score, chunks, workers):
            scores.append(of_chunk)
            shown.update(len(of_chunk))
    return np.concatenate(scores)


def summarize_scores(scores: np.ndarray, bootstrap_samples: int = 1000, seed: int = 0) -> dict[str, RougeScore]:
    """Means of scores (N, 3, 3) over documents, with the 2.5 and 97.5 percentiles of their bootstrap distribution."""
    if not 1 <= bootstrap_samples <= MOST_SAMPLES:
        raise BertsumError(f"rouge: bootstrap_samples: got {bootstrap_samples}, expected 1 to {MOST_SAMPLES:,}")
    means = resampled_means(scores.reshape(len(scores), -1), bootstrap_samples, seed)  # (samples, 9)
    low, high = (end.reshape(3, 3) for end in interval(means))
    mean = scores.mean(axis=0)
    return {
        metric: RougeScore(*mean[m].tolist(), *zip(low[m].tolist(), high[m].tolist(), strict=True))
        for m, metric in enumerate(METRICS)
    }


def _score_chunk(
    pairs: Iterable[tuple[list[str], list[list[str]]]], language: str, several: str, limit: bool
) -> np.ndarray:
    rows = []
    for candidate, references in pairs:
        tokenize = tokenizer_for(language_of(chain.from_iterable(references), language)).tokenize
        scores = []
        for reference in references:
            _check_comparable(candidate, reference)
            text = _limit(candidate, sum(len(split_words(sentence)) for sentence in reference)) if limit else candidate
            scores.append(_score([*map(tokenize, text)], [*map(tokenize, reference)]))
        each = np.array(scores)  # (references, 3, 3)
        rows.append(each.mean(axis=0) if several == "mean" else each[each[:, 0, 2].argmax()])
    return np.stack(rows)


def _score(candidate: list[list[str]], reference: list[list[str]]) -> list[tuple[float, float, float]]:
    """ROUGE-1, 2 and L of two lists of sentences, which are lists of words."""
    texts = [Text([*chain.from_iterable(sentences)], sentences) for sentences in (candidate, reference)]
    return [metric.count(*texts).figures() for metric in _COUNTED]


def counts_little(text: str) -> bool:
    """Whether ROUGE-1.5.5, which counts a to z and digits, counts less than half of a text's letters."""
    return not text.isascii() and 2 * len(NOT_COUNTED.sub("", text)) < len(_LETTER.findall(text))


def check_language(references: Iterable[list[list[str]]], language: str) -> None:
    """Checks that references are in ``language``: its tokenizer must count most letters of a reference.

    Args:
        references: References of each document, as lists of sentences; none is kept.
        language: As in :func:`rouge`.

    Raises:
        BertsumError: if no reference has a word that counts.
    """
    if language == AUTO or not isinstance(tokenizer_for(language), Rouge155Tokenizer):
        return  # every letter counts
    wrong, count, counts_anything = [], 0, False
    for count, reference in enumerate(references, start=1):
        text = "".join(chain.from_iterable(reference))
        counts_anything |= NOT_COUNTED.sub("", text) != ""
        if counts_little(text):
            wrong.append(count - 1)
    if not wrong:
        return
    problem = (
        f"rouge: language: got {language}, which counts a to z and digits only; these are less than half of the "
        f"letters in {len(wrong)} of {count} references ({', '.join(map(str, wrong[:_NAMED]))}"
        f"{' ...' if len(wrong) > _NAMED else ''}); give the language that they are written in, or auto"
    )
    if len(wrong) == count and not counts_anything:
        raise BertsumError(problem)
    warnings.warn(problem, stacklevel=4)


def _advise_lines(candidates: Sequence[Summary], references: Sequence[References]) -> None:
    """Warns of several sentences on one line: ROUGE-L compares sentences and takes each line for one."""
    for name, texts in (("candidate", candidates), ("reference", references)):
        for number, text in enumerate(texts):
            if isinstance(text, str) and has_sentences_on_a_line(text):
                warnings.warn(
                    f"rouge: {name} {number} has several sentences on one line, which ROUGE-L takes for one sentence, "
                    "unlike the papers; give a list of sentences, or a sentence a line (bertsum.split_sentences)",
                    stacklevel=4,
                )
                return


def has_sentences_on_a_line(text: str) -> bool:
    """Whether a text is one line with several sentences."""
    return "\n" not in text.strip() and _SENTENCE_BEHIND.search(text) is not None


def _check_comparable(candidate: list[str], reference: list[str]) -> None:
    """Refuses texts that are too long: ROUGE-L's time and memory grow with the product of the lengths."""
    words = [sum(len(split_words(sentence)) for sentence in text) for text in (candidate, reference)]
    if words[0] * words[1] > _MOST_PAIRS:
        raise BertsumError(
            f"rouge: a summary of {words[0]} words cannot be compared with a reference of {words[1]} words, expected "
            f"at most {_MOST_PAIRS:,} pairs of words"
        )


_MOST_PAIRS = 100_000_000


def _limit(sentences: list[str], words: int) -> list[str]:
    """The sentences cut to ``words`` words in all."""
    kept = []
    for sentence in sentences:
        if words <= 0:
            break
        kept.append(cut_words(sentence, words))
        words -= len(split_words(sentence))
    return kept


def _entries(texts: object, name: str) -> list[Any]:
    """One entry for each document, as a list."""
    entries = listed(texts)
    if entries is None:
        kind = "a string" if isinstance(texts, str) else kind_of(texts)
        raise BertsumError(f"rouge: {name}: got {kind}, expected a list with one entry a document")
    return entries


def _sentences(summary: object, where: str) -> list[str]:
    """A summary as a list of one-line sentences."""
    if isinstance(summary, str):
        return summary.splitlines()
    items = listed(summary)
    if items is None or not all(isinstance(sentence, str) for sentence in items):
        kind = kind_of(summary if items is None else next(item for item in items if not isinstance(item, str)))
        raise BertsumError(f"rouge: {where}: got {kind}, expected a string or a list of sentences")
    return [" ".join(sentence.splitlines()) for sentence in items]


def _several(references: object, where: str) -> list[list[str]]:
    if isinstance(references, str):
        return [_sentences(references, where)]
    items = listed(references)
    if items is None:
        expected = "a string, a list of sentences or a list of such lists"
        raise BertsumError(f"rouge: {where}: got {kind_of(references)}, expected {expected}")
    if all(isinstance(item, str) for item in items):
        return [_sentences(items, where)]
    return [_sentences(reference, where) for reference in items]
