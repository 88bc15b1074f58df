"""The same on Ray Data: a table at a time, and on two workers of which one is killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pytest
from conftest import ROOT
from ray_driver import COUNT, EMPTY, LIMIT, documents

import bertsum
import bertsum.inference.ray

pytestmark = pytest.mark.filterwarnings("ignore:document")


@pytest.fixture(scope="module")
def batch(trained_run) -> bertsum.inference.ray.SummarizeBatch:
    return bertsum.inference.ray.SummarizeBatch(trained_run[1].checkpoint, text_column="text", sentences=1)


def test_a_table(batch) -> None:
    rows = [{"id": 1, "text": "It rained."}, {"id": 2, "text": None}, {"id": 3, "text": " "}]
    first, second, third = batch(pa.Table.from_pylist(rows)).to_pylist()
    assert (first["id"], first["text"]) == (1, "It rained.")
    assert (first["summary"], first["summary_sentences"], first["summary_indices"]) == (
        "It rained.",
        ["It rained."],
        [0],
    )
    assert first["summary_scores"] == batch.summarizer("It rained.").scores
    assert first["summary_error"] is None
    for row, error in ((second, "got NoneType, expected text or a list of sentences"), (third, "is empty")):
        assert row["summary_error"] == error
        assert {row[name] for name in row if name.startswith("summary") and name != "summary_error"} == {None}
    split = batch(pa.table({"text": [["It rained.", "All day."], []]})).to_pylist()
    assert [row["summary_error"] for row in split] == [None, "is empty"]


def test_a_table_without_rows_has_the_same_columns(batch) -> None:
    some = batch(pa.table({"text": ["It rained."]}))
    assert batch(pa.table({"text": pa.array([], pa.string())})).schema == some.schema


def test_what_is_refused(batch, trained_run, monkeypatch) -> None:
    with pytest.raises(bertsum.BertsumError, match="text_column: no 'text', expected one of a, b"):
        batch(pa.table({"a": [1], "b": [2]}))
    with pytest.raises(bertsum.BertsumError, match="summary_column: the dataset has a column 'summary' already"):
        batch(pa.table({"text": ["It rained."], "summary": ["Rain."]}))
    with pytest.raises(bertsum.BertsumError, match=r"^sentences: got 0"):
        bertsum.inference.ray.SummarizeBatch(trained_run[1].checkpoint, sentences=0)
    for refuses in (bertsum.inference.ray.summarize, bertsum.inference.ray.SummarizeBatch):
        with pytest.raises(bertsum.BertsumError, match="query: got several, expected one for all documents"):
            refuses(None, query=["Who?", "Where?"])
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "ray.data", raising=False)
    with pytest.raises(bertsum.BertsumError, match=r"ray(\.data)? is not installed: pip install 'bertsum\[ray\]'"):
        bertsum.inference.ray.summarize(None)


@pytest.mark.long
@pytest.mark.slow  # starts a cluster of eight processes
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
def test_one_of_two_workers_is_killed(trained_run) -> None:
    import ray

    assert Path(ray.__file__).parent != ROOT / "bertsum"  # bertsum.inference.ray has not taken its name
    checkpoint = trained_run[1].checkpoint
    command = [sys.executable, str(ROOT / "tests" / "ray_driver.py"), str(checkpoint)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}
    environment["RAY_worker_niceness"] = "0"  # or its workers wait for whatever else the machine does
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            output, errors = process.communicate(timeout=LIMIT)
        finally:
            process.terminate()  # not kill: it ends Ray's processes
    assert process.returncode == 0, errors[-4000:]
    result = json.loads(output.splitlines()[-1])
    assert result["workers before"] == 2
    assert result["documents before"] < COUNT / 2
    assert "submit" in result["killed at"]  # in the middle of a batch
    assert Counter(row["id"] for row in result["rows"]) == Counter(range(COUNT))
    assert {row["id"] for row in result["rows"] if row["summary_error"] == "is empty"} == set(EMPTY)
    assert {row["id"] for row in result["rows"] if row["summary"] is None} == set(EMPTY)
    summarizer = bertsum.Summarizer.from_pretrained(checkpoint)
    summaries = {row["id"]: row["summary"] for row in result["rows"]}
    for row in documents()[1::47]:
        assert row["id"] in EMPTY or summaries[row["id"]] == summarizer([row["text"]], sentences=2)[0].text
