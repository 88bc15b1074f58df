"""What ends a program on purpose: an error of the input, and a signal to stop."""

from __future__ import annotations

import signal

from bertsum.text import printable


class BertsumError(Exception):
    """A problem with a document, a config, a checkpoint or a folder, described for people.

    The message says what was wrong, where, and what would be right; what a terminal would obey is taken out of it. A
    bug in bertsum itself is any other exception.

    Attributes:
        exit_code: What a command that it ends exits with.
    """

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class NoSummaryError(BertsumError):
    """No document of a file could be summarised."""

    exit_code = 1


class Stopped(KeyboardInterrupt):
    """SIGTERM or Ctrl-C has ended a program in good order.

    Attributes:
        signal: The signal; a program that it ends exits with 128 + its number (143, 130).
        message: What was saved and how to go on.
    """

    def __init__(self, number: int, message: str = "") -> None:
        super().__init__(message)
        self.signal = signal.Signals(number)
        self.message = message
