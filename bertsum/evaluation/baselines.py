"""The baselines of every table: Lead and Oracle, chosen without blocking as in the papers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bertsum.config import Config
from bertsum.data.encoding import long_enough
from bertsum.data.oracle import greedy_oracles


def lead(row: dict[str, Any], config: Config) -> list[int]:
    """The first sentences of a document, of those that are long enough, or that the encoder reads."""
    if config.evaluation.baselines == "read":
        candidates = row["sentence_indices"]
    else:
        candidates = long_enough(row["sentences"], config.encoding.min_sentence_words)
    return list(candidates[: config.lead_sentences])


def oracles(rows: Sequence[dict[str, Any]], config: Config) -> list[list[int]]:
    """The greedy oracle of each document: the bound of any extractive summary of it, or of what the encoder reads."""
    data = config.data
    only_read = config.evaluation.baselines == "read"
    # As for labels: the authors choose in the whole document, and lose what is not read.
    visible = [
        row["sentence_indices"] if only_read and data.oracle != "paper" else range(len(row["sentences"]))
        for row in rows
    ]
    texts = [
        ([row["sentences"][index] for index in own], row["references"]) for row, own in zip(rows, visible, strict=True)
    ]
    chosen = greedy_oracles(texts, data.oracle_sentences, data.oracle, data.oracle_references)
    return [
        [own[place] for place in places if not only_read or own[place] in row["sentence_indices"]]
        for row, own, places in zip(rows, visible, chosen, strict=True)
    ]
