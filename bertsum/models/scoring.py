"""Many documents to scores: batch after batch, on a CPU several at a time."""

from __future__ import annotations

import functools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bertsum.data.batching import Batch, length_batches
from bertsum.device import PRECISIONS, autocast, explained_memory, settle_precision

if TYPE_CHECKING:
    from bertsum.models.extractive import BertSum


_LOCK = threading.Lock()  # held while threads are made


def score_rows(
    model: BertSum,
    rows: Sequence[dict[str, Any]],
    lengths: Sequence[int] | np.ndarray,
    max_tokens_per_batch: int,
    precision: str,
    part: tuple[int, int],
) -> Iterator[tuple[int, torch.Tensor]]:
    """Does what :meth:`BertSum.score` says."""
    device = next(model.parameters()).device
    plan = length_batches(lengths, max_tokens_per_batch)
    number, count = part
    # Each process makes equally many passes; one that has no batch left repeats the first, and keeps it to itself.
    passes = [plan[place if place < len(plan) else 0] for place in range(number, len(plan) + number, count)]
    own = len(plan[number::count])
    budget = f"max_tokens_per_batch (now {max_tokens_per_batch}; of a run, evaluation.max_tokens_per_batch)"

    precision = settle_precision(precision, device)
    layers = model.packed_layers(PRECISIONS[precision])

    @torch.inference_mode()
    def score(chosen: np.ndarray, batch: Batch) -> torch.Tensor:
        where = f"scoring documents {chosen[:20].tolist()}" if len(rows) > 1 else ""
        explained = explained_memory(lambda: where, batch.attention_mask.sum(dim=1).numpy(), budget)
        with explained, autocast(device, precision):
            return model(**batch.to(device).inputs(), layers=layers).float().cpu()

    collated = ((chosen, model.collate([rows[int(index)] for index in chosen])) for chosen in passes)
    with _LOCK:  # whoever asks while the pool below is made would be told 1, for life
        threads = torch.get_num_threads()
    if layers is not None and device.type == "cpu" and 1 < threads <= len(passes) // 2:
        results = _in_threads(score, collated, threads)
    else:
        results = ((chosen, batch, score(chosen, batch)) for chosen, batch in collated)
    for place, (chosen, batch, logits) in enumerate(results):
        if place < own:
            for index, scores, sentences in zip(chosen, logits, batch.sentence_mask.sum(dim=1).tolist(), strict=True):
                yield int(index), scores[:sentences]


def _in_threads(
    score: Callable[[np.ndarray, Batch], torch.Tensor], batches: Iterator[tuple[np.ndarray, Batch]], threads: int
) -> Iterator[tuple[np.ndarray, Batch, torch.Tensor]]:
    """Each batch in a thread of its own: a tenth quicker than all threads at each, which wait for each other."""
    pending: deque[tuple[np.ndarray, Batch, Future[torch.Tensor]]] = deque()
    with _LOCK:
        pool = _single_threads(threads, os.getpid())
    try:
        for chosen, batch in batches:
            pending.append((chosen, batch, pool.submit(score, chosen, batch)))
            if len(pending) > threads:
                yield _result(pending.popleft())
        while pending:
            yield _result(pending.popleft())
    finally:
        for *_, logits in pending:
            logits.cancel()


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


def _result(scored: tuple[np.ndarray, Batch, Future[torch.Tensor]]) -> tuple[np.ndarray, Batch, torch.Tensor]:
    chosen, batch, logits = scored
    return chosen, batch, logits.result()
