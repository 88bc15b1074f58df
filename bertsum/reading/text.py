"""The text of a file, with marks for the parts that are structure, such as headings."""

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
        skipped: Parts that are not in the text, such as a page's navigation: each has its ``text`` and the reason,
            ``why``.
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
    """Joins blocks to a text, with blank lines between them."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._marks: list[Mark] = []
        self._skipped: list[dict[str, str]] = []

    def add(self, text: str, why: str = "", separator: str = "\n\n") -> None:
        """Adds a block.

        Args:
            text: Its text.
            why: The kind of structure, such as ``heading``; empty for prose.
            separator: The text between the last block and this one.
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
        """Records a part that is left out."""
        text = " ".join(text.split())
        if text:
            self._skipped.append({"text": text, "why": why})

    def built(self, name: str = "", markdown: bool = False) -> FileText:
        """The text so far."""
        return FileText("".join(self._parts), name, self._marks, self._skipped, markdown)
