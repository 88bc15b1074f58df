"""Writes one line of text for each line of a file, such as its translation, in the same order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from bertsum.data.documents import Rejected
from bertsum.errors import BertsumError
from bertsum.inference.summarizer import BUFFER, Options, Summarizer, Summary

if TYPE_CHECKING:
    from typing_extensions import Unpack


class _EmptyLineError(BertsumError):
    """Stands for an empty line among the documents."""


def generate_lines(
    summarizer: Summarizer, lines: Iterable[str | Rejected], *, buffer: int = BUFFER, **options: Unpack[Options]
) -> Iterator[str | BertsumError]:
    """Writes a text for each line, in bounded memory. An empty line stays empty.

    Args:
        summarizer: A summarizer whose model writes.
        lines: Texts of one line each. They are read a buffer at a time, when needed.
        buffer: At most this many lines are read before the first text.
        options: Options of a call of the summarizer.

    Yields:
        A text of one line for each line; or why it has none.

    Raises:
        BertsumError: if the model does not write, or an option is out of its range.
    """
    model = summarizer.model
    if not model.writes:
        raise BertsumError(
            f"model: is of model.kind {model.kind}, which chooses sentences and writes none; expected model.kind "
            "seq2seq, or bertsum summarize instead of bertsum generate"
        )
    answers = summarizer.stream(_documents(lines), buffer=buffer, start=1, errors="return", **options)
    return map(_line, answers)


def _documents(lines: Iterable[str | Rejected]) -> Iterator[str | BertsumError]:
    for line in lines:
        if isinstance(line, Rejected):
            yield BertsumError(line.problem)
        else:
            yield line if line.strip() else _EmptyLineError("is empty")


def _line(answer: Summary | BertsumError) -> str | BertsumError:
    """The written sentences on one line, whatever line ends a tokenizer's words may have."""
    if isinstance(answer, _EmptyLineError):
        return ""
    return answer if isinstance(answer, BertsumError) else " ".join(" ".join(answer.sentences).splitlines())
