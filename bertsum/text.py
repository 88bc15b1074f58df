"""Words of any script, and characters that can be encoded or shown; all other modules use these definitions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, TypeGuard

import regex

# Scripts that write no spaces between words: each of their characters (with its marks) counts as a word.
UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]\p{M}*"
_WORD = regex.compile(rf"{UNSPACED}|(?:(?!{UNSPACED})\S)+")
_ALPHANUMERIC = regex.compile(rf"{UNSPACED}|(?:(?!{UNSPACED})[\p{{L}}\p{{M}}\p{{N}}])+")
_ASCII_ALPHANUMERIC = re.compile("[a-zA-Z0-9]+")  # the same there, and quicker
_SPACED = re.compile(r"\S+")
_SPACED_WORD, _WORD_AND_SPACE = re.compile(r"\S+\s*"), regex.compile(rf"(?:{_WORD.pattern})\s*")
# Ranges of code points with such characters, and some others: a quick test that a text has none.
_MAYBE_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\u2e80-\U0010ffff]")
_UNSPACED_CHARACTER = regex.compile(UNSPACED)
_SURROGATES = re.compile("[\ud800-\udfff]")
# Characters that a terminal obeys and does not show: control characters except tab and new line, other line separators,
# and changes of the writing direction, with which a text could seem to say something else.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
LANGUAGE_CODE = re.compile(r"auto|[A-Za-z]{2,3}([-_][A-Za-z0-9]+)*")
A_LANGUAGE = "an ISO 639 code such as en, zh or ru, or auto"


def word_set(text: str) -> frozenset[str]:
    """The words of a text as a set, for tables of words."""
    return frozenset(text.split())


def split_words(text: str) -> list[str]:
    """Words as in the papers (``str.split()``); in scripts without spaces each character is a word."""
    return text.split() if is_spaced(text) else _WORD.findall(text)


def alphanumeric_words(text: str) -> list[str]:
    """Runs of letters, marks and digits of any script; in scripts without spaces each character is a word."""
    found: list[str] = (_ASCII_ALPHANUMERIC if text.isascii() else _ALPHANUMERIC).findall(text)
    return found


def ngrams(words: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    """The n-grams of a text's words, in its order."""
    return zip(*(words[start:] for start in range(size)), strict=False)


def has_words(text: str, least: int) -> bool:
    """Whether a text has at least ``least`` words."""
    if least < 1:
        return True
    return len(text.split(maxsplit=least - 1) if is_spaced(text) else _WORD.findall(text)) >= least


def cut_words(text: str, count: int) -> str:
    """The text up to the end of its ``count``-th word, verbatim."""
    if len(text) <= count or (len(text) < 2 * count and is_spaced(text)):
        return text
    for number, match in enumerate(_WORD.finditer(text), start=1):
        if number == count:
            return text[: match.end()]
    return text


def word_ends(text: str) -> list[int]:
    """Positions after each word of :func:`split_words` and the white space behind it."""
    return [match.end() for match in (_SPACED_WORD if is_spaced(text) else _WORD_AND_SPACE).finditer(text)]


def word_spans(text: str) -> list[tuple[int, int]]:
    """Where each word of :func:`split_words` begins and ends."""
    return [match.span() for match in (_SPACED if is_spaced(text) else _WORD).finditer(text)]


def is_spaced(text: str) -> bool:
    """Whether white space separates all words of a text."""
    return text.isascii() or not _MAYBE_UNSPACED.search(text)


def is_character(word: str) -> bool:
    """Whether a word from :func:`split_words` is a character of a script without spaces."""
    return _UNSPACED_CHARACTER.match(word) is not None


class _Spelling(dict[int, int | str | None]):
    """For :meth:`str.translate`: unifies characters in which two spellings of a word may differ; others stay."""

    def __missing__(self, code: int) -> int | str | None:
        if _SHOWN_FORM.match(chr(code)):
            self[code] = unicodedata.normalize("NFKC", chr(code)).translate(self)
        else:
            self[code] = None if _LEFT_OUT.match(chr(code)) else code
        return self[code]


# Invisible in a word: soft hyphens, the joiners of Hindi and Persian, marks of direction. Optional: Arabic vowel signs
# and the stroke that lengthens a word.
_LEFT_OUT = re.compile("[\u00ad\u0640\u064b-\u0652\u0670\u200c-\u200f\u2060\ufeff]")
# Forms of Arabic letters by their place in a word, full-width Latin and half-width Japanese.
_SHOWN_FORM = re.compile("[\ufb50-\ufdff\ufe70-\ufefc\uff01-\uff9f]")
_SPELLING = _Spelling({0x064A: 0x06CC, 0x0643: 0x06A9})  # Arabic yeh and kaf, often typed for Persian's
_MAY_DIFFER = re.compile(f"{_LEFT_OUT.pattern}|{_SHOWN_FORM.pattern}|[\u0643\u064a]")


def unify_spelling(text: str) -> str:
    """Unifies the spelling of words that differ only in how they are encoded or shown, so that they can be compared.
    ASCII stays as it is; in most languages so does composed text (NFC).
    """
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", text)
    return unicodedata.normalize("NFC", text.translate(_SPELLING)) if _MAY_DIFFER.search(text) else text


def listed(values: object) -> list[Any] | None:
    """The items of a list, tuple, generator, array or column of a table; None for anything else."""
    return [plain(value) for value in values] if is_listed(values) else None


def is_listed(values: object) -> TypeGuard[Iterable[Any]]:
    """Whether values are a list, tuple, generator, array or column of a table.

    Text, bytes and an array without a dimension are one item. The items of a dict or a set have no order; those of a
    table are its columns.
    """
    one = isinstance(values, str | bytes | bytearray | Mapping | Set) or not isinstance(values, Iterable)
    return not one and not hasattr(values, "columns") and getattr(values, "ndim", 1) > 0


def plain(value: Any) -> Any:
    """Turns a value of numpy or Arrow into Python's type; other values stay."""
    if hasattr(value, "as_py"):
        return value.as_py()
    return value.item() if hasattr(value, "dtype") and getattr(value, "ndim", None) == 0 else value


def kind_of(value: object) -> str:
    """The type of a value that should be text, and what to do about it, for an error message."""
    if isinstance(value, bytes | bytearray):
        return "bytes, which are no text yet (decode them: .decode('utf-8'))"
    return "nan" if isinstance(value, float) and value != value else type(value).__name__


def text_size(text: object) -> int:
    """Approximate bytes of memory for a text or a list of sentences; 0 for anything else."""
    if isinstance(text, str):
        return len(text)
    return sum(len(item) + 64 for item in text if isinstance(item, str)) if isinstance(text, Sequence) else 0


def sanitize(text: str) -> str:
    """Replaces lone surrogates, which no encoding or tokenizer accepts, by U+FFFD; lengths stay the same."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def printable(text: str) -> str:
    """Replaces characters that a terminal would obey by U+FFFD, to show a document; lengths stay the same."""
    return _OBEYED.sub("\ufffd", text)


def one_line(text: str) -> str:
    """A text on a single line, and harmless to a terminal."""
    return printable(" ".join(text.split()))
