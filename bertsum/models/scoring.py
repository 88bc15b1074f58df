"""Runs a model on many rows, batch after batch; on a CPU several batches at a time."""

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
        place: The row's place among all rows.
        row: The row.
        output: The model's output for the row. From a forward pass it is float32, on the CPU, and may end in padding.
    """

    place: int
    row: Row
    output: Any


def score_rows(
    model: Scorer,
    rows: Sequence[Row],
    lengths: Sequence[int] | np.ndarray | None,
    max_tokens_per_batch: int,
    precision: str,
    part: tuple[int, int] = (0, 1),
    read: Callable[[Any], Sequence[Any]] | None = None,
) -> Iterator[Scored]:
    """Outputs of a model for rows, batched by length; the model must be in evaluation mode.

    Args:
        model: The model, on any device.
        rows: Rows for the model's ``collate``.
        lengths: Tokens of each row, if known without reading it.
        max_tokens_per_batch: Budget of a batch, ``count x longest``.
        precision: auto, fp32, bf16 or fp16 arithmetic.
        part: Index of this process and number of processes. Each takes its share of the batches, in equally many
            passes.
        read: A function that makes an output for each row of a batch on the model's device; by default the forward
            pass.

    Raises:
        BertsumError: if memory does not suffice for a batch.
    """
    device = next(model.parameters()).device
    lengths = np.asarray([len(row["input_ids"]) for row in rows] if lengths is None else lengths)
    passes, mine = _share(length_batches(lengths, max_tokens_per_batch), part)
    precision = settle_precision(precision, device)
    packs = model.reader.packs_on(device)

    def forward(batch: Any) -> Any:
        return model(**batch.inputs()).float().cpu()

    outputs = forward if read is None else read

    @torch.inference_mode()
    def compute(batch: tuple[np.ndarray, list[Row], Any]) -> tuple[np.ndarray, list[Row], Sequence[Any]]:
        chosen, some, collated = batch
        where = f"scoring documents {chosen[:20].tolist()}" if len(rows) > 1 else ""
        with (
            explained_memory(lambda: where, lengths[chosen], advice(max_tokens_per_batch)),
            autocast(device, precision),
        ):
            return chosen, some, outputs(collated.to(device))

    def collated() -> Iterator[tuple[np.ndarray, list[Row], Any]]:
        for chosen in passes:
            some = [rows[int(index)] for index in chosen]
            yield chosen, some, model.collate(some)

    with _LOCK:  # a thread that asks torch while the pool below is made would get 1 thread, for good
        threads = torch.get_num_threads()
    several = packs and device.type == "cpu" and 1 < threads <= len(passes) // 2
    results = in_threads(compute, collated(), threads) if several else map(compute, collated())
    for place, (chosen, some, made) in enumerate(results):
        if place < mine:
            for index, row, output in zip(chosen, some, made, strict=True):
                yield Scored(int(index), row, output)


def _share(plan: list[np.ndarray], part: tuple[int, int]) -> tuple[list[np.ndarray], int]:
    """The batches that a process computes, and how many of them count.

    All processes compute equally many batches. One that has no batch left repeats the first one and drops the result.
    """
    number, count = part
    passes = [plan[place if place < len(plan) else 0] for place in range(number, len(plan) + number, count)]
    return passes, len(plan[number::count])


def in_threads(function: Callable[[Item], Result], items: Iterator[Item], threads: int) -> Iterator[Result]:
    """Computes each item in one thread: a tenth quicker than all threads on one item, which wait for each other.

    Args:
        function: What to compute.
        items: The items; they are taken as threads become free.
        threads: How many; always as many in a process.
    """
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
    """Threads that compute on one core each, kept while the process lives; a forked process starts new ones.

    torch keeps a thread count for each thread and one for new threads. The one for new threads is put back at once.
    """
    before = torch.get_num_threads()
    started = threading.Barrier(threads + 1)

    def start() -> None:
        torch.get_num_threads()  # torch sets up a thread at the first call, and would later undo the next line
        torch.set_num_threads(1)
        started.wait()

    pool = ThreadPoolExecutor(threads, "bertsum scoring")
    for _ in range(threads):
        pool.submit(start)
    started.wait()
    torch.set_num_threads(before)
    return pool


def advice(max_tokens_per_batch: int) -> str:
    """What to lower if memory does not suffice for a batch.

    Args:
        max_tokens_per_batch: Its value.
    """
    return f"max_tokens_per_batch (now {max_tokens_per_batch}; of a run, evaluation.max_tokens_per_batch)"


def in_groups(
    read: Iterator[tuple[Scored, torch.Tensor]], most_tokens: int
) -> Iterator[list[tuple[Scored, torch.Tensor]]]:
    """Rows with their outputs, some at a time.

    Args:
        read: The rows, with their ``input_ids``.
        most_tokens: A group ends where it has so many tokens.
    """
    some, tokens = [], 0
    for scored, output in read:
        some.append((scored, output))
        tokens += len(scored.row["input_ids"])
        if tokens >= most_tokens:
            yield some
            some, tokens = [], 0
    if some:
        yield some
