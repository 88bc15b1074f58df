"""Progress: lines into a file or a pipe, a bar on a terminal, nothing of short jobs and of other processes."""

from __future__ import annotations

import io
import sys

from conftest import write_jsonl

import bertsum
from bertsum import progress
from bertsum.data.prepare import prepare
from bertsum.evaluation.evaluate import evaluate_baselines
from bertsum.progress import Progress


class Clock:
    """Tells what it is set to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Gone(io.StringIO):
    """Nobody reads it any more."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_line_every_half_minute(capsys) -> None:
    clock = Clock()
    with Progress("train\x1b[2J cnndm", 5000, "updates", count=200, clock=clock) as shown:
        shown.note("loss 3.214")
        for _ in range(75):
            clock.now += 1.0
            shown.update(10)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "train\ufffd[2J cnndm: 500 of 5,000 updates, 00:30 elapsed, 07:30 left, loss 3.214",
        "train\ufffd[2J cnndm: 800 of 5,000 updates, 01:00 elapsed, 07:00 left, loss 3.214",
        "train\ufffd[2J cnndm: 950 of 5,000 updates, 01:15 elapsed, 06:45 left, loss 3.214",  # the end
    ]


def test_units_and_unknown_totals(capsys) -> None:
    clock = Clock()
    for total, unit in ((None, "documents"), (5_000_000, "bytes")):
        with Progress("job", total, unit, clock=clock) as shown:
            clock.now += 3600
            shown.update(1_250_000)
    assert capsys.readouterr().err.splitlines() == [
        "job: 1,250,000 documents, 1:00:00 elapsed",
        "job: 1.2 of 5.0 MB, 1:00:00 elapsed, 3:00:00 left",
    ]


def test_short_jobs_and_other_processes_print_nothing(capsys) -> None:
    clock = Clock()
    with Progress("short", 3, clock=clock) as shown:
        clock.now += 29
        shown.update(3)
    with Progress("another process", 3, shown=False, clock=clock) as shown:
        clock.now += 100
        shown.update(3)
    assert capsys.readouterr().err == ""


def test_a_terminal_has_a_bar_and_no_lines(monkeypatch) -> None:
    clock = Clock()
    for bar in (True, False):
        monkeypatch.setattr(sys, "stderr", Terminal())
        with Progress("score test", 10, bar=bar, clock=clock) as shown:
            clock.now += 100
            shown.update(10)
            shown.note("loss 3")
        written = sys.stderr.getvalue()
        assert ("10/10" in written, "score test: 100%" in written, "loss 3" in written) == (bar, bar, bar)
        assert "elapsed" not in written


def test_a_job_outlives_its_reader(monkeypatch) -> None:
    for stream in (Gone(), None):
        monkeypatch.setattr(sys, "stderr", stream)
        with Progress("job", 3, seconds=0.0) as shown:
            shown.update(3)
        assert shown.count == 3


def test_every_long_job_shows_it(config_of, tokenizer, tmp_path, monkeypatch, capfd) -> None:
    monkeypatch.setattr(progress, "SECONDS", 0.0)
    config = config_of("train.max_steps=2", "train.validate_rouge=true")
    result = bertsum.train(config)
    lines = capfd.readouterr().err
    for line in ("prepare train: 12 documents, ", "train tiny: 2 of 2 updates, ", "validate: 12 of 12 documents, ",
                 "score validation: 12 of 12 documents, ", "rouge of validation: 12 of 12 documents, "):  # fmt: skip
        assert f"\n{line}" in f"\n{lines}"
    assert ", loss " in lines
    evaluate_baselines(config, "test")
    assert "read test: 12 documents, " in capfd.readouterr().err
    source = write_jsonl(tmp_path / "a.jsonl", [{"document": "The council met. It rained."}])
    model = bertsum.Summarizer.from_pretrained(result.checkpoint)
    bertsum.summarize_file(model, source, tmp_path / "b.jsonl")
    assert "summarize a.jsonl: 0.0 of 0.0 MB, " in capfd.readouterr().err
    bertsum.summarize_file(model, source, tmp_path / "c.jsonl", progress=False)
    assert capfd.readouterr().err == ""
    assert len(prepare(config, "test", tokenizer)) == 12
