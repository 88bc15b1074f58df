"""Words of any script, and characters that can be encoded or shown: what every other module means by text."""

from __future__ import annotations

import re

import regex

# Scripts that write no spaces between words: each of their characters (with its marks) counts as a word.
UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]\p{M}*"
_WORD = regex.compile(rf"{UNSPACED}|(?:(?!{UNSPACED})\S)+")
# Where such characters lie, and others: it is quickly seen that a text has none of these.
_MAYBE_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\u2e80-\U0010ffff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
# What a terminal obeys rather than shows: control characters other than tab and new line, line separators that are none
# of ours, and changes of the writing direction (a text could seem to say what it does not).
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def split_words(text: str) -> list[str]:
    """Words as the papers count them, ``str.split()``, except that scripts without spaces count characters."""
    return text.split() if _is_spaced(text) else _WORD.findall(text)


def has_words(text: str, least: int) -> bool:
    """Whether a text has at least so many words; as quick as its first words."""
    if least < 1:
        return True
    return len(text.split(maxsplit=least - 1) if _is_spaced(text) else _WORD.findall(text)) >= least


def cut_words(text: str, count: int) -> str:
    """The text up to the end of its ``count``-th word, verbatim."""
    if len(text) <= count or (len(text) < 2 * count and _is_spaced(text)):
        return text
    for number, match in enumerate(_WORD.finditer(text), start=1):
        if number == count:
            return text[: match.end()]
    return text


def _is_spaced(text: str) -> bool:
    """Whether all of its words have white space between them."""
    return text.isascii() or not _MAYBE_UNSPACED.search(text)


def sanitize(text: str) -> str:
    """Replaces lone surrogates, which no encoding and no tokenizer accepts, by U+FFFD; lengths stay the same."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def printable(text: str) -> str:
    """Replaces what a terminal would obey by U+FFFD, so that a document can be shown; lengths stay the same."""
    return _OBEYED.sub("\ufffd", text)


def one_line(text: str) -> str:
    """A text on a single line, and harmless to a terminal."""
    return printable(" ".join(text.split()))
