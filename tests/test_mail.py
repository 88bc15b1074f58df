"""E-mails: which of their parts is the text."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest
from test_reading import FIRST, SECOND, chosen

from bertsum.reading.documents import read_document

PAGE = f"<p>Hi Ben,</p><p>{FIRST} {SECOND}</p>" + 3 * f"<p>{SECOND}</p>"
STUBS = [
    "View this mail in your browser: https://example.org/61\n\nYour mail program does not show HTML.",
    "Para ver este mensaje, use un navegador.",
    "",
]


def written(folder: Path, plain: str, page: str = PAGE) -> Path:
    """A file of an e-mail with a plain part and a page that says the same."""
    message = EmailMessage()
    message.set_content(f"{plain}\n")
    message.add_alternative(page, subtype="html")
    (folder / "a.eml").write_bytes(message.as_bytes())
    return folder / "a.eml"


@pytest.mark.parametrize("stub", STUBS)
def test_a_plain_part_that_only_points_to_the_page(stub: str, tmp_path: Path) -> None:
    file = written(tmp_path, stub)
    assert chosen(file) == [FIRST, *4 * [SECOND]]
    left_out = [one["text"] for one in read_document(file).skipped if one["why"] == "plain part"]
    assert left_out == ([" ".join(stub.split())] if stub else [])


def test_a_short_plain_part_is_the_message(tmp_path: Path) -> None:
    said = "The key is under the third stone; bring the map."
    assert str(read_document(written(tmp_path, said))) == said


def test_a_page_that_cannot_be_read_beside_a_plain_part(tmp_path: Path) -> None:
    file = written(tmp_path, STUBS[0])
    file.write_bytes(file.read_bytes().replace(b'html; charset="utf-8"', b"html; charset=no"))
    assert "does not show HTML" in str(read_document(file))


def test_a_page_that_is_attached_is_not_the_message(tmp_path: Path) -> None:
    message = EmailMessage()
    message.set_content("Look at this in your browser.\n")
    message.add_attachment(PAGE, subtype="html", disposition="inline", filename="news.html")
    (tmp_path / "a.eml").write_bytes(message.as_bytes())
    assert str(read_document(tmp_path / "a.eml")) == "Look at this in your browser."


def test_marked_sections_of_an_unknown_kind(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(f"<p>{FIRST}</p><![foo bar[ x ]]><p>{SECOND}</p>", encoding="utf-8")
    assert chosen(tmp_path / "a.html") == [FIRST, SECOND]
