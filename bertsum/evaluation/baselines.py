"""The baselines of every table: Lead and Oracle, chosen without blocking as in the papers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from bertsum.config import Config
from bertsum.data.encoding import long_enough
from bertsum.data.oracle import greedy_oracles
from bertsum.parallel import map_in_order


def lead(row: dict[str, Any], config: Config) -> list[int]:
    """The first sentences of a document, of those that are long enough, or that the encoder reads."""
    if config.evaluation.baselines == "read":
        candidates = row["sentence_indices"]
    else:
        candidates = long_enough(row["sentences"], config.encoding.min_sentence_words)
    return list(candidates[: config.lead_sentences])


def oracles(rows: Iterable[dict[str, Any]], config: Config) -> Iterator[list[int]]:
    """The greedy oracle of each document: the bound of any extractive summary of it, or of what the encoder reads."""
    iterator = iter(rows)
    chunks = iter(lambda: list(islice(iterator, 64)), [])
    for chunk in map_in_order(_Oracle(config), chunks, config.data.workers):
        yield from chunk


@dataclass(frozen=True)
class _Oracle:
    config: Config

    def __call__(self, rows: list[dict[str, Any]]) -> list[list[int]]:
        data = self.config.data
        only_read = self.config.evaluation.baselines == "read"
        # As for labels: the authors choose in the whole document, and lose what is not read.
        visible = [
            row["sentence_indices"] if only_read and data.oracle != "paper" else range(len(row["sentences"]))
            for row in rows
        ]
        texts = [
            ([row["sentences"][index] for index in own], row["references"])
            for row, own in zip(rows, visible, strict=True)
        ]
        oracles = greedy_oracles(texts, data.oracle_sentences, data.oracle, data.oracle_references)
        return [
            [own[place] for place in chosen if not only_read or own[place] in row["sentence_indices"]]
            for row, own, chosen in zip(rows, visible, oracles, strict=True)
        ]
