"""Prepared data: equal for any number of processes, done once, never half-used, reported."""

from __future__ import annotations

import ast
import hashlib
import os
import sys
from pathlib import Path

import pytest
from conftest import ROOT, write_jsonl
from fork_server import PIPE, Process

from bertsum.data import prepare as prepare_module
from bertsum.data.fingerprints import CODE, PACKAGES, describe_file
from bertsum.data.oracle import soft_oracle
from bertsum.data.prepare import prepare, read_texts
from bertsum.data.sentences import document_sentences, summary_sentences
from bertsum.errors import BertsumError


def records(count: int) -> list[dict]:
    return [
        {
            "id": str(n),
            "document": f"The mayor spoke on day {n}. It rained. Nobody came to the hall.",
            "summary": "The mayor spoke.",
        }
        for n in range(count)
    ]


def test_rows(config_of, tokenizer, tmp_path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", records(3))
    prepared = prepare(config_of(f"data.train={path}"), "train", tokenizer)
    row = prepared.dataset[1]
    assert (row["id"], row["labels"], row["sentence_indices"]) == ("1", [1, 0, 0], [0, 1, 2])
    assert row["sentences"] == ["The mayor spoke on day 1.", "It rained.", "Nobody came to the hall."]
    assert row["references"] == [["The mayor spoke."]]
    assert row["length"] == len(row["input_ids"]) == prepared.lengths[1]
    assert (prepared.report.read, prepared.report.kept, prepared.report.unlabelled_share) == (3, 3, 0.0)
    assert prepared.report.sentences_per_document == 3.0


def test_several_processes_give_the_same(config_of, tokenizer, tmp_path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", records(300))
    one = prepare(config_of(f"data.train={path}", f"data.prepared_dir={tmp_path / 'one'}"), "train", tokenizer)
    two = prepare(
        config_of(f"data.train={path}", f"data.prepared_dir={tmp_path / 'two'}", "data.workers=2"), "train", tokenizer
    )
    assert one.dataset.to_list() == two.dataset.to_list()
    assert one.report == two.report
    assert one.folder.name == two.folder.name


def test_done_once_and_redone_when_something_changed(config_of, tokenizer, byte_tokenizer, tmp_path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", records(3))
    config = config_of(f"data.train={path}")
    folder = prepare(config, "train", tokenizer).folder
    written = (folder / "data.arrow").stat().st_mtime_ns
    again = prepare(config, "train", tokenizer).folder
    assert (again, (folder / "data.arrow").stat().st_mtime_ns) == (folder, written)
    others = {
        prepare(config_of(f"data.train={path}", "encoding.max_length=64"), "train", tokenizer).folder,
        prepare(config_of(f"data.train={path}", "data.oracle=paper"), "train", tokenizer).folder,
        prepare(config, "train", byte_tokenizer).folder,
        prepare(config_of(f"data.validation={path}"), "validation", tokenizer).folder,
    }
    write_jsonl(path, records(4))
    others.add(prepare(config, "train", tokenizer).folder)
    assert len(others | {folder}) == 6
    assert not list(folder.parent.glob(".*.unfinished"))


def test_files_are_told_apart_by_their_content(config_of, tokenizer, tmp_path) -> None:
    """As when two archives bring files of one name, size and time, which differ in the middle alone."""
    texts = [f"The {name} spoke. It rained. Nobody came to the hall." for name in ("mayor", "rower")]
    prepared = []
    for number, text in enumerate(texts):
        (tmp_path / str(number)).mkdir()
        middle = {"id": "1", "document": text, "summary": "It rained."}
        path = write_jsonl(tmp_path / str(number) / "a.jsonl", [*records(2), middle, *records(2)])
        os.utime(path, ns=(1, 1))
        prepared.append(prepare(config_of(f"data.train={path}"), "train", tokenizer))
    assert [part.dataset[2]["sentences"][0] for part in prepared] == ["The mayor spoke.", "The rower spoke."]
    assert describe_file(tmp_path / "0" / "a.jsonl")[:2] == describe_file(path)[:2]
    # moved, copied or touched, it is the same file
    moved = path.rename(tmp_path / "a.jsonl")
    os.utime(moved, ns=(2, 2))
    assert prepare(config_of(f"data.train={moved}"), "train", tokenizer).folder == prepared[1].folder


def test_what_cannot_be_hashed_is_told_by_its_path(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")  # reading it would wait for ever, and take what is in it
    for name in ("pipe.jsonl", "missing.jsonl"):
        assert describe_file(tmp_path / name) == [str(tmp_path / name)]
    (tmp_path / "large.jsonl").write_bytes(b"x" * (2**20 + 1))
    assert describe_file(tmp_path / "large.jsonl")[1:] == [2**20 + 1, hashlib.sha256(b"x" * (2**20 + 1)).hexdigest()]


def test_all_that_preparing_imports_is_in_the_fingerprint() -> None:
    """Its own modules by their code, packages by their version, but for those that only carry values."""
    carriers = {"numpy", "pyarrow", "tqdm", "datasets", "transformers", "filelock", "torch"}
    around = {
        "config",
        "errors",
        "files",
        "parallel",
        "progress",
    }  # settings, told by value, and what changes no document
    package = Path(prepare_module.__file__).parents[1]
    known = {".".join(path.relative_to(package).with_suffix("").parts) for path in CODE} | around
    for path in CODE:
        for name in imported(path):
            if name.startswith("bertsum."):
                assert name.removeprefix("bertsum.") in known, f"{path} imports {name}"
            elif name not in sys.stdlib_module_names:
                assert name in carriers or name in PACKAGES, f"{path} imports {name}"


def imported(path: Path) -> set[str]:
    """Modules of bertsum, and top names of others, that a file imports anywhere."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
    return {name if name.startswith("bertsum") else name.partition(".")[0] for name in names}


def test_what_the_tokenizer_did_before_does_not_matter(config_of, tokenizer, tmp_path) -> None:
    config = config_of(f"data.train={write_jsonl(tmp_path / 'a.jsonl', records(3))}")
    tokenizer.backend_tokenizer.enable_truncation(128)
    tokenizer.backend_tokenizer.enable_padding(length=128)
    first = prepare(config, "train", tokenizer)
    assert prepare(config, "train", tokenizer).folder == first.folder
    assert first.dataset[0]["length"] < 60


def test_an_unfinished_preparation_is_not_used(config_of, tokenizer, tmp_path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", records(3))
    config = config_of(f"data.train={path}")
    folder = prepare(config, "train", tokenizer).folder
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    folder.rename(unfinished)
    (unfinished / "data.arrow").write_bytes(b"half")
    assert len(prepare(config, "train", tokenizer)) == 3


def test_stop_or_skip(config_of, tokenizer, tmp_path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [*records(2), {"id": "x", "document": "A text.", "summary": None}])
    with pytest.raises(BertsumError, match=r"a\.jsonl line 3: field 'summary' is null.*on_error"):
        prepare(config_of(f"data.train={path}"), "train", tokenizer)
    assert not list((tmp_path / "prepared").glob("train-*"))
    report = prepare(config_of(f"data.train={path}", "data.on_error=skip"), "train", tokenizer).report
    assert (report.read, report.kept, report.dropped) == (3, 2, {"null in 'summary'": 1})
    assert "line 3" in report.named[0]
    assert "line 3" in str(report)


def test_filters_are_for_training_only(config_of, tokenizer, tmp_path) -> None:
    short = {"id": "s", "document": "Only one sentence.", "summary": "One."}
    path = write_jsonl(tmp_path / "a.jsonl", [*records(2), short, {**records(1)[0], "summary": "Short."}])
    options = (f"data.train={path}", f"data.test={path}", "data.min_sentences=2", "data.min_summary_words=3")
    assert prepare(config_of(*options), "train", tokenizer).report.dropped == {
        "fewer sentences than data.min_sentences": 1,
        "summary shorter than data.min_summary_words": 1,
    }
    assert len(prepare(config_of(*options), "test", tokenizer)) == 4
    everywhere = config_of(*options, "data.filtered_splits=all")
    assert len(prepare(everywhere, "test", tokenizer)) == 2
    assert len(list(read_texts(everywhere, "test"))) == 2
    assert len(list(read_texts(config_of(*options), "test"))) == 4


def test_soft_labels(config_of, tokenizer, tmp_path) -> None:
    document = ["The mayor spoke.", "A bridge will be built.", "It rained.", "A bridge will be wide."]
    path = write_jsonl(tmp_path / "a.jsonl", [{"document": document, "summary": "A bridge will be built."}])
    hard, soft = (
        prepare(config_of(f"data.train={path}", *scheme), "train", tokenizer).dataset[0]["labels"]
        for scheme in (["data.labels=greedy"], ["data.labels=soft", "data.soft_temperature=0.5"])
    )
    assert hard == [0, 1, 0, 0]
    assert soft == pytest.approx(soft_oracle(document, "A bridge will be built.", temperature=0.5))
    assert 0 == soft[0] < soft[3] < soft[1] < 1


def test_nothing_usable(config_of, tokenizer, tmp_path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(BertsumError, match="none of 0 documents"):
        prepare(config_of(f"data.train={tmp_path / 'empty.jsonl'}"), "train", tokenizer)
    path = write_jsonl(tmp_path / "control.jsonl", [{"document": "\x01\x02", "summary": "x"}])
    with pytest.raises(BertsumError, match="no token"):
        prepare(config_of(f"data.train={path}"), "train", tokenizer)


def test_paper_labels_the_whole_document(config_of, tokenizer, tmp_path) -> None:
    document = [
        "The mayor spoke.",
        *["Filler words stand here in this sentence of the text."] * 30,
        "A bridge will be built.",
    ]
    path = write_jsonl(tmp_path / "a.jsonl", [{"document": document, "summary": "A bridge will be built. Filler."}])
    paper = prepare(config_of(f"data.train={path}", "data.oracle=paper"), "train", tokenizer)
    visible = prepare(config_of(f"data.train={path}"), "train", tokenizer)
    assert paper.dataset[0]["cut"]
    assert sum(paper.dataset[0]["labels"]) <= sum(visible.dataset[0]["labels"]) > 0


def test_folder_that_cannot_be_written(config_of, tokenizer, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BertsumError, match=r"data\.prepared_dir"):
        prepare(config_of(f"data.prepared_dir={tmp_path / 'file'}"), "train", tokenizer)


def test_hard_documents(config_of, tokenizer, tmp_path) -> None:
    hard = [
        "One sentence only",
        ["A sentence of many."] * 5000,
        "x" * 100_000,
        "emoji 🙂 and \u202eright to left\u202c עברית العربية.",
        "nul \x00 and bell \x07 stay.",
    ]
    path = write_jsonl(
        tmp_path / "a.jsonl", [{"id": n, "document": d, "summary": "sentence"} for n, d in enumerate(hard)]
    )
    prepared = prepare(config_of(f"data.test={path}"), "test", tokenizer)
    assert prepared.dataset["id"][:] == ["0", "1", "2", "3", "4"]
    assert len(prepared.dataset[1]["sentences"]) == 5000
    assert prepared.dataset[2]["sentences"] == [hard[2]]


def test_two_programs_prepare_the_same_data(config_of, tokenizer, encoder_folder, tmp_path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", records(200))
    config = config_of(f"data.train={path}", "data.validation=null", "data.test=null")
    config.save(tmp_path / "config.yaml")
    script = ["scripts/preprocess.py", "--config", str(tmp_path / "config.yaml")]
    programs = [Process(script, stdout=PIPE, cwd=ROOT) for _ in range(2)]
    outputs = [program.communicate()[0] for program in programs]
    assert [program.returncode for program in programs] == [0, 0]
    assert sum("documents read" in output for output in outputs) == 1  # the other one waited
    assert all("train: 200 documents" in output for output in outputs)


def test_sentences_of_strings_and_lists() -> None:
    assert document_sentences(" It rained. We left. ", "en") == ["It rained.", "We left."]
    assert document_sentences([" A ", ""], "en") == ["A", ""]
    assert summary_sentences("First line .\nSecond one. And third.\n", "en") == [
        "First line .",
        "Second one.",
        "And third.",
    ]
    assert summary_sentences(["A.", " "], "en") == ["A."]
