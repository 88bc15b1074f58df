"""A summary: chosen sentences, their places, and what became of the others; or written ones, and what they lean on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from bertsum.data.languages import between_sentences
from bertsum.pages.shading import document_html, marked, show_document
from bertsum.pages.written import show_written, written_html, written_terminal
from bertsum.text import is_spaced

_LINE_BREAK = re.compile(r"(.?)[^\S\n\r\x85\u2028]*[\n\r\x85\u2028]\s*(?=(.?))")


@dataclass(frozen=True)
class Summary:
    """A summary and where it comes from.

    Attributes:
        text: The summary's sentences as one text, without line breaks inside sentences.
        sentences: Chosen sentences, verbatim, in document order unless asked otherwise; or the sentences that the model
            has written.
        indices: Places of the chosen sentences in the document; empty if the model writes.
        scores: The probability of each chosen sentence; empty if the model writes. Of a model with a listwise loss, a
            share of the document.
        document: All sentences of the document.
        document_scores: The score of each sentence of the document; None if the model did not read it, or writes.
        unscored: Why the model did not read a sentence, by its place in the document.
        leans_on: For each written sentence, places of the sentences of the document that it has most of its words from;
            empty if the sentences are chosen, and without places if it is a translation.
        unsupported: Names, numbers and rare words of a written summary that the document does not have; none of a
            translation.
    """

    text: str
    sentences: list[str]
    indices: list[int]
    scores: list[float]
    document: list[str]
    document_scores: list[float | None]
    unscored: dict[int, str] = field(default_factory=dict)
    leans_on: list[list[int]] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)

    @property
    def is_written(self) -> bool:
        """Whether the model has written the summary; else it has chosen sentences."""
        return not self.indices

    def marked(self) -> str:
        """The whole document, one sentence a line, chosen sentences marked; or a written summary and the document."""
        if self.is_written:
            return written_terminal(self.sentences, self.leans_on, self.unsupported, self.document, colour=False)
        return marked(self.document, self.indices)

    def show(self) -> None:
        """Shows the whole document in a notebook, or prints it: shaded by score, chosen sentences marked. A written
        summary stands beside it, with its unsupported words marked.
        """
        if self.is_written:
            show_written(self.sentences, self.leans_on, self.unsupported, self.document)
        else:
            show_document(self.document, self.document_scores, self.indices)

    def _repr_html_(self) -> str:
        if self.is_written:
            return written_html(self.sentences, self.leans_on, self.unsupported, self.document)
        return document_html(self.document, self.document_scores, self.indices)


def running_text(sentences: Sequence[str], language: str) -> str:
    """Sentences as one text on one line: joined as their language does, hard-wrapped lines joined by a space.

    Args:
        sentences: The sentences, verbatim.
        language: ISO 639-1 code.
    """
    return between_sentences(language).join(_LINE_BREAK.sub(_joined_line, sentence) for sentence in sentences)


def _joined_line(match: re.Match[str]) -> str:
    """The replacement of a line break: nothing between two characters of scripts without spaces, else a space."""
    before, after = match[1], match[2]
    return before if before and after and not is_spaced(before) and not is_spaced(after) else f"{before} "
