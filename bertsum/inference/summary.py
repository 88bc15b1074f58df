"""A summary: the chosen sentences, their places, and what became of the others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from bertsum.data.languages import base_language
from bertsum.pages.shading import document_html, marked, show_document
from bertsum.text import is_spaced

_JOINED_WITHOUT_SPACE = {"zh", "ja"}  # Thai writes none between words, but between sentences
_LINE_BREAK = re.compile(r"(.?)[^\S\n\r\x85\u2028]*[\n\r\x85\u2028]\s*(?=(.?))")


@dataclass(frozen=True)
class Summary:
    """A summary and where it comes from.

    Attributes:
        text: The chosen sentences as one text, without line breaks inside sentences.
        sentences: The chosen sentences, verbatim, in document order unless asked otherwise.
        indices: Places of the chosen sentences in the document.
        scores: The probability of each chosen sentence.
        document: All sentences of the document.
        document_scores: The probability of each sentence of the document; None if the model did not read it.
        unscored: Why the model did not read a sentence, by its place in the document.
    """

    text: str
    sentences: list[str]
    indices: list[int]
    scores: list[float]
    document: list[str]
    document_scores: list[float | None]
    unscored: dict[int, str] = field(default_factory=dict)

    def marked(self) -> str:
        """The whole document, one sentence a line, chosen sentences marked."""
        return marked(self.document, self.indices)

    def show(self) -> None:
        """Shows the whole document in a notebook, or prints it: shaded by score, chosen sentences marked."""
        show_document(self.document, self.document_scores, self.indices)

    def _repr_html_(self) -> str:
        return document_html(self.document, self.document_scores, self.indices)


def running_text(sentences: Sequence[str], language: str) -> str:
    """Sentences as one text on one line: joined as their language does, hard-wrapped lines joined by a space.

    Args:
        sentences: The sentences, verbatim.
        language: ISO 639-1 code.
    """
    separator = "" if base_language(language) in _JOINED_WITHOUT_SPACE else " "
    return separator.join(_LINE_BREAK.sub(_joined_line, sentence) for sentence in sentences)


def _joined_line(match: re.Match[str]) -> str:
    """The replacement of a line break: nothing between two characters of scripts without spaces, else a space."""
    before, after = match[1], match[2]
    return before if before and after and not is_spaced(before) and not is_spaced(after) else f"{before} "
