"""The commands with a model that writes: summarize, generate, convert, export."""

from __future__ import annotations

import io
import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import golden_abs
import pytest
from conftest import needs_shared
from fork_server import run as run_forked
from transformers import BertConfig

import bertsum
from bertsum.cli import main
from bertsum.compression.onnx import export_onnx
from bertsum.inference.lines import generate_lines
from bertsum.models.contract import Prediction

TEXT = "The council met on Monday. It decided to build a bridge. The rain went on. Nobody was surprised."
LINES = ["A bridge is built.", "", "The rain went on.\u2028Nobody came.", " ", "The council met."]


@pytest.fixture
def command(capsys, monkeypatch) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """Runs the command in this process; gives its exit code and both outputs."""

    def run(*arguments: str, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = 0
        try:
            main(list(map(str, arguments)))
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *capsys.readouterr()

    handler = signal.getsignal(signal.SIGTERM)
    yield run
    signal.signal(signal.SIGTERM, handler)


def test_summarize_prints_what_is_written(command, writer_folder) -> None:
    expected = bertsum.Summarizer.from_pretrained(writer_folder)(TEXT, beam_size=2, min_length=3, max_length=9)
    arguments = ("summarize", "--model", writer_folder, "--beam-size", "2", "--min-length", "3", "--max-length", "9")
    assert command(*arguments, stdin=TEXT.encode()) == (0, expected.text + "\n", "")
    _, shown, _ = command(*arguments, "--json", stdin=TEXT.encode())
    summary = json.loads(shown)
    assert (summary["leans_on"], summary["unsupported"]) == (expected.leans_on, expected.unsupported)
    assert (summary["indices"], summary["scores"], len(summary["document"])) == ([], [], 4)
    assert command(*arguments, "--marked", stdin=TEXT.encode())[1] == expected.marked() + "\n"
    longer = command(*arguments, "--length-penalty", "3", "--no-blocking", stdin=TEXT.encode())
    assert longer[0] == 0
    code, shown, errors = command(*arguments, "--sentences", "3", stdin=TEXT.encode())
    assert (code, shown) == (2, "") and "sentences: got 3, which is for a model that chooses" in errors


def test_generate_line_by_line(command, translator_folder, tmp_path) -> None:
    source, target = tmp_path / "a.en", tmp_path / "a.de"
    source.write_text("\ufeff" + "\r\n".join(LINES), encoding="utf-8", newline="")
    translator = bertsum.Summarizer.from_pretrained(translator_folder)
    expected = [" ".join(translator(line).sentences) if line.strip() else "" for line in LINES]
    assert expected[0] and expected[4]
    arguments = ("generate", "--model", translator_folder)
    code, shown, errors = command(*arguments, source, "--out", target)
    assert (code, shown, errors) == (0, f"5 lines in {target}\n", "")
    assert target.read_text(encoding="utf-8") == "".join(f"{line}\n" for line in expected)
    assert command(*arguments, source)[:2] == (0, target.read_text(encoding="utf-8"))
    standard = "\n".join(LINES).encode()
    assert (
        command(*arguments, stdin=standard)[1]
        == command(*arguments, "-", stdin=standard)[1]
        == "\n".join([*expected, ""])
    )
    assert command(*arguments, "--encoding", "utf-16", stdin="\n".join(LINES).encode("utf-16"))[1].count("\n") == 5
    assert command(*arguments, stdin=b"") == (0, "", "")
    greedy = command(*arguments, source, "--beam-size", "1", "--max-length", "4")[1].splitlines()
    assert greedy[0] == " ".join(translator(LINES[0], beam_size=1, max_length=4).sentences)


def test_a_line_that_cannot_be_read_stays_empty(command, translator_folder, tmp_path) -> None:
    arguments, target = ("generate", "--model", translator_folder, "--out", tmp_path / "out"), tmp_path / "out"
    (tmp_path / "in").write_bytes(b"\xff\xfe\xfd.\nIt rained.\n\x00\x01\n")
    code, shown, errors = command(*arguments, "--encoding", "utf-8", tmp_path / "in")
    assert (code, "3 lines in" in shown, "2 of them empty because" in shown) == (0, True, True)
    assert "warning: line 1: not UTF-8 text" in errors
    assert "warning: line 3: has no token that the model knows; its line stays empty" in errors
    first, second, third, end = target.read_text().split("\n")
    assert (first, bool(second), third, end) == ("", True, "", "")
    (tmp_path / "in").write_bytes(b"\x00\n\n\x01\n")
    target.write_text("mine")
    code, _, errors = command(*arguments, tmp_path / "in")
    assert (code, "none of 2 lines with text could be read. The first: line 1: has no token" in errors) == (1, True)
    assert target.read_text() == "mine"  # complete or not there
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


def test_what_generate_refuses(command, translator_folder, trained_run, tmp_path) -> None:
    (tmp_path / "in").write_text("It rained.\n")
    for arguments, message in [
        ((tmp_path / "in", "--model", trained_run[1].checkpoint), "which chooses sentences and writes none; expected"),
        ((tmp_path / "nothing", "--model", translator_folder), "nothing': cannot be read: No such file"),
        ((tmp_path / "in", "--model", translator_folder, "--out", tmp_path / "in"), "is the text itself"),
        ((tmp_path / "in", "--model", translator_folder, "--out", tmp_path / "o.gz"), "expected a name without .gz"),
        ((tmp_path / "in", "--model", translator_folder, "--beam-size", "0"), "error: beam_size: got 0"),
        ((tmp_path / "in",), "arguments are required: --model"),
    ]:
        code, shown, errors = command("generate", *arguments)
        assert (code, shown, message in errors) == (2, "", True), errors
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_any_number_of_lines_in_little_memory(translator_folder, monkeypatch) -> None:
    """Lines are read a buffer at a time, also where most are empty; a text of several lines becomes one."""

    def predict(self, rows, options):
        yield from (Prediction(place, ["a\nb", "c\u2028d"], leans_on=[[], []]) for place in range(len(rows)))

    monkeypatch.setattr(bertsum.BertSumAbs, "predict", predict)
    taken = 0

    def lines() -> Iterator[str]:
        nonlocal taken
        for taken in range(10_000):
            yield "" if taken % 7 else "It rained."

    made = generate_lines(bertsum.Summarizer.from_pretrained(translator_folder), lines(), buffer=16)
    assert [next(made), next(made)] == ["a b c d", ""]
    assert taken < 32
    assert sum(1 for _ in made) == 9_998


def test_only_extractive_models_are_exported(command, writer_folder, tmp_path) -> None:
    code, _, errors = command("export", writer_folder, tmp_path / "out")
    assert (code, "got seq2seq, but only extractive models can be exported" in errors) == (2, True)
    with pytest.raises(bertsum.BertsumError, match="only extractive"):
        export_onnx(bertsum.BertSumAbs.from_pretrained(writer_folder), tmp_path / "out")


@needs_shared
def test_convert_an_abstractive_checkpoint_and_evaluate_it(command, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    config: BertConfig = golden_abs.encoder_config("abs")
    config.save_pretrained("encoder")
    golden_abs.tokenizer().save_pretrained("encoder")
    path = golden_abs.checkpoint("abs", tmp_path)
    code, shown, errors = command("convert", path, "runs/abs", "--encoder", "encoder")
    assert code == 0, errors
    assert "Evaluate it: bertsum eval --checkpoint runs/abs/best" in shown
    original = golden_abs.read("abs", tmp_path)
    run = bertsum.Config.load(Path("runs/abs/config.yaml"), training=False)
    assert (run.model.kind, run.generation, run.data.dataset) == (
        "seq2seq",
        original.config.generation,
        "cnn_dailymail",
    )
    data = ["--data.dataset", "null", "--data.dataset_config", "null", "--data.test", "sample/english.validation.jsonl"]
    arguments = ["eval", "--checkpoint", "runs/abs/best", "--split", "test", "--data.limit", "2", "--data.workers", "1"]
    done = run_forked(["-m", "bertsum", *arguments, *data, "--generation.max_length", "20"], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "runs/abs/eval/test/predictions.jsonl").read_text().splitlines()
    assert len(lines) == 2 and all("unsupported" in json.loads(line) for line in lines)
    assert bertsum.Summarizer.from_pretrained("runs/abs/best")("The council met.", max_length=20).is_written
