"""What ROUGE-1.5.5 counts with any of its options, and what it prints."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from conftest import SHARED, needs_shared

import bertsum
from bertsum.evaluation.bootstrap import perl_interval, perl_means
from bertsum.evaluation.rouge155 import Counter155, Metric, Rouge155Tokenizer, of_several, read_text


def shares(name: str, candidate: str, reference: str, stem: bool = False) -> tuple[float, float, float]:
    """Precision, recall and F of two texts with a sentence a line."""
    counter = Counter155((Metric.of(name),), Rouge155Tokenizer(stem))
    return counter.figures(candidate.split("\n"), [reference.split("\n")], "A")[0]


@needs_shared
def test_equal_to_perl_with_all_options() -> None:
    with gzip.open(SHARED / "golden" / "rouge155" / "options.json.gz", "rt", encoding="utf-8") as file:
        golden = json.load(file)
    compared = 0
    for results in golden["results"]:
        given = results["options"].split()
        options = {name: given[given.index(name) + 1] for name in ("-l", "-b", "-f") if name in given}
        names = [name for name in results["scores"][0] if name != "id"]
        counter = Counter155(
            tuple(Metric.of("rougeLsum" if name == "rougeL" else name) for name in names),
            Rouge155Tokenizer("-m" in given, "-s" in given),
            int(options.get("-l", 0)),
            int(options.get("-b", 0)),
        )
        for pair, scores in zip(golden["pairs"][results["documents"]], results["scores"], strict=True):
            figures = counter.figures(pair["candidate"], pair["references"], options.get("-f", "A"))
            for name, (precision, recall, f) in zip(names, figures, strict=True):
                assert [recall, precision, f] == scores[name], (results["options"], pair["id"], name)
                compared += 1
    assert compared == 3080


@pytest.mark.parametrize(
    ("name", "candidate", "recall"),
    [
        # Of "police killed the gunman", from Lin (2004), sections 3 and 5.
        ("rougeL", "police kill the gunman", 3 / 4),
        ("rougeL", "the gunman kill police", 2 / 4),
        ("rougeS*", "police kill the gunman", 3 / 6),
        ("rougeS*", "the gunman kill police", 1 / 6),
        ("rougeS*", "the gunman police killed", 2 / 6),
        ("rougeS*", "gunman the killed police", 0),
        ("rougeS0", "police kill the gunman", 1 / 3),
        ("rougeS1", "police kill the gunman", 2 / 5),
        ("rougeSU0", "the gunman", 2 / 6),  # a pair, and "the": the last word of a text is no unigram
        ("rouge3", "police killed the men", 1 / 2),
        ("rouge5", "police killed the gunman", 0),
    ],
)
def test_hand_counted(name: str, candidate: str, recall: float) -> None:
    assert shares(name, candidate, "police killed the gunman")[1] == round(recall, 5)


def test_sentences_count_together() -> None:
    """Lin (2004), section 3.2: of five words, the two sentences have four."""
    assert shares("rougeLsum", "1 2 6 7 8\n1 3 8 9 5", "1 2 3 4 5")[1] == 0.8
    assert shares("rougeLsum", "5 4\n3 2", "2 3\n4 5")[1] == 0.5
    assert shares("rougeL", "5 4\n3 2", "2 3\n4 5")[1] == 0.25


def test_runs_weigh_more() -> None:
    """Lin (2004), section 4, has 0.571 and 0.286. The Perl script's precision is that, but its recall is weighed twice,
    and only gaps in the reference end a run.
    """
    assert shares("rougeW-2", "a b c d h i k", "a b c d e f g") == (0.57143, 0.08163, 0.14285)
    assert shares("rougeW-2", "a b c d e f g", "a h b k c i d") == (0.28571, 0.04082, 0.07143)
    assert shares("rougeW-2", "a h b k c i d", "a b c d e f g")[0] == 0.57143
    assert shares("rougeW", "a b", "a b")[:2] == (1.0, 0.87055)
    assert shares("rougeW", "a b", "c d") == shares("rougeW", "...", "a") == shares("rougeW", "a", "") == (0, 0, 0)


def test_runs_where_words_may_not_count_again() -> None:
    # Both sentences of the reference match "a b" by themselves, but the candidate has it only once.
    assert shares("rougeW-2", "a b", "a b\na b")[0] == 1.0
    # "b" may not count in the second: its run ends with a word that does not count, and is lost.
    assert shares("rougeW-2", "a b\na", "b\na b")[0] == round((1 / 9) ** 0.5, 5)


def read(text: str, **limits: int) -> tuple[str, list[str]]:
    words, sentences = read_text(text.split("\n"), Rouge155Tokenizer(stem=False).tokenize, **limits)
    return " ".join(words), [" ".join(sentence) for sentence in sentences]


def test_limits() -> None:
    assert read("One two.\nThree - four five.", words=4) == ("one two three", ["one two", "three"])
    assert read("One two.\nThree four.", words=9) == ("one two three four", ["one two", "three four"])
    assert read(" One two.\nThree four.", words=4)[0] == "one two three"  # a space before a line is a word, as in Perl
    assert read("é one two\nthree", size=6)[0] == "one"  # é has two bytes
    assert read("one two\nthree four", size=12) == ("one two three", ["one two", "three four"])
    # Perl's limit in bytes starts anew for each sentence of ROUGE-L.
    assert read("one two\nthree four", size=9) == ("one two th", ["one two", "three fou"])


def test_words() -> None:
    text = "The dogs weren't-running; also Mr. Poole's CATS, in 1,000 houses"
    assert Rouge155Tokenizer(stem=False).tokenize(text) == (
        ["the", "dogs", "weren", "t", "running", "also", "mr", "poole", "s", "cats", "in", "1", "000", "houses"]
    )
    stopped = Rouge155Tokenizer(stop_words=True).tokenize(text)
    assert stopped == ["dog", "weren", "run", "mr", "pool", "cat", "1", "000", "hous"]
    name = Rouge155Tokenizer(stem=False, stop_words=True).name
    assert name == "ROUGE-1.5.5 words without stems and without stop words"


def test_several_references() -> None:
    metric = Metric.of("rouge1")
    counter = Counter155((metric,), Rouge155Tokenizer())
    candidate, references = ["a b c d"], [["a"], ["a b x y z v"], []]
    assert counter.figures(candidate, references, "A")[0] == (round(3 / 12, 5), round(3 / 7, 5), 0.31579)
    assert counter.figures(candidate, references, "B")[0] == (0.25, 1.0, 0.4)
    hits = counter.hits(candidate, references)[0]
    assert of_several(metric, hits, "B") is hits[0]
    weighted = Counter155((Metric.of("rougeW"),), Rouge155Tokenizer())
    assert weighted.figures(["a b"], [[], ["x"], ["a b"]], "B")[0][0] == 1.0


def test_alpha_weighs_precision() -> None:
    figures = [
        Counter155((Metric.of("rouge1"),), Rouge155Tokenizer(), alpha=alpha).figures(["a b"], [["a b c d"]], "A")[0][2]
        for alpha in (0, 0.5, 1)
    ]
    assert figures == [0.5, 0.66667, 1.0]


@pytest.mark.parametrize(
    "name", ["rouge", "rouge0", "rougeX", "rougeS", "rougeSU", "rougeW-", "rougeW-0", "rougeW-11", "ROUGE-1", 1]
)
def test_no_such_metric(name) -> None:
    with pytest.raises(bertsum.BertsumError, match="metric: got .*such as rouge1"):
        Metric.of(name)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit_words": -1}, "limit_words: got -1"),
        ({"limit_bytes": 2.5}, "limit_bytes: got 2.5"),
        ({"limit_words": 1, "limit_bytes": 1}, "got both"),
        ({"alpha": 2}, "alpha: got 2"),
    ],
)
def test_wrong_options(options, message) -> None:
    with pytest.raises(bertsum.BertsumError, match=message):
        Counter155((Metric.of("rouge1"),), Rouge155Tokenizer(), **options)


@pytest.mark.parametrize("name", ["rougeLsum", "rougeW", "rougeS*"])
def test_too_long_texts(name) -> None:
    long = ["a b"] * 6000
    with pytest.raises(bertsum.BertsumError, match=r"ROUGE-.* 12,000 words cannot be compared .* of 12,000 words"):
        Counter155((Metric.of(name),), Rouge155Tokenizer()).hits(long, [long])


def test_pairs_that_lie_close_are_few() -> None:
    long = ["a b"] * 6000
    assert Counter155((Metric.of("rougeS0"),), Rouge155Tokenizer()).hits(long, [long])[0][0].common == 11_999


def test_titles_are_perls() -> None:
    names = ["rouge1", "rougeLsum", "rougeW", "rougeW-1.50", "rougeS4", "rougeSU10", "rougeS*"]
    titles = ["ROUGE-1", "ROUGE-L", "ROUGE-W-1.2", "ROUGE-W-1.50", "ROUGE-S4", "ROUGE-SU10", "ROUGE-S*"]
    assert [Metric.of(name).title for name in names] == titles


def test_samples_are_perls() -> None:
    # perl -e 'srand(7); print int(rand(80)), " " for 1..80': it begins with 21 54 21 10 39 23
    one_hot = np.eye(80)
    drawn = np.rint(perl_means(one_hot, 8)[7] * 80).astype(int)
    assert drawn.sum() == 80
    assert drawn[[21, 54, 10, 39, 23]].min() >= 1
    # perl -e 'for $s (0..2) {srand($s); print int(rand(3)), " " for 1..3}' prints 0 2 0 0 1 2 2 0 1
    means = perl_means(np.array([[0.0], [1.0], [10.0]]), 3)
    assert (3 * means).round().ravel().tolist() == [10, 11, 11]


def test_intervals_are_perls() -> None:
    means = np.arange(1000.0)[::-1, None]
    assert [ends.tolist() for ends in perl_interval(means, 95)] == [[25.0], [974.0]]
    assert [ends.tolist() for ends in perl_interval(means[:10], 90)] == [[990.5], [998.5]]
