"""A model that writes: its tokenizers, saving and reading, what a resume refuses; and encoders from scratch."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import all_kinds, summarizing_kinds

import bertsum
from bertsum.config import Config, GenerationConfig
from bertsum.data.prepare import prepare
from bertsum.data.targets import START
from bertsum.data.vocabulary import target_tokenizer
from bertsum.encoders.load import load_tokenizer
from bertsum.models.base import Model, model_class
from bertsum.models.contract import PredictOptions
from bertsum.models.decoder import Decoder
from bertsum.models.seq2seq import BertSumAbs

SCRATCH = (
    "model.encoder=scratch", "model.scratch_layers=1", "model.scratch_hidden=32", "model.scratch_heads=4",
    "model.scratch_feedforward=48", "model.scratch_vocabulary=700",
)  # fmt: skip
SEQ2SEQ = pytest.mark.parametrize("kind", ["seq2seq"])


def rows_of(config: Config, model: Model) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = prepare(
        config, "validation", model.tokenizer, model.target_tokenizer
    ).dataset.to_list()
    return rows


def log_probabilities(model: BertSumAbs, rows: list[dict[str, Any]]) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model(**model.collate(rows).inputs())
    return found


def written(model: BertSumAbs, rows: list[dict[str, Any]]) -> list[tuple[list[int], float, str | None]]:
    inputs = model.collate(rows).inputs()
    inputs = {name: value for name, value in inputs.items() if not name.startswith("target")}
    return [(one.ids, one.score, one.text) for one in model.generate(**inputs, min_length=4)]


def tokenizer_options(name: str, config_of: Callable[..., Config], folder: Path) -> tuple[str, ...]:
    """Overrides for a value of ``decoder.tokenizer``."""
    if name == "null":  # shared with an encoder that has the marks of a summary's parts
        return (*SCRATCH, "decoder.tokenizer=null")
    if name == "folder":
        learned = config_of("decoder.vocabulary=300")
        made = target_tokenizer(learned, load_tokenizer(learned.model.encoder))
        assert made is not None
        made.save_pretrained(str(folder / "tokenizer"))
        name = str(folder / "tokenizer")
    return (f"decoder.tokenizer={name}",)


@SEQ2SEQ
@pytest.mark.parametrize("name", ["null", "cut", "wordpiece", "unigram", "folder"])
def test_trained_saved_and_read_again(config_of, tmp_path, name) -> None:
    config = config_of(*tokenizer_options(name, config_of, tmp_path), "train.max_steps=1")
    result = bertsum.train(config)
    model = BertSumAbs.from_pretrained(result.checkpoint)
    assert (model.target_tokenizer is None) is (name == "null")
    assert len(model.decoder.generator_bias) == len(model.targets.names) <= 700
    rows = rows_of(config, model)[:5]
    expected, texts = log_probabilities(model, rows), written(model, rows)
    assert len(expected) == sum(len(row["target_ids"]) - 1 for row in rows)
    model.save_pretrained(tmp_path / "again")
    for other in (
        BertSumAbs.from_pretrained(tmp_path / "again"),
        BertSumAbs.from_pretrained(tmp_path / "again", only_score=True),
        Model.from_pretrained(tmp_path / "again"),
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
    ):
        assert isinstance(other, BertSumAbs)
        assert torch.equal(log_probabilities(other, rows), expected)
        assert written(other, rows) == texts
    started = BertSumAbs.for_training(config.override({"train.start_from": str(tmp_path / "again")})).eval()
    assert torch.equal(log_probabilities(started, rows), expected)


@SEQ2SEQ
def test_no_special_token_is_written(config_of) -> None:
    """Not even by a model that has learned nothing."""
    config = config_of("decoder.vocabulary=300")
    model = BertSumAbs.for_training(config).eval()
    torch.nn.init.normal_(model.decoder.embeddings.weight, std=3.0)
    rows = rows_of(config, model)
    options = PredictOptions(generation=GenerationConfig(beam_size=3, max_length=30, min_length=20), loss=True)
    made = sorted(model.predict(rows, options), key=lambda one: one.place)
    assert [one.place for one in made] == list(range(len(rows)))
    specials = set(model.targets.specials) | {model.targets.start_id}
    for ids, _, text in written(model, rows):
        assert not specials & set(ids)
        assert START not in text
    whole = sum(one.loss for one in made)
    assert whole == pytest.approx(-sum_of_targets(model, rows), rel=1e-5)


def sum_of_targets(model: BertSumAbs, rows: list[dict[str, Any]]) -> float:
    found = log_probabilities(model, rows)
    targets = torch.tensor([token for row in rows for token in row["target_ids"][1:]])
    return found.gather(1, targets[:, None]).sum().item()


@SEQ2SEQ
def test_tokens_that_only_the_encoder_has_are_never_written(config_of) -> None:
    """Its table may have more rows than the tokenizer has tokens."""
    config = config_of(*SCRATCH, "decoder.tokenizer=null")
    made = BertSumAbs.for_training(config)
    encoder, tokenizer = made.encoder, made.tokenizer
    encoder.resize_token_embeddings(len(tokenizer) + 20)
    model = BertSumAbs.build(made.config, encoder, tokenizer).eval()
    with torch.no_grad():
        model.decoder.generator_bias[len(tokenizer) :] = 50.0
    for ids, _, text in written(model, rows_of(config, model)[:3]):
        assert max(ids) < len(tokenizer)
        assert text


@SEQ2SEQ
def test_another_decoder_is_refused(config_of) -> None:
    bertsum.train(config_of("train.max_steps=1"))
    for override, was in [
        ("decoder.layers=2", "was 1, is 2"),
        ("decoder.vocabulary=500", "was 600, is 500"),
        ("decoder.tokenizer=cut", "was 'wordpiece', is 'cut'"),
        ("decoder.max_length=20", "was 140, is 20"),
        ("train.label_smoothing=0", r"was 0\.1, is 0"),
    ]:
        with pytest.raises(bertsum.BertsumError, match=f"{override.split('=')[0]}: {was}"):
            bertsum.train(config_of("train.max_steps=2", override))


@summarizing_kinds
def test_an_encoder_from_scratch(config_of, kind) -> None:
    """Trained, resumed, read, evaluated; it has no name to be loaded by."""
    for steps in (1, 3):
        config = config_of(*SCRATCH, f"train.max_steps={steps}", "train.validate_rouge=true")
        result = bertsum.train(config)
    assert result.step == 3 and result.evaluation is not None
    model = model_class(kind).from_pretrained(result.checkpoint)
    assert (len(model.tokenizer), model.encoder.config.hidden_size) == (700, 32)
    rows = rows_of(config, model)
    made = {one.place: one.sentences for one in model.predict(rows, PredictOptions(generation=config.generation))}
    assert sorted(made) == list(range(len(rows)))
    predicted = (result.evaluation.folder / "predictions.jsonl").read_text().splitlines()
    assert [json.loads(line)["summary"] for line in predicted] == [made[place] for place in range(len(rows))]
    again = bertsum.evaluate(config, result.checkpoint, "validation")
    assert again.systems["model"] == result.evaluation.systems["model"]


@all_kinds
def test_prepared_data_are_shared(config_of, capsys, kind) -> None:
    """By all runs that read the same; tokenizers, too."""
    counts = []
    for name in ("one", "other"):
        bertsum.train(config_of("train.max_steps=1", f"name={name}", "train.learning_rate=1e-4"))
        printed = capsys.readouterr().out
        counts.append((printed.count("Prepared train"), printed.count("Learned")))
    assert counts == [(1, int(kind == "seq2seq")), (0, 0)]


@SEQ2SEQ
def test_out_of_memory_while_writing(config_of, monkeypatch) -> None:
    config = config_of()
    model = BertSumAbs.for_training(config)
    rows = rows_of(config, model)[:2]

    def fail(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Decoder, "step", fail)
    with pytest.raises(
        bertsum.BertsumError, match=r"2 documents x 128 tokens = 256 tokens; lower max_tokens_per_batch"
    ):
        list(model.predict(rows, PredictOptions()))
    assert model.training  # as before


@SEQ2SEQ
def test_a_target_longer_than_any_in_training_is_an_error(config_of) -> None:
    model = BertSumAbs.for_training(config_of("decoder.max_length=20"))
    ids = torch.tensor([[2, 5, 3]])
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "token_type_ids": torch.zeros_like(ids)}
    assert model(**inputs, target_ids=torch.ones(1, 20, dtype=torch.long)).shape[1] == 19
    message = "target_ids have 21 tokens, expected at most decoder.max_length, 20; cut them"
    with pytest.raises(bertsum.BertsumError, match=message):
        model(**inputs, target_ids=torch.ones(1, 21, dtype=torch.long))
