"""Low-rank adapters: they learn alone, are saved alone, and score the same once they are folded in."""

from __future__ import annotations

import json

import pytest
import torch
from conftest import summarizing_kinds
from safetensors.torch import load_file

import bertsum
from bertsum.config import EncodingConfig, ModelConfig
from bertsum.encoders.low_rank import SCALE, belongs_to_checkpoint
from bertsum.models.extractive import BertSum
from bertsum.models.losses import cross_entropy
from bertsum.models.storage import SavedConfig, read_weights

ROWS = [{"input_ids": [7, 8, 9, 10, 11], "cls_positions": [0, 2]}, {"input_ids": [20, 21, 22], "cls_positions": [0]}]


def build(encoder_folder, **values) -> BertSum:
    torch.manual_seed(0)
    settings = ModelConfig(str(encoder_folder), head="linear", adapters=3, **values)
    model = BertSum.from_config(SavedConfig(settings, EncodingConfig(max_length=128)))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:  # they begin as zero
            torch.nn.init.normal_(parameter, std=0.3)
    return model.eval()


def gradients(model: BertSum, packs: bool) -> dict[str, torch.Tensor]:
    model.reader.packs = packs
    model.zero_grad()
    batch = model.collate(ROWS)
    cross_entropy(model(**batch.inputs()), batch.labels, batch.sentence_mask).backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("frozen", [0, 1])
def test_the_packed_pass_is_that_of_the_modules(encoder_folder, frozen) -> None:
    model = build(encoder_folder, freeze_layers=frozen)
    with torch.no_grad():
        packed = model(**model.collate(ROWS).inputs())
        model.reader.packs = False
        plain = model(**model.collate(ROWS).inputs())
    mask = model.collate(ROWS).sentence_mask
    assert torch.allclose(packed[mask], plain[mask], atol=1e-5)
    own, theirs = gradients(model, packs=True), gradients(model, packs=False)
    assert own.keys() == theirs.keys()
    assert all("lora" in name or name.startswith("head.") for name in own)
    assert any("layer.0." in name for name in own) == (frozen == 0)
    for name, gradient in own.items():
        assert torch.allclose(gradient, theirs[name], atol=1e-4), name


def test_a_checkpoint_has_what_has_learned_alone(encoder_folder, tmp_path) -> None:
    model = build(encoder_folder)
    model.save_pretrained(tmp_path / "saved")
    weights = load_file(tmp_path / "saved" / "model.safetensors")
    assert all("lora" in name or name.startswith("head.") for name in weights)
    loaded = BertSum.from_pretrained(tmp_path / "saved")
    assert loaded.config.model.adapters is None and not any("lora" in name for name in loaded.state_dict())
    for (_, before), (_, after) in zip(model.score(ROWS), loaded.score(ROWS), strict=True):
        assert torch.allclose(before, after, atol=1e-5)
    loaded.save_pretrained(tmp_path / "whole")  # one like any other now
    whole = BertSum.from_pretrained(tmp_path / "whole")
    assert torch.equal(next(whole.score(ROWS))[1], next(loaded.score(ROWS))[1])


def test_the_scale_is_saved_with_them(encoder_folder, tmp_path) -> None:
    """A checkpoint keeps its own, whatever the version that reads it trains with; older ones have none written."""
    model = build(encoder_folder)
    folder = tmp_path / "saved"
    model.save_pretrained(folder)
    described = json.loads((folder / "config.json").read_text())
    assert described.pop("adapter_scale") == SCALE
    (folder / "config.json").write_text(json.dumps(described))
    before, after = next(model.score(ROWS))[1], next(BertSum.from_pretrained(folder).score(ROWS))[1]
    assert torch.allclose(before, after, atol=1e-5)
    # of half the scale, with B twice as large, it is the same model: read, trained further, or resumed
    larger = {name: 2 * value if "lora_B" in name else value for name, value in model.state_dict().items()}
    model.save_pretrained(folder, state_dict=larger)
    (folder / "config.json").write_text(json.dumps({**described, "adapter_scale": SCALE / 2}))
    assert torch.allclose(before, next(BertSum.from_pretrained(folder).score(ROWS))[1], atol=1e-5)
    further = BertSum.from_config(model.config, start_from=str(folder))
    assert torch.allclose(before, next(further.score(ROWS))[1], atol=1e-5)
    kept = {
        name: value for name, value in model.state_dict().items() if belongs_to_checkpoint(name, model.config.model)
    }
    assert all(torch.equal(value, kept[name]) for name, value in read_weights(folder).items())


@pytest.mark.parametrize("scale", ["2", None, 0, -1.0, True, float("nan"), float("inf")])
def test_a_scale_that_is_none(encoder_folder, tmp_path, scale) -> None:
    build(encoder_folder).save_pretrained(tmp_path / "saved")
    path = tmp_path / "saved" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "adapter_scale": scale}))
    with pytest.raises(bertsum.BertsumError, match=r"config.json is broken: adapter_scale is .* a number above 0"):
        BertSum.from_pretrained(tmp_path / "saved")


def test_adapters_of_another_encoder(encoder_folder, tmp_path, bert_config, tokenizer) -> None:
    model = build(encoder_folder)
    weights = model.state_dict()
    name = next(name for name in weights if "lora_A" in name)
    model.save_pretrained(tmp_path / "saved", state_dict={**weights, name: torch.zeros(3, 7)})
    with pytest.raises(bertsum.BertsumError, match="fits no matrix of the encoder"):
        BertSum.from_pretrained(tmp_path / "saved")


@summarizing_kinds
def test_training_and_resuming_adapters(config_of) -> None:
    config = config_of("model.adapters=2", "train.save_every=2", "train.max_steps=4")
    result = bertsum.train(config)
    once = load_file(result.checkpoint / "model.safetensors")
    assert any("lora" in name for name in once)
    other = config_of("model.adapters=2", "train.save_every=2", "name=other", "train.max_steps=2")
    bertsum.train(other)
    again = bertsum.train(other.override({"train.max_steps": 4}))
    weights = load_file(again.checkpoint / "model.safetensors")
    assert all(torch.equal(weights[name], once[name]) for name in once)


@summarizing_kinds
def test_adapters_stay_as_they_were_in_a_frozen_encoder(config_of) -> None:
    first = bertsum.train(config_of("model.adapters=2", "train.max_steps=2"))
    then = ["model.adapters=2", "model.freeze_encoder=true", f"train.start_from={first.checkpoint}", "name=then"]
    second = bertsum.train(config_of(*then))
    before, after = (load_file(result.checkpoint / "model.safetensors") for result in (first, second))
    assert before.keys() == after.keys()
    assert {name for name in before if not torch.equal(before[name], after[name])} == {
        name for name in before if not name.startswith("encoder.")
    }


def test_a_frozen_encoder_reads_with_its_adapters(encoder_folder) -> None:
    model = build(encoder_folder, freeze_encoder=True)
    assert all(name.startswith("head.") for name in gradients(model, packs=True))
    packed = model(**model.collate(ROWS).inputs())  # with gradients, the adapters in the matrices
    model.reader.packs = False
    mask = model.collate(ROWS).sentence_mask
    assert torch.allclose(packed[mask], model(**model.collate(ROWS).inputs())[mask], atol=1e-5)
