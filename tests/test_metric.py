"""ROUGE as a metric of the package evaluate."""

from __future__ import annotations

import sys

import pytest
from conftest import ROOT

import bertsum

evaluate = pytest.importorskip("evaluate")

PREDICTIONS = ["the dogs barked\nit rained", "a cat"]
REFERENCES = ["it rains\nthe dog barks", "the cat sat"]


@pytest.fixture
def metric(tmp_path, monkeypatch):
    """The metric as evaluate loads it from its file, into caches of the test."""
    import bertsum.metric

    for cache in ("HF_MODULES_CACHE", "HF_METRICS_CACHE", "HF_EVALUATE_CACHE"):
        monkeypatch.setattr(evaluate.config, cache, tmp_path / cache)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return evaluate.load(bertsum.metric.__file__)


def test_loaded_by_evaluate(metric) -> None:
    scores = metric.compute(predictions=PREDICTIONS, references=REFERENCES, use_stemmer=True)
    assert scores == {
        "rouge1": pytest.approx((1 + 0.4) / 2),
        "rouge2": pytest.approx(0.75 / 2),
        "rougeL": pytest.approx((0.6 + 0.4) / 2),
        "rougeLsum": pytest.approx((1 + 0.4) / 2),
    }
    assert "Summaries, one a document" in metric.inputs_description


def test_each_document_as_the_scorer_has_it(metric) -> None:
    for prediction, reference in zip(PREDICTIONS, REFERENCES, strict=True):
        metric.add(prediction=prediction, reference=[reference, "a cat slept"])
    names = ["rougeLsum", "rougeSU4"]
    made = metric.compute(rouge_types=names, use_aggregator=False, figure="recall", average="B")
    scorer = bertsum.RougeScorer(names, average="B")
    expected = [
        scorer.score_multi([reference, "a cat slept"], prediction)
        for prediction, reference in zip(PREDICTIONS, REFERENCES, strict=True)
    ]
    assert made == {name: [score[name].recall for score in expected] for name in names}


def test_tokenizers_of_the_user(metric) -> None:
    scores = metric.compute(predictions=["ab"], references=["abc"], rouge_types=["rouge1"], tokenizer=list)
    assert scores == {"rouge1": pytest.approx(0.8)}
    assert metric.compute(predictions=["天气"], references=["天晴"], rouge_types=["rouge1"], language="zh") == {
        "rouge1": 0.5
    }


def test_no_such_figure(metric) -> None:
    with pytest.raises(bertsum.BertsumError, match="got figure 'f', expected .* precision, recall, fmeasure"):
        metric.compute(predictions=["a"], references=["a"], figure="f")


def test_the_table_of_packages(monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import rouge_packages

    pairs = rouge_packages.read_pairs("sample/english.validation.jsonl", 4, 3)
    assert [len(summary) for summary, _ in pairs] == [3, 3, 3, 3]
    lines = list(rouge_packages.table(pairs))
    assert lines[2].startswith("| ROUGE-1.5.5 `-m` (bertsum) | ")
    with_our_tokenizer = next(line for line in lines if "our tokenizer" in line)
    assert with_our_tokenizer.count("(0.00), 0, 0.00") == 3
