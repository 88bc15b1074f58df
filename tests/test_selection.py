"""Selection: limits, blocking, order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertsum.config import SelectionConfig
from bertsum.errors import BertsumError
from bertsum.models.selection import answering, preferred, select_sentences

TEXTS = ["one two three four", "five six seven", "one two three again", "eight nine", "ten"]
SCORES = [0.9, 0.2, 0.8, 0.5, 0.7]


def test_count_and_order() -> None:
    assert select_sentences(SCORES, TEXTS, sentences=3) == [0, 2, 4]
    assert select_sentences(SCORES, TEXTS, sentences=3, order="score") == [0, 2, 4]
    assert select_sentences([0.1, 0.9, 0.5], TEXTS[:3], sentences=2, order="score") == [1, 2]
    assert select_sentences(SCORES, TEXTS, sentences=9) == [0, 1, 2, 3, 4]
    assert select_sentences([0.5, 0.5], TEXTS[:2], sentences=1) == [0]


def test_trigram_blocking() -> None:
    assert select_sentences(SCORES, TEXTS, sentences=3, trigram_blocking=True) == [0, 3, 4]
    chinese = ["今天天气很好，我们去河边慢慢散步", "他说，我们去河边慢慢散步。", "今天天气很好"]
    assert select_sentences([0.9, 0.8, 0.7], chinese, sentences=2, trigram_blocking=True) == [0, 2]


def test_other_limits() -> None:
    assert select_sentences(SCORES, TEXTS, sentences=None, ratio=0.4) == [0, 2]
    assert select_sentences(SCORES, TEXTS, sentences=None, ratio=0.1) == [0]
    assert len(select_sentences(SCORES, TEXTS, sentences=None, ratio=0.59)) == 2
    assert select_sentences(SCORES, TEXTS, sentences=None, ratio=0.4, document_sentences=10) == [0, 2, 3, 4]
    assert select_sentences(SCORES, TEXTS, sentences=None, threshold=0.6) == [0, 2, 4]
    assert select_sentences(SCORES, TEXTS, sentences=None, threshold=0.95) == [0]
    assert select_sentences(SCORES, TEXTS, sentences=None, max_words=7) == [0, 3, 4]
    assert select_sentences(SCORES, TEXTS, sentences=None, max_words=0) == []
    assert select_sentences(SCORES, TEXTS, sentences=2, threshold=0.6, max_words=5) == [0, 4]


def test_bad_scores() -> None:
    with pytest.raises(BertsumError, match="2 scores for 1"):
        select_sentences([0.1, 0.2], ["a"])
    with pytest.raises(BertsumError, match="not a number"):
        select_sentences([float("nan")], ["a"])


@given(
    st.lists(st.tuples(st.floats(0, 1), st.text(alphabet="ab 今", max_size=12)), max_size=20),
    st.one_of(st.none(), st.integers(1, 5)),
    st.one_of(st.none(), st.floats(0.01, 1)),
    st.one_of(st.none(), st.integers(1, 9)),
    st.one_of(st.none(), st.floats(0, 1)),
    st.booleans(),
)
def test_always_valid(pairs, sentences, ratio, max_words, threshold, blocking) -> None:
    scores, texts = [score for score, _ in pairs], [text for _, text in pairs]
    limits = {"sentences": sentences, "ratio": ratio, "max_words": max_words, "threshold": threshold}
    chosen = select_sentences(scores, texts, **limits, trigram_blocking=blocking)
    assert chosen == sorted(set(chosen))
    assert all(0 <= index < len(texts) for index in chosen)
    assert sentences is None or len(chosen) <= sentences
    if texts and max_words is None:
        assert chosen


def test_sentences_beyond_the_first_window_are_preferred_less() -> None:
    places, scores = [0, 99, 200, 400], [0.2, 0.3, 0.6, 0.8]
    assert preferred(scores, places, 100, SelectionConfig(place_weight=1.0)) == pytest.approx([0.2, 0.3, 0.3, 0.2])
    assert preferred(scores, places, 100, SelectionConfig(place_weight=0.5))[3] == pytest.approx(0.4)
    for unchanged in (SelectionConfig(), SelectionConfig(place_weight=1.0, threshold=0.1)):
        assert preferred(scores, places, 100, unchanged) == scores
    assert answering(SelectionConfig(place_weight=1.0, query_threshold=0.5)).place_weight == 0.0
