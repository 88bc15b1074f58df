"""Prepares documents as Arrow files on disk: in parallel, streaming, once; unfinished files are never used."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from bertsum.config import Config, DataConfig
from bertsum.data.documents import Document, Line, Rejected, parse
from bertsum.data.fingerprints import describe_code, describe_file, describe_sources, describe_tokenizer, fingerprint_of
from bertsum.data.rows import ROWS, Rows
from bertsum.data.sources import read_lines
from bertsum.data.store import Prepared, PreparedChunk, PreparedWriter, Report, open_prepared
from bertsum.data.teacher import teacher_files
from bertsum.data.texts import FILTERED, Texts, as_it_comes, texts_of
from bertsum.errors import BertsumError
from bertsum.files import replace_text, try_remove
from bertsum.parallel import WorkerError, chunks, map_in_order
from bertsum.progress import Progress
from bertsum.text import text_size

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_CHUNK = 64  # documents handed to a process at once,
_CHUNK_BYTES = 1 << 23  # or fewer large ones


def prepare(
    config: Config,
    split: str,
    tokenizer: PreTrainedTokenizerBase,
    target_tokenizer: PreTrainedTokenizerBase | None = None,
) -> Prepared:
    """Prepares a split, or opens an earlier preparation from the same sources, settings, tokenizers and code.

    An interrupted preparation is resumed. If there are several processes, one prepares and the others wait.

    Args:
        config: The configuration.
        split: train, validation or test.
        tokenizer: The encoder's tokenizer.
        target_tokenizer: The decoder's tokenizer, for a model that writes; by default the encoder's.

    Raises:
        BertsumError: if a document cannot be used and ``data.on_error`` is stop, or no document is left; if the folder
            cannot be written, or its files have changed since.
    """
    from filelock import FileLock

    described = _describe(config, split, tokenizer, target_tokenizer)
    rows = ROWS[config.model.kind](config, tokenizer, split, target_tokenizer)
    folder = Path(config.data.prepared_dir) / f"{split}-{fingerprint_of(described)}"
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    report = None
    if not folder.exists():
        try:
            unfinished.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.with_name(f".{folder.name}.lock")):
                if not folder.exists():
                    unfinished.mkdir(exist_ok=True)
                    report = _write(config, split, rows, unfinished)
                    replace_text(unfinished / "fingerprint.json", json.dumps(described, indent=1))
                    unfinished.rename(folder)
        except (OSError, pa.ArrowException) as error:
            raise BertsumError(
                f"data.prepared_dir: '{folder}' cannot be written: {error}. What is prepared already is kept; the same "
                "command goes on from there"
            ) from error
    if report is not None:
        print(f"Prepared {split} data in {folder}\n{report}", flush=True)
    return open_prepared(folder, type(rows))


def _describe(
    config: Config, split: str, tokenizer: PreTrainedTokenizerBase, target_tokenizer: PreTrainedTokenizerBase | None
) -> dict[str, Any]:
    """Everything that the prepared data depend on."""
    not_relevant = {"train", "validation", "test", "prepared_dir", "workers", "dataset", "dataset_config"}
    settings = config.data if split == "train" else as_it_comes(config.data)
    data = {name: value for name, value in asdict(settings).items() if name not in not_relevant}
    data["teacher"] = [describe_file(path) for path in teacher_files(settings)]
    return {
        "split": split,
        "kind": config.model.kind,
        **ROWS[config.model.kind].describe(config, tokenizer, target_tokenizer),
        "sources": describe_sources(config.data, split, ROWS[config.model.kind].labelled),
        "data": data,
        "encoding": asdict(config.encoding),
        "language": config.language,
        "tokenizer": describe_tokenizer(tokenizer),
        "special tokens": [tokenizer.cls_token_id, tokenizer.sep_token_id],
        **describe_code(),
    }


def _write(config: Config, split: str, rows: Rows, folder: Path) -> Report:
    """Prepares all documents, or the rest after an interrupted preparation."""
    rows.open()
    prepare_chunk = _ChunkPreparer(config, rows)
    PreparedChunk.of([], type(rows), 0)  # pyarrow's first conversion loads pandas: do it once, not in each process
    with PreparedWriter(folder, rows.schema) as writer:
        documents = islice(read_lines(config.data, split, rows.labelled), writer.read, None)
        try:
            with Progress(f"prepare {split}", count=writer.read) as progress:
                for chunk in map_in_order(prepare_chunk, _chunks(documents), config.data.workers, _size):
                    for rejected in chunk.rejected:
                        _stop_or_skip(config.data, rejected)
                    writer.add(chunk)
                    progress.update(chunk.counts["read"])
            if not writer.kept:
                raise _nothing_usable(split, writer)
        except WorkerError:
            raise
        except BertsumError:  # about a document: once its file is corrected, all of it is read again
            try_remove(folder)
            raise
        return writer.finish()


def _nothing_usable(split: str, writer: PreparedWriter) -> BertsumError:
    why = "; ".join(f"{count} x {reason}" for reason, count in writer.dropped.items())
    first = f" First: {writer.named[0]}" if writer.named else ""
    none = f"none of {writer.read} documents can be used{f' ({why}).' if why else '.'}"
    return BertsumError(f"data.{split}: {none}{first}")


class _ChunkPreparer:
    """Prepares a chunk of documents; runs in each process."""

    def __init__(self, config: Config, rows: Rows) -> None:
        self.config = config
        self.rows = rows

    def __call__(self, chunk: list[Document | Rejected | Line]) -> PreparedChunk:
        made = self.rows([parse(item, self.config.data) for item in chunk])
        return PreparedChunk.of(made, type(self.rows), len(chunk))


def _stop_or_skip(config: DataConfig, rejected: Rejected) -> None:
    if config.on_error == "stop" and rejected.reason not in FILTERED:
        raise BertsumError(f"{rejected.place}: {rejected.problem} (data.on_error: skip goes on without it)")


def read_texts(config: Config, split: str) -> Iterator[Texts]:
    """A split's documents as text only, without an encoder: ``id``, ``sentences`` and ``references`` of each.

    Raises:
        BertsumError: if a document cannot be used and ``data.on_error`` is stop, or no document is left.
    """
    read_chunk = functools.partial(_read_chunk, config=config, split=split)
    count = 0
    chunks = _chunks(read_lines(config.data, split))
    for chunk in map_in_order(read_chunk, chunks, config.data.workers, _size):
        for row in chunk:
            if isinstance(row, Rejected):
                _stop_or_skip(config.data, row)
            else:
                count += 1
                yield row
    if not count:
        raise BertsumError(f"data.{split}: has no document that can be used")


def _read_chunk(chunk: list[Document | Rejected | Line], config: Config, split: str) -> list[Texts | Rejected]:
    documents = (parse(item, config.data) for item in chunk)
    return [item if isinstance(item, Rejected) else texts_of(item, config, split) for item in documents]


def _chunks(documents: Iterable[Document | Rejected | Line]) -> Iterator[list[Document | Rejected | Line]]:
    return chunks(documents, _CHUNK, lambda document: _size([document]), _CHUNK_BYTES)


def _size(chunk: Iterable[Document | Rejected | Line]) -> int:
    """Approximate bytes of memory for the texts of some documents."""
    chunk = list(chunk)
    lines = sum(2 * len(item.text) for item in chunk if isinstance(item, Line))  # the line and what is in it
    texts = [text for item in chunk if isinstance(item, Document) for text in (item.text, *item.references)]
    return lines + sum(map(text_size, texts))
