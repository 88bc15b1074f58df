"""Splits a text into sentences, and says which are structure, from which a summary should not be made."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from bertsum.data.lines import units
from bertsum.data.sentences import split_sentences
from bertsum.structure import formulas
from bertsum.structure.bylines import is_byline, is_credit
from bertsum.structure.mail import mark_digest, mark_mail
from bertsum.structure.markdown import is_markdown, mark_markdown
from bertsum.structure.marks import LineMarks, Mark, lines_of
from bertsum.structure.regions import label_ends, latex_comments, mark_regions
from bertsum.structure.units import (
    INTRODUCTION,
    PART,
    Around,
    Unit,
    around,
    is_ended,
    is_item,
    is_of_form,
    is_turn,
    why_no_sentence,
    why_not_chosen,
)
from bertsum.structure.wikitext import mark_wikitext
from bertsum.text import sanitize, split_words

_BLANK_LINE = re.compile(r"(?:\r\n|[\n\r\f])[^\S\n\r]*(?:\r\n|[\n\r\f])[\s]*$")
_RUN_IN = re.compile(
    r"\s*(?:\d+(?:\.\d+)*\.?\s+|\([a-z\d]{1,3}\)\s+)?[*_]{0,2}([^\W\d_][\w ,/&'’-]{2,40}?)[*_]{0,2}"
    r"(?:\s?\.\s?(?:--|—)|\s?[.:][*_]{0,2}\s|\s{2})"
)
_TITLE = re.compile(  # of a numbered paragraph: "3. Term and Termination."
    r"\s*(?:(?:article|section)\s+)?(?:\d+(?:\.\d+)*|[IVXL]+)[.)]?\s+[A-Z][\w'’/-]*"
    r"(?:[;,]? (?:and|of|the|for|to|on|in|or|[A-Z][\w'’/-]*|&)){0,5}\.\s*$"
)
_MARKS = re.compile(r"[.!?。！？]")
_SHORT_PARAGRAPH = 45  # words: in longer paragraphs, set phrases of any document are not searched for
_SPOKEN = 60  # words: a passage with fewer than one mark for so many words is transcribed speech
_FEWEST_TURNS = 3  # with fewer turns left of a conversation, its short turns and questions may be chosen, too
_LONGEST_RUN_IN = 4  # words
_BUTTONS = 6  # words: what stands behind a set phrase, such as "More information"
# Kinds of structure that are chosen last: only if a text has nothing else.
_LAST = frozenset(
    (
        *("code", "comment", "front matter", "link target", "picture or tag", "table row", "rule", "number"),
        *("page number", "time of a caption", "number of a caption", "line to fill in", "log line"),
    )
)


@dataclass(frozen=True)
class Piece:
    """A sentence of a text, verbatim, with the white space after it.

    Attributes:
        text: The sentence.
        why: The kind of structure, such as ``heading`` or ``table row``; empty for a sentence that may be chosen.
    """

    text: str
    why: str = ""


def pieces_of(text: str, language: str, marks: Sequence[Mark] = (), markdown: bool = False) -> list[Piece]:
    """Splits a text into sentences and says which of them are structure.

    Joined, the pieces are the text. At least one of them has no ``why`` if the text has any words.

    Args:
        text: Any text.
        language: ISO 639-1 code, for splitting.
        marks: Stretches that are known to be structure, in order, without overlap.
        markdown: Whether the text surely is Markdown.
    """
    if not marks and not any(end in text for end in "\n\r\f"):
        return _spoken([Piece(sentence) for sentence in split_sentences(text, language)])
    clean = sanitize(text)
    lines = LineMarks(lines_of(clean))
    _known(lines, marks)
    digest = not markdown and mark_digest(lines)
    markdown = markdown or (not digest and is_markdown(clean))
    mail = digest or (not markdown and mark_mail(lines))
    mark_wikitext(lines)
    mark_markdown(lines, markdown)
    mark_regions(lines)
    kinds = formulas.kinds_of(clean)
    labels = label_ends(lines, speakers="clinic" not in kinds)  # whose labels recur with each visit
    parts = [*labels, *latex_comments(lines)]
    stretches = _stretches(len(text), sorted([*lines.marks(), *parts], key=lambda mark: mark.start))
    items = [_Item(unit, mark.why) for mark in stretches for unit in _units(clean, mark, language)]
    kinds = _kinds(kinds, items, mail) | {formulas.ADVERT}
    place = around([item.unit for item in items if not item.why])
    if any(item.why == "speaker and time" for item in items):
        place = replace(place, chat=True)
    items = _without_sections(_classified(items, place), kinds)
    if any(item.why for item in items):
        kinds |= {formulas.ANY}
    if place.chat and sum(not item.why for item in items) < _FEWEST_TURNS:
        items = [replace(item, why="") if item.why in ("short turn", "question") else item for item in items]
    return _fallback([piece for item in items for piece in _split(text, item, language, kinds, place)])


@dataclass(frozen=True)
class _Item:
    """A unit of the text, and its kind of structure, if any."""

    unit: Unit
    why: str


def _known(lines: LineMarks, marks: Sequence[Mark]) -> None:
    """Marks the lines that lie in known stretches."""
    rest = iter(marks)
    mark = next(rest, None)
    for number, line in enumerate(lines.lines):
        while mark is not None and mark.end <= line.start:
            mark = next(rest, None)
        if mark is not None and mark.start < line.end and mark.why:
            lines.set([number], mark.why)


def _stretches(length: int, marks: list[Mark]) -> Iterator[Mark]:
    """The whole text as stretches: the marks, neighbours of one kind joined, and what lies between them."""
    place = 0
    joined: list[Mark] = []
    for mark in marks:
        if joined and joined[-1].end == mark.start and joined[-1].why == mark.why and mark.why != "heading":
            joined[-1] = replace(joined[-1], end=mark.end)
        else:
            joined.append(mark)
    for mark in joined:
        if place < mark.start:
            yield Mark(place, mark.start, "")
        yield mark
        place = mark.end
    if place < length:
        yield Mark(place, length, "")


def _units(text: str, stretch: Mark, language: str) -> Iterator[Unit]:
    """The units of a stretch of a text; a stretch that is structure is one."""
    part = text[stretch.start : stretch.end]
    bounds = [(0, len(part))]
    if not stretch.why:
        bounds = [bound for unit in units(part) for bound in _apart(part, *unit, language)]
    for begin, end in bounds:
        start, stop = stretch.start + begin, stretch.start + end
        above = start == 0 or _BLANK_LINE.search(text, max(0, start - 200), start) is not None
        below = stop == len(text) or _BLANK_LINE.search(text, max(start, stop - 200), stop) is not None
        yield Unit(start, stop, text[start:stop].strip(), above and below, below and not above)


def _apart(text: str, begin: int, end: int, language: str) -> list[tuple[int, int]]:
    """A unit, and apart from it what stands below its last full stop: a link, a name, "Read more"."""
    lines = lines_of(text[begin:end].rstrip())
    ended = [place for place, line in enumerate(lines) if is_ended(line.text)]
    if not ended or ended[-1] == len(lines) - 1:
        return [(begin, end)]
    cut = begin + lines[ended[-1]].end
    if split_sentences(f"{text[begin:cut].rstrip()} The end.", language)[-1] != "The end.":  # an abbreviation's stop
        return [(begin, end)]
    return [(begin, cut), (cut, end)]


def _kinds(shown: frozenset[str], items: list[_Item], mail: bool) -> frozenset[str]:
    kinds = set(shown)
    if mail:
        kinds.add("mail")
    titles = {formulas.title_of(item.unit.text) for item in items if len(item.unit.text) < 60}
    if any(item.why == "formula" for item in items):  # an enacting clause
        kinds.add("legal")
    if any(item.why == "title" for item in items) and titles & {"references", "introduction", "abstract", "literature"}:
        kinds.add("paper")
    return frozenset(kinds)


def _classified(items: list[_Item], place: Around) -> list[_Item]:
    """Finds the kind of each unit without a mark by its form."""
    classified: list[_Item] = []
    begun = not place.chat  # what stands above a conversation is no turn
    for number, item in enumerate(items):
        begun = begun or item.why == "speaker and time" or is_turn(item.unit.text)
        if not item.why and item.unit.text:
            above_turns = "heading" if not (begun or item.unit.ended) else None
            item = replace(item, why=above_turns or why_no_sentence(item.unit, _below(items, number), place) or "")
        above = classified[-1] if classified else None
        if not item.why and above and above.why == PART and not above.unit.ended and item.unit.ends_list:
            item = replace(item, why=PART)
        classified.append(item)
    return [item for _, alike in groupby(classified, _is_open_item) for item in _alike(list(alike))]


def _is_open_item(item: _Item) -> bool:
    return item.unit.is_item and not item.unit.ended


def _alike(items: list[_Item]) -> list[_Item]:
    """Items of a list that do not end as sentences do: none of them is chosen if most are none to choose."""
    left_out = sum(bool(item.why) for item in items)
    if not _is_open_item(items[0]) or 2 * left_out <= len(items):
        return items
    return [item if item.why else replace(item, why="short list item") for item in items]


def _below(items: list[_Item], number: int) -> Unit | None:
    return items[number + 1].unit if number + 1 < len(items) else None


def _without_sections(items: list[_Item], kinds: frozenset[str]) -> list[_Item]:
    """Leaves out sections that say nothing about the document's subject, such as its references."""
    left: list[_Item] = []
    why, level, listed = None, 0, False
    for number, item in enumerate(items):
        unit = item.unit
        title = formulas.title_of(unit.text) if item.why in ("heading", "label", INTRODUCTION) else ""
        if item.why in ("heading", "label") or (title and formulas.section(title, kinds)):
            own = _level(item)
            if title and not unit.last and (why is None or own <= level):  # nothing is below "Read more" in its place
                why, level = formulas.section(title, kinds), own
                below = _below(items, number)
                listed = why in ("contents", "ingredients") or (
                    why == "further reading" and below is not None and below.is_item
                )
            left.append(item)
            continue
        if listed and unit.ended and not unit.is_item and (why != "ingredients" or unit.has_inner_end):
            why = None  # prose behind a list of links or of ingredients, or a table of contents
        run_in = _RUN_IN.match(unit.text)
        own_why = None
        if run_in and not item.why and len(run_in[1].split()) <= _LONGEST_RUN_IN:
            own_why = formulas.section(formulas.title_of(run_in[1]), kinds)
        if own_why == "further reading" and unit.has_inner_end:
            own_why = None  # "See also: Maps. The town ..." is one set phrase, and then prose
        left.append(replace(item, why=own_why or why or "") if (own_why or why) and not item.why else item)
    return left


def _level(item: _Item) -> int:
    """The level of a heading by its marks or its number; 1 is the highest."""
    if item.why == "label":
        return 7
    if marks := re.match(r"\s*(#{1,6}(?=\s)|={2,6}(?= ?[^=\s]))", item.unit.text):
        return len(marks[1])
    number = re.match(r"\s*(\d+(?:\.\d+)*)\.?\s", item.unit.text)
    return number[1].count(".") + 1 if number else 1


def _split(text: str, item: _Item, language: str, kinds: frozenset[str], place: Around) -> Iterator[Piece]:
    """The sentences of a unit."""
    unit = item.unit
    part = text[unit.start : unit.end]
    if not part.strip():
        yield Piece(part)
        return
    sentences = split_sentences(part, language)
    open_end = item.why in (INTRODUCTION, PART) and not unit.is_item
    if item.why and not open_end:
        yield from (Piece(sentence, item.why) for sentence in sentences)
        return
    short = unit.words <= _SHORT_PARAGRAPH * (1 if " " in unit.text else 3)  # without spaces a character is a word
    found: list[Piece] = []
    for number, sentence in enumerate(sentences):
        bare = sentence.strip()
        why = why_not_chosen(bare)
        if place.chat and why != "note":
            why = None
        if number == 0 and len(sentences) > 1 and _TITLE.match(bare):
            why = "heading"
        if number == 0 and place.questions and is_of_form(bare):
            why = "question"
        if why is None and formulas.is_formula(bare, kinds if short else kinds - {formulas.ANY}):
            why = "formula"
        if number == len(sentences) - 1:
            if open_end:
                why = item.why
            elif not is_ended(bare) and is_credit(bare) and is_byline(bare, len(split_words(bare))):
                why = "byline or date"
            elif found and found[-1].why == "formula" and not is_ended(bare) and len(split_words(bare)) <= _BUTTONS:
                why = "formula"
        found.append(Piece(sentence, why or ""))
    yield from _spoken(found)


def _spoken(pieces: list[Piece]) -> list[Piece]:
    """Leaves out greetings and thanks of transcribed speech, which has no full stops."""
    whole = "".join(piece.text for piece in pieces)
    if len(pieces) < 3 or len(_MARKS.findall(whole)) * _SPOKEN > len(split_words(whole)):
        return pieces
    return [
        replace(piece, why="formula") if not piece.why and formulas.is_spoken_formula(piece.text) else piece
        for piece in pieces
    ]


def _fallback(pieces: list[Piece]) -> list[Piece]:
    """Joins pieces of white space to those before them. If every piece is structure, the items may be
    chosen if most are items of a list, else all with words.
    """
    joined: list[Piece] = []
    for piece in pieces:
        if joined and not piece.text.strip():
            joined[-1] = replace(joined[-1], text=joined[-1].text + piece.text)
        elif joined and not joined[-1].text.strip():
            joined[-1] = replace(piece, text=joined[-1].text + piece.text)
        else:
            joined.append(piece)
    if any(piece.text.strip() and not piece.why for piece in joined):
        return joined
    words = {piece for piece in joined if piece.why not in _LAST}
    items = {piece for piece in words if is_item(piece.text) and piece.why != "signature"}
    for freed in (items if 2 * len(items) >= len(words) else set(), words, set(joined)):
        left = [replace(piece, why="") if piece in freed else piece for piece in joined]
        if any(piece.text.strip() and not piece.why for piece in left):
            return left
    return joined
