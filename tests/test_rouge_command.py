"""bertsum rouge: the lines of the Perl script, from files with a text a line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bertsum.cli import main


@pytest.fixture
def rouge(capsys, tmp_path, monkeypatch):
    """Writes files, runs the command on them in this process; gives its exit code and both outputs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("bertsum.program.signal.signal", lambda *_: None)

    def run(files: dict[str, str | bytes], *options: str) -> tuple[int, str, str]:
        for name, text in files.items():
            Path(name).write_bytes(text.encode() if isinstance(text, str) else text)
        first, *others = files
        code = 0
        try:
            main(["rouge", "--candidates", first, "--references", *others, *options])
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *capsys.readouterr()

    return run


TWO = {"a.txt": "the cats sat<q>on a mat\na dog\n", "b.txt": "the cat sat on the mat<q>it slept\r\nthe dog barked\r\n"}


def test_the_lines_of_perl(rouge) -> None:
    code, shown, warned = rouge(TWO, "--metrics", "rouge1", "rougeL", "rougeW-1.2", "rougeSU4", "--samples", "100")
    assert (code, warned) == (0, "")
    assert [line.split(" Average")[0] for line in shown.splitlines()] == [
        line for name in ("ROUGE-1", "ROUGE-L", "ROUGE-W-1.2", "ROUGE-SU4") for line in ["-" * 45, *[f"X {name}"] * 3]
    ]
    # From 100 samples of ROUGE-1: R 5/8 and 1/3, P 5/6 and 1/2, by the generator of Perl.
    assert shown.splitlines()[1:4] == [
        "X ROUGE-1 Average_R: 0.47771 (95%-conf.int. 0.33333 - 0.62500)",
        "X ROUGE-1 Average_P: 0.66500 (95%-conf.int. 0.50000 - 0.83333)",
        "X ROUGE-1 Average_F: 0.55557 (95%-conf.int. 0.40000 - 0.71428)",
    ]


def test_n_and_each_document(rouge) -> None:
    _, shown, _ = rouge(TWO, "-n", "1", "--each", "--system", "me", "--samples", "10", "--confidence", "99.5")
    lines = shown.splitlines()
    assert lines[4:7] == ["." * 45, "me ROUGE-1 Eval 1.me R:0.62500 P:0.83333 F:0.71428",
                          "me ROUGE-1 Eval 2.me R:0.33333 P:0.50000 F:0.40000"]  # fmt: skip
    assert "(99.5%-conf.int. " in lines[1]
    assert lines[8].startswith("me ROUGE-L Average_R")


@pytest.mark.parametrize(
    ("options", "recall"),
    [
        ((), "0.62500"),
        (("--no-stemmer",), "0.50000"),
        (("--stop-words",), "0.66667"),
        (("--limit-words", "3"), "1.00000"),
        (("--limit-bytes", "7"), "1.00000"),
        (("--separator", "|"), "0.66667"),  # <q> is then a word
    ],
)
def test_options(rouge, options, recall) -> None:
    code, shown, _ = rouge(TWO, "--metrics", "rouge1", "--each", "--samples", "1", *options)
    assert (code, shown.splitlines()[5].split()[4]) == (0, f"R:{recall}")


def test_several_references(rouge) -> None:
    files = {"c.txt": "a c d\nx\n", "r1.txt": "a b\nx\n", "r2.txt": "a c d e f g\n\n"}
    shown = [rouge(files, "--metrics", "rouge1", "--each", "--samples", "1", "--average", one)[1] for one in "AB"]
    assert [text.splitlines()[5:] for text in shown] == [
        ["X ROUGE-1 Eval 1.X R:0.50000 P:0.66667 F:0.57143", "X ROUGE-1 Eval 2.X R:1.00000 P:1.00000 F:1.00000"],
        ["X ROUGE-1 Eval 1.X R:0.50000 P:0.33333 F:0.40000", "X ROUGE-1 Eval 2.X R:1.00000 P:1.00000 F:1.00000"],
    ]


def test_sentences_that_nothing_separates(rouge) -> None:
    files = {"a.txt": "It rained.\nThe dogs barked. It rained.\n", "b.txt": "It snowed.\nIt rained. The dogs barked.\n"}
    _, unsplit, warned = rouge(files, "--metrics", "rougeL", "--each", "--samples", "1")
    assert warned.count("line 2: got several sentences") == 2
    assert "--split-sentences" in warned
    _, split, warned = rouge(files, "--metrics", "rougeL", "--each", "--samples", "1", "--split-sentences")
    assert warned == ""
    assert "2.X R:0.60000" in unsplit
    assert "2.X R:1.00000" in split


def test_an_empty_text_counts_as_0(rouge) -> None:
    code, shown, _ = rouge({"a.txt": "\na\n", "b.txt": "a\n\n"}, "--metrics", "rouge1", "rougeW", "rougeSU4")
    assert (code, shown.count("Average_R: 0.00000 (95%-conf.int. 0.00000 - 0.00000)")) == (0, 3)
    code, shown, _ = rouge({"a.txt": "\n \n", "b.txt": "a\nb\n"}, "--metrics", "rouge1")  # a system that wrote nothing
    assert (code, shown.count("0.00000 (95%-conf.int. 0.00000 - 0.00000)")) == (0, 3)


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ({"a.txt": "a\nb\n", "b.txt": "a\n"}, (), "'b.txt': got 1 lines for the 2 lines of 'a.txt'.*line 2 of 'a.txt'"),
        ({"a.txt": "a\n", "b.txt": "a\n", "c.txt": "a\nb"}, (), "'c.txt': got 2 lines for the 1 .*line 2 of 'c.txt'"),
        ({"a.txt": "", "b.txt": "a\n"}, (), "'a.txt': empty, expected a text a line"),
        ({"a.txt": "a\nb\n", "b.txt": b"a\nb \xe9\n"}, (), "'b.txt' line 2: not UTF-8 text .*--encoding"),
        ({"a.txt": "a\nb\n", "b.txt": "a\n\n", "c.txt": "a\n \n"}, (), "'b.txt' line 2: empty, as in all 2 files"),
        ({"a.txt": "a\n", ".": "", "b.txt": "a\n"}, (), "'.*': cannot be read"),
        ({"a.txt": "a\n", "b.txt": "a\n"}, ("--encoding", "klingon"), "encoding: got 'klingon'"),
        ({"a.txt": "a\n", "b.txt": "a\n"}, ("-n", "0"), "-n: got 0"),
        ({"a.txt": "a\n", "b.txt": "a\n"}, ("--limit-words", "-1"), "--limit-words: got -1"),
        ({"a.txt": "a\n", "b.txt": "a\n"}, ("--confidence", "101"), "--confidence: got 101"),
        ({"a.txt": "a\n", "b.txt": "a\n"}, ("--confidence", "0"), "--confidence: got 0, expected a percentage"),
        ({"a.txt": "a\n", "b.txt": "a\n"}, ("-n", "2", "--metrics", "rouge1"), "not allowed with argument -n"),
        ({"a.txt": "a\n", "b.txt": "a\n"}, ("--confidence", "0.95"), "--confidence: got 0.95, expected a percentage"),
        ({"a.txt": "a\n", "b.txt": "a\n"}, ("--alpha", "7"), "alpha: got 7"),
        ({"a.txt": "a\n", "b.txt": "a\n"}, ("--metrics", "bleu"), "metric: got 'bleu'"),
        ({"a.txt": "a\n", "b.txt": "a\n"}, ("--separator", ""), "--separator: got nothing"),
    ],
)
def test_what_is_wrong_is_told(rouge, files, options, message) -> None:
    missing = files.pop(".", None) is not None
    extra = ("--references", "nothing.txt") if missing else ()
    code, shown, error = rouge(files, *options, *extra)
    assert (code, shown) == (2, "")
    assert re.search(message, error), error
