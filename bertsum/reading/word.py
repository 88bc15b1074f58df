"""Reads the paragraphs of a .docx file; headings, captions and tables are marked as structure."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from bertsum.errors import BertsumError
from bertsum.reading.extras import package
from bertsum.reading.text import FileText, TextBuilder

_STYLES = {"heading": "heading", "title": "heading", "subtitle": "heading", "caption": "caption", "toc": "contents",
           "header": "running header", "footer": "running header", "bibliography": "reference"}  # fmt: skip
_CHARACTERS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
# The properties of a paragraph have tabs, too; drawings may have texts of their own.
_NOT_SHOWN = {"pPr", "rPr", "del", "moveFrom", "drawing", "pict", "object", "AlternateContent"}
_PROSE = 10  # words


def read_word(data: bytes, name: str, encoding: str | None = None) -> FileText:
    """The text of a .docx file, without its headers, footers and notes.

    Args:
        data: The file.
        name: Its name.
        encoding: Not used: the file names its encoding.

    Raises:
        BertsumError: if it is no .docx file, or python-docx is missing.
    """
    docx = package("docx", name, "python-docx")
    try:
        document = docx.Document(io.BytesIO(data))
    except (zipfile.BadZipFile, KeyError, ValueError, docx.opc.exceptions.OpcError) as error:
        raise BertsumError(f"'{name}': is no .docx file: {error}") from error
    builder = TextBuilder()
    _add_blocks(document, builder)
    return builder.built(name)


def _add_blocks(container: Any, builder: TextBuilder) -> None:
    """Adds the paragraphs and tables of a document or a cell."""
    for block in container.iter_inner_content():
        if hasattr(block, "rows"):
            _add_table(block, builder)
            continue
        style = (block.style.name or "").lower() if block.style is not None else ""
        why = next((why for begin, why in _STYLES.items() if style.startswith(begin)), "")
        listed = style.startswith("list") or (block._p.pPr is not None and block._p.pPr.numPr is not None)
        text = "".join(_shown(block._p))
        builder.add(("- " if listed and text.strip() else "") + text, why)


def _add_table(table: Any, builder: TextBuilder) -> None:
    """Adds a table row by row; a table of one row around paragraphs is a layout, cell by cell."""
    # A cell that spans several columns comes several times.
    rows = [list({cell._tc: cell for cell in row.cells}.values()) for row in table.rows]
    if len(rows) == 1 and (len(rows[0]) == 1 or any(map(_is_layout, rows[0]))):
        for cell in rows[0]:
            _add_blocks(cell, builder)
        return
    for row in rows:
        builder.add(" | ".join(" ".join(_cell_text(cell).split()) for cell in row), "table row")


def _is_layout(cell: Any) -> bool:
    """Whether a cell has several paragraphs, a table, or as many words as no value of a table has."""
    written = [text for text in _cell_text(cell).split("\n") if text.strip()]
    return len(written) > 1 or bool(cell.tables) or len(" ".join(written).split()) >= _PROSE


def _cell_text(cell: Any) -> str:
    return "\n".join("".join(_shown(paragraph._p)) for paragraph in cell.paragraphs)


def _shown(element: Any) -> Iterator[str]:
    """The text of a paragraph as Word shows it: with tracked insertions, without deleted or moved text.

    python-docx leaves out insertions and what stands in fields and controls.
    """
    for child in element:
        kind = str(child.tag).rpartition("}")[2]
        if kind == "t":
            yield child.text or ""
        elif kind in _CHARACTERS:
            yield _CHARACTERS[kind]
        elif kind not in _NOT_SHOWN:
            yield from _shown(child)
