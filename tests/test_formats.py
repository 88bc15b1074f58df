"""The papers' own formats: every one read to the same documents, and what is wrong in them named."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import authors
import pytest
from conftest import SHARED, needs_shared, write_jsonl

import bertsum
from bertsum.config import Config, DataConfig
from bertsum.data.documents import Document, EncodedDocument, Rejected
from bertsum.data.encoding import interval_segments
from bertsum.data.prepare import prepare
from bertsum.data.sources import read_documents, source_files
from bertsum.data.torch_files import safe_load
from bertsum.encoders.load import load_tokenizer
from bertsum.errors import BertsumError

STORY = """(CNN) -- The council met.  It decided.

A bridge will be built.

@highlight

Council decides on
a bridge

@highlight

It rains
"""


def read(source: Path | list[str], split: str = "train", **values) -> list[Document | Rejected]:
    source = source if isinstance(source, list) else str(source)
    return list(read_documents(DataConfig(**{split: source}, **values), split))


def test_story(tmp_path) -> None:
    (tmp_path / "abc.story").write_text(STORY)
    (document,) = read(tmp_path)
    assert document.id == "abc"
    assert document.text == "(CNN) -- The council met.  It decided.\n\nA bridge will be built."
    assert document.references == [["Council decides on a bridge", "It rains"]]


def test_tokenized_story(tmp_path) -> None:
    words = [["-LRB-", "CNN", "-RRB-", "It", "rains"], ["@highlight"], ["Rain"], ["again"], ["@highlight", "Wet"]]
    sentences = [{"tokens": [{"word": word} for word in sentence]} for sentence in words]
    (tmp_path / "abc.story.json").write_text(json.dumps({"sentences": sentences}))
    (document,) = read(tmp_path)
    assert (document.id, document.text) == ("abc", ["( CNN ) It rains"])
    assert document.references == [["Rain again", "Wet"]]


def test_url_lists(tmp_path) -> None:
    urls = [f"http://news.example/{n}.html" for n in range(3)]
    for folder, some in (("cnn", urls[:1]), ("dailymail", urls[1:])):
        (tmp_path / folder).mkdir()
        for url in some:
            (tmp_path / folder / f"{hashlib.sha1(url.encode()).hexdigest()}.story").write_text(f"{url}\n{STORY}")
    listing = tmp_path / "mapping_train.txt"
    listing.write_text("\n".join([urls[2], urls[0]]) + "\n")
    folders = [str(tmp_path / "cnn"), str(tmp_path / "dailymail")]
    assert [d.text.split()[0] for d in read(listing, document_folders=folders)] == [urls[2], urls[0]]
    listing.write_text("http://news.example/lost.html\n")
    (lost,) = read(listing, document_folders=folders)
    assert isinstance(lost, Rejected)
    assert hashlib.sha1(b"http://news.example/lost.html").hexdigest() in lost.problem
    with pytest.raises(BertsumError, match="needs data.document_folders"):
        read(listing)
    with pytest.raises(BertsumError, match="'nowhere' is not a folder"):
        read(listing, document_folders=["nowhere"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(BertsumError, match=r"no \.story"):
        read(listing, document_folders=[str(tmp_path / "empty")])


def test_xsum(tmp_path) -> None:
    for name in ("restbody", "firstsentence", "bbc"):
        (tmp_path / name).mkdir()
    (tmp_path / "restbody/17.restbody").write_text("The  council met .\n\nIt decided .\n")
    (tmp_path / "firstsentence/17.fs").write_text("A bridge comes .\n")
    (tmp_path / "restbody/18.restbody").write_text("No summary .\n")
    parts = {"URL": "http://x", "TITLE": "T", "FIRST-SENTENCE": "A bridge.", "RESTBODY": "One.\nTwo."}
    text = "".join(f"[SN]{name}[SN]\n{part}\n\n" for name, part in parts.items())
    (tmp_path / "bbc/17.summary").write_text(text)
    (tmp_path / "bbc/18.summary").write_text("[SN]TITLE[SN]\nonly\n")
    splits = tmp_path / "XSum-TRAINING-DEV-TEST-SPLIT-90-5-5.json"
    splits.write_text(json.dumps({"train": ["18"], "validation": ["17"], "test": []}))
    (document,) = read(splits, "validation", document_folders=[str(tmp_path / "restbody")])
    assert (document.id, document.text, document.references) == (
        "17", ["The council met .", "It decided ."], [["A bridge comes ."]],
    )  # fmt: skip
    (rejected,) = read(splits, document_folders=[str(tmp_path / "restbody")])
    assert "18.fs" in rejected.problem
    document, rejected = read(tmp_path / "bbc")
    assert (document.text, document.references) == ("One.\n\nTwo.", [["A bridge."]])
    assert "has no part [SN]FIRST-SENTENCE[SN]" in rejected.problem
    splits.write_text("[]")
    with pytest.raises(BertsumError, match="no list 'train'"):
        read(splits, document_folders=[str(tmp_path / "bbc")])
    splits.write_text("{")
    with pytest.raises(BertsumError, match="cannot be read as a list"):
        read(splits, document_folders=[str(tmp_path / "bbc")])


NYT = """<?xml version="1.0" encoding="UTF-8"?>
<nitf><head><docdata><doc-id id-string="1815718"/></docdata></head><body><body.head>
<hedline><hl1>A Bridge</hl1></hedline>
<abstract><p>Council decides to build bridge; it will cost (in dollars) $5 million; yes no; photo shows river (M)
(photo)</p>
<p>second</p></abstract></body.head>
<body.content><block class="lead_paragraph"><p>The council met.</p></block>
<block class="full_text"><p>The council met.</p><p>It  <b>decided</b>.</p><p> </p></block></body.content></body></nitf>
"""


def test_nyt(tmp_path) -> None:
    (tmp_path / "a.xml").write_text(NYT)
    (tmp_path / "b.xml").write_text(NYT.replace("full_text", "other"))
    (tmp_path / "c.xml").write_text("<nitf>")
    (tmp_path / "d.xml").write_text(NYT.replace("UTF-8", "foo"))
    document, no_body, broken, unknown = read(tmp_path)
    assert "unknown encoding" in unknown.problem
    assert (document.id, document.text) == ("1815718", "The council met.\n\nIt decided.")
    parts = ["Council decides to build bridge", "it will cost (in dollars) $5 million", "photo shows river"]
    assert document.references == [parts]
    assert "has no full_text block" in no_body.problem
    assert "ParseError" in broken.problem


def test_json_shard(tmp_path) -> None:
    shard = [{"src": [["The", "council", "met", "."], ["It", "rains"]], "tgt": [["Rain", "."]]}]
    (tmp_path / "cnndm.train.0.json").write_text(json.dumps([*shard, 5, {"src": [["x"]]}]))
    document, not_object, no_summary = read(tmp_path / "cnndm.train.*.json")
    assert (document.id, document.text) == ("cnndm.train.0.0", ["The council met .", "It rains"])
    assert document.references == [["Rain ."]]
    assert "got int" in not_object.problem
    assert "'tgt' is missing" in no_summary.problem
    (tmp_path / "cnndm.train.0.json").write_text("{}")
    (rejected,) = read(tmp_path / "cnndm.train.0.json")
    assert "expected a list of documents" in rejected.problem


def test_several_formats_at_once(tmp_path) -> None:
    (tmp_path / "abc.story").write_text(STORY)
    write_jsonl(tmp_path / "a.jsonl", [{"id": "j", "article": "One. Two.", "highlights": "One."}])
    assert [document.id for document in read(tmp_path)] == ["j", "abc"]
    assert len(source_files(DataConfig(train=str(tmp_path)), "train")) == 2


RECORD = {
    "src": [2, 7, 8, 3, 2, 9, 3], "src_sent_labels": [0, 1], "segs": [0, 0, 0, 0, 1, 1, 1], "clss": [0, 4],
    "src_txt": ["seven eight", "nine"], "tgt": [1], "tgt_txt": "nine<q>ten",
}  # fmt: skip


def test_bert_shard(tmp_path) -> None:
    older = {**{k: v for k, v in RECORD.items() if k != "src_sent_labels"}, "labels": [1, 0]}
    authors.save(tmp_path / "cnndm.train.0.bert.pt", [RECORD, older])
    first, second = read(tmp_path)
    assert isinstance(first, EncodedDocument)
    assert (first.id, first.input_ids, first.cls_positions) == ("cnndm.train.0.0", RECORD["src"], [0, 4])
    assert (first.labels, second.labels) == ([0, 1], [1, 0])
    assert (first.text, first.references) == (["seven eight", "nine"], [["nine", "ten"]])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"src": None}, "field 'src': expected a list of whole numbers"),
        ({"src": [2, True, 3]}, "field 'src'"),
        ({"clss": [4, 0]}, "do not belong together"),
        ({"clss": [0, 99]}, "do not belong together"),
        ({"src_sent_labels": [0]}, "do not belong together"),
        ({"src_sent_labels": [0, 2]}, "do not belong together"),
        ({"src_txt": ["one"]}, "do not belong together"),
        ({"src_txt": "text"}, "field 'src_txt': expected a list"),
        ({"tgt_txt": ""}, "field 'tgt_txt' is empty"),
    ],
)
def test_bad_records_of_a_shard(change, problem: str, tmp_path) -> None:
    authors.save(tmp_path / "a.bert.pt", [{**RECORD, **change}])
    (rejected,) = read(tmp_path)
    assert problem in rejected.problem
    assert rejected.place.endswith("a.bert.pt document 0")


def test_a_shard_that_asks_to_run_something(tmp_path) -> None:
    authors.save(tmp_path / "a.bert.pt", [print])
    (tmp_path / "b.json").write_text(json.dumps([{"src": [["x"]], "tgt": [["x"]]}]))
    rejected, document = read(tmp_path)  # data.on_error decides
    assert re.search(r"refused: it asks for '(builtins\.)?print'", rejected.problem)
    assert document.id == "b.0"


def test_byte_order_marks_and_other_line_ends(tmp_path) -> None:
    (tmp_path / "a.story").write_bytes(b"\xef\xbb\xbfOne\xe2\x80\xa8two.\r\n\r\n@highlight\r\n\r\nThree\r\n")
    (document,) = read(tmp_path)
    assert (document.text, document.references) == ("One\u2028two.", [["Three"]])
    url = b"http://x/1"
    (tmp_path / f"{hashlib.sha1(url).hexdigest()}.story").write_text(STORY)
    (tmp_path / "urls.txt").write_bytes(b"\xef\xbb\xbf" + url + b"\r\n")
    (document,) = read(tmp_path / "urls.txt", document_folders=[str(tmp_path)])
    assert document.id == hashlib.sha1(url).hexdigest()


def test_lists_and_documents_beside_each_other(tmp_path) -> None:
    (tmp_path / "abc.story").write_text(STORY)
    (tmp_path / "train.txt").write_text("abc\n")
    path = write_jsonl(tmp_path / "a.jsonl", [{"id": "j", "article": "One. Two.", "highlights": "One."}])
    values = {"document_folders": [str(tmp_path)]}
    assert [document.id for document in read([str(tmp_path / "*.txt"), str(path)], **values)] == ["abc", "j"]


def test_a_sentence_without_a_token_of_its_own(config_of, tokenizer, tmp_path) -> None:
    empty = {
        "src": [2, 7, 3, 2, 3, 2, 9, 3],
        "clss": [0, 3, 5],
        "labels": [0, 1, 1],
        "src_txt": ["a", "", "c"],
        "tgt_txt": "c",
    }
    authors.save(tmp_path / "a.bert.pt", [empty, {**empty, "src": [2, 3], "clss": [0], "labels": [1]}])
    config = config_of(f"data.train={tmp_path / 'a.bert.pt'}", "data.on_error=skip")
    prepared = prepare(config, "train", tokenizer)
    (row,) = prepared.dataset
    assert (row["cls_positions"], row["sentence_indices"], row["labels"]) == ([0, 5], [0, 2], [0, 1])
    assert prepared.report.dropped == {"no tokens": 1}


def test_a_shard_of_another_vocabulary(config_of, tokenizer, tmp_path) -> None:
    for ids, problem in (([99, 7, 8, 3, 99, 9, 3], "is not token 2"), ([2, 7, 9999, 3, 2, 9, 3], "token 9999")):
        authors.save(tmp_path / "a.bert.pt", [{**RECORD, "src": ids}])
        config = config_of(f"data.train={tmp_path / 'a.bert.pt'}")
        with pytest.raises(BertsumError, match=problem):
            prepare(config, "train", tokenizer)


def test_a_shard_is_cut_where_the_encoder_ends(config_of, tokenizer, tmp_path) -> None:
    long = {
        "src": [2, *[7] * 5, 3, 2, *[8] * 5, 3, 2, 9, 3], "src_sent_labels": [0, 1, 1], "clss": [0, 7, 14],
        "src_txt": ["a", "b", "c"], "tgt_txt": "b",
    }  # fmt: skip
    authors.save(tmp_path / "a.bert.pt", [long])
    for length, ids, labels in (
        (17, long["src"], [0, 1, 1]),
        (16, long["src"][:14], [0, 1]),  # the third would have its [CLS] and no token: left out
        (10, [*long["src"][:9], 3], [0, 1]),
        (9, long["src"][:7], [0]),
    ):
        config = config_of(f"data.train={tmp_path / 'a.bert.pt'}", f"encoding.max_length={length}")
        (row,) = prepare(config, "train", tokenizer).dataset
        assert (row["input_ids"], row["labels"]) == (ids, labels)
        assert row["sentences"] == ["a", "b", "c"]


def test_a_shard_trains_and_evaluates(config_of, tokenizer, tmp_path) -> None:
    rows = prepare(config_of("encoding.max_length=512"), "train", tokenizer).dataset
    shard = [
        {
            "src": row["input_ids"], "src_sent_labels": [int(label) for label in row["labels"]],
            "clss": row["cls_positions"], "segs": [], "tgt": [], "tgt_txt": "<q>".join(row["references"][0]),
            "src_txt": [row["sentences"][index] for index in row["sentence_indices"]],
        }
        for row in rows
    ]  # fmt: skip
    path = authors.save(tmp_path / "sample.train.0.bert.pt", shard)
    config = config_of(*(f"data.{split}={path}" for split in ("train", "validation", "test")))
    result = bertsum.train(config)
    assert (result.evaluation.documents, result.step) == (12, 4)
    systems = bertsum.evaluate(config, split="test").systems
    assert systems["oracle"]["rouge1"].fmeasure > systems["lead-3"]["rouge1"].fmeasure + 0.1


@needs_shared
def test_the_golden_shard(tmp_path) -> None:
    path = SHARED / "golden" / "presumm" / "sample.train.0.bert.pt"
    config = Config.load("cnndm-minilm", [
        "data.dataset=null", "data.dataset_config=null", f"data.test={path}", f"data.prepared_dir={tmp_path}",
    ])  # fmt: skip
    rows = prepare(config, "test", load_tokenizer("minilm")).dataset
    for row, record in zip(rows, safe_load(path), strict=True):
        count = len(row["input_ids"])
        if len(record["src"]) <= 512:
            assert row["input_ids"] == record["src"]
        assert interval_segments(row["cls_positions"], count) == record["segs"][:count]
        assert row["labels"] == record["src_sent_labels"][: len(row["cls_positions"])]
        assert row["references"] == [record["tgt_txt"].split("<q>")]
