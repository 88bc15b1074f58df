"""Coverage, density, redundancy and precision at the oracle: by hand, and in an evaluation."""

from __future__ import annotations

import json
from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bertsum
from bertsum.config import Config
from bertsum.evaluation.evaluate import evaluate_average
from bertsum.evaluation.text_figures import (
    asked_figures,
    coverage,
    density,
    document_figures,
    fragments,
    precision_at,
    ranked,
    redundancy,
    summarize_figures,
)
from bertsum.results import BERTSCORE, TEXT_FIGURES, Results

ALL = ["rouge", "coverage", "density", "redundancy", "precision_at"]
words = st.lists(st.sampled_from("abc"), max_size=12)


@given(words, words)
def test_fragments_are_those_of_the_paper(summary: list[str], document: list[str]) -> None:
    """Grusky et al. (2018), figure 3, with all its comparisons."""
    expected, i = [], 0
    while i < len(summary):
        best, j = 0, 0
        while j < len(document):
            length = 0
            while summary[i + length : i + length + 1] == document[j + length : j + length + 1] != []:
                length += 1
            best, j = max(best, length), j + max(length, 1)
        expected += [best] if best else []
        i += max(best, 1)
    longest_anywhere = fragments(summary, document)
    assert sum(longest_anywhere) == sum(expected)  # the paper skips runs that begin within another one
    assert max([0, *longest_anywhere]) >= max([0, *expected])


def test_by_hand() -> None:
    document = ["the", "council", "met", "on", "monday", "and", "decided", "to", "build", "a", "bridge"]
    summary = ["the", "council", "decided", "to", "build", "bridges", "on", "monday"]
    assert fragments(summary, document) == [2, 3, 2]
    assert coverage(summary, document) == 7 / 8
    assert density(summary, document) == (4 + 9 + 4) / 8
    assert fragments(["a", "a", "b"], ["a", "b", "a", "a", "b"]) == [3]
    assert redundancy([["a", "b", "c", "d"], ["a", "b", "c"]]) == pytest.approx(1 / 3)
    assert redundancy([["a", "b"], ["c", "d"]]) != redundancy([["a", "b"], ["c", "d"]])  # nan: no trigram
    assert isnan(coverage([], document)) and isnan(density([], document))
    assert (coverage(["x"], []), density(["x"], [])) == (0, 0)
    assert [precision_at([4, 2, 0, 1], {0, 2, 9}, rank) for rank in (1, 3, 10)] == [0, 2 / 3, 0.5]
    assert isnan(precision_at([1], (), 1)) and isnan(precision_at([], {1}, 1))
    assert ranked([0.2, None, 0.9, 0.2, 0.0]) == [2, 0, 3, 4]


def test_of_a_document() -> None:
    names = asked_figures(ALL)
    assert [*names, BERTSCORE] == list(TEXT_FIGURES)
    figures = document_figures(names, ["It RAINED, all day."], ["It rained all day.", "No."], [1, 0], [0])
    assert figures == [1.0, 4.0, 0.0, 0.0, 0.5]
    assert document_figures(names[:1], ["雨天。"], ["天气"]) == [0.5]
    assert isnan(document_figures(["precision_at_1"], ["a"], ["a"], None, [0])[0])
    assert asked_figures(["rouge", "density"]) == ["density"]


def test_means_leave_out_documents_without_a_figure() -> None:
    values = np.array([[1.0, np.nan, np.nan], [0.5, 0.25, np.nan], [0.0, 0.75, np.nan]] * 10)
    found = summarize_figures(["a", "b", "c"], values, 200, 0)
    assert list(found) == ["a", "b"]
    assert (found["a"].score, found["b"].score) == (0.5, 0.5)
    assert 0.25 <= found["b"].interval[0] < 0.5 < found["b"].interval[1] <= 0.75
    assert summarize_figures(["a"], values[:, :1], 200, 0)["a"] == found["a"]


def test_in_an_evaluation(trained_run, tmp_path) -> None:
    config, result = trained_run
    changes = {"output_dir": str(tmp_path / "runs"), "evaluation.metrics": ALL, "selection.trigram_blocking": False}
    evaluation = bertsum.evaluate(config.override(changes), result.checkpoint, "test")
    figures = evaluation.text_figures
    assert list(figures) == ["lead-3", "oracle", "model"]
    assert list(figures["model"]) == list(figures["lead-3"]) == asked_figures(ALL)
    assert list(figures["oracle"]) == ["coverage", "density", "redundancy"]
    assert figures["model"]["coverage"].score == 1.0
    assert figures["model"]["density"].score > 5
    lines = [json.loads(line) for line in (evaluation.folder / "predictions.jsonl").read_text().splitlines()]
    first = [ranked(line["scores"])[0] in line["oracle"] for line in lines]
    assert figures["model"]["precision_at_1"].score == pytest.approx(sum(first) / len(lines))
    assert [line["figures"]["precision_at_1"] for line in lines] == first
    inside = [len({*line["indices"]} & {*line["oracle"]}) / 3 for line in lines]  # the best three are the summary
    assert figures["model"]["precision_at_3"].score == pytest.approx(sum(inside) / len(lines))
    table = str(evaluation)
    assert "coverage, %     95% interval" in table and "100.00  (100.00-100.00)" in table
    assert "<h2>Beside ROUGE</h2>" in evaluation.report.read_text(encoding="utf-8")
    again = Results.read(evaluation.folder / "results.json")
    assert again.text_figures == figures
    assert str(again) == table


def test_a_mean_of_checkpoints(config_of) -> None:
    config = config_of("train.validate_every=2", "train.keep_best=2", "evaluation.metrics=[rouge,density]")
    bertsum.train(config)
    figures = evaluate_average(config, 2, "test").text_figures
    each = [figures[name]["density"].score for name in ("step_000004", "step_000002")]
    assert figures["mean of 2"]["density"].score == pytest.approx(sum(each) / 2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["evaluation.metrics=[bleu,coverage]"], "got coverage without rouge, expected rouge among them"),
        (
            ["evaluation.metrics=[rouge,precision_at]", "model.kind=seq2seq", "train.loss_reduction=token"],
            "got precision_at, expected none with model.kind seq2seq",
        ),
    ],
)
def test_what_cannot_be_measured(changes, message) -> None:
    with pytest.raises(bertsum.BertsumError, match=message):
        Config.load(None, changes)
