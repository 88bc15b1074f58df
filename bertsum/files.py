"""Text out of files; files and folders that are complete or absent, at whatever instant a program is killed."""

from __future__ import annotations

import codecs
import json
import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from bertsum.errors import BertsumError

# The longer marks first: that of UTF-32 begins as that of UTF-16 does.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def encoding_of(beginning: bytes, given: str | None = None) -> str:
    """The encoding of a text: the one that was given, else that of its byte-order mark, else UTF-8.

    Raises:
        BertsumError: if there is no encoding of the given name.
    """
    if given is None:
        return next((name for mark, name in _BYTE_ORDER_MARKS if beginning.startswith(mark)), "utf-8")
    try:
        return codecs.lookup(given).name
    except LookupError as error:
        raise BertsumError(
            f"encoding: got '{given}', expected the name of an encoding such as utf-8 or cp1252"
        ) from error


def decode_text(data: bytes, name: str, encoding: str | None = None) -> str:
    """The text of a file or of standard input.

    Args:
        data: All of it.
        name: What it is called in an error.
        encoding: Its encoding; by default that of its byte-order mark, or UTF-8.

    Raises:
        BertsumError: if it is not in that encoding, or there is no such encoding.
    """
    encoding = encoding_of(data[:4], encoding)
    try:
        return data.decode(encoding)
    except UnicodeError as error:
        raise BertsumError(f"'{name}': {not_in(encoding, error)}") from error


def not_in(encoding: str, error: UnicodeError) -> str:
    """Why a text is not in an encoding, and what to do."""
    where = f" (byte {error.start}: {error.reason})" if isinstance(error, UnicodeDecodeError) else f" ({error})"
    return f"not {encoding.upper()} text{where}; name its encoding (--encoding cp1252)"


def read_json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a small file of JSON lines that a program wrote, each with its place for an error.

    Raises:
        BertsumError: if the file cannot be read, or a line is not a JSON object.
    """
    try:
        text = path.read_text(encoding="utf-8").rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BertsumError(f"'{path}' cannot be read: {error}") from error
    for number, line in enumerate(text.split("\n") if text else [], start=1):  # other line ends may stand in a text
        place = f"{path} line {number}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BertsumError(f"{place}: not JSON: {error}") from error
        if not isinstance(record, dict):
            raise BertsumError(f"{place}: got {type(record).__name__}, expected an object with fields")
        yield place, record


def write_whole(path: Path, text: str) -> None:
    """Writes a text file beside its place, then renames it.

    Raises:
        BertsumError: if it cannot be written; what was there before stays.
    """
    try:
        replace_text(path, text)
    except (OSError, ValueError) as error:  # ValueError: characters that no file name or encoding has
        raise BertsumError(f"'{path}' cannot be written: {error}") from error


def replace_text(path: Path, text: str) -> None:
    """Like :func:`write_whole`, but lets an ``OSError`` through."""
    beside = path.with_name(f".{path.name}.unfinished")
    try:
        beside.write_text(text, encoding="utf-8")
        sync(beside)
        os.replace(beside, path)
    except OSError:
        try_remove(beside)
        raise


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """Gives a text file to write to, which takes its name when the block has ended without an error.

    Raises:
        BertsumError: if it cannot be written; what was there before stays.
    """
    beside = path.with_name(f".{path.name}.unfinished")
    try:
        with open(beside, "w", encoding="utf-8") as file:
            yield file
        sync(beside)
        os.replace(beside, path)
    except BaseException as error:
        try_remove(beside)
        if isinstance(error, OSError | UnicodeEncodeError):
            raise BertsumError(f"'{path}' cannot be written: {error}") from error
        raise


class GrowingFile:
    """A file that grows, save by save, in an unfinished folder: a process that is killed loses what it had not saved.

    Beside it stands ``progress.json``: length and checksum of what was saved, and a ``state`` of the caller's, which
    are those of the same instant.

    Attributes:
        path: The file.
        length: Bytes saved.
        crc32: Checksum of these bytes.
        state: What the caller saved with them; None before the first save.
    """

    def __init__(self, path: Path, resume: bool = True) -> None:
        """Opens the file at its last save, or begins it anew.

        Args:
            path: Its folder is there.
            resume: Whether to go on from the last save.

        Raises:
            OSError: if it cannot be written.
        """
        self.path = path
        progress = read_progress(path) if resume else None
        if progress is None or not path.is_file() or path.stat().st_size < progress["bytes"]:
            _progress_file(path).unlink(missing_ok=True)  # or it would seem to tell of what is written now
            progress = {"bytes": 0, "crc32": 0, "state": None}
        self.length: int = progress["bytes"]
        self.crc32: int = progress["crc32"]
        self.state: Any = progress["state"]
        self._file = open(path, "ab")  # noqa: SIM115  # closed by close
        self._file.truncate(self.length)  # what was written in the middle of a save

    def save(self, data: bytes, state: Any) -> None:
        """Appends data, and waits until it is on the disk, then puts the state beside it.

        After a power failure the state may be that of the save before, with its data.

        Args:
            data: What comes behind all that was saved.
            state: Values such as JSON has.

        Raises:
            OSError: if they cannot be written; what was saved before stays.
        """
        self._file.write(data)
        self._file.flush()
        os.fsync(self._file.fileno())
        self.length += len(data)
        self.crc32 = zlib.crc32(data, self.crc32)
        self.state = state
        progress = {"bytes": self.length, "crc32": self.crc32, "state": state}
        replace_text(_progress_file(self.path), json.dumps(progress))

    def close(self) -> None:
        """Closes the file; what was saved stays."""
        self._file.close()


def read_progress(path: Path) -> dict[str, Any] | None:
    """``bytes``, ``crc32`` and ``state`` of the last save of a :class:`GrowingFile`; None where there is none."""
    try:
        progress = json.loads(_progress_file(path).read_text(encoding="utf-8"))
        whole = progress.keys() == {"bytes", "crc32", "state"} and progress["bytes"] >= 0 <= progress["crc32"]
        return progress if whole else None
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return None


def _progress_file(path: Path) -> Path:
    return path.with_name("progress.json")


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Gives a folder to write to, which takes its name when the block has ended without an error.

    Raises:
        BertsumError: if something cannot be written; nothing is left of it.
    """
    beside = folder.with_name(f".{folder.name}.unfinished")
    try:
        try_remove(beside)
        beside.mkdir(parents=True)
        yield beside
        for file in beside.rglob("*"):
            sync(file)
        sync(beside)
        beside.rename(folder)
        sync(folder.parent)
    except BaseException as error:
        try_remove(beside)
        if isinstance(error, OSError):
            raise BertsumError(f"'{folder}' cannot be written: {error}") from error
        raise


def remove_folder(folder: Path) -> None:
    """Removes a folder so that at no instant half of it stands under its name."""
    hidden = folder.with_name(f".{folder.name}.removed")
    try_remove(hidden)
    folder.rename(hidden)
    try_remove(hidden)


def try_remove(path: Path) -> None:
    """Removes a file or a folder if it is there and can be removed; a link, not what it points to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        try:
            path.unlink(missing_ok=True)
        except OSError:  # on a read-only disk; the caller has its own error to report
            return


def sync(path: Path) -> None:
    """Waits until a file or a folder's list of names is on the disk, so that it outlives a power failure."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
