"""ROUGE of files with one text a line, printed as the Perl script ROUGE-1.5.5 prints it.

# N documents, M metrics, 3 figures (recall, precision, F, in the Perl script's order)
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bertsum.data.sentences import split_sentences
from bertsum.errors import BertsumError
from bertsum.evaluation.bootstrap import perl_interval, perl_means
from bertsum.evaluation.rouge import counts_little, has_sentences_on_a_line
from bertsum.evaluation.rouge155 import Average, Counter155
from bertsum.files import encoding_of, not_in, whole_content
from bertsum.parallel import map_in_order

SEPARATOR = "<q>"  # between sentences, in the files that PreSumm writes
_CHUNK = 64
_FIGURES = ((0, "R"), (1, "P"), (2, "F"))


@dataclass(frozen=True)
class Pair:
    """A document's summaries, each as its sentences."""

    candidate: list[str]
    references: list[list[str]]


def read_pairs(
    candidates: Path,
    references: Sequence[Path],
    *,
    separator: str = SEPARATOR,
    split: bool = False,
    encoding: str | None = None,
) -> list[Pair]:
    """Reads a file of candidates and files of their references, which have a text a line in the same order.

    An empty line is an empty summary. In one of several files of references, an empty line means that this text has one
    reference less.

    Args:
        candidates: A file.
        references: One file or several.
        separator: What stands between the sentences of a line.
        split: Split lines into English sentences, instead of at the separator.
        encoding: Encoding of the files; by default from the byte-order mark, or UTF-8.

    Raises:
        BertsumError: if a file cannot be read, is empty, or has another number of lines than the others; or if a
            document has no reference.
    """
    texts = _read_lines(candidates, encoding)
    columns = [_read_lines(path, encoding) for path in references]
    for path, column in zip(references, columns, strict=True):
        if len(column) != len(texts):
            first = min(len(column), len(texts)) + 1
            longer = path if len(column) > len(texts) else candidates
            raise BertsumError(
                f"'{path}': got {len(column):,} lines for the {len(texts):,} lines of '{candidates}', expected one "
                f"text a line in the same order; line {first:,} of '{longer}' has no counterpart"
            )
    rows = [list(row) for row in zip(*columns, strict=True)]
    if len(references) > 1:
        rows = [[text for text in row if text.strip()] for row in rows]
    for number, row in enumerate(rows, start=1):
        if not row:
            raise BertsumError(f"'{references[0]}' line {number:,}: empty, as in all {len(references)} files of "
                               "references; expected a reference in one of them at least")  # fmt: skip
    cut = split_sentences if split else functools.partial(_cut, separator=separator)
    pairs = [Pair(cut(text), [*map(cut, row)]) for text, row in zip(texts, rows, strict=True)]
    little = sum(any(counts_little("".join(reference)) for reference in pair.references) for pair in pairs)
    if little:
        warnings.warn(
            f"'{references[0]}': ROUGE-1.5.5 counts a to z and digits only, which are less than half of the letters in "
            f"references of {little:,} of {len(pairs):,} lines; its figures say little there. In Python, bertsum.rouge "
            "counts the words of other languages (language=)",
            stacklevel=2,
        )
    if not split:
        _advise(candidates, [pair.candidate for pair in pairs], separator)
        _advise(references[0], [pair.references[0] for pair in pairs], separator)
    return pairs


def _advise(path: Path, texts: Sequence[list[str]], separator: str) -> None:
    """Warns of a file whose lines have several sentences that nothing separates."""
    if any(len(sentences) > 1 for sentences in texts):
        return
    for number, sentences in enumerate(texts, start=1):
        if sentences and has_sentences_on_a_line(sentences[0]):
            warnings.warn(
                f"'{path}' line {number:,}: got several sentences, which ROUGE-L and ROUGE-W take for one, unlike the "
                f"papers; expected {separator} between them (--separator), or --split-sentences",
                stacklevel=3,
            )
            return


def _cut(text: str, separator: str) -> list[str]:
    return [sentence for sentence in text.split(separator) if sentence]


def _read_lines(path: Path, encoding: str | None) -> list[str]:
    data = whole_content(path, str(path))
    if not data:
        raise BertsumError(f"'{path}': empty, expected a text a line")
    name = encoding_of(data[:4], encoding)
    try:
        lines = data.decode(name).split("\n")
    except UnicodeError as error:
        line = data.count(b"\n", 0, error.start) + 1 if isinstance(error, UnicodeDecodeError) else 1
        raise BertsumError(f"'{path}' line {line:,}: {not_in(name, error)}") from error
    if not lines[-1]:
        del lines[-1]
    return [line.removesuffix("\r") for line in lines]


def score_pairs(counter: Counter155, pairs: Sequence[Pair], average: Average, workers: int | None = 1) -> np.ndarray:
    """The figures of each document, to 5 digits (N, M, 3)."""
    chunks = (pairs[start : start + _CHUNK] for start in range(0, len(pairs), _CHUNK))
    made = map_in_order(functools.partial(_score_chunk, counter, average), chunks, workers)
    return np.concatenate(list(made))


def _score_chunk(counter: Counter155, average: Average, pairs: Iterable[Pair]) -> np.ndarray:
    figures = np.array([counter.figures(pair.candidate, pair.references, average) for pair in pairs])
    return figures[:, :, [1, 0, 2]]


def perl_lines(
    counter: Counter155,
    scores: np.ndarray,
    *,
    system: str = "X",
    samples: int = 1000,
    confidence: float = 95,
    each: bool = False,
) -> Iterator[str]:
    """The lines that ROUGE-1.5.5 prints for a list of files (-z SPL): also its means over samples and its intervals.

    Args:
        counter: Its metrics are named.
        scores: From :func:`score_pairs`.
        system: Name of the system.
        samples: Number of resamplings (-r).
        confidence: Percent of them that an interval holds (-c).
        each: Give the figures of each document too (-d).
    """
    names = [f"{number}.{system}" for number in range(1, len(scores) + 1)]
    order = sorted(range(len(names)), key=names.__getitem__)  # the Perl script sorts 10 before 2
    means = perl_means(scores[order].reshape(len(scores), -1), samples)
    average = np.add.accumulate(np.sort(means, axis=0))[-1] / samples  # summed up in their order, as there
    ends = perl_interval(means, confidence)
    mean, low, high = (values.reshape(-1, 3) for values in (average, *ends))
    for m, metric in enumerate(counter.metrics):
        yield "---------------------------------------------"
        for f, figure in _FIGURES:
            interval = f"({confidence:g}%-conf.int. {low[m, f]:.5f} - {high[m, f]:.5f})"
            yield f"{system} {metric.title} Average_{figure}: {mean[m, f]:.5f} {interval}"
        if each:
            yield "............................................."
            for name, figures in zip(names, scores[:, m], strict=True):
                shown = " ".join(f"{figure}:{figures[f]:.5f}" for f, figure in _FIGURES)
                yield f"{system} {metric.title} Eval {name} {shown}"
