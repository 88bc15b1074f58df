"""Tables of text, and other files with broken bytes: what cannot be read is told, and never read as something else."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from models import build

import bertsum
from bertsum.data.documents import Document, Rejected
from bertsum.reading.many import documents_of, files_of
from bertsum.reading.tables import read_rows


def rows_of(path: Path, content: bytes, encoding: str | None = None) -> list[Document | Rejected]:
    path.write_bytes(content)
    with open(path, "rb") as file:
        return list(read_rows(path, file, None, None, encoding))


def told(rows: list[Document | Rejected]) -> list[str]:
    return [row.problem if isinstance(row, Rejected) else f"{row.id}: {row.text}" for row in rows]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("id,document\n1,It rained.\n2,He left.\n", ["1: It rained.", "2: He left."]),
        ("\ufeffid;document\r\n1;It rained.\r\n\r\n2;He left.", ["1: It rained.", "2: He left."]),
        ('id,document\n1,"It rained,\nand ""he"" left."\n', ['1: It rained,\nand "he" left.']),
        (
            "id,document\n1,It rained,extra\n2,He left.\n",
            ["has 3 columns, expected 2 as in the first line; quote a text that has one", "2: He left."],
        ),
        (
            'id,document\n1,It rained.\n2,"He left\n3,She stayed.\n',
            ["1: It rained.", "line 3: a quotation mark opens a text here, and none closes it"],
        ),
    ],
)
def test_rows(tmp_path, content, expected) -> None:
    assert told(rows_of(tmp_path / "a.csv", content.encode())) == expected


def test_bytes_of_another_encoding(tmp_path) -> None:
    content = "id\tdocument\n1\tIt rained in M\xf6rk.\n2\tHe left.\n".encode("cp1252")
    problem = "line 2: not UTF-8 text; name its encoding (--encoding cp1252)"
    assert told(rows_of(tmp_path / "a.tsv", content)) == [problem, "2: He left."]
    assert told(rows_of(tmp_path / "a.tsv", content, "cp1252")) == ["1: It rained in Mörk.", "2: He left."]


def test_a_book_is_one_field(tmp_path) -> None:
    book = "It rained. " * (20_000)
    (row,) = rows_of(tmp_path / "a.csv", f"id,document\n1,{book}\n".encode())
    assert isinstance(row, Document)
    assert len(row.text) == len(book)


def test_a_broken_row_keeps_an_id_that_is_sure(tmp_path) -> None:
    rows = rows_of(tmp_path / "a.csv", b"id,document\n3,It rained,extra\n4,M\xf6rk\n,He left.\n,\n")
    assert [row.id for row in rows] == ["3", "4", "2", None]
    rows = rows_of(tmp_path / "b.csv", b"document,id\nIt rained, too,3\n")
    assert [row.id for row in rows] == [None]  # a comma too many may stand before the id
    rows = rows_of(tmp_path / "c.csv", b"document,id\nIt r\xe4ined, too,3\n")
    assert [row.id for row in rows] == [None]


def test_names_of_columns(tmp_path) -> None:
    assert told(rows_of(tmp_path / "a.csv", b'"a, b, c";document\n1;It rained.\n')) == ["0: It rained."]
    with pytest.raises(
        bertsum.BertsumError, match=r"no field for the document: .*fields: document \(1\), document \(2\)"
    ):
        rows_of(tmp_path / "b.csv", b"document,document\nIt rained.,He left.\n")
    assert told(rows_of(tmp_path / "c.csv", b"id,document,note,note\n1,It rained.,a,b\n")) == ["1: It rained."]
    twice = pyarrow.Table.from_arrays([pyarrow.array(["It rained."]), pyarrow.array(["He left."])], ["text", "text"])
    pyarrow.parquet.write_table(twice, tmp_path / "d.parquet")
    with pytest.raises(bertsum.BertsumError, match=r"no field for the document"):
        rows_of(tmp_path / "d.parquet", (tmp_path / "d.parquet").read_bytes())


def test_one_bad_file_among_several(tmp_path) -> None:
    (tmp_path / "a.csv").write_text("id,document\n1,It rained.\n")
    (tmp_path / "b.parquet").write_text("no table")
    (tmp_path / "c.csv").write_text("foo,bar\n1,2\n")
    (tmp_path / "d.txt").write_text("He left.")
    (tmp_path / "e.txt").symlink_to("nowhere.txt")
    first, *others = documents_of(str(tmp_path / "*"))
    assert isinstance(first, Document)
    said = {Path(name).name: str(text) for name, text in others}
    assert said["d.txt"] == "He left."
    assert "b.parquet: cannot be read" in said["b.parquet"]
    assert "no field for the document" in said["c.csv"]
    assert "No such file" in said["e.txt"]
    assert "No such file" in str(dict(documents_of(str(tmp_path)))[str(tmp_path / "e.txt")])


def test_a_folder_has_only_files(tmp_path) -> None:
    (tmp_path / "folder.txt").mkdir()
    (tmp_path / "a.txt").write_text("It rained.")
    os.mkfifo(tmp_path / "pipe.txt")
    assert files_of(str(tmp_path)) == [tmp_path / "a.txt"]


@pytest.mark.parametrize("encoding", ["hex", "rot13", "\0", 3, "klingon"])
def test_what_is_no_encoding_of_text(tmp_path, encoding) -> None:
    (tmp_path / "a.txt").write_text("It rained.")
    with pytest.raises(bertsum.BertsumError, match="encoding: got .*, expected the name of an encoding such as utf-8"):
        bertsum.read_document(tmp_path / "a.txt", encoding=encoding)


@pytest.mark.parametrize("source", ["", " ", "a\0b"])
def test_what_is_no_name(source) -> None:
    with pytest.raises(bertsum.BertsumError, match="source: got .*, expected a path or an address"):
        bertsum.read_document(source)


def test_an_error_before_anything_is_saved_leaves_nothing_behind(encoder_folder, tmp_path) -> None:
    (tmp_path / "a.csv").write_text("id,body\n1,It rained.\n")
    with pytest.raises(bertsum.BertsumError, match=r"no field for the document.*document_field \(--document-field\)"):
        bertsum.summarize_file(bertsum.Summarizer(build(encoder_folder)), tmp_path / "a.csv", tmp_path / "o.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_link_to_a_target_stays(encoder_folder, tmp_path) -> None:
    (tmp_path / "a.csv").write_text("id,document\n1,It rained.\n")
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "real.jsonl")
    made = bertsum.summarize_file(
        bertsum.Summarizer(build(encoder_folder)), tmp_path / "a.csv", tmp_path / "link.jsonl"
    )
    assert (tmp_path / "link.jsonl").is_symlink()
    assert made.path == tmp_path / "real.jsonl"
    assert made.path.is_file()


@pytest.mark.parametrize(
    ("charset", "encoding", "expected"),
    [
        ("utf-8", None, "name its encoding"),
        ("nope", None, "name its encoding"),
        ("utf-8", "cp1252", "The café is closed."),
        ("cp1252", None, "The café is closed."),
    ],
)
def test_bytes_of_a_mail(tmp_path, charset, encoding, expected) -> None:
    head = f"From: a@b.example\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n"
    (tmp_path / "a.eml").write_bytes(head.encode() + b"The caf\xe9 is closed.\n")
    if expected.startswith("The"):
        assert expected in bertsum.read_document(tmp_path / "a.eml", encoding=encoding).text
    else:
        with pytest.raises(bertsum.BertsumError, match=f"a.eml': is in neither {charset} nor UTF-8; {expected}"):
            bertsum.read_document(tmp_path / "a.eml", encoding=encoding)
