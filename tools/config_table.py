"""Writes configs/README.md, the table of config fields, from the meanings below the fields of bertsum/config.

python tools/config_table.py
"""

import inspect
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

from bertsum.config import Config
from bertsum.config.reading import field_types, meanings, type_name
from bertsum.config.strict_yaml import dump_value

BEGIN, END = "<!-- config fields: tools/config_table.py -->", "<!-- end of config fields -->"


def main() -> None:
    readme = Path(__file__).parent.parent / "configs" / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    readme.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}", encoding="utf-8")


def table() -> str:
    """One table a section: field, default, type, meaning."""
    config = Config()
    sections = [section(value, f"`{name}`") for name, value in vars(config).items() if is_dataclass(value)]
    return "\n\n".join([section(config, "top level"), *sections])


def section(values: Any, title: str) -> str:
    kinds = field_types(type(values))
    lines = [
        f"**{title}** - {inspect.getdoc(values)}",
        "",
        "| field | default | values | meaning |",
        "|---|---|---|---|",
    ]
    for name, meaning in meanings(type(values)).items():
        lines.append(f"| `{name}` | `{dump_value(getattr(values, name))}` | {type_name(kinds[name])} | {meaning} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
