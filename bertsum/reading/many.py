"""Reads all documents of a folder or a pattern, each with a name."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from pathlib import Path

from bertsum.data.documents import Document, Rejected
from bertsum.errors import BertsumError
from bertsum.reading.documents import SUFFIXES, is_table, read_document
from bertsum.reading.tables import read_rows
from bertsum.reading.text import FileText
from bertsum.text import sanitize

Named = tuple[str, "FileText | BertsumError"]


def files_of(source: str) -> list[Path]:
    """The files of a folder and its subfolders that can be read, or those that a pattern matches; sorted.

    Raises:
        BertsumError: if there is none.
    """
    folder = Path(source)
    if folder.is_dir():
        found = (Path(parent) / name for parent, _, names in os.walk(folder) for name in names)
        files = [path for path in found if path.suffix.lower() in SUFFIXES and not _is_hidden(path, folder)]
    else:
        files = [*map(Path, glob.glob(source, recursive=True))]
    # A pipe would never end. A link to nothing is a document that cannot be read.
    files = [path for path in files if path.is_file() or not path.exists()]
    if not files:
        wanted = (
            f"has no file of {', '.join(SUFFIXES)}; a pattern such as '{source}/*.csv' reads tables"
            if folder.is_dir()
            else "matches no file"
        )
        raise BertsumError(f"'{source}': {wanted}")
    return sorted(files)


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def documents_of(
    source: str,
    document_field: str | None = None,
    id_field: str | None = None,
    encoding: str | None = None,
    query_field: str | None = None,
) -> Iterator[Named | Document | Rejected]:
    """Streams the documents of a folder or pattern: a row of each table, and the name and text of each other file.

    An error takes the place of a file that cannot be read.

    Args:
        source: A folder or a pattern.
        document_field: The column of tables among the files with the documents.
        id_field: Their column with the names of documents.
        encoding: Encoding of texts.
        query_field: The tables' column of a query.

    Raises:
        BertsumError: if the source as a whole cannot be read.
    """
    for path in files_of(source):
        name = sanitize(str(path))
        try:
            if is_table(path.name):
                with open(path, "rb") as file:
                    yield from read_rows(path, file, document_field, id_field, encoding, query_field)
            else:
                yield name, read_document(path, encoding=encoding)
        except OSError as error:
            yield name, BertsumError(f"'{name}': cannot be read: {error.strerror or error}")
        except BertsumError as error:
            yield name, error
