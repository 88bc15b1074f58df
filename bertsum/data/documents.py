"""A document and its reference summaries, streamed from files of any known format and from hub datasets."""

from __future__ import annotations

import glob
import gzip
import io
import itertools
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from bertsum.config import DataConfig
from bertsum.data.formats import READERS, FormatError, listed_files
from bertsum.errors import BertsumError
from bertsum.files import encoding_of, not_in
from bertsum.text import sanitize

DOCUMENT_FIELDS = ("document", "article", "text", "source", "src")
SUMMARY_FIELDS = ("summary", "highlights", "target", "abstract", "tgt")
ID_FIELDS = ("id", "paper_id")
JSON_LINES = (".jsonl", ".jsonl.gz")
SUFFIXES = (*JSON_LINES, *READERS)
LISTS = (".txt", ".json")  # of documents, with data.document_folders
_NAMED = 20  # fields in a message
_MOST_SENTENCES = 1_000_000  # of a document; each takes far more memory than its few bytes in a file
SAMPLE_FOLDER = Path(__file__).parent / "sample"


@dataclass(frozen=True)
class Document:
    """One document as read: not split, labelled or encoded yet.

    Attributes:
        id: Its id, or its number where it has none that is text or a whole number.
        text: The document, one string or its sentences.
        references: Reference summaries, each one string or its sentences; none for a document to be summarised.
        place: Where it was read, such as ``train.jsonl.gz line 812``.
    """

    id: str
    text: str | list[str]
    references: list[str | list[str]]
    place: str


@dataclass(frozen=True)
class EncodedDocument(Document):
    """A document that the authors' code has split, labelled and encoded (a ``.bert.pt`` shard).

    Attributes:
        input_ids: Tokens of the whole document (T), not cut to the encoder's length yet.
        cls_positions: Position of each sentence's [CLS] in ``input_ids`` (S).
        labels: 1 for sentences of the oracle (S).
    """

    input_ids: list[int]
    cls_positions: list[int]
    labels: list[int]


@dataclass(frozen=True)
class Rejected:
    """A document that cannot be used.

    Attributes:
        place: Where it was read.
        reason: A short name of the reason, for counting.
        problem: What is wrong and what would be right.
        id: Its id, where it has one.
    """

    place: str
    reason: str
    problem: str
    id: str | None = None


@dataclass(frozen=True)
class Line:
    """A line of JSON that is not parsed yet: whoever prepares the document does that, in a process of its own.

    Attributes:
        text: The line.
        place: Where it was read.
        number: Its document's number.
        fields: The names of its file's fields.
    """

    text: bytes
    place: str
    number: int
    fields: _Fields


def source_files(config: DataConfig, split: str) -> list[Path]:
    """The files of a split, sorted within each folder or glob.

    Raises:
        BertsumError: if the split is not configured, or a file, folder or glob matches nothing.
    """
    source = getattr(config, split)
    if not source:
        raise BertsumError(f"data.{split}: is not set, expected files of JSON lines or a split of data.dataset")
    files: list[Path] = []
    for pattern in [source] if isinstance(source, str) else source:
        path = SAMPLE_FOLDER / Path(pattern).name if pattern.startswith("sample/") else Path(pattern).expanduser()
        if path.is_dir():
            found = sorted(file for file in path.iterdir() if file.name.endswith(SUFFIXES))
            if not found:
                raise BertsumError(f"data.{split}: folder '{pattern}' has no {' or '.join(SUFFIXES)} files")
        elif path.exists():
            found = [path]
        else:
            found = sorted(Path(match) for match in glob.glob(str(path), recursive=True))
            if not found:
                close = ", ".join(sorted(file.name for file in path.parent.glob("*.jsonl*"))[:5])
                there = f" (there: {close})" if close else ""
                raise BertsumError(f"data.{split}: '{pattern}' does not exist and matches no file{there}")
        for file in found:
            is_list = config.document_folders and file.name.endswith(LISTS)
            files += listed_files(file, split, config.document_folders or []) if is_list else [file]
    return files


def is_hub_split(config: DataConfig, split: str) -> bool:
    """Whether a split names one of the hub dataset; a path stays a path even where data.dataset is set."""
    source = getattr(config, split)
    return config.dataset is not None and not (
        isinstance(source, list) or (source and ("/" in source or source.endswith((*SUFFIXES, *LISTS))))
    )


def source_of(config: DataConfig, split: str) -> dict[str, Any]:
    """Where a split's documents come from: ``dataset`` and ``dataset_config`` of the hub, and ``documents``, which are
    the name of the split there, or paths.
    """
    of_hub = is_hub_split(config, split)
    return {
        "dataset": config.dataset if of_hub else None,
        "dataset_config": config.dataset_config if of_hub else None,
        "documents": getattr(config, split),
    }


def read_documents(config: DataConfig, split: str) -> Iterator[Document | Rejected]:
    """Streams the documents of a split; whatever cannot be used comes as :class:`Rejected`, in its place.

    Raises:
        BertsumError: if the source as a whole cannot be read.
    """
    return (parse(item, config) for item in read_lines(config, split))


def read_lines(config: DataConfig, split: str) -> Iterator[Document | Rejected | Line]:
    """Does what :func:`read_documents` does, but leaves lines of JSON to :func:`parse`."""
    numbers = itertools.count() if config.limit is None else iter(range(config.limit))
    if is_hub_split(config, split):
        yield from _documents(_hub_records(config, split), config, numbers)
    else:
        for path in source_files(config, split):
            yield from _documents(_file_records(path, split), config, numbers)


def read_to_summarize(
    path: Path, file: BinaryIO, document_field: str | None, id_field: str | None, encoding: str | None = None
) -> Iterator[Document | Rejected]:
    """Streams the documents of JSON lines that are to be summarised, whether they have references or not.

    Args:
        path: Name of the file; one that ends with ``.gz`` is decompressed.
        file: The file, opened; its place tells how much has been read.
        document_field: Field of the document; by default the first of the usual names.
        id_field: Field of its id; by default the first of the usual names.
        encoding: Encoding of the file; by default that of its byte-order mark, or UTF-8.

    Raises:
        BertsumError: if the file cannot be read to its end.
    """
    config = DataConfig(document_field=document_field, id_field=id_field)
    for item in _documents(_json_lines(path, file, encoding), config, itertools.count(), labelled=False):
        yield parse(item, config)


def _documents(
    records: Iterator[tuple[str, Any]], config: DataConfig, numbers: Iterator[int], labelled: bool = True
) -> Iterator[Document | Rejected | Line]:
    """The documents of one file or hub dataset, as long as there are numbers for them."""
    fields: _Fields | None = None
    for (place, record), number in zip(records, numbers, strict=False):
        if isinstance(record, bytes):
            if fields is not None:
                yield Line(record, place, number, fields)
                continue
            record = _parse(record, place)
        if fields is None and isinstance(record, dict) and not (labelled and "clss" in record):
            settled = _Fields.of(config, record, place, labelled)
            if isinstance(settled, Rejected):
                yield _identified(settled, record, _id_field(config, record))
                continue
            fields = settled
        yield _of_record(record, fields, config, place, number)


def parse(item: Document | Rejected | Line, config: DataConfig) -> Document | Rejected:
    """The document of a line."""
    if not isinstance(item, Line):
        return item
    return _of_record(_parse(item.text, item.place), item.fields, config, item.place, item.number)


def _of_record(record: Any, fields: _Fields | None, config: DataConfig, place: str, number: int) -> Document | Rejected:
    if isinstance(record, Rejected):
        return record
    if not isinstance(record, dict):
        return Rejected(place, "not an object", f"got {type(record).__name__}, expected a JSON object")
    if "clss" in record and (fields is None or fields.summary is not None):
        return _encoded_document(record, place, number)
    assert fields is not None  # settled by the file's first such record, this one or one before
    return _identified(_document(record, fields, config, place, number), record, fields.id)


@dataclass(frozen=True)
class _Fields:
    """The names of a file's fields, settled on its first record that has them."""

    document: str
    summary: str | None
    id: str | None

    @staticmethod
    def of(config: DataConfig, record: Mapping[str, Any], place: str, labelled: bool) -> _Fields | Rejected:
        names = []
        meanings = (
            ("document", config.document_field, DOCUMENT_FIELDS),
            ("summary", config.summary_field, SUMMARY_FIELDS),
        )
        for meaning, given, known in meanings if labelled else meanings[:1]:
            name = given or next((field for field in known if field in record), None)
            if name is None or name not in record:
                expected = f"'{given}'" if given else " or ".join(known)
                problem = (
                    f"no field for the {meaning}: expected {expected} (fields: {_names(record)}); "
                    f"name it with {'data.' if labelled else ''}{meaning}_field"
                )
                return Rejected(place, f"no {meaning}", problem)
            names.append(name)
        return _Fields(names[0], names[1] if labelled else None, _id_field(config, record))


def _id_field(config: DataConfig, record: Mapping[str, Any]) -> str | None:
    return config.id_field or next((field for field in ID_FIELDS if field in record), None)


def _identity(record: Mapping[str, Any], field: str | None) -> str | None:
    """The id of a record as text; None where it has none, or one that is neither text nor a whole number."""
    value = None if field is None else record.get(field)
    return sanitize(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _identified(item: Document | Rejected, record: Mapping[str, Any], field: str | None) -> Document | Rejected:
    """What was rejected, with the id of its record."""
    return item if isinstance(item, Document) else replace(item, id=_identity(record, field))


def _names(record: Mapping[str, Any]) -> str:
    names = [sanitize(str(name))[:40] for name in itertools.islice(record, _NAMED)]
    return ", ".join([*names, "..."] if len(record) > _NAMED else names) or "none"


def _document(
    record: Mapping[str, Any], fields: _Fields, config: DataConfig, place: str, number: int
) -> Document | Rejected:
    for name in (fields.document, fields.summary):
        if name is not None and name not in record:
            return Rejected(place, f"no field '{name}'", f"field '{name}' is missing (fields: {_names(record)})")
        if name is not None and record[name] is None:
            return Rejected(place, f"null in '{name}'", f"field '{name}' is null, expected text or a list of sentences")
    identity = _identity(record, fields.id) or str(number)
    text = record[fields.document]
    wrong = _wrong_text(text, fields.document)
    if wrong:
        return Rejected(place, wrong[0], wrong[1])
    if fields.summary is None:
        return Document(identity, _clean(text), [], place)
    summary = record[fields.summary]
    several = isinstance(summary, list) and (
        config.summary_list == "references" or any(isinstance(item, list) for item in summary)
    )
    references = summary if several else [summary]
    if not references:
        return Rejected(place, f"empty '{fields.summary}'", f"field '{fields.summary}' has no reference")
    for reference in references:
        wrong = _wrong_text(reference, fields.summary)
        if wrong:
            return Rejected(place, wrong[0], wrong[1])
    return Document(identity, _clean(text), [_clean(reference) for reference in references], place)


def _wrong_text(value: Any, name: str) -> tuple[str, str] | None:
    """Why a value is not text or a list of sentences with something in it: (reason, problem)."""
    if isinstance(value, list):
        if len(value) > _MOST_SENTENCES:
            return (
                f"too many items in '{name}'",
                f"field '{name}': {len(value)} items, expected at most {_MOST_SENTENCES}",
            )
        for position, item in enumerate(value):
            if not isinstance(item, str):
                found = "null" if item is None else type(item).__name__
                return f"not text in '{name}'", f"field '{name}' item {position}: got {found}, expected a sentence"
    elif not isinstance(value, str):
        found = type(value).__name__
        return f"not text in '{name}'", f"field '{name}': got {found}, expected text or a list of sentences"
    if not "".join(value).strip():
        return f"empty '{name}'", f"field '{name}' is empty"
    return None


def _clean(text: str | list[str]) -> str | list[str]:
    return sanitize(text) if isinstance(text, str) else [sanitize(sentence) for sentence in text]


def _encoded_document(record: Mapping[str, Any], place: str, number: int) -> EncodedDocument | Rejected:
    """A record of the authors' shards; PreSumm and BertSum name its labels differently."""
    label_field = "src_sent_labels" if "src_sent_labels" in record else "labels"
    numbers: list[list[int]] = []
    for name in ("src", "clss", label_field):
        values = record.get(name)
        if not isinstance(values, list) or not all(type(value) is int and 0 <= value < 2**31 for value in values):
            return Rejected(place, f"bad '{name}'", f"field '{name}': expected a list of whole numbers")
        numbers.append(values)
    input_ids, cls_positions, labels = numbers
    sentences, summary = record.get("src_txt"), record.get("tgt_txt")
    wrong = None if isinstance(sentences, list) else ("bad 'src_txt'", "field 'src_txt': expected a list of sentences")
    wrong = wrong or _wrong_text(sentences, "src_txt") or _wrong_text(summary, "tgt_txt")
    if wrong:
        return Rejected(place, wrong[0], wrong[1])
    assert isinstance(sentences, list) and isinstance(summary, str | list)
    count = len(cls_positions)
    ascending = all(a < b for a, b in itertools.pairwise([-1, *cls_positions, len(input_ids)]))
    if not (ascending and count == len(labels) and count <= len(sentences) and set(labels) <= {0, 1}):
        problem = (
            f"{len(input_ids)} tokens, {count} positions in 'clss', {len(labels)} labels and {len(sentences)} "
            "sentences do not belong together"
        )
        return Rejected(place, "inconsistent", problem)
    references = [_clean(summary.split("<q>") if isinstance(summary, str) else summary)]
    identity = _identity(record, "id") or str(number)
    return EncodedDocument(identity, _clean(sentences), references, place, input_ids, cls_positions, labels)


def _file_records(path: Path, split: str) -> Iterator[tuple[str, Any]]:
    if path.name.endswith(JSON_LINES):
        yield from _json_lines(path)
        return
    reader = next((reader for suffix, reader in _BY_SUFFIX if path.name.endswith(suffix)), None)
    if reader is None:
        raise BertsumError(
            f"data.{split}: '{path}' has a name of no known format, expected {', '.join(SUFFIXES)}; a list of "
            "documents needs data.document_folders"
        )
    try:
        yield from reader(path)
    except _UNREADABLE as error:
        known = isinstance(error, BertsumError | FormatError | OSError)
        what = str(error) if known else f"cannot be read: {type(error).__name__}: {error}"
        yield str(path), Rejected(str(path), "unreadable file", what)


# What readers, and the json, xml and torch formats under them, raise about a file that is not right.
_UNREADABLE = (BertsumError, OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, SyntaxError)
_BY_SUFFIX = sorted(READERS.items(), key=lambda item: -len(item[0]))  # .story.json before .json


def _json_lines(
    path: Path, opened: BinaryIO | None = None, encoding: str | None = None
) -> Iterator[tuple[str, bytes | Rejected]]:
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
            while line := read_line(_LONGEST_LINE + 1):
                number += 1
                place = f"{path} line {number}"
                if len(line) > _LONGEST_LINE:
                    while line and not line.endswith(b"\n"):
                        line = read_line(1 << 20)
                    problem = f"longer than {_LONGEST_LINE >> 20} MiB, expected one document a line"
                    yield place, Rejected(place, "line too long", problem)
                elif line.strip():
                    yield place, line
    except UnicodeError as error:
        raise BertsumError(f"{path} after line {number}: {not_in(encoding or 'utf-16', error)}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise BertsumError(f"{path} after line {number}: cannot be read: {error}") from error


def _line_reader(file: Any, encoding: str | None) -> Callable[[int], bytes]:
    """Reads lines in UTF-8 from an opened file, whatever its encoding: the rest of a line, or so many bytes of it."""
    encoding = encoding_of(file.peek(4)[:4], encoding)
    if encoding in ("utf-8", "utf-8-sig"):
        read_line: Callable[[int], bytes] = file.readline
        return read_line
    text = io.TextIOWrapper(file, encoding=encoding, newline="\n")  # other line ends may stand in JSON's strings
    return lambda most: text.readline(most).encode("utf-8", errors="surrogatepass")


# More than any book; a few bytes of gzip, or of JSON, may otherwise fill all memory.
_LONGEST_LINE = 1 << 24


def _parse(line: bytes, place: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        return Rejected(place, "not JSON", f"not JSON: {error}; expected one object a line")


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
        BertsumError: if there is no such dataset, configuration or split, or no way to reach the hub.
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
