"""Marks lines of wikitext, as Wikipedia writes its pages, that are no sentences: templates, tables, headings."""

from __future__ import annotations

import re

from bertsum.structure.marks import LineMarks

_HEADING = re.compile(r"(={2,6})[^=].*[^=]\1$")
_LINK = re.compile(r"\[\[[^\W\d_][\w ]{0,30}:.*\]\]$")  # to a file or a category, or to another language's page
_LONGEST = 200  # lines of a template or a table


def mark_wikitext(marks: LineMarks) -> None:
    """Marks templates and tables that have lines of their own, headings, and links to files and categories; nothing
    in a text without two such headings or links.
    """
    lines = [line.text for line in marks.lines]
    signs = [number for number, text in enumerate(lines) if _HEADING.match(text) or _LINK.match(text)]
    if len(signs) < 2:
        return
    for number in signs:
        marks.set([number], "heading" if _HEADING.match(lines[number]) else "link")
    for opens, closes, why in (("{{", "}}", "template"), ("{|", "|}", "table row")):
        number = 0
        while number < len(lines):
            end = _end(lines, number, opens, closes) if lines[number].startswith(opens) else None
            if end is not None:
                marks.set(range(number, end + 1), why)
            number = number + 1 if end is None else end + 1


def _end(lines: list[str], begin: int, opens: str, closes: str) -> int | None:
    """The line that closes what a line opens; None if no line does, or more stands behind it."""
    depth = 0
    for number in range(begin, min(len(lines), begin + _LONGEST)):
        depth += lines[number].count(opens) - lines[number].count(closes)
        if depth <= 0:
            return number if lines[number].endswith(closes) else None
    return None
