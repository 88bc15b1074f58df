"""report.html: one page that needs nothing else, shows every text as text, and can be read on a phone."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

import bertsum
from bertsum.evaluation.evaluate import evaluate_average, evaluate_baselines
from bertsum.evaluation.rouge import document_rouge, summarize_scores
from bertsum.pages.charts import HEIGHT, bars, lines, svg
from bertsum.pages.report import Measured, report_html
from bertsum.results import METRICS, Results

HOSTILE = [
    "<script>alert(1)</script> came first.",
    '"><img src="http://example.org/x.png" onerror=alert(1)> was next.',
    "</style></details></body><h1>Then this.",
    "\x1b]0;owned\x07 \x1b[2J\x9b31m",
    "abc \u202e txt.exe \u2066 \ud800",
    "&lt;b&gt; &amp; that was all.",
]
VOID = {"meta", "br"}


class Page(HTMLParser):
    """Checks that tags are closed; keeps tags, attributes and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        self.text += data if self.open and self.open[-1] != "style" else ""


def page_of(documents, references, choices, probabilities, limited=False, ids=None, seed=0) -> str:
    """A report on such documents; every system's choices are scored."""
    scores = {
        system: document_rouge([[document[i] for i in of] for document, of in zip(documents, chosen, strict=True)],
                               references)
        for system, chosen in choices.items()
    }  # fmt: skip
    rows = [
        {"id": (ids or {}).get(n, f"d{n}"), "sentences": document, "references": of}
        for n, (document, of) in enumerate(zip(documents, references, strict=True))
    ]
    systems = {system: summarize_scores(of, 20) for system, of in scores.items()}
    rouge = {"tokenizer": "words", "limit_to_reference": limited}
    results = Results({}, {}, "test", {}, len(rows), rouge, None, "document", "truncate", None, systems, 0.0)
    measured = Measured(rows, results, choices, scores, probabilities)
    return report_html(measured, "run <b> on test", {"Words": "<i>"}, seed)


def small(count: int, **options) -> str:
    documents = [[f"Word{n} tells of {'rain ' * n}.", "Another one.", "The last one."] for n in range(count)]
    choices = {"lead-1": [[0]] * count, "oracle": [[0]] * count, "model": [[n % 3] for n in range(count)]}
    probabilities = {"model": [[0.2, 0.9, None]] * count}
    return page_of(documents, [[["Word tells of rain."]]] * count, choices, probabilities, **options)


def test_hostile_text_is_only_text() -> None:
    systems = {"lead-3": [[0, 1, 2]], "oracle": [[3, 4]], "<script>model": [[0, 3, 5]]}
    probabilities = {"<script>model": [[0.1, 0.2, 0.3, None, 0.5, 0.6]]}
    page = page_of([HOSTILE], [[HOSTILE, HOSTILE[:1]]], systems, probabilities, ids={0: "<img src=x>\x1b[2J\ud800"})
    page.encode()
    read = Page(page)
    assert not {tag for tag, _ in read.tags} & {"script", "img", "link", "iframe", "a", "b>", "i>", "h4", "form"}
    assert not any(name.startswith("on") or name in ("src", "href") for _, given in read.tags for name in given)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    for text in (HOSTILE[0], HOSTILE[1], HOSTILE[2], HOSTILE[5], "run <b> on test", "<script>model"):
        assert text in read.text


def test_nothing_is_loaded_and_nothing_runs() -> None:
    page = small(12)
    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|url\(|@import|javascript:", page)
    for picture in re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL):
        ElementTree.fromstring(picture)


@pytest.mark.parametrize(("count", "shown"), [(1, 1), (2, 2), (3, 3), (12, 12), (40, 12)])
def test_best_worst_and_a_sample(count, shown) -> None:
    page = small(count)
    ids = re.findall(r"<summary><b>(.*?)</b>", page)
    assert len(ids) == len(set(ids)) == shown
    titles = re.findall(r"<h3>(Best|Worst|A random sample)</h3>", page)
    assert titles == ["Best", "Worst", "A random sample"][: 3 if count > 6 else 2 if count > 1 else 1]
    means = [float(np.mean([float(v) for v in m.split(" / ")])) for m in re.findall(r"<span>ROUGE ([\d. /]+)<", page)]
    assert means[0] == max(means)
    if count > 6:
        assert means[3] == min(means)
        assert small(count) == page
    if count == 40:
        assert re.findall(r"<summary><b>(.*?)</b>", small(count, seed=1)) != ids


def test_books_stay_small() -> None:
    book = [f"Sentence {n} of the book tells of the harbour." for n in range(20_000)] + ["x" * 1_000_000]
    chosen = [0, 15_000, 20_000]
    scores = [0.0001] * 20_001
    page = page_of([book] * 3, [[book[:500]] * 9] * 3, {"lead-3": [[0, 1, 2]] * 3, "oracle": [[7]] * 3,
                   "model": [chosen] * 3}, {"model": [scores] * 3})  # fmt: skip
    assert len(page) < 400_000
    assert "Shown are 120 of its 20,001 sentences." in page
    assert "Sentence 15000 of the book" in page
    assert "Reference 4 of 9" in page
    assert "Reference 5 of 9" not in page


def test_length_bins_hold_every_document() -> None:
    page = small(21)
    rows = re.findall(r'<th scope="row">([\d,]+) to ([\d,]+)</th><td>(\d+)</td>', page)
    assert sum(int(count) for *_, count in rows) == 21
    assert [int(low) <= int(high) for low, high, _ in rows] == [True] * 5
    assert sorted(int(high) for _, high, _ in rows) == [int(high) for _, high, _ in rows]
    same = page_of([["The same."]] * 9, [[["The same."]]] * 9, {"lead-1": [[0]] * 9, "oracle": [[0]] * 9}, {})
    assert re.findall(r"(\d+) to (\d+)</th><td>(\d+)", same) == [("2", "2", "9")]


def test_limited_length_reports_recall() -> None:
    assert "ROUGE-1<br>recall</th><th" in small(3, limited=True)
    assert "ROUGE-1<br>F1" in small(3)


def test_of_a_model(trained_run, tmp_path) -> None:
    config, result = trained_run
    config = config.override({"output_dir": str(tmp_path / "runs")})
    evaluation = bertsum.evaluate(config, result.checkpoint, "test")
    assert evaluation.report == evaluation.folder / "report.html"
    page = evaluation.report.read_text(encoding="utf-8")
    read = Page(page)
    assert "small on test" in read.text
    results = json.loads((evaluation.folder / "results.json").read_text())
    for of in results["systems"].values():
        for metric in METRICS:
            assert f"<td>{100 * of[metric]['fmeasure']:.2f}<small>" in page
    assert results["rouge"]["tokenizer"] in read.text
    assert "trigram_blocking" in read.text
    line = json.loads((evaluation.folder / "predictions.jsonl").read_text().splitlines()[0])
    figures = " / ".join(f"{100 * line['rouge'][metric]:.1f}" for metric in METRICS)
    assert f"<b>{line['id']}</b> <span>ROUGE {figures}<" in page
    bertsum.evaluate(config, result.checkpoint, "test")
    assert evaluation.report.read_text(encoding="utf-8") == page


def test_of_baselines_and_of_an_average(config_of) -> None:
    config = config_of("train.validate_every=2", "train.keep_best=2")
    baselines = Page(evaluate_baselines(config, "test").report.read_text(encoding="utf-8")).text
    assert "chosen by lead-3" in baselines
    assert "not read" not in baselines
    bertsum.train(config)
    averaged = Page(evaluate_average(config, 2, "test").report.read_text(encoding="utf-8")).text
    for name in ("mean of 2", "all 2 models", "step_000002", "step_000004"):
        assert name in averaged


def test_training_leaves_its_curves(trained_run, tmp_path) -> None:
    config, _ = trained_run
    picture = ElementTree.fromstring((config.run_dir / "curves.svg").read_text(encoding="utf-8"))
    texts = {element.text for element in picture.iter() if element.text}
    assert {"train", "validation", "ROUGE-1", "ROUGE-2", "ROUGE-L", "training documents seen"} <= texts


def test_charts_of_little() -> None:
    points = [{}, {"s": [(5.0, 2.0)]}, {"s": [(0.0, float("nan")), (1.0, 3.0)]}, {"s": [(1.0, 1e-13)]}]
    heights = [([], {}), (["a"], {"s": [0.0]})]
    for chart in [*(bars(*of, "x", "y") for of in heights), *(lines(of, "x", "y") for of in points)]:
        drawn = svg([chart])
        ElementTree.fromstring(drawn)
        assert not re.search(r'="-?(nan|inf)', drawn)
    assert f'viewBox="0 0 420 {2 * HEIGHT}"' in svg([chart, chart])


def test_a_legend_of_many_stays_on_the_picture_and_tells_them_apart() -> None:
    chart = lines({f"a long name {number}": [(0.0, 1.0), (1.0, 2.0)] for number in range(12)}, "x", "y")
    assert all(float(x) < 420 for x in re.findall(r'<text x="([\d.]+)" y="16"', chart.body))
    strokes = re.findall(r'<polyline .*? stroke="([^"]+)".*? stroke-dasharray="([^"]+)"', chart.body)
    assert len(strokes) == 12 and len(set(strokes)) >= 11


def test_names_on_an_axis_do_not_touch() -> None:
    chart = bars([f"name {n}" for n in range(30)], {"s": [1.0] * 30}, "x", "y")
    places = [float(x) for x in re.findall(r'<text x="([\d.]+)" y="240"', chart.body)]
    assert all(after - before > 50 for before, after in itertools.pairwise(places))
    assert ">name 29<" in chart.body


@pytest.mark.skipif(shutil.which("chromedriver") is None, reason="no Chromium here")
@pytest.mark.parametrize(("width", "dark"), [(390, False), (1200, True)])
def test_in_a_browser(tmp_path, width, dark) -> None:
    webdriver = pytest.importorskip("selenium.webdriver")
    rtl = ["ذهب الرجل إلى السوق.", "كان الجو ممطراً."]
    documents = [HOSTILE, rtl, ["word" * 100, "a b"]]
    choices = {"lead-1": [[0]] * 3, "oracle": [[1]] * 3, "a-model-with-a-rather-long-name": [[0]] * 3}
    probabilities = {"a-model-with-a-rather-long-name": [[0.9] * 6, [0.9, 0.1], [0.5, None]]}
    page = tmp_path / "report.html"
    page.write_text(page_of(documents, [[["Words " * 200]]] * 3, choices, probabilities), encoding="utf-8")
    options = webdriver.ChromeOptions()
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "hide-scrollbars",
                 "disable-background-networking", "disable-component-update", "disable-sync"):  # fmt: skip
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
        background = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert background == ("rgb(21, 24, 29)" if dark else "rgb(255, 255, 255)")
        directions = (
            "return [...document.querySelectorAll('.bertsum-document')].map(e => getComputedStyle(e).direction)"
        )
        assert sorted(browser.execute_script(directions)) == ["ltr", "ltr", "rtl"]
        assert browser.execute_script("return document.scripts.length") == 0
    finally:
        browser.quit()
