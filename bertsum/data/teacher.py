"""Scores that trained models gave the sentences of documents, found by a document's id; labels are made of them.

# N documents
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bertsum.config import DataConfig
from bertsum.data.documents import Rejected, identity_of, parse_json
from bertsum.data.sources import LONGEST_LINE
from bertsum.errors import BertsumError
from bertsum.progress import Progress

_EXPECTED = "a line of predictions.jsonl with 'id' and 'scores'"


def teacher_files(config: DataConfig) -> list[Path]:
    """The files of ``data.teacher``; none without one."""
    files = [config.teacher] if isinstance(config.teacher, str) else config.teacher or []
    return [Path(file).expanduser() for file in files]


class TeacherScores:
    """The scores in one file of JSON lines. Memory holds only the place of each document's line (32 bytes a document).

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        """Reads the file once, and checks every line of it.

        Args:
            path: The file: an object a line, with the document's ``id``, and in ``scores`` a number from 0 to 1 for
                each sentence, or null for a sentence that was not read. Other fields do not matter.

        Raises:
            BertsumError: if the file cannot be read, a line is not like that, or an id occurs twice.
        """
        self.path = path
        columns = [array("Q"), *(array("q") for _ in range(3))]
        with Progress(f"read {path.name}", bar=False) as progress:
            for values in self._lines():
                for column, value in zip(columns, values, strict=True):
                    column.append(value)
                progress.update()
        keys, *others = (np.frombuffer(column, column.typecode) for column in columns)
        order = np.argsort(keys, kind="stable")
        self._keys = keys[order]  # (N), ascending
        self._begins, self._numbers, self._counts = (column[order] for column in others)  # (N) each
        twice = np.flatnonzero(self._keys[1:] == self._keys[:-1])
        if len(twice):
            first = twice[0]
            identity = self._record(int(first))["id"]
            raise BertsumError(
                f"data.teacher: {path} line {self._numbers[first + 1]}: id '{identity}' is already in line "
                f"{self._numbers[first]}, expected each id once"
            )

    def _lines(self) -> Iterator[tuple[int, int, int, int]]:
        """For each line the key of its id, where it begins, its number, and how many scores it has."""
        try:
            with open(self.path, "rb") as file:
                begin = number = 0
                while line := file.readline(LONGEST_LINE + 1):
                    number += 1
                    place = f"data.teacher: {self.path} line {number}"
                    if len(line) > LONGEST_LINE:
                        raise BertsumError(f"{place}: longer than {LONGEST_LINE >> 20} MiB, expected {_EXPECTED}")
                    if line.strip():
                        identity, scores = _checked(line, place)
                        yield _key(identity), begin, number, len(scores)
                    begin += len(line)
        except OSError as error:
            raise BertsumError(f"data.teacher: '{self.path}' cannot be read: {error}") from error

    def __len__(self) -> int:
        return len(self._keys)

    def problem(self, identity: str, sentences: int) -> str | None:
        """Why a document has no scores here; None if it has.

        Args:
            identity: The document's id.
            sentences: Number of its sentences.
        """
        place = self._place(identity)
        if place is None:
            return (
                f"data.teacher: {self.path} has no line with the id '{identity}' among {len(self):,}, expected one for "
                "each training document (bertsum eval --split train writes it)"
            )
        count = int(self._counts[place])
        if count != sentences:
            return (
                f"data.teacher: {self.path} line {self._numbers[place]}: id '{identity}': found {count} scores, "
                f"expected {sentences}, one for each sentence of the document; the teacher must have read the same "
                "sentences"
            )
        return None

    def scores(self, identity: str) -> list[float | None]:
        """The score of each sentence of a document that is here (S); None for a sentence that was not read.

        Raises:
            BertsumError: if the file has changed since it was opened.
        """
        place = self._place(identity)
        record = {} if place is None else self._record(place)
        if record.get("id") != identity or len(record["scores"]) != self._counts[place]:
            raise BertsumError(f"data.teacher: {self.path} has changed while it was read; start again")
        scores: list[float | None] = record["scores"]
        return scores

    def _place(self, identity: str) -> int | None:
        key = np.uint64(_key(identity))
        place = int(np.searchsorted(self._keys, key))
        return place if place < len(self._keys) and self._keys[place] == key else None

    def _record(self, place: int) -> dict[str, Any]:
        """``id`` and ``scores`` of a line. The file is opened each time: processes must not share its position."""
        try:
            with open(self.path, "rb") as file:
                file.seek(int(self._begins[place]))
                line = file.readline(LONGEST_LINE + 1)
        except OSError as error:
            raise BertsumError(f"data.teacher: '{self.path}' cannot be read: {error}") from error
        identity, scores = _checked(line, f"data.teacher: {self.path} line {self._numbers[place]}")
        return {"id": identity, "scores": scores}


def _checked(line: bytes, place: str) -> tuple[str, list[float | None]]:
    """The id and the scores of a line.

    Raises:
        BertsumError: if it has none.
    """
    record = parse_json(line, place)
    if isinstance(record, Rejected):
        raise BertsumError(f"{place}: {record.problem}")
    if not isinstance(record, dict) or "scores" not in record:
        found = f"the fields {json.dumps(list(record))[:200]}" if isinstance(record, dict) else type(record).__name__
        raise BertsumError(f"{place}: found {found}, expected {_EXPECTED}")
    identity, scores = identity_of(record, "id"), record["scores"]
    if identity is None:
        raise BertsumError(
            f"{place}: found the id {json.dumps(record.get('id'))[:40]}, expected text or a whole number"
        )
    if not isinstance(scores, list) or not all(map(_is_score, scores)):
        wrong = next((score for score in scores if not _is_score(score)), None) if isinstance(scores, list) else scores
        raise BertsumError(
            f"{place}: id '{identity}': found {json.dumps(wrong)[:40]} in 'scores', expected a list of numbers from "
            "0 to 1, or null for a sentence that was not read"
        )
    return identity, scores


def _is_score(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1)


def _key(identity: str) -> int:
    """64 bits that tell ids apart: among a million ids, two are the same with a probability of 3e-8."""
    return int.from_bytes(hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
