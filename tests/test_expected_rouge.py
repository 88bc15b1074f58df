"""Extracts by their expected ROUGE: features and choice beside a slow version, limits, fitting, saved models."""

from __future__ import annotations

import itertools
import json
import math
import random
from dataclasses import replace

import numpy as np
import pytest
from conftest import sentences_of
from hypothesis import given
from hypothesis import strategies as st
from models import build

import bertsum
from bertsum.cli import main
from bertsum.config import SelectionConfig
from bertsum.errors import BertsumError
from bertsum.evaluation.fitting import ScoredDocument, fit_expected_rouge, tell_choice
from bertsum.models import expected_rouge
from bertsum.models.expected_rouge import ExpectedRouge, NgramNetwork, Ngrams, words_of
from bertsum.models.selection import blocking_ngrams

TEXTS = [
    "The old bridge reopens on Monday after two years.",
    "The bridge, which is old, reopens on Monday after all.",
    "The council paid nine million for new cables.",
    "Nobody was hurt.",
    "Weather permitting, a parade of boats starts at noon.",
    "Cables were hung by hand in the winter of the storm.",
]
SCORES = [0.9, 0.85, 0.6, 0.1, 0.3, 0.5]
PLACES = list(range(len(TEXTS)))


def network(seed: int, length: float = 8.0) -> NgramNetwork:
    draw = random.Random(seed)
    hidden = tuple(tuple(draw.gauss(0, 1) for _ in range(expected_rouge.FEATURES)) for _ in range(2))
    return NgramNetwork(hidden, (0.1, -0.2), (0.7, -0.9), 0.3, length)


MADE = ExpectedRouge(network(1), network(2, 7.0), 100)


def ngrams_of(words: list[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(words[start : start + n]) for start in range(len(words) - n + 1)]


def slow_features(
    words: list[list[str]], scores: list[float], places: list[int], ngram: tuple[str, ...]
) -> list[float]:
    """What is known of one n-gram, as its definition says."""
    n = len(ngram)
    having = [number for number, own in enumerate(words) if ngram in ngrams_of(own, n)]
    total, best = sum(scores[number] for number in having), max(scores[number] for number in having)
    most = max(ngrams_of(words[number], n).count(ngram) for number in having)
    characters = sum(map(len, ngram)) / n
    return [
        total, total / max(sum(scores), 1e-4), best, math.log(best + 1e-4), math.log(len(having)),
        len(having) / len(words), math.log1p(min(places[number] for number in having)), most - 1,
        math.log1p(characters),
    ]  # fmt: skip


def slow_value(made: ExpectedRouge, extract: tuple[int, ...], texts: list[str], scores: list[float]) -> float:
    """The expected ROUGE-1 and ROUGE-2 of an extract, as the formula says."""
    words = [words_of(text) for text in texts]
    value = 0.0
    for n, one in ((1, made.unigrams), (2, made.bigrams)):
        of_extract = [ngram for place in extract for ngram in ngrams_of(words[place], n)]
        hits = 0.0
        for ngram in set(of_extract):
            known = slow_features(words, scores, list(range(len(texts))), ngram)
            inner = [
                math.tanh(np.dot(row, known) + bias) for row, bias in zip(one.hidden, one.hidden_bias, strict=True)
            ]
            hits += 1 / (1 + math.exp(-(np.dot(inner, one.output) + one.output_bias)))
        value += 2 * hits / (len(of_extract) + one.length)
    return value


def choose(made: ExpectedRouge = MADE, scores: list[float] = SCORES, **values) -> list[int]:
    selection = replace(SelectionConfig(candidates=6), **values)
    return made.choose(scores, TEXTS[: len(scores)], PLACES[: len(scores)], selection, len(scores))


def test_words_of_any_script() -> None:
    assert words_of("The bridges' re-opening, 2026: «Brücken» 桥重新开放") == [
        *("the", "bridg", "re", "open", "2026", "brücken"), *"桥重新开放",
    ]  # fmt: skip


@pytest.mark.parametrize("n", [1, 2])
def test_features_are_those_of_a_slow_version(n) -> None:
    words = [words_of(text) for text in [*TEXTS, "", "bridge bridge bridge"]]
    scores, places = [*SCORES, 0.2, 0.0], [0, 1, 2, 5, 6, 9, 10, 11]
    ngrams = Ngrams(words, n)
    features = ngrams.features(np.array(scores), np.array(places))
    slow = [slow_features(words, scores, places, ngram) for ngram in ngrams.number]
    assert features == pytest.approx(np.array(slow))


@pytest.mark.parametrize("sentences", [1, 2, 3, 6])
def test_the_best_extract_is_that_of_a_slow_version(sentences) -> None:
    extracts = [one for size in range(1, sentences + 1) for one in itertools.combinations(PLACES, size)]
    best = max(extracts, key=lambda extract: slow_value(MADE, extract, TEXTS, SCORES))
    assert choose(sentences=sentences) == list(best)


def test_the_margin_tells_what_is_chosen() -> None:
    selection = SelectionConfig(sentences=2, candidates=5)
    chosen = choose(sentences=2, candidates=5)
    margins = [MADE.margin(place, SCORES, TEXTS, PLACES, selection, len(TEXTS)) for place in PLACES]
    assert [place for place, margin in enumerate(margins) if margin > 0] == chosen
    assert margins[3] == -math.inf  # no candidate
    pairs = [one for size in (1, 2) for one in itertools.combinations([0, 1, 2, 4, 5], size)]
    values = {extract: slow_value(MADE, extract, TEXTS, SCORES) for extract in pairs}
    best = [max(value for extract, value in values.items() if (4 in extract) == having) for having in (True, False)]
    assert margins[4] == pytest.approx(best[0] - best[1])
    many = SelectionConfig(sentences=30, candidates=30)
    texts, scores = sentences_of(random.Random(0), 30), [0.5] * 30
    assert MADE.margin(0, scores, texts, list(range(30)), many, 30) is None


def test_only_the_best_sentences_are_candidates() -> None:
    assert set(choose(candidates=2, sentences=None)) <= {0, 1}
    assert choose(candidates=1) == [0]


@pytest.mark.parametrize("sentences", [2, 3, 4])
def test_a_filled_extract_is_that_of_a_slow_version(sentences) -> None:
    """Its reference is as long as the sentences with the best scores are together, if that is longer."""
    best = sorted(PLACES, key=lambda place: -SCORES[place])[:sentences]
    own = [sum(len(ngrams_of(words_of(TEXTS[place]), n)) for place in best) for n in (1, 2)]
    longer = [
        replace(one, length=max(one.length, long)) for one, long in zip((network(1), network(2, 7.0)), own, strict=True)
    ]
    filled = max(
        itertools.combinations(PLACES, sentences),
        key=lambda extract: slow_value(ExpectedRouge(*longer, 100), extract, TEXTS, SCORES),
    )
    assert choose(sentences=sentences, fill=True) == list(filled)


def test_an_extract_is_filled_up_to_its_limits() -> None:
    for count in (1, 3, 5):
        assert len(choose(sentences=count, fill=True, candidates=1)) == count
    assert len(choose(sentences=None, ratio=0.5, fill=True)) == 3
    for budget in (3, 12, 20, 31):
        chosen = choose(sentences=None, max_words=budget, fill=True)
        words = [len(text.split()) for text in TEXTS]
        left = budget - sum(words[place] for place in chosen)
        assert left >= 0
        assert all(words[place] > left for place in PLACES if place not in chosen)
    assert choose(sentences=None, max_words=2, fill=True) == []


def test_what_a_selection_excludes() -> None:
    assert set(choose(sentences=None, threshold=0.55, fill=True)) == {0, 1, 2}
    assert choose(sentences=None, threshold=0.95, fill=True) == [0]
    chosen = choose(sentences=None, trigram_blocking=True, fill=True)
    ngrams = [blocking_ngrams(TEXTS[place]) for place in chosen]
    assert not any(one & other for one, other in itertools.combinations(ngrams, 2))
    assert len(chosen) == 5  # the first two share "reopens on Monday"
    assert choose(order="score", sentences=3, fill=True) == sorted(
        choose(sentences=3, fill=True), key=lambda place: -SCORES[place]
    )
    with pytest.raises(BertsumError, match="not a number"):
        choose(scores=[float("nan")])


def test_no_sentence_and_no_word() -> None:
    assert MADE.choose([], [], [], SelectionConfig(candidates=3), 0) == []
    assert MADE.choose([0.5], ["..."], [0], SelectionConfig(candidates=3), 1) == [0]


@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 6), st.booleans())
def test_an_extract_that_is_built_is_nearly_as_good(seed, count, sentences, fill) -> None:
    draw = random.Random(seed)
    texts, scores = sentences_of(draw, count), [draw.random() for _ in range(count)]
    selection = SelectionConfig(sentences=sentences, candidates=12, fill=fill)
    found = expected_rouge._Candidates(scores, texts, selection, count)
    ngrams = Ngrams([words_of(text) for text in texts], 1)
    members, used = ngrams.members(found.places)
    likely = MADE.unigrams.probabilities(ngrams.features(np.array(scores), np.arange(count))[used])
    part = expected_rouge._Part(members, likely, ngrams.sizes[found.places], 8.0)

    def value(extract: list[int]) -> float:
        hits = likely[members[extract].any(axis=0)].sum()
        return float(2 * hits / (part.sizes[extract].sum() + 8.0))

    extracts, values = expected_rouge._compared(found, [part])
    best = np.flatnonzero(extracts[values.argmax()]).tolist()
    built = expected_rouge._built_extract(found, [part])
    assert 0.75 * value(best) <= value(built) <= value(best) + 1e-9
    if fill:
        assert len(best) == len(built) == min(sentences, count)


def made_documents(count: int) -> list[ScoredDocument]:
    """Documents whose references have the words of the two best sentences."""
    draw = random.Random(0)
    documents = []
    for _ in range(count):
        texts = sentences_of(draw, 10)
        scores = [draw.uniform(0, 0.3) for _ in texts]
        good = sorted(draw.sample(range(10), 2))
        for place in good:
            scores[place] = draw.uniform(0.5, 1)
        documents.append(ScoredDocument(scores, texts, list(range(10)), [" ".join(texts[place] for place in good)]))
    return documents


def test_fitting_learns_which_words_references_have() -> None:
    documents = made_documents(60)
    made = fit_expected_rouge(documents[:40])
    assert made == fit_expected_rouge(documents[:40])
    assert made.documents == 40
    assert made.unigrams.length == made.bigrams.length + 1
    right = 0
    for document in documents[40:]:
        selection = SelectionConfig(sentences=3, candidates=8)
        chosen = made.choose(document.scores, document.texts, document.places, selection, 10)
        right += " ".join(document.texts[place] for place in chosen) == document.references[0]
    assert right >= 16
    with pytest.raises(BertsumError, match="19 documents to fit it on, expected 20"):
        fit_expected_rouge(documents[:19])


@pytest.mark.long
def test_a_training_with_candidates_ends_with_fitting(config_of, tmp_path, capsys) -> None:
    config = config_of(
        "data.validation=sample/english.train.jsonl", "selection.candidates=5", "train.validate_documents=5"
    )
    result = bertsum.train(config)
    summarizer = bertsum.Summarizer.from_pretrained(result.checkpoint)
    saved = summarizer.model.config
    assert saved.expected_rouge is not None
    assert (saved.expected_rouge.documents, saved.selection.candidates) == (60, 5)
    text = " ".join(TEXTS)
    summary = summarizer(text)
    made = saved.expected_rouge.choose(summary.document_scores, summary.document, PLACES, saved.selection, len(TEXTS))
    assert summary.indices == made
    assert len(summarizer(text, sentences=4).indices) == 4
    summarizer.model.save_pretrained(tmp_path / "copy")
    again = bertsum.Summarizer.from_pretrained(tmp_path / "copy")
    assert again.model.config == saved
    assert again(text).indices == summary.indices

    described = json.loads((tmp_path / "copy" / "config.json").read_text())
    del described["expected_rouge"]
    (tmp_path / "copy" / "config.json").write_text(json.dumps(described))
    folders = ["--data.prepared_dir", str(tmp_path / "prepared"), "--data.train", "null", "--data.workers", "1"]
    given = ["--config", "quickstart", "--data.validation", "sample/english.train.jsonl", *folders]
    main(["calibrate", str(tmp_path / "copy"), "--selection.candidates", "5", *given])
    assert "Fitted on 60 documents" in capsys.readouterr().out
    assert bertsum.Summarizer.from_pretrained(tmp_path / "copy").model.config == saved

    described["expected_rouge"] = {"unigrams": {}, "bigrams": {}, "documents": 3}
    (tmp_path / "copy" / "config.json").write_text(json.dumps(described))
    with pytest.raises(BertsumError, match="config.json is broken: expected_rouge"):
        bertsum.Summarizer.from_pretrained(tmp_path / "copy")


def test_a_model_that_is_not_fitted_is_told_of(capsys, encoder_folder) -> None:
    model = build(encoder_folder)
    tell_choice(model, SelectionConfig())
    assert capsys.readouterr().out == ""
    tell_choice(model, SelectionConfig(candidates=8))
    assert "nothing is fitted (bertsum calibrate)" in capsys.readouterr().out
