"""SIGTERM and Ctrl-C while a model trains: noted, and acted upon where nothing is lost."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from bertsum.errors import Stopped


class StopSignals:
    """A context in which both signals are only noted.

    Attributes:
        received: The signal that came, if one did.
    """

    def __init__(self, alone: bool) -> None:
        """Prepares it.

        Args:
            alone: Whether this is the only process of the training. Then a second Ctrl-C stops at once; of several
                processes each gets the signal from the terminal and again from its launcher.
        """
        self.received: int | None = None
        self._alone = alone
        self._waiting = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():  # no other may set handlers, and none gets signals
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """A block that changes nothing and may be left at once, where no other process waits for this one.

        Raises:
            Stopped: as soon as a signal comes.
        """
        self._waiting = self._alone
        try:
            yield
        finally:
            self._waiting = False

    def _note(self, number: int, _frame: FrameType | None) -> None:
        again = self.received is not None
        self.received = number
        if self._alone and (self._waiting or again):
            raise Stopped(number)
        if not again:  # not print: the signal may have come inside one
            os.write(2, f"\n{signal.Signals(number).name}: finishing this update, then saving\n".encode())
