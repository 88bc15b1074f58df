"""Finds names, numbers and rare words of a text that a document does not have."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple

import regex

from bertsum.text import split_words, unify_spelling

# What stands around a word: all but letters, marks and digits.
_OUTSIDE = r"[^\p{L}\p{M}\p{N}]"
_AROUND = regex.compile(rf"^{_OUTSIDE}+|{_OUTSIDE}+$")
_POSSESSIVE = regex.compile(r"(?<=[\w.])['’ʼ][sS]?$")
_INNER_COMMA = regex.compile(r"(?<=\p{N}),(?=\p{N})")
_INITIALS = regex.compile(r"(?:\p{L}\.)+\p{L}\.?")
_JOINTS = regex.compile(r"[-‐-―/]+")  # hyphens, dashes and slashes between the parts of a word
_DIGIT, _CAPITAL = regex.compile(r"\p{N}"), regex.compile(r"[\p{Lu}\p{Lt}]")


class Token(NamedTuple):
    """A word of a sentence.

    Attributes:
        begin: Where it begins in the sentence, without the punctuation before it.
        end: Where it ends, without the punctuation behind it.
    """

    begin: int
    end: int


def tokens(sentence: str) -> Iterator[Token]:
    """The words of :func:`bertsum.text.split_words` without the punctuation around them; none of punctuation alone."""
    end = 0
    for word in split_words(sentence):
        begin = sentence.index(word, end)
        end = begin + len(word)
        bare = _AROUND.sub("", word)
        if bare:
            start = begin + word.index(bare)
            initials = _INITIALS.match(word, start - begin)
            last = begin + initials.end() if initials and begin + initials.end() > start + len(bare) else 0
            yield Token(start, max(start + len(bare), last))


def word_key(word: str) -> str:
    """A key of a word that is equal for its different spellings.

    So ``The`` is equal to ``the``, ``U.S.`` to ``us``, ``1,000`` to ``1000``, and ``Smith's`` to ``smith``. Punctuation
    around a word does not count.
    """
    bare = _AROUND.sub("", unify_spelling(word))
    bare = _INNER_COMMA.sub("", _AROUND.sub("", _POSSESSIVE.sub("", bare)))
    return (bare.replace(".", "") if _INITIALS.fullmatch(bare) else bare).casefold()


def unsupported_words(
    sentences: Iterable[str], document: Iterable[str], is_common: Callable[[str], bool] | None = None
) -> list[str]:
    """The names, numbers and rare words of a summary that the document does not have.

    These count: words with a digit, words with a capital, and words that are not common. Compound words count by their
    parts. A word is in the document if its :func:`word_key` is. So a capital at the start of a sentence does not count
    if the document has the word in small letters; nor does it if the word is common.

    Args:
        sentences: The summary.
        document: The sentences of the document.
        is_common: Whether a word in small letters is common. Without it no word is rare.

    Returns:
        The words as they are written, without the punctuation around them; each once, in their order.
    """
    there = {key for sentence in document for key in _keys(sentence)}
    found: dict[str, str] = {}
    for sentence in sentences:
        for number, token in enumerate(tokens(sentence)):
            word = sentence[token.begin : token.end]
            key = word_key(word)
            if key and key not in there and any(_lacks(part, there, number == 0, is_common) for part in _parts(word)):
                found.setdefault(key, word)
    return list(found.values())


def count_unsupported(sentence: str, keys: Collection[str]) -> tuple[int, int]:
    """How many words of a sentence have one of the keys, and how many words it has."""
    words = [word_key(sentence[token.begin : token.end]) for token in tokens(sentence)]
    return sum(word in keys for word in words), len(words)


def _keys(sentence: str) -> Iterator[str]:
    """The keys of a sentence's words and of their parts."""
    for token in tokens(sentence):
        word = sentence[token.begin : token.end]
        yield word_key(word)
        yield from map(word_key, _parts(word))


def _parts(word: str) -> list[str]:
    return [part for part in _JOINTS.split(word) if part]


def _lacks(part: str, there: Collection[str], first: bool, is_common: Callable[[str], bool] | None) -> bool:
    """Whether a part of a word counts, and the document does not have it."""
    key = word_key(part)
    if not key or key in there:
        return False
    if _DIGIT.search(part):
        return True
    common = is_common is not None and is_common(key)
    if _CAPITAL.search(part):
        return not (first and common)
    return is_common is not None and not common
