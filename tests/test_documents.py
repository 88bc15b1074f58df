"""Readers: what comes in, and what is refused by name."""

from __future__ import annotations

import gzip
import json

import datasets
import pytest
from conftest import write_jsonl

from bertsum.config import DataConfig
from bertsum.data.documents import Document, Rejected
from bertsum.data.sources import is_hub_split, read_documents, source_files
from bertsum.errors import BertsumError

GOOD = {"id": "a", "document": ["One.", "Two."], "summary": "One."}


def read(path, **values):
    return list(read_documents(DataConfig(train=str(path), **values), "train"))


def test_plain_gzip_folder_glob_and_list(tmp_path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [GOOD])
    with gzip.open(tmp_path / "b.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps({**GOOD, "id": "b"}) + "\n\n")
    (tmp_path / "notes.txt").write_text("not data")
    for source in (
        str(tmp_path),
        str(tmp_path / "*.jsonl*"),
        [str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl.gz")],
    ):
        documents = list(read_documents(DataConfig(train=source), "train"))
        assert [document.id for document in documents] == ["a", "b"]
    first = documents[0]
    assert first == Document("a", ["One.", "Two."], ["One."], f"{tmp_path / 'a.jsonl'} line 1")


def test_fields_references_ids_and_limit(tmp_path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [{"source": "Text.", "target": ["x", "y"], "paper_id": 5}] * 3)
    assert [d.references for d in read(path)] == [[["x", "y"]]] * 3
    assert [d.references for d in read(path, summary_list="references", limit=2)] == [["x", "y"]] * 2
    assert read(path)[0].id == "5"
    path = write_jsonl(tmp_path / "b.jsonl", [{"body": "Text.", "abstract": [["x"], ["y", "z"]]}])
    (document,) = read(path, document_field="body")
    assert (document.id, document.references) == ("0", [["x"], ["y", "z"]])


@pytest.mark.parametrize(
    ("record", "reason", "problem"),
    [
        ({"id": "a", "summary": "x"}, "no field 'document'", "missing (fields: id, summary)"),
        ({**GOOD, "summary": None}, "null in 'summary'", "is null"),
        ({**GOOD, "document": "  "}, "empty 'document'", "is empty"),
        ({**GOOD, "document": []}, "empty 'document'", "is empty"),
        ({**GOOD, "summary": [""]}, "empty 'summary'", "is empty"),
        ({**GOOD, "summary": ["S", ["T"]]}, "mixed 'summary'", "has strings beside lists, expected strings alone"),
        ({**GOOD, "document": 3}, "not text in 'document'", "got int"),
        ({**GOOD, "document": ["a", None]}, "not text in 'document'", "item 1: got null"),
        ({**GOOD, "summary": [["a"], [1]]}, "not text in 'summary'", "got int"),
        ([1], "not an object", "got list"),
    ],
)
def test_rejected(tmp_path, record, reason, problem) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [GOOD, record])
    rejected = read(path)[1]
    assert isinstance(rejected, Rejected)
    assert (rejected.place, rejected.reason) == (f"{path} line 2", reason)
    assert problem in rejected.problem


def test_not_json_and_bombs(tmp_path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        json.dumps(GOOD) + "\n{broken\n" + "[" * 200_000 + "\n" + '"\udcff"'.encode("utf-8", "ignore").decode()
    )
    kinds = [getattr(item, "reason", "document") for item in read(path)]
    assert kinds[:3] == ["document", "not JSON", "not JSON"]


def test_lone_surrogates_become_replacement_characters(tmp_path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "\\ud800", "document": "A \\ud800 b.", "summary": "x"}\n')
    (document,) = read(path)
    assert (document.id, document.text) == ("\ufffd", "A \ufffd b.")


def test_missing_sources(tmp_path) -> None:
    write_jsonl(tmp_path / "train.jsonl", [GOOD])
    for source, message in [
        (None, "is not set"),
        (str(tmp_path / "trian.jsonl"), r"does not exist.*train\.jsonl"),
        (str(tmp_path / "none" / "*.jsonl"), "matches no file"),
    ]:
        with pytest.raises(BertsumError, match=message):
            source_files(DataConfig(train=source), "train")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BertsumError, match=r"has no \.jsonl"):
        source_files(DataConfig(train=str(tmp_path / "empty")), "train")


def test_no_field_at_all(tmp_path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [{"x": 1}, GOOD])
    rejected, document = read(path)
    assert (rejected.place, rejected.reason) == (f"{path} line 1", "no document")
    assert "expected document or article or text or source or src_txt or src (fields: x)" in rejected.problem
    assert document.id == "a"
    assert "expected 'body'" in read(path, document_field="body")[0].problem


def test_truncated_gzip(tmp_path) -> None:
    path = tmp_path / "a.jsonl.gz"
    whole = gzip.compress((json.dumps(GOOD) + "\n").encode() * 5000)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BertsumError, match="cannot be read"):
        read(path)


def test_hub_dataset(monkeypatch) -> None:
    made = datasets.Dataset.from_list([{"article": "A text.", "highlights": "A line .\nAnother .", "id": "x"}])
    asked = []
    monkeypatch.setattr(datasets, "load_dataset", lambda *names, split: asked.append((*names, split)) or made)
    config = DataConfig(dataset="cnn_dailymail", dataset_config="3.0.0")
    (document,) = read_documents(config, "train")
    assert (document.id, document.text, document.references) == ("x", "A text.", ["A line .\nAnother ."])
    assert asked == [("cnn_dailymail", "3.0.0", "train")]
    assert not is_hub_split(DataConfig(dataset="cnn_dailymail", test="folder/test.jsonl"), "test")
    assert is_hub_split(DataConfig(dataset="cnn_dailymail", train="train[:1%]"), "train")


def test_hub_out_of_reach() -> None:
    with pytest.raises(BertsumError, match="'cnn_dailymail' .* cannot be loaded"):
        next(read_documents(DataConfig(dataset="cnn_dailymail", dataset_config="3.0.0"), "train"))


def test_limit_and_numbers_go_on_over_files(tmp_path) -> None:
    nameless = {"document": "One.", "summary": "One."}
    for name, count in (("a", 2), ("b", 0), ("c", 3)):
        write_jsonl(tmp_path / f"{name}.jsonl", [nameless] * count)
    assert [document.id for document in read(tmp_path)] == ["0", "1", "2", "3", "4"]
    assert [document.id for document in read(tmp_path, limit=4)] == ["0", "1", "2", "3"]


ENCODED = {"src": [101, 5, 102], "clss": [0], "labels": [1], "src_txt": ["It rained."], "tgt_txt": "rain"}


@pytest.mark.parametrize("identity", [None, 1.5, [1], True])
def test_an_encoded_document_without_an_id_has_its_number(tmp_path, identity) -> None:
    records = [ENCODED, {**ENCODED, "id": "b"}, ENCODED if identity is None else {**ENCODED, "id": identity}]
    documents = read(write_jsonl(tmp_path / "a.jsonl", records))
    assert [document.id for document in documents] == ["0", "b", "2"]


@pytest.mark.parametrize("field", ["src", "labels", "src_txt", "tgt_txt"])
@pytest.mark.parametrize("value", [None, 3, [None], {"a": 1}, "absent"])
def test_an_encoded_document_with_a_field_missing_or_wrong(tmp_path, field, value) -> None:
    record = {name: item for name, item in ENCODED.items() if name != field or value != "absent"}
    (rejected,) = read(write_jsonl(tmp_path / "a.jsonl", [{**record, **({} if value == "absent" else {field: value})}]))
    assert isinstance(rejected, Rejected)
    assert field in rejected.problem or "sentences" in rejected.problem
