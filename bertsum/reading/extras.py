"""Packages of the extra ``files``, imported when they are needed."""

from __future__ import annotations

import importlib
from typing import Any

from bertsum.errors import BertsumError
from bertsum.text import one_line


def package(module: str, name: str, distribution: str) -> Any:
    """A module of an optional package.

    Args:
        module: The module.
        name: The file that needs it.
        distribution: The package's name.

    Raises:
        BertsumError: if it is missing.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise BertsumError(
            f"'{name}': needs {distribution}: pip install 'bertsum[files]' ({one_line(str(error))[:120]})"
        ) from error
