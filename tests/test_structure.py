"""The house: imports run one way, the root is quick, the sample and the README are what they say."""

from __future__ import annotations

import ast
import json
import re
import runpy
import subprocess
import sys

import pytest
from conftest import ROOT
from packaging.version import Version

from bertsum.config import Config
from bertsum.data.sentences import split_sentences
from bertsum.files import SAMPLE_FOLDER

PACKAGE = ROOT / "bertsum"
# Each layer may import itself and those before it; docs/house.md draws them.
LAYERS = [
    *("text", "support", "progress", "errors", "by_place", "device", "files", "parallel", "program"),
    "config",
    *("results", "runs"),
    *("data", "structure", "reading", "pages", "encoders", "models", "inference", "evaluation", "training"),
    *(
        "compression",
        "integrations",
        "metric",
        "answers",
        "demo",
        "guard",
        "serve",
        "commands",
        "rouge_command",
        "serving",
        "trained",
        "cli",
        "__main__",
    ),
]
ALONE = {
    "pages.shading": {"text"},
    "models.selection": {"errors", "text", "config"},
    "evaluation.overlap": set(),
    "evaluation.bootstrap": set(),
    "data.stemmer": set(),
    "evaluation.rouge155": {"errors", "evaluation.overlap", "data.stemmer"},
    "evaluation.rouge": {
        *("errors", "text", "parallel", "progress", "results", "data.languages"),
        *("evaluation.bootstrap", "evaluation.rouge155"),
    },
    "evaluation.rouge_scorer": {
        *("errors", "text", "data.sentences"),
        *("evaluation.bootstrap", "evaluation.rouge", "evaluation.rouge155"),
    },
    "data.languages": {"errors", "text"},
}


def imports_of(path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "bertsum":
            names.add(node.module.removeprefix("bertsum").lstrip("."))
        elif isinstance(node, ast.Import):
            names |= {
                alias.name.removeprefix("bertsum").lstrip(".")
                for alias in node.names
                if alias.name.startswith("bertsum")
            }
    return names


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_run_one_way(path) -> None:
    name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    if name == "__init__":
        return
    imported = imports_of(path)
    assert "" not in imported  # the package root
    layer = LAYERS.index(name.split(".")[0])
    for other in imported:
        assert LAYERS.index(other.split(".")[0]) <= layer, f"{name} imports {other}"
    if name in ALONE:
        assert imported <= ALONE[name]


def test_no_module_imports_itself_by_way_of_others() -> None:
    """When modules are imported; what functions import later, and what types alone need, is no cycle."""
    imports = {}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
        body = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.ImportFrom)]
        imports[name] = {(node.module or "").removeprefix("bertsum.") for node in body}
    done: set[str] = set()
    while ready := {name for name in imports if name not in done and imports[name] & imports.keys() <= done}:
        done |= ready
    assert done == imports.keys()


def test_files_and_functions_fit_on_a_few_screens() -> None:
    for folder in ("bertsum", "benchmarks", "docs", "scripts", "tests", "tools"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert text.count("\n") <= 400, path
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef):
                    assert node.end_lineno - node.lineno < 60, f"{path}: {node.name}"


def test_only_programs_set_up_the_process() -> None:
    """What changes the whole process, which may be a notebook, is for scripts and the command."""
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert path.name in ("program.py", "cli.py") or "keep_freed_memory" not in text
        assert path.name == "program.py" or "keep_few_kernels" not in text


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_attributes_begin_in_init_or_in_the_class(path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef):
            begun = {
                target.id
                for item in node.body
                if isinstance(item, ast.Assign | ast.AnnAssign)
                for target in (item.targets if isinstance(item, ast.Assign) else [item.target])
            }
            methods = {item.name: attributes_set_in(item) for item in node.body if isinstance(item, ast.FunctionDef)}
            begun |= methods.pop("__init__", set())
            for name, attributes in methods.items():
                assert attributes <= begun, f"{node.name}.{name} sets {attributes - begun}"


def attributes_set_in(function: ast.FunctionDef) -> set[str]:
    """Names of ``self`` that a method assigns."""
    return {
        node.attr
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }


def test_import_loads_nothing_heavy() -> None:
    code = "import bertsum, sys; print([m for m in ('torch', 'transformers', 'datasets', 'numpy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def records(name: str) -> list[dict]:
    return [json.loads(line) for line in (SAMPLE_FOLDER / name).read_text(encoding="utf-8").splitlines()]


def test_the_bundled_sample() -> None:
    english = records("english.train.jsonl") + records("english.validation.jsonl")
    chinese = records("chinese.train.jsonl") + records("chinese.validation.jsonl")
    assert (len(english) >= 60, len(chinese) >= 12) == (True, True)
    for language, documents in (("en", english), ("zh", chinese)):
        assert len({document["id"] for document in documents}) == len(documents)
        for document in documents:
            sentences = [s for s in split_sentences(document["document"], language) if s.strip()]
            assert 12 <= len(sentences) <= 30
            assert 2 <= len(document["summary"]) <= 4
            assert not set(document["summary"]) & {sentence.strip() for sentence in sentences[:3]}


README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_table_of_config_fields_is_theirs() -> None:
    written = (ROOT / "configs" / "README.md").read_text(encoding="utf-8")
    assert runpy.run_path(str(ROOT / "tools" / "config_table.py"))["table"]() in written


def test_readme_lists_the_configs() -> None:
    for path in (ROOT / "configs").glob("*.yaml"):
        assert f"| `{path.name}` |" in README


def test_the_picture_of_the_house_is_the_house() -> None:
    house = (ROOT / "docs" / "house.md").read_text(encoding="utf-8")
    tree = house[house.index("bertsum/\n") :].partition("```")[0]
    named = set(re.findall(r"\b(\w+\.py)\b", tree))
    there = {path.name for path in PACKAGE.rglob("*.py")}
    assert named == there


def test_readme_configs_exist() -> None:
    for name in re.findall(r"--config ([\w./-]+)", README):
        if name != "NAME":
            Config.load(name)


def test_coverage_is_measured_by_ci_alone() -> None:
    """A part of the tests covers a part of the code: its run must not fail for that."""
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert "--cov" not in re.search(r"^addopts = .*$", settings, flags=re.MULTILINE)[0]
    assert "--cov-fail-under=90" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_oldest_versions_tested_are_those_promised() -> None:
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    used = settings[settings.index("dependencies = [") : settings.index("onnx = [")]  # with the extras before it
    promised = {name: Version(low) for name, low in re.findall(r'"([\w-]+)(?:\[\w+\])?>=([\d.]+)', used)}
    lines = (ROOT / "constraints-oldest.txt").read_text(encoding="utf-8")
    pinned = {name: Version(version) for name, version in re.findall(r"^([\w-]+)==(.+)$", lines, flags=re.MULTILINE)}
    assert pinned == promised
