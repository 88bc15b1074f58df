"""What other programs hold on to: the public names, documented and typed; the version and its log of changes."""

from __future__ import annotations

import dataclasses
import inspect
import re
import runpy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import ROOT

import bertsum

CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_names() -> None:
    assert bertsum.__all__ == sorted(bertsum.__all__)
    assert set(bertsum.__all__) <= set(dir(bertsum))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = bertsum.nothing


@pytest.mark.parametrize("name", bertsum.__all__)
def test_a_name_is_documented(name) -> None:
    public = getattr(bertsum, name)
    assert (public.__doc__ or "").strip()
    parents = public.__mro__[:-1] if inspect.isclass(public) else [public]  # fields stand where they are introduced
    documented = "\n".join(parent.__doc__ or "" for parent in parents)
    assert not documented.startswith(f"{name}(")  # what dataclass writes by itself
    if dataclasses.is_dataclass(public) and public is not bertsum.Config:  # its fields are test_config's business
        assert undescribed([item.name for item in dataclasses.fields(public)], documented) == []


def test_the_page_of_public_names_is_theirs() -> None:
    page = runpy.run_path(str(ROOT / "tools" / "api.py"))["page"]()
    assert (ROOT / "docs" / "api.md").read_text(encoding="utf-8") == page, "run python tools/api.py"
    assert all(f"## bertsum.{name}\n" in page for name in bertsum.__all__)


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """The public functions, and the public methods of the public classes."""
    for name in bertsum.__all__:
        public = getattr(bertsum, name)
        if not inspect.isclass(public):
            yield name, public
            continue
        for member, value in vars(public).items():
            function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
            if inspect.isfunction(function) and (member == "__call__" or not member.startswith("_")):
                yield f"{name}.{member}", function


FUNCTIONS = dict(functions())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_and_its_parameters_are_documented(name) -> None:
    function = FUNCTIONS[name]
    documented = function.__doc__ or ""
    parameters = [parameter for parameter in inspect.signature(function).parameters if parameter not in ("self", "cls")]
    assert documented.strip()
    assert undescribed(parameters, documented) == []


def undescribed(names: list[str], documented: str) -> list[str]:
    """Which of some parameters or fields a docstring has no line for."""
    return [name for name in names if not re.search(rf"^ +{name}: \S", documented, flags=re.MULTILINE)]


def test_types_are_for_other_programs_too() -> None:
    """CI's mypy reads tests/typing/consumer.py, which asserts what such a program sees."""
    assert (ROOT / "bertsum" / "py.typed").is_file()
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.search(r'^files = .*"tests/typing"', settings, flags=re.MULTILINE)
    assert re.search(r"^ *mypy$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_the_version_has_its_place_in_the_changelog() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", bertsum.__version__)
    headings = re.findall(r"^## \[(.+?)\](?: - \d{4}-\d{2}-\d{2})?$", CHANGELOG, flags=re.MULTILINE)
    released = headings[1:] if headings[0] == "Unreleased" else headings
    assert released[0] == bertsum.__version__
    assert f"\nversion: {bertsum.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    numbers = [tuple(map(int, heading.split("."))) for heading in released]
    assert numbers == sorted(numbers, reverse=True)
    kinds = set(re.findall(r"^### (\w+)$", CHANGELOG, flags=re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
