"""Files as people have them, by the summarizer and by the command; no network."""

from __future__ import annotations

import json
import time
from email.message import EmailMessage
from pathlib import Path

import pandas
import pyarrow as pa
import pytest
from pyarrow import parquet
from test_cli import command, model  # noqa: F401

import bertsum
from bertsum.inference.summary import running_text
from bertsum.reading import extras, web
from bertsum.reading.documents import read_document
from bertsum.structure.pieces import pieces_of

FIRST = "The council voted on Monday for a wall that keeps out three quarters of the silt."
SECOND = "Half of the money comes from the province, and the town borrows the rest of it."


@pytest.fixture(scope="module")
def summarizer(trained_run) -> bertsum.Summarizer:
    return bertsum.Summarizer.from_pretrained(trained_run[1].checkpoint)


def chosen(path: Path) -> list[str]:
    given = read_document(path)
    return [p.text.strip() for p in pieces_of(given.text, "en", given.marks, given.markdown) if not p.why]


def test_word(tmp_path) -> None:
    docx = pytest.importorskip("docx")
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "Draft of the council"
    document.add_heading("The wall is built after all, and nobody is surprised.", 1)
    document.add_paragraph(FIRST)
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "Stones from the quarry up the river.", "400"
    document.add_paragraph("The ferry lands at the old quay.", style="List Bullet")
    changed = document.add_paragraph("The council pays ")
    for kind, text in (("ins", "eighty percent"), ("del", "nothing"), ("smartTag", " of the costs for three years.")):
        part = docx.oxml.OxmlElement(f"w:{kind}")
        run = changed.add_run(text)._r
        if kind == "del":
            run.t_lst[0].tag = docx.oxml.ns.qn("w:delText")
        part.append(run)
        changed._p.append(part)
    document.save(str(tmp_path / "a.docx"))
    expected = [
        FIRST,
        "- The ferry lands at the old quay.",
        "The council pays eighty percent of the costs for three years.",
    ]
    assert chosen(tmp_path / "a.docx") == expected
    (tmp_path / "b.docx").write_bytes(b"no zip")
    with pytest.raises(bertsum.BertsumError, match=r"b\.docx': is no \.docx file"):
        read_document(tmp_path / "b.docx")


def test_word_with_a_layout_of_one_row(tmp_path) -> None:
    docx = pytest.importorskip("docx")
    document = docx.Document()
    left, right = document.add_table(1, 2).row_cells(0)
    left.text, right.text = "News", FIRST
    right.add_table(1, 1).cell(0, 0).text = SECOND
    row = document.add_table(1, 3).row_cells(0)
    row[0].text, row[1].text, row[2].text = "Stones", "400", "400"
    document.save(tmp_path / "a.docx")
    assert chosen(tmp_path / "a.docx") == [FIRST, SECOND]
    assert read_document(tmp_path / "a.docx").text == f"News\n\n{FIRST}\n\n{SECOND}\n\nStones | 400 | 400"


def test_pdf(tmp_path, caplog) -> None:
    pytest.importorskip("pypdf")
    canvas = pytest.importorskip("reportlab.pdfgen.canvas")
    page = canvas.Canvas(str(tmp_path / "a.pdf"))
    pages = (
        ["The council voted on Monday for a wall that keeps out three quar-", "ters of the silt. Then the wind"],
        ["turned to the north and blew for nine days without a pause.", "Nobody went out."],
    )
    for number, lines in enumerate(pages, start=1):
        for place, line in enumerate(["Annual report of the harbour", *lines, str(number)]):
            page.drawString(72, 750 - 14 * place, line)
        page.showPage()
    page.save()
    given = read_document(tmp_path / "a.pdf")
    assert [piece["why"] for piece in given.skipped] == ["running header", "page number"] * 2
    sentences = chosen(tmp_path / "a.pdf")
    assert running_text(sentences, "en", sentences) == (
        f"{FIRST} Then the wind turned to the north and blew for nine days without a pause. Nobody went out."
    )
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.4 broken")
    with pytest.raises(bertsum.BertsumError, match=r"b\.pdf': is no PDF that can be read"):
        read_document(tmp_path / "b.pdf")
    assert not caplog.records  # pypdf's own lines do not name the file
    page = canvas.Canvas(str(tmp_path / "c.pdf"))
    page.showPage()
    page.save()
    with pytest.raises(bertsum.BertsumError, match="has no text, only pictures"):
        read_document(tmp_path / "c.pdf")


def test_mail(tmp_path) -> None:
    message = EmailMessage()
    message["From"], message["Subject"] = "Ann <ann@example.org>", "The wall"
    message.set_content(f"Hi Ben,\n\n{FIRST}\n\nBest\nAnn\n")
    message.add_alternative(f"<p>Hi Ben,</p><p>{FIRST}</p>", subtype="html")
    message.add_attachment(b"x", maintype="image", subtype="png", filename="wall.png")
    (tmp_path / "a.eml").write_bytes(message.as_bytes())
    assert chosen(tmp_path / "a.eml") == [FIRST]
    skipped = read_document(tmp_path / "a.eml").skipped
    assert {"text": "Subject: The wall", "why": "mail header"} in skipped
    assert {"text": "wall.png", "why": "attachment"} in skipped
    message = EmailMessage()
    message.set_content(f"<div>Hi Ben,</div><div>{FIRST}</div><blockquote>{SECOND}</blockquote>", subtype="html")
    (tmp_path / "b.eml").write_bytes(message.as_bytes())
    assert chosen(tmp_path / "b.eml") == [FIRST]
    (tmp_path / "c.eml").write_bytes(b"Content-Type: image/png\n\nx")
    with pytest.raises(bertsum.BertsumError, match="has no text, expected an e-mail"):
        read_document(tmp_path / "c.eml")


def kept(text: str) -> list[str]:
    return [piece.text.strip() for piece in pieces_of(text, "en") if not piece.why]


def test_speakers_of_subtitles_are_no_quoted_mail(tmp_path) -> None:
    lines = [">> The fee rises by four crowns", "a night. &gt;&gt; Since when?", ">> It has not changed since 1994."]
    (tmp_path / "a.vtt").write_text(
        "WEBVTT\n\n" + "\n\n".join(f"00:0{n}.000 --> 00:0{n + 1}.000\n{line}" for n, line in enumerate(lines)),
        encoding="utf-8",
    )
    assert chosen(tmp_path / "a.vtt") == [
        "The fee rises by four crowns a night.",
        "Since when?",
        "It has not changed since 1994.",
    ]
    turns = f">> HOLM: {FIRST}\n(applause)\n>> PELL: {SECOND}\nThe session is interrupted for an hour."
    assert f">> HOLM: {FIRST}" in kept(turns)
    assert kept(f"Hi Ben,\n\n>> Who pays?\n> The town.\n\n{SECOND}\n\nAnn")[-1] == SECOND


def test_dates_of_turns_are_no_versions() -> None:
    turns = [
        "Lea: The heating will be switched off until Wednesday because the boiler has to be replaced",
        "Tim: oh no",
        "Lea: You only need to bring the key of your flat and one warm blanket",
        "Omar: I have two electric heaters in the cellar that anybody can borrow for the nights",
    ]
    text = "\n".join(f"03.05.10, 18:0{minute} - {turn}" for minute, turn in enumerate(turns))
    assert [line.partition(" - ")[2] for line in kept(text)] == [turns[0], turns[2], turns[3]]


def test_speakers_in_capitals_stay_with_what_they_say() -> None:
    turns = [
        "CAPTAIN HOLM: A lamp fell from the bench, and the varnish caught fire at once.",
        "MS. PELL: The guard was at the other end of the yard, because a dog had barked there.",
        "CAPTAIN HOLM: We have bought two new lamps since then, and both of them hang from the roof.",
        "MS. PELL: The insurer pays for the yard but not for the boats that lay in it.",
    ]
    assert kept("\n\n".join(turns)) == turns
    visit = "CHIEF COMPLAINT: Pain in the left knee since a fall.\nPLAN: The knee is kept in a brace for six weeks."
    assert kept(f"{visit}\n\n{visit}")[1] == "The knee is kept in a brace for six weeks."


def test_what_a_program_writes_below_a_turn() -> None:
    notes = ["3 replies", "1 reply\nLast reply 2 days ago", ":tada: 4  :+1: 2\n2 Antworten"]
    turns = [f"Ann Finch  9:1{n} AM\n{said}\n{notes[n]}" for n, said in enumerate((FIRST, SECOND, "No. " + FIRST))]
    assert kept("\n".join(turns)) == [FIRST, SECOND, "No.", FIRST]


def test_a_traceback_below_a_line_of_a_log() -> None:
    log = ["12:01:07 INFO the worker has started with four threads", "12:03:11 ERROR the index could not be written"]
    trace = 'Traceback (most recent call last):\n  File "index.py", line 88, in write\n    handle.flush()'
    message = "OSError: [Errno 28] there is no space left on the device"
    text = "\n".join([*log, trace, message, "12:03:12 INFO the worker has stopped and waits for a disk"])
    assert kept(text)[:3] == [*log, message]
    assert kept(f"{FIRST}\n\n{trace}\nOSError: no space\n\n{SECOND}") == [FIRST, SECOND]


def test_a_refrain_is_no_running_header() -> None:
    refrain = "Sing ho for the herring, sing ho for the sea"
    song = f"Songs\n\nWhen winter lay upon the bay\n{refrain}\n\nWhen summer came with shoals\n{refrain}"
    assert "running header" not in {piece.why for piece in pieces_of(f"{song}\n\n12\n\n{FIRST}\n\n13", "en")}
    pages = f"Harbour Report\n{FIRST}\n\n3\n\nHarbour Report\n{SECOND}\n\n4\n\nHarbour Report\nIt rained.\n\n5"
    assert [piece.text.strip() for piece in pieces_of(pages, "en") if piece.why == "running header"] == [
        "Harbour Report"
    ] * 3


def test_a_notice_behind_a_time() -> None:
    said = "12:01 <zed> The server moves to the new rack on Friday at ten, and it will be down for two hours."
    text = f"12:00 -!- mode/#tide [+o zed] by ChanServ\n{said}\n12:03 <kay> Then I will print the lists on Thursday."
    assert kept(text)[0] == said


@pytest.mark.parametrize("signature", ["J", "-- J.", "-J.", "— J", "-- Jo Pell"])
def test_mail_signed_with_an_initial(signature) -> None:
    pieces = pieces_of(f"Hi Mara,\n\n{FIRST}\n\n{SECOND}\n\n{signature}", "en")
    assert [piece.why for piece in pieces] == ["greeting", "", "", "signature"]


def test_two_dashes_between_parts_of_an_answer() -> None:
    second = "The second question is harder. The writer breaks every file that is larger than two gigabytes."
    quoted = "> Should we keep the old reader?\n\nYes, we should keep it until the summer because two ports need it."
    assert "The second question is harder." in kept(f"{quoted}\n\n--\n\n{second}")
    assert "Ada Quill" not in " ".join(kept(f"{quoted}\n\n--\nAda Quill\nHead of harbours, Port Ellery"))


def test_a_missing_package_is_named() -> None:
    with pytest.raises(bertsum.BertsumError, match=r"'a\.pdf': needs nothing: pip install 'bertsum\[files\]'"):
        extras.package("bertsum_nothing", "a.pdf", "nothing")


def test_other_files_are_refused(tmp_path) -> None:
    (tmp_path / "a.odt").write_bytes(b"PK")
    with pytest.raises(bertsum.BertsumError, match=r"a\.odt': is a \.odt file, expected \.txt"):
        read_document(tmp_path / "a.odt")
    with pytest.raises(bertsum.BertsumError, match="nothing.txt': cannot be read"):
        read_document(tmp_path / "nothing.txt")


def slow(*_: object, **__: object) -> None:
    time.sleep(0.3)
    raise OSError("late")


def test_an_address_without_a_network(monkeypatch) -> None:
    with pytest.raises(bertsum.BertsumError, match="cannot be loaded"):
        read_document("http://127.0.0.1:9/page.html")
    monkeypatch.setattr(web, "_SECONDS", 0.05)
    monkeypatch.setattr(web.urllib.request, "urlopen", slow)
    with pytest.raises(bertsum.BertsumError, match="nothing came within"):
        read_document("https://news.example.org/")


def test_an_address_of_a_picture(monkeypatch) -> None:
    monkeypatch.setattr("bertsum.reading.documents.fetch", lambda _: (b"\x89PNG", "image/png", None))
    with pytest.raises(bertsum.BertsumError, match="its server sends image/png, expected a page"):
        read_document("https://news.example.org/wall")


def test_what_is_left_out_is_told(summarizer) -> None:
    text = f"# The wall\n\n{FIRST}\n\n| a | b |\n|---|---|\n\n{SECOND}"
    summary = summarizer(text, sentences=2)
    assert summary.sentences == [FIRST, SECOND]
    assert summary.skipped[0] == {"text": "# The wall", "why": "heading"}
    assert summary.unscored[0] == "is left out (heading)"
    assert summary.document_scores[0] is None
    assert {"text": "| a | b |", "why": "table row"} in summary.skipped
    (listed,) = summarizer([["# The wall", FIRST]], sentences=2)
    assert (listed.indices, listed.skipped) == ([0, 1], [])  # a list of sentences is taken as it is


def test_a_summary_is_explained_as_it_was_read(summarizer) -> None:
    summary = summarizer(f"A heading\n\n{FIRST}\n\n{SECOND}", sentences=1)
    pytest.importorskip("captum")
    explanation = summary.explain(method="occlusion")
    assert explanation.sentences[0] is None


def test_words_divided_at_line_ends() -> None:
    document = [
        "It is a long-term plan.",
        "The long-\nterm plan of the dredg-\n  ing was self-\nmade in Baden-\nWürttemberg, pre-\nand post-war.",
    ]
    assert running_text(document[1:], "en", document) == (
        "The long-term plan of the dredging was self-made in Baden-Württemberg, pre- and post-war."
    )


def test_paths_are_documents(summarizer, tmp_path) -> None:
    (tmp_path / "a.md").write_text(f"# Wall\n\n{FIRST} See [it](http://x.org).\n", encoding="utf-8")
    by_text = summarizer(f"# Wall\n\n{FIRST} See [it](http://x.org).\n", sentences=1)
    assert summarizer(tmp_path / "a.md", sentences=1) == by_text
    assert summarizer(bertsum.read_document(tmp_path / "a.md"), sentences=1) == by_text
    assert list(summarizer.stream([tmp_path / "a.md"], sentences=1)) == [by_text]
    with pytest.raises(bertsum.BertsumError, match=r"document 1: '.*nothing.txt': cannot be read"):
        summarizer(["It rained.", tmp_path / "nothing.txt"])


def test_columns_name_the_row(summarizer) -> None:
    texts = ["It rained.", None, float("nan"), b"It snowed.", pandas.NA]
    found = ["NoneType", "nan", "bytes", "NAType"]
    for column in (pandas.Series(texts, dtype=object), iter(texts)):
        answers = list(summarizer.stream(column, errors="return"))
        assert [f"got {kind}" in str(answer) for kind, answer in zip(found, answers[1:], strict=True)] == [True] * 4
    with pytest.raises(bertsum.BertsumError, match="document 1: got (nan|NoneType)"):
        summarizer(pandas.Series(["It rained.", None], dtype="str"))


def test_batches_of_datasets(summarizer) -> None:
    datasets = pytest.importorskip("datasets")
    rows = datasets.Dataset.from_dict({"text": [f"{FIRST} {SECOND}", FIRST]})
    made = rows.map(lambda batch: {"summary": [s.text for s in summarizer(batch["text"], sentences=1)]}, batched=True)
    assert [text in (FIRST, SECOND) for text in made["summary"]] == [True, True]
    assert [summary.text for summary in summarizer(rows["text"], sentences=1)] == list(made["summary"])


def test_tables(command, model, tmp_path, summarizer) -> None:  # noqa: F811
    frame = pandas.DataFrame({"id": ["r1", "r2", "r3"], "body": [f"{FIRST}\n\n{SECOND}", "", FIRST], "url": ["x"] * 3})
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_csv(tmp_path / "b.csv", index=False, sep=";")
    parquet.write_table(pa.table({"id": [1, 2, 3], "body": [FIRST, None, SECOND]}), tmp_path / "c.parquet")
    options = ("--document-field", "body", "--model", model, "--sentences", "1")
    for name in ("a.csv", "b.csv", "c.parquet"):
        code, shown, errors = command("summarize", str(tmp_path / name), *options)
        assert (code, shown.count("== ")) == (0, 2), errors
        assert "row 2: field 'body' is" in errors
        out = tmp_path / f"{name}.jsonl"
        code, _, errors = command("summarize", str(tmp_path / name), "--out", str(out), *options)
        lines = [json.loads(line) for line in out.read_text().splitlines()]
        assert (code, ["error" in line for line in lines]) == (0, [False, True, False]), errors
    code, _, errors = command("summarize", str(tmp_path / "a.csv"), "--model", model)
    assert (code, "expected document or article" in errors, "fields: id, body, url" in errors) == (2, True, True)


def test_folders_and_patterns(command, model, tmp_path) -> None:  # noqa: F811
    (tmp_path / "notes").mkdir()
    for name in ("a.txt", "b.md"):
        (tmp_path / "notes" / name).write_text(FIRST, encoding="utf-8")
    (tmp_path / "notes" / "c.txt").write_bytes(b"\xff\xf0")
    (tmp_path / "notes" / ".hidden.txt").write_text(FIRST, encoding="utf-8")
    code, shown, errors = command("summarize", str(tmp_path / "notes"), "--model", model)
    assert code == 0, errors
    assert shown.splitlines() == [
        f"== {tmp_path}/notes/a.txt ==", FIRST, "", f"== {tmp_path}/notes/b.md ==", FIRST
    ]  # fmt: skip
    assert "c.txt': not UTF-8 text" in errors
    code, shown, _ = command("summarize", str(tmp_path / "notes" / "*.md"), "--model", model, "--json")
    assert (code, json.loads(shown)["sentences"]) == (0, [FIRST])
    code, shown, _ = command("summarize", str(tmp_path / "notes"), "--model", model, "--out", str(tmp_path / "o.jsonl"))
    assert (code, shown) == (0, f"3 documents in {tmp_path}/o.jsonl, 1 of them without a summary (field error)\n")
    assert [json.loads(line)["id"] for line in (tmp_path / "o.jsonl").read_text().splitlines()] == [
        f"{tmp_path}/notes/{name}" for name in ("a.txt", "b.md", "c.txt")
    ]
    assert command("summarize", str(tmp_path / "*.pdf"), "--model", model)[2].endswith("matches no file\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.jsonl").touch()
    assert "has no documents" in command("summarize", str(tmp_path / "empty.jsonl"), "--model", model)[2]
    assert "has no file of .txt" in command("summarize", str(tmp_path / "empty"), "--model", model)[2]
    code, _, errors = command("summarize", str(tmp_path / "notes" / "c*"), "--model", model)
    assert (code, "none of 1 documents could be summarised" in errors) == (1, True)


def test_a_name_may_look_like_a_pattern(command, model, tmp_path) -> None:  # noqa: F811
    source, out = tmp_path / "notes[1].jsonl", tmp_path / "o.jsonl"
    source.write_text(json.dumps({"id": "a", "document": FIRST}) + "\n", encoding="utf-8")
    assert command("summarize", str(source), "--model", model)[1] == f"== a ==\n{FIRST}\n"
    assert command("summarize", str(source), "--model", model, "--out", str(out))[0] == 0
    assert json.loads(out.read_text())["sentences"] == [FIRST]


def test_a_folder_goes_on_after_an_interruption(model, tmp_path, monkeypatch) -> None:  # noqa: F811
    (tmp_path / "notes").mkdir()
    for number in range(6):
        (tmp_path / "notes" / f"{number}.txt").write_text(f"{FIRST} {SECOND} Number {number}.", encoding="utf-8")
    made = bertsum.Summarizer.from_pretrained(model)
    whole = bertsum.summarize_file(made, tmp_path / "notes", tmp_path / "whole.jsonl", buffer=2, progress=False)
    stream, left = made.stream, 4

    def stopped(*arguments, **options):
        nonlocal left
        for answer in stream(*arguments, **options):
            if left == 0:
                raise KeyboardInterrupt
            left -= 1
            yield answer

    monkeypatch.setattr(made, "stream", stopped)
    with pytest.raises(KeyboardInterrupt):
        bertsum.summarize_file(made, tmp_path / "notes", tmp_path / "o.jsonl", buffer=2, progress=False)
    monkeypatch.undo()
    assert (tmp_path / ".o.jsonl.unfinished" / "part").read_text().count("\n") == 4
    (tmp_path / "notes" / "6.txt").write_text(FIRST, encoding="utf-8")
    with pytest.raises(bertsum.BertsumError, match="was begun with other values"):
        bertsum.summarize_file(made, tmp_path / "notes", tmp_path / "o.jsonl", progress=False)
    (tmp_path / "notes" / "6.txt").unlink()
    rest = bertsum.summarize_file(made, tmp_path / "notes", tmp_path / "o.jsonl", buffer=2, progress=False)
    assert rest.documents == 6
    assert rest.path.read_bytes() == whole.path.read_bytes()
    with pytest.raises(bertsum.BertsumError, match="query_field"):
        bertsum.summarize_file(made, tmp_path / "notes", tmp_path / "p.jsonl", query_field="query", progress=False)


def test_what_is_no_path() -> None:
    with pytest.raises(bertsum.BertsumError, match="source: got NoneType, expected a path or an address"):
        bertsum.read_document(None)
