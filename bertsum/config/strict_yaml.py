"""YAML for configs: read strictly, and written so that the same values are read back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from bertsum.errors import BertsumError

_LARGEST_FILE = 1 << 20
_FLOAT = ("tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789"))


class _Dumper(yaml.SafeDumper):
    """Quotes text that the loader would take for a number."""


class _Loader(yaml.SafeLoader):
    """Reads numbers as in YAML 1.2 (2e-3 is a number; YAML 1.1 reads it as text), and refuses repeated keys.

    It refuses aliases of lists and mappings: ten lines of nested aliases can fill any memory.
    """

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        alias = self.peek_event() if self.check_event(yaml.AliasEvent) else None
        node = super().compose_node(parent, index)
        if alias and not isinstance(node, yaml.ScalarNode):
            raise yaml.composer.ComposerError(None, None, "an alias may only stand for one value", alias.start_mark)
        return node

    def mapping(self, node: yaml.MappingNode) -> dict[Any, Any]:
        keys = [self.construct_object(key) for key, _ in node.value]
        for position, key in enumerate(keys):
            if key in keys[:position]:
                raise yaml.constructor.ConstructorError(None, None, f"key '{key}' stands twice", node.start_mark)
        return self.construct_mapping(node, deep=True)


_Dumper.add_implicit_resolver(*_FLOAT)
_Loader.add_implicit_resolver(*_FLOAT)
_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.mapping)


def read_yaml(file: Path) -> Mapping[str, Any]:
    """The mapping in a YAML file."""
    try:
        if file.stat().st_size > _LARGEST_FILE:
            raise BertsumError(f"config '{file}': larger than {_LARGEST_FILE >> 20} MiB, expected a few fields")
        values = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)
    except (OSError, UnicodeDecodeError) as error:
        raise BertsumError(f"config '{file}': cannot be read: {error}") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BertsumError(f"config '{file}': not valid YAML: {error}") from error
    if not isinstance(values, dict | None):
        raise BertsumError(f"config '{file}': expected a mapping of fields, found {type(values).__name__}")
    return values or {}


def read_value(text: str) -> Any:
    """The value that a text has in a config file; the text itself if it is not valid YAML."""
    try:
        return yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError, ValueError):
        return text  # such as a glob that begins with *


def dump_yaml(values: Mapping[str, Any]) -> str:
    """Values as YAML that :func:`read_yaml` reads back."""
    return yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def dump_value(value: Any) -> str:
    """One value on one line."""
    return yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip()
