"""A file of changes: of the encoder it holds what training changed in the pretrained one, in three bits, or one."""

from __future__ import annotations

import json
import runpy
import sys
from dataclasses import asdict, replace

import pytest
import torch
from conftest import ROOT
from safetensors.torch import load_file, save_file

import bertsum
from bertsum.cli import main
from bertsum.config import Config, EncodingConfig, ModelConfig
from bertsum.encoders.load import load_encoder
from bertsum.errors import BertsumError
from bertsum.models.base import Model
from bertsum.models.extractive import BertSum
from bertsum.models.storage import PACKAGED, SavedConfig, read_weights


@pytest.fixture
def trained(encoder_folder) -> BertSum:
    """A model whose encoder has changed a little, embeddings, norms and biases too."""
    torch.manual_seed(0)
    config = SavedConfig(ModelConfig(str(encoder_folder), head="linear"), EncodingConfig(max_length=128))
    model = BertSum.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.encoder.parameters():
            parameter += 0.02 * torch.randn_like(parameter)
    model.encoder.config.int8_file = model.encoder.config.changes_file = True
    return model


def test_a_file_of_changes(trained, encoder_folder, tmp_path) -> None:
    trained.save_pretrained(tmp_path / "changes")
    there = load_file(tmp_path / "changes" / "model.safetensors")
    pretrained = load_encoder(ModelConfig(str(encoder_folder)), 128).state_dict()
    read = Model.from_pretrained(tmp_path / "changes")
    own, again = trained.encoder.state_dict(), read.encoder.state_dict()
    for name, weight in again.items():
        if weight.ndim == 2:
            module, bits = f"encoder.{name.removesuffix('weight')}", 1 if "word_embeddings" in name else 3
            codes, scales = there[f"{module}change_codes"], there[f"{module}change_scales"]
            assert codes.shape == (len(weight), weight.shape[1] * bits // 8)
            steps = (weight - pretrained[name]) / scales.float()[:, None]
            assert torch.allclose(steps, steps.floor() + 0.5, atol=1e-3)  # halves of whole numbers
            assert steps.abs().max() <= 2 ** (bits - 1) - 0.5 + 1e-3
            missed = float((weight - own[name]).square().sum() / (own[name] - pretrained[name]).square().sum())
            # of a normal change's squares: the best eight levels miss 3.5%, the best two 1 - 2 / pi
            assert 0.3 < missed < 0.37 if bits == 1 else 0.01 < missed < 0.04
        elif weight.is_floating_point():
            assert torch.equal(weight, own[name].half().float())
    read.save_pretrained(tmp_path / "again")
    assert all(
        torch.equal(one, there[name]) for name, one in load_file(tmp_path / "again" / "model.safetensors").items()
    )
    weights = read_weights(tmp_path / "changes")
    assert all(torch.equal(weights[f"encoder.{name}"].float(), one) for name, one in again.items())
    quick = Model.from_pretrained(tmp_path / "changes", only_score=True)
    assert all(torch.equal(one, again[name]) for name, one in quick.encoder.state_dict().items() if name in again)


def test_what_a_training_and_another_model_do_with_it(trained, encoder_folder, tmp_path) -> None:
    trained.save_pretrained(tmp_path / "changes")
    read = Model.from_pretrained(tmp_path / "changes")
    start = {"train": {"start_from": str(tmp_path / "changes")}, "output_dir": str(tmp_path)}
    model = {**asdict(trained.config.model), "encoder": str(encoder_folder)}
    further = BertSum.for_training(
        Config.from_dict({**start, "model": model, "encoding": asdict(trained.config.encoding)})
    )
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(further.parameters(), read.parameters(), strict=True))
    further.save_pretrained(tmp_path / "whole")  # a step of training is smaller than three bits can hold
    assert "encoder.embeddings.word_embeddings.weight" in load_file(tmp_path / "whole" / "model.safetensors")
    with pytest.raises(BertsumError, match="does not hold an encoder"):
        load_encoder(ModelConfig(str(tmp_path / "changes")), 128)
    assert bertsum.Summarizer(read)("It rained. The bridge is closed. Nobody crossed it.", sentences=1).sentences


def test_a_training_of_ones_own_loses_nothing(trained, tmp_path) -> None:
    """The file would not hold small changes."""
    trained.save_pretrained(tmp_path / "changes")
    read = Model.from_pretrained(tmp_path / "changes").train()
    with torch.no_grad():
        for parameter in read.parameters():
            parameter += 1e-5 * torch.randn_like(parameter)
    read.save_pretrained(tmp_path / "whole")
    again = Model.from_pretrained(tmp_path / "whole").state_dict()
    assert all(torch.equal(weight, again[name]) for name, weight in read.state_dict().items())


def test_a_broken_file_of_changes(trained, tmp_path, bert_config, tokenizer) -> None:
    trained.save_pretrained(tmp_path / "changes")
    file = tmp_path / "changes" / "model.safetensors"
    there = load_file(file)
    module = "encoder.encoder.layer.0.intermediate.dense."
    codes, scales = there[module + "change_codes"], there[module + "change_scales"]
    for broken in ({"codes": codes[:, :-1].contiguous()}, {"codes": codes.float()}, {"scales": scales[:, None]}, {}):
        left = {name: one for name, one in there.items() if broken or name != module + "change_codes"}
        save_file(left | {f"{module}change_{name}": one for name, one in broken.items()}, file)
        with pytest.raises(
            BertsumError, match=r"model.safetensors is broken: encoder.*intermediate.dense.weight has no change"
        ):
            Model.from_pretrained(tmp_path / "changes")
    save_file(there, file)
    config = json.loads((tmp_path / "changes" / "config.json").read_text())
    config["model"]["encoder"] = str(tmp_path / "nowhere")
    (tmp_path / "changes" / "config.json").write_text(json.dumps(config))
    with pytest.raises(BertsumError, match="nowhere"):
        Model.from_pretrained(tmp_path / "changes")
    trained.config = replace(trained.config, model=replace(trained.config.model, encoder=str(tmp_path / "nowhere")))
    with pytest.raises(BertsumError, match="nowhere"):
        trained.save_pretrained(tmp_path / "unwritten")


def test_the_command_compares_it(trained_run, tmp_path, capsys) -> None:
    config, result = trained_run
    options = [str(result.checkpoint), str(tmp_path / "smaller"), "--changes-file"]
    main(["compress", *options])
    assert "weights, MB" in capsys.readouterr().out
    best = tmp_path / "smaller" / "best"
    assert (best / "model.safetensors").stat().st_size < 0.4 * (result.checkpoint / "model.safetensors").stat().st_size
    assert "what training changed" in str(Model.from_pretrained(best).generate_model_card())
    main(["eval", "--checkpoint", str(best), "--split", "validation"])
    smaller = Model.from_pretrained(best).state_dict()
    main(["compress", str(best), str(tmp_path / "eight"), "--int8-file"])  # a smaller model of it has its encoder
    assert not Model.from_pretrained(tmp_path / "eight" / "best").encoder.config.to_dict().get("changes_file")
    whole = load_file(tmp_path / "eight" / "best" / "model.safetensors")
    assert smaller.keys() <= whole.keys()
    with pytest.raises(SystemExit):
        main(["compress", *options, "--layers", "1"])
    assert "--changes-file: cuts nothing" in capsys.readouterr().err
    values = ["model.encoder=scratch", "model.scratch_layers=1", "model.scratch_hidden=32", "train.max_steps=1"]
    values += ["train.epochs=null", f"output_dir={tmp_path}", "name=scratch", "train.validate_rouge=false"]
    bertsum.train(Config.load(config.run_dir / "config.yaml", [*values, "train.metric=loss"]))
    with pytest.raises(SystemExit):
        main(["compress", str(tmp_path / "scratch" / "best"), str(tmp_path / "no"), "--changes-file"])
    assert "from scratch" in capsys.readouterr().err


def test_the_packaged_model_is_a_mean_in_a_file_of_changes(trained, tmp_path, monkeypatch) -> None:
    """tools/bundle.py, on small models."""
    settings = replace(trained.config.model, sentence_vectors="mean", answer_spans=True)
    later = BertSum(replace(trained.config, model=settings), trained.encoder, trained.head, trained.tokenizer)
    for name, model, value in (("a", trained, 1.0), ("b", later, 5.0)):
        with torch.no_grad():
            model.head.output.bias.fill_(value)
        model.save_pretrained(tmp_path / name)
    monkeypatch.setitem(PACKAGED, "bundled", tmp_path / "box")
    command = ["bundle.py", str(tmp_path / "a"), str(tmp_path / "b"), "--shares", "1", "3"]
    monkeypatch.setattr(sys, "argv", command)
    bundle = runpy.run_path(str(ROOT / "tools" / "bundle.py"))["main"]
    bundle()
    assert "change_codes" in str(list(load_file(tmp_path / "box" / "model.safetensors")))
    made = BertSum.from_pretrained(tmp_path / "box")
    assert made.head.output.bias.item() == 4.0  # (1 + 3 x 5) / 4
    assert torch.allclose(made.span_output.bias, later.span_output.bias, atol=1e-3)  # the other has none
    assert made.config.encoding.long_documents == "window"
    assert made.config.selection.candidates == 20
    monkeypatch.setattr(sys, "argv", command[:-1])
    with pytest.raises(BertsumError, match=r"--shares: got \[1.0\], expected a number above 0 for each checkpoint"):
        bundle()
