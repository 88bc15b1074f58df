"""Makes labels of sentences, from reference summaries or other models' scores; an extractive model learns from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from bertsum.config import DataConfig
from bertsum.data.oracle import greedy_oracles, soft_oracles
from bertsum.data.teacher import TeacherScores

if TYPE_CHECKING:
    from bertsum.data.rows import ExtractiveRow

# A document's sentences, and its references.
OracleTexts = tuple[list[str], list[list[str]]]


def visible_sentences(row: Mapping[str, Any], config: DataConfig, all_of_it: bool = False) -> Sequence[int]:
    """The sentences that an oracle chooses from: those that the encoder reads, or all.

    With ``data.oracle: paper`` the oracle chooses from the whole document, as the authors' does. Chosen sentences that
    the encoder does not read are then lost.

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


def label(rows: Sequence[ExtractiveRow], config: DataConfig, teachers: Sequence[TeacherScores] = ()) -> None:
    """Gives each row its ``labels``, from 0 to 1, one for each sentence that is read (S).

    Args:
        rows: The rows. For an oracle, a row that came with labels keeps them.
        config: Its ``labels`` chooses the scheme.
        teachers: The opened files of ``data.teacher``; each has scores for all of the rows.
    """
    for row, labels in zip(rows, LABELS[config.labels](rows, config, teachers), strict=True):
        row["labels"] = labels


def greedy_labels(
    rows: Sequence[ExtractiveRow], config: DataConfig, teachers: Sequence[TeacherScores]
) -> list[list[float]]:
    """1 for the sentences of the greedy oracle, 0 for the others."""

    def oracle(texts: Sequence[OracleTexts]) -> list[list[float]]:
        oracles = greedy_oracles(texts, config.oracle_sentences, config.oracle, config.oracle_references)
        return [
            [float(place in chosen) for place in range(len(sentences))]
            for (sentences, _), chosen in zip(texts, oracles, strict=True)
        ]

    return _oracle_labels(rows, config, oracle)


def soft_labels(
    rows: Sequence[ExtractiveRow], config: DataConfig, teachers: Sequence[TeacherScores]
) -> list[list[float]]:
    """The probability that an extract has a sentence; better extracts are more probable."""
    temperature = config.soft_temperature
    assert temperature is not None  # the config has checked it

    def oracle(texts: Sequence[OracleTexts]) -> list[list[float]]:
        return soft_oracles(texts, config.oracle_sentences, temperature, config.oracle, config.oracle_references)

    return _oracle_labels(rows, config, oracle)


def teacher_labels(
    rows: Sequence[ExtractiveRow], config: DataConfig, teachers: Sequence[TeacherScores]
) -> list[list[float]]:
    """The mean score that the teachers gave a sentence, mixed with the oracle's label by ``data.teacher_weight``."""
    taught = [_mean_scores([teacher.scores(row["id"]) for teacher in teachers]) for row in rows]
    labels = [[scores[index] for index in row["sentence_indices"]] for row, scores in zip(rows, taught, strict=True)]
    weight = config.teacher_weight
    if weight == 1:
        return labels
    oracle = LABELS[oracle_scheme(config)](rows, config, ())
    return [
        [weight * score + (1 - weight) * label for score, label in zip(*pair, strict=True)]
        for pair in zip(labels, oracle, strict=True)
    ]


def oracle_scheme(config: DataConfig) -> Literal["greedy", "soft"]:
    """The oracle that makes labels, alone or mixed with a teacher's scores: greedy or soft."""
    return "greedy" if config.soft_temperature is None else "soft"


def _oracle_labels(
    rows: Sequence[ExtractiveRow],
    config: DataConfig,
    oracle: Callable[[Sequence[OracleTexts]], list[list[float]]],
) -> list[list[float]]:
    """An oracle's label for each sentence that is read; a row that came with labels keeps them."""
    unlabelled = [row for row in rows if row["labels"] is None]
    visible = [visible_sentences(row, config) for row in unlabelled]
    texts = [oracle_texts(row, sentences) for row, sentences in zip(unlabelled, visible, strict=True)]
    made = zip(visible, oracle(texts), strict=True)
    return [_of_read_sentences(row, *next(made)) if row["labels"] is None else row["labels"] for row in rows]


def _of_read_sentences(row: ExtractiveRow, sentences: Sequence[int], labels: Sequence[float]) -> list[float]:
    """The labels of the sentences that are read, from the labels of all sentences that the oracle chose from."""
    by_index = dict(zip(sentences, labels, strict=True))
    return [by_index.get(index, 0.0) for index in row["sentence_indices"]]


def _mean_scores(scores: Sequence[Sequence[float | None]]) -> list[float]:
    """The mean score of each sentence over the teachers that read it; 0 if none did, since none would choose it."""
    read = ([score for score in of_sentence if score is not None] for of_sentence in zip(*scores, strict=True))
    return [sum(some) / len(some) if some else 0.0 for some in read]


# Label schemes by data.labels: rows to a label for each sentence that is read.
LABELS: dict[str, Callable[[Sequence[ExtractiveRow], DataConfig, Sequence[TeacherScores]], list[list[float]]]] = {
    "greedy": greedy_labels,
    "soft": soft_labels,
    "teacher": teacher_labels,
}
