"""The units of a text that its lines show: paragraphs, headings, list items, turns of a dialogue, captions.

A line break inside a sentence is not an end: such lines belong to one unit.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

_LINE_BREAK = r"(?:\r\n|\r(?!\n)|[\n\x85\u2028])"  # never half of two characters
_BLANK = r"[^\S\n\r\x85\u2028\u2029\f\v]|[\u200b\u2060\ufeff]"
_OTHER_BREAKS = "\r\x85\u2028\u2029\f\v"
# It begins with a set of characters: the search is many times as quick as for alternatives.
_PARAGRAPH_END = re.compile(
    rf"[\n\r\x85\u2028\u2029\f\v](?:(?<=[\u2029\f\v])|(?!(?<=\r)\n)(?:(?:{_BLANK})*{_LINE_BREAK})+)"
)
_LINE = re.compile(rf"[^\n\r\x85\u2028]*(?:{_LINE_BREAK}|$)")

_ITEM = re.compile(
    r"\s*(?:[•‣▪◦●○■□▢·⁃*+–—→➢►✓✔✗★☐☑-]\s+|[•‣▪●○■□·・①-⑳]|[一二三四五六七八九十]{1,3}、|\[[ xX]\]\s+"
    r"|<[^<>\s]{1,30}>\s+"
    r"|(?:\d{1,3}|[a-zA-Z])\.?\)\s+|[(\[](?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[)\]]\s+|\[0\d{3}\]\s+"
    r"|\d{1,3}(?:\.\d{1,2}){0,3}\.?\s+(?=\S)(?=[^\Wa-z\d])|\d{1,2}\.\s+|[IVXLC]{2,5}[.)]\s+)(?=\S)"
)
# A number that may also be within a sentence: "from / 23 January"
_BARE_NUMBER = re.compile(r"\s*\d{1,3}\s")
_SMALL_ITEM = re.compile(r"\s*(?:[a-z]|[ivx]{2,5})\.\s+\S")
_LETTER_ITEM = re.compile(r"\s*[A-Za-z]\.\s+\S")  # also an initial
_TIME = re.compile(
    r"\s*[(\[]?(?:\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}[,T]?\s*)?\d{1,2}[:.]\d\d(?:[:.]\d\d)?(?:\s?[apAP]\.?[mM]\.?)?[)\]]?[\s,-]"
)
# What stands between a title and a text: "2022-10-18 09:12 来源：..."
_DATELINE = re.compile(
    r"\s*\d{4}(?:[-/.]\d{1,2}[-/.]\d{1,2}|年\d{1,2}月\d{1,2}日)(?:\s+\d{1,2}(?::\d\d(?::\d\d)?|[時时]\d{1,2}分)(?:\s[^.!?。！？]{0,60})?)?\s*$"
)
# A heading that asks: "How to get there", "When it opens"
_ASKING = re.compile(
    r"\s*(?:How (?:to|it|long|many|much|we|you)|(?:What|When|Where|Why|Who) (?:to|it|is|we|you|they))"
    r"(?: [\w'’-]+){1,4}\s*$"
)
_CHINESE_HEADING = re.compile(
    r"\s*(?:[一二三四五六七八九十]{1,3}、|[（(][一二三四五六七八九十]{1,3}[)）])[^\s，；。]{1,20}\s*$"
)
_LEADER = re.compile(r".*\.{4,}\s*\w{1,6}\s*$")  # a line of a table of contents
_EMOJI_END = re.compile(r"[\u2600-\u27bf\U0001f000-\U0001faff][\ufe0f\u200d]?\s*$")
_COLON = re.compile("[:：]")
_SPEAKER = re.compile(r"\s*(?:[-–—>]\s*)?[^\W\d_][\w.'’()-]*(?: [^\W\d_][\w.'’()-]*){0,3} ?[:：]\s*\S")
# Markdown: headings, rows, quotes, code, rules; notices of chat programs; headings of Wikipedia
_MARKUP = re.compile(r"\s*(?:#{1,6}\s|\||>|```|~~~|[=~*_-]{3,}\s*$|(?:---|-!-|-->|<--) \S)|.{1,80}\[edit\]\s*$")
# A line in brackets: "[door slams]"; sung; or the times of a caption
_BRACKETED = re.compile(r"\s*(?:\[[^\]]*\]|\([^)]*\)|（[^）]*）|♪.*♪?|-->.*)\s*$|\s*\d\d:\d\d:\d\d.*-->")
_QUOTED = re.compile(r"\s{0,3}(?:> ?)+")
_CAPITALS = re.compile(r"\s*[A-Z][A-Z ]{2,40}\s*$")
_PHONE = re.compile(r"\s*(?:tel|tél|phone|mobile|mob|cell|fax|тел|моб|факс)\b[.:]?\s*[+(\d].{4,40}$", re.IGNORECASE)
_ENDED = re.compile(r"[.!?…。！？।॥۔؟።։][\"'”’»)\]}*_`」』）]*(?:\[\d+\])*\s*$")
_MARK = re.compile(r"[.!?…。！？।॥۔؟።։](?:\W|$)")
_NOT_LAST = re.compile(  # a line does not end with these unless it is wrapped
    r"(?:[,;(\[/&–—-]|\b(?:a|an|the|of|in|on|at|to|for|from|by|with|and|or|nor|but|as|that|which|who|whose|is|are|was|were"
    r"|be|been|has|have|had|will|would|can|could|may|might|must|shall|should|its|his|her|their|our|my|your|this|these"
    r"|those|than|into|between|under|over|about|der|die|das|und|oder|mit|von|zu|im|dem|den|des|ein|eine|einer|einem|le"
    r"|les|des|du|et|ou|avec|pour|dans|el|los|las|del|y|con|por|para|en|il|lo|gli|della|di|e|che|per|het|een|van|de))"
    r"\s*$"
)
_NUMBERED_LINE = re.compile(r"\s*(?:[A-Z]{2,4} \d{1,2}[.:)]?|\d{1,2}(?:\.\d{1,2}){0,2}[.)])\s+[^\W\d_]")
# A word that inside a sentence has a small letter, and the next one, too: "The report", "None."
_BEGINS_SENTENCE = re.compile(
    r"\s*(?:(?:The|There|This|These|They|We|It|He|She|A|An|No|All|None|In|At|On) [a-z]|(?:None|Nothing|No)\b[.,]"
    r"|(?:Der|Das|Es|Wir|Ein|Eine|Keine[rs]?|Le|Il|Elle|Nous|El|Los|Het|Er|Geen|Nessuno|Aucun\w*|Ning\w*)\b)"
)
_SLACK = 0.8  # of the longest line: if the next word would fit into this, the line was ended by choice
_LONGEST_NAME, _LONGEST_END = 60, 40  # characters in which to look for a speaker, or for a mark at a line's end
_NARROW = 60  # characters: text is wrapped at more than this, captions and verses at less


def units(text: str) -> Iterator[tuple[int, int]]:
    """Begin and end of each unit of a text, in order; a unit includes the white space after it."""
    if "\n" not in text and not any(mark in text for mark in _OTHER_BREAKS):
        yield 0, len(text)
        return
    start = 0
    for match in _PARAGRAPH_END.finditer(text):
        yield from _paragraph_units(text, start, match.end())
        start = match.end()
    yield from _paragraph_units(text, start, len(text))


def _paragraph_units(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The units of one paragraph."""
    lines = [match[0] for match in _LINE.finditer(text[start:end].rstrip()) if match[0]]
    if len(lines) < 2:
        if start < end:
            yield start, end
        return
    paragraph = _Paragraph(lines)
    position = start
    for number in range(1, len(lines)):
        position += len(lines[number - 1])
        if paragraph.breaks(number):
            yield start, position
            start = position
    yield start, end


class _Paragraph:
    """Lines without a blank line between them."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    @functools.cached_property
    def width(self) -> int:
        """Characters of the longest line."""
        return max(len(line.rstrip()) for line in self.lines)

    @functools.cached_property
    def marked(self) -> bool:
        """Whether there is punctuation."""
        return any(map(_MARK.search, self.lines))

    @functools.cached_property
    def counts(self) -> bool:
        """Whether several lines begin with a number, as quantities do; one is probably a wrapped line."""
        return sum(line.lstrip()[:1].isdigit() for line in self.lines) > 1

    @functools.cached_property
    def turns(self) -> set[int]:
        """Lines that begin with a time or a speaker; none if only one does, since that is probably a wrapped line."""
        turns = {
            number
            for number, line in enumerate(self.lines)
            if _TIME.match(line) or (_COLON.search(line, 0, _LONGEST_NAME) and _SPEAKER.match(line))
        }
        return turns if len(turns) > 1 else set()

    def breaks(self, number: int) -> bool:
        """Whether a line begins a unit."""
        before, line = self.lines[number - 1], self.lines[number]
        if (quoted := _QUOTED.match(before)) and line.startswith(quoted[0]):  # lines of one block quote
            before, line = before[quoted.end() :], line[quoted.end() :]
            if not before.strip() or not line.strip():
                return True
        within = _BARE_NUMBER.match(line) and _NOT_LAST.search(before, max(0, len(before) - _LONGEST_END))
        if (_ITEM.match(line) and not within) or (_SMALL_ITEM.match(line) and _SMALL_ITEM.match(before)):
            return True
        if _CAPITALS.match(before) and _indent(line) >= _indent(before) + 2:  # a heading of a manual
            return True
        if any(_MARKUP.match(each) or _BRACKETED.match(each) for each in (before, line)):
            return True
        if (
            _PHONE.match(before)
            or _LEADER.match(before)
            or number in self.turns
            or _DATELINE.match(line)
            or _DATELINE.match(before)
        ):
            return True
        if _ENDED.search(before, max(0, len(before) - _LONGEST_END)):
            return _LETTER_ITEM.match(line) is not None  # else the words decide
        return self._was_ended_by_choice(before, line.lstrip())

    def _was_ended_by_choice(self, before: str, line: str) -> bool:
        """Whether a line without a full stop is complete, such as a heading: the next word would have fitted."""
        first = line[:1]
        if not line.strip() or first.islower() or (not first.isalnum() and first not in "\"'“‘«„(「『¿¡*_["):
            return False
        if _NOT_LAST.search(before, max(0, len(before) - _LONGEST_END)):
            return False
        if first.isupper() and (_EMOJI_END.search(before, max(0, len(before) - _LONGEST_END)) or _ASKING.match(before)):
            return True
        if _CHINESE_HEADING.match(before) and len(before.rstrip()) < _SLACK * self.width:
            return True
        if self.width < _NARROW and first.isupper() and (_NUMBERED_LINE.match(before) or _BEGINS_SENTENCE.match(line)):
            return True
        begins = first.isupper() or (first.isdigit() and self.counts)
        if begins and self.width < _NARROW and not self.marked:
            return True
        unspaced = "\u0e00" <= first <= "\u0eff" or "\u1000" <= first <= "\u109f" or "\u2e80" <= first <= "\ufaff"
        word = 1 if unspaced else len(line.split(None, 1)[0])
        return len(before.rstrip()) + 1 + word <= _SLACK * self.width


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
