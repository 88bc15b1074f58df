"""The text of a file, and what of it is structure."""

from __future__ import annotations

from dataclasses import dataclass, field

from bertsum.structure.marks import Mark


@dataclass(frozen=True)
class FileText:
    """The text of a file, as a :class:`Summarizer` takes it.

    Attributes:
        text: The text, as people read it.
        name: The file's name, or its address.
        marks: Stretches of the text that are structure, such as headings and table rows, in order.
        skipped: What the text is without, such as a page's navigation: each piece's ``text`` and the reason, ``why``.
        markdown: Whether the text is Markdown.
    """

    text: str
    name: str = ""
    marks: list[Mark] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)
    markdown: bool = False

    def __str__(self) -> str:
        return self.text


class TextBuilder:
    """Puts blocks together to a text, with blank lines between them."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._marks: list[Mark] = []
        self._skipped: list[dict[str, str]] = []

    def add(self, text: str, why: str = "", separator: str = "\n\n") -> None:
        """Adds a block.

        Args:
            text: Its text.
            why: What it is, if it is structure.
            separator: What stands between it and the block before.
        """
        text = text.strip()
        if not text:
            return
        if self._parts:
            self._parts.append(separator)
            self._length += len(separator)
        if why:
            self._marks.append(Mark(self._length, self._length + len(text), why))
        self._parts.append(text)
        self._length += len(text)

    def skip(self, text: str, why: str) -> None:
        """Notes what is left out."""
        text = " ".join(text.split())
        if text:
            self._skipped.append({"text": text, "why": why})

    def built(self, name: str = "", markdown: bool = False) -> FileText:
        """The text so far."""
        return FileText("".join(self._parts), name, self._marks, self._skipped, markdown)
