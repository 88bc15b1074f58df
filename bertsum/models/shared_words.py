"""What the words say that a sentence shares with a query.

A model has learned to answer from some kinds of texts and questions. On others, such as meetings, shared words may tell
more than it does (docs/asking.md).

# S sentences
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from bertsum.models.expected_rouge import words_of


def shared_words(query: str, sentences: Sequence[str]) -> list[float]:
    """For each sentence, the sum over words that it shares with the query of log(sentences / sentences with the word).

    Words are compared as in :mod:`bertsum.models.expected_rouge`. A word that all sentences have counts nothing.

    Args:
        query: The query.
        sentences: All sentences of the document (S).
    """
    asked = set(words_of(query))
    shared = [asked.intersection(words_of(sentence)) for sentence in sentences]
    frequency = Counter(word for words in shared for word in words)
    values = {word: math.log(len(sentences) / count) for word, count in frequency.items()}
    return [math.fsum(values[word] for word in words) for words in shared]
