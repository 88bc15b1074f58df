"""Documents longer than the encoder's input: windows cover everything; scores are those of a slow, plain version."""

from __future__ import annotations

import json
import random
import warnings
from dataclasses import replace

import pytest
import torch
from conftest import sentences_of
from models import build, rows_of

import bertsum
from bertsum.config import EncodingConfig
from bertsum.data.batching import collate
from bertsum.data.encoding import DocumentEncoder
from bertsum.data.windows import windows

LONG = [f"Sentence {number} of the long report about farming and rain." for number in range(60)]
SHORT = ["The council met.", "It rained all night."]


def test_windows_cover_a_document_once() -> None:
    draw = random.Random(0)
    for _ in range(300):
        lengths = [draw.randint(3, draw.choice([8, 30, 64])) for _ in range(draw.randint(1, 60))]
        positions = [sum(lengths[:place]) for place in range(len(lengths))]
        found = windows(positions, sum(lengths), 64)
        assert [index for window in found for index in range(*window.taken)] == list(range(len(lengths)))
        for window in found:
            assert window.opening <= window.sentences[0] <= window.taken[0] < window.taken[1] <= window.sentences[1]
            row = window.row(list(range(sum(lengths))), positions)
            assert len(row["input_ids"]) <= 64
            assert row["input_ids"][row["cls_positions"][window.place]] == positions[window.taken[0]]
        if sum(lengths) <= 64:
            assert len(found) == 1


def test_inner_windows_have_context_on_both_sides() -> None:
    inner = windows(list(range(0, 400, 4)), 400, 64)[1:-1]
    assert inner
    for window in inner:
        assert window.taken[0] - window.sentences[0] >= 1
        assert window.sentences[1] - window.taken[1] >= 1


@pytest.mark.parametrize("vectors", ["cls", "mean"])
@pytest.mark.parametrize("attention", ["auto", "eager"])
def test_scores_are_those_of_a_plain_version(encoder_folder, vectors, attention) -> None:
    model = build(encoder_folder, 64, sentence_vectors=vectors, attention=attention)
    row = rows_of(model, [LONG], long_documents="window")[0]
    assert len(row["input_ids"]) > 64
    own = []
    for window in windows(row["cls_positions"], len(row["input_ids"]), 64):
        bounds = [*row["cls_positions"], len(row["input_ids"])]
        read = [*range(window.opening), *range(*window.sentences)]
        ids = [row["input_ids"][bounds[index] : bounds[index + 1]] for index in read]
        places = [sum(map(len, ids[:place])) for place in range(len(ids))]
        read_row = {"input_ids": [token for own_ids in ids for token in own_ids], "cls_positions": places}
        with torch.no_grad():
            of_window = model.reader(**collate([read_row], 0).inputs())[0]
        own += [of_window[read.index(index, window.opening)] for index in range(*window.taken)]
    sentences = torch.stack(own)[None]
    with torch.no_grad():
        expected = model.head(model.sentence_norm(sentences), torch.ones(sentences.shape[:2], dtype=torch.bool))[0]
    assert torch.allclose(next(model.score([row]))[1], expected, atol=1e-5)


@pytest.mark.parametrize("attention", ["auto", "eager"])
def test_a_long_document_scores_the_same_in_any_batch(encoder_folder, attention) -> None:
    model = build(encoder_folder, 64, attention=attention)
    rows = rows_of(model, [LONG, SHORT, LONG[:30]], long_documents="window")
    alone = [next(model.score([row]))[1] for row in rows]
    for place, scores in model.score(rows, max_tokens_per_batch=100_000):
        assert torch.allclose(scores, alone[place], atol=1e-5)


def test_summaries_read_everything_by_default(encoder_folder) -> None:
    summarizer = bertsum.Summarizer(build(encoder_folder, 64))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        summary = summarizer([LONG])[0]
    assert all(score is not None for score in summary.document_scores)
    with pytest.warns(UserWarning, match="were not read: the model reads 64 tokens"):
        cut = summarizer([LONG], long_documents="truncate")[0]
    assert cut.document_scores[-1] is None
    with pytest.warns(UserWarning, match="words of a sentence"):
        summarizer([["word " * 300, *LONG]])
    with pytest.raises(bertsum.BertsumError, match="long_documents: got 'all'"):
        summarizer("A text.", long_documents="all")


def test_later_windows_are_preferred_less(encoder_folder) -> None:
    model = build(encoder_folder, 64)
    summarizer = bertsum.Summarizer(model)
    plain = summarizer([LONG], sentences=3)[0]
    model.config = replace(model.config, selection=replace(model.config.selection, place_weight=50.0))
    weighed = summarizer([LONG], sentences=3)[0]
    assert max(weighed.indices) < 10 < max(plain.indices)  # only the first window is left
    assert weighed.document_scores == plain.document_scores
    by_score = summarizer([LONG], sentences=3, order="score")[0]
    assert (sorted(by_score.indices), by_score.scores) == (weighed.indices, sorted(weighed.scores, reverse=True))
    assert summarizer([LONG], threshold=0.0)[0].indices == list(range(len(LONG)))


def test_training_and_evaluating_with_windows(config_of) -> None:
    config = config_of("encoding.long_documents=window", "encoding.max_length=64", "train.max_steps=2")
    result = bertsum.train(config)
    assert result.evaluation is not None
    unread = []
    for reading in ("null", "truncate"):
        chosen = config.override({"evaluation.long_documents": None if reading == "null" else reading})
        evaluation = bertsum.evaluate(chosen, result.checkpoint, "validation")
        lines = (evaluation.folder / "predictions.jsonl").read_text().splitlines()
        unread.append(sum(json.loads(line)["scores"].count(None) for line in lines))
    assert unread[0] == 0 < unread[1]


def test_a_sentence_longer_than_a_window(encoder_folder) -> None:
    model = build(encoder_folder, 64)
    encoder = DocumentEncoder(model.tokenizer, EncodingConfig(max_length=16, long_documents="window"))
    words = " ".join(sentences_of(random.Random(0), 6))
    encoding = encoder.encode([words, *SHORT])
    assert encoding.cut and encoding.sentence_indices == [0, 1, 2]
    assert encoding.cls_positions[1] == 16
