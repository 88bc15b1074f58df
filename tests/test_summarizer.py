"""The Summarizer: verbatim sentences of whatever text, in the order given."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace

import numpy as np
import pandas
import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bertsum
from bertsum.files import SAMPLE_FOLDER


@pytest.fixture(scope="module")
def summarizer(trained_run) -> bertsum.Summarizer:
    return bertsum.Summarizer.from_pretrained(trained_run[1].checkpoint)


@pytest.fixture(scope="module")
def bundled_like(trained_run) -> bertsum.Summarizer:
    """A model that, like the bundled one, reads no sentence of less than six words."""
    model = bertsum.BertSum.from_pretrained(trained_run[1].checkpoint)
    model.config = replace(model.config, encoding=replace(model.config.encoding, min_sentence_words=6))
    return bertsum.Summarizer(model)


ARTICLES = [
    json.loads(line)["document"] for line in (SAMPLE_FOLDER / "english.validation.jsonl").open(encoding="utf-8")
]


@pytest.mark.filterwarnings("ignore:document")
def test_one_document(summarizer) -> None:
    summary = summarizer(ARTICLES[0])
    assert isinstance(summary, bertsum.Summary)
    assert all(sentence in ARTICLES[0] for sentence in summary.sentences)
    assert summary.text == " ".join(summary.sentences)
    assert summary.indices == sorted(summary.indices)
    assert [summary.document[index] for index in summary.indices] == summary.sentences
    assert [summary.document_scores[index] for index in summary.indices] == summary.scores
    assert summary.marked().count(">> ") == len(summary.indices)


@pytest.mark.filterwarnings("ignore:document")
def test_a_summary_shows_its_document(summarizer, capsys) -> None:
    summary = summarizer(ARTICLES[0])
    summary.show()
    lines = capsys.readouterr().out.splitlines()
    assert [number for number, line in enumerate(lines) if line.startswith(">> ")] == summary.indices
    assert summary._repr_html_().count("<span") == len(summary.document) == len(lines)


@pytest.mark.filterwarnings("ignore:document")
@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("One came early. Two came late.\n\nThree never came at all.\n- Four is an item.\n- Five is one.", [2, 3, 4]),
        ("One came\nearly. Two came late.\nThree never came.\r\n\r\nFour is last.", [3]),  # wrapped lines
        ("One came early. Two came late.", []),
    ],
)
def test_paragraphs_are_shown(summarizer, text, begins) -> None:
    summary = summarizer(text)
    pieces = summary._repr_html_().split('<div class="bertsum-gap"></div>')
    assert len(pieces) == len(begins) + 1
    for piece, place in zip(pieces[1:], begins, strict=True):
        assert " ".join(summary.document[place].split()) in piece.split("</span>")[0]


def test_many_documents_in_the_order_given(summarizer) -> None:
    together = summarizer(ARTICLES[:5])
    for text, summary in zip(ARTICLES, together, strict=False):
        alone = summarizer(text)
        assert alone.indices == summary.indices
        assert alone.document_scores == pytest.approx(summary.document_scores, abs=1e-5)
    assert summarizer([]) == []


def test_documents_that_come_split(summarizer) -> None:
    (summary,) = summarizer([["Sentence one.", "Sentence two."]])
    assert summary.document == ["Sentence one.", "Sentence two."]
    assert summarizer([["Only one."]])[0].sentences == ["Only one."]


@pytest.mark.filterwarnings("ignore:document")
def test_options(summarizer) -> None:
    text = "It rained. " + " ".join(
        f"Number {n} came." for n in ["one", "two", "three", "four", "five", "six", "seven"]
    )
    assert len(summarizer(text, sentences=1).indices) == 1
    assert len(summarizer(text, sentences=5, trigram_blocking=False).indices) == 5
    assert sum(len(sentence.split()) for sentence in summarizer(text, max_words=7).sentences) <= 7
    assert len(summarizer(text, threshold=1.0).indices) == 1
    assert 1 <= len(summarizer(text, ratio=0.2).indices) <= round(0.2 * len(summarizer(text).document))
    by_score = summarizer(text, order="score").scores
    assert by_score == sorted(by_score, reverse=True)
    with pytest.raises(bertsum.BertsumError, match=r"^sentences: got 0"):
        summarizer(text, sentences=0)
    with pytest.raises(bertsum.BertsumError, match=r"^order"):
        summarizer(text, order="random")


def test_chinese_is_joined_without_spaces(summarizer) -> None:
    summary = summarizer("天气很好。我们去公园。猫在睡觉。", sentences=2, language="zh")
    assert len(summary.document) == 3
    assert summary.text == "".join(summary.sentences)


def test_short_sentences_are_taken_when_asked_for(bundled_like) -> None:
    long = "The committee met on Monday and agreed on the plan. It will be built in two parts near the old harbour."
    summary = bundled_like(f"{long} Nobody was hurt.", sentences=2)
    assert summary.unscored == {2: "has fewer than 6 words"}
    assert summary.document_scores[2] is None
    everything = bundled_like(f"{long} Nobody was hurt.", sentences=3)
    assert everything.indices == [0, 1, 2]
    assert everything.unscored == {}
    assert bundled_like(f"{long} Nobody was hurt.", ratio=1.0).indices == [0, 1, 2]
    assert bundled_like(f"{long} Nobody was hurt.", max_words=100).indices == [0, 1, 2]
    assert bundled_like(f"{long} Nobody was hurt.", max_words=4).sentences == ["Nobody was hurt."]
    dialogue = "Ann: Hi\nBen: Hello!\nAnn: Did Dr. Crane call to say when she would come?\nBen: Not yet"
    assert None not in bundled_like(dialogue, sentences=1).document_scores


def test_a_budget_below_the_shortest_sentence(bundled_like) -> None:
    with pytest.raises(
        bertsum.BertsumError, match="document 0: max_words: got 3, but its shortest sentence has 4 words"
    ):
        bundled_like("The boat came late. The committee met on Monday and agreed on the plan.", max_words=3)


def test_what_was_not_read_is_told(bundled_like) -> None:
    (summary,) = bundled_like([["", "The committee met on Monday and agreed.", "\x00", *["A b c d e f g."] * 99]],
                             sentences=1, long_documents="truncate")  # fmt: skip
    assert summary.unscored[0] == "is empty"
    assert summary.unscored[2] == "has fewer than 6 words"
    assert summary.unscored[100] == "lies behind the 128 tokens that are read"
    assert 1 not in summary.unscored


def test_another_language_is_noticed_once(bundled_like) -> None:
    german = (
        "Der Stadtrat hat am 3. Oktober beschlossen, die alte Mühle zu kaufen. Wer zieht ein? Niemand weiß es noch."
    )
    with pytest.warns(UserWarning, match=r"document 0 is in another language \(de\)"):
        bundled_like(german, language="", sentences=1)
    with pytest.warns(UserWarning, match=r"document 1 is in another language \(de\)") as warned:
        summaries = bundled_like(["The mill was sold to the town on Monday.", german, german], sentences=1)
    assert len(warned) == 1
    assert len(summaries[1].document) == 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bundled_like(german, language="de", sentences=1)
        bundled_like("Nothing here is plainly another language.", sentences=1)
    with pytest.warns(UserWarning, match="another language") as warned:
        [*bundled_like.stream([german] * 5, buffer=1, sentences=1)]
    assert len(warned) == 1


def test_hard_wrapped_text_has_no_line_breaks_in_its_summary(bundled_like) -> None:
    first = "The committee that looks after the old harbour met\r\n  on Monday and agreed."
    text = f"{first} Nobody voted against it in the end."
    summary = bundled_like(text, sentences=2)
    assert summary.sentences[0] == first
    assert summary.text == (
        "The committee that looks after the old harbour met on Monday and agreed. Nobody voted against it in the end."
    )
    chinese = bundled_like("港口委员会昨天开会，\n通过了新计划。谁来付钱？", sentences=2, language="zh")
    assert chinese.text == "港口委员会昨天开会，通过了新计划。谁来付钱？"


def test_a_cut_document_warns_how_much_was_not_read(summarizer) -> None:
    text = " ".join(f"Sentence {n} of a book about boats." for n in range(100))
    with pytest.warns(UserWarning, match=r"document 0: 9\d\.\d% of its words .* 128 tokens, \d+ of its 100 sentences"):
        summary = summarizer(text, long_documents="truncate")
    assert summary.document_scores[-1] is None


@pytest.mark.parametrize("text", ["", " \n ", "\x00\x01"])
def test_nothing_to_read(summarizer, text) -> None:
    with pytest.raises(bertsum.BertsumError, match="document 0"):
        summarizer(text)


def test_whatever_lists_documents(summarizer) -> None:
    texts = ["It rained on Monday. Nobody came.", "The boat left at noon. It was full."]
    expected = [summary.indices for summary in summarizer(texts, sentences=1)]
    table = pandas.DataFrame({"text": texts})
    for documents in (
        tuple(texts),
        iter(texts),
        (text for text in texts),
        np.array(texts),
        table["text"],
        table.text.values,
        pyarrow.array(texts),
        pyarrow.table(table)["text"],
    ):
        assert [summary.indices for summary in summarizer(documents, sentences=np.int64(1))] == expected
    for documents in (np.array(texts, dtype=object), table["text"], iter(texts), pyarrow.array(texts)):
        assert [summary.indices for summary in summarizer.stream(documents, ratio=np.float32(0.1))] == expected
    split = [text.split(". ") for text in texts]
    for documents in (np.array(split), [tuple(sentences) for sentences in split], [iter(each) for each in split]):
        assert [len(summary.document) for summary in summarizer(documents)] == [2, 2]
    with pytest.raises(bertsum.BertsumError, match="documents: got DataFrame"):
        summarizer(table)


def test_not_text(summarizer) -> None:
    with pytest.raises(bertsum.BertsumError, match="document 1: got int"):
        summarizer(["Fine.", 3])
    with pytest.raises(bertsum.BertsumError, match="document 0: sentence 1: got int"):
        summarizer([["a", 3]])
    for documents, found in [
        (None, "NoneType"),
        (b"Text.", "bytes, .*decode them"),
        ({"a": "b"}, "dict"),
        ({"a"}, "set"),
        (np.array("Text."), "ndarray"),
        (pandas.DataFrame({"a": ["Text."]}), "DataFrame"),
    ]:
        with pytest.raises(bertsum.BertsumError, match=f"documents: got {found}"):
            summarizer(documents)
        if documents is not None:
            with pytest.raises(bertsum.BertsumError, match=f"documents: got {found}"):
                summarizer.stream(documents)
    with pytest.raises(bertsum.BertsumError, match=r"document 1: got bytes, .*decode them"):
        summarizer(["Fine.", b"Text."])
    with pytest.raises(bertsum.BertsumError, match="document 1: got nan, expected text"):
        summarizer(["Fine.", float("nan")])
    with pytest.raises(bertsum.BertsumError, match="precision: got 'int8'"):
        bertsum.Summarizer(summarizer.model, precision="int8")


@pytest.mark.filterwarnings("ignore:document")
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet=st.characters(codec=None), max_size=200), st.sampled_from(["en", "zh", "ar", "xx"]))
def test_whatever_text(summarizer, text, language) -> None:
    try:
        summary = summarizer(text, language=language)
    except bertsum.BertsumError:
        return
    assert all(sentence in text for sentence in summary.sentences)
    assert summary.indices == sorted(set(summary.indices))


def test_errors_alone_replace_no_file(summarizer, tmp_path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"body": "It rained."}\n', encoding="utf-8")
    target.write_text("mine\n", encoding="utf-8")
    with pytest.raises(bertsum.BertsumError, match="none of 1 documents could be summarised"):
        bertsum.summarize_file(summarizer, source, target, resume=False, progress=False)
    assert target.read_text(encoding="utf-8") == "mine\n"


def test_what_memory_did_not_suffice_for_is_not_kept(summarizer, monkeypatch) -> None:
    """The error of one document holds nothing of what was computed for it."""
    forward = bertsum.BertSum.forward

    def small(self: bertsum.BertSum, **inputs) -> object:
        if sum(inputs["lengths"]) > 60:
            raise MemoryError
        return forward(self, **inputs)

    monkeypatch.setattr(bertsum.BertSum, "forward", small)
    answers = list(summarizer.stream(["It rained.", "It rained all day. " * 30, "We left."], errors="return"))
    assert [isinstance(answer, bertsum.BertsumError) for answer in answers] == [False, True, False]
    assert answers[1].__cause__ is answers[1].__context__ is answers[1].__traceback__ is None


def test_a_name_of_a_file_is_no_file(summarizer, tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("It rained. We left.")
    with pytest.warns(
        UserWarning, match=r"a\.txt' is taken for a text, but is the name of a file, too; a pathlib\.Path"
    ):
        assert summarizer(str(path)).text == str(path)
    assert summarizer(path, sentences=2).text == "It rained. We left."
