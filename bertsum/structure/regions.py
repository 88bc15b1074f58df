"""Marks lines that are no sentences: page headers, columns, times of captions, lines before a document begins."""

from __future__ import annotations

import re
from itertools import pairwise, takewhile

from bertsum.structure import formulas
from bertsum.structure.marks import LineMarks, Mark
from bertsum.structure.units import is_ended, speakers_recur
from bertsum.structure.verse import mark_verse

_TIMES = re.compile(r"\s*(?:\d{1,2}:)?\d{1,2}:\d{2}[.,]\d{2,3}\s*-->\s*(?:\d{1,2}:)?\d{1,2}:\d{2}[.,]\d{2,3}")
_NUMBER = re.compile(r"\s*\d{1,6}$")
_PAGE_NUMBER = re.compile(
    r"\s*(?:[-–—\[(]\s*)?(?:\d{1,4}|[ivxl]{1,6})(?:\s*[-–—\])])?$"
    r"|\s*(?:page|seite|página|pagina|p\.|s\.|pg\.?)\s*\d{1,4}(?:\s*(?:of|von|de|di|/)\s*\d{1,4})?\b[^.!?]{0,40}$"
    r"|\s*\d{1,4}\s*(?:of|/|von)\s*\d{1,4}$",
    re.IGNORECASE,
)
_BLANKS_TO_FILL = re.compile(r"_{4,}|\.{8,}|…{4,}|(?:\[\s{2,}\])")
_UNDERSCORES = re.compile(r"\s*_{10,}$")
_LONGEST_OF_POST = 3  # lines of a signature
_BOX = re.compile(r"(?:\[[ xX_]?\]|[☐☑☒□▢])\s")  # to tick; several of them stand in a form
_GAP = re.compile(r" {4,}|\t+ *")
_BEFORE_GAP = re.compile(  # the mark of a list item, or a speaker: the gap behind it divides nothing
    r"(?:[^\w\s]{1,2}|\(?(?:\d{1,3}(?:\.\d{1,3})*|[a-zA-Z]|[ivx]{1,5})[.)]{0,2}|[^\W\d_][\w.'’ ()-]{0,40}:)"
    r"(?:\t| {2})\s*"
)
_SHORT_CELL = 6  # words
_FEWEST_NUMBERS, _NUMERIC = 6, re.compile(r"[-+±$€£]?\d[\d.,:/%-]*")
_LETTERS = re.compile(r"[^\W\d_]")
_DIGITS = re.compile(r"\d+")
_ABSTRACT = re.compile(
    r"\s*(?:abstract|a b s t r a c t|zusammenfassung|résumé|resumen|摘要)\s*(?:$|[.:—–-]|\s{2})", re.IGNORECASE
)
_ABSTRACT_WITHIN = 40  # lines with text: an abstract begins within the first ones
_ENACTING = re.compile(
    r"\s*(?:be it (?:therefore |hereby )?(?:enacted|ordained)\b"
    r"|.{0,80}\b(?:do(?:es)? )?(?:hereby )?enacts?(?: as follows\s*[:,.]|(?: as follows)?\s*:?$))",
    re.IGNORECASE,
)
_VERSION = re.compile(
    r"\s*(?!\d{1,2}\.\d{1,2}\.(?:\d{4}|\d{2},? \d{1,2}[:.]\d\d))(?!\[[^\]]*,)"  # a date, or a list of numbers
    r"(?:(?:#{1,4}\s*)?(?:version|release)\s+v?\d|#{1,4}\s*\[?v?\d+\.\d|\[?v\d+\.\d|\[\d+\.\d|\d+\.\d+\.\d"
    r"|\d+\.\d+[\w.]*\s*[-–—(:/,]+\s*\d)[\w.+-]*\]?.{0,45}$|\s*#{1,4}\s*\[?unreleased\]?.{0,20}$",
    re.IGNORECASE,
)
_VERSION_NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,9})+")
_OF_A_PAPER = re.compile(
    r"@|©|\b(?:university|institute|department|proceedings|preprint|accepted|permission|arxiv)\b", re.I
)
_CAPITAL_LABEL = re.compile(r"\s*[A-Z][A-Z/&,'() -]{3,48}:(?:\s+)(?=\S)")
_LABEL_ALONE = re.compile(r"\s*[^\W\d_][\w'’&/().-]*(?: [\w'’&/().-]+){0,4}\s?[:：]$")
_SPEAKER_LINE = re.compile(
    r"\s*\W{0,3}[^\W\d_][\w.'’()-]*(?:,? [\w.'’()-]+){0,3}[\s,|–—-]+[(\[]?(?:\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4},?\s+"
    r"|(?:today|yesterday)\s+(?:at\s+)?)?\d{1,2}:\d\d(?::\d\d)?(?:\s?[ap]\.?m\.?)?[)\]]?:?$"
    r"|\s*[(\[]\d{1,2}:\d\d(?::\d\d)?(?:\s?[ap]\.?m\.?)?[)\]]\s+[^\W\d_][\w.'’-]*(?: [\w.'’()-]+){0,2}$",
    re.IGNORECASE,
)
_HANDLE = re.compile(r".{0,60}(?<!\S)@[\w.-]+@[\w-]+\.[\w.-]+.{0,20}$")  # "Ann @ann@example.org", above a post
_BELOW_TURN = re.compile(  # what programs for chats write there: threads and reactions
    r"\s*(?:\d{1,4} (?:repl(?:y|ies)|antwort(?:en)?|réponses?|respuestas?)"
    r"|(?:last reply|letzte antwort|dernière réponse|última respuesta)\b.{0,40}|view thread"
    r"|(?::[\w+'-]{1,40}:(?:\s?\d{1,4})?\s{0,2})+|\((?:edited|bearbeitet|modifié|editado)\))$",
    re.IGNORECASE,
)
_BETWEEN_TURNS = re.compile(  # "[Ann started a call]", "Ann pinned a message. — 03/12/2023 8:01 PM"
    r"\s*(?:\[.{3,100}\]|.{3,100}[.!] [—–-] \d{1,4}[-/.]\d{1,2}[-/.]\d{1,4},? \d{1,2}:\d\d.{0,8})$"
)
_LOG_LINE = re.compile(  # a date, a time and a level, or a program; a request; of a log of changes; of a stack
    r"\s*at [\w$.]+\.[\w$<>]+\([\w.$]+(?::\d+)?\)$|"
    r"commit [\da-f]{7,40}\b(?: \(|$)|\s{0,8}Merge (?:pull request #\d|(?:remote-tracking )?branch '|commit ')|"
    r"\s*[\[(]?(?:\d{4}[-/]\d\d[-/]\d\d[T ]|[A-Z][a-z]{2} [ \d]\d )\d\d:\d\d:\d\d\S*\s.{0,40}?"
    r"(?:\b(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|FATAL|CRITICAL|debug|info|warn(?:ing)?|error|fatal)\b"
    r"|[\w./-]+\[\d+\]:)|(?:\S+ \S+ \S+ )?\[\d\d/[A-Z][a-z]{2}/\d{4}:[\d: +-]+\] \"[A-Z]{3,7} "
)
_DIFF = re.compile(r"diff --git |index [\da-f]{7,}\.\.[\da-f]{7,}|(?:---|\+\+\+) (?:[ab]/|/dev/null)|@@ -\d")
_DIFF_COUNTS = re.compile(r" ?\S+ +\| +\d+ [+-]+$| ?\d+ files? changed\b")
_CAPTION_TIME = re.compile(r"\s*(?:\d{1,2}:)?\d{1,2}:\d\d$")
_LATEX = re.compile(r"\s*(?:\\[a-zA-Z]+\*?\s*(?:[\[{]|$)|%)")
_LATEX_BEGINS = re.compile(r"\s*\\(?:documentclass|begin|section|chapter|usepackage)\b")
_LATEX_COMMENT = re.compile(r"(?<=[.!?])\s+%.*")  # behind a sentence: between its words it would cut it in two
_TRACEBACK = "Traceback (most recent call last):"
_EDGE = 2  # lines at the top and at the bottom of a page that may recur
_REPEATED_WORDS = 15  # most words of a running header
_FEWEST_PROSE = 5  # words of a line that ends as a sentence does
_MOST_BESIDE_BLANKS = 12  # words beside the blanks of a line to fill in


def mark_regions(marks: LineMarks) -> None:
    """Marks lines whose kind shows only together with the lines around them."""
    _mark_subtitles(marks)
    _mark_speakers(marks)
    _mark_tracebacks(marks)
    _mark_code(marks)
    _mark_signatures_of_posts(marks)
    _mark_pages(marks)
    _mark_columns(marks)
    _mark_before(marks, _abstract(marks), "title")
    _mark_bill(marks)
    _mark_before_first_version(marks)
    mark_verse(marks)


def label_ends(marks: LineMarks, speakers: bool) -> list[Mark]:
    """Marks that separate labels from their text.

    A label is in capitals before the text (``PLAN: The ...``), or on a line above it.

    Args:
        marks: The lines.
        speakers: Whether labels in capitals that recur are speakers, from whom what they say is not cut.
    """
    found = []
    labelled = [line.text for line in marks.lines if line.text.partition(":")[0].isupper()]
    speakers = speakers and speakers_recur(labelled)
    for number, line in enumerate(marks.lines):
        match = _CAPITAL_LABEL.match(line.text) if marks.free(number) and not speakers else None
        if match and len(line.text) - match.end() > 20 and not _is_link_label(match[0]):
            found.append(Mark(line.start, line.start + match.end(), "label"))
        elif marks.free(number) and _LABEL_ALONE.match(line.text):
            above = marks.lines[number - 1].text if number else ""
            below = marks.lines[number + 1].text if number + 1 < len(marks.lines) else ""
            if below and not above:
                found.append(Mark(line.start, line.end, "label"))
    return found


def _is_link_label(label: str) -> bool:
    """Whether only what stands in the same line belongs to a label: "READ MORE: Another story"."""
    return formulas.section(formulas.title_of(label), frozenset()) == "further reading"


def _mark_subtitles(marks: LineMarks) -> None:
    times = [number for number, line in enumerate(marks.lines) if _TIMES.match(line.text)]
    alone = [number for number, line in enumerate(marks.lines) if _CAPTION_TIME.match(line.text)]
    if len(alone) >= 3:
        marks.set(alone, "time of a caption")
    if len(times) < 2:
        return
    for number in times:
        marks.set([number], "time of a caption")
        if number and _NUMBER.match(marks.lines[number - 1].text):
            marks.set([number - 1], "number of a caption")


def _mark_speakers(marks: LineMarks) -> None:
    """Marks lines of a speaker's name and a time, if there are several, and notes below turns."""
    found = [number for number, line in enumerate(marks.lines) if _SPEAKER_LINE.match(line.text)]
    below = {number + 1 for number in found} - {*found, len(marks.lines)}
    if len(found) >= 3 or sum(bool(marks.lines[number].text) for number in below) >= 2:  # two may be of a timetable
        marks.set(found, "speaker and time")
    for number, line in enumerate(marks.lines):
        if _HANDLE.match(line.text):
            marks.set([number], "byline or date")
        if _BELOW_TURN.match(line.text) or (len(found) >= 3 and _BETWEEN_TURNS.match(line.text)):
            marks.set([number], "notice")


def _mark_tracebacks(marks: LineMarks) -> None:
    """Marks what Python writes above the message of an error; the message may tell what went wrong."""
    inside = False
    for number, line in enumerate(marks.lines):
        inside = line.text.strip() == _TRACEBACK or (inside and line.text[:1].isspace())
        if inside:
            marks.set([number], "code")


def _mark_code(marks: LineMarks) -> None:
    """Marks lines of logs, what ``git diff`` prints, and commands of LaTeX."""
    latex = _is_latex(marks)
    inside = False
    for number, line in enumerate(marks.lines):
        begins = _DIFF.match(line.text) is not None
        inside = begins or (inside and line.text[:1] in ("+", "-", " "))
        if _LOG_LINE.match(line.text):
            marks.set([number], "log line")
        elif inside or _DIFF_COUNTS.match(line.text) or (latex and _LATEX.match(line.text)):
            marks.set([number], "code")


def _is_latex(marks: LineMarks) -> bool:
    return sum(bool(_LATEX_BEGINS.match(line.text)) for line in marks.lines) >= 2


def latex_comments(marks: LineMarks) -> list[Mark]:
    """Marks comments of LaTeX that stand behind a sentence."""
    signs = [number for number, line in enumerate(marks.lines) if "%" in line.text and marks.free(number)]
    found = []
    for number in signs if signs and _is_latex(marks) else ():
        line = marks.lines[number]
        comment = _LATEX_COMMENT.search(line.text)
        below = marks.lines[number + 1].text.strip() if number + 1 < len(marks.lines) else ""
        if comment and not below[:1].islower():  # "Smith et al. % year?" does not end a sentence
            found.append(Mark(line.start + comment.start(), line.end, "comment"))
    return found


def _mark_signatures_of_posts(marks: LineMarks) -> None:
    """Marks what a forum writes below each post of somebody: a line of underscores, then one to three lines."""
    for number, (above, line) in enumerate(pairwise(marks.lines), start=1):
        if _UNDERSCORES.match(line.text) and above.text and is_ended(above.text.split()[-1]):
            below = list(takewhile(lambda place: marks.lines[place].text, range(number + 1, len(marks.lines))))
            if 1 <= len(below) <= _LONGEST_OF_POST:
                marks.set([number, *below], "signature")


def _mark_pages(marks: LineMarks) -> None:
    """Marks page numbers, lines to fill in, and headers or footers that recur."""
    for number, line in enumerate(marks.lines):
        if not marks.free(number):
            continue
        alone = not (number and marks.lines[number - 1].text) or not (
            number + 1 < len(marks.lines) and marks.lines[number + 1].text
        )
        if alone and _PAGE_NUMBER.match(line.text):
            marks.set([number], "page number")
        elif len(_BOX.findall(line.text)) > 1 or (
            _BLANKS_TO_FILL.search(line.text) and len(line.text.split()) <= _MOST_BESIDE_BLANKS
        ):
            marks.set([number], "line to fill in")
        elif not _LETTERS.search(line.text) and not _DIGITS.search(line.text):
            marks.set([number], "rule")
    if "page number" in marks.whys:
        _mark_running_headers(marks)


def _mark_running_headers(marks: LineMarks) -> None:
    """Marks lines that recur with other numbers, or where pages begin or end; a refrain recurs inside of pages, too."""
    written = [
        number for number in range(len(marks.lines)) if marks.free(number) or marks.whys[number] == "page number"
    ]
    edges = {*written[:_EDGE], *written[-_EDGE:]}
    same: dict[str, list[int]] = {}
    for place, number in enumerate(written):
        words = marks.lines[number].text.split()
        if not marks.free(number):
            edges.update(written[max(0, place - _EDGE) : place + _EDGE + 1])
        elif 2 <= len(words) <= _REPEATED_WORDS and not is_ended(words[-1]):
            same.setdefault(_DIGITS.sub("0", " ".join(words)), []).append(number)
    for numbers in same.values():
        numbered = len({marks.lines[number].text.strip() for number in numbers}) > 1
        if len(numbers) > 1 and (numbered or 4 * len(edges.intersection(numbers)) >= 3 * len(numbers)):
            marks.set(numbers, "running header")


def _mark_columns(marks: LineMarks) -> None:
    """Marks lines that wide gaps divide, such as names of authors side by side, or rows of a table.

    With one gap, either both cells are short, or a line beside it has gaps, too.
    """
    cells = [_cells(line.text) for line in marks.lines]
    marks.set([number for number, line in enumerate(marks.lines) if _is_row_of_numbers(line.text)], "table row")
    for number, own in enumerate(cells):
        if len(own) < 2 or not marks.free(number):
            continue
        beside = [cells[place] for place in (number - 1, number + 1) if 0 <= place < len(cells)]
        short = all(len(cell.split()) <= _SHORT_CELL for cell in own)
        if is_ended(own[-1]) and not (short and (len(own) > 2 or any(len(other) == len(own) for other in beside))):
            continue
        if len(own) > 2 or short or any(len(other) > 1 for other in beside):
            marks.set([number], "table row")


def _is_row_of_numbers(line: str) -> bool:
    """Whether nearly all words of a line are numbers."""
    words = line.split()
    return len(words) >= _FEWEST_NUMBERS and 4 * sum(bool(_NUMERIC.fullmatch(word)) for word in words) >= 3 * len(words)


def _cells(line: str) -> list[str]:
    """What wide gaps divide in a line, behind the mark of a list item or a speaker."""
    text = line.strip()
    mark = _BEFORE_GAP.match(text)
    return _GAP.split(text[mark.end() :] if mark else text)


def _abstract(marks: LineMarks) -> int | None:
    """The line with which an abstract begins, if a title and authors stand before it, and no prose."""
    written = [number for number, line in enumerate(marks.lines) if line.text][:_ABSTRACT_WITHIN]
    found = next((number for number in written if _ABSTRACT.match(marks.lines[number].text)), None)
    if found is None or found == written[0]:
        return None
    above = [marks.lines[number].text for number in written if number < found]
    prose = [text for text in above if is_ended(text) and len(text.split()) >= _FEWEST_PROSE]
    return None if any(not _OF_A_PAPER.search(text) for text in prose) else found


def _mark_before(marks: LineMarks, end: int | None, why: str) -> None:
    if end is not None:
        marks.set(range(end), why)


def _mark_bill(marks: LineMarks) -> None:
    """Marks an enacting clause and everything before it: numbers, sponsors, the title."""
    for number, line in enumerate(marks.lines):
        if line.text and _ENACTING.match(line.text):
            end = number + 1
            while end < len(marks.lines) and marks.lines[end].text:
                end += 1
            marks.set(range(number), "title")
            marks.set(range(number, end), "formula")
            return


def _mark_before_first_version(marks: LineMarks) -> None:
    """Marks the introduction of a changelog, before its first version."""
    versions = [
        number
        for number, line in enumerate(marks.lines)
        if marks.whys[number] in (None, "heading") and _VERSION.match(line.text) and not is_ended(line.text)
    ]
    found = [_VERSION_NUMBER.search(marks.lines[number].text) for number in versions]
    numbers = [tuple(map(int, one[0].split("."))) for one in found if one]
    newest_first = all(one >= other for one, other in pairwise(numbers))  # sections of a text count up
    if len(versions) >= 2 and newest_first and versions[0] < len(marks.lines) // 3 + 1:
        marks.set(range(versions[0]), "title")
        marks.set(versions, "heading")
