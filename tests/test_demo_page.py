"""The demo's page in a real browser."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fork_server
import pytest
from test_demo import HOSTILE, TEXT

import bertsum
from bertsum.answers import DEFAULT, LIMITS, NO_OTHER, TEXT_LIMIT
from bertsum.files import SAMPLE_FOLDER


@pytest.fixture(scope="module")
def model(trained_run) -> str:
    return str(trained_run[1].checkpoint)


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
