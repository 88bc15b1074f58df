"""ROUGE: equal to Perl's, right in other languages, honest intervals."""

from __future__ import annotations

import gzip
import json
import warnings

import numpy as np
import pandas
import pytest
from conftest import SHARED, needs_shared
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

import bertsum
from bertsum.data.stemmer import base_form
from bertsum.evaluation.rouge import document_rouge, summarize_scores, tokenizer_for
from bertsum.results import FIGURES, METRICS


@needs_shared
def test_equal_to_rouge_155() -> None:
    lines = (SHARED / "golden" / "rouge155" / "pairs.jsonl").read_text(encoding="utf-8").splitlines()
    pairs = [json.loads(line) for line in lines]
    assert len(pairs) == 300
    scores = document_rouge([p["candidate"] for p in pairs], [p["reference"] for p in pairs])
    for pair, own in zip(pairs, scores, strict=True):
        for m, metric in enumerate(METRICS):
            for f, figure in enumerate(FIGURES):
                assert f"{own[m, f]:.5f}" == f"{pair['rouge'][metric][figure]:.5f}", (pair["id"], metric, figure)


@needs_shared
def test_every_word_is_counted_as_perl_counts_it() -> None:
    with gzip.open(SHARED / "golden" / "rouge155" / "stems.tsv.gz", "rt", encoding="utf-8") as lines:
        words = dict(line.rstrip("\n").split("\t") for line in lines)
    assert len(words) == 117_907
    assert {word: base_form(word) for word in words} == words


@pytest.mark.parametrize(
    ("words", "forms"),
    [
        ("representation agreement additionally commissioner analogy", "repres agreem addit commiss analog"),
        ("possibly sensibly mission relational yelled yellow falling dying", "possibl sensibl mission relat yell"),
        ("best better offer testes involucra aurar mice", "well well offer testes involucrum eyrir mouse"),
        ("ashes cognosenti halfpence lisente morses staretsy", "ash cognosenti halfpenc lisent mors staretsi"),
        ("gas was its a", "gas was its a"),
    ],
)
def test_stems_of_rouge_155(words: str, forms: str) -> None:
    wanted = forms.split()
    assert [base_form(word) for word in words.split()][: len(wanted)] == wanted


def test_words() -> None:
    tokens = tokenizer_for("en").tokenize("The mice-like Children's 5.5% growing; houses")
    assert tokens == ["the", "mouse", "like", "child", "s", "5", "5", "grow", "hous"]
    assert tokenizer_for("zh").tokenize("模型BERT很好。") == ["模", "型", "bert", "很", "好"]
    assert tokenizer_for("ru").tokenize("Привет, мир_2!") == ["привет", "мир", "2"]
    names = {language: tokenizer_for(language).name for language in ("en-US", "ja", "de")}
    assert names == {"en-US": "ROUGE-1.5.5 words with Porter stems", "ja": "characters", "de": "Unicode words"}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The cat sat. It ran."),
        ("zh", "天气很好。"),
        ("ar", "مرحبا بالعالم"),
        ("hi", "यह एक वाक्य है"),
        ("ru", "Привет мир"),
    ],
)
def test_a_text_with_itself_is_1(language, text) -> None:
    score = bertsum.rouge([text], [text], language=language)
    assert all(score[metric].fmeasure == 1.0 for metric in METRICS)
    assert score["rouge1"].fmeasure_interval == (1.0, 1.0)


def test_hand_counted() -> None:
    score = bertsum.rouge([["the cat sat", "on the mat"]], [["the cat on a mat"]])
    assert score["rouge1"].precision == pytest.approx(4 / 6, abs=1e-5)
    assert score["rouge1"].recall == pytest.approx(4 / 5, abs=1e-5)
    assert score["rouge2"].precision == pytest.approx(1 / 5, abs=1e-5)


def test_several_references() -> None:
    candidate, references = ["a big cat"], [["a big cat"], ["a dog"]]
    best = bertsum.rouge([candidate], [references], several="best")["rouge1"].fmeasure
    mean = bertsum.rouge([candidate], [references])["rouge1"].fmeasure
    assert best == 1.0
    assert mean == pytest.approx((1 + 0.4) / 2, abs=1e-5)


def test_limited_length_recall() -> None:
    candidate = [["the cat sat on the mat", "and the dog ran away"]]
    limited = bertsum.rouge(candidate, [["the dog ran"]], limit_to_reference=True)
    assert limited["rouge1"].recall == pytest.approx(1 / 3, abs=1e-5)  # of "the cat sat"
    assert bertsum.rouge(candidate, [["the dog ran"]])["rouge1"].recall == 1.0
    two = bertsum.rouge([["one two", "three four", "five"]], [["three three three"]], limit_to_reference=True)
    assert two["rouge1"].precision == pytest.approx(1 / 3, abs=1e-5)  # of "one two" and "three"


def test_intervals_hold_the_mean_and_shrink() -> None:
    random = np.random.default_rng(0)
    few, many = random.random((30, 3, 3)), random.random((3000, 3, 3))
    widths = []
    for scores in (few, many):
        result = summarize_scores(scores)["rouge1"]
        low, high = result.fmeasure_interval
        assert result.fmeasure == pytest.approx(scores[:, 0, 2].mean())
        assert low < result.fmeasure < high
        widths.append(high - low)
    assert widths[1] == pytest.approx(2 * 1.96 * many[:, 0, 2].std() / 3000**0.5, rel=0.15)
    assert widths[1] < widths[0] / 5
    assert summarize_scores(few) == summarize_scores(few)


def test_processes_do_not_matter() -> None:
    candidates = [f"word{n} and the other word" for n in range(300)]
    references = [f"word{n} or another" for n in range(300)]
    one = document_rouge(candidates, references, workers=1)
    assert np.array_equal(one, document_rouge(candidates, references, workers=2, progress="rouge"))


def test_newlines_inside_a_sentence_do_not_split_it() -> None:
    assert bertsum.rouge([["a b\nc d"]], [["c d a b"]]) == bertsum.rouge([["a b c d"]], [["c d a b"]])


@pytest.mark.parametrize(
    ("candidates", "references", "message"),
    [
        ("text", ["a"], "a string"),
        (["a"], ["a", "b"], "1 candidates for 2 references"),
        ([], [], "no documents"),
        ([[1]], ["a"], "candidate 0"),
        (["a"], [[["a"], [2]]], "reference 0"),
        ([None], ["a"], "candidate 0"),
        (["a"], [None], "reference 0"),
    ],
)
def test_bad_input(candidates, references, message) -> None:
    with pytest.raises(bertsum.BertsumError, match=message):
        bertsum.rouge(candidates, references)


def test_references_of_another_language_are_told() -> None:
    with pytest.raises(bertsum.BertsumError, match="language: got en"):
        bertsum.rouge(["今天下雨了。"], ["今天下雨了。"])
    with pytest.warns(UserWarning, match=r"language: got en-US.* 2 of 3 references \(1, 2\)"):
        bertsum.rouge([["a"]] * 3, [["A café, naïve."], ["В 5 часов"], [["一个 BERT 模型"], ["好"]]], "en-US")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bertsum.rouge([["天"]] * 2, [["今天下雨了。"], ["Привет"]], "zh")
        bertsum.rouge([["a"]] * 2, [["今天下雨了。"], ["Привет"]], "auto")
        bertsum.rouge([["a"]], [["... €"]])


def test_several_sentences_on_one_line_get_a_hint() -> None:
    for line in ("It rained all day. We stayed.", "天晴。我们走了。", 'He "left!" They came.'):
        with pytest.warns(UserWarning, match="candidate 0 has several sentences on one line"):
            bertsum.rouge([line], [["It rained."]])
        with pytest.warns(UserWarning, match="reference 1 has several"):
            bertsum.rouge([["It rained."]] * 2, [["It rained."], line])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for line in (
            "Dr. Bell came at 5 p.m. on foot.",
            "It rained.\nWe stayed.",
            "It rained all day.",
            ["It. We go."],
        ):
            bertsum.rouge([line], [["It rained."]])


def test_whatever_lists_texts() -> None:
    texts = ["the cat sat", "a dog ran"]
    expected = bertsum.rouge(texts, [["the cat ran"], ["a dog"]])
    for column in (tuple(texts), iter(texts), np.array(texts), pandas.Series(texts)):
        assert bertsum.rouge(column, iter([["the cat ran"], ("a dog",)])) == expected
    with pytest.raises(bertsum.BertsumError, match="candidates: got bytes, .*decode them"):
        bertsum.rouge(b"text", ["a"])
    with pytest.raises(bertsum.BertsumError, match="candidate 1: got nan"):
        bertsum.rouge(["a", float("nan")], ["a", "b"])
    with pytest.raises(bertsum.BertsumError, match="references: got DataFrame"):
        bertsum.rouge(["a"], pandas.DataFrame({"text": ["a"]}))


def test_empty_summaries_score_0() -> None:
    assert bertsum.rouge([[]], ["a reference"])["rougeL"].fmeasure == 0.0
    assert bertsum.rouge(["..."], ["a reference"])["rouge1"].precision == 0.0


words = st.sampled_from(["the", "a", "cat", "dogs", "sat", "running", "Mat.", "big-eyed", "7", "-", "模型", "é"])
summaries = st.lists(st.lists(words, max_size=25).map(" ".join), max_size=4)


@given(summaries, summaries, st.sampled_from(["en", "zh", "ru"]))
def test_equal_to_rouge_score(candidate: list[str], reference: list[str], language: str) -> None:
    scorer = RougeScorer(["rouge1", "rouge2", "rougeLsum"], tokenizer=tokenizer_for(language))
    slow = scorer.score("\n".join(reference), "\n".join(candidate))
    own = document_rouge([candidate], [[reference]], language)[0]
    for metric, (precision, recall, _) in zip(slow.values(), own, strict=True):
        assert (precision, recall) == (round(metric.precision, 5), round(metric.recall, 5))
