"""The language of a text: from its script if that decides, else by py3langid among the languages of the script."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Any

import regex

from bertsum.errors import BertsumError
from bertsum.text import A_LANGUAGE, LANGUAGE_CODE, sanitize

AUTO = "auto"
_JOINED_WITHOUT_SPACE = {"zh", "ja"}  # Thai writes none between words, but between sentences
_READ = 5_000  # characters of a text to look at
_CLASSIFIED = 1_000  # of those, letters for the detector
_FEWEST_LETTERS = 20  # with fewer, the first candidate of the script is taken
_LEAST_PROBABLE = 0.4  # among the candidates; below, the first is also taken
_SURELY_NOT = 0.02  # a text is plainly in another language if the expected one is at most this probable
# Small words that are frequent in English and rare in its relatives, and the share of them that shows English.
_SMALL_WORDS = {
    *("the", "and", "to", "that", "for", "with", "this", "you", "are", "have", "from", "they", "not", "which", "there"),
    *("been", "their", "would", "we", "our", "it", "its", "as", "by", "at", "on", "or"),
}
_LEAST_SMALL = 0.08

# Candidates by script; the first is the default. The detector knows more languages. Dialects and rare relatives of a
# large language are left out, because short texts of the large one are taken for them too often.
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
# Characters that weigh as much as one word of other scripts: a Latin word in a Chinese text is not five characters.
_CHARACTERS_A_WORD = {"Han": 1.6, "Kana": 2.0, "Thai": 4.0, "Lao": 4.0, "Khmer": 4.0, "Myanmar": 4.0}
_ASCII_WORD = re.compile("[A-Za-z]+")
_RUN = regex.compile(
    r"(?P<Kana>[\p{Hiragana}\p{Katakana}ー]+)|(?P<Han>\p{Han}+)|"
    + "|".join(rf"(?P<{script}>[\p{{{script}}}\p{{M}}]+)" for script in _CANDIDATES)
)


def detect_language(text: str) -> str:
    """The ISO 639-1 code of a text's language; in a text of several scripts, the one with the most words counts.

    Args:
        text: Any text; its first 5,000 characters are read. An empty text, or a few Latin letters, count as English.

    Raises:
        BertsumError: if it is not text.
    """
    if not isinstance(text, str):
        raise BertsumError(f"detect_language: got {type(text).__name__}, expected text")
    probabilities = _probabilities(text)
    best = max(probabilities, key=lambda language: probabilities[language])
    return best if probabilities[best] >= _LEAST_PROBABLE else next(iter(probabilities))


def _probabilities(text: str) -> dict[str, float]:
    """The probability of each language of a text's script; all 0.0 if the text is too short to tell."""
    text = sanitize(text[:_READ])
    letters = dict.fromkeys((*_CHARACTERS_A_WORD, *_CANDIDATES), 0)
    words = dict.fromkeys(letters, 0.0)
    runs = _runs(text)
    for script, run in runs:
        letters[script] += len(run)
        words[script] += len(run) / _CHARACTERS_A_WORD[script] if script in _CHARACTERS_A_WORD else 1
    words["Han"] += words.pop("Kana")
    script = max(words, key=lambda script: words[script])  # Han, the first of all, if the text has no words
    if not words[script]:
        return {_CANDIDATES["Latin"][0]: 0.0}
    if script == "Han":
        japanese = letters["Kana"] >= _LEAST_KANA * (letters["Kana"] + letters["Han"])
        return {"ja" if japanese else "zh": 1.0}
    candidates = _CANDIDATES[script]
    if len(candidates) == 1:
        return {candidates[0]: 1.0}
    if letters[script] < _FEWEST_LETTERS:
        return dict.fromkeys(candidates, 0.0)
    # digits, punctuation and words in other scripts would only mislead
    of_script = " ".join(run for run_script, run in runs if run_script == script)[:_CLASSIFIED]
    scores = dict(_identifier().rank(of_script))
    total = sum(scores[language] for language in candidates) or 1.0
    return {language: scores[language] / total for language in candidates}


def plainly_other(document: str | Iterable[str], language: str) -> str | None:
    """The language of a document that is plainly not in the expected language; otherwise None.

    Args:
        document: The document, as text or sentences.
        language: The expected language, an ISO 639-1 code.
    """
    text = _beginning(document)
    expected = base_language(language)
    if expected == "en" and _looks_english(text):
        return None
    probabilities = _probabilities(text)
    best = max(probabilities, key=lambda language: probabilities[language])
    plain = probabilities[best] >= _LEAST_PROBABLE and probabilities.get(expected, 0.0) <= _SURELY_NOT
    return best if plain else None


def _looks_english(text: str) -> bool:
    """Whether a text has as many small English words as English texts have; much quicker than the detector."""
    words = _ASCII_WORD.findall(text[:_CLASSIFIED].lower())
    return bool(words) and sum(map(_SMALL_WORDS.__contains__, words)) >= _LEAST_SMALL * len(words)


def language_of(texts: str | Iterable[str], language: str) -> str:
    """The given language; for ``auto``, the language of a text or of several texts together.

    Raises:
        BertsumError: if the given one cannot be the code of a language.
    """
    if language != AUTO:
        return checked_language(language)
    return detect_language(_beginning(texts))


def _beginning(texts: str | Iterable[str]) -> str:
    """The part of one or several texts that is read to detect the language."""
    if isinstance(texts, str):
        return texts[:_READ]
    beginning: list[str] = []
    length = 0
    for text in texts:
        beginning.append(text[:_READ])
        length += len(beginning[-1]) + 1
        if length > _READ:
            break
    return " ".join(beginning)


def checked_language(language: str) -> str:
    """The given language.

    Raises:
        BertsumError: if it cannot be the code of a language.
    """
    if not isinstance(language, str) or not LANGUAGE_CODE.fullmatch(language):
        raise BertsumError(f"language: got {language!r:.40}, expected {A_LANGUAGE}")
    return language


def base_language(language: str) -> str:
    """A language code without region or script: zh for zh-TW."""
    return language.lower().replace("_", "-").partition("-")[0]


def between_sentences(language: str) -> str:
    """What a language writes between two sentences: a space, or nothing."""
    return "" if base_language(language) in _JOINED_WITHOUT_SPACE else " "


def _runs(text: str) -> list[tuple[str, str]]:
    """Runs of letters of one script, with the script's name; in scripts with spaces, these are words."""
    if text.isascii():
        return [("Latin", word) for word in _ASCII_WORD.findall(text)]
    return [(str(run.lastgroup), run[0]) for run in _RUN.finditer(text)]


@functools.cache
def _identifier() -> Any:
    """The detector, loaded only if a text needs it: it takes 0.7 s and 100 MB."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
