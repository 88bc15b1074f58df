"""Many rows to a model's outputs: batch after batch, on a CPU several at a time."""

from __future__ import annotations

import functools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import torch

from bertsum.data.batching import length_batches
from bertsum.device import autocast, explained_memory, settle_precision
from bertsum.encoders.vectors import Reader

Item = TypeVar("Item")
Result = TypeVar("Result")
Row = dict[str, Any]

_LOCK = threading.Lock()  # held while threads are made


class Scorer(Protocol):
    """What :func:`score_rows` needs of a model."""

    reader: Reader

    def parameters(self) -> Iterator[torch.nn.Parameter]: ...

    def collate(self, rows: Sequence[Row]) -> Any: ...

    def __call__(self, **inputs: Any) -> torch.Tensor: ...


@dataclass(frozen=True)
class Scored:
    """The outputs for one row.

    Attributes:
        place: Its place among all rows.
        row: The row.
        output: What the forward pass gave for it, float32, on the CPU; there may be padding at its end.
    """

    place: int
    row: Row
    output: torch.Tensor


def score_rows(
    model: Scorer,
    rows: Sequence[Row],
    lengths: Sequence[int] | np.ndarray | None,
    max_tokens_per_batch: int,
    precision: str,
    part: tuple[int, int] = (0, 1),
) -> Iterator[Scored]:
    """Outputs of a model for rows, batched by length; the model is in evaluation mode.

    Args:
        model: The model, on any device.
        rows: With what its ``collate`` reads.
        lengths: Tokens of each row, where they are known without reading it.
        max_tokens_per_batch: Budget of a batch, ``count x longest``.
        precision: auto, fp32, bf16 or fp16 arithmetic.
        part: Number of this process and of all processes, of which each takes its share of the batches, in equally many
            passes.

    Raises:
        BertsumError: if memory does not suffice for a batch.
    """
    device = next(model.parameters()).device
    lengths = np.asarray([len(row["input_ids"]) for row in rows] if lengths is None else lengths)
    plan = length_batches(lengths, max_tokens_per_batch)
    number, count = part
    # Each process makes equally many passes; one that has no batch left repeats the first, and keeps it to itself.
    passes = [plan[place if place < len(plan) else 0] for place in range(number, len(plan) + number, count)]
    mine = len(plan[number::count])
    budget = f"max_tokens_per_batch (now {max_tokens_per_batch}; of a run, evaluation.max_tokens_per_batch)"
    precision = settle_precision(precision, device)
    packs = model.reader.packs_on(device)

    @torch.inference_mode()
    def compute(batch: tuple[np.ndarray, list[Row], Any]) -> tuple[np.ndarray, list[Row], torch.Tensor]:
        chosen, some, collated = batch
        where = f"scoring documents {chosen[:20].tolist()}" if len(rows) > 1 else ""
        with explained_memory(lambda: where, lengths[chosen], budget), autocast(device, precision):
            return chosen, some, model(**collated.to(device).inputs()).float().cpu()

    def collated() -> Iterator[tuple[np.ndarray, list[Row], Any]]:
        for chosen in passes:
            some = [rows[int(index)] for index in chosen]
            yield chosen, some, model.collate(some)

    with _LOCK:  # whoever asks while the pool below is made would be told 1, for life
        threads = torch.get_num_threads()
    several = packs and device.type == "cpu" and 1 < threads <= len(passes) // 2
    results = _in_threads(compute, collated(), threads) if several else map(compute, collated())
    for place, (chosen, some, outputs) in enumerate(results):
        if place < mine:
            for index, row, output in zip(chosen, some, outputs, strict=True):
                yield Scored(int(index), row, output)


def _in_threads(function: Callable[[Item], Result], items: Iterator[Item], threads: int) -> Iterator[Result]:
    """Each item in a thread of its own: a tenth quicker than all threads at each, which wait for each other."""
    pending: deque[Future[Result]] = deque()
    with _LOCK:
        pool = _single_threads(threads, os.getpid())
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


@functools.lru_cache(maxsize=1)
def _single_threads(threads: int, _process: int) -> ThreadPoolExecutor:
    """Threads that compute on one core each, for the life of the process; a forked process has none of its parent's.

    torch keeps a number of threads for each thread, and one for threads to come. The latter is put back at once.
    """
    before = torch.get_num_threads()
    started = threading.Barrier(threads + 1)

    def start() -> None:
        torch.get_num_threads()  # torch sets up a thread at its first question, and would undo the next line later
        torch.set_num_threads(1)
        started.wait()

    pool = ThreadPoolExecutor(threads, "bertsum scoring")
    for _ in range(threads):
        pool.submit(start)
    started.wait()
    torch.set_num_threads(before)
    return pool
