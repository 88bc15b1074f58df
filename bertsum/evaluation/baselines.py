"""The baselines of every table: Lead and Oracle, chosen without blocking as in the papers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from bertsum.config import DataConfig
from bertsum.data.encoding import long_enough
from bertsum.data.oracle import greedy_oracle
from bertsum.parallel import map_in_order


def lead(sentences: Sequence[str], count: int, min_sentence_words: int = 1) -> list[int]:
    """The first sentences of a document, of those that are long enough to be read."""
    return long_enough(sentences, min_sentence_words)[:count]


def oracles(rows: Iterable[dict[str, Any]], config: DataConfig) -> Iterator[list[int]]:
    """The greedy oracle of each whole document: the bound of any extractive summary, read by the model or not."""
    pairs = ((row["sentences"], row["references"]) for row in rows)
    chunks = iter(lambda: list(islice(pairs, 64)), [])
    for chunk in map_in_order(_Oracle(config), chunks, config.workers):
        yield from chunk


@dataclass(frozen=True)
class _Oracle:
    config: DataConfig

    def __call__(self, pairs: list[tuple[list[str], list[list[str]]]]) -> list[list[int]]:
        config = self.config
        return [
            greedy_oracle(sentences, references, config.oracle_sentences, config.oracle, config.oracle_references)
            for sentences, references in pairs
        ]
