"""Text to sentences, for any language, keeping every character."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bertsum.data.english import sentence_ends as english_ends
from bertsum.data.languages import base_language, language_of
from bertsum.data.lines import units
from bertsum.data.other_languages import sentence_ends as other_ends
from bertsum.errors import BertsumError
from bertsum.text import is_spaced, kind_of, sanitize, word_ends

_LONGEST = 200  # words: longer than this is no sentence, whatever its marks
_LONGEST_UNMARKED = 60  # words, if no mark ends the sentence
_SHORTEST_PART, _LONGEST_PART = 25, 40  # words of each part of such a sentence
_CHARACTERS_A_WORD = 2  # at least, on average, also in scripts without spaces
_SHORT = _CHARACTERS_A_WORD * _LONGEST  # characters: surely not too long for a sentence that has a mark
_END_MARKS = set(".!?…。！？।॥۔؟።։")
_CLOSING = "\"'”’»)]}*_`」』）"
_INNER_MARKS = set(",;:，、；：،؛")


def split_sentences(text: str, language: str = "en") -> list[str]:
    """Splits a text into sentences, verbatim: joined, they are the text, with the white space between them.

    Headings, list items, turns of a dialogue and captions are separate sentences if line breaks show them. A passage
    without punctuation, such as transcribed speech, is cut into pieces of 25 to 40 words.

    Args:
        text: Any text. A blank line always ends a sentence.
        language: ISO 639-1 code, or auto to detect it. A language that the splitter does not know is split like a
            related one, or like English.

    Raises:
        BertsumError: if it is not text.
    """
    if not isinstance(text, str):
        raise BertsumError(f"split_sentences: got {kind_of(text)}, expected text")
    clean = sanitize(text)  # same length, so positions hold in the text itself
    language = language_of(clean, language)
    sentence_ends = english_ends if base_language(language) == "en" else other_ends
    pieces: list[str] = []
    for begin, end in units(clean):
        start = begin
        for stop in sentence_ends(clean[begin:end], language):
            piece = text[start : begin + stop]
            start = begin + stop
            pieces += [piece] if len(piece) < _SHORT else _short_enough(piece)
        pieces += _short_enough(text[start:end])
    return _without_blank(pieces)


def _without_blank(pieces: list[str]) -> list[str]:
    """Adds pieces of white space to the sentence before them, or to the first one."""
    sentences: list[str] = []
    blank = ""  # before the first sentence
    for piece in pieces:
        if piece and not piece.isspace():
            sentences.append(blank + piece)
            blank = ""
        elif sentences:
            sentences[-1] += piece
        else:
            blank += piece
    return [*sentences, blank] if blank else sentences


def _short_enough(sentence: str) -> Iterable[str]:
    """A sentence, or its parts if it is too long to be one."""
    marked = sentence.rstrip().rstrip(_CLOSING)[-1:] in _END_MARKS
    limit = _LONGEST if marked else _LONGEST_UNMARKED
    if len(sentence) <= _CHARACTERS_A_WORD * limit:
        return [sentence]
    per_word = 1 if is_spaced(sentence) else _CHARACTERS_A_WORD
    ends = word_ends(sentence)
    if len(ends) <= limit * per_word:
        return [sentence]
    return _parts(sentence, ends, _SHORTEST_PART * per_word, _LONGEST_PART * per_word)


def _parts(sentence: str, ends: list[int], least: int, most: int) -> Iterator[str]:
    """A sentence in parts of ``least`` to ``most`` words: cut at line ends, else at commas or the like, else anywhere.

    Args:
        sentence: The sentence.
        ends: End of each word, with the white space after it.
        least: Fewest words of a part.
        most: Most words of a part.
    """

    def fitness(word: int) -> tuple[int, int]:
        last = sentence[ends[word - 2] : ends[word - 1]]  # the word, and white space
        return 2 * ("\n" in last) + (last.rstrip()[-1:] in _INNER_MARKS), word

    start = words = 0
    while len(ends) - words > most:
        first, last = words + least, min(words + most, len(ends) - least)
        cut = max(range(first, last + 1), key=fitness) if first <= last else (words + len(ends)) // 2
        yield sentence[start : ends[cut - 1]]
        start, words = ends[cut - 1], cut
    yield sentence[start:]


def document_sentences(text: str | list[str], language: str, split: bool = True) -> list[str]:
    """A document's sentences without the white space around them; without ``split``, a string is one sentence."""
    if isinstance(text, str):
        text = split_sentences(text, language) if split else [text]
    return [piece.strip() for piece in text]


def summary_sentences(summary: str | list[str], language: str, split: bool = True) -> list[str]:
    """A reference's sentences; a string is split line by line (CNN/DailyMail: one highlight a line), or is one sentence
    without ``split``.
    """
    if isinstance(summary, str) and not split:
        summary = [summary]
    lines = summary.splitlines() if isinstance(summary, str) else None
    pieces = summary if lines is None else [piece for line in lines for piece in split_sentences(line, language)]
    return [piece.strip() for piece in pieces if piece.strip()]
