"""Words of any script, and characters that can be encoded or shown: what every other module means by text."""

from __future__ import annotations

import re

import regex

# Scripts that write no spaces between words: each of their characters (with its marks) counts as a word.
UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]\p{M}*"
_WORD = regex.compile(rf"{UNSPACED}|(?:(?!{UNSPACED})\S)+")
_SURROGATES = re.compile("[\ud800-\udfff]")
# What a terminal obeys rather than shows: control characters other than tab and new line, line separators that are none
# of ours, and changes of the writing direction (a text could seem to say what it does not).
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def split_words(text: str) -> list[str]:
    """Words as the papers count them, ``str.split()``, except that scripts without spaces count characters."""
    return text.split() if text.isascii() else _WORD.findall(text)


def cut_words(text: str, count: int) -> str:
    """The text up to the end of its ``count``-th word, verbatim."""
    if len(text) <= count:
        return text
    for number, match in enumerate(_WORD.finditer(text), start=1):
        if number == count:
            return text[: match.end()]
    return text


def sanitize(text: str) -> str:
    """Replaces lone surrogates, which no encoding and no tokenizer accepts, by U+FFFD; lengths stay the same."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def printable(text: str) -> str:
    """Replaces what a terminal would obey by U+FFFD, so that a document can be shown; lengths stay the same."""
    return _OBEYED.sub("\ufffd", text)
