"""A training is killed at random moments and started again with the same command, until it ends by itself.

The short form runs with every other test; ``BERTSUM_KILLS=50 pytest -n 0 -s tests/test_kill.py`` is the long one.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from conftest import comparable_metrics, finish, run_train, sentences_of, slow_writing, write_jsonl
from fork_server import Process

import bertsum
from bertsum.encoders.tensors import read_tensors
from bertsum.models.base import Model
from bertsum.training.state import load_state

KILLS = int(os.environ.get("BERTSUM_KILLS", "3"))
STEPS = max(16, KILLS)


def assert_whole(run_dir: Path) -> None:
    """Whatever has the name of a checkpoint is one."""
    for folder in (run_dir / "checkpoints").glob("step_*"):
        Model.from_pretrained(folder)
        load_state(folder)
    if (run_dir / "best").is_symlink():
        assert (run_dir / "best" / "model.safetensors").is_file()


def kill_when(process: Process, moment: str, config, seconds: float) -> str:
    """Kills it after some seconds, or earlier in the middle of a checkpoint or a preparation; returns what it did."""
    patterns = {"checkpoint": (config.run_dir / "checkpoints", ".step_*"),
                "preparation": (Path(config.data.prepared_dir), ".train-*.unfinished/data.arrow")}  # fmt: skip
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        if moment in patterns:
            folder, pattern = patterns[moment]
            if any(folder.glob(pattern)):
                break
        time.sleep(0.001)
    if process.poll() is not None:
        return "ended before"
    process.send_signal(signal.SIGKILL)
    process.wait()
    found = [name for name, (folder, pattern) in patterns.items() if any(folder.glob(pattern))]
    return found[0] if found else "elsewhere"


@pytest.mark.long
@slow_writing
def test_killed_and_started_again(config_of, tmp_path) -> None:
    draw = random.Random(0)
    documents = [sentences_of(random.Random(number), 12) for number in range(400)]
    records = [{"id": n, "document": d, "summary": d[n % 12][:40]} for n, d in enumerate(documents)]
    path = write_jsonl(tmp_path / "train.jsonl", records)
    options = (
        f"data.train={path}", "data.workers=2", f"train.max_steps={STEPS}", "train.save_every=2",
        "train.validate_every=5", "train.validate_rouge=true", "train.metric=rouge_mean", "train.keep_best=2",
        "train.max_tokens_per_batch=512", "model.hidden_dropout=0.1", "train.log_every=3",
    )  # fmt: skip
    whole = config_of(*options, "name=whole", f"data.prepared_dir={tmp_path / 'whole'}")
    begin = time.monotonic()
    bertsum.train(whole)  # in a process whose sets have another order
    seconds = time.monotonic() - begin
    killed = config_of(*options, "name=killed", f"data.prepared_dir={tmp_path / 'killed'}")
    killed.save(tmp_path / "killed.yaml")
    done: Counter[str] = Counter()
    moments = ["preparation", "checkpoint", "any"]
    number = 0
    while done.total() - done["ended before"] < KILLS:
        moment = moments[number % 3]
        number += 1
        if moment == "preparation":
            shutil.rmtree(killed.data.prepared_dir, ignore_errors=True)
        process = run_train(tmp_path / "killed.yaml")
        done[kill_when(process, moment, killed, draw.uniform(1.0, seconds))] += 1
        assert process.stdout is not None
        output = process.stdout.read()
        assert "error:" not in output, output
        assert "Traceback" not in output, output
        assert_whole(killed.run_dir)
        if process.returncode == 0:  # too quick for the rest of the kills
            shutil.rmtree(killed.run_dir)
    finish(run_train(tmp_path / "killed.yaml"))
    print(f"\n{number} starts, killed in the middle of a {dict(done)}; all survived")
    last = [run.run_dir / "checkpoints" / f"step_{STEPS:06d}" for run in (whole, killed)]
    for name in ("model.safetensors", "state/tensors.safetensors"):
        one, other = (read_tensors(folder / name) for folder in last)
        assert one.keys() == other.keys()
        assert all(bool((one[key] == other[key]).all()) for key in one)
    assert comparable_metrics(whole.run_dir) == comparable_metrics(killed.run_dir)
    assert (whole.run_dir / "best").readlink() == (killed.run_dir / "best").readlink()
    names = [sorted(p.name for p in (run.run_dir / "checkpoints").iterdir()) for run in (whole, killed)]
    assert names[0] == names[1]
    assert not list((tmp_path / "killed").glob(".*.unfinished"))
