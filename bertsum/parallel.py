"""Applies a function to many items, in several processes, in order and in bounded memory."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from itertools import chain, islice
from multiprocessing.connection import wait
from typing import Any, TypeVar

from bertsum.errors import BertsumError

Item = TypeVar("Item")
Result = TypeVar("Result")

# With fewer items, this process does the work itself, because starting others would take longer.
_WORTHWHILE = 4
_IN_FLIGHT = 1 << 28  # bytes of the items that are handed out and not yet returned


class WorkerError(BertsumError):
    """A worker process was ended from outside, not by an error in its work."""


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def chunks(items: Iterable[Item], most: int, size: Callable[[Item], int], most_bytes: int) -> Iterator[list[Item]]:
    """Groups items into chunks, in order; a chunk is given out as soon as it is full.

    Args:
        items: The items; read only to the end of the current chunk.
        most: A chunk is full with this many items.
        size: Returns the size of an item in bytes.
        most_bytes: A chunk is also full once its items have this many bytes together.
    """
    chunk: list[Item] = []
    taken = 0
    for item in items:
        chunk.append(item)
        taken += size(item)
        if len(chunk) == most or taken >= most_bytes:
            yield chunk
            chunk, taken = [], 0
    if chunk:
        yield chunk


def map_in_order(
    function: Callable[[Item], Result],
    items: Iterator[Item],
    workers: int | None = None,
    size: Callable[[Item], int] = lambda _: 0,
) -> Iterator[Result]:
    """Applies the function to each item, with a bounded number of them in flight.

    Args:
        function: The function; sent to each process once, so it may hold large objects.
        items: The items; they are read only as fast as results are taken.
        workers: Number of processes; None uses every core.
        size: Returns the approximate bytes of an item, so that large items wait.

    Raises:
        WorkerError: if a process was killed.
    """
    workers = workers or available_cores()
    first = list(islice(items, _WORTHWHILE))
    if workers == 1 or len(first) < _WORTHWHILE:
        yield from map(function, chain(first, items))
        return
    method = _start_method()
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(workers, context, initializer=_start_process, initargs=(function,)) as pool:
        pending: deque[Future[Result]] = deque()
        sizes: deque[int] = deque()
        try:
            for item in chain(first, items):
                pending.append(pool.submit(_apply, item))
                sizes.append(size(item))
                while len(pending) > 4 * workers or (sum(sizes) > _IN_FLIGHT and pending):
                    sizes.popleft()
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        except BrokenProcessPool as error:
            if sys.version_info < (3, 11, 5):
                _stop_writing(pool)
            raise WorkerError(
                f"one of {workers} worker processes was killed, perhaps because memory was full; start again, if "
                f"needed with fewer of them (data.workers){_UNGUARDED if method == 'spawn' else ''}"
            ) from error
        finally:
            for future in pending:
                future.cancel()


def _stop_writing(pool: ProcessPoolExecutor) -> None:
    """Closes the pipe to killed workers, as Python does from 3.11.5 on.

    Older versions wait forever for their thread that writes into this pipe, if the pipe is full
    (github.com/python/cpython/issues/94777).
    """
    reader = getattr(getattr(pool, "_call_queue", None), "_reader", None)
    if reader is not None:
        with suppress(OSError):  # the pool's own thread may close it at the same moment
            reader.close()


# Each spawned process imports the main module first.
_UNGUARDED = "; a script of your own must call bertsum below `if __name__ == '__main__':`, or with data.workers 1"


def _start_method() -> str:
    """How worker processes start: fork is quick and needs no importable main module.

    But fork is not safe on macOS, where system libraries may crash in a forked process. Windows has no fork.
    """
    has_fork = "fork" in multiprocessing.get_all_start_methods()
    return "fork" if has_fork and sys.platform != "darwin" else "spawn"


_function: Callable[[Any], Any]


def _start_process(function: Callable[[Any], Any]) -> None:
    global _function
    _function = function
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # these processes already use all cores
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C also reaches the parent, which ends this process
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Ends this worker when its parent ends; otherwise it would wait forever and hold inherited locks."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _apply(item: Any) -> Any:
    return _function(item)
