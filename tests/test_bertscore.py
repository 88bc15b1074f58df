"""BERTScore: against its definition, token by token, and in an evaluation."""

from __future__ import annotations

from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import bertsum
from bertsum.config import Config, ModelConfig
from bertsum.encoders.load import load_encoder, load_tokenizer
from bertsum.evaluation.bertscore import BertScorer, matched
from bertsum.results import Results

SUMMARIES = [["It rained on Monday.", "Nobody came."], ["The boat left at noon."], ["The bridge is closed."], [""]]
REFERENCES = [
    [["Nobody came in the rain."]],
    [["A train left the station."], ["The boat left at noon."]],
    [["It rained."], ["The bridge was shut today by the council."]],
    [["It rained."]],
]


@pytest.fixture
def parts(encoder_folder: Path) -> tuple[Any, Any]:
    return load_encoder(ModelConfig(str(encoder_folder)), 128), load_tokenizer(str(encoder_folder))


def one_by_one(parts: tuple[Any, Any], summary: str, reference: str) -> tuple[float, float, float]:
    """Each text alone, with transformers' pass, and loops over tokens."""
    encoder, tokenizer = parts
    vectors = []
    for text in (summary, reference):
        tokens = ["[CLS]", *tokenizer.tokenize(text), "[SEP]"]
        ids = torch.tensor([tokenizer.convert_tokens_to_ids(tokens)])
        with torch.no_grad():
            vectors.append(encoder(input_ids=ids).last_hidden_state[0, 1:-1].double())
    best = [
        [max(float(torch.cosine_similarity(one, other, dim=0)) for other in there) for one in here]
        for here, there in (vectors, vectors[::-1])
    ]
    precision, recall = (sum(values) / len(values) for values in best)
    return precision, recall, 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize("best", [False, True])
def test_it_is_its_definition(parts: tuple[Any, Any], best: bool) -> None:
    scorer = BertScorer(*parts, max_length=128, max_tokens_per_batch=40)
    scores = scorer({"a": SUMMARIES, "b": SUMMARIES[::-1]}, REFERENCES, best)["a"]
    assert scores.shape == (4, 3) and np.isnan(scores[3]).all()  # a text without a token has no score
    for place, (summary, references) in enumerate(zip(SUMMARIES[:3], REFERENCES[:3], strict=True)):
        values = [one_by_one(parts, " ".join(summary), " ".join(reference)) for reference in references]
        expected = max(values, key=lambda one: one[2]) if best else np.mean(values, axis=0)
        assert scores[place] == pytest.approx(expected, abs=1e-5)
    assert scores[1, 2] == pytest.approx(1) if best else scores[1, 2] < 1


def test_a_long_text_is_cut(parts: tuple[Any, Any]) -> None:
    scorer = BertScorer(*parts, max_length=16)
    short, long = scorer.vectors(["A bridge .", "A bridge . " * 90])
    assert len(short) == len(parts[1].tokenize("A bridge .")) < 14 == len(long)


def test_texts_without_tokens() -> None:
    assert matched(torch.empty(0, 4), torch.ones(2, 4)) is None
    opposite = torch.tensor([[1.0, 0.0]]), torch.tensor([[-1.0, 0.0]])
    assert matched(*opposite) == (-1, -1, 0)


def test_an_evaluation_has_it_for_every_system(trained_run: tuple[Config, bertsum.TrainResult], tmp_path: Path) -> None:
    config = trained_run[0].override(
        {"evaluation.metrics": ["rouge", "density", "bertscore"], "output_dir": str(tmp_path), "name": "again"}
    )
    result = bertsum.evaluate(config, trained_run[1].checkpoint, split="validation")
    figures = Results.read(result.folder / "results.json").text_figures
    assert all({"density", "bertscore"} == set(of_system) for of_system in figures.values())
    assert {"model", "oracle", "lead-3"} <= set(figures)
    assert all(not isnan(of_system["bertscore"].score) for of_system in figures.values())
    assert figures["oracle"]["bertscore"].score > figures["lead-3"]["bertscore"].score
    assert "BERTScore F1, %" in str(result) and "BERTScore" in (result.folder / "report.html").read_text()


def test_vectors_from_scratch_say_nothing() -> None:
    values = {"model": {"encoder": "scratch"}, "evaluation": {"metrics": ["rouge", "bertscore"]}}
    with pytest.raises(bertsum.BertsumError, match="got bertscore, expected none with an encoder from scratch"):
        Config.from_dict(values)
