"""Reads the text of a file or a web page; each kind of file has its reader."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable
from pathlib import Path

from bertsum.errors import BertsumError
from bertsum.files import decode_text, sample_file, whole_content
from bertsum.reading.mail import read_mail
from bertsum.reading.markup import read_html
from bertsum.reading.pdf import read_pdf
from bertsum.reading.subtitles import read_subtitles
from bertsum.reading.text import FileText
from bertsum.reading.web import fetch, is_address
from bertsum.reading.word import read_word
from bertsum.text import kind_of, sanitize


def _plain(text: str, name: str) -> FileText:
    return FileText(text, name)


def _markdown(text: str, name: str) -> FileText:
    return FileText(text, name, markdown=True)


# Readers of a file's text, and of its bytes.
TEXTS: dict[str, Callable[[str, str], FileText]] = {
    ".txt": _plain,
    ".text": _plain,
    ".md": _markdown,
    ".markdown": _markdown,
    ".srt": read_subtitles,
    ".vtt": read_subtitles,
}
BYTES: dict[str, Callable[[bytes, str, str | None], FileText]] = {
    ".html": read_html,
    ".htm": read_html,
    ".xhtml": read_html,
    ".eml": read_mail,
    ".pdf": read_pdf,
    ".docx": read_word,
}
SUFFIXES = (*TEXTS, *BYTES)
# Files with a document in each row or line.
TABLES = (".csv", ".tsv", ".parquet")
_SHOWN_OR_HEARD = {"image", "audio", "video", "font"}
_LINES = (".jsonl", ".jsonl.gz")
# Kinds of files that a page's server may send.
_SENT = {"text/html": ".html", "application/xhtml+xml": ".html", "application/pdf": ".pdf", "text/markdown": ".md",
         "message/rfc822": ".eml", "text/vtt": ".vtt",
         "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx"}  # fmt: skip


def read_document(source: str | Path, *, encoding: str | None = None) -> FileText:
    """Reads a file of any common kind, or a web page; a :class:`Summarizer` takes the result as a document.

    Args:
        source: A path, an address that begins with ``https://`` or ``http://``, or ``sample/article.txt``, which comes
            with the package. The end of the name tells the kind: ``.txt``, ``.md``, ``.html``, ``.pdf``, ``.docx``,
            ``.eml``, ``.srt``, ``.vtt``; any other is plain text. HTML, PDF and .docx need the extra ``files``.
        encoding: Encoding of a text; by default that of its byte-order mark, or the one that a page names, or UTF-8.

    Raises:
        BertsumError: if it cannot be read, is no text, or needs a package that is missing.
    """
    if not isinstance(source, str | os.PathLike):
        raise BertsumError(f"source: got {kind_of(source)}, expected a path or an address")
    if not str(source).strip() or "\0" in str(source):
        raise BertsumError(f"source: got {str(source)!r}, expected a path or an address")
    if isinstance(source, str) and is_address(source):
        data, kind, said = fetch(source)
        if kind.partition("/")[0] in _SHOWN_OR_HEARD:
            raise BertsumError(f"'{source}': its server sends {kind}, expected a page, a document or a text")
        suffix = _SENT.get(kind) or Path(source.partition("?")[0]).suffix.lower()
        return read_bytes(data, source, suffix, encoding or said)
    path = sample_file(source) or Path(source)
    return read_bytes(whole_content(path, str(path)), str(path), path.suffix.lower(), encoding)


def read_bytes(data: bytes, name: str, suffix: str, encoding: str | None = None) -> FileText:
    """Reads the content of a file.

    Args:
        data: The content.
        name: Name for error messages.
        suffix: The end of a name that tells the kind, such as ``.html``.
        encoding: Encoding of a text.

    Raises:
        BertsumError: as :func:`read_document`.
    """
    if suffix in BYTES:
        return BYTES[suffix](data, name, encoding)
    if suffix in (".doc", ".odt", ".rtf", ".pptx", ".xlsx", ".epub", ".zip", ".gz", ".png", ".jpg", ".jpeg"):
        raise BertsumError(f"'{name}': is a {suffix} file, expected {', '.join(SUFFIXES)}")
    return TEXTS.get(suffix, _plain)(sanitize(decode_text(data, name, encoding)), name)


def is_table(name: str) -> bool:
    """Whether a file of this name has one document a row or a line."""
    return name.lower().endswith((*TABLES, *_LINES))


def is_one_table(source: str) -> bool:
    """Whether a source is a table: no folder, and no pattern that may match several."""
    return is_table(source) and not Path(source).is_dir() and not _is_pattern(source)


def _is_pattern(source: str) -> bool:
    return glob.has_magic(source) and not Path(source).exists()


def has_many(source: str) -> bool:
    """Whether a source may have many documents: a folder, a pattern such as ``notes/*.md``, or a table."""
    return Path(source).is_dir() or is_table(source) or _is_pattern(source)
