"""Writes configs/README.md, the table of config fields, from the docstrings of bertsum/config.py.

python scripts/config_table.py
"""

import dataclasses
from pathlib import Path
from typing import Any

import docstring_parser
import yaml

from bertsum.config import Config
from bertsum.config.reading import field_types, type_name

BEGIN, END = "<!-- config fields: scripts/config_table.py -->", "<!-- end of config fields -->"


def main() -> None:
    readme = Path(__file__).parent.parent / "configs" / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    readme.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}", encoding="utf-8")


def table() -> str:
    """One table a section: field, default, type, meaning."""
    parts = [section(Config(), "")]
    for field in dataclasses.fields(Config):
        value = getattr(Config(), field.name)
        if dataclasses.is_dataclass(value):
            parts.append(section(value, f"{field.name}."))
    return "\n\n".join(parts)


def section(values: Any, prefix: str) -> str:
    parsed = docstring_parser.parse(type(values).__doc__ or "")
    meanings = {item.arg_name: item.description or "" for item in parsed.params}
    title = f"`{prefix.rstrip('.')}`" if prefix else "top level"
    lines = [
        f"**{title}** - {parsed.short_description}",
        "",
        "| field | default | values | meaning |",
        "|---|---|---|---|",
    ]
    for field in dataclasses.fields(values):
        default = getattr(values, field.name)
        if dataclasses.is_dataclass(default):
            continue
        shown = yaml.safe_dump(default, default_flow_style=True).removesuffix("...\n").strip()
        kind = type_name(field_types(Config)[prefix + field.name])
        meaning = " ".join(meanings[field.name].split())
        lines.append(f"| `{field.name}` | `{shown}` | {kind} | {meaning} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
