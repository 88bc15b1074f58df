"""The page on masked-language-model training runs with a tiny encoder, and so does the benchmark that it names."""

from __future__ import annotations

import math
import re
import sys

import pytest
from conftest import ROOT, write_jsonl

from bertsum.runs import Run

PAGE = (ROOT / "docs" / "pretraining.md").read_text(encoding="utf-8")


def test_every_block_runs(tmp_path, encoder_folder, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    page = PAGE.replace("model.encoder=minilm", f"model.encoder={encoder_folder}")
    page = page.replace('"name=on-adapted"', '"name=on-adapted", "model.head_heads=4"')
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 6
    names: dict = {"__name__": "__main__"}
    for block in blocks:
        exec(compile(block, "docs/pretraining.md", "exec"), names)
    printed = capsys.readouterr().out
    assert printed.count("| to guess:") == 2 and "[MASK]" in printed
    assert "PERPLEXITY" in printed and "ROUGE1" in printed
    assert math.isfinite(names["loss"]) and (tmp_path / "encoder" / "model.safetensors").is_file()


def test_the_benchmark(tmp_path, encoder_folder, monkeypatch, capsys) -> None:
    """Two seeds of each side; the second time nothing is trained anew."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import adapt

    records = [{"id": n, "document": [f"It rained on day {n}.", "We left."], "summary": ["rain"]} for n in range(6)]
    file = str(write_jsonl(tmp_path / "documents.jsonl", records))
    common = [
        f"data.prepared_dir={tmp_path / 'prepared'}", "data.workers=1", "tracking.trackers=[]",
        "rouge.bootstrap_samples=10", "encoding.max_length=64", "train.epochs=1",
    ]  # fmt: skip
    head = ["model.head_heads=4", "model.head_feedforward=32", "train.validate_rouge=false", "train.metric=loss"]
    arguments = [
        "--plain", file, file, "--held-out", file, "--train", file, "--test", file, "--seeds", "2",
        "--output", str(tmp_path / "runs"),
        "--adapt", f"model.encoder={encoder_folder}", *common, "--tune", *common, *head,
    ]  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["adapt.py", *arguments])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adapt, "keep_freed_memory", lambda: None)
        adapt.main()
        first = capsys.readouterr().out
        adapt.main()
    again = capsys.readouterr().out
    assert first.count("seed ") == 4 and "b - a" in first
    assert re.findall(r"^seed .*|^ROUGE.*", first, re.M) == re.findall(r"^seed .*|^ROUGE.*", again, re.M)
    assert "Prepared" not in again and "Going on from" in again
    encoders = {name: Run(tmp_path / "runs" / name).config().model.encoder for name in ("original-1", "adapted-1")}
    assert encoders["original-1"] == str(encoder_folder) and "/adapt/checkpoints/step_" in encoders["adapted-1"]
