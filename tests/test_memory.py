"""Memory: evaluation and validation keep figures of documents, not their texts; a CPU's kernels are few."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from conftest import write_jsonl

import bertsum
from bertsum.by_place import OnDisk
from bertsum.config import Config
from bertsum.data.prepare import prepare
from bertsum.errors import BertsumError
from bertsum.evaluation import measure as measuring
from bertsum.evaluation.measure import measure
from bertsum.evaluation.predictions import DocumentScores, PredictionsOnDisk, predict_split
from bertsum.files import whole_file
from bertsum.models.contract import Prediction
from bertsum.models.extractive import BertSum
from bertsum.program import keep_few_kernels, release_freed_memory, run
from bertsum.training import validation

KERNELS = ("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY")


class Texts(list[Any]):
    """Knows how many of its kind are in memory, and how many were at once."""

    alive = most = 0

    def __init__(self, *values: Any) -> None:
        super().__init__(*values)
        Texts.alive += 1
        Texts.most = max(Texts.most, Texts.alive)

    def __del__(self) -> None:
        Texts.alive -= 1


class MadeUp:
    """So many documents, each made when it is asked for; two lists of texts each."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, place: int) -> dict[str, Any]:
        sentences = Texts(f"In year {place} the council met {number} times." for number in range(3))
        references = Texts([sentences[:1]])
        return {"id": str(place), "sentences": sentences, "references": references, "sentence_indices": [0, 1, 2]}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(self.__getitem__, range(self.count))


def test_measuring_keeps_no_texts(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(measuring, "_CHUNK", 2)
    config = Config().override({"data.workers": 1})
    rows = MadeUp(60)
    made = (Prediction(place, list(rows[place]["sentences"][:2]), [0, 1], [0.5, 0.4, 0.3]) for place in range(60))
    measures = measure(config, rows, {"model": made}, {"model": tmp_path / "predictions.jsonl"}, "rouge")
    assert measures.rouge["model"].shape == (60, 3, 3)
    lines = (tmp_path / "predictions.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [str(place) for place in range(60)]
    assert 0 < Texts.most <= 2 * 12  # some chunks


@pytest.mark.parametrize("workers", [1, 2])
def test_evaluation_does_not_depend_on_chunks(trained_run, tmp_path, monkeypatch, workers) -> None:
    config, result = trained_run
    files = {}
    for size in (64, 1):
        monkeypatch.setattr(measuring, "_CHUNK", size)
        changes = {"output_dir": str(tmp_path / str(size)), "data.workers": workers if size == 1 else 1}
        folder = bertsum.evaluate(config.override(changes), result.checkpoint, "test").folder
        results = json.loads((folder / "results.json").read_text())
        del results["seconds"]
        files[size] = [results, *((folder / name).read_bytes() for name in ("predictions.jsonl", "report.html"))]
    assert files[64] == files[1]


def test_validation_does_not_depend_on_chunks(config_of, tokenizer, trained_run, monkeypatch) -> None:
    config = config_of("train.validate_rouge=true")
    model = BertSum.from_pretrained(trained_run[1].checkpoint)
    prepared = prepare(config, "validation", tokenizer)
    predictions = sorted(predict_split(model, prepared, config, loss=True), key=lambda one: one.place)
    every = np.arange(12)
    whole = validation._figures(predictions, prepared, every, config)
    monkeypatch.setattr(validation, "_CHUNK", 1)
    assert np.array_equal(validation._figures(predictions, prepared, every, config), whole)
    assert np.array_equal(validation._figures(predictions[3:5], prepared, every, config), whole[3:5])
    assert validation._figures([], prepared, every, config).shape == (0, whole.shape[1])


def test_predictions_are_those_of_the_scores(config_of, tokenizer, trained_run, tmp_path) -> None:
    config = config_of("evaluation.max_tokens_per_batch=200")
    model = BertSum.from_pretrained(trained_run[1].checkpoint)
    prepared = prepare(config, "validation", tokenizer)
    chosen = np.array([7, 2, 9])
    kept = PredictionsOnDisk(predict_split(model, prepared, config, chosen), tmp_path)
    rows = [prepared.dataset[int(index)] for index in chosen]
    for place, logits in model.score(rows, 200):
        read = [score for score in kept[place].scores if score is not None]
        assert read == logits.sigmoid().tolist()
        assert kept[place].sentences == [rows[place]["sentences"][index] for index in kept[place].indices]
    parts = [list(predict_split(model, prepared, config, chosen, part=(number, 2))) for number in range(2)]
    assert sorted(one.place for part in parts for one in part) == [0, 1, 2]
    assert [len(of_document) for of_document in DocumentScores(kept)] == [len(row["sentences"]) for row in rows]


def test_texts_on_disk(tmp_path) -> None:
    rows = [{"id": "a", "sentences": ["\ud800 日本", ""]}, {"id": "b", "sentences": ["two\nlines"] * 1000}]
    for placed in (enumerate(rows), [(1, rows[1]), (0, rows[0])]):
        kept = OnDisk(placed, tmp_path)
        assert (len(kept), list(kept), kept[1], kept[0]) == (2, rows, rows[1], rows[0])
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BertsumError, match="cannot be written"):
        OnDisk(enumerate(rows), tmp_path / "none")


def test_a_file_is_whole_or_as_it_was(tmp_path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [{"id": 1}])
    before = path.read_bytes()
    for error in (ValueError("of the block"), KeyboardInterrupt()):
        with pytest.raises(type(error)), whole_file(path) as file:
            file.write("half")
            raise error
    with pytest.raises(BertsumError, match=r"a\.jsonl' cannot be written"), whole_file(path) as file:
        file.write("\ud800")
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (before, [path])
    with whole_file(path) as file:
        file.write("all")
    assert path.read_text() == "all"


def test_a_program_of_ours_keeps_few_kernels(monkeypatch, trained_run) -> None:
    def forget() -> None:
        for name in KERNELS:
            monkeypatch.delenv(name, raising=False)

    model = BertSum.from_pretrained(trained_run[1].checkpoint)
    forget()
    list(model.score([{"input_ids": [2, 5, 3], "cls_positions": [0]}]))
    assert not any(name in os.environ for name in KERNELS)  # a call leaves the program around it as it was
    run(lambda: None)
    assert [os.environ[name] for name in KERNELS] == ["64", "64"]
    forget()
    monkeypatch.setenv(KERNELS[0], "512")
    keep_few_kernels()
    assert [os.environ[name] for name in KERNELS] == ["512", "64"]
    forget()
    monkeypatch.setenv("DNNL_PRIMITIVE_CACHE_CAPACITY", "512")
    keep_few_kernels()
    assert KERNELS[1] not in os.environ
    release_freed_memory()
