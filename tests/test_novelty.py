"""Written summaries: the words that a document does not have, and the pages that show them."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from test_report import HOSTILE, Page

import bertsum
from bertsum.evaluation.compare import compare
from bertsum.evaluation.measure import writes
from bertsum.evaluation.novelty import document_novelty, summarize_novelty
from bertsum.models.contract import Prediction
from bertsum.models.extractive import BertSum
from bertsum.pages.written import UNSUPPORTED, show_written, written_html, written_terminal
from bertsum.results import Results
from bertsum.support import count_unsupported, tokens, unsupported_words, word_key

DOCUMENT = ["The US army left Iraq in 2,010 with 12-year plans.", "Smith's house was old, and it stood in paris."]


def words(sentence: str) -> list[str]:
    return [sentence[token.begin : token.end] for token in tokens(sentence)]


def test_words_without_the_punctuation_around_them() -> None:
    assert words("U.S. troops (in Iraq) left Smith's $1,200 – then") == [
        *("U.S.", "troops", "in", "Iraq", "left", "Smith's", "1,200", "then")
    ]
    assert words("他有3只猫。") == ["他", "有", "3", "只", "猫"]
    assert words("... — !") == []


@pytest.mark.parametrize(
    "spellings",
    [("U.S.", "u.s.", "us", "US", "U.S.'s"), ("Smith's", "smith", "Smith’s,", "(SMITH)"), ("1,000", "1000.", "$1000"),
     ("boys'", "boys"), ("STRASSE", "straße"), ("café", "cafe\u0301")],
)  # fmt: skip
def test_spellings_of_a_word(spellings) -> None:
    assert len({word_key(word) for word in spellings}) == 1


def test_keys_tell_words_apart() -> None:
    assert len({word_key(word) for word in ("3.5", "35", "can't", "cant", "paris", "Pari")}) == 6


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("Troops of the U.S. left Iran in 2010.", ["Troops", "Iran"]),
        ("Smith had a 12-year-old house in Paris.", []),
        ("smith sold a house for $1,200.", ["1,200"]),
        ("The house that Smith and Smith's wife had: 3,000-strong.", ["3,000-strong"]),
        ("Old houses burnt.", []),  # in small letters it is there, and no other word counts
        ("Army in 2010 - Iran, Iran's iran.", ["Iran"]),
        ("Anglo-US army.", ["Anglo-US"]),
        ("", []),
    ],
)
def test_unsupported_words(sentence, found) -> None:
    assert unsupported_words([sentence], DOCUMENT) == found


def test_rare_words_need_to_know_common_ones() -> None:
    common = {"however", "went", "the", "home"}
    summary = ["However, Smith went home.", "The xylophonist went; However went."]
    assert unsupported_words(summary, DOCUMENT) == ["However"]
    found = unsupported_words(summary, DOCUMENT, common.__contains__)
    assert found == ["xylophonist", "However"]  # a capital within a sentence counts
    assert unsupported_words(["北京有3人"], ["北京有4人"]) == ["3"]


def test_novel_ngrams_are_sets_within_sentences() -> None:
    document = ["The cat sat on the mat.", "It slept."]
    extract = document_novelty(document[::-1], document)
    assert extract == [8, 2, 0, 0, 0, 0, 0, 0]
    figures = document_novelty(["The dog sat on the dog.", "It."], document, ["dog", "dog"])
    # Words: the dog sat on it. Pairs: the-dog dog-sat sat-on on-the. Threes: 4, of which sat-on-the is there.
    assert figures == [7, 2, 1 / 5, 2 / 4, 3 / 4, 1, 1, 2 / 7]
    assert np.isnan(document_novelty([], document)[2:6]).all()
    mean = summarize_novelty(np.array([figures, document_novelty([], document)]))
    assert (mean.words, mean.novel1, mean.unsupported_documents) == (3.5, 1 / 5, 0.5)
    assert summarize_novelty(np.array([document_novelty([], [])])).novel4 == 0
    assert count_unsupported("The dog sat", {"dog"}) == (1, 3)


def test_who_writes() -> None:
    chosen, wrote = Prediction(0, ["a"], [0], [0.7]), Prediction(0, ["a"])
    nothing_chosen, nothing_written = Prediction(0, [], [], [0.1]), Prediction(0, [])
    assert writes([wrote]) and writes([nothing_written, wrote])
    assert not writes([chosen]) and not writes([nothing_chosen, chosen]) and not writes([])


def write(summary):
    """A method ``predict`` that writes that summary of every document."""

    def predict(self, rows, options):
        for place in range(len(rows)):
            yield Prediction(place, list(summary), leans_on=[[1, 0], []], unsupported=["Xanadu", "1999"], loss=1.0)

    return predict


SUMMARY = ["In Xanadu it rained <b>& more</b>.", "That was in 1999."]


@pytest.fixture
def written(trained_run, tmp_path, monkeypatch):
    monkeypatch.setattr(BertSum, "predict", write(SUMMARY))
    config = trained_run[0].override({"output_dir": str(tmp_path / "runs")})
    return bertsum.evaluate(config, trained_run[1].checkpoint, "test")


def test_evaluation_of_a_model_that_writes(written, tmp_path) -> None:
    assert (written.selection, written.generation["beam_size"]) == (None, 5)
    assert list(written.novelty) == ["lead-3", "oracle", "model", "reference"]
    lead, model = written.novelty["lead-3"], written.novelty["model"]
    assert (lead.sentences, lead.novel1, lead.novel4, lead.unsupported_documents) == (3, 0, 0, 0)
    assert (model.words, model.sentences, model.unsupported_documents) == (10, 2, 1)
    assert model.unsupported_words == pytest.approx(2 / 10) and model.novel4 == 1
    printed = str(written)
    assert printed.index("R-1 precision") < printed.index("unsupported words, %") < printed.index("12 documents")
    assert Results.read(written.folder / "results.json").novelty == written.novelty
    lines = [json.loads(line) for line in (written.folder / "predictions.jsonl").read_text().splitlines()]
    assert all(line["leans_on"] == [[1, 0], []] and line["unsupported"] == ["Xanadu", "1999"] for line in lines)
    assert lines[0]["indices"] == lines[0]["scores"] == []
    predictions = written.folder / "predictions.jsonl"
    assert compare(predictions, predictions)["rouge1"].p_value == 1
    first, second, *_ = written.example.splitlines()
    assert (first, second) == ("Summary:", f"   In Xanadu {UNSUPPORTED} it rained <b>& more</b>. [2, 1]")
    assert ">> " in written.example and "\x1b" not in written.example


def test_its_report(written) -> None:
    page = written.report.read_text(encoding="utf-8")
    read = Page(page)
    assert "In Xanadu(?) it rained <b>& more</b>. [2, 1]" in read.text
    assert "the document does not have" in read.text
    assert "The texts" in read.text and "Writing" in read.text and "Selection" not in read.text
    ids = [given["id"] for _, given in read.tags if "id" in given]
    links = [given["href"] for tag, given in read.tags if tag == "a"]
    assert len(ids) == len(set(ids)) and len(links) == 2 * 12
    assert {link.removeprefix("#") for link in links} <= set(ids)
    chart = page[page.index("Where the chosen") :].partition("</figure>")[0]
    assert "lead-3" in chart and "model" not in chart
    assert page.count('class="bertsum-written"') == 12
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|url\(|<script", page)


def test_a_translation_that_is_written(trained_run, tmp_path, monkeypatch) -> None:
    pytest.importorskip("sacrebleu")
    monkeypatch.setattr(BertSum, "predict", write(SUMMARY))
    changes = {"output_dir": str(tmp_path), "evaluation.metrics": ["bleu", "chrf"]}
    evaluation = bertsum.evaluate(trained_run[0].override(changes), trained_run[1].checkpoint, "test")
    assert evaluation.novelty == {}  # in another language everything is new
    read = Page(evaluation.report.read_text(encoding="utf-8"))
    assert "Where the chosen" not in read.text and "BLEU / chrF of this document" in read.text
    assert "Best and worst by the mean of BLEU and chrF" in read.text


def test_html_is_harmless_and_links_to_what_is_shown() -> None:
    html = written_html(HOSTILE, [[0], [1, 9], []], ["<script>alert(1)</script>", "&lt;b&gt;"], HOSTILE)
    read = Page(html)
    assert not {tag for tag, _ in read.tags} & {"script", "img", "link", "iframe", "h1", "form"}
    assert all(given["href"].startswith("#bertsum-") for tag, given in read.tags if tag == "a")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", html)
    html.encode()
    book = [f"Sentence {n}." for n in range(1000)]
    part = written_html(["A."], [[900]], [], book, style=False, limit=20)
    assert "Sentence 900." in part and "Sentence 901." in part and part.count("Sentence") == 20
    assert "<style>" not in part and "<style>" in written_html(["A."], [[900]], [], book)
    many = written_html(["A."], [list(range(30))], [], book, limit=20)
    assert many.count("<a ") == 20 and "20, 21" in many.replace("</a>", "")  # the others are not shown
    assert "[no summary]" in written_html([], [], [], book[:3])


def test_on_a_terminal(capsys) -> None:
    told = written_terminal(["It costs $5,000 \x1b[31m.", "B."], [[1], []], ["5000"], ["A.\x1b[2J", "C."], colour=False)
    assert told.splitlines() == [
        *("Summary:", f"   It costs $5,000 {UNSUPPORTED} \ufffd[31m. [2]", "   B."),
        *("Document:", "   1 A.\ufffd[2J", ">> 2 C."),
        f"{UNSUPPORTED} a name, number or rare word that the document does not have",
    ]
    assert "\x1b[1m5,000" in written_terminal(["It costs 5,000."], [], ["5,000"], ["A."])
    show_written(["A."], [[0]], [], ["A b."])
    assert capsys.readouterr().out == "Summary:\n   A. [1]\nDocument:\n>> 1 A b.\n"


def test_old_results_are_read(trained_run, tmp_path) -> None:
    config = trained_run[0].override({"output_dir": str(tmp_path)})
    evaluation = bertsum.evaluate(config, trained_run[1].checkpoint, "test")
    file = evaluation.folder / "results.json"
    values = json.loads(file.read_text())
    for name in ("generation", "translation", "signatures", "novelty"):
        del values[name]
    file.write_text(json.dumps(values))
    assert str(Results.read(file)) == str(evaluation)
    assert "leans_on" not in (evaluation.folder / "predictions.jsonl").read_text()
    assert replace(Results.read(file), novelty={}) == Results.read(file)


@pytest.mark.parametrize("rouge", [True, False])
def test_a_validation_asks_for_summaries_only_if_it_measures_them(config_of, monkeypatch, rouge) -> None:
    asked = []
    predict = BertSum.predict

    def noted(self, rows, options):
        asked.append(options)
        return predict(self, rows, options)

    monkeypatch.setattr(BertSum, "predict", noted)
    config = config_of(f"train.validate_rouge={rouge}", "train.validate_every=2", "generation.beam_size=2")
    bertsum.train(config)
    *validations, evaluation = asked
    assert validations and {options.summaries for options in validations} == {rouge}
    assert evaluation.summaries
    assert evaluation.generation.beam_size == 2
