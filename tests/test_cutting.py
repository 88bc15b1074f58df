"""What is cut of models of several kinds, and what a cut model no longer has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from conftest import SHAPE, save_encoder

from bertsum.compression import layers
from bertsum.compression.compress import Cut, _begin, _cut, _larger
from bertsum.compression.layers import keep_layers
from bertsum.compression.prune import Importance, prune
from bertsum.config import Config
from bertsum.encoders.int8 import add_channels
from bertsum.errors import BertsumError
from bertsum.models.base import Model
from bertsum.models.expected_rouge import FEATURES, ExpectedRouge, NgramNetwork
from bertsum.models.extractive import BertSum
from bertsum.models.fitted import Calibrated
from tests.models import build, rows_of

DOCUMENTS = [["The bridge closed on Monday .", "Repairs take a week .", "Boats pass below it ."]]
FIVE = int(transformers.__version__.split(".")[0]) >= 5
SHORT = {**SHAPE, "num_hidden_layers": 4}


def scores(model: Model) -> torch.Tensor:
    assert isinstance(model, BertSum)
    return next(model.score(rows_of(model, DOCUMENTS)))[1]


def reread(model: Model, folder: Path) -> Model:
    model.save_pretrained(folder, card=False)
    return Model.from_pretrained(folder)


@pytest.fixture
def modern(tmp_path: Path, tokenizer: Any) -> BertSum:
    """An encoder in which each layer has a kind of attention: all, near, near, all."""
    values = {**SHORT, "global_attn_every_n_layers": 3, "local_attention": 4, "max_position_embeddings": 128}
    return build(save_encoder(tmp_path / "modern", tokenizer, "modernbert", **values), 64)


@pytest.mark.skipif(not FIVE, reason="transformers 4 does not name the kinds of layers")
def test_layers_of_several_kinds_stay_of_their_kind(modern: BertSum, tmp_path: Path) -> None:
    smaller = keep_layers(modern, 2)  # the first and the last
    assert smaller.encoder.config.layer_types == ["full_attention"] * 2
    assert torch.allclose(scores(reread(smaller, tmp_path / "m")), scores(smaller), atol=1e-6)


def test_a_configuration_that_cannot_be_read_is_told_at_once(modern: BertSum, monkeypatch: pytest.MonkeyPatch) -> None:
    if not FIVE:
        with pytest.raises(
            BertsumError, match="--layers: got 2, which encoder type modernbert cannot have: its layers"
        ):
            keep_layers(modern, 2)
        return
    monkeypatch.setattr(layers, "kept_layers", lambda *_: None)
    with pytest.raises(BertsumError, match="--layers: got 2, which encoder type modernbert cannot have"):
        keep_layers(modern, 2)


def test_a_model_in_eight_bits_can_be_cut(encoder_folder: Path, tmp_path: Path) -> None:
    model = build(encoder_folder)
    names = [f"encoder.layer.{place}.output.dense" for place in range(2)]
    model.encoder.config.int8 = ["embeddings.word_embeddings", *names]
    add_channels(model.encoder)
    smaller = _cut(reread(model, tmp_path / "whole"), Config(), Cut(layers=1))
    assert not hasattr(smaller.encoder.config, "int8")
    assert torch.allclose(scores(reread(smaller, tmp_path / "cut")), scores(smaller), atol=1e-6)


def test_a_smaller_model_has_no_thresholds_of_the_larger_one(encoder_folder: Path, tmp_path: Path) -> None:
    model = build(encoder_folder)
    network = NgramNetwork(((0.0,) * FEATURES,), (0.0,), (0.0,), 0.0, 0.0)
    fitted: dict[str, Any] = {"expected_rouge": ExpectedRouge(network, network, 5)}
    calibration = (Calibrated(0.95, 0.1, (0.9, 0.99), 100),)
    model.config = replace(model.config, **fitted, calibration=calibration)
    assert reread(model, tmp_path).config.calibration == calibration
    larger = _larger(tmp_path)
    assert larger.config.calibration == () and larger.config.expected_rouge == fitted["expected_rouge"]
    assert _cut(larger, Config(), Cut(layers=1)).config == larger.config


def test_equal_importance_leaves_the_share_that_was_asked_for(encoder_folder: Path) -> None:
    model = build(encoder_folder)
    units = len(model.encoder.encoder.layer[0].intermediate.dense.weight)
    equal = Importance([torch.ones(4)] * 2, [torch.ones(units)] * 2)
    assert 4 <= sum(prune(model, equal, heads=0.5).encoder.config.kept["heads"]) <= 5  # a layer keeps one at least


def test_a_folder_of_someone_else_is_told(encoder_folder: Path, tmp_path: Path) -> None:
    larger = reread(build(encoder_folder), tmp_path / "m")
    with pytest.raises(BertsumError, match="was made of another model or cut in another way .*made_of"):
        _begin(tmp_path, larger, Config(), Cut(layers=1))


@pytest.mark.parametrize("values", [{"layers": 0}, {"heads": 0.5, "measured_on": 0}])
def test_counts_below_one_are_told(values: dict[str, Any]) -> None:
    with pytest.raises(BertsumError, match="got 0, expected a whole number, 1 or more"):
        Cut(**values)
