"""The language of a text: from its script where that decides, else by py3langid among the languages of the script."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Any

import regex

from bertsum.errors import BertsumError
from bertsum.text import sanitize

AUTO = "auto"
_READ = 5_000  # characters of a text that are looked at
_CLASSIFIED = 1_000  # and of those, letters that the detector gets
_FEWEST_LETTERS = 20  # with fewer, the first candidate of the script is taken
_LEAST_PROBABLE = 0.4  # among the candidates; below, likewise

# Script: candidates, the first where a text does not tell. The detector knows more languages; dialects and rare
# relatives of a large language are left out, as a short text of the large one is taken for them too often.
_CANDIDATES = {
    "Latin": (
        *("en", "de", "fr", "es", "pt", "it", "nl", "sv", "da", "no", "fi", "et", "lv", "lt", "pl", "cs", "sk", "sl"),
        *("hr", "hu", "ro", "sq", "tr", "az", "uz", "id", "ms", "vi", "tl", "sw", "af", "ca", "gl", "eu", "ga", "cy"),
        *("is", "mt", "ha", "yo", "ig", "so"),
    ),
    "Cyrillic": ("ru", "uk", "be", "bg", "sr", "mk", "kk", "ky", "mn", "tg", "tt"),
    "Arabic": ("ar", "fa", "ur", "ps"),
    "Devanagari": ("hi", "mr", "ne"),
    "Greek": ("el",),
    "Hebrew": ("he",),
    "Hangul": ("ko",),
    "Thai": ("th",),
    "Lao": ("lo",),
    "Khmer": ("km",),
    "Myanmar": ("my",),
    "Bengali": ("bn", "as"),
    "Gujarati": ("gu",),
    "Gurmukhi": ("pa",),
    "Kannada": ("kn",),
    "Malayalam": ("ml",),
    "Oriya": ("or",),
    "Tamil": ("ta",),
    "Telugu": ("te",),
    "Sinhala": ("si",),
    "Armenian": ("hy",),
    "Georgian": ("ka",),
    "Ethiopic": ("am",),
}
_LEAST_KANA = 0.1  # share of Japanese characters that are kana; a Chinese text may quote a few
# Of words and characters of these scripts, such runs weigh: a Latin word in a Chinese text is not five characters.
_CHARACTERS_A_WORD = {"Han": 1.6, "Kana": 2.0, "Thai": 4.0, "Lao": 4.0, "Khmer": 4.0, "Myanmar": 4.0}
_ASCII_WORD = re.compile("[A-Za-z]+")
_RUN = regex.compile(
    r"(?P<Kana>[\p{Hiragana}\p{Katakana}ー]+)|(?P<Han>\p{Han}+)|"
    + "|".join(rf"(?P<{script}>[\p{{{script}}}\p{{M}}]+)" for script in _CANDIDATES)
)


def detect_language(text: str) -> str:
    """The ISO 639-1 code of a text's language; of several, that of the script with the most words.

    Args:
        text: Any text; its first 5,000 characters are looked at. An empty one, or a few Latin letters, count as
            English.

    Raises:
        BertsumError: if it is not text.
    """
    if not isinstance(text, str):
        raise BertsumError(f"detect_language: got {type(text).__name__}, expected text")
    text = sanitize(text[:_READ])
    letters = dict.fromkeys((*_CHARACTERS_A_WORD, *_CANDIDATES), 0)
    words = dict.fromkeys(letters, 0.0)
    runs = _runs(text)
    for script, run in runs:
        letters[script] += len(run)
        words[script] += len(run) / _CHARACTERS_A_WORD[script] if script in _CHARACTERS_A_WORD else 1
    words["Han"] += words.pop("Kana")
    script = max(words, key=lambda script: words[script])  # the first of them all, Han, where there are none
    if not words[script]:
        return _CANDIDATES["Latin"][0]
    if script == "Han":
        return "ja" if letters["Kana"] >= _LEAST_KANA * (letters["Kana"] + letters["Han"]) else "zh"
    candidates = _CANDIDATES[script]
    if len(candidates) == 1 or letters[script] < _FEWEST_LETTERS:
        return candidates[0]
    # digits, punctuation and what other scripts have in it would only mislead
    return _most_probable(" ".join(run for own, run in runs if own == script)[:_CLASSIFIED], candidates)


def language_of(texts: str | Iterable[str], language: str) -> str:
    """A language as it is given; for ``auto``, that of a text or of several texts together."""
    if language != AUTO:
        return language
    if isinstance(texts, str):
        return detect_language(texts)
    beginning: list[str] = []
    length = 0
    for text in texts:
        beginning.append(text[:_READ])
        length += len(beginning[-1]) + 1
        if length > _READ:
            break
    return detect_language(" ".join(beginning))


def base_language(language: str) -> str:
    """A code without what follows the language in it: zh of zh-TW."""
    return language.lower().replace("_", "-").partition("-")[0]


def _runs(text: str) -> list[tuple[str, str]]:
    """Letters one after another in one script, with its name; in scripts with spaces, these are words."""
    if text.isascii():
        return [("Latin", word) for word in _ASCII_WORD.findall(text)]
    return [(str(run.lastgroup), run[0]) for run in _RUN.finditer(text)]


def _most_probable(text: str, candidates: tuple[str, ...]) -> str:
    """The candidate that a text is most probably in; the first where none of them is probable."""
    scores = {language: score for language, score in _identifier().rank(text) if language in candidates}
    best = max(candidates, key=lambda language: scores[language])
    return best if scores[best] >= _LEAST_PROBABLE * sum(scores.values()) else candidates[0]


@functools.cache
def _identifier() -> Any:
    """The detector: it is loaded in 0.7 s, and takes 100 MB, where a text needs it."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
