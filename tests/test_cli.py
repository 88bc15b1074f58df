"""The command, run as people run it, on a tiny model."""

from __future__ import annotations

import gc
import gzip
import io
import json
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import fork_server
import pytest
from conftest import ROOT

import bertsum
from bertsum import commands
from bertsum.cli import main

TEXT = "The council met on Monday. It decided to build a bridge. The rain went on. Nobody was surprised."


@pytest.fixture
def command(capsys, monkeypatch) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """Runs the command in this process; gives its exit code and both outputs."""

    def run(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        code = 0
        try:
            main(arguments)
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *capsys.readouterr()

    handler = signal.getsignal(signal.SIGTERM)
    yield run
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture(scope="module")
def model(trained_run) -> str:
    return str(trained_run[1].checkpoint)


def test_a_file(command, model, tmp_path) -> None:
    (tmp_path / "a.txt").write_text("\ufeff" + TEXT, encoding="utf-8")
    arguments = ("summarize", str(tmp_path / "a.txt"), "--model", model)
    code, shown, _ = command(*arguments, "--json", "--max-words", "6", "--order", "score")
    summary = json.loads(shown)
    assert (code, summary["document"][0]) == (0, "The council met on Monday.")
    assert summary["sentences"] == [summary["document"][index] for index in summary["indices"]]
    assert sum(len(sentence.split()) for sentence in summary["sentences"]) <= 6
    code, shown, _ = command(*arguments, "--marked", "--ratio", "0.5", "--no-blocking")
    assert [line[3:] for line in shown.splitlines()] == summary["document"]
    assert shown.count(">> ") == 2


def test_standard_input(command, model) -> None:
    options = ("--model", model, "--sentences", "1", "--language", "en")
    code, shown, _ = command("summarize", *options, stdin=TEXT)
    assert (code, shown.strip() in TEXT, shown.count(".")) == (0, True, 1)
    assert command("summarize", "-", *options, stdin=TEXT)[1] == shown
    assert fork_server.run([str(ROOT / "scripts" / "summarize.py"), *options], TEXT).stdout == shown


def test_what_a_terminal_would_obey_is_made_harmless(command, model) -> None:
    text = "A red \x1b[31m word. Another sentence."
    _, shown, _ = command("summarize", "--model", model, "--sentences", "2", stdin=text)
    assert "\x1b" not in shown
    _, shown, _ = command("summarize", "--model", model, "--json", stdin=text)
    assert "\x1b" not in shown
    assert json.loads(shown)["document"][0] == "A red \x1b[31m word."


def test_line_ends_of_other_systems(command, model) -> None:
    _, shown, _ = command("summarize", "--model", model, stdin="The council met\r\non Monday\x0cat\rnoon.")
    assert shown == "The council met on Monday at noon.\n"


def test_a_terminal_of_another_encoding(model) -> None:
    arguments = [sys.executable, "-m", "bertsum", "summarize", "--model", model]
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(arguments, input="Caf\xe9 東.".encode(), capture_output=True, env=environment)
    assert done.stdout == b"Caf\xe9 ?.\n"


def test_without_standard_input(command, model, monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(bertsum.BertsumError, match="standard input is closed"):
        commands.read_text("-", None)
    assert "is not named as JSON lines" in command("summarize", "--model", model, "--jsonl", "", "--out", "")[2]


def test_what_is_not_read_is_said(command, model) -> None:
    text, cut = "It rained on the town and the harbour. " * 40, ("--long-documents", "truncate")
    code, _, errors = command("summarize", "--model", model, *cut, stdin=text)
    assert (code, errors.startswith("warning: document 0:")) == (0, True)
    assert command("summarize", "--model", model, stdin=text)[::2] == (0, "")


def test_the_program_around_keeps_its_warnings(command, model) -> None:
    before = warnings.showwarning
    command("summarize", "--model", model, stdin="It rained.")
    assert warnings.showwarning is before and gc.isenabled()
    command("summarize", "--model", "nowhere", stdin="It rained.")
    assert warnings.showwarning is before and gc.isenabled()


def test_the_bundled_model_is_the_default(command) -> None:
    try:
        expected = bertsum.Summarizer.from_pretrained()(TEXT, sentences=1).text
    except bertsum.BertsumError as error:
        assert command("summarize", stdin=TEXT) == (2, "", f"error: {error}\n")
    else:
        assert command("summarize", "--sentences", "1", stdin=TEXT)[:2] == (0, expected + "\n")


def test_errors(command, model, tmp_path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xf0\x00")
    for arguments, message in [
        (("nothing.txt",), "error: 'nothing.txt': cannot be read: No such file"),
        ((str(tmp_path / "binary"),), "not UTF-8 text (byte 0: invalid start byte); name its encoding"),
        ((str(tmp_path / "binary"), "--encoding", "klingon"), "encoding: got 'klingon', expected the name"),
        (("--document-field", "body"), "--document-field: names a field of --jsonl, which is not given"),
        (("--model", model), "error: standard input: is empty"),
        (("--model", model, "--sentences", "0"), "error: sentences: got 0"),
        (("--json", "--marked"), "not allowed with"),
        (("--jsonl", "a.jsonl"), "--jsonl needs --out FILE"),
        (("--out", "a.jsonl"), "--out is for many documents"),
        (("a.txt", "b.txt"), "unrecognized arguments: b.txt; expected one file, a folder, or a pattern in quotes"),
        (("a.txt", "--jsonl", "a.jsonl", "--out", "b.jsonl"), "got both: 'a.txt' and 'a.jsonl'"),
    ]:
        code, shown, errors = command("summarize", *arguments)
        assert (code, shown) == (2, ""), arguments
        assert message in errors
    unknown = "error: unrecognized arguments: --zz; bertsum summarize --help lists what there is\n"
    assert command("summarize", "--zz", "3") == (2, "", unknown)
    mistyped = "error: unrecognized arguments: --sentence; did you mean --sentences?\n"
    assert command("summarize", "--sentence", "3") == (2, "", mistyped)
    assert "did you mean" not in command("summarize", "--sentences", "x")[2]
    assert "--config: is missing" in command("train", "--model.config", "3")[2]
    assert command("train", "--confg", "cnndm") == (2, "", "error: --confg: no such option; did you mean --config?\n")


def test_a_file_of_documents(command, model, tmp_path) -> None:
    (tmp_path / "in.jsonl").write_text(json.dumps({"id": "a", "document": TEXT}) + "\n")
    files = ("--jsonl", str(tmp_path / "in.jsonl"), "--out", str(tmp_path / "out.jsonl"))
    code, shown, errors = command("summarize", *files, "--model", model, "--sentences", "1")
    assert code == 0, errors
    assert str(tmp_path / "out.jsonl") in shown
    assert json.loads((tmp_path / "out.jsonl").read_text())["summary"] in TEXT


def test_rows_with_queries_are_answered_where_they_are_printed(command, tmp_path) -> None:
    text = "The bridge was closed on Monday for repairs. It reopens in May. The mayor said it costs three million."
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps({"id": "a", "document": text, "query": "What does it cost?"}) + "\n")
    printed = command("summarize", str(source))[1]
    assert printed == "== a ==\nThe mayor said it costs three million.\n"
    assert command("summarize", str(source), "--query-field", "query")[1] == printed
    assert command("summarize", str(tmp_path / "*.jsonl"))[1] == printed
    assert command("summarize", str(tmp_path / "*.jsonl"), "--query-field", "query")[1] == printed
    (tmp_path / "note.txt").write_text(text)
    code, _, errors = command("summarize", str(tmp_path), "--query-field", "query")
    assert (code, "expected a table, JSON lines, or a pattern such as" in errors) == (2, True)
    for option, meaning in (("--query-field", "query"), ("--id-field", "id")):
        code, _, errors = command("summarize", str(source), option, "nope")
        assert (code, f"no field for the {meaning}: expected 'nope'" in errors) == (1, True)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no file without an end")
def test_a_file_without_an_end(command) -> None:
    code, _, errors = command("summarize", "/dev/zero")
    assert (code, errors) == (2, "error: '/dev/zero': larger than 1 GiB, expected a text\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
def test_a_full_disk_is_no_traceback(tmp_path) -> None:
    (tmp_path / "text").write_text("It rained.\n")
    files = ["--candidates", str(tmp_path / "text"), "--references", str(tmp_path / "text")]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bertsum", "rouge", *files],
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            check=False,
        )
    assert (done.returncode, done.stderr) == (2, b"error: the output cannot be written: No space left on device\n")


def test_fields_and_encodings(command, model, tmp_path) -> None:
    lines = "".join(
        json.dumps({"key": "a", "body": text}, ensure_ascii=False) + "\n" for text in ("Ein Café.", "So\u2028so.")
    )
    big_endian = "\ufeff".encode("utf-16-be") + lines.encode("utf-16-be")
    encoded = {"utf16": lines.encode("utf-16"), "utf16be": big_endian, "utf8": lines.encode("utf-8-sig")}
    for name, data in {**encoded, "gz": gzip.compress(lines.encode("utf-16"))}.items():
        source = tmp_path / (f"{name}.jsonl.gz" if name == "gz" else f"{name}.jsonl")
        source.write_bytes(data)
        files = ("--jsonl", str(source), "--out", str(tmp_path / f"out-{name}.jsonl"))
        code, _, errors = command(
            "summarize", *files, "--model", model, "--document-field", "body", "--id-field", "key", "--language", "en"
        )
        assert code == 0, errors
        written = (tmp_path / f"out-{name}.jsonl").read_text(encoding="utf-8").split("\n")
        assert [json.loads(line)["id"] for line in written[:2]] == ["a", "a"]
        assert json.loads(written[0])["summary"] == "Ein Café."
    (tmp_path / "text").write_bytes("Ein Café.".encode("cp1252"))
    assert command("summarize", str(tmp_path / "text"), "--model", model)[0] == 2
    assert command("summarize", str(tmp_path / "text"), "--model", model, "--encoding", "cp1252")[1] == "Ein Café.\n"
    (tmp_path / "text").write_bytes("It rained.".encode("utf-16-le"))  # without the mark that tells it
    code, _, problem = command("summarize", str(tmp_path / "text"), "--model", model)
    assert code == 2 and "no text, or not in UTF-8: 10 of 20 characters are control characters" in problem
    (tmp_path / "text").write_bytes("Ein Café.".encode("utf-16"))
    assert command("summarize", str(tmp_path / "text"), "--model", model)[1] == "Ein Café.\n"


def test_a_file_in_which_every_document_fails(command, model, tmp_path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"body": "It rained."}\n{"body": "It snowed."}\n')
    files = ("--jsonl", str(source), "--out", str(target), "--model", model)
    code, shown, errors = command("summarize", *files)
    assert (code, shown) == (1, "")
    assert "none of 2 documents could be summarised" in errors and "fields: body" in errors
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]
    assert command("summarize", *files, "--document-field", "body")[0] == 0


def test_help_and_version(command) -> None:
    assert command() == command("--help")
    for arguments in ((), ("summarize",), ("demo",), ("push",), ("plot",), ("export",)):
        code, shown, _ = command(*arguments, "--help")
        assert (code, shown.startswith("usage: bertsum"), len(shown.splitlines()) < 60) == (0, True, True)
    assert command("--version") == (0, f"bertsum {bertsum.__version__}\n", "")


def test_help_loads_nothing_heavy() -> None:
    heavy = ("torch", "transformers", "datasets", "pyarrow", "numpy", "gradio", "pydantic")
    code = f"import bertsum.cli, sys; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
    module = subprocess.run([sys.executable, "-m", "bertsum", "--help"], capture_output=True, text=True)
    assert (module.returncode, "demo" in module.stdout) == (0, True)
