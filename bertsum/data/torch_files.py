"""Files of ``torch.save`` that someone else made: read by torch's restricted reader, which runs nothing of them.

A pickle can name any function of any library and call it. torch's reader lets a file name tensors and plain containers.
Here it may also name the classes of the authors' code, for which it gets a stand-in that only keeps what it is given.
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

# Options and optimisers, as PreSumm and BertSum pickled them. Nothing of these modules is imported.
_STAND_INS = re.compile(
    r"(argparse|models|torch\.optim|torch\.nn\.utils|pytorch_pretrained_bert\.optimization)(\.[a-z_]\w*)*\.[A-Z]\w*"
)
_REFUSED = re.compile(r"(?:GLOBAL|global) ([^\s\"]+)")
_MOST_TUPLES = 20_000  # a checkpoint has a handful for each of its tensors; hashing a deep one would crash Python
_MOST_CLASSES = 50


class StandIn:
    """An object of a class that is not loaded: keeps its state and does nothing.

    Attributes:
        state: What the file says its attributes were.
    """

    state: Any = None

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __setstate__(self, state: Any) -> None:
        self.state = state


def _default_dict(*_: Any) -> OrderedDict[Any, Any]:
    """What an optimiser's ``defaultdict`` is read as; torch's reader fills no other."""
    return OrderedDict()


def safe_load(path: str | Path) -> Any:
    """What the file holds: containers, plain values, tensors on the CPU, and :class:`StandIn` objects.

    Both the zip format and the one before torch 1.6 are read.

    Raises:
        BertsumError: if the file cannot be read, or names anything else.
    """
    path = Path(path)
    allowed: dict[str, Any] = {"builtins.dict": dict, "collections.defaultdict": _default_dict}
    try:
        _check_size(path)
        while len(allowed) < _MOST_CLASSES:
            try:
                return _load(path, allowed)
            except Exception as error:
                name = _refused_name(error)
                if name is None or not _STAND_INS.fullmatch(name) or name in allowed:
                    raise
                allowed[name] = type(name, (StandIn,), {})
        raise ValueError(f"it names more than {_MOST_CLASSES} classes")
    except Exception as error:  # what a broken file raises depends on where it broke
        name = _refused_name(error)
        if name is not None:
            raise BertsumError(
                f"'{path}': refused: it asks for {sanitize(name)!r}, which has no place in weights, options or "
                "documents; nothing of it was run"
            ) from error
        text = str(error).rpartition("WeightsUnpickler error: ")[2]  # before it torch says what not to do
        first = (sanitize(text).strip().splitlines() or [type(error).__name__])[0]
        raise BertsumError(f"'{path}': cannot be read as a file of torch.save: {first}") from error


def _load(path: Path, allowed: dict[str, Any]) -> Any:
    import torch

    classes: list[Any] = [(stand_in, name) for name, stand_in in allowed.items()]
    with torch.serialization.safe_globals(classes), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about protocols and formats of other versions
        return torch.load(path, map_location="cpu", weights_only=True)


def _refused_name(error: Exception) -> str | None:
    """The class or function that torch's reader does not let a file name."""
    text = str(error)
    match = _REFUSED.search(text) if "Unsupported global" in text or "unsupported GLOBAL" in text else None
    return match[1] if match else None


def _check_size(path: Path) -> None:
    """Refuses what would starve or crash the reader itself.

    Raises:
        ValueError: saying what.
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
