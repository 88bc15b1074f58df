"""A training is killed at random moments and started again with the same command, until it ends by itself.

The short form runs with every other test; ``BERTSUM_KILLS=50 pytest -s tests/test_kill.py`` is the long one.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from conftest import ROOT, sentences_of, write_jsonl

from bertsum.models.bertsum import BertSum
from bertsum.models.saved import read_tensors
from bertsum.training.checkpoint import load_state

KILLS = int(os.environ.get("BERTSUM_KILLS", "6"))
STEPS = max(24, KILLS)


def start(config: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "scripts" / "train.py"), "--config", str(config)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(config: Path) -> float:
    """Runs to the end; returns the seconds that it took."""
    begin = time.monotonic()
    process = start(config)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output[-3000:]
    return time.monotonic() - begin


def comparable(run_dir: Path) -> list[dict]:
    """metrics.jsonl without what depends on the clock."""
    records = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in record.items() if "second" not in name} for record in records]


def assert_whole(run_dir: Path) -> None:
    """Whatever has the name of a checkpoint is one."""
    for folder in (run_dir / "checkpoints").glob("step_*"):
        BertSum.from_pretrained(folder)
        load_state(folder)
    if (run_dir / "best").is_symlink():
        assert (run_dir / "best" / "model.safetensors").is_file()


def kill_when(process: subprocess.Popen[str], moment: str, config, seconds: float) -> str:
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


def test_killed_and_started_again(config_of, tmp_path) -> None:
    draw = random.Random(0)
    documents = [sentences_of(random.Random(number), 12) for number in range(600)]
    records = [{"id": n, "document": d, "summary": d[n % 12][:40]} for n, d in enumerate(documents)]
    path = write_jsonl(tmp_path / "train.jsonl", records)
    options = (
        f"data.train={path}", "data.workers=2", f"train.max_steps={STEPS}", "train.save_every=2",
        "train.validate_every=5", "train.validate_rouge=true", "train.metric=rouge_mean", "train.keep_best=2",
        "train.max_tokens_per_batch=512", "model.hidden_dropout=0.1", "train.log_every=3",
    )  # fmt: skip
    whole = config_of(*options, "name=whole", f"data.prepared_dir={tmp_path / 'whole'}")
    whole.save(tmp_path / "whole.yaml")
    seconds = finish(tmp_path / "whole.yaml")
    killed = config_of(*options, "name=killed", f"data.prepared_dir={tmp_path / 'killed'}")
    killed.save(tmp_path / "killed.yaml")
    done: Counter[str] = Counter()
    moments = ["preparation", "checkpoint", "any"]
    for number in range(KILLS):
        process = start(tmp_path / "killed.yaml")
        # The first kills come before there is a checkpoint; each start gets a little further than the one before.
        done[kill_when(process, moments[number % 3], killed, draw.uniform(1.0, seconds))] += 1
        assert process.stdout is not None
        output = process.stdout.read()
        assert "error:" not in output, output
        assert "Traceback" not in output, output
        assert_whole(killed.run_dir)
        if process.returncode == 0:  # too quick for the rest of the kills
            shutil.rmtree(killed.run_dir)
            shutil.rmtree(killed.data.prepared_dir)
    finish(tmp_path / "killed.yaml")
    print(f"\n{sum(done.values())} kills: {dict(done)}")
    last = [run.run_dir / "checkpoints" / f"step_{STEPS:06d}" for run in (whole, killed)]
    for name in ("model.safetensors", "state/tensors.safetensors"):
        one, other = (read_tensors(folder / name) for folder in last)
        assert one.keys() == other.keys()
        assert all(bool((one[key] == other[key]).all()) for key in one)
    assert comparable(whole.run_dir) == comparable(killed.run_dir)
    assert os.readlink(whole.run_dir / "best") == os.readlink(killed.run_dir / "best")
    names = [sorted(p.name for p in (run.run_dir / "checkpoints").iterdir()) for run in (whole, killed)]
    assert names[0] == names[1]
    assert not list((tmp_path / "killed").glob(".*.unfinished"))
