"""Reads documents from tables (.csv, .tsv, .parquet), row by row; one column holds the text."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

from bertsum.config import DataConfig
from bertsum.data.documents import Document, Fields, Rejected, document_of, identified
from bertsum.data.documents import id_field as named_id
from bertsum.data.sources import read_to_summarize
from bertsum.errors import BertsumError
from bertsum.files import encoding_of
from bertsum.reading.documents import TABLES

_QUOTED = re.compile('"[^"]*"')
_LONGEST = 1 << 24  # characters of a field
_ROWS = 64  # of a Parquet file, read at once
# What the package csv says, in other words.
_EXPLAINED = {"unexpected end of data": "a quotation mark opens a text here, and none closes it"}


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
    rows = _parquet(path, file) if path.name.lower().endswith(".parquet") else _csv(path, file, encoding)
    with closing(rows):  # before the file is
        for number, (record, problem) in enumerate(rows):
            place = f"{path} row {number + 1}"
            if problem is not None:
                yield identified(Rejected(place, "broken row", problem), record, named_id(config, record))
                continue
            if fields is None:
                settled = Fields.of(config, record, str(path), labelled=False)
                if isinstance(settled, Rejected):
                    raise BertsumError(f"{path}: {settled.problem}")
                fields = settled
            yield document_of(record, fields, config, place, number)


Row = tuple[dict[str, Any], str | None]  # fields by column, as far as they are sure, and what is wrong with them


def _parquet(path: Path, file: BinaryIO) -> Generator[Row, None, None]:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    try:
        for batch in parquet.ParquetFile(file).iter_batches(batch_size=_ROWS):
            named = batch.rename_columns(_distinct(batch.schema.names))
            yield from ((record, None) for record in named.to_pylist())
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BertsumError(f"{path}: cannot be read: {error}") from error


def _distinct(names: Sequence[str]) -> list[str]:
    """Names of columns; those that stand several times get numbers, so that none is taken for another."""
    times, seen = Counter(names), Counter[str]()
    distinct = []
    for name in names:
        seen[name] += 1
        distinct.append(f"{name} ({seen[name]})" if times[name] > 1 else name)
    return distinct


def _csv(path: Path, file: BinaryIO, encoding: str | None) -> Generator[Row, None, None]:
    """The rows of a table of text. A field in quotes may have line breaks."""
    beginning = file.read(4096)
    file.seek(0)
    known = encoding_of(beginning[:4], encoding)
    first = beginning.decode(known, errors="ignore").lstrip("\ufeff").partition("\n")[0]
    delimiter = "\t" if path.name.lower().endswith(".tsv") else max(",;\t", key=_QUOTED.sub("", first).count)
    # The limit is the process's. It is only raised: put back, it would cut what another thread reads.
    csv.field_size_limit(max(_LONGEST, csv.field_size_limit()))
    text = io.TextIOWrapper(file, known, errors="surrogateescape", newline="")
    try:
        rows = _table_rows(text, delimiter, known)
        names, problem = next(rows, ([], None))
        if problem is not None:
            raise BertsumError(f"{path}: {problem}")
        names = _distinct([name.removeprefix("\ufeff").strip() for name in names])
        for row, problem in rows:
            if len(row) != len(names):
                has = f"has {len(row)} columns, expected {len(names)} as in the first line; quote a text that has one"
                problem = problem or has
                row = row[:1]  # behind a field too many, or too few, the others are in wrong columns
            yield dict(zip(names, row, strict=False)), problem
    except (OSError, UnicodeError) as error:
        raise BertsumError(f"{path}: cannot be read: {error}") from error
    finally:
        text.detach()  # the caller closes the file


def _table_rows(text: io.TextIOWrapper, delimiter: str, encoding: str) -> Iterator[tuple[list[str], str | None]]:
    """The fields of each row, and what is wrong with it."""
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    while True:
        begin = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield [], f"line {begin}: {_EXPLAINED.get(str(error), error)}"
            continue
        try:
            "".join(row).encode()  # a byte that is not in the encoding is half a character here
        except UnicodeEncodeError:
            yield row, f"line {begin}: not {encoding.upper()} text; name its encoding (--encoding cp1252)"
            continue
        if row:
            yield row, None
