"""Shaded documents: whatever the text, it is shown and never obeyed, and marks need no colour."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertsum.pages.shading import CHOSEN, ORACLE, STYLE, document_html, document_terminal, show_document
from bertsum.text import one_line

SENTENCES = ["It rained all day.", "The bridge stayed shut.", "Nobody came.", "That is all."]
SCORES = [0.1, 0.4, 0.2, None]


class Reader(HTMLParser):
    """The tags of a page, and the text of its spans without marks."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.texts: list[str] = []
        self.stack: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes) -> None:
        self.tags.append((tag, dict(attributes)))
        self.stack.append(tag)
        if tag == "span":
            self.texts.append("")

    def handle_endtag(self, tag) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data) -> None:
        if self.stack and self.stack[-1] == "span":
            self.texts[-1] += data

    def spans(self) -> list[dict]:
        return [attributes for tag, attributes in self.tags if tag == "span"]


def test_shades_and_marks() -> None:
    page = document_html(SENTENCES, SCORES, [1], oracle=[1, 2])
    first, second, third, last = Reader(page).spans()
    alphas = [float(re.search(r"([\d.]+)\)", span["style"])[1]) for span in (first, second, third)]
    assert alphas[1] == max(alphas) > alphas[2] > alphas[0] > 0
    assert (second["title"], third["title"]) == ("score 0.400, chosen, oracle", "score 0.200, oracle")
    assert (last["title"], last["class"], "style" in last) == ("not read", "bertsum-unread", False)
    assert f"{CHOSEN} 0.40 {ORACLE}" in page
    assert page.count("[not read]") == 1
    assert re.search(r"score: 0 <i class=.bertsum-scale.></i> 0.40", page)
    assert STYLE in page
    bare = document_html(SENTENCES, SCORES, [1], style=False)
    assert bare.startswith('<div class="bertsum-document"')
    assert "<style" not in bare
    assert "legend" not in bare


def test_without_scores_nothing_is_called_unread() -> None:
    page = document_html(SENTENCES, None, [0])
    assert "not read" not in page
    assert "background" not in page.partition("</style>")[2]
    assert f"{CHOSEN} chosen<" in page
    assert "score" not in page.partition("</style>")[2]


@pytest.mark.parametrize("scores", [[], [None], [0.0], [float("nan")]])
def test_nothing_to_shade(scores) -> None:
    sentences = SENTENCES[: len(scores)]
    assert len(Reader(document_html(sentences, scores, [])).spans()) == len(scores)
    assert document_terminal(sentences, scores, []).count("\n") == 0


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</span></div></style><h1>",
    "\x1b]0;owned\x07 \x1b[2J\x9b31m",
    "abc \u202e txt.exe \u2066",
    "one\ntwo\r\nthree\u2028four",
    "\ud800 \x00",
    "&lt;b&gt; &amp;",
]


def test_hostile_text_is_only_text() -> None:
    scores = [n / 10 for n in range(len(HOSTILE))]
    page = document_html(HOSTILE, scores, [0, 3])
    page.encode()
    assert {tag for tag, _ in Reader(page).tags} == {"style", "div", "span", "b", "p", "i"}
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    shown = document_terminal(HOSTILE, scores, [0, 3])
    assert len(shown.split("\n")) == len(HOSTILE)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", re.sub(r"\x1b\[[\d;]+m", "", shown))
    assert "\x1b" not in document_terminal(HOSTILE, scores, [0, 3], colour=False)


@given(st.lists(st.tuples(st.text(st.characters(codec=None)), st.none() | st.floats()), max_size=6))
def test_whatever_text_is_shown(pairs) -> None:
    sentences, scores = [text for text, _ in pairs], [score for _, score in pairs]
    chosen = list(range(0, len(pairs), 2))
    read = Reader(document_html(sentences, scores, chosen, oracle=chosen))
    assert not read.stack
    assert [text.removeprefix("\xa0") for text in read.texts] == [one_line(text) for text in sentences]
    assert len(document_terminal(sentences, scores, chosen).split("\n")) == max(1, len(sentences))


def test_terminal() -> None:
    lines = document_terminal(SENTENCES, SCORES, [1]).split("\n")
    assert lines[1] == ">> 0.40 \x1b[1;38;5;16;48;5;208mThe bridge stayed shut.\x1b[0m"
    assert lines[3] == "      - \x1b[2mThat is all.\x1b[0m"
    assert all(not line.startswith(">>") for number, line in enumerate(lines) if number != 1)
    plain = document_terminal(SENTENCES, SCORES, [1], colour=False).split("\n")
    assert plain[:2] == ["   0.10 It rained all day.", ">> 0.40 The bridge stayed shut."]


def test_a_limit_keeps_what_is_marked() -> None:
    sentences = [f"Sentence {n}." for n in range(1000)]
    page = document_html(sentences, [0.5] * 1000, [700, 999], oracle=[3], limit=12, style=False)
    shown = [int(text.split()[-1].rstrip(".")) for text in Reader(page).texts]
    assert shown == [0, 1, 2, 3, 4, 5, 6, 699, 700, 701, 998, 999]
    assert re.findall(r"\[… (\d+) left out", page) == ["692", "296"]
    assert "[… 990 left out …]" in document_html(sentences, None, [], limit=10)
    assert len(Reader(document_html(sentences, None, range(1000), limit=10)).texts) == 10
    assert "left out" not in document_html(sentences[:10], None, [], limit=10)


SHOW = """
from bertsum.pages.shading import show_document
show_document(["It rained <all> day.", "Nobody came."], [0.25, 0.5], [1])
"""


def test_in_a_notebook_it_is_displayed() -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SHOW)])
    nbclient.NotebookClient(notebook, timeout=300, startup_timeout=300).execute()
    (shown,) = notebook.cells[0].outputs
    assert shown.output_type == "display_data"
    assert shown.data["text/html"] == document_html(["It rained <all> day.", "Nobody came."], [0.25, 0.5], [1])


@pytest.mark.parametrize(("environment", "coloured"), [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False),
                                                       ({"TERM": "xterm", "NO_COLOR": "1"}, False)])  # fmt: skip
def test_in_a_terminal_it_is_coloured_unless_asked_not_to(environment, coloured) -> None:
    inherited = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", SHOW], stdout=theirs, env=inherited | environment, check=True)
    os.close(theirs)
    printed = os.read(ours, 10_000).decode()
    os.close(ours)
    assert ">> 0.50 " in printed
    assert ("\x1b[1;38;5;16;48;5;208mNobody came.\x1b[0m" in printed) == coloured
    assert ("\x1b" in printed) == coloured


def test_in_a_pipe_it_has_no_colour(capsys) -> None:
    show_document(["It rained."], [0.5], [0])
    assert capsys.readouterr().out == ">> 0.50 It rained.\n"
