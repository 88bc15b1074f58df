"""Labels that are another model's scores: read by id, averaged, mixed with an oracle, and what is refused."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from conftest import sentences_of, write_jsonl

import bertsum
from bertsum.config import Config
from bertsum.data.prepare import prepare

SOFT = ("data.labels=soft", "data.soft_temperature=0.05")


@pytest.fixture(scope="module")
def predictions(trained_run, tmp_path_factory) -> Path:
    """What a small model predicts for the documents of the training split."""
    config, result = trained_run
    folder = tmp_path_factory.mktemp("teacher")
    config = config.override({"output_dir": str(folder), "data.prepared_dir": str(folder / "prepared")})
    return bertsum.evaluate(config, result.checkpoint, "train").folder / "predictions.jsonl"


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def labels_of(config: Config, tokenizer, split: str = "train") -> dict[str, list[float]]:
    return {row["id"]: row["labels"] for row in prepare(config, split, tokenizer).dataset.to_list()}


def taught_by(*files: Path) -> list[str]:
    return ["data.labels=teacher", f"data.teacher=[{', '.join(map(str, files))}]"]


def test_labels_are_the_scores_of_the_teacher(config_of, tokenizer, predictions) -> None:
    """Whatever the order of the lines."""
    backwards = write_jsonl(predictions.with_name("backwards.jsonl"), lines_of(predictions)[::-1])
    scores = {line["id"]: [score for score in line["scores"] if score is not None] for line in lines_of(predictions)}
    assert any(None in line["scores"] for line in lines_of(predictions))  # sentences that were not read
    for path in (predictions, backwards):
        made = labels_of(config_of(*taught_by(path)), tokenizer)
        assert made.keys() == scores.keys()
        for identity, labels in made.items():
            assert labels == pytest.approx(scores[identity], abs=1e-6)
            assert min(labels) > 0 and max(labels) < 1


def test_several_processes_read_the_scores(config_of, tokenizer, tmp_path) -> None:
    draw = random.Random(0)
    names = [f"{number}-é" for number in range(400)]
    documents = [{"id": name, "document": sentences_of(draw, 3), "summary": sentences_of(draw, 1)} for name in names]
    data = write_jsonl(tmp_path / "a.jsonl", documents)
    scores = {name: [round(draw.random(), 6) for _ in range(3)] for name in names}
    lines = [{"id": name, "scores": of_document} for name, of_document in scores.items()]
    teacher = write_jsonl(tmp_path / "teacher.jsonl", draw.sample(lines, len(lines)))
    made = labels_of(config_of(f"data.train={data}", *taught_by(teacher), "data.workers=2"), tokenizer)
    assert list(made) == names
    for name, labels in made.items():
        assert labels == pytest.approx(scores[name], abs=1e-6)


def test_documents_that_come_encoded_and_labelled(config_of, tokenizer, tmp_path) -> None:
    cls_id, sep_id = tokenizer.cls_token_id, tokenizer.sep_token_id
    record = {"id": "a", "src": [cls_id, 7, sep_id, cls_id, 8, sep_id], "clss": [0, 3], "labels": [1, 0],
              "src_txt": ["It rained.", "It stopped."], "tgt_txt": "rain"}  # fmt: skip
    data = write_jsonl(tmp_path / "a.jsonl", [record])
    teacher = write_jsonl(tmp_path / "t.jsonl", [{"id": "a", "scores": [0.5, 0.25]}])
    options = (f"data.train={data}", *taught_by(teacher))
    assert labels_of(config_of(*options), tokenizer) == {"a": [0.5, 0.25]}
    assert labels_of(config_of(*options, "data.teacher_weight=0.5"), tokenizer) == {"a": [0.75, 0.125]}


def test_scores_of_several_are_averaged_and_mixed(config_of, tokenizer, predictions, tmp_path) -> None:
    records = lines_of(predictions)
    other = write_jsonl(
        tmp_path / "other.jsonl",
        [{"id": line["id"], "scores": [None, *(1.0 for _ in line["scores"][1:])]} for line in records],
    )
    plain = labels_of(config_of(*taught_by(predictions)), tokenizer)
    mean = labels_of(config_of(*taught_by(predictions, other)), tokenizer)
    for scheme in ((), SOFT[1:]):
        oracle = labels_of(config_of(*(SOFT if scheme else ())), tokenizer)
        mixed = labels_of(config_of(*taught_by(predictions), *scheme, "data.teacher_weight=0.25"), tokenizer)
        for identity, labels in plain.items():
            expected = [0.25 * a + 0.75 * b for a, b in zip(labels, oracle[identity], strict=True)]
            assert mixed[identity] == pytest.approx(expected, abs=1e-6)
    for identity, labels in plain.items():
        assert mean[identity] == pytest.approx([labels[0], *((label + 1) / 2 for label in labels[1:])], abs=1e-6)


def test_a_sentence_that_no_teacher_read_has_the_label_0(config_of, tokenizer, tmp_path) -> None:
    data = write_jsonl(
        tmp_path / "a.jsonl", [{"id": 7, "document": ["One fell.", "Two rose."], "summary": "Two rose."}]
    )
    teacher = write_jsonl(tmp_path / "t.jsonl", [{"id": 7, "scores": [0.5, None]}])
    assert labels_of(config_of(f"data.train={data}", *taught_by(teacher)), tokenizer) == {"7": [0.5, 0.0]}


def test_other_splits_keep_the_oracles_labels(config_of, tokenizer, predictions) -> None:
    for scheme in ((), SOFT):
        config = config_of(*taught_by(predictions), *scheme[1:])
        expected = prepare(config_of(*scheme), "validation", tokenizer)
        assert prepare(config, "validation", tokenizer).folder == expected.folder
        assert labels_of(config, tokenizer, "validation") == labels_of(config_of(*scheme), tokenizer, "validation")


def test_joined_documents_keep_the_scores_of_their_own_sentences(config_of, tokenizer, predictions) -> None:
    whole = write_jsonl(
        predictions.with_name("whole.jsonl"),
        [{**line, "scores": [score or 0.5 for score in line["scores"]]} for line in lines_of(predictions)],
    )
    options = (*taught_by(whole), "encoding.long_documents=window")
    alone, joined = (labels_of(config_of(*options, f"data.joined={share}"), tokenizer) for share in (0, 1))
    for identity, labels in alone.items():
        assert joined[identity][: len(labels)] == labels
        assert len(joined[identity]) > len(labels) and not any(joined[identity][len(labels) :])


def test_an_evaluation_of_the_training_split_has_no_augmentation(config_of, trained_run, tokenizer) -> None:
    _, result = trained_run
    config = config_of(
        "encoding.long_documents=window", "evaluation.long_documents=window", "data.joined=1", "data.detokenized=1",
    )  # fmt: skip
    records = lines_of(bertsum.evaluate(config, result.checkpoint, "train").folder / "predictions.jsonl")
    plain = prepare(config_of("encoding.long_documents=window"), "train", tokenizer).dataset.to_list()
    augmented = prepare(config, "train", tokenizer).dataset.to_list()
    assert all(len(row["sentences"]) < len(other["sentences"]) for row, other in zip(plain, augmented, strict=True))
    assert [line["id"] for line in records] == [row["id"] for row in plain]
    assert [len(line["scores"]) for line in records] == [len(row["sentences"]) for row in plain]
    for line, row in zip(records, plain, strict=True):
        assert line["summary"] == [row["sentences"][index] for index in line["indices"]]


def test_a_student_is_trained_and_evaluated(config_of, predictions, tmp_path) -> None:
    teacher = write_jsonl(tmp_path / "teacher.jsonl", lines_of(predictions))
    config = config_of(*taught_by(teacher), "train.max_steps=2", "train.validate_every=1")
    result = bertsum.train(config)
    card = bertsum.BertSum.from_pretrained(result.checkpoint).generate_model_card().text
    assert "labels of a trained model" in card and "- teacher.jsonl" in card and str(tmp_path) not in card
    teacher.unlink()  # an evaluation does not need it
    for split in ("train", "validation"):
        assert bertsum.evaluate(config, split=split).documents == 12


def test_prepared_data_depend_on_what_the_file_holds(config_of, tokenizer, predictions, tmp_path) -> None:
    first = prepare(config_of(*taught_by(predictions)), "train", tokenizer).folder
    (tmp_path / "elsewhere").mkdir()
    moved = write_jsonl(tmp_path / "elsewhere" / predictions.name, [])
    moved.write_bytes(predictions.read_bytes())
    assert prepare(config_of(*taught_by(moved)), "train", tokenizer).folder == first
    records = lines_of(predictions)
    records[0]["scores"][0] = 0.123
    write_jsonl(moved, records)
    changed = config_of(*taught_by(moved))
    assert prepare(changed, "train", tokenizer).folder != first
    assert labels_of(changed, tokenizer)[records[0]["id"]][0] == pytest.approx(0.123)


def test_a_document_without_scores(config_of, tokenizer, predictions, tmp_path) -> None:
    records = lines_of(predictions)
    name = records[3]["id"]
    missing = write_jsonl(tmp_path / "missing.jsonl", [line for line in records if line["id"] != name])
    message = rf"english\.validation\.jsonl line 4: data\.teacher: .*missing\.jsonl has no line with the id '{name}'"
    with pytest.raises(bertsum.BertsumError, match=message):
        prepare(config_of(*taught_by(missing)), "train", tokenizer)
    prepared = prepare(config_of(*taught_by(missing), "data.on_error=skip"), "train", tokenizer)
    assert prepared.report.dropped == {"no scores of the teacher": 1}
    count = len(records[3]["scores"])
    records[3]["scores"].append(0.5)
    longer = write_jsonl(tmp_path / "longer.jsonl", records)
    message = rf"longer\.jsonl line 4: id '{name}': found {count + 1} scores, expected {count}, one for each sentence"
    with pytest.raises(bertsum.BertsumError, match=message):
        prepare(config_of(*taught_by(predictions, longer)), "train", tokenizer)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1: not JSON"),
        ("[]", "line 1: found list, expected a line of predictions.jsonl with 'id' and 'scores'"),
        ('{"id": "a", "summary": []}', r'line 1: found the fields \["id", "summary"\], expected'),
        ('{"id": null, "scores": []}', "line 1: found the id null, expected text or a whole number"),
        ('{"id": "a", "scores": 3}', "line 1: id 'a': found 3 in 'scores', expected a list of numbers from 0 to 1"),
        ('{"id": "a", "scores": [0.5, 1.5]}', "line 1: id 'a': found 1.5 in 'scores'"),
        ('{"id": "a", "scores": [NaN]}', "line 1: id 'a': found NaN in 'scores'"),
        ('{"id": "a", "scores": [true]}', "line 1: id 'a': found true in 'scores'"),
        ('\n{"id": "a", "scores": [1]}\n{"id": "a", "scores": [1]}', "line 3: id 'a' is already in line 2"),
    ],
)
def test_broken_files(config_of, tokenizer, tmp_path, line, message) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(f"{line}\n")
    with pytest.raises(bertsum.BertsumError, match=rf"data\.teacher: .*t\.jsonl {message}"):
        prepare(config_of(*taught_by(path)), "train", tokenizer)


def test_a_file_that_is_not_there(config_of, tokenizer, tmp_path) -> None:
    with pytest.raises(bertsum.BertsumError, match=r"data\.teacher: '.*nowhere' cannot be read"):
        prepare(config_of(*taught_by(tmp_path / "nowhere")), "train", tokenizer)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["data.labels=hard"], "data.labels: got 'hard', expected greedy, soft or teacher"),
        (["data.labels=soft"], "data.soft_temperature: is null, expected a temperature, such as 0.05"),
        (["data.soft_temperature=0.05"], "data.soft_temperature: got 0.05, expected null with data.labels greedy"),
        (["data.labels=teacher"], "data.teacher: is not set, expected with data.labels teacher the predictions.jsonl"),
        (["data.labels=teacher", "data.teacher=[]"], "data.teacher: is not set"),
        (["data.teacher=a.jsonl"], "data.teacher: is set, expected null with data.labels greedy"),
        ([*SOFT, "data.teacher=a.jsonl"], "data.teacher: is set, expected null with data.labels soft"),
        (["data.teacher_weight=0.5"], "data.teacher_weight: got 0.5, expected 1 with data.labels greedy"),
        (["data.labels=teacher", "data.teacher=a", "data.teacher_weight=0"], "data.teacher_weight: got 0"),
        (["model.kind=seq2seq", "data.labels=teacher", "data.teacher=a"], "data.labels: got teacher, but model.kind"),
    ],
)  # fmt: skip
def test_schemes_and_what_belongs_to_them(overrides, message) -> None:
    with pytest.raises(bertsum.BertsumError, match=message):
        Config.load(None, overrides)
