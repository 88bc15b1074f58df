"""The same on Ray Data: a table at a time, and on two workers of which one is killed.

``python tests/test_ray.py MODEL`` is the part that runs in a process of its own, with a time limit.
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest
from conftest import ROOT, sentences_of

import bertsum
import bertsum.ray

COUNT, EMPTY = 900, range(0, 900, 100)
LIMIT = 420  # seconds; it needs about 40 of CPU


def documents() -> list[dict[str, Any]]:
    """Texts, split or not, of which some are empty."""
    made = [sentences_of(random.Random(number), 3 + number % 6) for number in range(COUNT)]
    return [{"id": n, "text": [] if n in EMPTY else sentences} for n, sentences in enumerate(made)]


@pytest.fixture(scope="module")
def batch(trained_run) -> bertsum.ray.SummarizeBatch:
    return bertsum.ray.SummarizeBatch(trained_run[1].checkpoint, text_column="text", sentences=1)


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
    with pytest.raises(bertsum.BertsumError, match=r"selection\.sentences: got 0"):
        bertsum.ray.SummarizeBatch(trained_run[1].checkpoint, sentences=0)
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "ray.data", raising=False)
    with pytest.raises(bertsum.BertsumError, match=r"ray(\.data)? is not installed: pip install 'bertsum\[ray\]'"):
        bertsum.ray.summarize(None)


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
def test_one_of_two_workers_is_killed(trained_run) -> None:
    import ray

    assert Path(ray.__file__).parent != ROOT / "bertsum"  # bertsum.ray has not taken its name
    checkpoint = trained_run[1].checkpoint
    command = [sys.executable, __file__, str(checkpoint)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}
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
    for row in documents()[1::97]:
        assert row["id"] in EMPTY or summaries[row["id"]] == summarizer([row["text"]], sentences=2)[0].text


def main(model: str) -> None:
    """Summarises on two workers, kills one when the first batch has come, and prints what comes all the same."""
    import ray

    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as folder:
        start_ray(folder)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.wait_for_min_actors_s = LIMIT
        dataset = ray.data.from_items(documents(), override_num_blocks=50)
        summarized = bertsum.ray.summarize(dataset, model, text_column="text", actors=2, batch_size=16, sentences=2)
        rows: list[dict[str, Any]] = []
        found: dict[str, Any] = {}
        for batch in summarized.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
            rows += batch.to_pylist()
            found = found or kill_one(len(rows))
        ray.shutdown()
    print(json.dumps({**found, "rows": rows}))


def start_ray(folder: str) -> None:
    """Ray gives a node 30 seconds to start, which a busy machine may not have."""
    import ray

    for patience in (2, 1, 0):
        try:
            ray.init(
                num_cpus=2,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                object_store_memory=100_000_000,
                _temp_dir=folder,
            )
            return
        except Exception as error:  # a plain one is what it raises
            ray.shutdown()
            if not patience or "timed out during startup" not in str(error):
                raise


def kill_one(done: int) -> dict[str, Any]:
    """Kills a worker that is at a batch, if one is; Ray gives its processes the name of what they are at."""
    names = {process: " ".join(process.cmdline()).strip() for process in psutil.Process().children(recursive=True)}
    workers = {process: name for process, name in names.items() if "SummarizeBatch" in name}
    for process, name in workers.items():
        if name.endswith("submit"):
            os.kill(process.pid, signal.SIGKILL)
            return {"killed at": name, "workers before": len(workers), "documents before": done}
    return {}


if __name__ == "__main__":
    main(sys.argv[1])
