"""Marks lines of wikitext, as Wikipedia writes its pages, that are no sentences: templates, tables, headings."""

from __future__ import annotations

import re

from bertsum.structure.marks import LineMarks

_HEADING = re.compile(r"(={2,6})[^=].*[^=]\1$")
_LINK = re.compile(r"\[\[[^\W\d_][\w ]{0,30}:")  # to a file or a category, or to another language's page
_TEMPLATE, _LINKS = re.compile(r"\{\{|\}\}\s*"), re.compile(r"\[\[|\]\]")


def mark_wikitext(marks: LineMarks) -> None:
    """Marks templates and tables that have lines of their own, headings, and links to files and categories; nothing
    in a text without two such headings or links.
    """
    signs = {number: why for number, line in enumerate(marks.lines) if (why := _sign(line.text))}
    if len(signs) < 2:
        return
    for number, why in signs.items():
        marks.set([number], why)
    _mark_templates(marks)
    _mark_tables(marks)


def _sign(text: str) -> str | None:
    """Whether a line is a ``heading``, or nothing but a ``link``."""
    if _HEADING.match(text):
        return "heading"
    return "link" if _LINK.match(text) and _closed(text, _LINKS) == (0, len(text)) else None


def _closed(text: str, signs: re.Pattern[str], depth: int = 0, place: int = 0) -> tuple[int, int]:
    """How many brackets are open behind a text, if so many are before a place; and where the last one first closes,
    the white space behind a template included.
    """
    for sign in signs.finditer(text, place):
        depth += 1 if sign[0] in ("{{", "[[") else -1
        if depth <= 0:
            return 0, sign.end()
    return depth, 0


def _mark_templates(marks: LineMarks) -> None:
    """Marks templates from the beginning of a line to the end of one; if prose stands behind, to the line above."""
    depth = begin = 0
    for number, line in enumerate(marks.lines):
        text, place = line.text, 0
        while depth or text.startswith("{{", place):
            if not depth and not place:
                begin = number
            depth, place = _closed(text, _TEMPLATE, depth, place)
            if depth:
                break
            if place == len(text) or (not text.startswith("{{", place) and number > begin):
                marks.set(range(begin, number + (place == len(text))), "template")


def _mark_tables(marks: LineMarks) -> None:
    begin = -1  # no table is open
    for number, line in enumerate(marks.lines):
        if line.text.startswith("{|") and begin < 0:
            begin = number
        elif line.text.startswith("|}") and not line.text.startswith("|}}") and begin >= 0:
            marks.set(range(begin, number + 1), "table row")
            begin = -1
