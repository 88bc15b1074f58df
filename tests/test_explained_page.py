"""Explanations as people see them: HTML, a terminal, a page, the command, the demo and an evaluation."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
from test_cli import command, model  # noqa: F401  # fixtures

import bertsum
from bertsum.answers import Demo
from bertsum.pages.explained import Shown, explanation_html, explanation_terminal, explanations_page

HOSTILE = [
    "<b>Old</b> café\x1b[31m opened.",
    'A "quoted" & bad </span><script>x</script> end.',
    "Not read.",
    "Last one here.",
]
VALUES = (0.4, -0.3, 0.001, 0.1)


def shown(sentence: int = 0) -> Shown:
    """An explanation of a hostile text; its third sentence was not read."""
    words = []
    for index in (0, 1, 3):
        for word, value in zip(HOSTILE[index].split(), VALUES, strict=False):
            begin = HOSTILE[index].index(word)
            words.append((index, begin, begin + len(word), value))
    return Shown(
        sentence=sentence,
        text=HOSTILE[sentence],
        is_written=False,
        document=HOSTILE,
        chosen=[0, 3],
        score=-0.4,
        probability=0.4,
        words=words,
        sentences=[None if index in (sentence, 2) else 0.5 - index for index in range(4)],
        decisive=[1],
        changes=True,
        gap=0.012,
        method="occlusion",
    )


def test_text_is_harmless_and_nothing_is_told_by_colour_alone() -> None:
    html = explanation_html([shown()])
    assert "<script>" not in html and "&lt;script&gt;" in html and "\x1b" not in html
    assert 'class="up"' in html and 'class="down"' in html
    assert "4 ✔ -2.50" in html and "2 ◆ -0.50" in html and "1 ▶ ✔" in html
    assert "Without sentence 2 it would not be chosen." in html
    for colour in (True, False):
        text = explanation_terminal(shown(), colour=colour)
        assert ("\x1b[38;5;16" in text) == colour and "\x1b[31m" not in text
        assert "logit -0.40" in text and "within 1.2%" in text and "Lowered it most: " in text


def test_each_explained_sentence_has_a_view_that_a_click_shows() -> None:
    html = explanation_html([shown(0), shown(3)])
    assert html.count('type="radio"') == 2 and html.count(" checked>") == 1
    assert html.count("<label for=") == 4  # in each view the other sentence and its number
    written = explanation_html([replace(shown(0), is_written=True, text="New."), replace(shown(3), is_written=True)])
    assert "Sentences of the summary:" in written and "log-probability" in written


def test_a_sentence_keeps_its_letters() -> None:
    plain = explanation_terminal(shown(), colour=False)
    for sentence in HOSTILE:
        assert sentence.replace("\x1b", "\ufffd") in plain


def test_the_command(command, model, tmp_path) -> None:  # noqa: F811  # the fixtures of the import
    text = "The council met on Monday. It decided to build a bridge. The rain went on. Nobody was surprised."
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    arguments = ("explain", str(tmp_path / "a.txt"), "--model", model)
    code, told, _ = command(*arguments, "--sentence", "2", "--leaving-out", "text", "--json")
    values = json.loads(told)
    assert (code, values["sentence"], values["text"]) == (0, 1, "It decided to build a bridge.")
    code, told, _ = command(*arguments)
    assert code == 0 and "▶" in told and "logit" in told
    for number in ("0", "5"):
        code, _, problem = command(*arguments, "--sentence", number)
        assert code == 2 and f"--sentence: got {number}, expected a number from 1 to 4" in problem
    (tmp_path / "a.csv").write_text("document\nIt rained.\n", encoding="utf-8")
    code, _, problem = command("explain", str(tmp_path / "a.csv"), "--model", model)
    assert code == 2 and "has many documents, expected one" in problem


def test_the_demo(model, tmp_path) -> None:  # noqa: F811  # the fixture of the import
    demo = Demo(model, tmp_path)
    text = "The council met on Monday. It decided to build a bridge. The rain went on. Nobody was surprised."
    options = (model, "sentences", 2, None, None)
    answer = demo.answer(text, *options)
    (first, place), _ = answer.sentences
    html = demo.explain(place, text, *options, "model's default", "model's default", "model's default")
    assert f"Sentence {place + 1} of the document, chosen" in html and first.split()[0] in html
    assert 'role="alert"' in demo.explain(7, text, *options, "en", "on", "document")


def test_an_evaluation(trained_run, tmp_path) -> None:
    config, result = trained_run
    config = config.override({"output_dir": str(tmp_path / "runs"), "evaluation.explained": 1})
    evaluation = bertsum.evaluate(config, result.checkpoint, "test")
    page = (evaluation.folder / "explanations.html").read_text(encoding="utf-8")
    line = json.loads((evaluation.folder / "predictions.jsonl").read_text().splitlines()[0])
    assert page.count('class="bertsum-view"') == len(line["indices"]) and line["id"] in page
    assert 'href="explanations.html"' in evaluation.report.read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("chromedriver") is None, reason="no Chromium here")
@pytest.mark.parametrize(("width", "dark"), [(390, False), (390, True), (1200, False), (1200, True)])
def test_in_a_browser(tmp_path, width, dark) -> None:
    webdriver = pytest.importorskip("selenium.webdriver")
    page = tmp_path / "explanations.html"
    long = replace(shown(3), document=[*HOSTILE[:3], "word" * 100])
    documents = [("a", [shown(0), shown(3)]), ("b", [replace(long, words=[])])]
    page.write_text(explanations_page(documents, "what carried"), encoding="utf-8")
    options = webdriver.ChromeOptions()
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "hide-scrollbars"):
        options.add_argument(f"--{flag}")
    browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        browser.get(page.as_uri())
        browser.execute_script("document.querySelectorAll('details').forEach(one => { one.open = true })")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        assert browser.execute_script("return document.scripts.length") == 0
        views = browser.find_elements("css selector", ".bertsum-view")
        assert [view.is_displayed() for view in views] == [True, False, True]
        browser.find_element("css selector", ".bertsum-view label").click()
        assert [view.is_displayed() for view in views] == [False, True, True]
    finally:
        browser.quit()
