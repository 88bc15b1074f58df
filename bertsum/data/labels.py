"""Makes labels of sentences from reference summaries; an extractive model learns from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bertsum.config import DataConfig
from bertsum.data.oracle import greedy_oracles, soft_oracles

if TYPE_CHECKING:
    from bertsum.data.rows import ExtractiveRow

# A document's sentences, and its references.
OracleTexts = tuple[list[str], list[list[str]]]


def visible_sentences(row: Mapping[str, Any], config: DataConfig, all_of_it: bool = False) -> Sequence[int]:
    """The sentences that an oracle chooses from: those that the encoder reads, or all.

    The authors' oracle chooses from the whole document, and loses sentences that are not read (``data.oracle: paper``).

    Args:
        row: A row with ``sentences`` and ``sentence_indices``.
        config: Its ``oracle`` is read.
        all_of_it: Whether to choose from all sentences in any case.
    """
    all_sentences = all_of_it or config.oracle == "paper" or "sentence_indices" not in row
    return range(len(row["sentences"])) if all_sentences else list(row["sentence_indices"])


def oracle_texts(row: Mapping[str, Any], sentences: Sequence[int]) -> OracleTexts:
    """The given sentences of a document, and its references."""
    return [row["sentences"][index] for index in sentences], row["references"]


def label(rows: Sequence[ExtractiveRow], config: DataConfig) -> None:
    """Gives each row its ``labels``, from 0 to 1, one for each sentence that is read (S)."""
    visible = [visible_sentences(row, config) for row in rows]
    texts = [oracle_texts(row, sentences) for row, sentences in zip(rows, visible, strict=True)]
    scheme = LABELS["greedy" if config.soft_labels is None else "soft"]
    for row, sentences, values in zip(rows, visible, scheme(texts, config), strict=True):
        by_index = dict(zip(sentences, values, strict=True))
        row["labels"] = [by_index.get(index, 0.0) for index in row["sentence_indices"]]


def greedy_labels(texts: Sequence[OracleTexts], config: DataConfig) -> list[list[float]]:
    """1 for the sentences of the greedy oracle, 0 for the others."""
    oracles = greedy_oracles(texts, config.oracle_sentences, config.oracle, config.oracle_references)
    return [
        [float(place in oracle) for place in range(len(sentences))]
        for (sentences, _), oracle in zip(texts, oracles, strict=True)
    ]


def soft_labels(texts: Sequence[OracleTexts], config: DataConfig) -> list[list[float]]:
    """The probability that an extract has a sentence; better extracts are more probable."""
    assert config.soft_labels is not None
    return soft_oracles(texts, config.oracle_sentences, config.soft_labels, config.oracle, config.oracle_references)


# A label scheme: documents to a label for each of their sentences.
LABELS: dict[str, Callable[[Sequence[OracleTexts], DataConfig], list[list[float]]]] = {
    "greedy": greedy_labels,
    "soft": soft_labels,
}
