"""Evaluation: what eval.py writes, in input order, and the baselines."""

from __future__ import annotations

import json

import pytest
from conftest import write_jsonl

import bertsum
from bertsum.data.documents import SAMPLE_FOLDER
from bertsum.evaluation.baselines import lead, oracles
from bertsum.evaluation.evaluate import marked, newest_run, run_config, run_of


def evaluated(trained_run, tmp_path, *overrides: str) -> bertsum.Evaluation:
    config, result = trained_run
    values = dict(override.split("=", 1) for override in overrides)
    config = config.override({"output_dir": str(tmp_path / "runs"), **values})
    return bertsum.evaluate(config, result.checkpoint, "test")


def test_files(trained_run, tmp_path) -> None:
    evaluation = evaluated(trained_run, tmp_path)
    results = json.loads((evaluation.folder / "results.json").read_text())
    assert list(results["systems"]) == ["lead-3", "oracle", "model"]
    score = results["systems"]["model"]["rouge1"]
    assert score["fmeasure_interval"][0] <= score["fmeasure"] <= score["fmeasure_interval"][1]
    assert {"precision", "recall"} <= set(score)
    assert results["rouge"]["tokenizer"] == "ROUGE-1.5.5 words with Porter stems"
    assert results["documents"] == 12
    predictions = [json.loads(line) for line in (evaluation.folder / "predictions.jsonl").read_text().splitlines()]
    source = [json.loads(line) for line in (SAMPLE_FOLDER / "english.validation.jsonl").read_text().splitlines()]
    assert [prediction["id"] for prediction in predictions] == [document["id"] for document in source]
    for prediction, document in zip(predictions, source, strict=True):
        assert prediction["indices"] == sorted(prediction["indices"])
        assert 1 <= len(prediction["indices"]) <= 3
        assert all(sentence in document["document"] for sentence in prediction["summary"])
        assert all(prediction["scores"][index] is not None for index in prediction["indices"])
        assert prediction["references"] == [document["summary"]]
    assert "lead-3" in str(evaluation)
    assert evaluation.systems["oracle"]["rouge1"].fmeasure > evaluation.systems["lead-3"]["rouge1"].fmeasure
    mean = sum(prediction["rouge"]["rouge1"] for prediction in predictions) / len(predictions)
    assert mean == pytest.approx(score["fmeasure"], abs=1e-5)


def test_rouge_agrees_with_the_public_function(trained_run, tmp_path) -> None:
    evaluation = evaluated(trained_run, tmp_path)
    lines = [json.loads(line) for line in (evaluation.folder / "predictions.jsonl").read_text().splitlines()]
    own = bertsum.rouge([line["summary"] for line in lines], [line["references"] for line in lines])
    assert own["rougeL"].fmeasure == pytest.approx(evaluation.systems["model"]["rougeL"].fmeasure)


def test_several_references_and_a_long_document(trained_run, tmp_path) -> None:
    document = [f"Sentence {n} tells of the council and the harbour." for n in range(400)]
    record = {"id": "x", "document": document, "summary": ["council and the harbour", "nothing"]}
    path = write_jsonl(tmp_path / "a.jsonl", [record])
    common = (f"data.test={path}", "data.summary_list=references")
    mean = evaluated(trained_run, tmp_path, *common)
    best = evaluated(trained_run, tmp_path, *common, "rouge.references=best")
    assert best.systems["model"]["rouge1"].fmeasure > mean.systems["model"]["rouge1"].fmeasure
    (line,) = (best.folder / "predictions.jsonl").read_text().splitlines()
    scores = json.loads(line)["scores"]
    assert len(scores) == 400
    assert scores[-1] is None


def test_bad_arguments(trained_run, tmp_path) -> None:
    config, result = trained_run
    with pytest.raises(bertsum.BertsumError, match="split: got 'tests'"):
        bertsum.evaluate(config, result.checkpoint, "tests")
    missing = config.override({"output_dir": str(tmp_path)})
    with pytest.raises(bertsum.BertsumError, match="expected a finished training"):
        bertsum.evaluate(missing)
    (tmp_path / "small").write_text("")
    with pytest.raises(bertsum.BertsumError, match="cannot be written"):
        bertsum.evaluate(missing, result.checkpoint, "test")


def test_newest_run(trained_run, tmp_path) -> None:
    config, _ = trained_run
    assert newest_run(config.output_dir) == config.run_dir
    assert run_config(config.run_dir).name == "small"
    assert run_of(config.run_dir / "best") == run_of(trained_run[1].checkpoint.resolve()) == config.run_dir
    with pytest.raises(bertsum.BertsumError, match="not in a run folder"):
        run_of(tmp_path)
    with pytest.raises(bertsum.BertsumError, match="no run with a checkpoint"):
        newest_run(tmp_path)


def test_baselines() -> None:
    row = {"sentence_indices": [1, 3, 4], "sentences": ["x", "a b", "y", "c d", "e f"], "references": [["c d e f"]]}
    assert lead(row, 2) == [1, 3]
    config = bertsum.Config().data
    assert list(oracles([row, row], config)) == [[3, 4], [3, 4]]


def test_marked_text_is_harmless() -> None:
    assert marked(["a\x1b[31mb", "c"], [1]) == "   a [31mb\n>> c"
