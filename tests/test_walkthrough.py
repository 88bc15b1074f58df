"""The walk through, cell by cell, with a tiny encoder."""

from __future__ import annotations

import re
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
