"""Files of weights, with a checksum of their content."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path

import torch

from bertsum.errors import BertsumError


def write_tensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    """Writes a safetensors file with a checksum of its content.

    Raises:
        BertsumError: if it cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        path.touch()
        mode = path.stat().st_mode
        save_file(contiguous, path, metadata={"format": "pt", "crc32": checksum(contiguous)})
        path.chmod(mode)  # safetensors makes a new file, which no other user may read
    except (OSError, SafetensorError) as error:
        raise BertsumError(f"'{path}' cannot be written: {error}") from error


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Reads a safetensors file and compares its checksum, if it has one.

    Raises:
        BertsumError: if the file is missing, is no safetensors file, or has changed since it was written.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            written = (file.metadata() or {}).get("crc32")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # it is no mapping
    except (SafetensorError, OSError, ValueError, RuntimeError, TypeError) as error:
        raise BertsumError(f"'{path.parent}': {path.name} is broken: {error}") from error
    if written is not None and written != checksum(tensors):
        raise BertsumError(f"'{path.parent}': {path.name} is broken: it is not what was written (checksum {written})")
    return tensors


def checksum(tensors: Mapping[str, torch.Tensor]) -> str:
    """CRC-32 of all names and values."""
    value = 0
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        value = zlib.crc32(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), value)
        value = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data, value)
    return f"{value:08x}"
