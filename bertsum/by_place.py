"""Values of many documents, read or made on demand, so that memory does not grow with the number of documents."""

from __future__ import annotations

import json
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from bertsum.errors import BertsumError

Value = TypeVar("Value", covariant=True)


class ByPlace(Protocol[Value]):
    """A value for each document: a list, a dataset, or a class of this package."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int, /) -> Value: ...

    def __iter__(self) -> Iterator[Value]: ...


class OnDisk:
    """Values in an unnamed temporary file, which disappears with this object or with the process."""

    def __init__(self, values: Iterable[tuple[int, Mapping[str, Any]]], folder: Path) -> None:
        """Writes all values to the file.

        Args:
            values: Values that JSON can hold, each with its place: 0 to N - 1 in any order.
            folder: A folder on the disk for the file.

        Raises:
            BertsumError: if the file cannot be written.
        """
        self._folder = folder
        self._begins, self._ends = array("q"), array("q")
        try:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # lives as long as this object
        except OSError as error:
            raise self._cannot_be_written(error) from error
        for place, value in values:
            self._put(place, value)
        try:
            self._file.flush()
        except OSError as error:
            raise self._cannot_be_written(error) from error

    def _put(self, place: int, value: Mapping[str, Any]) -> None:
        missing = place + 1 - len(self._begins)
        for bounds in (self._begins, self._ends):
            bounds.extend([0] * missing)
        try:
            self._begins[place] = self._file.tell()
            self._file.write(json.dumps(value).encode())
            self._ends[place] = self._file.tell()
        except OSError as error:
            raise self._cannot_be_written(error) from error

    def _cannot_be_written(self, error: OSError) -> BertsumError:
        return BertsumError(f"'{self._folder}' cannot be written: {error}")

    def __len__(self) -> int:
        return len(self._begins)

    def __getitem__(self, place: int) -> dict[str, Any]:
        """The value at that place, from 0."""
        self._file.seek(self._begins[place])
        value: dict[str, Any] = json.loads(self._file.read(self._ends[place] - self._begins[place]))
        return value

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[place] for place in range(len(self)))
