"""Writes docs/api.md, the public names, from their docstrings.

python tools/api.py
"""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bertsum
from bertsum.models.base import Model

PAGE = Path(__file__).parent.parent / "docs" / "api.md"
BEGINNING = """# What people call

Made from the docstrings by `python tools/api.py`. A name is imported at its first use, so `import bertsum` is quick.
"""
_ROLE = re.compile(r":(?:class|func|meth|mod|attr):`~?(?:[\w.]*\.)?(\w+)`")
_SECTION = re.compile(r"(Args|Returns|Raises|Attributes|Yields):$")


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    names = [(f"bertsum.{name}", getattr(bertsum, name)) for name in bertsum.__all__]
    names.append(("What all models have", Model))
    return BEGINNING + "".join("\n" + "\n".join(described(title, public)) for title, public in names)


def described(title: str, public: Any) -> Iterator[str]:
    """The lines about a public name; for a class, also about its public methods."""
    name = public.__name__
    yield from [f"## {title}", "", f"```python\n{signature(name, public)}\n```", "", *markdown(public), ""]
    if not inspect.isclass(public):
        return
    for member, value in vars(public).items():
        function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        if not inspect.isfunction(function) or not function.__doc__:
            continue
        if member.startswith("_") and member != "__call__":
            continue
        shown = f"{name}.{member}" if isinstance(value, property) else signature(f"{name}.{member}", function)
        yield from [f"```python\n{shown}\n```", "", *markdown(function), ""]


def signature(name: str, public: Any) -> str:
    """A call, without types: the text below tells what each argument is."""
    try:
        parameters = list(inspect.signature(public).parameters.values())
    except ValueError:  # an exception has no signature
        return name
    bare = [one.replace(annotation=inspect.Parameter.empty) for one in parameters if one.name not in ("self", "cls")]
    return name + str(inspect.Signature(bare)).replace("<factory>", "...")


def markdown(public: Any) -> Iterator[str]:
    """A docstring as Markdown: its sections become lists."""
    text = _ROLE.sub(r"`\1`", inspect.getdoc(public) or "").replace("``", "`")
    section = ""
    for line in text.splitlines():
        found = _SECTION.match(line)
        if found:
            section = found[1]
            yield from [f"*{section}*", ""]
        elif section and (entry := re.match(r"    (\*{0,2}\w+): (.*)", line)):
            yield f"- `{entry[1]}`: {entry[2]}"
        elif section and line.startswith("      "):
            yield "  " + line.strip()
        else:
            yield line.strip() if section else line


if __name__ == "__main__":
    main()
