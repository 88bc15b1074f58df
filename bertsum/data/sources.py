"""Where documents come from: files of any known format, and hub datasets; streamed, one document at a time."""

from __future__ import annotations

import glob
import gzip
import io
import itertools
import zlib
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import pyarrow as pa

from bertsum.config import DataConfig
from bertsum.data.documents import (
    Document,
    Fields,
    Line,
    Rejected,
    document_of,
    id_field,
    identified,
    parse,
    parse_json,
)
from bertsum.data.formats import READERS, UNLABELLED_READERS, FormatError, listed_files
from bertsum.errors import BertsumError
from bertsum.files import encoding_of, not_in, sample_file

JSON_LINES = (".jsonl", ".jsonl.gz")
SUFFIXES = (*JSON_LINES, *READERS)
UNLABELLED_SUFFIXES = (*SUFFIXES, *UNLABELLED_READERS)
LISTS = (".txt", ".json")  # ends of the names of lists of documents, for data.document_folders
AnyItem = TypeVar("AnyItem")
_ROUNDING = 1e-9  # 10 x 0.1 is one document


def source_files(config: DataConfig, split: str, labelled: bool = True) -> list[Path]:
    """The files of a split, sorted within each folder or glob.

    Args:
        config: The sources.
        split: train, validation or test.
        labelled: Whether documents need reference summaries; without them a folder's plain texts count, too.

    Raises:
        BertsumError: if the split is not configured, or a file, folder or glob matches nothing.
    """
    source = getattr(config, split)
    if not source:
        raise BertsumError(f"data.{split}: is not set, expected files of JSON lines or a split of data.dataset")
    suffixes = SUFFIXES if labelled else UNLABELLED_SUFFIXES
    files: list[Path] = []
    for pattern in [source] if isinstance(source, str) else source:
        path = sample_file(pattern) or Path(pattern).expanduser()
        if path.is_dir() and config.target_suffix is not None:
            raise BertsumError(f"data.{split}: '{pattern}' is a folder, expected text files with data.target_suffix")
        if path.is_dir():
            matches = sorted(file for file in path.iterdir() if file.name.endswith(suffixes))
            if not matches:
                raise BertsumError(f"data.{split}: folder '{pattern}' has no {' or '.join(suffixes)} files")
        elif path.exists():
            matches = [path]
        else:
            matches = sorted(Path(match) for match in glob.glob(str(path), recursive=True))
            if not matches:
                close = ", ".join(sorted(file.name for file in path.parent.glob("*.jsonl*"))[:5])
                there = f" (there: {close})" if close else ""
                raise BertsumError(f"data.{split}: '{pattern}' does not exist and matches no file{there}")
        for file in matches:
            if config.target_suffix is not None and _stem(file)[1] == config.target_suffix.removeprefix("."):
                continue  # the glob also matches the files with the summaries
            is_list = config.document_folders and file.name.endswith(LISTS)
            files += listed_files(file, split, config.document_folders or []) if is_list else [file]
    if not files and config.target_suffix is not None:
        raise BertsumError(f"data.{split}: has only files of data.target_suffix '{config.target_suffix}'")
    return files


def aligned_file(path: Path, suffix: str) -> Path:
    """The file with the summaries of the lines of ``path``: ``train.de`` beside ``train.en.gz``.

    Raises:
        BertsumError: if it is not there.
    """
    name = f"{_stem(path)[0]}.{suffix.removeprefix('.')}"
    zipped = path.name.endswith(".gz")
    names = [f"{name}.gz", name] if zipped else [name, f"{name}.gz"]
    found = next((file for file in map(path.with_name, names) if file.is_file()), None)
    if found is None:
        raise BertsumError(f"data.target_suffix: '{path}' has no '{names[0]}' or '{names[1]}' beside it")
    return found


def _stem(path: Path) -> tuple[str, str]:
    """The name of a text file without the last suffix, and that suffix, both without ``.gz``."""
    stem, _, suffix = path.name.removesuffix(".gz").rpartition(".")
    return stem or suffix, suffix


def read_files(config: DataConfig, split: str, labelled: bool = True) -> list[Path]:
    """All files that a split is read from, also those with summaries; arguments as in :func:`source_files`."""
    files = source_files(config, split, labelled)
    if config.target_suffix is None:
        return files
    return [file for path in files for file in (path, aligned_file(path, config.target_suffix))]


def is_hub_split(config: DataConfig, split: str) -> bool:
    """Whether a split is one of the hub dataset; a path stays a path even if data.dataset is set."""
    source = getattr(config, split)
    return config.dataset is not None and not (
        config.target_suffix is not None
        or isinstance(source, list)
        or (source and ("/" in source or source.endswith((*SUFFIXES, *LISTS))))
    )


def source_of(config: DataConfig, split: str) -> dict[str, Any]:
    """Where a split's documents come from: the hub's ``dataset`` and ``dataset_config``, and ``documents``: the name of
    the hub dataset's split, or paths.
    """
    of_hub = is_hub_split(config, split)
    return {
        "dataset": config.dataset if of_hub else None,
        "dataset_config": config.dataset_config if of_hub else None,
        "documents": getattr(config, split),
    }


def read_documents(config: DataConfig, split: str, labelled: bool = True) -> Iterator[Document | Rejected]:
    """Streams the documents of a split; a :class:`Rejected` takes the place of an unusable one.

    Args:
        config: The sources.
        split: train, validation or test.
        labelled: Whether a document without a reference summary is unusable.

    Raises:
        BertsumError: if the source as a whole cannot be read.
    """
    return (parse(item, config) for item in read_lines(config, split, labelled))


def read_lines(config: DataConfig, split: str, labelled: bool = True) -> Iterator[Document | Rejected | Line]:
    """Streams the documents of a split; lines of JSON come unparsed, for :func:`parse`."""
    numbers = itertools.count() if config.limit is None else iter(range(config.limit))
    if is_hub_split(config, split):
        yield from _documents(_hub_records(config, split), config, numbers, labelled)
    elif split == "train" and config.mixture is not None:
        assert isinstance(config.train, list)  # the config has checked it
        for part, share in zip(config.train, config.mixture, strict=True):
            yield from _repeated(_of_files(replace(config, train=part), split, numbers, labelled), share)
    else:
        yield from _of_files(config, split, numbers, labelled)


def _repeated(items: Iterator[AnyItem], share: float) -> Iterator[AnyItem]:
    """Repeats each item ``share`` times; 0.4 keeps two of five items, evenly spread."""
    for number, item in enumerate(items):
        yield from itertools.repeat(item, int((number + 1) * share + _ROUNDING) - int(number * share + _ROUNDING))


def _of_files(
    config: DataConfig, split: str, numbers: Iterator[int], labelled: bool
) -> Iterator[Document | Rejected | Line]:
    for path in source_files(config, split, labelled):
        if config.target_suffix is None:
            yield from _documents(_file_records(path, split, labelled), config, numbers, labelled)
        else:
            pairs = _aligned_lines(path, aligned_file(path, config.target_suffix))
            named = replace(config, document_field=None, summary_field=None, id_field=None)
            yield from _documents(pairs, named, numbers, labelled)


def read_to_summarize(
    path: Path,
    file: BinaryIO,
    document_field: str | None,
    id_field: str | None,
    encoding: str | None = None,
    query_field: str | None = None,
) -> Iterator[Document | Rejected]:
    """Streams the documents of JSON lines to be summarised, with or without references.

    Args:
        path: Name of the file; ``.gz`` files are decompressed.
        file: The opened file; its position shows how much has been read.
        document_field: Field of the document; by default the first of the usual names.
        id_field: Field of the id; by default the first of the usual names.
        encoding: Encoding of the file; by default that of its byte-order mark, or UTF-8.
        query_field: Field of a query; by default query. A record may lack it.

    Raises:
        BertsumError: if the file cannot be read to its end.
    """
    config = DataConfig(document_field=document_field, id_field=id_field, query_field=query_field)
    for item in _documents(_json_lines(path, file, encoding), config, itertools.count(), labelled=False):
        yield parse(item, config)


def read_lines_of_text(path: Path, file: BinaryIO, encoding: str | None = None) -> Iterator[str | Rejected]:
    """Streams the lines of a plain text, each without its end; or why a line cannot be read.

    Args:
        path: Name of the file; ``.gz`` files are decompressed.
        file: The opened file, with a method ``peek``.
        encoding: Encoding of the file; by default that of its byte-order mark, or UTF-8.

    Raises:
        BertsumError: if the file cannot be read to its end.
    """
    for place, line in _lines(path, file, encoding):
        if isinstance(line, Rejected):
            yield line
            continue
        try:
            yield line.decode("utf-8", errors="surrogatepass").removeprefix("\ufeff").rstrip("\r\n")
        except UnicodeDecodeError as error:
            yield Rejected(place, "not UTF-8", not_in("utf-8", error))


def _documents(
    records: Iterator[tuple[str, Any]], config: DataConfig, numbers: Iterator[int], labelled: bool = True
) -> Iterator[Document | Rejected | Line]:
    """The documents of one file or hub dataset, until ``numbers`` run out."""
    fields: Fields | None = None
    for (place, record), number in zip(records, numbers, strict=False):
        if isinstance(record, bytes):
            if fields is not None:
                yield Line(record, place, number, fields)
                continue
            record = parse_json(record, place)
        if fields is None and isinstance(record, dict) and not (labelled and "clss" in record):
            settled = Fields.of(config, record, place, labelled)
            if isinstance(settled, Rejected):
                yield identified(settled, record, id_field(config, record))
                continue
            fields = settled
        yield document_of(record, fields, config, place, number)


def _file_records(path: Path, split: str, labelled: bool) -> Iterator[tuple[str, Any]]:
    if path.name.endswith(JSON_LINES):
        yield from _json_lines(path)
        return
    readers = _BY_SUFFIX if labelled else [*_BY_SUFFIX, *UNLABELLED_READERS.items()]
    reader = next((reader for suffix, reader in readers if path.name.endswith(suffix)), None)
    if reader is None:
        suffixes = SUFFIXES if labelled else UNLABELLED_SUFFIXES
        raise BertsumError(
            f"data.{split}: '{path}' has a name of no known format, expected {', '.join(suffixes)}; a list of "
            "documents needs data.document_folders, and plain text without summaries needs model.kind masked_lm"
        )
    try:
        yield from reader(path)
    except _UNREADABLE as error:
        known = isinstance(error, BertsumError | FormatError | OSError)
        what = str(error) if known else f"cannot be read: {type(error).__name__}: {error}"
        yield str(path), Rejected(str(path), "unreadable file", what)


# Errors that readers, and the json, xml and torch formats under them, raise about a bad file.
_UNREADABLE = (BertsumError, OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, SyntaxError)
_BY_SUFFIX = sorted(READERS.items(), key=lambda item: -len(item[0]))  # .story.json before .json


def _json_lines(
    path: Path, opened: BinaryIO | None = None, encoding: str | None = None
) -> Iterator[tuple[str, bytes | Rejected]]:
    for place, line in _lines(path, opened, encoding):
        if isinstance(line, Rejected) or line.strip():
            yield place, line


def _aligned_lines(path: Path, target: Path) -> Iterator[tuple[str, Any]]:
    """The pairs of lines of a file and the file with its summaries or translations."""
    pairs = itertools.zip_longest(_lines(path), _lines(target))
    for number, (source, aligned) in enumerate(pairs):
        if source is None or aligned is None:
            longer = 1 + number + sum(1 for _ in pairs)
            counts = (number, longer) if source is None else (longer, number)
            raise BertsumError(
                f"data.target_suffix: '{path}' has {counts[0]} lines and '{target}' {counts[1]}, expected as many"
            )
        yield source[0], _pair(source, aligned)


def _pair(source: tuple[str, bytes | Rejected], target: tuple[str, bytes | Rejected]) -> dict[str, str] | Rejected:
    texts = []
    for place, line in (source, target):
        if isinstance(line, Rejected):
            return line
        try:
            text = line.decode("utf-8", errors="surrogatepass").removeprefix("\ufeff").strip()
        except UnicodeDecodeError as error:
            return Rejected(place, "not UTF-8", not_in("utf-8", error))
        if not text:
            return Rejected(place, "empty line", "the line is empty, expected a text on each line of both files")
        texts.append(text)
    return {"document": texts[0], "summary": texts[1]}


def _lines(
    path: Path, opened: BinaryIO | None = None, encoding: str | None = None
) -> Iterator[tuple[str, bytes | Rejected]]:
    """The lines of a file, each with its place."""
    zipped = path.name.endswith(".gz")
    number = 0
    try:
        if zipped and not path.stat().st_size:
            raise EOFError("it is empty, which no gzip file is")
        with (
            nullcontext(opened) if opened else open(path, "rb") as plain,
            gzip.open(plain) if zipped else plain as file,
        ):
            read_line = _line_reader(file, encoding)
            while line := read_line(LONGEST_LINE + 1):
                number += 1
                place = f"{path} line {number}"
                if len(line) > LONGEST_LINE:
                    while line and not line.endswith(b"\n"):
                        line = read_line(1 << 20)
                    problem = f"longer than {LONGEST_LINE >> 20} MiB, expected one document a line"
                    yield place, Rejected(place, "line too long", problem)
                else:
                    yield place, line
    except UnicodeError as error:
        raise BertsumError(f"{path} after line {number}: {not_in(encoding or 'utf-16', error)}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise BertsumError(f"{path} after line {number}: cannot be read: {error}") from error


def _line_reader(file: Any, encoding: str | None) -> Callable[[int], bytes]:
    """Reads lines as UTF-8 from an opened file of any encoding: the rest of a line, or at most so many bytes of it."""
    encoding = encoding_of(file.peek(4)[:4], encoding)
    if encoding in ("utf-8", "utf-8-sig"):
        read_line: Callable[[int], bytes] = file.readline
        return read_line
    text = io.TextIOWrapper(file, encoding=encoding, newline="\n")  # other line ends may occur in JSON's strings
    return lambda most: text.readline(most).encode("utf-8", errors="surrogatepass")


# More than any book; without a limit, a few bytes of gzip or JSON may fill all memory.
LONGEST_LINE = 1 << 24


def _hub_records(config: DataConfig, split: str) -> Iterator[tuple[str, dict[str, Any]]]:
    dataset = load_hub_split(config, split)
    place = f"{config.dataset} {getattr(config, split) or split} record"
    number = -1
    try:
        for number, record in enumerate(dataset):
            yield f"{place} {number}", record
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BertsumError(f"{place} {number + 1}: cannot be read: {error}") from error


def load_hub_split(config: DataConfig, split: str) -> Any:
    """A memory-mapped split of the hub dataset.

    Raises:
        BertsumError: if the dataset, configuration or split does not exist, or the hub cannot be reached.
    """
    import datasets

    name = getattr(config, split) or split
    assert config.dataset is not None
    try:
        return datasets.load_dataset(config.dataset, config.dataset_config, split=name)
    except Exception as error:  # datasets and its file systems raise errors of a dozen libraries
        which = f"'{config.dataset}'" + (f" ({config.dataset_config})" if config.dataset_config else "")
        raise BertsumError(
            f"data.dataset: {which} split '{name}' cannot be loaded: {error or type(error).__name__}. Without a "
            "connection to the hub, give files of JSON lines: --data.dataset null --data.train FILE ..."
        ) from error
