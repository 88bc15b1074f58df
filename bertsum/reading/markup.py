"""Reads the article of an HTML page, without navigation, banners and footers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from xml.etree import ElementTree

from bertsum.errors import BertsumError
from bertsum.files import encoding_of
from bertsum.reading.extras import package
from bertsum.reading.text import FileText, TextBuilder
from bertsum.text import sanitize, word_set

_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?([\w-]+)", re.IGNORECASE)
_MAIN = re.compile(r"<(?:main|article)\b", re.IGNORECASE)
_BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_HEAD = re.compile(r"<head\b.*?</head\s*>", re.IGNORECASE | re.DOTALL)
_BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)
_HEADINGS = word_set("h1 h2 h3 h4 h5 h6 title summary legend")
_SILENT = word_set("script style noscript template head button select option nav footer aside form svg iframe")
_BLOCKS = word_set(
    "p div section article main li ul ol table tr td th h1 h2 h3 h4 h5 h6 pre blockquote hr dl dt dd figure"
    " figcaption header address body html"
)
_FOR_MACHINES = word_set("script style template svg")
_VOID = word_set("br hr img meta link input source wbr col area base embed param track keygen")
_TELLING = _SILENT | _HEADINGS | {"blockquote", "signature"}
_LINE_BREAK = "\v"  # stands for <br>, while other white space is joined
_SIGNATURES = word_set("sig signature post-sig post-signature postsignature user-sig user-signature forum-signature")
_LONGEST_SIGNATURE = 200  # characters
_PROSE = re.compile(r"(?s).{60}[.!?…。！？।؟][\"'”’»)]*$")  # a block that ends as sentences do
_TAG = re.compile("<[^>]*>")
_CLASS = re.compile(
    r"\s(?:class|id)\s*=\s*(?:\"(?![^\"]*(?:comment|respond|cookie|consent|related|promo|sidebar))[^\"]*\""
    r"|'(?![^']*(?:comment|respond|cookie|consent|related|promo|sidebar))[^']*')",
    re.IGNORECASE,
)
_FEW = 250  # characters: of less text trafilatura keeps no blocks


def read_html(data: bytes, name: str, encoding: str | None = None, whole: bool = False) -> FileText:
    """The text of a page: its article.

    Args:
        data: The page.
        name: Its name or address.
        encoding: Its encoding; by default what the page says, or UTF-8.
        whole: Whether all of it is text, as in an e-mail.

    Raises:
        BertsumError: if it has no text, or trafilatura is missing.
    """
    page = _decoded(data, name, encoding)
    builder = TextBuilder()
    blocks = _Blocks()
    blocks.feed(page)
    blocks.close()
    if not whole:
        found = _article(page, blocks.found, name)
        if found is not None and len(_characters(found)) >= _FEW:
            _add_article(found, _Joined(blocks.found), builder)
    article = builder.built(name)
    if not article.text:
        for text, tag in blocks.found:
            if tag not in _SILENT:
                builder.add(text, _kind(tag))
        article = builder.built(name)
    if not article.text:
        raise BertsumError(f"'{name}': has no text, expected a page of HTML with some")
    kept = "".join(article.text.split())
    for text, tag in blocks.found:
        if "".join(text.split()) not in kept:
            article.skipped.append({"text": text, "why": "navigation" if tag in _SILENT else "outside the article"})
    return article


def _article(page: str, blocks: Sequence[tuple[str, str]], name: str) -> str | None:
    """The article of a page as trafilatura's XML. Of several posts trafilatura may take the first alone, by the classes
    of their elements: if much of the prose is missing, it reads the page without classes.
    """
    trafilatura = package("trafilatura", name, "trafilatura")

    def extracted(page: str) -> str | None:
        found: str | None = trafilatura.extract(
            _with_main(page), output_format="xml", include_comments=False, include_tables=True
        )
        return found

    def missing(article: str) -> int:
        return sum(len(text) for text in prose if text not in article)

    found = extracted(page)
    prose = ["".join(text.split()) for text, tag in blocks if not tag and _PROSE.search(text)]
    article = _characters(found or "")
    if 2 * (lost := missing(article)) <= len(article) or lost < _FEW:
        return found
    whole = extracted(_CLASS.sub("", page))
    return whole if missing(_characters(whole or "")) < lost / 2 else found


def _characters(xml: str) -> str:
    """The text of some XML without white space."""
    return "".join(unescape(_TAG.sub("", xml)).split())


def _with_main(page: str) -> str:
    """A page whose body is its main part if no part says so: else trafilatura may take paragraphs alone, without lists
    and headings.
    """
    if _MAIN.search(page):
        return page
    body = _BODY.split(_HEAD.sub("", page), maxsplit=1)[-1]
    return f"<html><body><main>{_BODY_END.split(body, maxsplit=1)[0]}</main></body></html>"


def _decoded(data: bytes, name: str, encoding: str | None) -> str:
    said = _CHARSET.search(data[:4096])
    try:
        known = encoding_of(
            data[:4],
            encoding or (said[1].decode("ascii") if said and data[:2] not in (b"\xff\xfe", b"\xfe\xff") else None),
        )
    except BertsumError:
        if encoding is not None:
            raise
        known = "utf-8"
    return sanitize(data.decode(known, errors="replace"))


def _kind(tag: str) -> str:
    """The kind of structure that a block with this telling tag is; empty for prose."""
    return {"blockquote": "quoted", "signature": "signature"}.get(tag, "heading" if tag in _HEADINGS else "")


class _Joined:
    """Tells apart blocks of a page that trafilatura joins, such as a post and the signature below it."""

    def __init__(self, blocks: list[tuple[str, str]]) -> None:
        self._blocks = {tuple(text.split()): (text, _kind(tag)) for text, tag in blocks}
        lengths: dict[str, set[int]] = {}
        for tokens in self._blocks:
            lengths.setdefault(tokens[0], set()).add(len(tokens))
        self._lengths = {word: sorted(those, reverse=True) for word, those in lengths.items()}  # by the first word

    def parts(self, text: str) -> list[tuple[str, str]]:
        """The blocks that a text is made of, each with its kind; the text itself if it is one block, or others."""
        tokens, place, found = text.split(), 0, []
        while place < len(tokens):
            for length in self._lengths.get(tokens[place], ()):
                if (block := self._blocks.get(tuple(tokens[place : place + length]))) is not None:
                    found.append(block)
                    place += length
                    break
            else:
                return [(text, "")]
        return found if len(found) > 1 or [kind for _, kind in found] == ["signature"] else [(text, "")]


def _add_article(found: str, joined: _Joined, builder: TextBuilder) -> None:
    """Adds the blocks of an article that trafilatura has found."""
    main = ElementTree.fromstring(found).find("main")
    elsewhere = "" if main is None else "\n".join(_text(block) for block in main if block.tag != "quote")
    for block in [] if main is None else main:
        if block.tag == "list":
            for item in block.iter("item"):
                builder.add("- " + " ".join(_text(item).split()), separator="\n")
        elif block.tag == "table":
            _add_table(block, builder)
        elif block.tag != "quote" or _text(block) not in elsewhere:  # a quotation pulled out of the article repeats it
            own = {"head": "heading", "code": "code"}.get(block.tag, "")
            for part, kind in joined.parts(_text(block)):
                builder.add(part, own or kind)


def _add_table(table: ElementTree.Element, builder: TextBuilder) -> None:
    """Adds the rows of a table; a table with one cell in each row only lays out what is in its cells."""
    rows = [[cell for cell in row if _text(cell)] for row in table.iter("row")]
    lays_out = all(len(row) <= 1 for row in rows)
    for row in rows:
        if lays_out:
            for cell in row:
                between = [cell.text, *(part.tail for part in cell)]  # text that no block of the cell has
                for part in [cell] if any(text and text.strip() for text in between) else cell:
                    builder.add(_text(part))
        else:
            builder.add(" | ".join(" ".join(_text(cell).split()) for cell in row), "table row")


def _text(block: ElementTree.Element) -> str:
    """The text of a block, with its line breaks."""
    for line_break in block.iter("lb"):
        line_break.text = _LINE_BREAK
    return _joined(block.itertext())


def _joined(texts: Iterable[str]) -> str:
    lines = "".join(texts).split(_LINE_BREAK)
    return "\n".join(" ".join(line.split()) for line in lines).strip()


@dataclass(frozen=True)
class _Open:
    """An element of a page that has not ended yet.

    Attributes:
        tag: Its tag.
        telling: The outermost tag that tells something of the text in it, among its own and those around it; or empty.
        in_paragraph: Whether the innermost block is a paragraph.
        for_machines: Whether its text is no text, such as a script.
    """

    tag: str
    telling: str = ""
    in_paragraph: bool = False
    for_machines: bool = False

    def inner(self, tag: str) -> _Open:
        """An element that begins in this one."""
        return _Open(
            tag,
            self.telling or (tag if tag in _TELLING else ""),
            tag == "p" if tag in _BLOCKS else self.in_paragraph,
            self.for_machines or tag in _FOR_MACHINES,
        )


class _Blocks(HTMLParser):
    """Collects the blocks of a page in order, each with the tag that tells most about it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, str]] = []
        self._open = [_Open("")]  # around them all: the page
        self._counts: Counter[str] = Counter()  # of the open elements' tags
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begins a block."""
        if tag in _BLOCKS or tag in _SILENT:
            self._end()
        if tag == "br":
            self._text.append(_LINE_BREAK)
        if tag in _BLOCKS and self._open[-1].in_paragraph:
            self.handle_endtag("p")  # the page leaves out its end: no block is inside a paragraph
        if tag not in _VOID:
            self._begin(tag)
            if tag in ("div", "p", "span") and _SIGNATURES & set((dict(attrs).get("class") or "").lower().split()):
                self._begin("signature")  # ends with the tag

    def handle_endtag(self, tag: str) -> None:
        """Ends a block, and those in it that the page does not end."""
        if tag in _BLOCKS or tag in _SILENT:
            self._end()
        while self._counts[tag]:
            inner = self._open.pop().tag
            self._counts[inner] -= 1
            if inner == tag:
                break

    def handle_data(self, data: str) -> None:
        """Takes text, unless it is for machines, such as a script."""
        if not self._open[-1].for_machines:
            self._text.append(data)

    def close(self) -> None:
        """Ends the last block."""
        super().close()
        self._end()

    def _begin(self, tag: str) -> None:
        self._open.append(self._open[-1].inner(tag))
        self._counts[tag] += 1

    def _end(self) -> None:
        text = _joined(self._text)
        self._text = []
        if text:
            telling = self._open[-1].telling
            self.found.append((text, "" if telling == "signature" and len(text) > _LONGEST_SIGNATURE else telling))
