"""Summarises files of any number of documents, in constant memory; an interrupted call can be resumed."""

from __future__ import annotations

import gzip
import json
import os
import signal
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bertsum.data.fingerprints import describe_file, describe_files
from bertsum.data.sources import JSON_LINES
from bertsum.encoders.tensors import checksum
from bertsum.errors import BertsumError, NoSummaryError, Stopped
from bertsum.files import GrowingFile, encoding_of, read_progress, sync, try_remove
from bertsum.inference.bulk_input import Item, check_queries, opened
from bertsum.inference.summarizer import BUFFER, Options, Summarizer, Summary
from bertsum.progress import Progress
from bertsum.reading.documents import TABLES, has_many, is_one_table
from bertsum.reading.many import files_of
from bertsum.text import plain, sanitize

if TYPE_CHECKING:
    from typing_extensions import Unpack

_ANEW = "begin anew (remove it, or resume=False)"
_GO_ON = "the same command goes on from there (in Python, with resume=True)"


@dataclass(frozen=True)
class FileSummaries:
    """The file that :func:`summarize_file` wrote.

    Attributes:
        path: The file.
        documents: Documents in the file, one a line.
        errors: Documents with an error in place of a summary.
    """

    path: Path
    documents: int
    errors: int

    def __str__(self) -> str:
        without = f", {self.errors:,} of them without a summary (field error)" if self.errors else ""
        return f"{self.documents:,} documents in {self.path}{without}"


def summarize_file(
    summarizer: Summarizer,
    source: str | Path,
    target: str | Path,
    *,
    document_field: str | None = None,
    id_field: str | None = None,
    query_field: str | None = None,
    encoding: str | None = None,
    resume: bool = True,
    progress: bool = True,
    buffer: int = BUFFER,
    **options: Unpack[Options],
) -> FileSummaries:
    """Summarises each document of a file of JSON lines, of a table or of a folder, of any size.

    The target has one line for each document, in the same order: ``id``, ``summary``, ``sentences``, ``indices`` and
    ``scores``; or ``id`` and ``error`` if it cannot be summarised. The id is text: the document's number if it has
    none, and the file's name in a folder.
    Written summaries have no ``indices`` and ``scores``, but also ``leans_on`` and ``unsupported``; answers to a query
    also have ``query`` and ``spans``.
    The target is complete or absent. It grows in a hidden folder beside it; after any interruption, the same call
    resumes.

    Args:
        summarizer: The summarizer.
        source: JSON lines, plain or gzipped (``.jsonl``, ``.jsonl.gz``), a table (``.csv``, ``.tsv``, ``.parquet``), a
            folder, or a pattern such as ``notes/*.md``.
        target: File for the summaries; gzipped if its name ends with ``.gz``.
        document_field: Field or column of the document; by default document, article, text, source or src.
        id_field: Field of the id; by default id or paper_id. If the id is neither text nor a whole number, it is the
            document's number.
        query_field: Field of the query that the sentences are to answer. By default it is ``query``, if the source has
            that field, the model was trained with queries, and the options have no query for all documents.
        encoding: Encoding of the source; by default that of its byte-order mark, or UTF-8.
        resume: Resume an interrupted call; otherwise begin again, and replace an existing target.
        progress: Show progress on standard error: a bar on a terminal, elsewhere a line every half minute.
        buffer: At most this many documents are summarised and saved together.
        options: Options of a call of the summarizer.

    Raises:
        NoSummaryError: if no document can be summarised; the target is then not written.
        BertsumError: if the source cannot be read or the target not be written; with ``resume``, also if the target
            exists or was begun with another source, model or options.
    """
    source, target = Path(source), Path(target)
    target = target.resolve() if target.is_symlink() else target  # the link stays one
    _check_names(source, target)
    check_queries(summarizer, source, query_field, options)
    fields = {"document_field": document_field, "id_field": id_field}
    fields |= {} if query_field is None else {"query_field": query_field}
    made_of = _made_of(summarizer, source, fields, encoding, options)
    summarizer.stream([], buffer=buffer, **options)  # checks the options before anything is written
    own_queries = summarizer.answers and options.get("query") is None
    writer = _Writer(target, made_of, resume)
    with _explained(target, writer), opened(source, encoding, own_queries, **fields) as (items, size), writer:
        unit = "documents" if size is None else "bytes"
        with Progress(f"summarize {source.name}", size, unit, shown=progress) as shown:
            _summarize_rest(summarizer, items, writer, shown, buffer, options)
            return writer.finish()


def _summarize_rest(
    summarizer: Summarizer,
    items: Iterator[Item],
    writer: _Writer,
    shown: Progress,
    buffer: int,
    options: Options,
) -> None:
    """Summarises the documents that the writer does not have yet, and saves them buffer by buffer."""
    start, reached = writer.documents, 0
    waiting: deque[Item] = deque()

    def documents() -> Iterator[Any]:
        nonlocal reached
        for item in islice(items, start, None):
            waiting.append(item)
            reached = item.position
            yield item.document

    for answer in summarizer.stream(documents(), buffer=buffer, start=start, errors="return", **options):
        writer.add(_line(waiting.popleft(), writer.documents, answer))
        if not waiting:  # the end of a buffer
            writer.save()
            shown.note(f"{writer.documents:,} documents")
            shown.update(reached - shown.count)


def _check_names(source: Path, target: Path) -> None:
    if not is_one_table(str(source)) and not has_many(str(source)):
        tables = f"{' or '.join(JSON_LINES)}, a table ({', '.join(TABLES)}) or a folder"
        raise BertsumError(f"source: '{source}' is not named as JSON lines, expected {tables}")
    if not target.name.endswith(JSON_LINES):
        raise BertsumError(f"target: '{target}' is not named as JSON lines, expected {' or '.join(JSON_LINES)}")
    if source.resolve() == target.resolve():
        raise BertsumError(f"target: '{target}' is the source itself, expected another file")


def _made_of(
    summarizer: Summarizer, source: Path, fields: dict[str, str | None], encoding: str | None, options: Options
) -> dict[str, Any]:
    """What a target depends on; an interrupted call is resumed only if all of it is equal."""
    given = {name: plain(value) for name, value in options.items() if value is not None}
    given.pop("max_tokens_per_batch", None)
    return {
        "source": describe_file(source) if is_one_table(str(source)) else _describe_many(str(source)),
        **fields,
        **({} if encoding is None else {"encoding": encoding_of(b"", encoding)}),
        "model": _describe_model(summarizer),
        "precision": summarizer.arithmetic,
        "long_documents": "truncate" if summarizer.model.writes else "window",
        **given,
    }


def _describe_many(source: str) -> list[Any]:
    return [source, *describe_files(files_of(source))]  # ids begin with the source's name


@contextmanager
def _explained(target: Path, writer: _Writer) -> Iterator[None]:
    """If a target cannot be written, or a signal comes, the error also tells what is kept and how to resume."""
    try:
        yield
    except BrokenPipeError:  # nobody reads the messages; not about the target
        raise
    except OSError as error:
        raise BertsumError(
            f"target: '{target}' cannot be written: {error}"
            + (f". What is written already is kept; {_GO_ON}" if writer.saved else "")
        ) from error
    except KeyboardInterrupt as error:
        number = error.signal if isinstance(error, Stopped) else signal.SIGINT
        raise Stopped(number, f"after {writer.saved:,} documents; {_GO_ON}") from None


def _describe_model(summarizer: Summarizer) -> str:
    config = json.dumps(asdict(summarizer.model.config), sort_keys=True)
    return f"{checksum(summarizer.model.state_dict())}{zlib.crc32(config.encode()):08x}"


def _line(item: Item, number: int, answer: Summary | BertsumError) -> dict[str, Any]:
    """A document's line of the target."""
    identity = str(number) if item.id is None else item.id
    if isinstance(answer, BertsumError):
        problem = str(answer) if item.place in str(answer) else f"{item.place}: {answer}"
        return {"id": identity, "error": sanitize(problem)}  # a file's name may be any bytes
    line = {
        "id": identity,
        "summary": answer.text,
        "sentences": answer.sentences,
        "indices": answer.indices,
        "scores": [round(score, 6) for score in answer.scores],
    }
    if answer.query:
        line |= {"query": answer.query, "spans": answer.spans}
    return line | {"leans_on": answer.leans_on, "unsupported": answer.unsupported} if answer.is_written else line


class _Writer:
    """Writes a target in an unfinished folder beside it; after an interruption it resumes from the last save.

    Each save of a ``.gz`` is one gzip member, so that the file can be cut after any save.

    Attributes:
        documents: Documents so far.
        saved: Documents that would survive an interruption.
    """

    def __init__(self, target: Path, made_of: dict[str, Any], resume: bool) -> None:
        from filelock import FileLock

        self.documents = self.saved = 0
        self._target = target
        self._folder = target.with_name(f".{target.name}.unfinished")
        self._part = self._folder / "part"
        self._lock = FileLock(self._folder / "lock", timeout=0)
        self._resume = resume
        self._made_of = json.loads(json.dumps(made_of))
        self._waiting: list[str] = []
        self._errors = 0
        self._first_error = ""
        self._file: GrowingFile | None = None  # None if the target is finished

    def __enter__(self) -> _Writer:
        from filelock import Timeout

        if self._resume and self._target.exists() and not self._folder.exists():
            raise self._exists()
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise BertsumError(
                f"target: another process is writing '{self._target}'; wait for it, or end it"
            ) from error
        try:
            self._begin()
        except BaseException:
            self._lock.release()
            raise
        return self

    def _begin(self) -> None:
        """Resumes an interrupted call with the same source, model and options, or begins."""
        progress = read_progress(self._part)
        before = progress["state"] if progress is not None else None
        if self._resume and self._target.exists() and (before is None or not self._part.exists()):
            if before is None:
                try_remove(self._folder)  # nothing saved is in it: a call was killed as it began or ended
                raise self._exists()
            if before["made_of"] != self._made_of:
                raise self._exists()
        else:
            if self._resume and before is not None:
                self._check_made_of(before["made_of"])
            self._file = GrowingFile(self._part, self._resume)
            before = self._file.state
        if before is not None:
            self.documents = self.saved = before["documents"]
            self._errors, self._first_error = before["errors"], before["first_error"]

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        try:
            if self._file is not None:
                self._file.close()
            if isinstance(error, BertsumError) and not self.saved:  # there is nothing to resume
                try_remove(self._folder)
        finally:
            self._lock.release()

    def _exists(self) -> BertsumError:
        return BertsumError(f"target: '{self._target}' exists already; choose another name, or {_ANEW}")

    def _check_made_of(self, was: dict[str, Any]) -> None:
        """Checks that an interrupted call had the same source, model and options.

        Raises:
            BertsumError: if not; the message names the difference.
        """
        now = self._made_of
        differences = [
            f"{name}: was {was.get(name)}, is {now.get(name)}"
            for name in sorted({*was, *now})
            if was.get(name) != now.get(name)
        ]
        if differences:
            raise BertsumError(
                f"target: '{self._target}' was begun with other values and interrupted ({'; '.join(differences)}); "
                f"resume with the old values, choose another name, or {_ANEW}"
            )

    def add(self, line: dict[str, Any]) -> None:
        """Adds the next document's line."""
        self._waiting.append(json.dumps(line, ensure_ascii=False) + "\n")
        self.documents += 1
        self._errors += "error" in line
        self._first_error = self._first_error or line.get("error", "")

    def save(self) -> None:
        """Writes the lines added since the last save to the disk."""
        assert self._file is not None
        data = "".join(self._waiting).encode()
        if self._target.suffix == ".gz":
            data = gzip.compress(data, compresslevel=6, mtime=0)
        state = {
            "documents": self.documents,
            "errors": self._errors,
            "first_error": self._first_error,
            "made_of": self._made_of,
        }
        self._file.save(data, state)
        self._waiting, self.saved = [], self.documents

    def finish(self) -> FileSummaries:
        """Gives the file its final name, unless an interrupted call already did.

        Raises:
            NoSummaryError: if every line has an error.
        """
        if self.documents and self._errors == self.documents and self._file is not None:
            try_remove(self._folder)
            raise NoSummaryError(
                f"none of {self.documents:,} documents could be summarised, so '{self._target}' was not written. The "
                f"first: {self._first_error}"
            )
        if self._file is not None:
            if not self._file.length:  # an empty file is no gzip file
                self.save()
            os.replace(self._part, self._target)
            sync(self._target.parent)
        for path in (self._part, self._folder / "lock"):  # the progress last: it tells a killed call that this is done
            try_remove(path)
        try_remove(self._folder)
        return FileSummaries(self._target, self.documents, self._errors)
