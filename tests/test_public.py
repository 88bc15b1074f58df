"""What other programs hold on to: the public names, documented and typed; the version and its log of changes."""

from __future__ import annotations

import dataclasses
import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import ROOT

import bertsum

README = (ROOT / "README.md").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_names() -> None:
    assert bertsum.__all__ == sorted(bertsum.__all__)
    assert set(bertsum.__all__) <= set(dir(bertsum))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = bertsum.nothing


@pytest.mark.parametrize("name", bertsum.__all__)
def test_a_name_is_documented(name) -> None:
    public = getattr(bertsum, name)
    documented = public.__doc__ or ""
    assert documented.strip()
    assert not documented.startswith(f"{name}(")  # what dataclass writes by itself
    if dataclasses.is_dataclass(public) and public is not bertsum.Config:  # its fields are test_config's business
        assert undescribed([item.name for item in dataclasses.fields(public)], documented) == []
    assert re.search(rf"`{name}`|bertsum\.{name}\b", README), f"the README does not mention {name}"


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


@pytest.mark.parametrize(("name", "function"), functions(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_function_and_its_parameters_are_documented(name, function) -> None:
    documented = function.__doc__ or ""
    parameters = [parameter for parameter in inspect.signature(function).parameters if parameter not in ("self", "cls")]
    assert documented.strip()
    assert undescribed(parameters, documented) == []


def undescribed(names: list[str], documented: str) -> list[str]:
    """Which of some parameters or fields a docstring has no line for."""
    return [name for name in names if not re.search(rf"^ +{name}: \S", documented, flags=re.MULTILINE)]


CONSUMER = """
import bertsum

summarizer = bertsum.Summarizer.from_pretrained("model")
reveal_type(summarizer("text"))
reveal_type(summarizer(["text", ["A sentence.", "Another."]], sentences=2))
reveal_type(summarizer("text").sentences)
config = bertsum.Config.load("quickstart", ["train.max_steps=2"])
reveal_type(bertsum.train(config).checkpoint)
reveal_type(bertsum.evaluate(config).systems["model"]["rouge1"].fmeasure)
reveal_type(bertsum.BertSum.from_pretrained("model").push_to_hub("me/model"))
reveal_type(bertsum.rouge(["a"], ["b"]))
summarizer(3)
"""
# What bertsum is made of is not this test's business, and takes a minute to read.
MYPY = """
[mypy]
strict = true
[mypy-bertsum.*]
follow_imports = silent
[mypy-torch.*,transformers.*,huggingface_hub.*,datasets.*,accelerate.*,numpy.*,pyarrow.*,peft.*]
follow_imports = skip
ignore_missing_imports = true
"""


def test_types_as_other_programs_see_them(tmp_path) -> None:
    assert (ROOT / "bertsum" / "py.typed").is_file()
    (tmp_path / "consumer.py").write_text(CONSUMER)
    (tmp_path / "mypy.ini").write_text(MYPY)
    options = ["--config-file", "mypy.ini", "--cache-dir", "cache", "--no-error-summary", "--hide-error-context"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, "consumer.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "MYPYPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=600,
    )
    revealed = re.findall(r'note: Revealed type is "(.*)"', done.stdout)
    assert [re.sub(r"bertsum\.[\w.]*\.|builtins\.|pathlib\.", "", found) for found in revealed] == [
        "Summary",
        "list[Summary]",
        "list[str]",
        "Path",
        "float",
        "str",
        "dict[str, RougeScore]",
    ], done.stdout + done.stderr
    errors = [line for line in done.stdout.splitlines() if " error: " in line]
    assert len(errors) == 1, done.stdout
    assert "No overload variant" in errors[0]


def test_the_version_has_its_place_in_the_changelog() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", bertsum.__version__)
    headings = re.findall(r"^## \[(.+?)\](?: - \d{4}-\d{2}-\d{2})?$", CHANGELOG, flags=re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert headings[1] == bertsum.__version__
    numbers = [tuple(map(int, heading.split("."))) for heading in headings[1:]]
    assert numbers == sorted(numbers, reverse=True)
    kinds = set(re.findall(r"^### (\w+)$", CHANGELOG, flags=re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
