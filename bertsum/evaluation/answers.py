"""How well a model finds the sentences that answer queries: their ranking, and what a threshold keeps and removes.

# N records, S sentences of a document, K = 3 figures of a record: P@1, MRR, MAP
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bertsum.errors import BertsumError
from bertsum.evaluation.bootstrap import interval, resampled_means
from bertsum.files import whole_file
from bertsum.models.contract import Prediction
from bertsum.pages.answered import Answered
from bertsum.results import Answers, AtThreshold, CorpusScore
from bertsum.text import split_words

ANSWERS = "answers"  # the metric's name
RANKING = ("p@1", "mrr", "map")
THRESHOLDS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9)


@dataclass(frozen=True)
class Judged:
    """A record, as far as its figures need it.

    Attributes:
        scores: Score of each sentence (S); minus infinity for one that was not read.
        relevant: True for sentences that answer (S).
        words: Words of each sentence (S).
    """

    scores: np.ndarray
    relevant: np.ndarray
    words: np.ndarray


def ranking_figures(scores: Sequence[float] | np.ndarray, relevant: Sequence[bool] | np.ndarray) -> list[float]:
    """P@1, reciprocal rank and average precision of a record (``RANKING``); equal scores rank in the document's order.

    Args:
        scores: Score of each sentence (S).
        relevant: Which sentences answer (S); one at least.
    """
    ranked = np.asarray(relevant, dtype=bool)[np.argsort(-np.asarray(scores), kind="stable")]
    places = np.flatnonzero(ranked)
    precisions = np.arange(1, len(places) + 1) / (places + 1)
    return [float(ranked[0]), 1 / (places[0] + 1), float(precisions.mean())]


def at_threshold(records: Sequence[Judged], threshold: float) -> AtThreshold:
    """What is kept and removed if all sentences with at least this score are kept.

    Args:
        records: The records (N).
        threshold: From 0 to 1.
    """
    kept = [record.scores >= threshold for record in records]
    answered = [(keep, one) for keep, one in zip(kept, records, strict=True) if one.relevant.any()]
    unanswered = [keep for keep, one in zip(kept, records, strict=True) if not one.relevant.any()]
    words = sum(int(one.words.sum()) for one in records)
    left = sum(int(one.words[keep].sum()) for keep, one in zip(kept, records, strict=True))
    return AtThreshold(
        threshold=threshold,
        answered=_mean([bool((keep & one.relevant).any()) for keep, one in answered]),
        recall=_mean([float(keep[one.relevant].mean()) for keep, one in answered]),
        removed=1 - left / max(1, words),
        empty=_mean([not keep.any() for keep in unanswered]),
    )


def summarize_answers(
    records: Sequence[Judged], thresholds: Sequence[float], samples: int = 1000, seed: int = 0
) -> Answers:
    """The figures of a system over all records, with 95% bootstrap intervals.

    Args:
        records: The records (N).
        thresholds: The thresholds to try; none if scores are not probabilities.
        samples: Number of resamplings.
        seed: Seed of the resamplings.
    """
    figures = np.array([ranking_figures(one.scores, one.relevant) for one in records if one.relevant.any()])
    curve = [at_threshold(records, threshold) for threshold in thresholds]
    if not len(figures):
        return Answers(0, None, None, None, curve)
    low, high = interval(resampled_means(figures, samples, seed))
    means = figures.mean(axis=0)
    p1, mrr, mean = (CorpusScore(float(100 * means[k]), (float(100 * low[k]), float(100 * high[k]))) for k in range(3))
    return Answers(len(figures), p1, mrr, mean, curve)


def write_answers(
    file: Path,
    rows: Iterable[Mapping[str, Any]],
    predictions: Iterable[Prediction],
    query_threshold: float | None,
    samples: int,
    seed: int,
) -> dict[str, Answers]:
    """The figures of a model and of two baselines; a line for each record goes to a file.

    Args:
        file: The predictions.jsonl to write.
        rows: The records, with ``query``, ``sentences``, ``sentence_indices``, ``labels`` and ``relevant`` (N).
        predictions: A prediction for each record (N).
        query_threshold: The model's own threshold, which is tried beside others.
        samples: Number of resamplings.
        seed: Seed of the resamplings.

    Returns:
        Figures by system: ``first`` (the first sentence is the best), ``overlap`` (words shared with the query, each
        counted by its inverse document frequency), and ``model``.

    Raises:
        BertsumError: if the file cannot be written, or a record has no query.
    """
    model, texts = [], []
    with whole_file(file) as lines:
        for row, made in zip(rows, predictions, strict=True):
            if not row["query"]:
                raise BertsumError(
                    f"evaluation.metrics answers: record '{row['id']}' has no query; expected one in each record, or "
                    "evaluation.metrics [rouge] for documents with summaries"
                )
            relevant = np.zeros(len(row["sentences"]), dtype=bool)
            if (places := row["relevant"]) is None:  # labels of an oracle, which only sentences that are read have
                places = [i for i, label in zip(row["sentence_indices"], row["labels"], strict=True) if label > 0.5]
            relevant[places] = True
            scores = np.array([-math.inf if score is None else score for score in made.scores])
            words = np.array([len(split_words(sentence)) for sentence in row["sentences"]])
            model.append(Judged(scores, relevant, words))
            texts.append((row["query"], row["sentences"]))
            line = {
                "id": row["id"],
                "query": row["query"],
                "relevant": np.flatnonzero(relevant).tolist(),
                "indices": made.indices,
                "scores": [None if score is None else round(score, 6) for score in made.scores],
                "sentences": row["sentences"],
            }
            lines.write(json.dumps(line, ensure_ascii=False) + "\n")
    first = [Judged(-np.arange(len(one.scores), dtype=float), one.relevant, one.words) for one in model]
    overlap = [
        Judged(scores, one.relevant, one.words) for scores, one in zip(overlap_scores(texts), model, strict=True)
    ]
    thresholds = sorted({*THRESHOLDS, *([] if query_threshold is None else [query_threshold])})
    return {
        "first": summarize_answers(first, (), samples, seed),
        "overlap": summarize_answers(overlap, (), samples, seed),
        "model": summarize_answers(model, thresholds, samples, seed),
    }


def some_records(file: Path, count: int, most: int, seed: int) -> list[Answered]:
    """Records drawn from a file that :func:`write_answers` wrote, in its order.

    Args:
        file: The predictions.jsonl.
        count: Its records.
        most: At most this many.
        seed: Seed of the draw.
    """
    drawn = set(np.random.default_rng(seed).permutation(count)[:most].tolist())
    found = []
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number in drawn:
                of = json.loads(line)
                found.append(
                    Answered(of["id"], of["query"], of["sentences"], of["scores"], of["indices"], of["relevant"])
                )
    return found


def overlap_scores(records: Sequence[tuple[str, Sequence[str]]]) -> list[np.ndarray]:
    """For each sentence, the sum over words that it shares with the query of log(sentences / sentences with the word).

    Args:
        records: Query and sentences of each record (N).

    Returns:
        Scores of each record's sentences (S).
    """
    bags = [[_bag(sentence) for sentence in sentences] for _, sentences in records]
    frequency = Counter(word for sentences in bags for bag in sentences for word in bag)
    count = sum(map(len, bags))
    return [
        np.array([math.fsum(math.log(count / frequency[word]) for word in bag & asked) for bag in sentences])
        for sentences, asked in zip(bags, (_bag(query) for query, _ in records), strict=True)
    ]


def _bag(text: str) -> set[str]:
    words = ("".join(filter(str.isalnum, word)) for word in split_words(text.lower()))
    return {word for word in words if word}


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
