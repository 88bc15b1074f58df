"""The Summarizer with a model that writes: alone, in batches, in files, in tables."""

from __future__ import annotations

import json
import pickle
import warnings
from dataclasses import asdict

import pyarrow as pa
import pytest
from conftest import write_jsonl
from hypothesis import given
from hypothesis import strategies as st
from strategies import several, texts

import bertsum
import bertsum.inference.ray
from bertsum.files import SAMPLE_FOLDER
from bertsum.inference.lines import generate_lines
from bertsum.models.base import Model
from bertsum.models.contract import Prediction
from bertsum.pages.written import UNSUPPORTED

ARTICLES = [
    json.loads(line)["document"] for line in (SAMPLE_FOLDER / "english.validation.jsonl").open(encoding="utf-8")
]
TEXT = "The council met on Monday. It decided to build a bridge. The rain went on. Nobody was surprised."
GERMAN = "Der Stadtrat hat am 3. Oktober beschlossen, die alte Mühle zu kaufen. Wer zieht ein? Niemand weiß es noch."

pytestmark = pytest.mark.filterwarnings("ignore:document .* were not read")


@pytest.fixture(scope="module")
def writer(writer_folder) -> bertsum.Summarizer:
    return bertsum.Summarizer.from_pretrained(writer_folder)


@pytest.fixture(scope="module")
def translator(translator_folder) -> bertsum.Summarizer:
    return bertsum.Summarizer.from_pretrained(translator_folder)


@pytest.fixture(scope="module")
def chooser(trained_run) -> bertsum.Summarizer:
    return bertsum.Summarizer.from_pretrained(trained_run[1].checkpoint)


def test_a_written_summary(writer) -> None:
    assert type(writer.model) is bertsum.BertSumAbs
    summary = writer(TEXT)
    assert summary.sentences and summary.text == " ".join(summary.sentences)
    assert (summary.is_written, summary.indices, summary.scores) == (True, [], [])
    assert summary.document == ["The council met on Monday.", "It decided to build a bridge.", "The rain went on.",
                                "Nobody was surprised."]  # fmt: skip
    assert summary.document_scores == [None] * 4
    assert len(summary.leans_on) == len(summary.sentences)
    assert all(0 <= place < 4 for places in summary.leans_on for place in places)
    assert summary.unsupported and all(word in summary.text for word in summary.unsupported)
    assert writer([]) == []


def test_the_same_alone_and_among_others(writer, translator) -> None:
    for summarizer in (writer, translator):
        assert summarizer.arithmetic == "fp32"
        alone = [summarizer(text).text for text in ARTICLES]
        assert [summary.text for summary in summarizer(ARTICLES)] == alone
        assert [summary.text for summary in summarizer.stream(iter(ARTICLES), buffer=5)] == alone
        assert [summary.text for summary in summarizer(ARTICLES, max_tokens_per_batch=1)] == alone


def test_options_of_a_model_that_writes(writer) -> None:
    assert writer(TEXT, beam_size=1).text != writer(TEXT, beam_size=6, length_penalty=2.0).text
    model = writer.model
    batch = model.collate([vars(model.document_encoder().encode(writer(TEXT).document))])
    read = (batch.input_ids, batch.attention_mask, batch.token_type_ids)
    for options in (
        {"min_length": 9, "max_length": 20},
        {"max_length": 1},
        {"beam_size": 1, "trigram_blocking": False},
    ):
        (written,) = model.generate(*read, lengths=batch.lengths, **options)
        assert writer(TEXT, **options).sentences == written.text.splitlines()
    assert len(writer(TEXT, max_length=1).text) < len(writer(TEXT, min_length=20, max_length=20).text)
    assert writer(TEXT, max_length=12).text == writer(TEXT).text  # as it is saved
    assert writer(TEXT, trigram_blocking=False).is_written
    assert writer(TEXT, sentences=None, beam_size=None, long_documents="truncate").text == writer(TEXT).text
    with pytest.raises(bertsum.BertsumError, match=r"^beam_size: got 0"):
        writer(TEXT, beam_size=0)
    with pytest.raises(bertsum.BertsumError, match=r"^min_length: got 13, expected at most"):
        writer(TEXT, min_length=13)
    with pytest.raises(TypeError, match="unknown option 'beams'"):
        writer(TEXT, beams=2)


@pytest.mark.parametrize(
    "option", [{"sentences": 3}, {"ratio": 0.5}, {"max_words": 9}, {"threshold": 0.1}, {"order": "score"}]
)
def test_options_of_the_other_kind(writer, option) -> None:
    (name,) = option
    with pytest.raises(bertsum.BertsumError, match=rf"{name}: got .* chooses sentences .*takes beam_size, .*blocking"):
        writer(TEXT, **option)
    with pytest.raises(bertsum.BertsumError, match=name):
        writer.stream([], **option)


@pytest.mark.parametrize("option", [{"beam_size": 3}, {"length_penalty": 1.0}, {"min_length": 0}, {"max_length": 30}])
def test_options_of_writing_for_a_model_that_chooses(chooser, option) -> None:
    with pytest.raises(
        bertsum.BertsumError, match=r"a model that writes \(seq2seq\), but this .* takes sentences, rat"
    ):
        chooser(TEXT, **option)
    assert chooser(TEXT, trigram_blocking=True, **dict.fromkeys(option)).indices


def test_long_documents_are_read_to_a_limit(writer) -> None:
    with pytest.warns(UserWarning, match=r"document 0: 9\d\.\d% of its words were not read: .* 128 tokens, \d+ of its"):
        summary = writer(" ".join(f"Sentence {n} of a book about boats." for n in range(100)))
    assert summary.unscored[99] == "lies behind the 128 tokens that are read"
    with pytest.raises(bertsum.BertsumError, match="long_documents: got 'window', which is for a model that chooses"):
        writer(TEXT, long_documents="window")
    with pytest.raises(bertsum.BertsumError, match="long_documents: got 'pages', expected window or truncate"):
        writer(TEXT, long_documents="pages")


def test_another_language(writer, translator) -> None:
    with pytest.warns(UserWarning, match=r"document 0 is in another language \(de\)"):
        assert len(writer(GERMAN).document) == 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        summary = translator(TEXT)  # its language, German, is what it writes
        assert translator(TEXT, language="en").text == summary.text
    assert summary.document == [TEXT]
    assert summary.leans_on == summary.unsupported == []


@pytest.mark.parametrize("text", ["", " \n ", "\x00\x01"])
def test_nothing_to_read(writer, text) -> None:
    with pytest.raises(bertsum.BertsumError, match="document 0"):
        writer(text)


@pytest.mark.filterwarnings("ignore:document")
@several
@given(st.lists(texts, max_size=4))
def test_whatever_text(writer, translator, documents) -> None:
    for summarizer in (writer, translator):
        for answer in summarizer.stream(documents, errors="return", max_length=4, beam_size=2):
            assert isinstance(answer, bertsum.BertsumError) or (answer.is_written and "\n" not in answer.text)
    lines = list(generate_lines(translator, documents, max_length=4, beam_size=2))
    assert len(lines) == len(documents)
    assert all(isinstance(line, bertsum.BertsumError) or len(line.splitlines()) <= 1 for line in lines)
    assert all(line == "" for text, line in zip(documents, lines, strict=True) if not text.strip())


def test_a_summary_of_no_words(writer, monkeypatch) -> None:
    monkeypatch.setattr(bertsum.BertSumAbs, "predict", lambda *_: iter([Prediction(0, [])]))
    summary = writer(TEXT)
    assert (summary.text, summary.is_written) == ("", True)
    assert "[no summary]" in summary._repr_html_()


def test_it_is_shown(writer, chooser, capsys) -> None:
    summary = writer(TEXT)
    summary.show()
    shown = capsys.readouterr().out
    assert shown == summary.marked() + "\n"
    assert shown.startswith("Summary:\n") and UNSUPPORTED in shown and "\x1b" not in shown
    assert all(sentence in shown for sentence in summary.document)
    assert 'class="bertsum-written"' in summary._repr_html_()
    assert 'class="bertsum-written"' not in chooser(TEXT)._repr_html_()


def test_extracts_only_gain_fields(chooser, writer) -> None:
    extract = chooser(TEXT)
    assert (extract.is_written, extract.leans_on, extract.unsupported) == (False, [], [])
    for summary in (extract, writer(TEXT)):
        assert pickle.loads(pickle.dumps(summary)) == summary
        assert list(json.loads(json.dumps(asdict(summary)))) == [
            *("text", "sentences", "indices", "scores", "document", "document_scores", "unscored"),
            *("leans_on", "unsupported", "spans", "query", "skipped"),
        ]


def test_a_file(writer, chooser, tmp_path) -> None:
    source = write_jsonl(tmp_path / "in.jsonl", [{"id": "a", "text": TEXT}, {"id": "b", "text": " "}])
    told = bertsum.summarize_file(writer, source, tmp_path / "out.jsonl", progress=False, beam_size=2)
    assert (told.documents, told.errors) == (2, 1)
    first, second = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    expected = writer(TEXT, beam_size=2)
    assert first == {
        "id": "a", "summary": expected.text, "sentences": expected.sentences, "indices": [], "scores": [],
        "leans_on": expected.leans_on, "unsupported": expected.unsupported,
    }  # fmt: skip
    assert "is empty" in second["error"]
    bertsum.summarize_file(chooser, source, tmp_path / "chosen.jsonl", progress=False)
    chosen = json.loads((tmp_path / "chosen.jsonl").read_text().splitlines()[0])
    assert list(chosen) == ["id", "summary", "sentences", "indices", "scores"]
    with pytest.raises(bertsum.BertsumError, match="sentences: got 2, which is for a model that chooses"):
        bertsum.summarize_file(writer, source, tmp_path / "none.jsonl", sentences=2)
    assert not (tmp_path / "none.jsonl").exists()


def test_a_table(writer_folder, writer) -> None:
    batch = bertsum.inference.ray.SummarizeBatch(writer_folder, text_column="text", beam_size=2)
    first, second = batch(pa.table({"text": [TEXT, None]})).to_pylist()
    expected = writer(TEXT, beam_size=2)
    assert list(first) == [
        *("text", "summary", "summary_sentences", "summary_indices", "summary_scores"),
        *("summary_leans_on", "summary_unsupported", "summary_error"),
    ]
    assert (first["summary"], first["summary_leans_on"]) == (expected.text, expected.leans_on)
    assert (first["summary_unsupported"], first["summary_indices"]) == (expected.unsupported, [])
    assert (second["summary_leans_on"], second["summary_error"][:12]) == (None, "got NoneType")
    assert batch(pa.table({"text": pa.array([], pa.string())})).schema.names == list(first)


def test_a_checkpoint_of_the_other_kind(writer_folder, trained_run) -> None:
    with pytest.raises(
        bertsum.BertsumError, match=r"model\.kind seq2seq, expected .* extractive; .*bertsum\.BertSumAbs"
    ):
        bertsum.BertSum.from_pretrained(writer_folder)
    with pytest.raises(
        bertsum.BertsumError, match=r"model\.kind extractive, expected .*; read it with bertsum\.BertSum$"
    ):
        bertsum.BertSumAbs.from_pretrained(trained_run[1].checkpoint)
    assert type(Model.from_pretrained(writer_folder)) is bertsum.BertSumAbs
