"""The README and the pages of docs/: their code runs, their commands parse, and their links lead somewhere."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import fork_server
import pytest
from conftest import ROOT

from bertsum.cli import COMMANDS, command_parser
from bertsum.config import Config
from bertsum.config.arguments import overrides_from_arguments

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```([\w -]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands() -> Iterator[tuple[str, str]]:
    """Page and command, for each command of ours in a block of shell commands; lines that go on are joined."""
    for page in PAGES:
        for language, block in _BLOCK.findall(page.read_text(encoding="utf-8")):
            if language not in ("", "bash"):
                continue
            for line in block.replace("\\\n", " ").splitlines():
                if re.match(r"(bertsum( [\w-]|$)|python scripts/|torchrun|accelerate launch)", line.strip()):
                    yield page.name, line.strip()


@pytest.mark.parametrize(("page", "command"), list(commands()))
def test_a_command_is_understood(page: str, command: str) -> None:
    """Its options exist, its config is there, and its fields take the values."""
    words = shlex.split(command, comments=True)
    script = next((place for place, word in enumerate(words) if word.startswith("scripts/")), None)
    if script is not None:
        name = Path(words[script]).stem
        words = ["bertsum", {"preprocess": "prepare"}.get(name, name), *words[script + 1 :]]
    if len(words) == 1:
        return  # the help
    assert words[1] in COMMANDS or words[1].startswith("-"), f"{page}: {command}"
    options, rest = command_parser().parse_known_args(words[1:])
    given = getattr(options, "config", None)
    if given == "NAME":
        return
    if given is not None:
        Config.load(given, overrides_from_arguments(rest), training=False)
    elif rest:
        Config.load(None, overrides_from_arguments(rest), training=False)


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            file, _, heading = target.partition("#")
            if re.match(r"https?:", target):
                continue
            there = page.parent / file if file else page
            assert there.exists(), f"{page.name}: {target}"
            if heading:
                headings = re.findall(r"^#+ (.+)$", there.read_text(encoding="utf-8"), re.MULTILINE)
                anchors = [re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings]
                assert heading in anchors, f"{page.name}: {target}"


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 200


@pytest.mark.parametrize("page", ["README.md", "docs/extending.md", "docs/summarizing.md", "docs/documents.md"])
def test_the_code_of_a_page_runs(page: str, tmp_path: Path) -> None:
    """One program of all its blocks of Python, started in a folder with a README.md."""
    text = (ROOT / page).read_text(encoding="utf-8")
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    blocks = "\n".join(block for language, block in _BLOCK.findall(text) if language == "python")
    (tmp_path / "page.py").write_text(f"if __name__ == '__main__':\n{indented(blocks)}", encoding="utf-8")
    fork_server.run([str(tmp_path / "page.py")], cwd=tmp_path, check=True)


def indented(code: str) -> str:
    return "".join(f"    {line}\n" if line.strip() else "\n" for line in code.splitlines())
