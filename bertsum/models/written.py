"""A written text, and the sentences that it leans on: those of the document that it has most of its words from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bertsum.data.oracle import greedy_oracles

_MOST_LEANED_ON = 3  # sentences of the document, for one written sentence


@dataclass(frozen=True)
class Written:
    """A text that the model has written.

    Attributes:
        ids: Its tokens, without the start; the end is kept if it has one.
        score: Its log-probability, divided by the length penalty.
        text: The text, one line a sentence; None if the model has no tokenizer.
    """

    ids: list[int]
    score: float
    text: str | None = None


def leaned_on(sentences: Sequence[str], document: Sequence[str]) -> list[list[int]]:
    """For each written sentence, the sentences of the document that share most with it: its greedy oracle.

    Args:
        sentences: The written sentences.
        document: The document's sentences.
    """
    texts = [(list(document), [[sentence]]) for sentence in sentences]
    return greedy_oracles(texts, _MOST_LEANED_ON, "unicode", "mean")
