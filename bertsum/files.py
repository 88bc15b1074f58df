"""Text out of files; files and folders that are complete or absent, at whatever instant a program is killed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from bertsum.errors import BertsumError


def decode_text(data: bytes, name: str) -> str:
    """The text of a file or of standard input.

    Raises:
        BertsumError: if it is not UTF-8; ``name`` says which.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BertsumError(f"'{name}': not UTF-8 text (byte {error.start}: {error.reason})") from error


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
    """The same for those who explain an ``OSError`` themselves."""
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
