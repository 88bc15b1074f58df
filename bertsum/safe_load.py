"""Reads what ``torch.save`` wrote, without running what the file says.

A pickle can name any function of any library and call it. Here it may name tensors and plain containers, and the
classes of the authors' code, for which it gets a stand-in that only keeps what it is given; every other name is an
error that says which. ``torch.load`` has no part in it: it also reads programs and archives.
"""

from __future__ import annotations

import _compat_pickle
import collections
import functools
import io
import math
import pickle
import pickletools
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from bertsum.errors import BertsumError
from bertsum.text import sanitize

if TYPE_CHECKING:
    import torch

# Options and optimisers, as PreSumm and BertSum pickled them. Nothing of these modules is imported.
_STAND_IN_MODULES = ("argparse", "models", "torch.optim", "torch.nn.utils", "pytorch_pretrained_bert.optimization")
_CONTAINERS: dict[tuple[str, str], type] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("collections", "defaultdict"): collections.defaultdict,
    ("builtins", "dict"): dict,
    ("builtins", "set"): set,
    ("torch", "Size"): tuple,
}
_STORAGES = {
    "FloatStorage": "float32", "DoubleStorage": "float64", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool",
}  # fmt: skip
_REPEATED = 1_000_000  # numbers of an expanded tensor, which has fewer in its storage
_LEGACY_MAGIC, _LEGACY_PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


class StandIn:
    """An object of a class that is not loaded: keeps its state and does nothing.

    Attributes:
        state: What the file says its attributes were.
    """

    state: Any = None

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Refused(pickle.UnpicklingError):
    """The file names something that has no place in it."""


class _Broken(pickle.UnpicklingError):
    """The file contradicts itself."""


def _check_opcodes(stream: bytes) -> None:
    """Refuses what would starve or crash the reader itself: a huge memo, and tuples so deep that hashing one overflows.

    A checkpoint has a handful of tuples for each of its tensors, a shard has none.
    """
    tuples = 0
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and int(argument or 0) > len(stream):
            raise _Broken(f"it numbers an object {argument}, but has fewer")
        tuples += opcode.name in ("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "FROZENSET")
        if tuples > 20_000:
            raise _Broken("it has more tuples than any checkpoint")


class _Function:
    """What a file may call, and nothing else: it has no attributes that a file could set."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise _Broken("it sets attributes of a function")


def safe_load(path: str | Path) -> Any:
    """What the file holds: containers, plain values, tensors on the CPU, and :class:`StandIn` objects.

    Both the zip format and the one before torch 1.6 are read.

    Raises:
        BertsumError: if the file cannot be read, or names anything else.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            start = file.read(2)
            file.seek(0)
            if start == b"PK":
                return _read_zip(file)
            if start[:1] == b"\x80":
                return _read_legacy(file)
        raise _Broken("it is empty" if not start else "it does not begin as one")
    except _Refused as error:
        raise BertsumError(
            f"'{path}': refused: it asks for {sanitize(str(error))!r}, which has no place in weights, options or "
            "documents; nothing of it was run"
        ) from error
    except Exception as error:  # what a broken pickle raises depends on where it broke
        message = (sanitize(str(error)).strip().splitlines() or [""])[0]
        what = message if isinstance(error, _Broken | OSError) else f"{type(error).__name__}: {message}"
        raise BertsumError(f"'{path}': cannot be read as a file of torch.save: {what}") from error


def _read_zip(file: BinaryIO) -> Any:
    """Format of torch 1.6 and later: ``data.pkl``, and one entry a storage."""
    size = file.seek(0, io.SEEK_END)
    with zipfile.ZipFile(file) as archive:
        entries = {entry.filename.partition("/")[2]: entry for entry in archive.infolist()}
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries.values()):
            raise _Broken("it has compressed entries; torch.save writes none")
        if sum(entry.file_size for entry in archive.infolist()) > size:
            raise _Broken("its entries are longer than the file")
        if "data.pkl" not in entries:
            raise _Broken("it has no data.pkl")
        if "byteorder" in entries and archive.read(entries["byteorder"]) != sys.byteorder.encode():
            raise _Broken("its numbers are of the other byte order")
        storages: dict[str, torch.Tensor] = {}

        def storage(dtype: torch.dtype, key: str, count: int) -> torch.Tensor:
            import torch

            if key not in storages:
                if f"data/{key}" not in entries:
                    raise _Broken(f"it has no storage '{key}'")
                content = bytearray(archive.read(entries[f"data/{key}"]))
                storages[key] = torch.frombuffer(content, dtype=torch.uint8) if content else torch.empty(0)
            return _typed(storages[key], dtype, count)

        stream = archive.read(entries["data.pkl"])
        _check_opcodes(stream)
        return _Unpickler(io.BytesIO(stream), storage).load()


def _read_legacy(file: BinaryIO) -> Any:
    """Format before torch 1.6: five pickles, then the storages, each after its number of elements."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    storages: dict[str, torch.Tensor] = {}
    items: dict[str, int] = {}

    def storage(dtype: torch.dtype, key: str, count: int) -> torch.Tensor:
        import torch

        if key not in storages:
            have = sum(map(len, storages.values()))
            if count * dtype.itemsize > size - have:
                raise _Broken("its storages are longer than the file")
            storages[key] = torch.zeros(count * dtype.itemsize, dtype=torch.uint8)
            items[key] = dtype.itemsize
        return _typed(storages[key], dtype, count)

    def load(give_storage: Callable[[torch.dtype, str, int], torch.Tensor] | None = None) -> Any:
        start = file.tell()
        *_, (_, _, stop) = pickletools.genops(file)
        assert stop is not None
        file.seek(start)
        stream = file.read(stop + 1 - start)
        _check_opcodes(stream)
        return _Unpickler(io.BytesIO(stream), give_storage).load()

    if (load(), load()) != (_LEGACY_MAGIC, _LEGACY_PROTOCOL):
        raise _Broken("it does not begin as one")
    system = load()
    if not isinstance(system, dict) or system.get("little_endian") is not (sys.byteorder == "little"):
        raise _Broken("its numbers are of the other byte order")
    value, keys = load(storage), load()
    if not isinstance(keys, list) or set(keys) != storages.keys():
        raise _Broken("its storages are not those that its tensors name")
    for key in keys:  # the tensors are there already: views of these
        (count,) = struct.unpack("<q" if sys.byteorder == "little" else ">q", file.read(8))
        content = file.read(len(storages[key]))
        if count * items[key] != len(storages[key]) or len(content) != len(storages[key]):
            raise _Broken(f"its storage '{key}' is cut short")
        storages[key].numpy()[:] = memoryview(content)
    return value


def _typed(content: torch.Tensor, dtype: torch.dtype, count: int) -> torch.Tensor:
    """A storage's bytes as numbers."""
    if count * dtype.itemsize != len(content):
        raise _Broken(f"a storage of {len(content)} bytes stands for {count} numbers of {dtype.itemsize}")
    return content.view(dtype)


class _Unpickler(pickle.Unpickler):
    """Plain values, containers, tensors whose numbers ``storage`` gives, and stand-ins."""

    def __init__(self, file: BinaryIO, storage: Callable[[torch.dtype, str, int], torch.Tensor] | None = None) -> None:
        super().__init__(file, encoding="utf-8")
        self.storage = storage

    def find_class(self, module: str, name: str) -> Any:
        module = _compat_pickle.IMPORT_MAPPING.get(module, module)  # protocol 2 has Python 2's names
        if (module, name) in _CONTAINERS:
            return _CONTAINERS[module, name]
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        if module == "torch._utils" and name in ("_rebuild_tensor", "_rebuild_tensor_v2"):
            return _Function(_tensor)
        if module == "torch._utils" and name == "_rebuild_parameter":
            return _Function(lambda tensor, *_: tensor)
        stands_in = any(module == known or module.startswith(f"{known}.") for known in _STAND_IN_MODULES)
        if stands_in and name.isidentifier() and name[0].isupper():  # a class of that module, not a function
            return StandIn
        raise _Refused(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> torch.Tensor:
        """The numbers of ``("storage", type, key, location, count)``, all in one row."""
        import torch

        match pid:
            case ("storage", str(dtype), str(key), str(), int(count)) | (
                "storage",
                str(dtype),
                str(key),
                str(),
                int(count),
                None,
            ) if self.storage is not None and dtype in _STORAGES.values() and count >= 0:
                return _sealed(self.storage(getattr(torch, dtype), key, count))
        raise _Broken("it has an object beside it that is no storage of a known type")


def _tensor(numbers: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> torch.Tensor:
    """A tensor over a storage, within its bounds."""
    import torch

    if not isinstance(numbers, torch.Tensor) or not isinstance(shape, tuple):
        raise _Broken("a tensor has no storage")
    if math.prod(shape) > max(len(numbers), _REPEATED):  # torch checks the bounds
        raise _Broken("a tensor repeats its numbers too often")
    return _sealed(numbers.as_strided(shape, strides, offset))


def _sealed(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor, without the ``__setstate__`` that would let a file point it at other memory."""
    return tensor.as_subclass(_sealed_class())


@functools.cache
def _sealed_class() -> type[torch.Tensor]:
    import torch

    class Sealed(torch.Tensor):
        def __setstate__(self, state: Any) -> None:
            raise _Broken("it sets the state of a tensor")

    return Sealed
