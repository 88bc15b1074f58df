"""What tests/test_ray.py runs in a process of its own: ``python tests/ray_driver.py MODEL``.

It imports neither torch nor what the other tests share, as a program that only hands out work.
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import sys
import tempfile
from typing import Any

import psutil

import bertsum.inference.ray

COUNT, EMPTY = 450, range(0, 450, 50)
LIMIT = 420  # seconds; it needs about 40 of CPU


def documents() -> list[dict[str, Any]]:
    """Documents that come split, of which some have no sentence."""
    words = ["rain", "harbour", "old", "bridge", "opened", "council", "yesterday"]
    draw = random.Random(0)
    made = [[f"{' '.join(draw.choices(words, k=8))}." for _ in range(3 + number % 6)] for number in range(COUNT)]
    return [{"id": n, "text": [] if n in EMPTY else sentences} for n, sentences in enumerate(made)]


def main(model: str) -> None:
    """Summarises on two workers, kills one when the first batch has come, and prints what comes all the same."""
    import ray

    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as folder:
        start_ray(folder)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.wait_for_min_actors_s = LIMIT
        dataset = ray.data.from_items(documents(), override_num_blocks=25)
        summarized = bertsum.inference.ray.summarize(
            dataset, model, text_column="text", actors=2, batch_size=16, sentences=2
        )
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
