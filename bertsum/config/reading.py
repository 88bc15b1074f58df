"""Strict reading of a tree of frozen dataclasses: YAML files, dotted overrides, ``--help`` from docstrings.

Knows nothing of what the fields mean. Every problem is collected, so that all are reported at once.
"""

from __future__ import annotations

import dataclasses
import difflib
import io
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_type_hints

from bertsum.errors import BertsumError
from bertsum.text import plain

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser

Tree = TypeVar("Tree")


def field_types(tree: type) -> dict[str, Any]:
    """Dotted name of every field of a tree, such as train.max_steps, and its type."""

    def walk(kind: type, prefix: str) -> Iterator[tuple[str, Any]]:
        hints = get_type_hints(kind)
        for item in dataclasses.fields(kind):
            if dataclasses.is_dataclass(hints[item.name]):
                yield from walk(hints[item.name], f"{prefix}{item.name}.")
            else:
                yield prefix + item.name, hints[item.name]

    return dict(walk(tree, ""))


def build(
    tree: type[Tree], values: Mapping[str, Any], origin: Mapping[str, str], check: Callable[[Tree], Iterator[str]]
) -> Tree:
    """Makes a tree of dotted values.

    Args:
        tree: The root dataclass.
        values: Dotted name and value; names that are not given keep their defaults.
        origin: Which file a name comes from, for the message.
        check: Yields what types alone do not rule out.

    Raises:
        BertsumError: naming every unknown name, wrong type and problem of ``check``.
    """
    from jsonargparse import ArgumentError

    types = field_types(tree)
    problems: list[str] = []
    nested: dict[str, Any] = {}
    for key, value in values.items():
        where = f" (in {origin[key]})" if key in origin else ""
        if key not in types:
            problems.append(f"{key}: {_unknown(key, types)}{where}")
            continue
        try:
            parsed = _value_parser(types[key]).parse_object({"value": value})["value"]
            if parsed is None and type(None) not in getattr(types[key], "__args__", ()):
                raise TypeError("the parser takes null for a value that is not given")
        except (ArgumentError, TypeError, ValueError):
            found = "null" if value is None else repr(value)
            problems.append(f"{key}: got {found}, expected {type_name(types[key])}{where}")
            continue
        *sections, name = key.split(".")
        target = nested
        for section in sections:
            target = target.setdefault(section, {})
        target[name] = parsed
    if not problems:
        made: Tree = _instantiate(tree, nested)
        problems = list(check(made))
        if not problems:
            return made
    raise BertsumError("config:\n" + "\n".join(f"  {problem}" for problem in problems))


def _instantiate(kind: type, values: Mapping[str, Any]) -> Any:
    hints = get_type_hints(kind)
    arguments = {
        key: _instantiate(hints[key], value) if dataclasses.is_dataclass(hints[key]) else value
        for key, value in values.items()
    }
    return kind(**arguments)


def _value_parser(kind: Any) -> ArgumentParser:
    """Reads one value of a type; the parser of the whole tree would check all of it each time."""
    from jsonargparse import ArgumentParser

    parser = ArgumentParser(exit_on_error=False, add_help=False)
    parser.add_argument("--value", type=kind)
    return parser


def _unknown(key: str, types: Mapping[str, Any]) -> str:
    sections = sorted({name.rpartition(".")[0] for name in types} - {""})
    if key in sections:
        return "is a section, expected fields below it"
    close = difflib.get_close_matches(key, types, n=1, cutoff=0.6)
    if not close:  # right name in the wrong section
        close = [name for name in types if name.rpartition(".")[2] == key.rpartition(".")[2]][:1]
    if not close:
        names = {name.rpartition(".")[2]: name for name in types}
        close = [names[name] for name in difflib.get_close_matches(key.rpartition(".")[2], names, n=1)]
    return f"no such field; did you mean {close[0]}?" if close else f"no such field (sections: {', '.join(sections)})"


def type_name(kind: Any) -> str:
    """What a field accepts, in words."""
    options: tuple[Any, ...] = getattr(kind, "__args__", ())
    if getattr(kind, "__origin__", None) is Literal:
        return ", ".join(map(str, options[:-1])) + f" or {options[-1]}"
    if getattr(kind, "__origin__", None) is list:
        return "a list of strings"
    if options:
        return " or ".join(type_name(option) for option in options)
    names = {int: "a whole number", float: "a number", str: "text", bool: "true or false", type(None): "null"}
    return names[kind]


def flatten(values: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested values as dotted ones."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", plain(value)


_LARGEST_FILE = 1 << 20


def read_yaml(file: Path) -> Mapping[str, Any]:
    """The mapping in a YAML file, read strictly."""
    import yaml

    try:
        if file.stat().st_size > _LARGEST_FILE:
            raise BertsumError(f"config '{file}': larger than {_LARGEST_FILE >> 20} MiB, expected a few fields")
        values = yaml.load(file.read_text(encoding="utf-8"), Loader=_strict_loader())
    except (OSError, UnicodeDecodeError) as error:
        raise BertsumError(f"config '{file}': cannot be read: {error}") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BertsumError(f"config '{file}': not valid YAML: {error}") from error
    if not isinstance(values, dict | None):
        raise BertsumError(f"config '{file}': expected a mapping of fields, found {type(values).__name__}")
    return values or {}


def dump_yaml(values: Mapping[str, Any]) -> str:
    """Values as YAML that :func:`read_yaml` reads back."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Quotes text that the strict loader would take for a number."""

    Dumper.add_implicit_resolver(*_FLOAT)
    return yaml.dump(values, Dumper=Dumper, sort_keys=False, allow_unicode=True)


_FLOAT = ("tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789"))


def _strict_loader() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """YAML 1.2 numbers (2e-3 is one; YAML 1.1 reads it as text), no key twice, and no lists made of lists by name,
        of which ten lines can hold more than any memory.
        """

        def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
            node = super().compose_node(parent, index) if not self.check_event(yaml.AliasEvent) else None
            if node is not None:
                return node
            mark = self.peek_event().start_mark
            node = super().compose_node(parent, index)
            if not isinstance(node, yaml.ScalarNode):
                raise yaml.composer.ComposerError(None, None, "an alias may only stand for one value", mark)
            return node

    Loader.add_implicit_resolver(*_FLOAT)

    def mapping(loader: Loader, node: yaml.MappingNode) -> dict[Any, Any]:
        keys = [loader.construct_object(key) for key, _ in node.value]
        for position, key in enumerate(keys):
            if key in keys[:position]:
                raise yaml.constructor.ConstructorError(None, None, f"key '{key}' stands twice", node.start_mark)
        return loader.construct_mapping(node, deep=True)

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    return Loader


def override_value(text: str) -> Any:
    """Text of the command line: null and lists are read as YAML, all else is left to the field's type."""
    import yaml

    try:
        value = yaml.load(text, Loader=_strict_loader())
    except (yaml.YAMLError, ValueError):
        value = text  # such as a glob that begins with *
    return value if value is None or isinstance(value, list) else text


def overrides_from_arguments(arguments: Sequence[str]) -> list[str]:
    """``["--train.max_steps", "100", "--train.resume"]`` -> ``["train.max_steps=100", "train.resume=true"]``.

    Raises:
        BertsumError: if an argument is neither an option nor the value of one.
    """
    overrides = []
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if not argument.startswith("--"):
            raise BertsumError(f"argument '{argument}': expected --KEY VALUE, such as --train.max_steps 100")
        if "=" in argument:
            overrides.append(argument[2:])
        elif rest and not rest[0].startswith("--"):
            overrides.append(f"{argument[2:]}={rest.pop(0)}")
        else:
            overrides.append(f"{argument[2:]}=true")  # a switch, such as --train.resume
    return overrides


def config_folders() -> list[Path]:
    """Where configs are looked for by name: those that come with bertsum, then ``configs/`` of the current folder."""
    package = Path(__file__).parents[1]
    installed = package / "configs"
    # In a source tree they lie beside the package; beside an installed one lie other people's packages.
    shipped = installed if installed.is_dir() else package.parent / "configs"
    return [shipped, Path("configs")]


def find_config(path: str | Path) -> Path:
    """A config file by path, else by name (with or without ``.yaml``) in :func:`config_folders`.

    It warns where the current folder has another file of that name, which is not taken.

    Raises:
        BertsumError: if there is no such file.
    """
    given = Path(path)
    if _is_file(given):
        return given
    names = [given.name] if given.suffix else [given.name, given.name + ".yaml"]
    is_name = given.name == str(given)  # a path is that file or none
    candidates = [folder / name for folder in config_folders() for name in names] if is_name else []
    found = [candidate for candidate in candidates if _is_file(candidate)]
    if found:
        for other in found[1:]:
            if not _same_content(other, found[0]):
                warnings.warn(
                    f"config '{path}': taken from '{found[0]}', which comes with bertsum; '{other}' is another file "
                    "and not read (give its path to take it)",
                    stacklevel=2,
                )
        return found[0]
    shipped = sorted({file.name for folder in config_folders() for file in folder.glob("*.yaml")})
    close = difflib.get_close_matches(given.name, shipped, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise BertsumError(f"config '{path}': no such file, and not one of {', '.join(shipped) or 'configs/'}{hint}")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long
        return False


def _same_content(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other) or one.read_bytes() == other.read_bytes()
    except OSError:  # one of them cannot be read
        return False


def help_text(tree: type, prog: str | None = None) -> str:
    """Every field with its meaning, type and default."""
    from jsonargparse import ArgumentParser

    parser = ArgumentParser(prog=prog, exit_on_error=False, add_help=False)
    parser.add_class_arguments(tree)
    text = io.StringIO()
    parser.print_help(text)
    return text.getvalue()
