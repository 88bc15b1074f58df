"""Reads the newest message of an e-mail (.eml). Quoted messages are recognised later, by their form."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

from bertsum.errors import BertsumError
from bertsum.reading.markup import read_html
from bertsum.reading.text import FileText, TextBuilder
from bertsum.text import sanitize


def read_mail(data: bytes, name: str, encoding: str | None = None) -> FileText:
    """The text of an e-mail: its plain part, else its HTML part.

    Args:
        data: The file.
        name: Its name.
        encoding: Encoding of the text, if the message does not name it.

    Raises:
        BertsumError: if it has no text.
    """
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(preferencelist=("plain", "html"))
    if body is None:
        raise BertsumError(f"'{name}': has no text, expected an e-mail with a plain or an HTML part")
    builder = TextBuilder()
    for header, value in message.items():
        builder.skip(f"{header}: {sanitize(str(value))}", "mail header")
    for part in message.iter_attachments():
        builder.skip(part.get_filename() or part.get_content_type(), "attachment")
    content = body.get_payload(decode=True)
    raw = content if isinstance(content, bytes) else b""
    charset = body.get_content_charset() or encoding or "utf-8"
    if body.get_content_type() == "text/html":
        page = read_html(raw, name, charset, whole=True)
        return FileText(page.text, name, page.marks, [*builder.built().skipped, *page.skipped])
    try:
        text = raw.decode(charset)
    except (LookupError, UnicodeDecodeError):
        text = raw.decode("utf-8", errors="replace")
    builder.add(_unflowed(text) if body.get_param("format") == "flowed" else text)
    return builder.built(name)


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
