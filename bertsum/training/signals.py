"""SIGTERM and Ctrl-C during a training: recorded first, and obeyed once the present update is done and saved."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

from bertsum.errors import Stopped

_PATIENCE = 3.0  # seconds: two signals within this time are the same Ctrl-C, which may arrive twice


class StopSignals:
    """A context in which SIGTERM and Ctrl-C are only noted.

    Attributes:
        received: The signal that came, or None.
    """

    def __init__(self, alone: bool) -> None:
        """Sets no handlers yet.

        Args:
            alone: Whether this is the only process of the training. If so, a second Ctrl-C some seconds later stops at
                once. With several, each process gets one Ctrl-C twice: from the terminal and from its launcher.
        """
        self.received: int | None = None
        self._alone = alone
        self._waiting = False
        self._first: float | None = None  # when the first signal came
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():  # others can set no handlers and get no signals
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """While the block runs, a signal ends it at once, if this is the only process; the block must change nothing.

        Raises:
            Stopped: as soon as a signal comes.
        """
        if self._alone and self.received is not None:  # the signal came before the block
            raise Stopped(self.received)
        self._waiting = self._alone
        try:
            yield
        finally:
            self._waiting = False

    def _note(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        impatient = self._first is not None and number == signal.SIGINT and now - self._first > _PATIENCE
        if self._alone and (self._waiting or impatient):
            self.received = number
            raise Stopped(number)
        if self._first is not None:
            return
        self._first, self.received = now, number
        with contextlib.suppress(OSError):  # Ctrl-C may also have ended the reader of the output
            # not by print, because the signal may have interrupted a print
            os.write(2, f"\n{signal.Signals(number).name}: finishing this update, then saving\n".encode())
