"""Lines and marks of a text. A mark is a stretch of the text that is structure, with a name for its kind."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

_LINE = re.compile(r"[^\n\r\f]*(?:\r\n|[\n\r\f]|$)")


class Line(NamedTuple):
    """A line of a text."""

    start: int
    end: int  # behind the line's end
    text: str  # without white space at its end


@dataclass(frozen=True)
class Mark:
    """A stretch of a text.

    Attributes:
        start: Where it begins.
        end: Where it ends.
        why: The kind of structure, such as ``heading``; empty for text that only stands apart from the text around it.
    """

    start: int
    end: int
    why: str


def lines_of(text: str) -> list[Line]:
    """All lines of a text, the blank ones among them."""
    return [Line(match.start(), match.end(), match[0].rstrip()) for match in _LINE.finditer(text) if match[0]]


class LineMarks:
    """Marks for whole lines. A line that has a mark keeps it."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        self.whys: list[str | None] = [None] * len(lines)

    def set(self, numbers: Iterable[int], why: str) -> None:
        """Marks lines, unless they have a mark or are blank."""
        for number in numbers:
            if self.whys[number] is None and self.lines[number].text:
                self.whys[number] = why

    def free(self, number: int) -> bool:
        """Whether a line has text and no mark."""
        return self.whys[number] is None and bool(self.lines[number].text)

    def marks(self) -> list[Mark]:
        """A mark for each marked line."""
        return [
            Mark(line.start, line.end, why) for line, why in zip(self.lines, self.whys, strict=True) if why is not None
        ]
