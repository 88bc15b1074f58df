"""SIGTERM and Ctrl-C while a model trains: noted, and acted upon where nothing is lost."""

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

_PATIENCE = 3.0  # seconds within which one Ctrl-C may arrive twice


class StopSignals:
    """A context in which both signals are only noted.

    Attributes:
        received: The signal that came, if one did.
    """

    def __init__(self, alone: bool) -> None:
        """Prepares it.

        Args:
            alone: Whether this is the only process of the training. Then a second Ctrl-C, some seconds after the first,
                stops at once; of several processes each gets it from the terminal and again from its launcher.
        """
        self.received: int | None = None
        self._alone = alone
        self._waiting = False
        self._first: float | None = None  # when the first signal came
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():  # no other may set handlers, and none gets signals
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """A block that changes nothing and may be left at once, where no other process waits for this one.

        Raises:
            Stopped: as soon as a signal comes.
        """
        if self._alone and self.received is not None:  # it came a moment ago
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
        with contextlib.suppress(OSError):  # Ctrl-C may have ended what reads the output, too
            # not print: the signal may have come inside one
            os.write(2, f"\n{signal.Signals(number).name}: finishing this update, then saving\n".encode())
