"""Reads the article of an HTML page, without navigation, banners and footers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import NamedTuple
from unicodedata import normalize
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
_TELLING = _SILENT | _HEADINGS | {"blockquote", "signature", "pre"}
_CONTAINERS = word_set("div section article main ul ol li dl table td")
_NO_ARTICLE = re.compile(  # in the names of classes
    r"comment|respon[ds]|repl(?:y|ies)|disqus|foot|side-?bar|related|widget|promo|teaser|share|cookie|consent|newsletter"
    r"|menu|nav|popular|recommend|outbrain|taboola"
)
_WORD = re.compile(r"\S+")
_AHEAD = 50_000  # characters in which a passage is searched for
_NO_SPELLING = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))  # where a line may end, or may not
_LINE_BREAK = "\v"  # stands for <br>, while other white space is joined
_SIGNATURES = word_set("sig signature post-sig post-signature postsignature user-sig user-signature forum-signature")
_LONGEST_SIGNATURE = 200  # characters
_PROSE = re.compile(r"(?s).{60}[.!?…。！？।؟][\"'”’»)]*$")  # a block that ends as sentences do
_NUMBERED = re.compile(r"\S*\d\S*\s*")  # a class with a number, which one element alone has
_MORE, _SHORT = 2, 50  # times as much text; characters of a line
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
        trafilatura = package("trafilatura", name, "trafilatura")
        xml = trafilatura.extract(_with_main(page), output_format="xml", include_comments=False, include_tables=True)
        found = ElementTree.fromstring(xml or "<doc/>")
        _AsWritten(block.text for block in blocks.found if block.tag not in _SILENT).restore(found)
        text = "".join("".join(found.itertext()).split())
        if posts := _posts(blocks.found, text):
            for block in posts:
                builder.add(block.text, _kind(block.tag))
        elif len(text) >= _FEW and not _only_around(blocks.found, text):
            _add_article(found.find("main"), _Joined(blocks.found), _above_title(blocks.found), builder)
    article = builder.built(name)
    if not article.text:
        for block in blocks.found:
            if block.tag not in _SILENT:
                builder.add(block.text, _kind(block.tag))
        article = builder.built(name)
    if not article.text:
        raise BertsumError(f"'{name}': has no text, expected a page of HTML with some")
    kept = "".join(article.text.split())
    for block in blocks.found:
        if "".join(block.text.split()) not in kept:
            why = "navigation" if block.tag in _SILENT else "outside the article"
            article.skipped.append({"text": block.text, "why": why})
    return article


class _Block(NamedTuple):
    """A block of a page.

    Attributes:
        text: Its text.
        tag: The tag that tells most about it; or empty.
        container: The class of the element that holds it; empty if it has none, or is no part of an article.
    """

    text: str
    tag: str
    container: str


def _posts(blocks: Sequence[_Block], article: str) -> list[_Block]:
    """The blocks of a page's posts, if trafilatura has found the first one alone: those in elements of the same class,
    if much prose is missing otherwise.

    Args:
        blocks: All blocks of the page.
        article: The text that trafilatura has found, without white space.
    """
    prose = [(block, "".join(block.text.split())) for block in blocks if not block.tag and _PROSE.search(block.text)]
    containers = {block.container for block, text in prose if text in article} - {""}
    missing = sum(len(text) for block, text in prose if text not in article and block.container in containers)
    if missing < max(_FEW, len(article) / 2):
        return []
    return [block for block in blocks if block.container in containers and block.tag not in _SILENT]


def _only_around(blocks: Sequence[_Block], article: str) -> bool:
    """Whether an article has no prose, only short lines, and the page has far more: trafilatura leaves out comments,
    which are all there is to a thread.
    """
    bare = [("".join(block.text.split()), _PROSE.search(block.text) is not None) for block in blocks if not block.tag]
    lines = [text for text, _ in bare if text in article]
    prose = [text for text, is_prose in bare if is_prose]
    return (
        sum(map(len, prose)) > _MORE * len(article)
        and not any(text in article for text in prose)
        and sum(map(len, lines)) < _SHORT * len(lines)
    )


def _above_title(blocks: Sequence[_Block]) -> set[str]:
    """The texts, without white space, of the blocks above the page's only title, such as notices; none if they have
    more than a tenth of the page's prose.
    """
    titles = [place for place, block in enumerate(blocks) if block.tag == "h1"]
    if len(titles) != 1:
        return set()
    above, prose = (
        {"".join(block.text.split()) for block in part if not block.tag and _PROSE.search(block.text)}
        for part in (blocks[: titles[0]], blocks)
    )
    return above if 10 * sum(map(len, above)) <= sum(map(len, prose)) else set()


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
    return {"blockquote": "quoted", "signature": "signature", "pre": "code"}.get(
        tag, "heading" if tag in _HEADINGS else ""
    )


class _AsWritten:
    """Gives back what trafilatura takes from words: invisible characters, as between the parts of a Persian word, and
    accents that are characters of their own.

    Args:
        blocks: The texts of the page's blocks, without navigation.
    """

    def __init__(self, blocks: Iterable[str]) -> None:
        written = " ".join(blocks).split()
        seen = [normalize("NFC", "".join(filter(str.isprintable, word))) for word in written]
        self._written = [own for own, word in zip(written, seen, strict=True) if word]
        seen = [word for word in seen if word]
        self._changed = {word: own for word, own in zip(seen, self._written, strict=True) if word != own}
        self._page = f" {' '.join(seen)} "
        self._begin = self._place = 0  # of the last passage in the page, and of its first word among all

    def restore(self, article: ElementTree.Element) -> None:
        """Writes the words of an article as the page does: those of the same passage, or else the same words."""
        for element in article.iter() if self._changed else ():
            element.text, element.tail = self._restored(element.text), self._restored(element.tail)

    def _restored(self, text: str | None) -> str | None:
        words = (text or "").split()
        if not words:
            return text
        passage = f" {' '.join(words)} "
        begin = self._page.find(passage, self._begin, self._begin + len(passage) + _AHEAD)
        own = [self._changed.get(word, word) for word in words]
        if begin >= 0:
            self._place += self._page.count(" ", self._begin, begin)
            self._begin = begin
            own = self._written[self._place : self._place + len(words)]
        following = iter(own)
        return _WORD.sub(lambda _: next(following), text or "")


class _Joined:
    """Tells apart blocks of a page that trafilatura joins, such as a post and the signature below it."""

    def __init__(self, blocks: Sequence[_Block]) -> None:
        self._blocks = {"".join(block.text.split()): (block.text, _kind(block.tag)) for block in blocks}
        lengths: dict[str, set[int]] = {}
        for bare in self._blocks:
            lengths.setdefault(bare[:2], set()).add(len(bare))
        self._lengths = {first: sorted(those, reverse=True) for first, those in lengths.items()}

    def parts(self, text: str) -> list[tuple[str, str]]:
        """The blocks that a text is made of, each with its kind; the text itself if it is one block, or others."""
        bare, place, found = "".join(text.split()), 0, []  # it may also join words
        while place < len(bare):
            for length in self._lengths.get(bare[place : place + 2], ()):
                if (block := self._blocks.get(bare[place : place + length])) is not None:
                    found.append(block)
                    place += length
                    break
            else:
                return [(text, "")]
        return found if len(found) > 1 or [kind for _, kind in found] == ["signature"] else [(text, "")]


def _add_article(main: ElementTree.Element | None, joined: _Joined, left_out: set[str], builder: TextBuilder) -> None:
    """Adds the blocks of an article that trafilatura has found, without texts (bare of white space) to leave out."""
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
                if "".join(part.split()) not in left_out:
                    builder.add(part, own or kind)


def _add_table(table: ElementTree.Element, builder: TextBuilder) -> None:
    """Adds the rows of a table. With one cell in each row, or prose in many, it only lays out what is in its cells."""
    rows = [[cell for cell in row if _text(cell)] for row in table.iter("row")]
    prose = sum(any(_PROSE.search(text) for cell in row for text, _ in _parts(cell)) for row in rows)
    lays_out = all(len(row) <= 1 for row in rows) or (prose > 1 and 3 * prose >= len(rows))
    for row in rows:
        if lays_out:
            for cell in row:
                for part, kind in _parts(cell):
                    builder.add(part, kind)
        else:
            builder.add(" | ".join(" ".join(_text(cell).split()) for cell in row), "table row")


def _parts(cell: ElementTree.Element) -> Iterator[tuple[str, str]]:
    """The blocks of a cell, each with its kind, and the texts between them."""
    between = [cell.text or ""]
    for part in cell:
        if part.tag in ("p", "head", "list", "quote", "code"):
            yield _joined(between), ""
            yield _text(part), "heading" if part.tag == "head" else ""
            between = [part.tail or ""]
        else:
            between += [_LINE_BREAK] if part.tag == "lb" else part.itertext()
            between.append(part.tail or "")
    yield _joined(between), ""


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
        container: The class of the innermost element that holds blocks; None in one that is no part of an article.
    """

    tag: str
    telling: str = ""
    in_paragraph: bool = False
    for_machines: bool = False
    container: str | None = ""

    def inner(self, tag: str, classes: str = "") -> _Open:
        """An element that begins in this one."""
        container = self.container
        if container is not None and classes and tag in _CONTAINERS:
            container = None if _NO_ARTICLE.search(classes) else _NUMBERED.sub("", classes)
        return _Open(
            tag,
            self.telling or (tag if tag in _TELLING else ""),
            tag == "p" if tag in _BLOCKS else self.in_paragraph,
            self.for_machines or tag in _FOR_MACHINES,
            container,
        )


class _Blocks(HTMLParser):
    """Collects the blocks of a page in order, each with the tag that tells most about it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[_Block] = []
        self._open = [_Open("")]  # around them all: the page
        self._counts: Counter[str] = Counter()  # of the open elements' tags
        self._text: list[str] = []

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Reads ``<![...`` of an unknown kind as browsers do, as a comment; the parser would end with an error."""
        try:
            return super().parse_marked_section(i, report)
        except AssertionError:
            return self.parse_bogus_comment(i, report)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begins a block."""
        if tag in _BLOCKS or tag in _SILENT:
            self._end()
        if tag == "br":
            self._text.append(_LINE_BREAK)
        if tag in _BLOCKS and self._open[-1].in_paragraph:
            self.handle_endtag("p")  # the page leaves out its end: no block is inside a paragraph
        if tag not in _VOID:
            classes = (dict(attrs).get("class") or "").lower()
            self._begin(tag, classes)
            if tag in ("div", "p", "span") and _SIGNATURES & set(classes.split()):
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
            self._text.append(data.translate(_NO_SPELLING))

    def close(self) -> None:
        """Ends the last block."""
        super().close()
        self._end()

    def _begin(self, tag: str, classes: str = "") -> None:
        self._open.append(self._open[-1].inner(tag, classes))
        self._counts[tag] += 1

    def _end(self) -> None:
        text = _joined(self._text)
        self._text = []
        if text:
            telling = self._open[-1].telling
            telling = "" if telling == "signature" and len(text) > _LONGEST_SIGNATURE else telling
            self.found.append(_Block(text, telling, self._open[-1].container or ""))
