"""Base forms of English words as ROUGE-1.5.5 ``-m`` makes them: WordNet's irregular forms, else its Porter stemmer.

Porter's algorithm (1980) with the three changes of the Perl script: ``bli -> ble`` and ``logi -> log`` in step 2, and a
step 4 that removes up to three suffixes one after the other.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

# A word is [C](VC)^m[V], where C is a run of consonants, V one of vowels and m its measure. A y is a vowel after a
# consonant, and a consonant elsewhere.
_C, _V = "[^aeiou][^aeiouy]*", "[aeiouy][aeiou]*"
_M_OVER_0 = re.compile(f"(?:{_C})?{_V}{_C}")
_M_IS_1 = re.compile(f"(?:{_C})?{_V}{_C}(?:{_V})?$")
_M_OVER_1 = re.compile(f"(?:{_C})?{_V}{_C}{_V}{_C}")
_HAS_VOWEL = re.compile(f"(?:{_C})?[aeiouy]")
_ENDS_CVC = re.compile(f"{_C}[aeiouy][^aeiouwxy]$")
_DOUBLE_CONSONANT = re.compile(r"([^aeiouylsz])\1$")

_STEP_2 = {
    **{"ational": "ate", "tional": "tion", "enci": "ence", "anci": "ance", "izer": "ize", "bli": "ble", "alli": "al"},
    **{"entli": "ent", "eli": "e", "ousli": "ous", "ization": "ize", "ation": "ate", "ator": "ate", "alism": "al"},
    **{"iveness": "ive", "fulness": "ful", "ousness": "ous", "aliti": "al", "iviti": "ive", "biliti": "ble"},
    "logi": "log",
}
_STEP_3 = {"icate": "ic", "ative": "", "alize": "al", "iciti": "ic", "ical": "ic", "ful": "", "ness": ""}
_STEP_4 = {
    **{"al": "", "ance": "", "ence": "", "er": "", "ic": "", "able": "", "ible": "", "ant": "", "ement": "", "ou": ""},
    **{"ism": "", "ate": "", "iti": "", "ous": "", "ive": "", "ize": ""},
}


def _suffixes(replacements: dict[str, str]) -> re.Pattern[str]:
    """Finds the longest of some suffixes after a stem of one letter or more."""
    return re.compile(f"(.+?)({'|'.join(replacements)})$")


_FIND_2, _FIND_3, _FIND_4, _FIND_ED = map(_suffixes, (_STEP_2, _STEP_3, _STEP_4, {"ed": "", "ing": ""}))


@functools.lru_cache(maxsize=100_000)
def base_form(word: str) -> str:
    """The form of a word that ROUGE-1.5.5 counts.

    Args:
        word: Lower-case ASCII letters and digits.
    """
    return word if len(word) <= 3 else _irregular_forms().get(word) or porter_stem(word)


@functools.cache
def _irregular_forms() -> dict[str, str]:
    """The base form of each irregular form."""
    text = (Path(__file__).parent / "irregular_forms.txt").read_text(encoding="ascii")
    lines = (line.split(maxsplit=1) for line in text.splitlines() if not line.startswith("#"))
    return dict(lines)


def porter_stem(word: str) -> str:
    """The stem of a word of lower-case ASCII letters and digits, by the stemmer in ROUGE-1.5.5."""
    first_y = word[0] == "y"  # a consonant: the patterns above expect it as a capital
    stem = f"Y{word[1:]}" if first_y else word
    stem = _step_1(stem)
    stem = _replace(stem, _FIND_2, _STEP_2, _M_OVER_0)
    stem = _replace(stem, _FIND_3, _STEP_3, _M_OVER_0)
    stem = _step_4(stem)
    stem = _step_5(stem)
    return f"y{stem[1:]}" if first_y else stem


def _replace(word: str, suffixes: re.Pattern[str], replacements: dict[str, str], condition: re.Pattern[str]) -> str:
    """Replaces a word's suffix if the stem meets a condition."""
    match = suffixes.match(word)
    return match[1] + replacements[match[2]] if match and condition.match(match[1]) else word


def _step_1(word: str) -> str:
    """Plurals, -ed and -ing, and y to i."""
    if word.endswith(("sses", "ies")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    if word.endswith("eed"):
        word = word[:-1] if _M_OVER_0.match(word[:-3]) else word
    elif (match := _FIND_ED.match(word)) and _HAS_VOWEL.match(match[1]):
        word = match[1]
        if word.endswith(("at", "bl", "iz")) or _ENDS_CVC.match(word):
            word += "e"
        elif _DOUBLE_CONSONANT.search(word):
            word = word[:-1]
    return f"{word[:-1]}i" if word.endswith("y") and _HAS_VOWEL.match(word[:-1]) else word


def _step_4(word: str) -> str:
    """Removes -al, -ance ...; then -ment from the rest; then -ent from the rest, or -ion from -sion and -tion."""
    word = _replace(word, _FIND_4, _STEP_4, _M_OVER_1)
    if word.endswith("ment") and _M_OVER_1.match(word[:-4]):
        word = word[:-4]
    return word[:-3] if word.endswith(("ent", "sion", "tion")) and _M_OVER_1.match(word[:-3]) else word


def _step_5(word: str) -> str:
    """Removes a last e, and the second l of two."""
    stem = word[:-1]
    if word.endswith("e") and (_M_OVER_1.match(stem) or (_M_IS_1.match(stem) and not _ENDS_CVC.match(stem))):
        word = stem
    return word[:-1] if word.endswith("ll") and _M_OVER_1.match(word) else word
