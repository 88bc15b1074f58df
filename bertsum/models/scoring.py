"""Many documents to scores: batch after batch, on a CPU several at a time."""

from __future__ import annotations

import platform
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bertsum.allocation import keep_few_kernels
from bertsum.data.batching import Batch, length_batches
from bertsum.errors import BertsumError

if TYPE_CHECKING:
    from bertsum.models.bertsum import BertSum

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


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

    if device.type == "cpu":
        keep_few_kernels()
    precision = settle_precision(precision, device)
    layers = model.packed_layers(PRECISIONS[precision])

    @torch.inference_mode()
    def score(chosen: np.ndarray, batch: Batch) -> torch.Tensor:
        where = f"scoring documents {chosen[:20].tolist()}" if len(rows) > 1 else ""
        explained = explained_memory(lambda: where, batch.attention_mask.sum(dim=1).numpy(), budget)
        with explained, autocast(device, precision):
            return model(**batch.to(device).inputs(), layers=layers).float().cpu()

    collated = ((chosen, model.collate([rows[int(index)] for index in chosen])) for chosen in passes)
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
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
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
            torch.set_num_threads(threads)  # the pool's threads have set the number of those to come


def _result(scored: tuple[np.ndarray, Batch, Future[torch.Tensor]]) -> tuple[np.ndarray, Batch, torch.Tensor]:
    chosen, batch, logits = scored
    return chosen, batch, logits.result()


@contextmanager
def explained_memory(where: Callable[[], str], lengths: np.ndarray, advice: str) -> Iterator[None]:
    """Says what a batch was made of when memory does not suffice for it.

    Args:
        where: Tells what it was; nothing where that is plain.
        lengths: Tokens of each of its documents.
        advice: What to lower.

    Raises:
        BertsumError: in place of the error that the device or the system raised.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        text = str(error).lower()
        if not isinstance(error, MemoryError) and "out of memory" not in text and "can't allocate memory" not in text:
            raise
        count, longest = len(lengths), int(max(lengths))
        size = f"{count} documents x {longest} tokens = {count * longest} tokens"
        prefix = f"{told}: " if (told := where()) else ""
        raise BertsumError(f"{prefix}out of memory for {size}; lower {advice}") from error


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The context of mixed-precision arithmetic; of none for fp32."""
    return torch.autocast(device.type, dtype=PRECISIONS[precision], enabled=precision != "fp32")


def settle_precision(precision: str, device: torch.device) -> str:
    """What ``auto`` is on a device: bf16 where it has instructions for it, else fp32, since without them bf16 is
    several times slower; every other precision is itself.
    """
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if device.type == "cpu" and _processor_has_bf16() else "fp32"


def _processor_has_bf16() -> bool:
    """Whether matrix products in bf16 have instructions of their own; torch also emulates them."""
    if platform.machine().lower() in ("aarch64", "arm64"):
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
