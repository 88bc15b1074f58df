"""Prepared documents on disk: an Arrow file that is written part by part, and checked when it is opened."""

from __future__ import annotations

import io
import json
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pyarrow as pa

from bertsum.data.documents import Rejected
from bertsum.data.rows import Rows
from bertsum.errors import BertsumError
from bertsum.files import GrowingFile, read_progress, replace_text
from bertsum.text import printable

if TYPE_CHECKING:
    import datasets

_DATA_FILE = "data.arrow"
_SAVED_BYTES = 1 << 22  # written and saved at once: some hundred news articles
_NAMED = 20  # dropped documents named in the report
# Errors that a changed or forged file leads to.
_BROKEN = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    pa.ArrowException,
)


@dataclass(frozen=True)
class Report:
    """What became of a split's documents.

    Attributes:
        read: Documents read.
        kept: Documents kept.
        dropped: Documents dropped, by reason.
        named: The first of the dropped documents, each with its place and problem.
        sentences_per_document: Mean number of sentences of a kept document, read or not.
        sentences_read_per_document: Mean number of sentences that the encoder reads; None if the kind of model does not
            count them.
        tokens_per_document: Mean number of tokens that the encoder reads.
        cut_share: Share of kept documents that are not read whole.
        unlabelled_share: Share of kept documents without any positive label; None if documents have no labels.
        targets_cut_share: Share of kept documents whose summary is longer than the decoder's; None without a decoder.
        windows_per_document: Mean number of windows of a kept document, if each is a row; else None.
    """

    read: int = 0
    kept: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    named: list[str] = field(default_factory=list)
    sentences_per_document: float = 0.0
    sentences_read_per_document: float | None = None
    tokens_per_document: float = 0.0
    cut_share: float = 0.0
    unlabelled_share: float | None = None
    targets_cut_share: float | None = None
    windows_per_document: float | None = None

    def __str__(self) -> str:
        lines = [
            f"{self.read:,} documents read, {self.kept:,} kept, {self.read - self.kept:,} dropped",
            *(f"  dropped {count:,}: {reason}" for reason, count in sorted(self.dropped.items())),
            *(f"    {name}" for name in self.named),
            self.per_document(),
            f"{self.cut_share:.1%} of documents cut{self._summaries()}",
        ]
        return "\n".join(lines)

    def _summaries(self) -> str:
        unlabelled, cut = self.unlabelled_share, self.targets_cut_share
        first = "" if unlabelled is None else f", {unlabelled:.1%} without any positive label"
        return first + ("" if cut is None else f", {cut:.1%} of summaries cut")

    def per_document(self) -> str:
        """Sentences (or windows) and tokens of a document, as text."""
        if self.windows_per_document is not None:
            return f"{self.windows_per_document:.1f} windows a document, {self.tokens_per_document:.0f} tokens in all"
        read = self.sentences_read_per_document
        of_them = "" if read is None else f", {read:.1f} of them read"
        tokens = f"{self.tokens_per_document:.0f} tokens"
        return f"{self.sentences_per_document:.1f} sentences a document{of_them}, as {tokens}"


@dataclass(frozen=True)
class Prepared:
    """A prepared split, memory-mapped.

    Attributes:
        folder: Folder of the split.
        dataset: The rows, one or several a document, with the columns of the kind's schema
            (:mod:`bertsum.data.rows`).
        rows: The class that made the rows.
        report: What became of the documents.
    """

    folder: Path
    dataset: datasets.Dataset
    rows: type[Rows]
    report: Report

    def __len__(self) -> int:
        return len(self.dataset)

    @property
    def inputs(self) -> datasets.Dataset:
        """The columns that a model reads."""
        return self.dataset.select_columns(list(self.rows.inputs))

    @property
    def texts(self) -> datasets.Dataset:
        """The other columns, for people and for ROUGE."""
        return self.dataset.remove_columns(list(self.rows.inputs))

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each row (N)."""
        return self.dataset.data.column("length").to_numpy()

    def spread(self, most: int | None) -> np.ndarray:
        """Places of so many rows, evenly spread over all; None, or more than there are: of all.

        Args:
            most: How many.
        """
        count = len(self)
        if most is None or most >= count:
            return np.arange(count)
        return np.linspace(0, count - 1, most).astype(int)


def open_prepared(folder: Path, rows: type[Rows]) -> Prepared:
    """Opens a folder that :func:`~bertsum.data.prepare.prepare` finished.

    Args:
        folder: The folder.
        rows: The class that made the rows.

    Raises:
        BertsumError: if its files have changed since they were written.
    """
    import datasets

    try:
        progress = read_progress(folder / _DATA_FILE)
        if progress is None:
            raise ValueError("it has no progress.json, or one that is not whole")
        report = Report(**json.loads((folder / "report.json").read_text(encoding="utf-8")))
        with open(folder / _DATA_FILE, "rb") as file:
            _check_unchanged(file, progress)
        with pa.memory_map(str(folder / _DATA_FILE)) as source, pa.ipc.open_stream(source) as batches:
            if batches.schema != rows.schema:
                raise ValueError("it has other columns")
            for batch in batches:
                batch.validate(full=True)  # else an untrusted file could make us read any memory
        dataset = datasets.Dataset.from_file(str(folder / _DATA_FILE))
    except _BROKEN as error:
        raise BertsumError(f"'{folder}' is broken: {error}; remove it, and it is prepared again") from error
    return Prepared(folder, dataset, rows, report)


def _check_unchanged(file: BinaryIO, progress: dict[str, Any]) -> None:
    """Checks the whole file, because one flipped bit would change a document or a label."""
    size = file.seek(0, io.SEEK_END)
    if size != progress["bytes"]:
        raise ValueError(f"{_DATA_FILE} has {size} bytes, expected {progress['bytes']}")
    file.seek(0)
    checksum = 0
    while block := file.read(1 << 20):
        checksum = zlib.crc32(block, checksum)
    if checksum != progress["crc32"]:
        raise ValueError(f"{_DATA_FILE} is not what was written (checksum {checksum:08x}, not {progress['crc32']:08x})")


@dataclass(frozen=True)
class PreparedChunk:
    """Some documents, prepared.

    Attributes:
        rows: Rows of the kept documents.
        rejected: The documents that are not kept.
        counts: Sums over all of them.
    """

    rows: pa.RecordBatch
    rejected: list[Rejected]
    counts: Counter[str]

    @staticmethod
    def of(made: Sequence[Mapping[str, Any] | Rejected], kind: type[Rows], read: int) -> PreparedChunk:
        """The chunk of ``read`` documents; ``made`` holds their rows, with the kind's columns, and rejected ones."""
        rows = [item for item in made if not isinstance(item, Rejected)]
        rejected = [item for item in made if isinstance(item, Rejected)]
        counts = Counter(
            {
                "read": read,
                "kept": read - len(rejected),
                "sentences": sum(len(row["sentences"]) for row in rows),
                "tokens": sum(row["length"] for row in rows),
                "cut": sum(row["cut"] for row in rows),
            }
        )
        for row in rows:
            counts.update(kind.counts(row))
        return PreparedChunk(pa.RecordBatch.from_pylist(rows, kind.schema), rejected, counts)


class PreparedWriter:
    """Writes ``data.arrow`` in an unfinished folder; after an interruption it resumes from the last save."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self.folder = folder
        self._schema = schema
        self._file = GrowingFile(folder / _DATA_FILE)
        state = self._file.state or {"counts": {}, "dropped": {}, "named": []}
        self._counts, self.dropped = Counter(state["counts"]), Counter(state["dropped"])
        self.named: list[str] = state["named"]
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_bytes = 0

    def __enter__(self) -> PreparedWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def read(self) -> int:
        """Documents read so far."""
        return self._counts["read"]

    @property
    def kept(self) -> int:
        """Documents kept so far."""
        return self._counts["kept"]

    def add(self, chunk: PreparedChunk) -> None:
        """Adds the next documents, in reading order."""
        self._counts.update(chunk.counts)
        self.dropped.update(rejected.reason for rejected in chunk.rejected)
        for rejected in chunk.rejected[: _NAMED - len(self.named)]:
            self.named.append(printable(f"{rejected.place}: {rejected.problem}"))
        if chunk.rows.num_rows:
            self._waiting.append(chunk.rows)
            self._waiting_bytes += chunk.rows.nbytes
        if self._waiting_bytes >= _SAVED_BYTES:
            self._save()

    def finish(self) -> Report:
        """Saves the rest and returns the report; the stream needs no end mark."""
        self._save()
        counts, kept = self._counts, self.kept
        report = Report(
            read=self.read,
            kept=kept,
            dropped=dict(self.dropped),
            named=self.named,
            sentences_per_document=counts["sentences"] / kept,
            sentences_read_per_document=counts["sentences read"] / kept if "sentences read" in counts else None,
            tokens_per_document=counts["tokens"] / kept,
            cut_share=counts["cut"] / kept,
            unlabelled_share=counts["unlabelled"] / kept if "unlabelled" in counts else None,
            targets_cut_share=counts["targets cut"] / kept if "targets cut" in counts else None,
            windows_per_document=counts["windows"] / kept if "windows" in counts else None,
        )
        replace_text(self.folder / "report.json", json.dumps(vars(report), indent=1))
        return report

    def _save(self) -> None:
        messages = [] if self._file.length else [self._schema.serialize()]
        table = pa.Table.from_batches(self._waiting, self._schema).combine_chunks()
        messages += [batch.serialize() for batch in table.to_batches()]
        state = {"counts": self._counts, "dropped": self.dropped, "named": self.named}
        self._file.save(b"".join(messages), state)
        self._waiting, self._waiting_bytes = [], 0
