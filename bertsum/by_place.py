"""Values of many documents, read or made when they are asked for, so that memory does not grow with their number."""

from __future__ import annotations

import json
import tempfile
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar

from bertsum.errors import BertsumError

Value = TypeVar("Value", covariant=True)


class ByPlace(Protocol[Value]):
    """A value for each document: a list, a dataset, or a class of this package."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int, /) -> Value: ...

    def __iter__(self) -> Iterator[Value]: ...


class TextsOnDisk:
    """Documents in a file without a name, which is gone when this object is, or when the process is killed."""

    def __init__(self, rows: Iterable[dict[str, Any]], folder: Path) -> None:
        """Reads the documents to their end.

        Args:
            rows: The documents; their values are such as JSON has.
            folder: The file lies on the same disk.

        Raises:
            BertsumError: if it cannot be written.
        """
        self._folder = folder
        self._ends = array("q", [0])
        try:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # lives as long as this object
        except OSError as error:
            raise self._cannot_be_written(error) from error
        for row in rows:
            self._append(row)

    def _append(self, row: dict[str, Any]) -> None:
        try:
            self._file.write(json.dumps(row).encode())
            self._ends.append(self._file.tell())
        except OSError as error:
            raise self._cannot_be_written(error) from error

    def _cannot_be_written(self, error: OSError) -> BertsumError:
        return BertsumError(f"'{self._folder}' cannot be written: {error}")

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, place: int) -> dict[str, Any]:
        """The document at that place, from 0."""
        begin, end = self._ends[place], self._ends[place + 1]
        self._file.seek(begin)
        row: dict[str, Any] = json.loads(self._file.read(end - begin))
        return row

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[place] for place in range(len(self)))
