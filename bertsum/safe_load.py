"""Reads what ``torch.save`` wrote, without running what the file says.

A pickle can name any function of any library and call it. Here it may name tensors and plain containers, and the
classes of the authors' code, for which it gets a stand-in that only keeps what it is given; every other name is an
error that says which.
"""

from __future__ import annotations

import _compat_pickle
import collections
import io
import pickle
import tarfile
import types
import zipfile
from pathlib import Path
from typing import Any

from bertsum.errors import BertsumError
from bertsum.text import sanitize

# Options and optimisers, as PreSumm and BertSum pickled them. Nothing of these modules is imported.
_STAND_IN_MODULES = ("argparse", "models", "torch.optim", "torch.nn.utils", "pytorch_pretrained_bert.optimization")


class StandIn:
    """An object of a class that is not loaded: keeps its state and does nothing.

    Attributes:
        state: What the file says its attributes were.
    """

    def __init__(self, *_: Any, **__: Any) -> None:
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Refused(pickle.UnpicklingError):
    """The file names something that has no place in it."""


_CONTAINERS: dict[tuple[str, str], type] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("collections", "defaultdict"): collections.defaultdict,
    ("builtins", "dict"): dict,
    ("builtins", "set"): set,
    ("torch", "Size"): tuple,
}
_REBUILD = ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_parameter")


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        module = _compat_pickle.IMPORT_MAPPING.get(module, module)  # protocol 2 has Python 2's names
        if (module, name) in _CONTAINERS:
            return _CONTAINERS[module, name]
        if module == "torch._utils" and name in _REBUILD:
            import torch._utils

            function = getattr(torch._utils, name)
            return lambda *arguments: function(*arguments)  # not torch's own, whose attributes a file could set
        stands_in = any(module == known or module.startswith(f"{known}.") for known in _STAND_IN_MODULES)
        if stands_in and name.isidentifier() and name[0].isupper():  # a class of that module, not a function
            return StandIn
        raise _Refused(f"{module}.{name}")


# What torch.load takes for the pickle module: the same names, restricted.
_PICKLE = types.SimpleNamespace(
    __name__="bertsum.safe_load",
    Unpickler=_Unpickler,
    load=lambda file, **options: _Unpickler(file, **options).load(),
)


def safe_load(path: str | Path) -> Any:
    """What the file holds: containers, plain values, tensors on the CPU, and :class:`StandIn` objects.

    Both the zip format and the one before torch 1.6 are read.

    Raises:
        BertsumError: if the file cannot be read, or names anything else.
    """
    import torch

    path = Path(path)
    try:
        _check_container(path)
        return torch.load(path, map_location="cpu", pickle_module=_PICKLE, weights_only=False)
    except _Refused as error:
        raise BertsumError(
            f"'{path}': refused: it asks for {sanitize(str(error))!r}, which has no place in weights, options or "
            "documents; nothing of it was run"
        ) from error
    except BertsumError:
        raise
    except Exception as error:  # what a broken pickle raises depends on where it broke
        message = sanitize(str(error)).strip().splitlines() or [""]
        raise BertsumError(
            f"'{path}': cannot be read as a file of torch.save: {type(error).__name__}: {message[0]}"
        ) from error


def _check_container(path: Path) -> None:
    """Refuses what torch.load reads in other ways than by our unpickler, and what unpacks to more than it is."""
    with open(path, "rb") as file:
        head = file.read(io.DEFAULT_BUFFER_SIZE)
    if not head:
        raise BertsumError(f"'{path}': is empty, expected a file of torch.save")
    if tarfile.is_tarfile(path):
        raise BertsumError(f"'{path}': is a tar archive, expected a file of torch.save (of torch 0.2 or newer)")
    if not head.startswith(b"PK"):
        if not head.startswith(b"\x80"):
            raise BertsumError(f"'{path}': does not begin as a file of torch.save")
        return
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    if any(entry.filename.endswith("/constants.pkl") for entry in entries):
        raise BertsumError(f"'{path}': is a TorchScript program, expected a file of torch.save")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise BertsumError(f"'{path}': has compressed entries; torch.save writes none")
