"""Strict reading of a tree of frozen dataclasses: dotted overrides, readable errors, ``--help``, places of files.

This module does not know what fields mean; pydantic checks each value by its type. All problems are collected and
reported together.
"""

from __future__ import annotations

import ast
import dataclasses
import difflib
import inspect
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from bertsum.errors import BertsumError, ConfigError
from bertsum.text import plain

Tree = TypeVar("Tree")


@cache
def hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def sections(tree: type) -> dict[str, Any]:
    """The root, under an empty name, and the dataclasses that are its fields."""
    return {"": tree} | {name: kind for name, kind in hints(tree).items() if dataclasses.is_dataclass(kind)}


def field_types(tree: type) -> dict[str, Any]:
    """Dotted name of every field of a tree, such as train.max_steps, and its type."""
    return {
        f"{section}.{name}".lstrip("."): kind
        for section, part in sections(tree).items()
        for name, kind in hints(part).items()
        if not dataclasses.is_dataclass(kind)
    }


def meanings(kind: type) -> dict[str, str]:
    """Field of a dataclass and its meaning: the string below it."""
    written: Any = ast.parse(inspect.getsource(kind)).body[0]
    return {
        ast.unparse(field.target): " ".join(ast.literal_eval(below.value).split())
        for field, below in pairwise(written.body)
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr)
    }


# Expected values by pydantic's kind of error; for any other error, the field's type is expected.
_EXPECTED = {
    "greater_than_equal": "at least {ge:.15g}",
    "greater_than": "more than {gt:.15g}",
    "less_than_equal": "at most {le:.15g}",
    "less_than": "less than {lt:.15g}",
    "finite_number": "a finite number",
    "must": "{expected}",
}


def build(
    tree: type[Tree], values: Mapping[str, Any], origin: Mapping[str, str], check: Callable[[Tree], Iterator[str]]
) -> Tree:
    """Builds the tree of dataclasses from values by dotted name.

    Args:
        tree: The root dataclass.
        values: Values by dotted name; other fields keep their defaults.
        origin: The file that a name comes from, for the message.
        check: Yields problems that types alone do not rule out.

    Raises:
        ConfigError: if a name is unknown, a value wrong, or ``check`` yields a problem; the message names them all.
    """
    kinds = field_types(tree)
    problems: list[str] = []
    read: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        section, _, name = key.rpartition(".")
        try:
            if key not in kinds:
                raise ValueError(_unknown(key, kinds))
            read.setdefault(section, {})[name] = _checked(value, kinds[key])
        except ValueError as error:
            problems.append(f"{key}: {error}" + (f" (in {origin[key]})" if key in origin else ""))
    if not problems:
        parts = {name: part(**read.get(name, {})) for name, part in sections(tree).items() if name}
        made = tree(**parts, **read.get("", {}))
        problems = list(check(made))
        if not problems:
            return made
    of = "".join(f" {file}" for file in dict.fromkeys(origin.values()))
    raise ConfigError(f"config{of}", problems)


def _checked(value: Any, kind: Any) -> Any:
    """A value, converted to a field's type.

    Raises:
        ValueError: if the value does not fit the type; the message is readable.
    """
    from pydantic import ValidationError

    read = _converted(plain(value), kind)
    try:
        return _adapter(kind).validate_python(read)
    except ValidationError as error:
        words = [_EXPECTED.get(found["type"], "").format(**found.get("ctx", {})) for found in error.errors()]
        expected = next(filter(None, words), "")
        wrong = read if expected else value  # a value of another type is shown as it was written
        shown = "null" if wrong is None else repr(wrong)
        raise ValueError(f"got {shown}, expected {expected or type_name(kind)}") from error


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind, config={"strict": True, "allow_inf_nan": False})


def _converted(value: Any, kind: Any) -> Any:
    """Turns a tuple into a list; reads a text as YAML if the field does not accept text."""
    if isinstance(value, tuple | set):
        return list(value)
    takes_it = any(
        option is str or (get_origin(option) is Literal and value in get_args(option)) for option in _options(kind)
    )
    if not isinstance(value, str) or not value or takes_it:
        return value
    try:
        return int(value)  # 017 is 17, not YAML's 15
    except ValueError:
        from bertsum.config.strict_yaml import read_value

        made = read_value(value)
        return made if isinstance(made, int | float | list | None) else value


def _unknown(key: str, kinds: Mapping[str, Any]) -> str:
    known = sorted({name.rpartition(".")[0] for name in kinds} - {""})
    if key in known:
        return "is a section, expected fields below it"
    close = difflib.get_close_matches(key, kinds, n=1, cutoff=0.6)
    if not close:  # right name in the wrong section
        close = [name for name in kinds if name.rpartition(".")[2] == key.rpartition(".")[2]][:1]
    if not close:
        names = {name.rpartition(".")[2]: name for name in kinds}
        close = [names[name] for name in difflib.get_close_matches(key.rpartition(".")[2], names, n=1)]
    return f"no such field; did you mean {close[0]}?" if close else f"no such field (sections: {', '.join(known)})"


def _options(kind: Any) -> list[Any]:
    """The types that a type accepts, without their bounds."""
    if get_origin(kind) is Annotated:
        return _options(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        return [option for part in get_args(kind) for option in _options(part)]
    return [kind]


def type_name(kind: Any) -> str:
    """The values that a field accepts, as a readable text."""
    names = {int: "a whole number", float: "a number", str: "text", bool: "true or false", type(None): "null"}
    words = []
    for option in _options(kind):
        if get_origin(option) is Literal:
            *others, last = get_args(option)
            words.append(f"{', '.join(others)} or {last}" if others else last)
        else:
            words.append(f"a list of {_several(get_args(option)[0])}" if get_origin(option) is list else names[option])
    return " or ".join(words)


def _several(kind: Any) -> str:
    named = type_name(kind)
    return {"text": "strings", "a number": "numbers", "a whole number": "whole numbers"}.get(named, named)


def flatten(values: Mapping[Any, Any], where: str = "config") -> dict[str, Any]:
    """Nested values as dotted ones.

    Args:
        values: The values.
        where: Where they stand, for errors.

    Raises:
        BertsumError: if a field stands twice, in its section and with a dot.
    """
    dotted: dict[str, Any] = {}
    for name, value in _dotted(values, ""):
        if name in dotted:
            raise BertsumError(f"{where}: field '{name}' stands twice, in its section and with a dot; expected it once")
        dotted[name] = value
    return dotted


def _dotted(values: Mapping[Any, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _dotted(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", plain(value)


def override_value(text: str) -> Any:
    """The value of a text from the command line: null and lists are read as YAML; the rest is left to the field."""
    from bertsum.config.strict_yaml import read_value

    value = read_value(text)
    return value if value is None or isinstance(value, list) else text


def config_folders() -> list[Path]:
    """Folders in which configs are found by name: the one that comes with bertsum, then ``configs/`` here."""
    package = Path(__file__).parents[1]
    installed = package / "configs"
    # In a source tree, configs are beside the package; an installed package has other packages beside it.
    shipped = installed if installed.is_dir() else package.parent / "configs"
    return [shipped, Path("configs")]


def find_config(path: str | Path) -> Path:
    """A config file by path, else by name (with or without ``.yaml``) in :func:`config_folders`.

    It warns if the current folder has another file of that name, which is not used.

    Raises:
        BertsumError: if the file does not exist.
    """
    given = Path(path)
    if _is_file(given):
        return given
    names = [given.name] if given.suffix else [given.name, given.name + ".yaml"]
    is_name = given.name == str(given)  # a path is not searched for
    candidates = [folder / name for folder in config_folders() for name in names] if is_name else []
    files = [candidate for candidate in candidates if _is_file(candidate)]
    for other in files[1:]:
        if not _same_content(other, files[0]):
            warnings.warn(
                f"config '{path}': taken from '{files[0]}', which comes with bertsum; '{other}' is another file "
                "and not read (give its path to take it)",
                stacklevel=2,
            )
    if files:
        return files[0]
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
    except OSError:  # a file cannot be read
        return False
