"""The demo: what it answers, and the page in a real browser."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import fork_server
import pytest
from models import build

import bertsum
from bertsum.answers import BUNDLED, DEFAULT, LIMITS, NO_OTHER, TEXT_LIMIT, Demo, Settings
from bertsum.demo import _environment, launch
from bertsum.files import SAMPLE_FOLDER

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


@pytest.fixture(scope="module")
def address(model, tmp_path_factory) -> Iterator[str]:
    """The demo as a process of its own."""
    pytest.importorskip("gradio")
    folder, temporary = tmp_path_factory.mktemp("cwd"), tmp_path_factory.mktemp("tmp")
    process = fork_server.Process(
        ["-m", "bertsum", "demo", "--model", model, "--port", str(fork_server.free_port())],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=fork_server.PIPE,
        stderr=fork_server.PIPE,
    )
    line = process.stdout.readline()
    if "The demo is at " not in line:
        pytest.fail(process.communicate()[1])
    yield line.split()[4]
    process.terminate()
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, "stopped by SIGTERM" in errors) == (143, True), errors
    assert "Traceback" not in errors
    assert list(temporary.glob("bertsum-demo-*")) == []  # nothing stays of what visitors gave


def test_the_options_of_the_page_arrive(address, model) -> None:
    client = pytest.importorskip("gradio_client").Client(address, verbose=False, download_files=False)
    options = [model, "sentences", 1, 20, 100, "en", "off", "score", "", NO_OTHER]
    problem, summary, facts, *_ = client.predict(TEXT, *options, api_name="/summarize")
    expected = bertsum.Summarizer.from_pretrained(model)(TEXT, sentences=1, trigram_blocking=False, order="score")
    assert (problem["visible"], summary) == (False, expected.text)
    assert facts["value"].startswith("1 of 4 sentences")
    client.close()


class Page:
    """The demo in a headless browser."""

    def __init__(self, driver: Any, downloads: Path, address: str) -> None:
        self.driver, self.downloads = driver, downloads
        self.resize(1280, 900)
        driver.get(address)
        self.until(lambda: self.one("#text textarea").get_property("value"))  # the article it opens on

    def resize(self, width: int, height: int, scheme: str = "light") -> None:
        phone = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def until(self, condition: Callable[[], Any]) -> Any:
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.driver, 60).until(lambda _: condition())

    def one(self, selector: str) -> Any:
        return self.until(lambda: self.driver.find_elements("css selector", selector))[0]

    def type(self, text: str) -> None:
        box = self.one("#text textarea")
        box.clear()
        box.send_keys(text)

    def summarize(self) -> None:
        self.one("#go").click()

    def summary(self) -> str:
        return self.one("#summary textarea").get_property("value")

    def download(self, selector: str) -> str:
        before = set(self.downloads.glob("summary*"))
        self.one(selector).click()
        (file,) = self.until(lambda: {f for f in self.downloads.glob("summary*") if f.suffix != ".crdownload"} - before)
        return file.read_text(encoding="utf-8")

    def requests(self) -> set[str]:
        """Every address of the network that the browser has asked since the last time."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        urls = {m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"}
        return {url for url in urls if url.startswith(("http", "ws"))}


@pytest.fixture(scope="module")
def page(address, tmp_path_factory) -> Iterator[Page]:
    webdriver = pytest.importorskip("selenium.webdriver")
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not chromedriver:
        pytest.skip("needs chromium and chromedriver (Debian: chromium, chromium-driver)")
    downloads = tmp_path_factory.mktemp("downloads")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (
        "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
        "disable-component-update", "disable-sync", f"user-data-dir={tempfile.mkdtemp(dir=downloads)}",
    ):  # fmt: skip
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(chromedriver))
    yield Page(driver, downloads, address)
    driver.quit()


def test_it_opens_on_an_article_already_summarised(page, model) -> None:
    article = (SAMPLE_FOLDER / "article.txt").read_text(encoding="utf-8")
    expected = bertsum.Summarizer.from_pretrained(model)(article, sentences=3)
    assert page.one("#text textarea").get_property("value") == article
    assert page.until(page.summary) == expected.text


def test_the_address_carries_settings(page, address, model) -> None:
    for setting, count in (("sentences=1", 1), ("sentences=no&model=elsewhere&length=verses", 3)):
        page.driver.get(f"{address}?{setting}")
        page.until(lambda: page.one("#facts").text.startswith(f"{count} of "))  # noqa: B023  # it is called here
    page.driver.get(f"{address}?sentences=1")
    page.until(lambda: page.one("#facts a").get_attribute("href").endswith("?sentences=1"))
    page.driver.get(address)
    page.until(lambda: page.one("#facts").text.startswith("3 of "))


def test_two_models_side_by_side(demo, model) -> None:
    assert demo.beside(NO_OTHER, TEXT, model) == ""
    html = demo.beside(BUNDLED, TEXT, model, "sentences", 1)
    assert html.count("1 of 4 sentences") == 2 and model in html and BUNDLED in html
    assert "There is no text yet" in demo.beside(BUNDLED, " ", model)


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
    kept = dict(item.split("=") for item in settings.link(values).removeprefix("?").split("&") if item)
    assert settings.read(kept) == values


def test_paste_click_read_download(page, address) -> None:
    page.type(TEXT)
    page.summarize()
    page.until(lambda: page.one("#facts").text.startswith("3 of 4 sentences"))
    summary = page.until(page.summary)
    assert all(sentence in TEXT for sentence in summary.split(". "))
    page.until(lambda: len(page.driver.find_elements("css selector", "#document .bertsum-chosen")) == 3)
    assert page.download("#as-text") == summary + "\n"
    assert json.loads(page.download("#as-json"))["text"] == summary
    asked = page.requests()
    assert asked
    assert [url for url in asked if not url.startswith(address)] == []  # nothing from elsewhere
    errors = [entry["message"] for entry in page.driver.get_log("browser") if entry["level"] == "SEVERE"]
    assert errors == []


def test_a_click_on_a_sentence_shows_what_carried_it(page) -> None:
    pytest.importorskip("captum")
    page.type(TEXT)
    page.summarize()
    page.until(lambda: len(page.driver.find_elements("css selector", "#explained input")) == 3)
    page.driver.find_elements("css selector", "#explained input")[1].click()
    page.until(lambda: page.driver.find_elements("css selector", "#explanation .bertsum-view"))
    assert "of the document, chosen: probability" in page.one("#explanation .bertsum-view").text
    for width, scheme in ((390, "dark"), (390, "light"), (1280, "dark"), (1280, "light")):
        page.resize(width, 900, scheme)
        assert page.driver.execute_script("return document.documentElement.scrollWidth") <= width
        if folder := os.environ.get("BERTSUM_SHOTS"):  # to look at them
            page.driver.execute_script("document.querySelector('#explained').scrollIntoView()")
            page.driver.save_screenshot(f"{folder}/demo-{width}-{scheme}.png")
    page.summarize()
    page.until(lambda: not page.driver.find_elements("css selector", "#explanation .bertsum-view"))


def test_what_goes_wrong_is_said_in_the_page(page, tmp_path) -> None:
    page.type(" ")
    page.summarize()
    page.until(lambda: "There is no text yet" in page.one("#problem [role=alert]").text)
    assert page.summary() == ""
    page.type(HOSTILE)
    page.summarize()
    page.until(page.summary)
    assert not page.driver.find_elements("css selector", "#problem [role=alert]")
    shown = page.one("#document .bertsum-document").text
    assert "${document.title='owned'} {{value}}" in shown
    assert "<img src=x onerror=" in shown
    assert page.driver.title == "bertsum"


def test_upload(page, tmp_path) -> None:
    (tmp_path / "a.txt").write_text("\ufeff" + TEXT, encoding="utf-8")
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe\x00")
    page.one("input[type=file]").send_keys(str(tmp_path / "a.txt"))
    page.until(lambda: page.one("#text textarea").get_property("value") == TEXT)
    page.one("input[type=file]").send_keys(str(tmp_path / "b.txt"))
    page.until(lambda: "'b.txt': not UTF-16 text" in page.one("#problem [role=alert]").text)
    (tmp_path / "c.txt").write_text("word " * TEXT_LIMIT)
    page.one("input[type=file]").send_keys(str(tmp_path / "c.txt"))
    page.until(lambda: "2,500,000 characters" in page.one("#problem [role=alert]").text)


def test_length_and_examples(page) -> None:
    page.driver.find_elements("css selector", "#limit input")[LIMITS.index("words")].click()
    page.until(lambda: page.one("#words input").is_displayed())
    assert not page.driver.find_elements("css selector", "#sentences input")
    next(b for b in page.driver.find_elements("css selector", "button") if "The hat was borrowed" in b.text).click()
    page.until(lambda: page.one("#text textarea").get_property("value").startswith("The hat was borrowed"))
    page.summarize()
    page.until(lambda: page.summary().startswith("The hat"))
    page.driver.find_elements("css selector", "#limit input")[LIMITS.index(DEFAULT)].click()
    page.until(lambda: not page.driver.find_elements("css selector", "#words input"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 800)])
def test_it_fits_the_screen(page, width, height, scheme, tmp_path) -> None:
    page.resize(width, height, scheme)
    page.type(TEXT)
    page.summarize()
    page.until(page.summary)
    assert page.driver.execute_script("return document.documentElement.scrollWidth") <= width
    background = page.driver.execute_script("return getComputedStyle(document.body).backgroundColor")
    red = int(background.partition("(")[2].partition(",")[0])
    assert (red > 200) == (scheme == "light")
    assert page.driver.save_screenshot(str(tmp_path / "page.png"))
    assert (tmp_path / "page.png").stat().st_size > 10_000
