"""Ends of sentences inside quotations and brackets, which stay whole if they are short."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_right
from collections.abc import Iterator

_FEW = 3  # sentences: a quoted or bracketed passage of at most this many stays whole
_PAIR = re.compile(r"[\"“”()\[\]`]")
_DEEPEST = 8  # pairs around each other
_PAIRS = (('"', '"'), ("“", "”"), ("(", ")"), ("[", "]"), ("`", "`"))
_CLOSES = {"”": "“", ")": "(", "]": "["}


def outside_pairs(text: str, ends: list[int]) -> list[int]:
    """Leaves out the ends inside quotations and brackets of up to :data:`_FEW` sentences, and inside code."""
    removed: set[int] = set()
    for start, stop in _unbalanced(text, ends):
        for begin, end in _pairs(text[start:stop]):
            first, last = bisect_right(ends, start + begin), bisect_right(ends, start + end)
            inside = [position for position in ends[first:last] if position not in removed]
            if len(inside) < _FEW or text[start + begin] == "`":
                removed.update(inside)
    return [end for end in ends if end not in removed] if removed else ends


def _unbalanced(text: str, ends: list[int]) -> Iterator[tuple[int, int]]:
    """Runs of sentences in which a pair may enclose an end: the first and last sentence each have unequal numbers of
    opening and closing marks, and only a few sentences lie between them.
    """
    used = [(opening, closing) for opening, closing in _PAIRS if opening in text]
    if not ends or not used:
        return
    bounds = [0, *ends, len(text)]
    run: list[int] = []  # the unbalanced sentences of a run
    for number, (start, end) in enumerate(itertools.pairwise(bounds)):
        sentence = text[start:end]
        for opening, closing in used:
            count = sentence.count(opening)
            if count % 2 if opening == closing else count != sentence.count(closing):
                if run and number - run[-1] > _FEW:
                    if len(run) > 1:
                        yield bounds[run[0]], bounds[run[-1] + 1]
                    run = []
                run.append(number)
                break
    if len(run) > 1:
        yield bounds[run[0]], bounds[run[-1] + 1]


def _pairs(text: str) -> Iterator[tuple[int, int]]:
    """Positions of matching quotation marks, brackets and backticks, inner pairs first; unmatched marks are left out.

    An opening mark must stand before a word and a closing mark after one, so inch marks and emoticons do not match.
    """
    opened: list[tuple[str, int]] = []
    for match in _PAIR.finditer(text):
        mark, place = match[0], match.start()
        kinds = [kind for kind, _ in opened]
        opener = _CLOSES.get(mark, mark)
        if _opens(text, mark, place, kinds):
            if mark in '“"':  # a quotation that was never closed
                opened = [(kind, position) for kind, position in opened if kind != mark]
            opened = [*opened[-_DEEPEST:], (mark, place)]
        elif opener in kinds and place and not text[place - 1].isspace():
            position = len(kinds) - 1 - kinds[::-1].index(opener)
            yield opened[position][1], place
            opened = opened[:position]


def _opens(text: str, mark: str, place: int, kinds: list[str]) -> bool:
    """Whether a mark opens a pair; ``kinds`` are the open pairs."""
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    if mark in "”)]" or not after or after.isspace():
        return False
    if mark == "`":
        return mark not in kinds
    if mark == '"':
        return not before or before.isspace() or before in "([“‘—–-"
    return before not in (":", ";")  # emoticons
