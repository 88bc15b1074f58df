"""Overlap of two summaries as ROUGE counts it (Lin, 2004): n-grams, skip bigrams, and the union of longest common
subsequences, plain or weighted. Figures are equal to those of the package rouge-score. Its tables are replaced by
whole numbers whose bits stand for places, which is faster.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain

Words = Sequence[str]

_MATCH, _UP, _LEFT = range(3)  # steps of the way back through a table


def common_ngrams(reference: Words, candidate: Words, size: int) -> int:
    """Number of n-grams in common, each counted as often as in the text that has it less often."""
    theirs = Counter(zip(*(candidate[start:] for start in range(size)), strict=False))
    wanted = Counter(zip(*(reference[start:] for start in range(size)), strict=False))
    return sum(min(count, theirs[ngram]) for ngram, count in wanted.items() if ngram in theirs)


def skip_bigrams(words: Words, distance: int | None, unigrams: bool) -> Counter[tuple[str, ...]]:
    """Pairs of words in their order, with how often each occurs.

    Args:
        words: The text.
        distance: At most this many words lie between the two; None: any number.
        unigrams: Count single words too. As in ROUGE-1.5.5, the last word of a text is not among them.
    """
    count = len(words)
    reach = count if distance is None else distance + 1
    found: Counter[tuple[str, ...]] = Counter()
    for gap in range(1, min(reach, count - 1) + 1):
        found.update(zip(words, words[gap:], strict=False))
    if unigrams:
        found.update((word,) for word in words[:-1])
    return found


def clip_counts(reference: Words, candidate: Words) -> Counter[str]:
    """How often each word may count in common subsequences: as often as both texts have it."""
    return Counter(reference) & Counter(candidate)


def common_subsequences(
    reference: Sequence[Words], candidate: Sequence[Words], clip: Counter[str] | None = None
) -> int:
    """Number of the reference's words in a longest common subsequence with some sentence of the candidate (Lin, 2004,
    section 3.2). As in ROUGE-1.5.5, no word counts more often than either text has it.

    Args:
        reference: Its sentences.
        candidate: Its sentences.
        clip: How often each word may count; by default :func:`clip_counts` of all sentences.
    """
    left = Counter(clip) if clip is not None else clip_counts([*chain(*reference)], [*chain(*candidate)])
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


def weighted_subsequences(
    reference: Sequence[Words], candidate: Sequence[Words], clip: Counter[str], weight: float
) -> float:
    """The sum of ``length ** weight`` over runs of the reference's words in weighted longest common subsequences.

    A run goes on over a word that may not count any more, and a run that ends with such a word is lost: so does
    ROUGE-1.5.5.

    Args:
        reference: Its sentences.
        candidate: Its sentences.
        clip: From :func:`clip_counts`.
        weight: The exponent.
    """
    left = Counter(clip)
    sum_of_runs = 0.0
    for wanted in reference:
        union: set[int] = set()
        for sentence in candidate:
            union.update(_weighted_common_subsequence(wanted, sentence, weight))
        length = 0
        for place in sorted(union):
            if left[wanted[place]] <= 0:
                continue
            left[wanted[place]] -= 1
            length += 1
            if place + 1 not in union:
                sum_of_runs += length**weight
                length = 0
    return sum_of_runs


def _places(words: Words) -> dict[str, int]:
    """For each word a whole number whose bits are 1 at the word's places."""
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


def _weighted_common_subsequence(wanted: Words, words: Words, weight: float) -> Iterator[int]:
    """Places in ``wanted`` of the weighted longest common subsequence with ``words``, from the last to the first.

    It fills a table as ROUGE-1.5.5 does, which takes a match wherever there is one and may miss the best subsequence.
    """
    if set(wanted).isdisjoint(words):
        return
    powers = [length**weight for length in range(min(len(wanted), len(words)) + 1)]
    scores = [0.0] * (len(words) + 1)
    runs = [0] * (len(words) + 1)
    moves: list[bytearray] = []
    for word in wanted:
        above, runs_above = scores, runs
        scores, runs = [0.0] * len(above), [0] * len(above)
        move = bytearray(len(above))
        for j, other in enumerate(words, start=1):
            if word == other:
                run = runs_above[j - 1]
                scores[j] = above[j - 1] + powers[run + 1] - powers[run]
                runs[j], move[j] = run + 1, _MATCH
            elif above[j] >= scores[j - 1]:
                scores[j], move[j] = above[j], _UP
            else:
                scores[j], move[j] = scores[j - 1], _LEFT
        moves.append(move)
    i, j = len(wanted), len(words)
    while i and j:
        move_here = moves[i - 1][j]
        if move_here == _MATCH:
            yield i - 1
        i -= move_here != _LEFT
        j -= move_here != _UP
