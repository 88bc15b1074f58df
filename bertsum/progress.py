"""Progress of a long job: a bar on a terminal; in a file or a pipe, a line every half minute."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from types import TracebackType

from tqdm import tqdm

from bertsum.text import one_line

SECONDS = 30.0  # from one line to the next
_MEGABYTE = 1_000_000


class Progress:
    """Counts finished work in a ``with`` block, and shows it on standard error.

    Without a terminal, the first line comes after half a minute, so that a short job prints none.

    Attributes:
        count: Amount of work done.
    """

    def __init__(
        self,
        description: str,
        total: int | None = None,
        unit: str = "documents",
        *,
        count: int = 0,
        shown: bool = True,
        bar: bool = True,
        seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begins to count.

        Args:
            description: Name of the job, such as ``train cnndm``.
            total: Amount of work in all, if known.
            unit: What is counted; ``bytes`` are shown as megabytes.
            count: Amount that an earlier job has already done.
            shown: False if another process shows the progress.
            bar: False if a larger job already shows a bar.
            seconds: Seconds from one line to the next; by default ``SECONDS``.
            clock: Returns the time in seconds.
        """
        self.count = self._first = count
        self._description, self._total, self._unit = one_line(description), total, unit
        self._seconds, self._clock = SECONDS if seconds is None else seconds, clock
        self._note = ""
        self._begin = self._last = clock()
        self._written: int | None = None  # the count of the last line
        terminal = sys.stderr is not None and sys.stderr.isatty()
        self._bar = self._make_bar() if shown and bar and terminal else None
        self._lines = shown and not terminal

    def _make_bar(self) -> tqdm:
        unit, scaled = ("B", True) if self._unit == "bytes" else (f" {self._unit}", False)
        return tqdm(desc=self._description, total=self._total, initial=self.count, unit=unit, unit_scale=scaled)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        if self._written not in (None, self.count):  # a last line shows the final count
            self._write()

    def update(self, count: int = 1) -> None:
        """Adds the work done since the last call."""
        self.count += count
        if self._bar is not None:
            self._bar.update(count)
        elif self._lines and self._clock() - self._last >= self._seconds:
            self._write()

    def note(self, text: str) -> None:
        """Sets a text to show with the progress, such as the loss."""
        self._note = text
        if self._bar is not None:
            self._bar.set_postfix_str(text)

    def _write(self) -> None:
        self._last, self._written = self._clock(), self.count
        with contextlib.suppress(OSError, ValueError):  # nobody reads it any more, but the job goes on
            print(self._line(), file=sys.stderr, flush=True)

    def _line(self) -> str:
        elapsed = self._last - self._begin
        parts = [self._amount(), f"{tqdm.format_interval(elapsed)} elapsed"]
        done = self.count - self._first
        if self._total is not None and done and self.count < self._total:
            parts.append(f"{tqdm.format_interval(elapsed / done * (self._total - self.count))} left")
        return f"{self._description}: {', '.join([*parts, *filter(None, [self._note])])}"

    def _amount(self) -> str:
        if self._unit == "bytes":
            count, unit = f"{self.count / _MEGABYTE:,.1f}", "MB"
            total = None if self._total is None else f"{self._total / _MEGABYTE:,.1f}"
        else:
            count, unit = f"{self.count:,}", self._unit
            total = None if self._total is None else f"{self._total:,}"
        return f"{count} {unit}" if total is None else f"{count} of {total} {unit}"
