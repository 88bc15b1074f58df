"""The interface of rouge-score, with the counts of ROUGE-1.5.5."""

from __future__ import annotations

import gzip
import json

import pytest
from conftest import SHARED, needs_shared
from hypothesis import given
from hypothesis import strategies as st
from rouge_score import rouge_scorer, scoring

import bertsum
from bertsum.evaluation.rouge import tokenizer_for
from bertsum.evaluation.rouge155 import Rouge155Tokenizer
from bertsum.evaluation.rouge_scorer import Score

NAMES = ["rouge1", "rouge2", "rouge4", "rougeL", "rougeLsum"]
words = st.sampled_from(["the", "a", "cat", "dogs", "sat", "running", "Mat.", "big-eyed", "7", "-", "模型", "é"])
texts = st.lists(st.lists(words, max_size=12).map(" ".join), max_size=4).map("\n".join)


def rounded(scores) -> dict[str, tuple[float, float]]:
    return {name: (round(score.precision, 5), round(score.recall, 5)) for name, score in scores.items()}


@given(texts, texts, st.booleans())
def test_equal_to_rouge_score(target: str, prediction: str, stem: bool) -> None:
    theirs = rouge_scorer.RougeScorer(NAMES, tokenizer=Rouge155Tokenizer(stem)).score(target, prediction)
    ours = bertsum.RougeScorer(NAMES, use_stemmer=stem).score(target, prediction)
    assert list(ours) == list(theirs)
    assert rounded(ours) == rounded(theirs)
    assert all(score.fmeasure == pytest.approx(theirs[name].fmeasure, abs=2e-5) for name, score in ours.items())


@given(st.lists(texts, min_size=1, max_size=3), texts)
def test_equal_to_rouge_score_with_several_targets(targets: list[str], prediction: str) -> None:
    theirs = rouge_scorer.RougeScorer(NAMES, tokenizer=tokenizer_for("ru")).score_multi(targets, prediction)
    for scorer in (
        bertsum.RougeScorer(NAMES, tokenizer=tokenizer_for("ru")),
        bertsum.RougeScorer(NAMES, language="ru"),
    ):
        ours = scorer.score_multi(targets, prediction)
        assert all(score.fmeasure == pytest.approx(theirs[name].fmeasure, abs=2e-5) for name, score in ours.items())


@needs_shared
def test_equal_to_perl() -> None:
    with gzip.open(SHARED / "golden" / "rouge155" / "options.json.gz", "rt", encoding="utf-8") as file:
        golden = json.load(file)
    names = {"rouge1": "rouge1", "rougeLsum": "rougeL", "rougeW": "rougeW-1.2", "rougeSU4": "rougeSU4"}
    results = next(results for results in golden["results"] if results["documents"] == "tldr")
    scorer = bertsum.RougeScorer(list(names), use_stemmer=True, average="A")
    for pair, perl in zip(golden["pairs"]["tldr"], results["scores"], strict=True):
        scores = scorer.score_multi(pair["references"], pair["candidate"])
        for name, (precision, recall, f) in scores.items():
            assert [recall, precision, f] == perl[names[name]]


def test_arguments_of_rouge_score() -> None:
    scorer = bertsum.RougeScorer(["rouge1", "rougeLsum"], True, True)
    scores = scorer.score("It rained. The dogs barked.", "The dog barks. It rains.")
    assert scores == {"rouge1": Score(1.0, 1.0, 1.0), "rougeLsum": Score(1.0, 1.0, 1.0)}
    assert scorer.rouge_types == ["rouge1", "rougeLsum"]
    assert scores["rouge1"]._fields == scoring.Score._fields
    unsplit = bertsum.RougeScorer(["rougeLsum"], use_stemmer=True)
    assert unsplit.score("It rained. The dogs barked.", "The dog barks. It rains.")["rougeLsum"].fmeasure == 0.6
    assert unsplit.score(["It rained.", "Dogs bark."], ["Dogs bark.", "It rained."])["rougeLsum"].recall == 1.0


def test_options_of_perl() -> None:
    target, prediction = ["the cat saw the mat"], "a cat ran away"
    assert bertsum.RougeScorer(["rouge1"], stop_words=True).score_multi(target, prediction)["rouge1"][:2] == (0.5, 0.5)
    limited = bertsum.RougeScorer(["rouge1"], limit_words=2).score_multi(target, prediction)
    assert limited == {"rouge1": Score(0.5, 0.5, 0.5)}
    assert bertsum.RougeScorer(["rouge1"], limit_bytes=4).score_multi(target, prediction)["rouge1"].recall == 0.0
    several = {
        average: bertsum.RougeScorer(["rouge1"], average=average).score_multi(["a b", "a c d e f g"], "a c d")["rouge1"]
        for average in (None, "A", "B")
    }
    assert several == {
        None: Score(1.0, 0.5, 0.66667),
        "A": Score(0.66667, 0.5, 0.57143),
        "B": Score(round(1 / 3, 5), 0.5, 0.4),
    }


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bertsum.RougeScorer("rouge1"), "rouge_types: got str"),
        (lambda: bertsum.RougeScorer([]), "rouge_types: got none"),
        (lambda: bertsum.RougeScorer(["rouge"]), "metric: got 'rouge'"),
        (lambda: bertsum.RougeScorer(["rouge1"], average="C"), "average: got 'C'"),
        (lambda: bertsum.RougeScorer(["rouge1"], language="de", stop_words=True), "stop_words: got True"),
        (lambda: bertsum.RougeScorer(["rouge1"], True, language="de"), "use_stemmer: got True"),
        (lambda: bertsum.RougeScorer(["rouge1"], alpha="x"), "alpha: got 'x', expected a number from 0 to 1"),
        (lambda: bertsum.RougeScorer(["rouge1"]).score(None, "a"), "target: got NoneType"),
        (lambda: bertsum.RougeScorer(["rouge1"]).score("a", b"a"), "prediction: got bytes"),
        (lambda: bertsum.RougeScorer(["rouge1"]).score_multi("a", "a"), "targets: got str"),
        (lambda: bertsum.RougeScorer(["rouge1"]).score_multi([], "a"), "targets: got none"),
        (lambda: bertsum.BootstrapAggregator(confidence_interval=95), "confidence_interval: got 95"),
        (lambda: bertsum.BootstrapAggregator(confidence_interval="x"), "confidence_interval: got 'x'"),
        (lambda: bertsum.BootstrapAggregator(n_samples=0), "n_samples: got 0"),
        (lambda: bertsum.BootstrapAggregator(n_samples="3"), "n_samples: got '3', expected a whole number"),
        (lambda: bertsum.BootstrapAggregator(n_samples=10.5), r"n_samples: got 10\.5, expected a whole number"),
    ],
)
def test_wrong_arguments(call, message) -> None:
    with pytest.raises(bertsum.BertsumError, match=message):
        call()


def test_aggregator() -> None:
    theirs = scoring.BootstrapAggregator(0.9, 2000)
    ours, again = (bertsum.BootstrapAggregator(0.9, 2000) for _ in range(2))
    for number in range(100):
        scores = {"rouge1": scoring.Score(number / 100, (number % 7) / 7, (number % 5) / 5), "words": number / 100}
        for aggregator in (theirs, ours, again):
            aggregator.add_scores(scores)
    made, expected = ours.aggregate()["rouge1"], theirs.aggregate()["rouge1"]
    assert made._fields == expected._fields
    assert isinstance(made.low, scoring.Score)
    for end, other in zip(made, expected, strict=True):
        assert tuple(end) == pytest.approx(tuple(other), abs=0.01)
    assert ours.aggregate()["words"] == pytest.approx([end.precision for end in made], abs=1e-12)
    assert ours.aggregate() == again.aggregate()
    assert bertsum.BootstrapAggregator().aggregate() == {}


def test_aggregator_has_the_intervals_of_rouge() -> None:
    candidates, references = ["a b", "a c", "d", "e f"], ["a b c", "a", "d e", "x"]
    scorer, aggregator = bertsum.RougeScorer(["rouge1"], use_stemmer=True), bertsum.BootstrapAggregator(n_samples=50)
    for candidate, reference in zip(candidates, references, strict=True):
        aggregator.add_scores(scorer.score(reference, candidate))
    whole = bertsum.rouge(candidates, references, bootstrap_samples=50)["rouge1"]
    low, _, high = aggregator.aggregate()["rouge1"]
    assert (low.fmeasure, high.fmeasure) == pytest.approx(whole.fmeasure_interval)
