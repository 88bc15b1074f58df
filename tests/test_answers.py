"""Figures of sentences that answer queries, and thresholds set by them."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from conftest import write_jsonl

from bertsum.config import Config
from bertsum.data.documents import Document
from bertsum.data.queries import Evidence
from bertsum.data.rows import ExtractiveRows
from bertsum.errors import BertsumError
from bertsum.evaluation.answers import overlap_scores, write_answers
from bertsum.evaluation.calibration import _best_scores, threshold_for
from bertsum.evaluation.compare import compare
from bertsum.models.contract import Prediction
from bertsum.results import Answers

SENTENCES = [f"Sentence {number} is about the harbour and the boats that lie in it." for number in range(20)]


def test_an_answer_that_is_not_read_is_missed(tokenizer: Any, tmp_path: Path) -> None:
    config = Config.from_dict({"encoding": {"max_length": 64}}, training=False)
    asked = [
        Document(str(place), SENTENCES, [], "", query="Which?", evidence=Evidence(sentences=places))
        for place, places in enumerate([(0,), (0, 19), (19,), ()])
    ]
    rows: list[Any] = ExtractiveRows(config, tokenizer, "validation")(asked)
    assert [row["relevant"] for row in rows] == [[0], [0, 19], [19], []]
    read = rows[0]["sentence_indices"]
    assert 0 in read and 19 not in read
    scores = [0.9 if place == 0 else 0.1 if place in read else None for place in range(20)]
    made = [Prediction(place, [], [], scores) for place in range(4)]
    found = write_answers(tmp_path / "p.jsonl", rows, made, None, 10, 0)["model"]
    assert (found.answerable, found.p1.score) == (3, pytest.approx(200 / 3))
    (half,) = (point for point in found.curve if point.threshold == 0.5)
    assert (half.answered, half.recall) == (pytest.approx(2 / 3), 0.5)
    assert _best_scores(tmp_path / "p.jsonl") == [0.9, 0.9, 0.0]
    assert json.loads((tmp_path / "p.jsonl").read_text().splitlines()[2])["relevant"] == [19]


def test_records_none_of_which_has_an_answer(tokenizer: Any, tmp_path: Path) -> None:
    config = Config.from_dict({"encoding": {"max_length": 64}}, training=False)
    asked = [
        Document(str(place), SENTENCES[:3], [], "", query="Which?", evidence=Evidence(sentences=())) for place in (0, 1)
    ]
    rows: list[Any] = ExtractiveRows(config, tokenizer, "validation")(asked)
    made = [Prediction(place, [], [], [best, 0.1, 0.1]) for place, best in enumerate((0.8, 0.2))]
    found = write_answers(tmp_path / "p.jsonl", rows, made, None, 10, 0)
    assert (found["model"].answerable, found["model"].ranks, found["first"].ranks) == (0, [], [])
    half = next(point for point in found["model"].curve if point.threshold == 0.5)
    assert (half.answered, half.recall, half.removed, half.empty) == (None, None, pytest.approx(5 / 6), 0.5)
    assert Answers.read(json.loads(json.dumps(asdict(found["model"])))) == found["model"]


def test_shared_words_weigh_the_same_in_any_order() -> None:
    words = [f"word{number}" for number in range(40)]
    sentences = [" ".join(words[:count]) for count in range(1, 41)]
    (found,) = overlap_scores([(" ".join(words), sentences)])
    assert found[-1] == math.fsum(math.log(40 / (40 - number)) for number in range(40))


@pytest.mark.parametrize("recall", [0.0, 1.0, math.nan])
def test_a_share_of_all_or_none_is_refused(recall: float) -> None:
    with pytest.raises(BertsumError, match="recall: got .*, expected a share above 0 and below 1"):
        threshold_for([0.5] * 100, recall)


def test_two_models_are_compared_by_their_ranking(tmp_path: Path) -> None:
    records = [
        {"id": "a", "relevant": [1], "scores": [0.2, 0.9, None]},
        {"id": "b", "relevant": [0, 2], "scores": [0.5, 0.6, 0.4]},
        {"id": "c", "relevant": [], "scores": [0.5, 0.6]},
    ]
    a = write_jsonl(tmp_path / "a.jsonl", records)
    b = write_jsonl(tmp_path / "b.jsonl", [records[0], {**records[1], "scores": [0.7, 0.6, 0.4]}])
    found = compare(a, b, samples=50)
    assert list(found) == ["p@1", "mrr", "map"]
    assert (found["p@1"].a, found["p@1"].b, found["mrr"].mean) == (50.0, 100.0, 25.0)
    assert found["map"].a == pytest.approx(100 * (1 + (1 / 2 + 2 / 3) / 2) / 2)


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        ({"relevant": [0]}, "documents are in one file only, such as 'a'"),
        ({"relevant": [-1]}, "line 1: scores and relevant: expected numbers or null"),
        ({"scores": [0.2, float("nan")]}, "line 1: scores and relevant: expected numbers or null"),
    ],
)
def test_other_labels_or_no_numbers_are_not_compared(other: Any, problem: str, tmp_path: Path) -> None:
    record = {"id": "a", "relevant": [1], "scores": [0.2, 0.9]}
    a, b = write_jsonl(tmp_path / "a.jsonl", [record]), write_jsonl(tmp_path / "b.jsonl", [record | other])
    with pytest.raises(BertsumError, match=problem):
        compare(a, b)


@pytest.mark.parametrize("scores", [[50.0, 0.1], [-5.0, 0.1], [0.1], ["x", 0.1]])
def test_scores_that_are_no_probabilities_set_no_threshold(scores: list[Any], tmp_path: Path) -> None:
    right = {"id": "a", "relevant": [1], "scores": [0.2, 0.9]}
    file = write_jsonl(tmp_path / "p.jsonl", [right, {**right, "scores": scores}])
    with pytest.raises(BertsumError, match=r"p.jsonl line 2: is no prediction for a query"):
        _best_scores(file)
