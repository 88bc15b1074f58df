"""Prepared documents on disk: an Arrow file that grows by parts, is never half-used, and is checked when opened."""

from __future__ import annotations

import io
import json
import mmap
import os
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pyarrow as pa

from bertsum.data.documents import Rejected
from bertsum.errors import BertsumError
from bertsum.files import replace_text
from bertsum.text import printable

if TYPE_CHECKING:
    import datasets

_SAVED_BYTES = 1 << 22  # what is written, and saved, at once: some hundred news articles
_NAMED = 20  # dropped documents named in the report
# What a file that is not as it was written, or was made to look like one, leads to.
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
_SCHEMA = pa.schema(
    {
        "id": pa.string(),
        "input_ids": pa.list_(pa.int32()),
        "cls_positions": pa.list_(pa.int32()),
        "sentence_indices": pa.list_(pa.int32()),
        "labels": pa.list_(pa.float32()),
        "length": pa.int32(),
        "cut": pa.bool_(),
        "sentences": pa.list_(pa.string()),
        "references": pa.list_(pa.list_(pa.string())),
    }
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
        sentences_read_per_document: Mean number of sentences that the encoder reads.
        tokens_per_document: Mean number of tokens that the encoder reads.
        cut_share: Share of kept documents of which something is not read.
        unlabelled_share: Share of kept documents without any positive label.
    """

    read: int = 0
    kept: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    named: list[str] = field(default_factory=list)
    sentences_per_document: float = 0.0
    sentences_read_per_document: float = 0.0
    tokens_per_document: float = 0.0
    cut_share: float = 0.0
    unlabelled_share: float = 0.0

    def __str__(self) -> str:
        lines = [
            f"{self.read:,} documents read, {self.kept:,} kept, {self.read - self.kept:,} dropped",
            *(f"  dropped {count:,}: {reason}" for reason, count in sorted(self.dropped.items())),
            *(f"    {name}" for name in self.named),
            f"{self.sentences_per_document:.1f} sentences a document, {self.sentences_read_per_document:.1f} of them "
            f"read, as {self.tokens_per_document:.0f} tokens",
            f"{self.cut_share:.1%} of documents cut, {self.unlabelled_share:.1%} without any positive label",
        ]
        return "\n".join(lines)


@dataclass(frozen=True)
class Prepared:
    """A prepared split, memory-mapped.

    Attributes:
        folder: Where it lies.
        dataset: One row a document: ``id``, ``input_ids``, ``cls_positions``, ``sentence_indices``, ``labels``,
            ``length`` (tokens), ``cut``, ``sentences`` and ``references``.
        report: What became of the documents.
        pages: The memory that the dataset lies in.
    """

    folder: Path
    dataset: datasets.Dataset
    report: Report
    pages: mmap.mmap

    def __len__(self) -> int:
        return len(self.dataset)

    def forget_pages(self) -> None:
        """Hands the pages that were read back to the system, which may keep them, so that memory stays flat."""
        _forget(self.pages)

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each document (N)."""
        return self.dataset.data.column("length").to_numpy()


def open_prepared(folder: Path) -> Prepared:
    """Opens a folder that :func:`prepare` finished.

    Raises:
        BertsumError: if it is not as it was written.
    """
    import datasets

    try:
        progress = _Progress.load(folder)
        report = Report(**json.loads((folder / "report.json").read_text(encoding="utf-8")))
        with open(folder / "data.arrow", "rb") as file:
            _check_unchanged(file, progress)
            pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        with pa.ipc.open_stream(pa.BufferReader(pa.py_buffer(pages))) as reader:
            table = reader.read_all()
        if table.schema != _SCHEMA:
            raise ValueError("it has other columns")
        for batch in table.to_batches():
            batch.validate(full=True)  # or reading a stranger's file could read any memory
            _forget(pages)
    except _BROKEN as error:
        raise BertsumError(f"'{folder}' is broken: {error}; remove it, and it is prepared again") from error
    dataset = datasets.Dataset(datasets.table.InMemoryTable(table), fingerprint=folder.name)
    prepared = Prepared(folder, dataset, report, pages)
    prepared.forget_pages()
    return prepared


def _forget(pages: mmap.mmap) -> None:
    if hasattr(pages, "madvise"):
        pages.madvise(mmap.MADV_DONTNEED)


def _check_unchanged(file: BinaryIO, progress: _Progress) -> None:
    """Reads the whole file once: a flipped bit would be another document, or another label."""
    size = file.seek(0, io.SEEK_END)
    if size != progress.bytes:
        raise ValueError(f"data.arrow has {size} bytes, expected {progress.bytes}")
    file.seek(0)
    checksum = 0
    while block := file.read(1 << 20):
        checksum = zlib.crc32(block, checksum)
    if checksum != progress.crc32:
        raise ValueError(f"data.arrow is not what was written (checksum {checksum:08x}, not {progress.crc32:08x})")


@dataclass
class _Progress:
    """How far a preparation has come.

    Attributes:
        bytes: Length of data.arrow.
        crc32: Its checksum.
        counts: Sums over the documents.
        dropped: Documents dropped, by reason.
        named: The first of them.
    """

    bytes: int = 0
    crc32: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    named: list[str] = field(default_factory=list)

    @staticmethod
    def load(folder: Path) -> _Progress:
        values = json.loads((folder / "progress.json").read_text(encoding="utf-8"))
        counts, dropped = Counter(values.pop("counts")), Counter(values.pop("dropped"))
        return _Progress(**values, counts=counts, dropped=dropped)


@dataclass(frozen=True)
class PreparedChunk:
    """Some documents, prepared.

    Attributes:
        rows: Those that are kept.
        rejected: Those that are not.
        counts: Sums over both.
    """

    rows: pa.RecordBatch
    rejected: list[Rejected]
    counts: Counter[str]

    @staticmethod
    def of(documents: list[dict[str, Any] | Rejected]) -> PreparedChunk:
        """Rows of the file's columns, and what was rejected between them."""
        rows = [document for document in documents if not isinstance(document, Rejected)]
        counts = Counter(
            {
                "read": len(documents),
                "kept": len(rows),
                "sentences": sum(len(row["sentences"]) for row in rows),
                "sentences read": sum(len(row["cls_positions"]) for row in rows),
                "tokens": sum(row["length"] for row in rows),
                "cut": sum(row["cut"] for row in rows),
                "unlabelled": sum(not any(row["labels"]) for row in rows),
            }
        )
        rejected = [document for document in documents if isinstance(document, Rejected)]
        return PreparedChunk(pa.RecordBatch.from_pylist(rows, _SCHEMA), rejected, counts)


class PreparedWriter:
    """Writes ``data.arrow`` in an unfinished folder; one that was killed resumes from its last save."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = open(folder / "data.arrow", "ab")  # noqa: SIM115  # closed by __exit__
        self._progress = self._last_save()
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_bytes = 0
        self._file.truncate(self._progress.bytes)  # what was written in the middle of a save
        if not self._progress.bytes:
            self._write(_SCHEMA.serialize())

    def __enter__(self) -> PreparedWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _last_save(self) -> _Progress:
        try:
            progress = _Progress.load(self.folder)
        except _BROKEN:
            return _Progress()
        return progress if progress.bytes <= self._file.seek(0, io.SEEK_END) else _Progress()

    @property
    def read(self) -> int:
        """Documents read so far."""
        return self._progress.counts["read"]

    @property
    def kept(self) -> int:
        """Documents kept so far."""
        return self._progress.counts["kept"]

    @property
    def dropped(self) -> dict[str, int]:
        """Documents dropped so far, by reason."""
        return dict(self._progress.dropped)

    @property
    def named(self) -> list[str]:
        """The first of them."""
        return self._progress.named

    def add(self, chunk: PreparedChunk) -> None:
        """Takes the next documents, in the order in which they were read."""
        self._progress.counts.update(chunk.counts)
        self._progress.dropped.update(rejected.reason for rejected in chunk.rejected)
        for rejected in chunk.rejected[: _NAMED - len(self.named)]:
            self.named.append(printable(f"{rejected.place}: {rejected.problem}"))
        if chunk.rows.num_rows:
            self._waiting.append(chunk.rows)
            self._waiting_bytes += chunk.rows.nbytes
        if self._waiting_bytes >= _SAVED_BYTES:
            self._save()

    def finish(self) -> Report:
        """Tells what has been written; the stream needs no end of its own."""
        self._save()
        counts, kept = self._progress.counts, self.kept
        report = Report(
            read=self.read,
            kept=kept,
            dropped=self.dropped,
            named=self.named,
            sentences_per_document=counts["sentences"] / kept,
            sentences_read_per_document=counts["sentences read"] / kept,
            tokens_per_document=counts["tokens"] / kept,
            cut_share=counts["cut"] / kept,
            unlabelled_share=counts["unlabelled"] / kept,
        )
        replace_text(self.folder / "report.json", json.dumps(vars(report), indent=1))
        return report

    def _write(self, message: bytes | pa.Buffer) -> None:
        self._file.write(message)
        self._progress.bytes += len(message)
        self._progress.crc32 = zlib.crc32(message, self._progress.crc32)

    def _save(self) -> None:
        for batch in pa.Table.from_batches(self._waiting, _SCHEMA).combine_chunks().to_batches():
            self._write(batch.serialize())
        self._waiting, self._waiting_bytes = [], 0
        self._file.flush()
        os.fsync(self._file.fileno())
        replace_text(self.folder / "progress.json", json.dumps(vars(self._progress)))
