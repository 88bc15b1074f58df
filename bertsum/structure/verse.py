"""Marks verse: stanzas of short lines, which begin with capitals and end before they are full.

One stanza alone may as well be a note or a speech. So it must be set apart from the text, as a quotation or by spaces,
or there must be several.
"""

from __future__ import annotations

import re
from itertools import groupby, pairwise

from bertsum.structure.marks import LineMarks
from bertsum.structure.units import is_ended, is_item, is_turn

_FEWEST_LINES = 4
_LONGEST_LINE = 60  # characters
_FEWEST_WORDS = 4  # of a line, on average: fewer are names, or items
_MARKUP = re.compile(r"\s*(?:> ?)*[*_]{0,2}")
_SET_APART = re.compile(r"\s*>|\s{2}|\t")
_CAPITAL = re.compile(r"[\"“”„«'‘’¡¿(]*[^\W\d_]")
_PAUSE = re.compile(r"[,;:—–-]\W*$")


def mark_verse(marks: LineMarks) -> None:
    """Marks stanzas of verse, which a summary should not quote."""
    stanzas = [list(numbers) for free, numbers in groupby(range(len(marks.lines)), key=marks.free) if free]
    found = [stanza for stanza in stanzas if _is_verse([marks.lines[number].text for number in stanza])]
    for stanza in found:
        if len(found) > 1 or all(_SET_APART.match(marks.lines[number].text) for number in stanza):
            marks.set(stanza, "verse")


def _is_verse(written: list[str]) -> bool:
    lines = [_MARKUP.sub("", line, count=1) for line in written]
    if len(lines) < _FEWEST_LINES or any(len(line) > _LONGEST_LINE for line in lines):
        return False
    if not all(_begins_with_capital(line) and not is_item(line) and not is_turn(line) for line in lines):
        return False
    ended = sum(is_ended(line) for line in lines)
    paused = sum(_PAUSE.search(line) is not None for line in lines)
    enough = sum(len(line.split()) for line in lines) >= _FEWEST_WORDS * len(lines)
    return enough and ended + paused >= 2 and 2 * ended <= len(lines) and 2 * _early(lines) >= len(lines) - 1


def _begins_with_capital(line: str) -> bool:
    first = _CAPITAL.match(line)
    return first is not None and first[0][-1].isupper()


def _early(lines: list[str]) -> int:
    """How many lines end although the next line's first word would have fitted, as in no wrapped paragraph."""
    width = max(map(len, lines))
    return sum(len(line) + 1 + len(below.split()[0]) <= width for line, below in pairwise(lines))
