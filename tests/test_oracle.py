"""The greedy oracle against the authors' results, a slow and obvious version, and other scripts."""

from __future__ import annotations

import itertools
import json
import math
import re

import numpy as np
import pytest
from conftest import SHARED, needs_shared
from hypothesis import given
from hypothesis import strategies as st

import bertsum
from bertsum.data import oracle
from bertsum.data.oracle import greedy_oracle, greedy_oracles, oracle_words, soft_oracle, soft_oracles

GOLDEN = SHARED / "golden" / "presumm" / "preprocess.jsonl"


@needs_shared
@pytest.mark.parametrize("mode", ["paper", "unicode"])
def test_equal_to_the_authors(mode) -> None:
    documents = [json.loads(line) for line in GOLDEN.read_text(encoding="utf-8").splitlines()]
    assert len(documents) == 86
    for document in documents:
        sentences = [" ".join(words) for words in document["src"]]
        summary = [" ".join(words) for words in document["tgt"]]
        # The original returns the order of choice where it stops early.
        assert greedy_oracle(sentences, summary, 3, mode) == sorted(document["oracle"])


def slow_oracle(sentences: list[str], summary: str, size: int) -> list[int]:
    """As one writes it down from the paper."""

    def words(text: str) -> list[str]:
        return re.sub(r"[^a-zA-Z0-9 ]", "", text).split()

    def grams(text: list[str], n: int) -> set[tuple[str, ...]]:
        return {tuple(text[i : i + n]) for i in range(len(text) - n + 1)}

    def score(chosen: list[int]) -> float:
        total = 0.0
        for n in (1, 2):
            reference = grams(words(summary), n)
            candidate = set().union(*(grams(words(sentences[i]), n) for i in chosen))
            hits = len(candidate & reference)
            precision = hits / len(candidate) if candidate else 0.0
            recall = hits / len(reference) if reference else 0.0
            total += 2.0 * ((precision * recall) / (precision + recall + 1e-8))
        return total

    chosen: list[int] = []
    best = 0.0
    for _ in range(size):
        options = [(score([*chosen, i]), -i) for i in range(len(sentences)) if i not in chosen]
        top = max(options, default=(0.0, 0))
        if top[0] <= best:
            break
        best = top[0]
        chosen.append(-top[1])
    return sorted(chosen)


text = st.lists(st.sampled_from(["the", "a", "cat", "dog", "sat", "ran,", "Mat.", "big", "7", "-"]), max_size=9).map(
    " ".join
)


@given(st.lists(text, max_size=7), text, st.integers(1, 4))
def test_equal_to_the_slow_version(sentences, summary, size) -> None:
    expected = slow_oracle(sentences, summary, size)
    assert greedy_oracle(sentences, summary, size, "paper") == expected
    assert greedy_oracle(sentences, summary, size) == expected


@pytest.mark.parametrize(
    ("sentences", "summary", "chosen"),
    [
        (["天气很好。", "模型学习摘要。", "猫在睡觉。"], "模型学会写摘要", [1]),
        (["Погода хорошая.", "Модель учит резюме."], "модель учит резюме", [1]),
        (["الطقس جميل", "النموذج يتعلم التلخيص"], "النموذج يتعلم", [1]),
        (["मौसम अच्छा है", "मॉडल सारांश सीखता है"], "मॉडल सारांश", [1]),
    ],
)
def test_other_scripts_have_labels(sentences, summary, chosen) -> None:
    assert greedy_oracle(sentences, summary) == chosen
    assert greedy_oracle(sentences, summary, mode="paper") == []


def test_several_references() -> None:
    sentences = ["alpha beta gamma", "delta epsilon", "zeta eta theta"]
    references = [["alpha beta gamma"], ["delta epsilon"]]
    assert greedy_oracle(sentences, references, 1, references="best") == [0]
    assert greedy_oracle(sentences, references, 2, references="mean") == [0, 1]
    assert greedy_oracle(sentences, references, 3, references="best") == [0]


def test_nothing_shared_and_bad_input() -> None:
    assert greedy_oracle(["a b"], "c d") == []
    assert greedy_oracle([], "c d") == []
    with pytest.raises(bertsum.BertsumError, match="sentences"):
        greedy_oracle("a text", "c d")
    with pytest.raises(bertsum.BertsumError, match="mode: got 'papr'"):
        greedy_oracle(["a"], "a", mode="papr")
    with pytest.raises(bertsum.BertsumError, match="summary"):
        greedy_oracle(["a"], None)
    with pytest.raises(bertsum.BertsumError, match="summary"):
        greedy_oracle(["a"], [["x"], [3]])  # type: ignore[list-item]


def test_normalisation() -> None:
    assert oracle_words("It's 5-fold, isn't it?") == oracle_words("It's 5-fold, isn't it?", "paper")
    assert oracle_words("café_x") == ["caféx"]


def brute_force(sentences: list[str], reference: str, temperature: float) -> list[float]:
    """The soft oracle from its definition, over all extracts."""

    def f1(extract: tuple[int, ...], n: int) -> float:
        def grams(text: str) -> set[tuple[str, ...]]:
            words = text.split()
            return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}

        own, target = set().union(*(grams(sentences[i]) for i in extract)), grams(reference)
        common = len(own & target)
        return 2 * common / (len(own) + len(target)) if own or target else 0.0

    extracts = [e for size in (1, 2, 3) for e in itertools.combinations(range(len(sentences)), size)]
    weights = {e: math.exp((f1(e, 1) + f1(e, 2)) / temperature) for e in extracts}
    total = sum(weights.values())
    return [sum(w for e, w in weights.items() if i in e) / total for i in range(len(sentences))]


def test_soft_oracle_is_its_definition() -> None:
    sentences = ["a b c d", "c d e", "e f g a", "a g h", "b b c h"]
    for temperature in (0.02, 0.05, 1.0):
        expected = brute_force(sentences, "a b c d h g", temperature)
        assert soft_oracle(sentences, "a b c d h g", 3, temperature) == pytest.approx(expected, abs=1e-6)


def test_soft_oracle() -> None:
    sentences = ["no word of it", "the council met", "", "it rained all day", "a bridge"]
    labels = soft_oracle(sentences, ["The the council met", "it rained"], 3, temperature=0.001)
    assert labels == pytest.approx([0, 1, 0, 1, 0], abs=1e-6)  # towards 0: the best extract alone
    assert soft_oracle(sentences, "nothing", 3) == [0.0] * 5
    assert soft_oracle([], "nothing") == []
    assert soft_oracle(["a b", "c d"], [["a b"], ["c d"]], 1, references="mean") == pytest.approx([0.5, 0.5])
    long = [f"word{n} a" for n in range(500)]
    assert sum(label > 0 for label in soft_oracle(long, "a b")) == 12


documents = st.lists(
    st.tuples(st.lists(text, max_size=6), st.lists(st.lists(text, max_size=3), max_size=3)), max_size=6
)


@given(documents, st.integers(0, 4), st.sampled_from(["mean", "best"]))
def test_many_at_once_are_as_one_by_one(many, size, references) -> None:
    alone = [greedy_oracle(sentences, summary, size, references=references) for sentences, summary in many]
    assert greedy_oracles(many, size, references=references) == alone
    soft = [soft_oracle(sentences, summary, size, references=references) for sentences, summary in many]
    assert soft_oracles(many, size, references=references) == [pytest.approx(labels) for labels in soft]


def test_numbers_of_a_book_do_not_overflow(monkeypatch) -> None:
    many = [(["a b c", "d e", "a d e f"], "d e f"), (["x y", "b c"], [["b c"], ["x"]])]
    expected = greedy_oracles(many)
    monkeypatch.setattr(oracle, "_LARGEST", 1)
    assert greedy_oracles(many) == expected == [[2], [1]]


def test_whatever_lists_sentences() -> None:
    sentences = ["It rained all day.", "The mill was sold."]
    for listed in (tuple(sentences), iter(sentences), np.array(sentences)):
        assert bertsum.greedy_oracle(listed, iter(["The mill"]), max_sentences=1) == [1]
    with pytest.raises(bertsum.BertsumError, match="sentences: got bytes, .*decode them"):
        bertsum.greedy_oracle([b"It rained."], "It rained.")
