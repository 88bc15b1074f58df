"""Overlap of two summaries as ROUGE counts it (Lin, 2004): n-grams, and the union of longest common subsequences.
Figures are equal to rouge-score's; machine words replace its tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain

Words = Sequence[str]


def common_ngrams(reference: Words, candidate: Words, size: int) -> int:
    """Number of n-grams in common, each counted as often as in the text that has it less often."""
    theirs = Counter(zip(*(candidate[start:] for start in range(size)), strict=False))
    wanted = Counter(zip(*(reference[start:] for start in range(size)), strict=False))
    return sum(min(count, theirs[ngram]) for ngram, count in wanted.items() if ngram in theirs)


def common_subsequences(reference: Sequence[Words], candidate: Sequence[Words]) -> int:
    """Number of the reference's words in a longest common subsequence with some sentence of the candidate (Lin, 2004,
    section 3.2). As in ROUGE-1.5.5, no word counts more often than either text has it.
    """
    left = Counter(chain.from_iterable(reference)) & Counter(chain.from_iterable(candidate))
    sentences = [(sentence, _places(sentence)) for sentence in candidate if sentence]
    hits = 0
    for wanted in reference:
        union: set[int] = set()
        for sentence, places in sentences:
            union.update(_longest_common_subsequence(wanted, sentence, places))
        for word in (wanted[place] for place in sorted(union)):
            if left[word] > 0:
                left[word] -= 1
                hits += 1
    return hits


def _places(words: Words) -> dict[str, int]:
    """The places of each word, as bits of a whole number."""
    places: dict[str, int] = {}
    for place, word in enumerate(words):
        places[word] = places.get(word, 0) | 1 << place
    return places


def _longest_common_subsequence(wanted: Words, words: Words, places: dict[str, int]) -> list[int]:
    """Places in ``wanted`` of the longest common subsequence with ``words``; of several, ROUGE-1.5.5's choice.

    ``L[i][j]`` is the length for the first i and j words. The row ``L[i]`` is kept as one number: bit j is 0 if
    ``L[i][j + 1]`` is greater than ``L[i][j]`` (Hyyro, 2004: bit-parallel LCS-length computation revisited).
    """
    own = [place for place, word in enumerate(wanted) if word in places]  # other words are in no common subsequence
    everything = (1 << len(words)) - 1
    row = everything
    rows = [row]
    for place in own:
        matches = row & places[wanted[place]]
        row = ((row + matches) | (row - matches)) & everything
        rows.append(row)
    length = len(words) - row.bit_count()  # L[i][j], from the end back
    common = []
    i, j = len(own), len(words)
    while length:
        if wanted[own[i - 1]] == words[j - 1]:
            common.append(own[i - 1])
            i, j, length = i - 1, j - 1, length - 1
        elif j - (rows[i - 1] & ((1 << j) - 1)).bit_count() < length:  # L[i - 1][j]
            j -= 1
        else:
            i -= 1
    return common
