"""Reads the text of a PDF: without running headers and page numbers; a sentence may go on over the end of a page."""

from __future__ import annotations

import io
import logging
import re
from collections import Counter
from collections.abc import Sequence

from bertsum.errors import BertsumError
from bertsum.reading.extras import package
from bertsum.reading.text import FileText, TextBuilder
from bertsum.text import sanitize

_DIGITS = re.compile(r"\d+")
_NUMBER = re.compile(
    r"\W*(?:(?:page|seite|página|p\.)\s*)?(?:\d{1,4}|[ivxl]{1,6})(?:\s*(?:of|/|von)\s*\d{1,4})?\W*$", re.IGNORECASE
)
_ENDED = re.compile(r"[.!?…。！？:][\"'”’»)\]]*$")
_EDGE = 2  # lines at the top and at the bottom of a page that may recur


def read_pdf(data: bytes, name: str, encoding: str | None = None) -> FileText:
    """The text of a PDF.

    Args:
        data: The file.
        name: Its name.
        encoding: Not used: the file names its encoding.

    Raises:
        BertsumError: if it is no PDF, needs a password, has no text (a scan), or pypdf is missing.
    """
    pypdf = package("pypdf", name, "pypdf")
    log = logging.getLogger("pypdf")
    if log.level == logging.NOTSET:  # its warnings do not name the file
        log.setLevel(logging.CRITICAL)
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise BertsumError(f"'{name}': needs a password, expected a PDF without one")
        pages = [sanitize(page.extract_text() or "").splitlines() for page in reader.pages]
    except (pypdf.errors.PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise BertsumError(f"'{name}': is no PDF that can be read: {error}") from error
    if not any(line.strip() for page in pages for line in page):
        raise BertsumError(f"'{name}': has no text, only pictures; expected a PDF with text (run OCR first)")
    builder = TextBuilder()
    bodies = _without_edges([[line.rstrip() for line in page] for page in pages], builder)
    width = sorted(len(line) for page in bodies for line in page)[-1] if any(bodies) else 0
    text = ""
    for page in bodies:
        part = _paragraphs(page, width)
        if not part:
            continue
        runs_on = text and not _ENDED.search(text) and part[:1].islower()
        text += ("\n" if runs_on else "\n\n") * bool(text) + part
    builder.add(text)
    return builder.built(name)


def _without_edges(pages: list[list[str]], builder: TextBuilder) -> list[list[str]]:
    """Pages without page numbers, and without lines that recur at the top or bottom of pages."""
    written = [[line for line in page if line.strip()] for page in pages]
    recurs = Counter(key for page in written for key in {_key(line) for line in (*page[:_EDGE], *page[-_EDGE:])})
    bodies = []
    for page in written:
        body = list(page)
        for edge in (0, -1):
            for _ in range(_EDGE):
                if body and _is_furniture(body[edge], recurs, len(pages)):
                    line = body.pop(edge)
                    builder.skip(line, "page number" if _NUMBER.match(line) else "running header")
        bodies.append(body)
    return bodies


def _is_furniture(line: str, recurs: Counter[str], pages: int) -> bool:
    if _NUMBER.match(line):
        return True
    return pages > 1 and recurs[_key(line)] >= max(2, (pages + 1) // 3)


def _key(line: str) -> str:
    return _DIGITS.sub("0", " ".join(line.split())).lower()


def _paragraphs(lines: Sequence[str], width: int) -> str:
    """Joins lines, with a blank line where a paragraph ends: after a full stop in a line that is not full."""
    text = ""
    for number, line in enumerate(lines):
        text += line
        if number + 1 < len(lines):
            short = len(line) < 0.75 * width and _ENDED.search(line)
            text += "\n\n" if short else "\n"
    return text
