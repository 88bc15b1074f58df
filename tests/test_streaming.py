"""Any number of documents: streams, and files that are complete or absent at whatever instant the program is killed."""

from __future__ import annotations

import gzip
import itertools
import json
import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import sentences_of, write_jsonl
from filelock import FileLock

import bertsum
from bertsum.inference import bulk
from bertsum.inference.bulk import summarize_file
from bertsum.parallel import chunks
from bertsum.program import run

pytestmark = pytest.mark.filterwarnings("ignore:document")
TEXTS = [" ".join(sentences_of(random.Random(number), 1 + number % 9)) for number in range(40)]
RECORDS: list[Any] = [{"id": f"n{number}", "document": text} for number, text in enumerate(TEXTS)]


@pytest.fixture(scope="module")
def summarizer(trained_run) -> bertsum.Summarizer:
    return bertsum.Summarizer.from_pretrained(trained_run[1].checkpoint)


@pytest.fixture
def source(tmp_path) -> Path:
    return write_jsonl(tmp_path / "in.jsonl", RECORDS)


def lines_of(path: Path) -> list[dict[str, Any]]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.name.endswith(".gz") else data).decode("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def begin(function: Callable[[], object]) -> multiprocessing.Process:
    """A process of its own, with all that this one has in memory; a signal inside coverage's lock would block it."""
    process = multiprocessing.get_context("fork").Process(target=lambda: (sys.settrace(None), function()))
    process.start()
    return process


def test_a_stream_is_the_same_as_each_alone(summarizer) -> None:
    documents = [text if number % 3 else sentences_of(random.Random(number), 5) for number, text in enumerate(TEXTS)]
    together = list(summarizer.stream(iter(documents), buffer=16, sentences=2))
    alone = [summarizer([document], sentences=2)[0] for document in documents]
    assert [summary.text for summary in together] == [summary.text for summary in alone]
    for one, other in zip(together, alone, strict=True):
        assert one.document_scores == pytest.approx(other.document_scores, abs=1e-5)
    assert list(summarizer.stream([])) == []


def test_a_stream_reads_no_further_than_its_buffer(summarizer) -> None:
    taken = 0

    def endless():
        nonlocal taken
        for text in itertools.cycle(TEXTS):
            taken += 1
            yield text

    stream = summarizer.stream(endless(), buffer=4)
    assert taken == 0
    reads = []
    for _ in range(9):
        next(stream)
        reads.append(taken)
    assert reads == [4] * 4 + [8] * 4 + [12]


def test_chunks_end_by_number_or_by_size() -> None:
    items = iter(["a", "b", "c", "dddd", "e", "f"])
    parts = chunks(items, 3, len, 4)
    assert next(parts) == ["a", "b", "c"]
    assert next(parts) == ["dddd"]
    assert next(items) == "e"  # not read yet
    assert list(parts) == [["f"]]


def test_errors_as_values_or_in_their_turn(summarizer) -> None:
    unreadable = bertsum.BertsumError("could not be fetched")
    documents = [TEXTS[0], "", 3, unreadable, ["a", None], "\x00", TEXTS[1]]
    first, *errors, last = summarizer.stream(documents, errors="return")
    assert [str(error) for error in errors] == [
        "is empty",
        "got int, expected text or a list of sentences",
        "could not be fetched",
        "sentence 1: got NoneType, expected text",
        "has no token that the model knows",
    ]
    assert (first.text, last.text) == (summarizer(TEXTS[0]).text, summarizer(TEXTS[1]).text)
    stream = summarizer.stream([*TEXTS[:5], None, TEXTS[5]], buffer=4, start=100)
    assert [next(stream).text for _ in range(5)] == [summarizer(text).text for text in TEXTS[:5]]
    with pytest.raises(bertsum.BertsumError, match="document 105: got NoneType"):
        next(stream)


def test_what_a_stream_refuses_at_once(summarizer) -> None:
    for documents in ("a text", None, 3):
        with pytest.raises(bertsum.BertsumError, match="documents: got .* expected a list, a generator"):
            summarizer.stream(documents)
    for buffer in (0, 2.5):
        with pytest.raises(bertsum.BertsumError, match=f"buffer: got {buffer}"):
            summarizer.stream([], buffer=buffer)
    with pytest.raises(bertsum.BertsumError, match="errors: got 'ignore', expected raise or return"):
        summarizer.stream([], errors="ignore")
    with pytest.raises(bertsum.BertsumError, match=r"^sentences: got 0"):
        summarizer.stream([], sentences=0)
    with pytest.raises(TypeError, match="unknown option 'sentence', expected sentences, ratio"):
        summarizer.stream([], sentence=3)


def test_cut_documents_are_named_but_not_all_of_them(summarizer) -> None:
    book = " ".join(f"Sentence {number} of a book about boats." for number in range(40))
    with pytest.warns(UserWarning, match="words were not read") as caught:
        assert len(list(summarizer.stream([TEXTS[0], *[book] * 30], buffer=7, long_documents="truncate"))) == 31
    texts = [str(warning.message) for warning in caught if "not read" in str(warning.message)]
    assert [text.split(":")[0] for text in texts] == [f"document {number}" for number in range(1, 11)]
    assert texts[-1].endswith("; further ones are not named")


@pytest.mark.parametrize(("name_in", "name_out"), [("a.jsonl", "b.jsonl.gz"), ("a.jsonl.gz", "b.jsonl")])
def test_a_file(summarizer, tmp_path, name_in, name_out) -> None:
    data = "".join(json.dumps(record) + "\n" for record in RECORDS).encode()
    (tmp_path / name_in).write_bytes(gzip.compress(data) if name_in.endswith(".gz") else data)
    done = summarize_file(summarizer, tmp_path / name_in, tmp_path / "new" / name_out, buffer=7, sentences=2)
    assert (done.documents, done.errors) == (40, 0)
    assert str(done) == f"40 documents in {tmp_path / 'new' / name_out}"
    lines = lines_of(done.path)
    assert [line["id"] for line in lines] == [record["id"] for record in RECORDS]
    for line, text in zip(lines, TEXTS, strict=True):
        alone = summarizer(text, sentences=2)
        assert (line["summary"], line["sentences"]) == (alone.text, alone.sentences)
        assert line["indices"] == alone.indices
        assert line["scores"] == pytest.approx(alone.scores, abs=1e-5)
    assert [path.name for path in done.path.parent.iterdir()] == [name_out]


def test_errors_go_to_the_output(summarizer, tmp_path) -> None:
    good = '{"id": 7, "document": "It rained. It was \\ud800 cold.", "summary": 3, "clss": 1}'
    bad = {
        "{": ("1", "not JSON"),
        "[1]": ("2", "got list, expected a JSON object"),
        '{"id": "b", "document": ""}': ("b", "field 'document' is empty"),
        '{"id": "c", "document": ["One.", null]}': ("c", "item 1: got null"),
        '{"id": "d", "document": null}': ("d", "field 'document' is null"),
        '{"id": "e", "text": "Other name."}': ("e", r"field 'document' is missing (fields: id, text)"),
        '{"id": "f", "document": "\\u0000"}': ("f", "has no token that the model knows"),
        '{"id": "g", "document": "%s"}' % ("x" * (1 << 24)): ("8", "longer than 16 MiB"),
        "[" * 100_000: ("9", "not JSON"),
    }
    source = tmp_path / "in.jsonl"
    source.write_text("\n\n".join([good, *bad, good]), encoding="utf-8")
    done = summarize_file(summarizer, source, tmp_path / "out.jsonl", buffer=3)
    assert str(done).startswith("11 documents in ") and str(done).endswith("9 of them without a summary (field error)")
    first, *errors, last = lines_of(done.path)
    assert first == last
    assert first["id"] == "7" and first["summary"] == "It rained. It was \ufffd cold."
    for number, (line, (identity, problem)) in enumerate(zip(errors, bad.values(), strict=True)):
        assert line.keys() == {"id", "error"}
        assert line["id"] == identity
        assert line["error"].startswith(f"{source} line {2 * number + 3}: ")
        assert problem in line["error"]


def test_fields_by_name(summarizer, tmp_path) -> None:
    source = write_jsonl(tmp_path / "in.jsonl", [{"body": "It rained.", "key": 5}, {"body": 2, "key": 6}])
    done = summarize_file(summarizer, source, tmp_path / "named.jsonl", document_field="body", id_field="key")
    assert [line["id"] for line in lines_of(done.path)] == ["5", "6"]
    assert "field 'body': got int" in lines_of(done.path)[1]["error"]
    with pytest.raises(bertsum.BertsumError, match=r"none of 2 documents .*\(fields: body, key\); name it with doc"):
        summarize_file(summarizer, source, tmp_path / "unnamed.jsonl")
    assert not list(tmp_path.glob("*unnamed*"))


def test_a_document_without_an_id_has_its_number(summarizer, tmp_path) -> None:
    ids = ['"id": "a", ', '"id": null, ', '"id": 1.5, ', "", '"id": true, ', '"id": [1], ', '"id": 7, ']
    source = tmp_path / "in.jsonl"
    source.write_text("".join(f'{{{identity}"document": "It rained."}}\n' for identity in ids))
    done = summarize_file(summarizer, source, tmp_path / "out.jsonl")
    assert [line["id"] for line in lines_of(done.path)] == ["a", "1", "2", "3", "4", "5", "7"]


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz"])
def test_a_file_without_documents(summarizer, tmp_path, name) -> None:
    source = write_jsonl(tmp_path / "in.jsonl", [])
    assert summarize_file(summarizer, source, tmp_path / name).documents == 0
    assert lines_of(tmp_path / name) == []


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz"])
def test_killed_at_any_moment_and_started_again(summarizer, tmp_path, source, name) -> None:
    whole = summarize_file(summarizer, source, tmp_path / f"whole-{name}", buffer=4, sentences=2)
    start = time.perf_counter()
    begin(lambda: summarize_file(summarizer, source, tmp_path / f"timed-{name}", buffer=4, sentences=2)).join()
    seconds = time.perf_counter() - start
    target = tmp_path / name
    draw = random.Random(0)
    kills = 0
    for _ in range(200):
        process = begin(lambda: summarize_file(summarizer, source, target, buffer=4, sentences=2))
        process.join(draw.uniform(0.0, seconds / 4 if kills < 8 else 60.0))
        if process.exitcode is None:
            process.kill()
            process.join()
            kills += 1
        if process.exitcode == 0 or (target.exists() and not list(tmp_path.glob(".*"))):  # killed when all was done
            break
        assert process.exitcode == -signal.SIGKILL
    assert kills > 2
    assert target.read_bytes() == whole.path.read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_killed_at_each_step_of_writing(summarizer, tmp_path, source, monkeypatch) -> None:
    """Before each call that changes something on the disk, and between a write and its fsync."""
    whole = summarize_file(summarizer, source, tmp_path / "whole.jsonl.gz", buffer=16)
    steps = 0

    def deadly(function: Callable[..., Any], step: int) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **named)

        return call

    def die_at(step: int) -> None:
        for module, function in ((os, "fsync"), (os, "replace"), (os, "truncate"), (bulk, "try_remove")):
            monkeypatch.setattr(module, function, deadly(getattr(module, function), step))
        summarize_file(summarizer, source, target, buffer=16)

    for step in itertools.count(1):
        target = tmp_path / f"out{step}.jsonl.gz"
        process = begin(lambda step=step: die_at(step))
        process.join(60)
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        assert not target.exists() or target.read_bytes() == whole.path.read_bytes()
        assert summarize_file(summarizer, source, target, buffer=16).documents == len(RECORDS)
        assert target.read_bytes() == whole.path.read_bytes()
        assert not list(tmp_path.glob(".*"))
    assert step > 10


def interrupted(summarizer, source: Path, target: Path, **options: Any) -> None:
    """Leaves an unfinished target."""
    process = begin(lambda: summarize_file(summarizer, source, target, buffer=1, **options))
    progress = target.with_name(f".{target.name}.unfinished") / "progress.json"
    while not progress.exists():
        assert process.is_alive()
        time.sleep(0.001)
    process.kill()
    process.join()


def test_an_unfinished_target_is_not_gone_on_with_otherwise(summarizer, tmp_path, source) -> None:
    target = tmp_path / "out.jsonl"
    interrupted(summarizer, source, target, sentences=2)
    with pytest.raises(bertsum.BertsumError, match=r"was begun with other values .*\(sentences: was 2, is 1\)"):
        summarize_file(summarizer, source, target, sentences=1)
    half = bertsum.Summarizer(summarizer.model, precision="fp16")
    with pytest.raises(bertsum.BertsumError, match=r"\(precision: was (fp32|bf16), is fp16\)"):
        summarize_file(half, source, target, sentences=2)
    write_jsonl(source, RECORDS[:3])
    with pytest.raises(bertsum.BertsumError, match=r"\(source: was \['in.jsonl'"):
        summarize_file(summarizer, source, target, sentences=2)
    assert summarize_file(summarizer, source, target, resume=False).documents == 3
    assert len(lines_of(target)[0]["sentences"]) == 1  # not of two sentences, as what was left


def test_broken_progress_is_begun_anew(summarizer, tmp_path, source) -> None:
    target = tmp_path / "out.jsonl"
    for name, content in (("progress.json", "{"), ("part", "")):
        interrupted(summarizer, source, target)
        (tmp_path / ".out.jsonl.unfinished" / name).write_text(content)
        assert summarize_file(summarizer, source, target).documents == len(lines_of(target)) == 40
        target.unlink()


def test_a_target_that_exists(summarizer, tmp_path, source) -> None:
    target = tmp_path / "out.jsonl"
    target.write_text("mine\n")
    with pytest.raises(bertsum.BertsumError, match="exists already; choose another name, or begin anew"):
        summarize_file(summarizer, source, target)
    assert target.read_text() == "mine\n" and not list(tmp_path.glob(".*"))
    for broken in ({"sentences": 0}, {"max_tokens_per_batch": 0}):  # said before anything is written
        with pytest.raises(bertsum.BertsumError, match=f"{next(iter(broken))}: got 0"):
            summarize_file(summarizer, source, target, resume=False, **broken)
    assert not list(tmp_path.glob(".*"))
    summarize_file(summarizer, source, target, resume=False)
    assert len(lines_of(target)) == 40
    (tmp_path / ".out.jsonl.unfinished").mkdir()  # as of a call that was killed before its first save
    (tmp_path / ".out.jsonl.unfinished" / "part").write_text("")
    with pytest.raises(bertsum.BertsumError, match="exists already; choose another name, or begin anew"):
        summarize_file(summarizer, write_jsonl(tmp_path / "other.jsonl", RECORDS[:2]), target)
    assert len(lines_of(target)) == 40 and not list(tmp_path.glob(".*"))


def test_options_that_are_the_models_own_make_no_difference(summarizer, tmp_path, source) -> None:
    target = tmp_path / "out.jsonl"
    interrupted(summarizer, source, target)
    assert summarize_file(summarizer, source, target, long_documents="window", ratio=None).documents == 40


def test_a_name_that_is_not_utf8(summarizer, tmp_path) -> None:
    source = tmp_path / os.fsdecode(b"caf\xe9.jsonl")
    source.write_text('no JSON\n{"document": "It rained."}\n')
    summarize_file(summarizer, source, tmp_path / "out.jsonl")
    assert "caf\ufffd.jsonl line 1" in lines_of(tmp_path / "out.jsonl")[0]["error"]


def test_a_document_that_memory_does_not_suffice_for(summarizer, tmp_path, source, monkeypatch) -> None:
    forward = bertsum.BertSum.forward

    def small(self: bertsum.BertSum, **inputs: Any) -> torch.Tensor:
        if sum(inputs["lengths"]) >= longest:
            raise torch.OutOfMemoryError("out of memory")
        return forward(self, **inputs)

    encoder = summarizer._reader.encoder("window")
    encodings = [encoder.encode(bertsum.split_sentences(text)) for text in TEXTS]
    lengths = [sum(summarizer.model.collate([vars(encoding)]).lengths) for encoding in encodings]  # of its windows
    longest = max(lengths)
    monkeypatch.setattr(bertsum.BertSum, "forward", small)
    done = summarize_file(summarizer, source, tmp_path / "out.jsonl")
    failed = [number for number, line in enumerate(lines_of(done.path)) if "error" in line]
    assert failed == [number for number, length in enumerate(lengths) if length == longest]
    with pytest.raises(bertsum.BertsumError, match=r"^document \d+: out of memory for 1 documents x \d+ tokens"):
        summarizer(TEXTS)


def test_the_lock_is_free_after_an_error_of_writing(summarizer, tmp_path, source) -> None:
    class Full:
        def close(self) -> None:
            raise OSError(28, "No space left on device")

    writer = bulk._Writer(tmp_path / "out.jsonl", {}, True)
    with pytest.raises(OSError, match="No space left"), writer:
        writer._file = Full()
    assert not writer._lock.is_locked


def test_two_at_once(summarizer, tmp_path, source) -> None:
    (folder := tmp_path / ".out.jsonl.unfinished").mkdir()
    held = FileLock(folder / "lock")
    with held, pytest.raises(bertsum.BertsumError, match="another process is writing"):
        summarize_file(summarizer, source, tmp_path / "out.jsonl")


def test_what_cannot_be_read_or_written(summarizer, tmp_path, source) -> None:
    refused = [
        (tmp_path / "in.txt", tmp_path / "out.jsonl", "source: .* is not named as JSON lines"),
        (source, tmp_path / "out.json", "target: .* is not named as JSON lines"),
        (tmp_path / "none.jsonl", tmp_path / "out.jsonl", "source: .* cannot be read: No such file"),
        (source, source, "is the source itself"),
        (source, source / "out.jsonl", r"cannot be written: \[Errno \d+\] Not a directory: '[^']*'$"),
    ]
    for one, other, message in refused:
        with pytest.raises(bertsum.BertsumError, match=message):
            summarize_file(summarizer, one, other)
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(gzip.compress(source.read_bytes())[:-40])
    with pytest.raises(bertsum.BertsumError, match=r"cut\.jsonl\.gz after line \d+: cannot be read"):
        summarize_file(summarizer, cut, tmp_path / "out.jsonl", buffer=4)
    assert not (tmp_path / "out.jsonl").exists()


def test_a_signal_says_how_to_go_on(summarizer, tmp_path, capfd) -> None:
    source = write_jsonl(tmp_path / "in.jsonl", RECORDS * 50)
    target = tmp_path / "out.jsonl"
    process = begin(lambda: run(lambda: summarize_file(summarizer, source, target, buffer=4)))
    progress = tmp_path / ".out.jsonl.unfinished" / "progress.json"
    while not progress.exists():
        assert process.is_alive()
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGTERM)
    process.join()
    assert process.exitcode == 143
    saved = json.loads(progress.read_text())["state"]["documents"]
    assert f"stopped by SIGTERM after {saved} documents; the same command goes on" in capfd.readouterr().err
    assert not target.exists()
