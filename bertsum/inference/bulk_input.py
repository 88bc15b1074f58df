"""Opens what :func:`bertsum.summarize_file` summarises: JSON lines, a table, a folder or a pattern."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from bertsum.data.documents import Document, Rejected
from bertsum.errors import BertsumError
from bertsum.inference.reading import Asked
from bertsum.inference.summarizer import Options, Summarizer
from bertsum.reading.documents import is_one_table
from bertsum.reading.many import Named, documents_of
from bertsum.reading.tables import read_rows


class Item(NamedTuple):
    """A document as it was read.

    Attributes:
        id: Its id; None if it has none.
        place: Where it was read.
        document: What the summarizer takes, or the error that tells why there is nothing.
        position: How far the source was read then: bytes of a file, documents of a folder.
    """

    id: str | None
    place: str
    document: Any
    position: int

    @classmethod
    def of(cls, row: Named | Document | Rejected, own_queries: bool, position: int) -> Item:
        """A row of a table, or a JSON line, with its own query if that is wanted; or a file with its name."""
        if isinstance(row, tuple):
            name, text = row
            return cls(name, name, text, position)
        if isinstance(row, Rejected):
            return cls(row.id, row.place, BertsumError(row.problem), position)
        return cls(row.id, row.place, Asked(row.text, row.query) if own_queries else row.text, position)


@contextmanager
def opened(
    source: Path,
    encoding: str | None,
    own_queries: bool,
    document_field: str | None,
    id_field: str | None,
    query_field: str | None = None,
) -> Iterator[tuple[Iterator[Item], int | None]]:
    """The documents of a source, and its size in bytes; None for a folder or pattern, whose documents are counted.

    Args:
        source: JSON lines, a table, a folder or a pattern.
        encoding: Encoding of texts.
        own_queries: Whether the rows of tables may have queries.
        document_field: The column of the document.
        id_field: The column of the id.
        query_field: The column of the query.

    Raises:
        BertsumError: if it cannot be read.
    """
    if not is_one_table(str(source)):
        found = documents_of(str(source), document_field, id_field, encoding, query_field)
        yield (Item.of(one, own_queries, number) for number, one in enumerate(found, 1)), None
        return
    with (
        _binary(source) as file,
        closing(read_rows(source, file, document_field, id_field, encoding, query_field)) as rows,
    ):
        yield (Item.of(row, own_queries, file.tell()) for row in rows), source.stat().st_size


def _binary(source: Path) -> BinaryIO:
    try:
        return open(source, "rb")
    except OSError as error:
        raise BertsumError(f"source: '{source}' cannot be read: {error.strerror}") from error


def check_queries(summarizer: Summarizer, source: Path, query_field: str | None, options: Options) -> None:
    """Checks that there is one source of queries, and a model that takes them."""
    query = options.get("query")
    if isinstance(query, Iterable) and not isinstance(query, str):  # a resumed call would not know where to go on
        raise BertsumError("query: got several, expected one for all documents; put them into a field (query_field)")
    if query_field is not None and query is not None:
        raise BertsumError("query: got one for all documents and a field of queries, expected one of the two")
    if query_field is not None and source.is_dir():
        raise BertsumError(
            f"query_field: names a column or a field, and '{source}' is a folder; expected a table, JSON lines, or a "
            "pattern such as 'folder/*.csv'"
        )
    if query_field is not None and not summarizer.answers:
        asked: Options = {"query": ""}
        summarizer.stream([], **asked)  # tells why not
