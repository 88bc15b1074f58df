"""What prepared data and learned vocabularies depend on: sources, tokenizers, code, packages."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bertsum.config import DataConfig
from bertsum.data.sources import is_hub_split, load_hub_split, read_files

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Prepared data depend on the code of all modules in this folder, except these three. A tokenizer is described by its
# content, so the module that learns one does not matter.
_AFTER = ("windows", "batching", "vocabulary")
CODE = [
    *sorted(path for path in Path(__file__).parent.glob("*.py") if path.stem not in _AFTER),
    Path(__file__).parents[1] / "text.py",
]
PACKAGES = ("sentencex", "tokenizers", "regex", "py3langid", "nltk")
_HASHED_AT_ONCE = 1 << 20  # bytes


def fingerprint_of(described: Mapping[str, Any]) -> str:
    """A short name for values that JSON can hold."""
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:16]


def describe_code(*more: Path) -> dict[str, Any]:
    """The modules that read and prepare documents, ``more`` of them, and the packages that they use."""
    code = hashlib.sha256()
    for path in [*CODE, *more]:
        code.update(path.read_bytes())
    return {
        "code": code.hexdigest(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def describe_tokenizer(tokenizer: PreTrainedTokenizerBase) -> str:
    """A checksum of a tokenizer; its last call does not change it."""
    tokens = json.loads(tokenizer.backend_tokenizer.to_str())
    for switch in ("truncation", "padding"):  # set by the last call, not part of the tokenizer
        tokens.pop(switch, None)
    return hashlib.sha256(json.dumps(tokens, sort_keys=True).encode()).hexdigest()


def describe_sources(config: DataConfig, split: str, labelled: bool = True) -> list[Any]:
    """The files that a split is read from, by their content, or the revision of a hub dataset.

    Args:
        config: The sources.
        split: train, validation or test.
        labelled: Whether documents need reference summaries.
    """
    if is_hub_split(config, split):
        files = [entry["filename"] for entry in load_hub_split(config, split).cache_files]  # named by revision
        return [config.dataset, config.dataset_config, getattr(config, split) or split, files]
    paths = read_files(config, split, labelled)
    described = [describe_file(path) for path in paths]
    if len(paths) <= 100:
        return described
    return [len(paths), hashlib.sha256(json.dumps(described).encode()).hexdigest()]


def describe_file(path: Path) -> list[Any]:
    """Identifies a file by its name and all of its content.

    Folder and time do not count: a file may be moved, copied or touched. Size and time do not suffice, because two
    files from one archive may share them. The beginning and end of a file do not suffice either, because the middle
    may change.
    """
    try:
        if not path.is_file():  # a pipe can be read only once
            return [str(path)]
        return [path.name, *_content(path)]
    except OSError:  # listed, but not readable: reading it will fail later
        return [str(path)]


def describe_files(paths: Sequence[Path]) -> list[Any]:
    """Identifies many files: their number, and a short name for their names and all of their content."""
    return [len(paths), fingerprint_of({"files": [describe_file(path) for path in paths]})]


def _content(path: Path) -> tuple[int, str]:
    """Length and SHA-256 of a file."""
    digest, length = hashlib.sha256(), 0
    with open(path, "rb", buffering=0) as file:
        while block := file.read(_HASHED_AT_ONCE):
            digest.update(block)
            length += len(block)
    return length, digest.hexdigest()
