"""Reads the newest message of an e-mail (.eml). Quoted messages are recognised later, by their form."""

from __future__ import annotations

import email
import email.policy
import re
from contextlib import suppress
from dataclasses import replace
from email.message import EmailMessage, MIMEPart

from bertsum.errors import BertsumError
from bertsum.files import encoding_of
from bertsum.reading.markup import read_html
from bertsum.reading.text import FileText, TextBuilder
from bertsum.text import sanitize, split_words

# What a plain part says that only points to the HTML part; and how much shorter it is.
_POINTS = re.compile(r"\bhtml\b|\bbrowser|\bnavegador|\bnavigat(?:eur|ore)\b|https?://", re.IGNORECASE)
_MOST_OF_STUB, _SHORTER = 40, 4  # words; times


def read_mail(data: bytes, name: str, encoding: str | None = None) -> FileText:
    """The text of an e-mail: its plain part, or its HTML part if the plain one is missing or only points to it.

    Args:
        data: The file.
        name: Its name.
        encoding: Encoding of the text, if the message does not name it.

    Raises:
        BertsumError: if it has no text, or one in an unknown encoding.
    """
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(preferencelist=("plain", "html"))
    if body is None:
        raise BertsumError(f"'{name}': has no text, expected an e-mail with a plain or an HTML part")
    found = _read(body, name, encoding)
    builder = TextBuilder()
    for header, value in message.items():
        builder.skip(f"{header}: {sanitize(str(value))}", "mail header")
    for part in message.iter_attachments():
        builder.skip(part.get_filename() or part.get_content_type(), "attachment")
    said = len(split_words(found.text))
    other = _alternative(message, body) if said <= _MOST_OF_STUB else None
    if other is not None and (not said or _POINTS.search(found.text)):
        with suppress(BertsumError):  # a broken page beside a plain part
            page = _read(other, name, encoding)
            if _SHORTER * said < len(split_words(page.text)):
                builder.skip(found.text, "plain part")
                found = page
    return replace(found, skipped=[*builder.built().skipped, *found.skipped])


def _alternative(message: EmailMessage, body: MIMEPart) -> MIMEPart | None:
    """The HTML part that says the same as a plain part."""
    for container in message.walk():
        alternatives = container.get_payload() if container.get_content_type() == "multipart/alternative" else ()
        if isinstance(alternatives, list) and body in alternatives:
            assert isinstance(container, MIMEPart)
            return container.get_body(preferencelist=("html",))
    return None


def _read(body: MIMEPart, name: str, encoding: str | None) -> FileText:
    """The text of a plain or an HTML part."""
    content = body.get_payload(decode=True)
    raw = content if isinstance(content, bytes) else b""
    charset = body.get_content_charset() or encoding or "utf-8"
    if body.get_content_type() == "text/html":
        return read_html(raw, name, charset, whole=True)
    text = _decoded(raw, name, charset, encoding)
    builder = TextBuilder()
    builder.add(_unflowed(text) if body.get_param("format") == "flowed" else text)
    return builder.built(name)


def _decoded(raw: bytes, name: str, charset: str, encoding: str | None) -> str:
    """The text in the charset that the message names, else in the given encoding or UTF-8."""
    for one in (charset, encoding, "utf-8"):
        try:
            if one is not None:
                return raw.decode(encoding_of(b"", one))
        except (UnicodeDecodeError, BertsumError):
            continue
    raise BertsumError(f"'{name}': is in neither {charset} nor UTF-8; name its encoding (--encoding cp1252)")


def _unflowed(text: str) -> str:
    """Text of ``format=flowed``: a space at a line's end joins it with the next line."""
    lines: list[str] = []
    for line in text.splitlines():
        goes_on = lines and lines[-1].endswith(" ") and lines[-1] != "-- " and not line.startswith(">")
        if goes_on and not lines[-1].startswith(">"):
            lines[-1] += line
        else:
            lines.append(line)
    return "\n".join(lines)
