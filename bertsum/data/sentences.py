"""Text to sentences, for any language, keeping every character."""

from __future__ import annotations

from collections.abc import Iterator

from sentencex import segment

from bertsum.errors import BertsumError
from bertsum.text import sanitize

# The splitter takes quadratic time for some scripts, and gets a long text in parts of so many characters.
_AT_ONCE = 20_000


def split_sentences(text: str, language: str = "en") -> list[str]:
    """Splits a text into sentences, verbatim: joined back they are the text, white space between them included.

    Args:
        text: Any text. A blank line always ends a sentence.
        language: ISO 639-1 code; a language that the splitter does not know is split like a related one, or English.

    Raises:
        BertsumError: if it is not text.
    """
    if not isinstance(text, str):
        raise BertsumError(f"split_sentences: got {type(text).__name__}, expected text")
    sentences: list[str] = []
    position = 0
    blank = ""  # white space before the first sentence
    for piece in _pieces(language, sanitize(text)):  # same length, so positions hold in the text itself
        verbatim = text[position : position + len(piece)]
        position += len(piece)
        if not verbatim.strip():  # never a sentence of its own
            if sentences:
                sentences[-1] += verbatim
            else:
                blank += verbatim
        else:
            sentences.append(blank + verbatim)
            blank = ""
    if blank:
        sentences.append(blank)
    return sentences


def _pieces(language: str, text: str) -> Iterator[str]:
    """The splitter's sentences; the last two of a part are split again with what follows them."""
    start, size = 0, _AT_ONCE
    while len(text) - start > size:
        pieces = segment(language, text[start : start + size])[:-2]
        yield from pieces
        start += sum(map(len, pieces))
        size = _AT_ONCE if pieces else 2 * size  # a sentence may be longer
    yield from segment(language, text[start:])
