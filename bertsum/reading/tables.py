"""Reads documents from tables (.csv, .tsv, .parquet), row by row; one column holds the text."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from bertsum.config import DataConfig
from bertsum.data.documents import Document, Fields, Rejected, document_of
from bertsum.data.sources import read_to_summarize
from bertsum.errors import BertsumError
from bertsum.files import encoding_of
from bertsum.reading.documents import TABLES

_BLOCK = 1 << 24  # bytes: a row may not be longer
_ROWS = 64  # of a Parquet file, read at once


def read_rows(
    path: Path,
    file: BinaryIO,
    document_field: str | None,
    id_field: str | None,
    encoding: str | None = None,
    query_field: str | None = None,
) -> Generator[Document | Rejected, None, None]:
    """Streams the documents of a table, or of JSON lines.

    Args:
        path: Name of the file; its end tells the kind.
        file: The opened file; its position shows how much has been read.
        document_field: The column of the document; by default the first of the usual names.
        id_field: The column of the id; by default the first of the usual names.
        encoding: Encoding of a text file; by default that of its byte-order mark, or UTF-8.
        query_field: The column of a query; by default query, if there is one.

    Raises:
        BertsumError: if the file cannot be read to its end, or has no such column.
    """
    if not path.name.lower().endswith(TABLES):
        yield from read_to_summarize(path, file, document_field, id_field, encoding, query_field)
        return
    config = DataConfig(document_field=document_field, id_field=id_field, query_field=query_field)
    fields: Fields | None = None
    batches = _parquet(file) if path.name.lower().endswith(".parquet") else _csv(path, file, encoding)
    try:
        for number, record in enumerate(record for batch in batches for record in batch.to_pylist()):
            place = f"{path} row {number + 1}"
            if fields is None:
                settled = Fields.of(config, record, str(path), labelled=False)
                if isinstance(settled, Rejected):
                    raise BertsumError(f"{path}: {settled.problem}")
                fields = settled
            yield document_of(record, fields, config, place, number)
    except (pa.ArrowException, OSError, UnicodeError, ValueError) as error:
        raise BertsumError(f"{path}: cannot be read: {error}") from error
    finally:
        batches.close()  # a reader of CSV reads ahead, and may abort a program that ends meanwhile


def _parquet(file: BinaryIO) -> Generator[Any, None, None]:
    import pyarrow.parquet as parquet

    yield from parquet.ParquetFile(file).iter_batches(batch_size=_ROWS)


def _csv(path: Path, file: BinaryIO, encoding: str | None) -> Generator[Any, None, None]:
    """The rows of a table of text; every column is text, and a field in quotes may have line breaks."""
    import pyarrow.csv as csv

    beginning = file.read(4096)
    file.seek(0)
    known = encoding_of(beginning[:4], encoding)
    first = beginning.decode(known, errors="ignore").lstrip("\ufeff").partition("\n")[0]
    delimiter = "\t" if path.name.lower().endswith(".tsv") else max(",;\t", key=first.count)
    names = [name.strip().strip('"') for name in re.split(re.escape(delimiter), first.rstrip("\r"))]
    with csv.open_csv(
        file,
        csv.ReadOptions(block_size=_BLOCK, encoding=known, use_threads=False),
        csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        csv.ConvertOptions(column_types={name: pa.string() for name in names}, strings_can_be_null=False),
    ) as reader:
        yield from reader
