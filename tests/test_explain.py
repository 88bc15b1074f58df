"""Explanations: sums that must hold, sentences that are left out, every kind of model, and what goes wrong."""

from __future__ import annotations

import json
import pickle
import random
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import sentences_of
from models import build

import bertsum
from bertsum.encoders.given_words import given_words, word_vectors
from bertsum.inference.attribution import METHODS, TokenWords, integrated_gradients, spline_integrals
from bertsum.inference.explain import choose_without, explained_score, leave_out, words_of
from bertsum.inference.explained import SentenceScore
from bertsum.inference.summarizer import Summarizer
from bertsum.inference.text_scorer import TextScorer
from bertsum.text import split_words

DOCUMENT = sentences_of(random.Random(1), 9)


@pytest.fixture(scope="module")
def summarizer(encoder_folder) -> Summarizer:
    return Summarizer(build(encoder_folder), precision="fp32")


@pytest.fixture(scope="module")
def summary(summarizer) -> bertsum.Summary:
    return summarizer([DOCUMENT], sentences=2)[0]


def logit(summarizer: Summarizer, document: list[str], index: int) -> float:
    """A sentence's logit when a document is summarised."""
    score = summarizer([document])[0].document_scores[index]
    return float(np.log(score / (1 - score)))


def test_words_add_up_to_the_difference(summary) -> None:
    explanation = summary.explain()
    done = explanation.completeness
    assert done.gap <= 0.02
    assert sum(word.value for word in explanation.words) == pytest.approx(done.total)
    score = summary.document_scores[explanation.sentence]
    assert explanation.probability == pytest.approx(score, abs=1e-5)
    assert explanation.score == pytest.approx(np.log(score / (1 - score)), abs=1e-4)


def test_each_word_stands_where_it_says(summary) -> None:
    words = summary.explain().words
    assert [word.text for word in words] == [DOCUMENT[word.sentence][word.begin : word.end] for word in words]
    assert [word.text for word in words] == [word for sentence in DOCUMENT for word in split_words(sentence)]


def test_gradients_are_those_of_the_model(summary, summarizer) -> None:
    """A tiny step of one word's vector changes the score as the gradient says."""
    source = summary._model_source()
    score = explained_score(summary, source, source.row(DOCUMENT), 2)
    vectors = score.vectors(score.row["input_ids"])[None].double().float().requires_grad_()
    (slope,) = torch.autograd.grad(score.of_vectors(vectors).sum(), vectors)
    step = torch.zeros_like(vectors)
    step[0, 5] = 1e-2
    with torch.no_grad():
        change = score.of_vectors(vectors + step) - score.of_vectors(vectors - step)
    assert change.item() == pytest.approx(2 * (slope * step).sum().item(), rel=0.02, abs=1e-5)


def test_values_are_those_of_captum(summary, summarizer, monkeypatch) -> None:
    attr = pytest.importorskip("captum.attr")
    monkeypatch.setattr("bertsum.inference.attribution.GAP", 0.001)
    explanation = summary.explain()
    source = summary._model_source()
    row = source.row(DOCUMENT)
    words, _ = words_of(source.encoder, row)
    score = SentenceScore(summarizer.model, row, explanation.sentence, "fp32")
    vectors, hidden = (score.vectors(ids)[None] for ids in (words.input_ids, words.padded_ids))
    method = attr.IntegratedGradients(score.of_vectors)
    values = method.attribute(vectors, hidden, n_steps=100, internal_batch_size=10)[0].sum(dim=-1)
    found = [word.value for word in explanation.words]
    np.testing.assert_allclose(found, words.sums(values.numpy()), atol=0.005 * np.abs(found).max())


def test_leaving_out_of_the_text_is_what_the_model_says_of_the_rest(summary, summarizer) -> None:
    index = summary.indices[0]
    explanation = summary.explain(index, leaving_out="text")
    whole = logit(summarizer, DOCUMENT, index)
    for other in {0, len(DOCUMENT) - 1} - {index}:
        rest = [sentence for place, sentence in enumerate(DOCUMENT) if place != other]
        left = logit(summarizer, rest, index - (other < index))
        assert explanation.sentences[other] == pytest.approx(whole - left, abs=1e-3)
    assert explanation.sentences[index] is None


def test_leaving_out_of_the_head_keeps_what_the_encoder_read(summary) -> None:
    source = summary._model_source()
    row = source.row(DOCUMENT)
    score = explained_score(summary, source, row, 4)
    assert isinstance(score, SentenceScore)
    vectors = score._sentence_vectors()
    rest = torch.cat([vectors[:1], vectors[2:]])[None]
    expected = source.model.logits(rest, torch.ones(1, len(rest[0]), dtype=torch.bool))[0, 3].item()
    values, _ = leave_out(score, source, "head", [])
    assert values[1] == pytest.approx(score.without([[]])[0] - expected, abs=1e-5)


def test_a_linear_head_sees_no_other_sentence(encoder_folder) -> None:
    model = build(encoder_folder, head="linear")
    explanation = Summarizer(model, "fp32")([DOCUMENT])[0].explain()
    assert all(value == pytest.approx(0, abs=1e-5) for value in explanation.sentences if value is not None)


def test_decisive_sentences_are_tried(summary) -> None:
    for leaving_out in ("head", "text"):
        explanation = summary.explain(leaving_out=leaving_out)
        decisive = explanation.decisive
        assert len(decisive.sentences) == len({*decisive.sentences, explanation.sentence}) - 1 == 3
        source = summary._model_source()
        score = explained_score(summary, source, source.row(DOCUMENT), explanation.sentence)
        rest = choose_without(score, source, decisive.sentences)
        assert decisive.changes == (explanation.sentence not in rest)
    other = next(place for place in range(len(DOCUMENT)) if place not in summary.indices)
    assert summary.explain(other).decisive is None


def test_what_is_chosen_without_some_is_what_the_model_chooses_of_the_rest(encoder_folder) -> None:
    model = build(encoder_folder)
    model.config = replace(
        model.config, selection=replace(model.config.selection, query_threshold=0.5, word_weight=0.5)
    )
    asked = Summarizer(model, "fp32")
    scores = asked([DOCUMENT], query="Who came?")[0].document_scores
    for threshold in (sorted(scores)[4], 1.0):
        answer = asked([DOCUMENT], query="Who came?", threshold=threshold)[0]
        source = answer._model_source()
        score = explained_score(answer, source, source.row(DOCUMENT), 3)
        rest = ["" if place in (0, 5) else sentence for place, sentence in enumerate(DOCUMENT)]
        expected = asked([rest], query="Who came?", threshold=threshold)[0].indices
        assert choose_without(score, source, [0, 5]) == expected
    assert expected == []
    with pytest.raises(bertsum.BertsumError, match="no sentence answers the query: expected the place of .*, 0 to 8"):
        answer.explain()


def test_shares_of_a_listwise_model(encoder_folder, monkeypatch) -> None:
    model = build(encoder_folder)
    model.config = replace(model.config, scores="softmax")
    summary = Summarizer(model, "fp32")([DOCUMENT], sentences=2)[0]
    sums, chosen = [], type(model).chosen

    def summed(self, row, scores, selection):
        sums.append(sum(scores))
        return chosen(self, row, scores, selection)

    monkeypatch.setattr(type(model), "chosen", summed)
    assert summary.explain(summary.indices[1]).probability == summary.scores[1]
    assert sums == [pytest.approx(1)]


def test_long_documents_are_explained_over_their_windows(summarizer) -> None:
    document = sentences_of(random.Random(2), 120)  # 16 windows: more than are read at once with gradients
    long = summarizer([document], sentences=2)[0]
    index = long.indices[-1]
    source = long._model_source()
    score = explained_score(long, source, source.row(document), index)
    assert score.windows > 8
    vectors = score.vectors(score.row["input_ids"])[None]
    assert score.of_vectors(vectors).item() == pytest.approx(logit(summarizer, document, index), abs=1e-3)
    explanation = long.explain(index)
    assert explanation.completeness.gap <= 0.02
    assert {word.sentence for word in explanation.words} == set(range(120))
    assert sum(value is not None for value in explanation.sentences) == 119


def test_of_many_sentences_the_likeliest_are_tried(summary, monkeypatch) -> None:
    monkeypatch.setattr("bertsum.inference.explain._MOST_TRIED", 4)
    explanation = summary.explain()
    assert sum(value is not None for value in explanation.sentences) == 4


def test_a_written_sentence(writer_folder) -> None:
    summarizer = Summarizer.from_pretrained(writer_folder)
    document = DOCUMENT[:5]
    written = summarizer([document])[0]
    explanation = written.explain()
    assert (explanation.is_written, explanation.text, explanation.decisive) == (True, written.sentences[0], None)
    assert explanation.completeness.gap <= 0.02
    assert explanation.score < 0 < explanation.probability < 1
    exact = written.explain(leaving_out="text")
    assert all(value is not None for value in exact.sentences)
    model = summarizer.model
    rows = [{**explained_score(written, written._model_source(), written._model_source().row(document), 0).row}
            for document in (document, ["", *document[1:]])]  # fmt: skip
    batches = [model.collate([{**row, "target_ids": [*row["target_ids"], model.targets.end_id]}]) for row in rows]
    sums = [-model._token_losses(model(**batch.inputs()), batch)[: len(rows[0]["target_ids"]) - 1].sum().item()
            for batch in batches]  # fmt: skip
    assert exact.score == pytest.approx(sums[0], rel=1e-4)
    assert exact.sentences[0] == pytest.approx(sums[0] - sums[1], abs=1e-3)
    assert "log-probability" in str(explanation)


def test_a_frozen_encoder_is_explained_too(encoder_folder, tmp_path) -> None:
    from conftest import save_writer

    folder = save_writer(tmp_path, encoder_folder, "model.freeze_encoder=true")
    assert Summarizer.from_pretrained(folder)([DOCUMENT[:5]])[0].explain().completeness.gap <= 0.02


@pytest.mark.parametrize("method", sorted(METHODS))
def test_methods(summarizer, method) -> None:
    if method != "integrated_gradients":
        pytest.importorskip("captum")
    short = summarizer([DOCUMENT[:3]], sentences=1)[0]
    before = torch.random.get_rng_state()
    explanation = short.explain(method=method, samples=100)
    assert torch.equal(before, torch.random.get_rng_state())
    again = short.explain(method=method, samples=100)
    assert [word.value for word in explanation.words] == [word.value for word in again.words]
    if method in ("integrated_gradients", "shap"):  # these divide the difference among the words
        assert explanation.completeness.total == pytest.approx(explanation.completeness.difference, rel=0.02)


def test_the_only_word_gets_the_whole_difference(summarizer) -> None:
    pytest.importorskip("captum")
    explanation = summarizer([["Hello"]], sentences=1)[0].explain(method="shap")
    (word,) = explanation.words
    assert word.value == pytest.approx(explanation.completeness.difference)


def test_occlusion_is_the_score_less_that_without_a_word(summary) -> None:
    pytest.importorskip("captum")
    explanation = summary.explain(method="occlusion")
    scorer = summary.scorer()
    masks = np.ones((2, len(scorer.words)))
    masks[1, 7] = 0
    whole, hidden = scorer.of_masks(masks)
    assert explanation.words[7].value == pytest.approx(whole - hidden, abs=1e-5)
    assert scorer.words[7] == explanation.words[7].text


def test_a_plain_function_of_texts(summary, summarizer) -> None:
    scorer = summary.scorer(3)
    assert isinstance(scorer, TextScorer)
    lines = scorer.text.split("\n")
    shorter = [*lines[:3], lines[3].rpartition(" ")[0], *lines[4:]]
    scores = scorer([scorer.text, "\n".join(shorter), "\n".join([*lines[:3], "", *lines[4:]])])
    assert scores[0] == pytest.approx(logit(summarizer, DOCUMENT, 3), abs=1e-3)
    assert scores[1] != scores[0] and np.isfinite(scores).all()
    with pytest.raises(bertsum.BertsumError, match="text 0: got 1 lines, expected 9"):
        scorer(["one line"])
    with pytest.raises(bertsum.BertsumError, match=r"masks: got the shape \(1, 2\)"):
        scorer.of_masks([[1, 0]])


def test_what_cannot_be_explained(summary, summarizer, monkeypatch) -> None:
    for given, problem in [
        ({"sentence": 9}, "sentence: got 9, expected a place in the document, 0 to 8"),
        ({"sentence": True}, "sentence: got True"),
        ({"method": "magic"}, "method: got 'magic', expected integrated_gradients"),
        ({"leaving_out": "both"}, "leaving_out: got 'both', expected head or text"),
        ({"samples": 1}, "samples: got 1"),
    ]:
        with pytest.raises(bertsum.BertsumError, match=problem):
            summary.explain(**given)
    with pytest.raises(bertsum.BertsumError, match="sentence: got 0, which has no score, because it is empty"):
        summarizer([["", *DOCUMENT]], sentences=1)[0].explain(0)
    for copied in (pickle.loads(pickle.dumps(summary)), replace(summary)):
        assert copied == summary
        with pytest.raises(bertsum.BertsumError, match="has no model any more"):
            copied.explain()
    for module, method in (("captum._utils.models.linear_model", "lime"), ("captum.attr", "shap")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(bertsum.BertsumError, match=r"pip install 'bertsum\[explain\]'"):
            summary.explain(method=method)


def test_one_call_from_a_text(summarizer, summary) -> None:
    explanation = summarizer.explain(DOCUMENT, np.int64(1), leaving_out="text", sentences=2)
    assert (explanation.sentence, explanation.leaving_out, explanation.chosen) == (1, "text", summary.indices)
    saved = json.loads(json.dumps(explanation.to_dict()))
    assert saved["words"][0]["text"] == DOCUMENT[0].split()[0]
    assert saved["completeness"]["gap"] == explanation.completeness.gap
    best = max(explanation.words, key=lambda word: abs(word.value))
    assert explanation.top_words(1) == [best]
    values = explanation.sentences
    assert explanation.top_sentences(1) == [max((v, i) for i, v in enumerate(values) if v is not None)[1]]


def test_inside_inference_mode(summary) -> None:
    with torch.inference_mode():
        assert summary.explain().completeness.gap <= 0.02


def test_the_integrals_are_those_of_scipy_s_spline() -> None:
    interpolate = pytest.importorskip("scipy.interpolate")
    points, values = np.array([0, 0.2, 0.25, 0.7, 0.9, 1]), np.random.default_rng(0).normal(size=(6, 3))
    expected = np.diff(interpolate.CubicSpline(points, values).antiderivative()(points), axis=0)
    np.testing.assert_allclose(spline_integrals(points, values), expected, rtol=1e-9)


def test_points_go_where_the_score_changes_fast() -> None:
    class Steps:
        """A sum over words, so each word's value is known: it is what its own part changes between its two vectors."""

        precision = "fp32"

        def vectors(self, input_ids):
            return torch.tensor(input_ids, dtype=torch.float32)[:, None]

        def of_vectors(self, vectors):
            return (torch.tanh(40 * (vectors[..., 0] - 0.3)) * torch.tensor([1.0, 0.5, -0.2])).sum(dim=1)

    words = TokenWords([1, 1, 1], hidden_ids=[2, 2, 2], padded_ids=[0, 0, 0], word=[0, 1, 2], count=3)
    made = integrated_gradients(Steps(), words, 0)
    np.testing.assert_allclose(made.values, [2.0, 1.0, -0.4], rtol=0.02)
    assert made.score - made.hidden == pytest.approx(2.6, abs=1e-4)
    assert made.passes <= 24  # 24 points at equal distances are 6% off


def test_what_bf16_is_too_coarse_for_is_explained_in_float32(summarizer, monkeypatch) -> None:
    monkeypatch.setattr("bertsum.inference.explain.GAP", 0.0)  # no explanation in bf16 suffices
    coarse = Summarizer(summarizer.model, precision="bf16")([DOCUMENT])[0].explain()
    fine = summarizer([DOCUMENT])[0].explain(coarse.sentence)
    assert (coarse.score, coarse.words) == (fine.score, fine.words)
    assert coarse.completeness.passes >= 11 + fine.completeness.passes


def test_given_words_are_for_one_thread(summary) -> None:
    import threading

    model = summary._model_source().model
    ids = torch.tensor([5, 6, 7])
    seen = []
    with given_words(model.encoder, torch.zeros(3, 16).expand(3, -1), None):
        other = threading.Thread(target=lambda: seen.append(word_vectors(model.encoder, ids)))
        other.start()
        other.join()
    assert torch.equal(seen[0], word_vectors(model.encoder, ids))
