"""Exceptions that end a program on purpose: for a mistake in the input, and for a signal to stop."""

from __future__ import annotations

import signal

from bertsum.text import printable


class BertsumError(Exception):
    """A problem with a document, a config, a checkpoint or a folder.

    The message says what was wrong, where, and what would be right; control characters are replaced in it. Any other
    exception is a bug in bertsum.

    Attributes:
        exit_code: Exit code of a command that ends with this error.
    """

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class ConfigError(BertsumError):
    """Fields of a config are unknown or have wrong values.

    Attributes:
        problems: A line for each: the field's dotted name, what was found, and what would be right.
    """

    def __init__(self, origin: str, problems: list[str]) -> None:
        super().__init__(f"{origin}:\n" + "\n".join(f"  {problem}" for problem in problems))
        self.problems = problems


class EmptyDocumentError(BertsumError):
    """A document has no word that the model knows."""


class NoSummaryError(BertsumError):
    """No document of a file could be summarised."""

    exit_code = 1


class Stopped(KeyboardInterrupt):
    """SIGTERM or Ctrl-C has ended a program in good order.

    Attributes:
        signal: The signal; the program exits with 128 + the signal's number (143, 130).
        message: What was saved and how to go on.
    """

    def __init__(self, number: int, message: str = "") -> None:
        super().__init__(message)
        self.signal = signal.Signals(number)
        self.message = message


def check_whole(name: str, value: object, least: int = 1, of: str = "") -> None:
    """Checks that an option is a whole number.

    Args:
        name: Its name, for the message.
        value: What was given.
        least: The smallest that is right.
        of: What it counts, such as " of documents".

    Raises:
        BertsumError: if it is none, or too small.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise BertsumError(f"{name}: got {value!r:.80}, expected a whole number{of}, {least} or more")
