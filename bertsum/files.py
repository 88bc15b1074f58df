"""Reads text files; writes files and folders that are complete or absent, even if the program is killed."""

from __future__ import annotations

import codecs
import json
import os
import re
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any, TextIO

from bertsum.errors import BertsumError

SAMPLE_FOLDER = Path(__file__).parent / "data" / "sample"  # documents that come with the package
_LARGEST = 1 << 30  # bytes of a file that is read at once
# Longer marks first: the mark of UTF-32 begins like the mark of UTF-16.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def whole_content(source: Path | IO[bytes], name: str) -> bytes:
    """All bytes of a file or a stream, at once.

    Args:
        source: The file or the stream.
        name: Name for error messages.

    Raises:
        BertsumError: if it cannot be read, or does not end within 1 GiB, as a device does not.
    """
    try:
        with open(source, "rb") if isinstance(source, Path) else nullcontext(source) as file:
            data: bytes = file.read(_LARGEST + 1)
    except OSError as error:
        raise BertsumError(f"'{name}': cannot be read: {error.strerror}") from error
    if len(data) > _LARGEST:
        raise BertsumError(f"'{name}': larger than {_LARGEST >> 30} GiB, expected a text")
    return data


def sample_file(name: str | Path) -> Path | None:
    """The package's file for ``sample/NAME``; None for other names, or if the current folder has such a file."""
    folder, _, file = str(name).partition("/")
    path = SAMPLE_FOLDER / file
    return path if folder == "sample" and not Path(name).exists() and file and path.is_file() else None


def encoding_of(beginning: bytes, given: str | None = None) -> str:
    """The encoding of a text: the given one, else the one of its byte-order mark, else UTF-8.

    Raises:
        BertsumError: if the given encoding is unknown.
    """
    if given is None:
        return next((name for mark, name in _BYTE_ORDER_MARKS if beginning.startswith(mark)), "utf-8")
    try:
        known = codecs.lookup(given)
    except (LookupError, TypeError, ValueError):
        known = None
    if known is None or not getattr(known, "_is_text_encoding", True):  # "hex" encodes bytes
        raise BertsumError(f"encoding: got {given!r}, expected the name of an encoding such as utf-8 or cp1252")
    return known.name


_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def decode_text(data: bytes, name: str, encoding: str | None = None) -> str:
    """The text of a file or of standard input.

    Args:
        data: The whole content.
        name: Name for error messages.
        encoding: Encoding; by default from the byte-order mark, or UTF-8.

    Raises:
        BertsumError: if the data are not in that encoding or no text, or the encoding is unknown.
    """
    encoding = encoding_of(data[:4], encoding)
    try:
        text = data.decode(encoding)
    except UnicodeError as error:
        raise BertsumError(f"'{name}': {not_in(encoding, error)}") from error
    if (controls := len(_CONTROLS.findall(text))) > len(text) // 20:
        raise BertsumError(
            f"'{name}': no text, or not in {encoding.upper()}: {controls:,} of {len(text):,} characters are control "
            "characters"
        )
    return text


def not_in(encoding: str, error: UnicodeError) -> str:
    """Why a text is not in an encoding, and what to do."""
    where = f" (byte {error.start}: {error.reason})" if isinstance(error, UnicodeDecodeError) else f" ({error})"
    advice = "its encoding (--encoding cp1252)" if encoding.lower().startswith("utf") else "another encoding"
    return f"not {encoding.upper()} text{where}; name {advice}"


def read_json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a small file of JSON lines that a program wrote, each with its place for error messages.

    Raises:
        BertsumError: if the file cannot be read, or a line is not a JSON object.
    """
    try:
        text = path.read_text(encoding="utf-8").rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BertsumError(f"'{path}' cannot be read: {error}") from error
    for number, line in enumerate(text.split("\n") if text else [], start=1):  # other line ends may occur in a text
        place = f"{path} line {number}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BertsumError(f"{place}: not JSON: {error}") from error
        if not isinstance(record, dict):
            raise BertsumError(f"{place}: got {type(record).__name__}, expected an object with fields")
        yield place, record


def write_whole(path: Path, text: str) -> None:
    """Writes a text file under a temporary name, then renames it.

    Raises:
        BertsumError: if it cannot be written; an older file then stays.
    """
    try:
        replace_text(path, text)
    except (OSError, ValueError) as error:  # ValueError: characters that a file name or an encoding cannot have
        raise BertsumError(f"'{path}' cannot be written: {error}") from error


def replace_text(path: Path, text: str) -> None:
    """Like :func:`write_whole`, but raises an ``OSError`` as it is."""
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
    """Gives a text file to write to; it gets its name once the block has ended without an error.

    Raises:
        BertsumError: if it cannot be written; an older file then stays.
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
    """A file that grows, save by save, in an unfinished folder; a killed process loses only what it had not saved.

    ``progress.json`` beside the file holds the length and checksum of the saved bytes, and the caller's ``state`` at
    the same instant.

    Attributes:
        path: The file.
        length: Bytes saved.
        crc32: Checksum of these bytes.
        state: The state that the caller saved with these bytes; None before the first save.
    """

    def __init__(self, path: Path, resume: bool = True) -> None:
        """Opens the file at its last save, or starts it empty.

        Args:
            path: The file; its folder must exist.
            resume: Whether to go on from the last save.

        Raises:
            OSError: if the file cannot be written.
        """
        self.path = path
        progress = read_progress(path) if resume else None
        if progress is None or not path.is_file() or path.stat().st_size < progress["bytes"]:
            _progress_file(path).unlink(missing_ok=True)  # the old progress does not describe the new file
            progress = {"bytes": 0, "crc32": 0, "state": None}
        self.length: int = progress["bytes"]
        self.crc32: int = progress["crc32"]
        self.state: Any = progress["state"]
        self._file = open(path, "ab")  # noqa: SIM115  # closed by close
        self._file.truncate(self.length)  # drops a save that was interrupted

    def save(self, data: bytes, state: Any) -> None:
        """Appends data, waits until they are on the disk, then writes the state beside them.

        After a power failure, state and data may be those of the previous save.

        Args:
            data: Bytes to append.
            state: Values that JSON can hold.

        Raises:
            OSError: if they cannot be written; earlier saves stay.
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
        """Closes the file; all saves stay."""
        self._file.close()


def read_progress(path: Path) -> dict[str, Any] | None:
    """``bytes``, ``crc32`` and ``state`` of the last save of a :class:`GrowingFile`; None without a save."""
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
    """Gives a folder to write to; it gets its name once the block has ended without an error.

    Raises:
        BertsumError: if something cannot be written; the folder is then removed.
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
    """Removes a folder; a half-removed folder never has its name."""
    hidden = folder.with_name(f".{folder.name}.removed")
    try_remove(hidden)
    folder.rename(hidden)
    try_remove(hidden)


def try_remove(path: Path) -> None:
    """Removes a file or a folder if it exists and can be removed; of a link, only the link."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        try:
            path.unlink(missing_ok=True)
        except OSError:  # on a read-only disk; the caller reports another error
            return


def sync(path: Path) -> None:
    """Waits until a file, or a folder's list of names, is on the disk and so survives a power failure."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
