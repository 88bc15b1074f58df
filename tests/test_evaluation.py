"""Evaluation: what eval.py writes, in input order, and the baselines."""

from __future__ import annotations

import json

import numpy as np
import pytest
from conftest import write_jsonl

import bertsum
from bertsum.evaluation.baselines import lead, oracles
from bertsum.evaluation.compare import compare, comparison_table
from bertsum.evaluation.evaluate import evaluate_average, evaluate_baselines
from bertsum.files import SAMPLE_FOLDER
from bertsum.pages.shading import marked
from bertsum.results import METRICS
from bertsum.runs import Run


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


def test_what_only_a_training_needs_does_not_refuse_an_evaluation(trained_run, config_of, tmp_path) -> None:
    joined = config_of("data.joined=0.5", "encoding.long_documents=window", "data.limit=2")
    evaluated = bertsum.evaluate(joined, trained_run[1].checkpoint)  # a model that reads the beginnings
    assert json.loads((evaluated.folder / "results.json").read_text())["long_documents"] == "truncate"
    (tmp_path / "run").mkdir()
    trained = ["train.epochs=1", "train.max_steps=null", "train.patience=2", "train.validate_rouge=true",
               "train.metric=rouge1", "data.joined=0.5", "encoding.long_documents=window"]  # fmt: skip
    config_of(*trained).save(tmp_path / "run" / "config.yaml")
    for override in (
        "encoding.long_documents=truncate", "data.validation=null", "train.max_steps=3", "train.validate_rouge=false",
        "train.schedule=noam",
    ):  # fmt: skip
        config = Run(tmp_path / "run").config([override])
        assert config.override({"seed": 1}, training=False).to_dict() == {**config.to_dict(), "seed": 1}
        for train in (config.check_training, lambda config=config: bertsum.train(config)):
            with pytest.raises(bertsum.BertsumError, match=r"config:\n  (data|train)\."):
                train()


def test_average_of_the_best_checkpoints(config_of) -> None:
    config = config_of("train.max_steps=4", "train.validate_every=1", "train.keep_best=2", "rouge.bootstrap_samples=20")
    bertsum.train(config)
    lines = [json.loads(line) for line in (config.run_dir / "metrics.jsonl").read_text().splitlines()]
    losses = {line["step"]: line["loss"] for line in lines if line["split"] == "validation"}
    best = sorted(losses, key=losses.get)[:2]
    assert [path.name for path in Run.of(config).best_checkpoints(config.train.metric, 2)] == [
        f"step_{step:06d}" for step in best
    ]
    evaluation = evaluate_average(config, 2, "test")
    systems = evaluation.systems
    assert list(systems) == ["lead-3", "oracle", *(f"step_{step:06d}" for step in best), "mean of 2"]
    each = [systems[f"step_{step:06d}"]["rouge2"].fmeasure for step in best]
    assert systems["mean of 2"]["rouge2"].fmeasure == pytest.approx(sum(each) / 2)
    for step in best:
        assert len((evaluation.folder / f"predictions.step_{step:06d}.jsonl").read_text().splitlines()) == 12
    assert list(json.loads((evaluation.folder / "results.json").read_text())["checkpoints"]) == list(systems)[2:4]
    with pytest.raises(bertsum.BertsumError, match="expected 9; train with --train.keep_best 9"):
        evaluate_average(config, 9, "test")
    with pytest.raises(bertsum.BertsumError, match="average: got 0"):
        evaluate_average(config, 0, "test")
    with pytest.raises(bertsum.BertsumError, match="metrics.jsonl' cannot be read"):
        evaluate_average(config.override({"name": "none"}), 1, "test")


def test_baselines_only_are_those_beside_a_model(trained_run, tmp_path) -> None:
    beside = evaluated(trained_run, tmp_path).systems
    config = trained_run[0].override({"output_dir": str(tmp_path / "runs"), "model.encoder": "/nowhere"})
    alone = evaluate_baselines(config, "test")
    assert alone.systems == {name: beside[name] for name in ("lead-3", "oracle")}
    assert (alone.documents, alone.checkpoints) == (12, {})
    assert ">> " in alone.example
    assert json.loads((alone.folder / "results.json").read_text())["selection"] is None
    read = {"evaluation.baselines": "read", "encoding.max_length": 64}
    cut = evaluate_baselines(trained_run[0].override({"output_dir": str(tmp_path / "runs"), **read}), "test")
    assert cut.systems["oracle"]["rouge1"].recall < alone.systems["oracle"]["rouge1"].recall
    empty = config.override({"data.test": str(write_jsonl(tmp_path / "a.jsonl", []))})
    with pytest.raises(bertsum.BertsumError, match="no document that can be used"):
        evaluate_baselines(empty, "test")
    bad = write_jsonl(tmp_path / "b.jsonl", [{"document": "A.", "summary": "A."}, {"document": ""}])
    with pytest.raises(bertsum.BertsumError, match="line 2"):
        evaluate_baselines(config.override({"data.test": str(bad)}), "test")
    skipping = config.override({"data.test": str(bad), "data.on_error": "skip"})
    assert evaluate_baselines(skipping, "test").documents == 1


def predictions(path, scores: dict[str, float]):
    return write_jsonl(path, [{"id": name, "rouge": dict.fromkeys(METRICS, f)} for name, f in scores.items()])


def test_compare(tmp_path) -> None:
    random = np.random.default_rng(0)
    base = random.uniform(0.3, 0.5, 400)
    better, same = base + random.normal(0.02, 0.05, 400), base + random.normal(0, 0.05, 400)
    names = [f"d{n}" for n in range(400)]
    a = predictions(tmp_path / "a.jsonl", dict(zip(names, base, strict=True)))
    b = predictions(tmp_path / "b.jsonl", dict(list(zip(names, better, strict=True))[::-1]))  # another order
    found = compare(a, b)["rouge1"]
    assert found.mean == pytest.approx(100 * (better - base).mean())
    assert found.interval[0] < found.mean < found.interval[1]
    # The normal approximation of the same interval
    half = 100 * 1.96 * (better - base).std() / 20
    assert found.interval[0] == pytest.approx(found.mean - half, abs=0.1)
    assert found.p_value < 0.001
    back = compare(b, a)["rouge1"]
    assert (back.mean, back.p_value) == (pytest.approx(-found.mean), pytest.approx(found.p_value, abs=1e-3))
    c = predictions(tmp_path / "c.jsonl", dict(zip(names, same, strict=True)))
    assert compare(a, c)["rouge1"].p_value > 0.01
    assert compare(a, a)["rougeL"].p_value == 1.0
    assert "b - a" in comparison_table(compare(a, b))


def test_compare_keeps_repeated_ids_apart(tmp_path) -> None:
    lines = [{"id": name, "rouge": dict.fromkeys(METRICS, f)} for name, f in (("a", 0.3), ("a", 0.6), ("a (2)", 0.9))]
    a = write_jsonl(tmp_path / "a.jsonl", lines)
    assert compare(a, a)["rouge1"].a == pytest.approx(60)


def test_compare_refuses(tmp_path) -> None:
    a = predictions(tmp_path / "a.jsonl", {"x": 0.1, "y": 0.2})
    for content, problem in (
        ('{"id": "x"}', r"b.jsonl line 1: got .*; expected a line of predictions.jsonl"),
        ('{"id": "x", "rouge": null}', r"b.jsonl line 1: got .*\"rouge\": null.*; expected a line"),
        ("", "has no predictions"),
        ('{"id": "1", "relevant": [], "scores": [0.5]}\n', "has an answer in none of its 1 records; expected some"),
        ('{"id": "x", "rouge": {"rouge1": 0.1, "rouge2": 0.1, "rougeL": 7}}', "figures from 0 to 1"),
        ('{"id": "z", "rouge": {"rouge1": 0.1, "rouge2": 0.1, "rougeL": 0}}', "3 of 3 documents are in one file only"),
    ):
        (tmp_path / "b.jsonl").write_text(content)
        with pytest.raises(bertsum.BertsumError, match=problem):
            compare(a, tmp_path / "b.jsonl")
    with pytest.raises(bertsum.BertsumError, match="cannot be read"):
        compare(a, tmp_path / "none.jsonl")
    twice = tmp_path / "c.jsonl"
    twice.write_text(a.read_text() + a.read_text())
    assert compare(twice, twice)["rouge1"].mean == 0


def test_newest_run(trained_run, tmp_path) -> None:
    config, _ = trained_run
    assert Run.newest(config.output_dir) == Run.of(config)
    assert Run.of(config).config().name == "small"
    assert (
        Run.with_checkpoint(config.run_dir / "best")
        == Run.with_checkpoint(trained_run[1].checkpoint.resolve())
        == Run.of(config)
    )
    with pytest.raises(bertsum.BertsumError, match="not in a run folder"):
        Run.with_checkpoint(tmp_path)
    with pytest.raises(bertsum.BertsumError, match="no run with a checkpoint"):
        Run.newest(tmp_path)


def test_baselines() -> None:
    row = {"sentences": ["x", "a b", "y", "c d", "e f"], "references": [["c d e f"]], "sentence_indices": [1, 2, 3]}
    config = bertsum.Config().override({"evaluation.lead_sentences": 2, "encoding.min_sentence_words": 2})
    assert lead(row, config) == [1, 3]
    assert lead(row, config.override({"encoding.min_sentence_words": 9})) == [0, 1]  # none is long enough
    assert list(oracles([row, row], config)) == [[3, 4], [3, 4]]
    read = config.override({"evaluation.baselines": "read"})
    assert lead(row, read) == [1, 2]
    assert list(oracles([row], read)) == [[3]]
    # In the papers the oracle chooses first, and what is not read is lost.
    row["references"] = [["a b c d e f g"]]
    row["sentences"] = ["a b c", "d e f g", "a b", "g"]
    row["sentence_indices"] = [0, 2, 3]
    assert list(oracles([row], read)) == [[0, 3]]
    assert list(oracles([row], read.override({"data.oracle": "paper"}))) == [[0]]


def test_marked_text_is_harmless() -> None:
    assert marked(["a\x1b[31mb", "c"], [1]) == "   a\ufffd[31mb\n>> c"


def test_limited_length_recall_is_printed(trained_run, tmp_path) -> None:
    limited = evaluated(trained_run, tmp_path, "rouge.limit_to_reference=true")
    recall = limited.systems["model"]["rouge2"].recall
    assert f"{100 * recall:.2f}" in limited.table()
    assert "ROUGE limited-length recall, counts" in str(limited)


def test_compare_reads_what_evaluate_writes(trained_run, tmp_path) -> None:
    record = {"id": "x", "document": ["It decided to build\u2028a bridge.", "It rained\x85 all day."], "summary": "It."}
    path = write_jsonl(tmp_path / "a.jsonl", [record])
    predictions = evaluated(trained_run, tmp_path, f"data.test={path}").folder / "predictions.jsonl"
    assert compare(predictions, predictions)["rouge1"].mean == 0


def test_two_evaluations_do_not_write_at_once(trained_run, tmp_path) -> None:
    config = trained_run[0].override({"output_dir": str(tmp_path)})
    refused = pytest.raises(bertsum.BertsumError, match="another evaluation is writing there")
    with Run.of(config).writing_results("test-baselines") as folder, refused:
        evaluate_baselines(config, "test")
    evaluation = evaluate_baselines(config, "test")
    assert evaluation.folder == folder
    kept = (folder / "results.json").read_bytes()
    with Run.of(config).writing_results("test-baselines"):
        assert kept and not (folder / "results.json").exists()  # it is written last
