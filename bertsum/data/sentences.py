"""Text to sentences, for any language, keeping every character."""

from __future__ import annotations

from sentencex import segment

from bertsum.errors import BertsumError
from bertsum.text import sanitize


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
    for piece in segment(language, sanitize(text)):  # same length, so positions hold in the text itself
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
