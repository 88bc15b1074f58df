"""Reads ``torch.save`` files of other people with torch's restricted reader, which runs no code from them.

A pickle can call any function of any library. torch's reader only allows tensors and plain containers. This module also
allows the classes of the authors' code, and replaces each by a stand-in that only keeps its state.
"""

from __future__ import annotations

import pickletools
import re
import warnings
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

from bertsum.errors import BertsumError
from bertsum.text import sanitize

# Options and optimisers in pickles of PreSumm and BertSum. These modules are never imported.
_STAND_INS = re.compile(
    r"(argparse|models|torch\.optim|torch\.nn\.utils|pytorch_pretrained_bert\.optimization)(\.[a-z_]\w*)*\.[A-Z]\w*"
)
_REFUSED = re.compile(r"(?:GLOBAL|global) ([^\s\"]+)")
_MOST_TUPLES = 20_000  # a checkpoint has a few for each tensor; hashing a deep tuple would crash Python
_MOST_CLASSES = 50


class StandIn:
    """An object of a class that is not loaded: keeps its state and does nothing.

    Attributes:
        state: The object's attributes, as in the file.
    """

    state: Any = None

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __setstate__(self, state: Any) -> None:
        self.state = state


def _default_dict(*_: Any) -> OrderedDict[Any, Any]:
    """Replaces an optimiser's ``defaultdict``, which torch's reader cannot fill, by an ``OrderedDict``."""
    return OrderedDict()


def safe_load(path: str | Path) -> Any:
    """The content of a file: containers, plain values, tensors on the CPU, and :class:`StandIn` objects.

    It reads the zip format and the format before torch 1.6.

    Raises:
        BertsumError: if the file cannot be read, or names any other class or function.
    """
    path = Path(path)
    allowed: dict[str, Any] = {"builtins.dict": dict, "collections.defaultdict": _default_dict}
    try:
        _check_size(path)
        while len(allowed) < _MOST_CLASSES:
            try:
                return _load(path, allowed)
            except Exception as error:  # which kind depends on the version of torch
                name = _refused_name(error)
                if name is None or not _STAND_INS.fullmatch(name) or name in allowed:
                    raise
                allowed[name] = type(name, (StandIn,), {})
        raise ValueError(f"it names more than {_MOST_CLASSES} classes")
    except Exception as error:  # the error depends on where the file is broken
        name = _refused_name(error)
        if name is not None:
            raise BertsumError(
                f"'{path}': refused: it asks for {sanitize(name)!r}, which has no place in weights, options or "
                "documents; nothing of it was run"
            ) from error
        text = str(error).rpartition("WeightsUnpickler error: ")[2]  # the text before it is torch's advice
        first = (sanitize(text).strip().splitlines() or [type(error).__name__])[0]
        raise BertsumError(f"'{path}': cannot be read as a file of torch.save: {first}") from error


def _load(path: Path, allowed: dict[str, Any]) -> Any:
    import torch

    classes: list[Any] = [(stand_in, name) for name, stand_in in allowed.items()]
    with torch.serialization.safe_globals(classes), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about protocols and formats of other versions
        return torch.load(path, map_location="cpu", weights_only=True)


def _refused_name(error: Exception) -> str | None:
    """The class or function that torch's reader has refused."""
    text = str(error)
    match = _REFUSED.search(text) if "Unsupported global" in text or "unsupported GLOBAL" in text else None
    return match[1] if match else None


def _check_size(path: Path) -> None:
    """Checks that a file will not exhaust or crash the reader.

    Raises:
        ValueError: if it would; the message says why.
    """
    with open(path, "rb") as file:
        start = file.read(2)
        if start != b"PK":
            file.seek(0)
            for _ in range(5 if start[:1] == b"\x80" else 0):  # the pickles of the format before torch 1.6
                _check_tuples(file)
            return
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ValueError("it has compressed entries; torch.save writes none")
        if sum(entry.file_size for entry in entries) > path.stat().st_size:
            raise ValueError("its entries are longer than the file")
        for entry in entries:
            if entry.filename.endswith("/data.pkl"):
                _check_tuples(archive.read(entry))


def _check_tuples(stream: Any) -> None:
    tuples = 0
    for opcode, _, _ in pickletools.genops(stream):
        tuples += opcode.name.startswith("TUPLE")
        if tuples > _MOST_TUPLES:
            raise ValueError("it has more tuples than any checkpoint")
