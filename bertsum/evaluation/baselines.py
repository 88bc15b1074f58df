"""The baselines of every table, Lead and Oracle; without trigram blocking, as in the papers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bertsum.config import Config
from bertsum.data.encoding import long_enough
from bertsum.data.labels import oracle_texts, visible_sentences
from bertsum.data.oracle import greedy_oracles


def lead(row: dict[str, Any], config: Config) -> list[int]:
    """Lead: the first sentences of a document that are long enough, or the first ones that the encoder reads."""
    if config.evaluation.baselines == "read" and "sentence_indices" in row:
        candidates = row["sentence_indices"]
    else:
        candidates = long_enough(row["sentences"], config.encoding.min_sentence_words)
    return list(candidates[: config.lead_sentences])


def oracles(rows: Sequence[dict[str, Any]], config: Config) -> list[list[int]]:
    """Oracle: each document's greedily best extract by ROUGE, from all of it or from what the encoder reads."""
    data, only_read = config.data, config.evaluation.baselines == "read"
    visible = [visible_sentences(row, data, all_of_it=not only_read) for row in rows]
    texts = [oracle_texts(row, sentences) for row, sentences in zip(rows, visible, strict=True)]
    chosen = greedy_oracles(texts, data.oracle_sentences, data.oracle, data.oracle_references)
    oracles = [[sentences[place] for place in places] for sentences, places in zip(visible, chosen, strict=True)]
    if not only_read:
        return oracles
    read = [set(row.get("sentence_indices", oracle)) for row, oracle in zip(rows, oracles, strict=True)]
    return [[index for index in oracle if index in of_row] for oracle, of_row in zip(oracles, read, strict=True)]
