"""The demo: what it answers; its page is tested in test_demo_page.py."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import pytest
from models import build

import bertsum
from bertsum.answers import BUNDLED, DEFAULT, LIMITS, NO_OTHER, TEXT_LIMIT, Demo, Settings
from bertsum.demo import _Actions, _environment, launch

TEXT = "The council met on Monday. It decided to build a bridge. The rain went on. Nobody was surprised."
HOSTILE = (
    "The <b>old</b> café ${document.title='owned'} {{value}} opened. "
    "<img src=x onerror=\"document.title='owned'\"> closed."
)


@pytest.fixture(scope="module")
def model(trained_run) -> str:
    return str(trained_run[1].checkpoint)


@pytest.fixture
def demo(model, tmp_path, monkeypatch) -> Demo:
    monkeypatch.chdir(tmp_path)
    return Demo(model, tmp_path)


def test_an_answer(demo, model) -> None:
    answer = demo.answer(TEXT, model, "sentences", 2)
    assert (answer.problem, answer.facts.startswith("2 of 4 sentences, ")) == ("", True)
    assert answer.document.count('class="bertsum-chosen"') == 2
    text, everything = answer.files
    assert text.read_text(encoding="utf-8") == answer.summary + "\n"
    saved = json.loads(everything.read_text(encoding="utf-8"))
    assert (saved["text"], len(saved["document"])) == (answer.summary, 4)
    assert demo.answer(TEXT, model, "sentences", 2).files[0] != text  # two visitors do not share a file


def test_options(demo, model) -> None:
    summarizer = bertsum.Summarizer.from_pretrained(model)
    asked: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({}, {}),
        ({"limit": LIMITS[1], "percent": 25}, {"ratio": 0.25}),
        ({"limit": "words", "words": 7}, {"max_words": 7}),
        ({"limit": "sentences", "sentences": 1, "words": 7}, {"sentences": 1}),
        ({"order": "score", "blocking": "off", "language": "de"}, {"order": "score", "trigram_blocking": False}),
    ]
    for given, meant in asked:
        assert demo.answer(TEXT, model, **given).summary == summarizer(TEXT, **meant).text


def test_a_model_that_writes(demo, writer_folder) -> None:
    demo.models.append(str(writer_folder))
    summary = bertsum.Summarizer.from_pretrained(writer_folder)(TEXT, trigram_blocking=False)
    answer = demo.answer(TEXT, str(writer_folder), "sentences", 2, order="score", blocking="off")
    assert (answer.problem, answer.summary, answer.why) == ("", summary.text, "")
    assert "words, written from 18 words. The text does not have the words marked (?)." in answer.facts
    assert answer.facts.endswith("Not used, since this model writes: length, order.")
    assert answer.document == summary._repr_html_() and "bertsum-unsupported" in answer.document
    saved = json.loads(answer.files[1].read_text(encoding="utf-8"))
    assert (saved["leans_on"], saved["unsupported"]) == (summary.leans_on, summary.unsupported)
    assert "Not used" not in demo.answer(TEXT, str(writer_folder)).facts


def test_a_question(demo, model, encoder_folder, tmp_path) -> None:
    asked = build(encoder_folder)
    asked.config = replace(asked.config, selection=replace(asked.config.selection, query_threshold=0.5))
    asked.save_pretrained(tmp_path / "asked")
    demo.models.append(str(tmp_path / "asked"))
    answer = demo.answer(TEXT, str(tmp_path / "asked"), query="Who met?")
    summary = bertsum.Summarizer.from_pretrained(tmp_path / "asked")(TEXT, query="Who met?")
    assert (answer.problem, answer.summary) == ("", summary.text)
    saved = json.loads(answer.files[1].read_text(encoding="utf-8"))
    assert (saved["query"], saved["indices"]) == ("Who met?", summary.indices)
    assert "was not trained with queries" in demo.answer(TEXT, model, query="Who met?").problem


def test_problems(demo, model) -> None:
    for text, options, problem in [
        (" \n", {}, "There is no text yet"),
        (None, {}, "There is no text yet"),
        ("\x00\x01", {}, "has no token that the model knows"),
        ("a" * (TEXT_LIMIT + 1), {}, "500,001 characters, expected at most 500,000"),
        (TEXT, {"limit": "words"}, "length: got no number of words"),
        (TEXT, {"limit": "verses"}, "length: got 'verses', expected sentences"),
        (TEXT, {"limit": "words", "words": float("inf")}, "length: got inf words, expected a number"),
        (TEXT, {"limit": LIMITS[1], "percent": float("nan")}, "length: got nan % of sentences, expected a number"),
        (TEXT, {"limit": "sentences", "sentences": "three"}, "length: got 'three' sentences, expected a number"),
        (5, {}, "text: got int, expected text"),
        (TEXT, {"language": "?"}, "language: got '?'"),
        (TEXT, {"model": "elsewhere/model"}, "model: got 'elsewhere/model', expected one of"),
    ]:
        answer = demo.answer(text, **{"model": model, **options})
        assert problem in answer.problem
        assert (answer.summary, answer.document, answer.files) == ("", "", None)
        assert not answer.problem.startswith("document 0")


def test_text_that_no_encoding_has(demo, model) -> None:
    answer = demo.answer(f"A lone \ud800 surrogate. {HOSTILE}", model, "sentences", 5)
    assert "A lone \ufffd surrogate." in answer.files[0].read_text(encoding="utf-8")
    assert "<img" not in answer.document


@pytest.mark.filterwarnings("error:document")
def test_what_is_not_read_is_said(demo, model) -> None:
    answer = demo.answer(f"{TEXT} {'It rained and ' * 60}so on.", model)
    assert answer.facts.count("of its words were not read: the model reads 200 words of a sentence") == 1
    assert "not read" not in demo.answer(TEXT, model).facts


def test_models_to_choose_from(demo, model, tmp_path) -> None:
    assert demo.models == [model, BUNDLED]
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    (tmp_path / "runs" / "mine" / "best").symlink_to(model)
    again = Demo("runs/mine/best", tmp_path)
    assert again.models == ["runs/mine/best", BUNDLED]
    assert again.summarizer("runs/mine/best") is demo.summarizer(model)  # loaded once
    with pytest.raises(bertsum.BertsumError, match="nowhere"):
        Demo("nowhere", tmp_path)


def test_a_run_that_is_gone_is_told_of(demo) -> None:
    demo.models.append("runs/gone/best")
    gradio = Mock()
    text, name, *_ = _Actions(gradio, demo, Settings(demo.models, False)).begin({"model": "runs/gone/best"})
    assert (text, name) == ("", "runs/gone/best")
    assert "runs/gone/best" in gradio.HTML.call_args_list[0].args[0]


def test_without_gradio(monkeypatch, model) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(bertsum.BertsumError, match=r"pip install 'bertsum\[demo\]'"):
        launch(model)


def test_an_address_that_cannot_be_served(model) -> None:
    pytest.importorskip("gradio")
    before = dict(os.environ)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(bertsum.BertsumError, match=f"host 127.0.0.1, port {port}: cannot be served"):
            launch(model, port=port)
    assert os.environ == before


def test_only_its_own_variables_are_put_back(monkeypatch, tmp_path) -> None:
    """Threads of Gradio's, or of the program around, may change others while the page is served."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", "before")
    monkeypatch.delenv("GRADIO_ANALYTICS_ENABLED", raising=False)
    monkeypatch.delenv("OF_ANOTHER_THREAD", raising=False)
    with _environment(str(tmp_path)):
        assert os.environ["GRADIO_TEMP_DIR"] == str(tmp_path)
        os.environ["OF_ANOTHER_THREAD"] = "set meanwhile"
    assert os.environ.pop("OF_ANOTHER_THREAD") == "set meanwhile"
    assert os.environ["GRADIO_TEMP_DIR"] == "before" and "GRADIO_ANALYTICS_ENABLED" not in os.environ


def test_two_visitors_at_once_leave_warnings_as_they_were(demo, model, monkeypatch) -> None:
    """Each is told what was not read of their own text, and the program's way of warning stays."""
    before, summarizer = warnings.showwarning, demo.summarizer(model)
    entered, both, left = threading.Event(), threading.Event(), threading.Event()

    def slow(text: str, **options: Any) -> bertsum.Summary:
        if "first" in text:
            entered.set()
            both.wait(0.2)  # in vain, where one waits for the other
        else:
            both.set()
            left.wait(10)
        return summarizer(text, **options)

    slow.model = summarizer.model
    monkeypatch.setattr(demo, "summarizer", lambda _: slow)
    long = "It rained and " * 60
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(demo.answer, "The first one is short. It ends here.", model)
        entered.wait(10)
        second = pool.submit(demo.answer, f"{TEXT} {long}so on.", model)
        first.add_done_callback(lambda _: left.set())
        answers = [first.result(), second.result()]
    assert ["not read" in answer.facts for answer in answers] == [False, True]
    assert warnings.showwarning is before


def test_two_models_side_by_side(demo, model) -> None:
    answer = demo.answer(TEXT, model, "sentences", 1)
    assert demo.beside(answer, NO_OTHER, TEXT, model) == ""
    html = demo.beside(answer, BUNDLED, TEXT, model, "sentences", 1)
    assert html.count("1 of 4 sentences") == 2 and model in html and BUNDLED in html
    assert demo.beside(demo.answer(" ", model), BUNDLED, " ", model).count("There is no text yet") == 2


def test_another_length_needs_no_other_pass(demo, model) -> None:
    summarizer = demo.summarizer(model)
    before = summarizer.passes
    long = " ".join(f"The {place} boat of the harbour came back on Monday." for place in ("first", "second", "third"))
    given = [demo.answer(long, model, "sentences", count) for count in (1, 2, 3)]
    words = demo.answer(long, model, "words", words=20)
    assert summarizer.passes == before + 1
    fresh = bertsum.Summarizer.from_pretrained(model)
    assert [answer.summary for answer in given] == [fresh(long, sentences=count).text for count in (1, 2, 3)]
    assert words.summary == fresh(long, max_words=20).text
    demo.answer(f"{long} It rained on that day for hours.", model)
    assert summarizer.passes == before + 2


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, ["m", "sentences", 3, 20, 100, DEFAULT, DEFAULT, DEFAULT, "", NO_OTHER]),
        ({"sentences": "31", "words": "-1", "order": "up", "query": "why", "model": "x", "language": "xx"}, None),
        ({"sentences": "5", "length": "words", "words": "7", "beside": "n", "language": "de", "blocking": "off"},
         ["m", "words", 5, 20, 7, "de", "off", DEFAULT, "", "n"]),
    ],
)  # fmt: skip
def test_settings_of_an_address(parameters, expected) -> None:
    settings = Settings(["m", "n"], answers=False)
    values = settings.read(parameters)
    assert values == (expected or settings.read({}))
    assert settings.read({**parameters, "words": "9" * 5000})[4] == 100
    kept = dict(item.split("=") for item in settings.link(values).removeprefix("?").split("&") if item)
    assert settings.read(kept) == values
