"""Marks lines of Markdown that are no sentences: front matter, headings, code, tables, comments, badges, links."""

from __future__ import annotations

import re
from itertools import takewhile

from bertsum.structure.marks import LineMarks

_FENCE = re.compile(r"\s*(```+|~~~+)")
_ORG_BLOCK, _ORG_SETTING = re.compile(r"\s*#\+begin_(?:src|example)\b", re.I), re.compile(r"\s*#\+[a-z_]+:", re.I)
_ORG_DRAWER = re.compile(r"\s*:(?:PROPERTIES|LOGBOOK):$")
_HEADING = re.compile(r"\s{0,3}#{1,6}(\s+\S|$)")
_UNDERLINE = re.compile(r"\s{0,3}(=+|-{3,}|~{3,}|\^{3,})$")
_DIRECTIVE = re.compile(r"\s*\.\. (?:_[^:]+|[\w-]+::|\|[^|]+\|)")  # of reStructuredText
_DOCTEST = re.compile(r"\s*>>> \S")
_RULE = re.compile(r"\s{0,3}([-*_=~+])(\s*\1){2,}$")
_ROW_SEPARATOR = re.compile(r"\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)+\|?$|\s*\+(?:[-=]+\+)+$")
_ROW = re.compile(r"\s*\|.*\|$")
_DEFINITION = re.compile(r"\s{0,3}\[[^\]]+\]:\s+\S+")
_TAGS_ALONE = re.compile(r"\s*(<[/!]?[a-zA-Z][^<>]*>\s*)+$")
_IMAGE = r"!\[[^\]]*\](?:\([^()]*(?:\([^()]*\)[^()]*)*\)|\[[^\]]*\])"
_LINKED_IMAGE = rf"\[\s*{_IMAGE}\s*\](?:\([^)]*\)|\[[^\]]*\])"
_IMAGES_ALONE = re.compile(rf"\s*(?:[-*]\s+)?(?:(?:{_LINKED_IMAGE}|{_IMAGE})[\s|·]*)+$")
_LINKS_ALONE = re.compile(r"\s*(?:[-*+]\s+|\d+\.\s+)?(?:\**\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])\**[\s|·•,/]*)+$")
_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s")
_SIGNS = re.compile(r"^ {0,3}#{1,6}\s+\S|^[ \t]{0,9}```|\]\([^)\s]{1,300}\)|\*\*\S[^*]*\*\*", re.MULTILINE)
_LINK = re.compile(
    r"(?<!!)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(\s*<?[^()\s]*(?:\([^()]*\)[^()\s]*)*>?(?:\s+[\"'(][^\"')]*[\"')])?\s*\)"
)
_SHOWN_IMAGE = re.compile(_IMAGE)
_QUOTED = re.compile(r"^[ \t]{0,3}>(?:[ >]*>)? ?", re.MULTILINE)
_AUTOMATIC = re.compile(r"<(?:https?://|mailto:)[^<>\s]+>")


def is_markdown(text: str) -> bool:
    """Whether a text has at least two marks of Markdown."""
    return len(_SIGNS.findall(text[:20_000])) >= 2


def without_targets(text: str) -> str:
    """Markdown without the targets of links, images, and marks of block quotes before lines; other marks stay."""
    text = _QUOTED.sub("", text)
    if "](" not in text and "<" not in text:
        return text
    text = _LINK.sub(r"\1", _SHOWN_IMAGE.sub("", text))
    return _AUTOMATIC.sub("", text)


def mark_markdown(marks: LineMarks, markdown: bool) -> None:
    """Marks the lines that are no sentences.

    Args:
        marks: The lines.
        markdown: Whether the text surely is Markdown: then indented lines are code.
    """
    _mark_front_matter(marks)
    _mark_org(marks)
    _mark_code(marks)
    _mark_comments(marks)
    for number, line in enumerate(marks.lines):
        if not marks.free(number):
            continue
        below = marks.lines[number + 1].text if number + 1 < len(marks.lines) else ""
        if _HEADING.match(line.text):
            marks.set([number], "heading")
        elif _ROW_SEPARATOR.match(line.text):
            _mark_table(marks, number)
        elif _ROW.match(line.text):
            marks.set([number], "table row")
        elif _RULE.match(line.text):
            marks.set([number], "rule")
        elif _UNDERLINE.match(below) and not _ITEM.match(line.text) and len(line.text) <= 2 * len(below.strip()) + 40:
            before = marks.lines[number - 1].text if number else ""
            if not before:
                marks.set([number, number + 1], "heading")
        elif _DIRECTIVE.match(line.text):
            marks.set([number, *_options(marks, number)], "link target")
        elif _DEFINITION.match(line.text):
            marks.set([number], "link target")
        elif line.text.endswith("::"):
            marks.set(_literal_block(marks, number), "code")
        elif _DOCTEST.match(line.text):
            marks.set(_example(marks, number), "code")
        elif _IMAGES_ALONE.match(line.text) or _TAGS_ALONE.match(line.text):
            marks.set([number], "picture or tag")
        elif _LINKS_ALONE.match(line.text):
            marks.set([number], "link")
    if markdown:
        _mark_indented_code(marks)


def _indent(line: str) -> int:
    """Number of white characters before a line's text; 0 for a blank line."""
    return len(line) - len(line.lstrip())


def _literal_block(marks: LineMarks, number: int) -> list[int]:
    """The indented lines below a line that ends with two colons (reStructuredText)."""
    own = _indent(marks.lines[number].text)
    rest = range(number + 1, len(marks.lines))
    return list(takewhile(lambda place: not marks.lines[place].text or _indent(marks.lines[place].text) > own, rest))


def _example(marks: LineMarks, number: int) -> list[int]:
    """A line of a Python session, and what it prints, up to a blank line."""
    return list(takewhile(lambda place: marks.lines[place].text, range(number, len(marks.lines))))


def _options(marks: LineMarks, number: int) -> list[int]:
    """The options below a directive of reStructuredText, such as ``:width: 661``."""
    return list(
        takewhile(lambda place: re.match(r"\s+:[\w-]+:", marks.lines[place].text), range(number + 1, len(marks.lines)))
    )


def _mark_front_matter(marks: LineMarks) -> None:
    lines = marks.lines
    first = next((number for number, line in enumerate(lines) if line.text), None)
    if first is None or lines[first].text not in ("---", "+++"):
        return
    for number in range(first + 1, min(len(lines), first + 200)):
        if lines[number].text in (lines[first].text, "..."):
            between = [line.text for line in lines[first + 1 : number] if line.text]
            if between and sum(bool(re.match(r"\s*[\w-]+\s*[:=]|\s*-\s|\s+\S|[\]}]", text)) for text in between) == len(
                between
            ):
                marks.set(range(first, number + 1), "front matter")
            return


def _mark_org(marks: LineMarks) -> None:
    """Marks settings of Org mode, and what stands between ``#+begin_src`` or a drawer's name and its end."""
    for begin, end, why in ((_ORG_BLOCK, "#+end_", "code"), (_ORG_DRAWER, ":end:", "front matter")):
        last = -1  # line of the end below; none is below it
        for number in reversed(range(len(marks.lines))):
            text = marks.lines[number].text
            if text.strip().lower().startswith(end):
                last = number
            elif begin.match(text):
                marks.set(range(number, last + 1), why)
                last = -1
    marks.set([number for number, line in enumerate(marks.lines) if _ORG_SETTING.match(line.text)], "front matter")


def _mark_code(marks: LineMarks) -> None:
    fence, begin = "", 0
    for number, line in enumerate(marks.lines):
        match = _FENCE.match(line.text)
        above = marks.lines[number - 1].text.strip() if number else ""
        underlines = match is not None and line.text.strip() == match[1] and abs(len(above) - len(match[1])) <= 2
        if not fence and match and marks.free(number) and not underlines:
            fence, begin = match[1], number
        elif fence and match and match[1].startswith(fence) and line.text.strip() == match[1]:
            marks.set(range(begin, number + 1), "code")
            fence = ""
    if fence:  # the fence is never closed: only its own line is marked
        marks.set([begin], "code")


def _mark_comments(marks: LineMarks) -> None:
    begin = None
    for number, line in enumerate(marks.lines):
        if begin is None and line.text.lstrip().startswith("<!--"):
            begin = number
        if begin is not None and "-->" in line.text:
            if line.text.endswith("-->"):
                marks.set(range(begin, number + 1), "comment")
            begin = None


def _mark_table(marks: LineMarks, separator: int) -> None:
    """Marks a separator of rows, the row above, and the rows below."""
    marks.set([separator], "table row")
    for step in (-1, 1):
        number = separator + step
        while 0 <= number < len(marks.lines) and ("|" in marks.lines[number].text):
            marks.set([number], "table row")
            number += step


def _mark_indented_code(marks: LineMarks) -> None:
    in_list, after_blank = False, True
    for number, line in enumerate(marks.lines):
        if not line.text:
            after_blank = True
            continue
        indented = line.text.startswith(("    ", "\t"))
        if _ITEM.match(line.text) and not (indented and not in_list):
            in_list = True
        elif not indented:
            in_list = False
        elif not in_list and (after_blank or marks.whys[number - 1] == "code"):
            marks.set([number], "code")
        after_blank = False
