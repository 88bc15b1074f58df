"""The authors' checkpoints: the same scores, read safely, converted into a run."""

from __future__ import annotations

import json

import authors
import fork_server
import pytest
import torch
from conftest import SHARED, needs_shared
from transformers import BertConfig

import bertsum
from bertsum.config import EncodingConfig, ModelConfig
from bertsum.data.batching import collate
from bertsum.models.extractive import BertSum
from bertsum.models.storage import SavedConfig

PRESUMM = SHARED / "golden" / "presumm"
NAMES = ("presumm_transformer", "bertsum_classifier", "bertsum_transformer", "bertsum_rnn")


@needs_shared
@pytest.mark.parametrize("name", NAMES)
def test_equal_to_the_authors(name: str) -> None:
    described = json.loads((PRESUMM / f"{name}.json").read_text())
    model = BertSum.from_presumm(PRESUMM / f"{name}.pt", encoder=BertConfig(**described["bert_config"]))
    rows = [{"input_ids": d["src"], "cls_positions": d["clss"]} for d in described["documents"]]
    for row, document in zip(rows, described["documents"], strict=True):
        assert collate([row], 0).token_type_ids[0].tolist() == document["segs"]
    alone = [next(model.score([row]))[1].sigmoid() for row in rows]
    together = dict(model.score(rows, max_tokens_per_batch=100_000))
    for index, scores in enumerate(described["sentence_scores"]):
        assert torch.allclose(alone[index], torch.tensor(scores), atol=1e-5, rtol=0)
        assert torch.allclose(together[index].sigmoid(), torch.tensor(scores), atol=1e-5, rtol=0)


@pytest.fixture
def original(encoder_folder) -> BertSum:
    """A model whose weights stand in for a trained one of theirs."""
    torch.manual_seed(3)
    head = ModelConfig(encoder=str(encoder_folder), head_layers=2, head_heads=2, head_feedforward=40)
    return BertSum.from_config(SavedConfig(head, EncodingConfig(max_length=128))).eval()


ROWS = [{"input_ids": [2, 7, 8, 3, 2, 9, 3], "cls_positions": [0, 4]}, {"input_ids": [2, 11, 3], "cls_positions": [0]}]


def scores_of(model: BertSum) -> list[list[float]]:
    return [scores.tolist() for _, scores in sorted(model.score(ROWS))]


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("head", ["ext_layer", "encoder"])
def test_round_trip(original, encoder_folder, tmp_path, legacy: bool, head: str) -> None:
    weights = authors.transformer_weights(original, head)
    saved = {"model": weights, "opt": authors.options(original), "optim": authors.Optimizer(original)}
    path = authors.save(tmp_path / "model_step_18000.pt", saved, legacy)
    model = BertSum.from_presumm(path, encoder=str(encoder_folder))
    assert scores_of(model) == scores_of(original)
    assert (model.config.model.head_heads, model.config.encoding.max_length) == (2, 128)
    assert (model.config.encoding.min_sentence_words, model.config.selection.trigram_blocking) == (6, True)
    assert not model.training


def test_without_options(original, encoder_folder, tmp_path) -> None:
    bare = authors.save(tmp_path / "bare.pt", authors.transformer_weights(original, "ext_layer"))
    model = BertSum.from_presumm(bare, encoder=str(encoder_folder), heads=2)
    assert scores_of(model) == scores_of(original)
    assert (model.config.model.head_layers, model.config.model.head_feedforward) == (2, 40)


def test_several_gpus_left_a_prefix(original, encoder_folder, tmp_path) -> None:
    weights = {f"module.{name}": value for name, value in authors.transformer_weights(original, "ext_layer").items()}
    path = authors.save(tmp_path / "a.pt", {"model": weights, "opt": authors.options(original)})
    assert scores_of(BertSum.from_presumm(path, encoder=str(encoder_folder))) == scores_of(original)


def test_weights_that_do_not_fit(original, encoder_folder, tmp_path) -> None:
    weights = authors.transformer_weights(original, "ext_layer")
    weights["ext_layer.wo.something"] = weights.pop("ext_layer.wo.weight")
    weights["decoder_of_mine.bias"] = torch.zeros(2)
    path = authors.save(tmp_path / "a.pt", {"model": weights, "opt": authors.options(original)})
    with pytest.raises(bertsum.BertsumError) as caught:
        BertSum.from_presumm(path, encoder=str(encoder_folder))
    for named in ("missing head.output.weight", "left over decoder_of_mine.bias", "left over head.output.something"):
        assert named in str(caught.value)


@pytest.mark.parametrize(
    ("saved", "problem"),
    [
        ({"weights": 1}, "no weights under 'model'"),
        ([1, 2], "no weights under 'model'"),
        ({"model": {"a": torch.ones(1)}}, "no weights of an extractive head"),
        ({"model": {"decoder.a": torch.ones(1), "bert.b": torch.ones(1)}}, "abstractive"),
    ],
)
def test_other_files(saved, problem: str, tmp_path, bert_config) -> None:
    path = authors.save(tmp_path / "a.pt", saved)
    with pytest.raises(bertsum.BertsumError, match=problem):
        BertSum.from_presumm(path, encoder=bert_config)


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        ("ext_layers", "many", "model.head_layers"),
        ("max_pos", "x", "encoding.max_length"),
        ("max_pos", -3, "encoding.max_length: got -3"),
        ("ext_dropout", 5, "model.head_dropout"),
        ("ext_heads", -1, "model.head_heads: got -1"),
    ],
)
def test_broken_options(original, bert_config, tmp_path, option: str, value, problem: str) -> None:
    options = authors.options(original)
    setattr(options, option, value)
    weights = authors.transformer_weights(original, "ext_layer")
    path = authors.save(tmp_path / "a.pt", {"model": weights, "opt": options})
    with pytest.raises(bertsum.BertsumError, match=f"(?s)saved options are broken: .*{problem}"):
        BertSum.from_presumm(path, encoder=bert_config)


def test_weights_that_cannot_be_right(original, bert_config, tmp_path) -> None:
    weights = authors.transformer_weights(original, "ext_layer")
    bias = weights["ext_layer.wo.bias"]
    for change, problem in (
        ({"ext_layer.wo.bias": bias * float("nan")}, "weight 'ext_layer.wo.bias' has numbers that are not finite"),
        ({"ext_layer.wo.bias": bias.long()}, "whole numbers only"),
        ({"module.ext_layer.wo.bias": bias}, "'module.ext_layer.wo.bias' twice"),
        ({1: bias}, "no weights under 'model'"),
    ):
        path = authors.save(tmp_path / "a.pt", {"model": {**weights, **change}, "opt": authors.options(original)})
        with pytest.raises(bertsum.BertsumError, match=problem):
            BertSum.from_presumm(path, encoder=bert_config)


def test_a_configuration_has_no_tokenizer(original, encoder_folder, tokenizer, tmp_path) -> None:
    path = authors.save(tmp_path / "a.pt", {"model": authors.transformer_weights(original, "ext_layer"),
                                            "opt": authors.options(original)})  # fmt: skip
    model = BertSum.from_presumm(path, encoder=original.encoder.config)
    assert scores_of(model) == scores_of(original)
    with pytest.raises(bertsum.BertsumError, match="no tokenizer"):
        model.save_pretrained(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()
    whole = BertSum.from_presumm(path, encoder=original.encoder.config, tokenizer=tokenizer)
    whole.save_pretrained(tmp_path / "saved")
    assert scores_of(BertSum.from_pretrained(tmp_path / "saved")) == scores_of(original)


def test_convert_then_evaluate(original, encoder_folder, tmp_path) -> None:
    saved = {"model": authors.transformer_weights(original, "ext_layer"), "opt": authors.options(original)}
    path = authors.save(tmp_path / "model_step_18000.pt", saved)

    def run(*arguments: str) -> str:
        done = fork_server.run(["-m", "bertsum", *arguments], cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    converted = run("convert", str(path), "runs/presumm", "--encoder", str(encoder_folder))
    assert "step_018000" in converted
    assert "--checkpoint runs/presumm/best" in converted
    data = ["--data.dataset", "null", "--data.dataset_config", "null", "--data.test", "sample/english.validation.jsonl"]
    table = run("eval", "--checkpoint", "runs/presumm/best", "--split", "test", "--data.workers", "1", *data)
    assert "oracle" in table
    predictions = tmp_path / "runs/presumm/eval/test/predictions.jsonl"
    assert "b - a" in run("eval", "--compare", str(predictions), str(predictions))
    again = [str(path), "runs/presumm", "--encoder", str(encoder_folder)]
    with pytest.raises(AssertionError, match="already holds a run"):
        run("convert", *again)
    run("convert", *again, "--train.overwrite", "true")
    assert not predictions.exists()
    with pytest.raises(AssertionError, match="no other option"):
        run("eval", "--compare", "a", "b", "--split", "test")
