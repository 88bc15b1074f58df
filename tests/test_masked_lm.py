"""A masked language model: trained on plain documents, measured by perplexity, and used as an encoder."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import KINDS, SHAPE, comparable_metrics, save_encoder, write_jsonl
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM

import bertsum
from bertsum.cli import main
from bertsum.compression.onnx import export_onnx
from bertsum.config import Config, ModelConfig
from bertsum.data.prepare import prepare
from bertsum.data.tokenization import TextTokenizer
from bertsum.encoders.load import load_encoder, load_tokenizer
from bertsum.evaluation.compare import compare, comparison_table
from bertsum.evaluation.evaluate import evaluate_untrained
from bertsum.models.base import Model
from bertsum.results import Results
from bertsum.runs import Run

MASKED = pytest.mark.parametrize("kind", ["masked_lm"])
EXTRACTIVE = ("model.kind=extractive", "train.loss_reduction=sum", "evaluation.metrics=[rouge]")
FAMILIES = {
    "bert": {"max_position_embeddings": 128},
    "roberta": {"max_position_embeddings": 130, "type_vocab_size": 1},
    "distilbert": {"max_position_embeddings": 128, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48},
    "electra": {"max_position_embeddings": 128, "embedding_size": 16},
}
each_family = pytest.mark.parametrize("family", FAMILIES)


def shape_of(family: str) -> dict[str, int]:
    return FAMILIES[family] if family == "distilbert" else {**SHAPE, **FAMILIES[family]}


def pretrained(folder: Path, tokenizer, family: str) -> Path:
    """A folder with an encoder of that family and the head that it was pretrained with."""
    torch.manual_seed(0)
    tokens = {"pad_token_id": tokenizer.pad_token_id, "vocab_size": len(tokenizer)}
    model = AutoModelForMaskedLM.from_config(AutoConfig.for_model(family, **tokens, **shape_of(family)))
    for parameter in model.parameters():  # the head's biases and norms are zeros and ones at first
        torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def plain_config(tmp_path: Path, encoder: Path, *overrides: str) -> Config:
    common = [
        "name=adapt", f"output_dir={tmp_path / 'runs'}", f"data.prepared_dir={tmp_path / 'prepared'}",
        "data.train=sample/english.validation.jsonl", "data.validation=sample/english.validation.jsonl",
        "data.workers=1", f"model.encoder={encoder}", "encoding.max_length=64", "train.max_tokens_per_batch=512",
        "train.max_steps=2", "train.schedule=constant", "train.warmup_steps=0", "train.learning_rate=1e-3",
        "tracking.trackers=[]", "rouge.bootstrap_samples=20", *KINDS["masked_lm"],
    ]  # fmt: skip
    return Config.load(None, [*common, *overrides])


# ---- documents


@MASKED
def test_a_folder_of_papers(config_of, tmp_path, tokenizer) -> None:
    """Texts and records without summaries; every token is in one window, in order."""
    papers = tmp_path / "papers"
    papers.mkdir()
    long = " ".join(f"Measurement {number} went well." for number in range(100))
    (papers / "b.txt").write_text("\ufeffA short paper.\n\nIt ends here.\n", encoding="utf-8")
    write_jsonl(papers / "a.jsonl", [{"id": "long", "text": long}, {"id": "list", "text": ["One sentence.", "Two."]}])
    config = config_of(f"data.train={papers}", "data.validation=null", "encoding.max_length=32")
    prepared = prepare(config, "train", tokenizer)
    rows = prepared.dataset.to_list()
    texts = {"long": long, "list": "One sentence. Two.", "b": "A short paper.\n\nIt ends here.\n"}
    assert [row["id"] for row in rows] == ["long"] * (len(rows) - 2) + ["list", "b"]
    for name, text in texts.items():
        own = [row["input_ids"] for row in rows if row["id"] == name]
        assert all(ids[0] == tokenizer.cls_token_id and ids[-1] == tokenizer.sep_token_id for ids in own)
        assert [token for ids in own for token in ids[1:-1]] == next(TextTokenizer(tokenizer)([text]))
        assert all(27 <= len(ids) <= 32 for ids in own[:-1])
    assert len({row["key"] for row in rows}) == len(rows)
    assert (prepared.report.read, prepared.report.kept, prepared.report.cut_share) == (3, 3, 0.0)
    assert f"{len(rows) / 3:.1f} windows a document" in str(prepared.report)


@MASKED
def test_what_cannot_be_read(config_of, tmp_path, tokenizer) -> None:
    (tmp_path / "empty.txt").write_text(" \n")
    with pytest.raises(bertsum.BertsumError, match=r"empty\.txt: field 'document' is empty"):
        prepare(config_of(f"data.train={tmp_path / 'empty.txt'}"), "train", tokenizer)
    (tmp_path / "latin.txt").write_bytes("naïve".encode("latin-1"))
    with pytest.raises(bertsum.BertsumError, match=r"latin\.txt: cannot be read: UnicodeDecodeError"):
        prepare(config_of(f"data.train={tmp_path / 'latin.txt'}"), "train", tokenizer)
    (tmp_path / "a.doc").write_text("text")
    with pytest.raises(bertsum.BertsumError, match=r"a\.doc' has a name of no known format, expected .*\.txt"):
        prepare(config_of(f"data.train={tmp_path / 'a.doc'}"), "train", tokenizer)


def test_other_kinds_need_summaries(config_of, tmp_path, tokenizer) -> None:
    (tmp_path / "a.txt").write_text("A text.")
    with pytest.raises(bertsum.BertsumError, match="plain text without summaries needs model.kind masked_lm"):
        prepare(config_of(f"data.train={tmp_path / 'a.txt'}"), "train", tokenizer)
    with pytest.raises(bertsum.BertsumError, match=r"folder '.*' has no .*files"):
        prepare(config_of(f"data.train={tmp_path}"), "train", tokenizer)


@MASKED
def test_an_encoder_from_scratch_on_plain_texts(config_of, tmp_path) -> None:
    (tmp_path / "a.txt").write_text("The ferry stayed in the harbour. " * 20)
    sizes = ("model.encoder=scratch", "model.scratch_layers=1", "model.scratch_hidden=16", "model.scratch_heads=2",
             "model.scratch_feedforward=16", "model.scratch_vocabulary=60")  # fmt: skip
    config = config_of(f"data.train={tmp_path / 'a.txt'}", "data.validation=null", *sizes)
    assert bertsum.MaskedLM.from_pretrained(bertsum.train(config).checkpoint).encoder.config.hidden_size == 16


# ---- the model


@each_family
def test_the_head_of_the_encoders_package(family, tmp_path, tokenizer, byte_tokenizer) -> None:
    """The same logits as transformers' model, in a batch of windows of different lengths."""
    own = byte_tokenizer if family == "roberta" else tokenizer
    folder = pretrained(tmp_path / family, own, family)
    model = bertsum.MaskedLM.for_training(plain_config(tmp_path, folder)).eval()
    theirs = AutoModelForMaskedLM.from_pretrained(folder).eval()
    begin, end = own.cls_token_id, own.sep_token_id
    rows = [{"input_ids": [begin, *range(20, 20 + count), end], "key": count} for count in (30, 9)]
    batch = model.collate(rows)
    logits = model(**batch.inputs())
    seen = [model.masker(row["input_ids"], (row["key"],)) for row in rows]
    with torch.inference_mode():
        expected = [theirs(input_ids=torch.tensor(ids)[None]).logits[0, places] for ids, places in seen]
    assert torch.allclose(logits, torch.cat(expected), atol=1e-4)
    asked = [row["input_ids"][place] for row, (_, places) in zip(rows, seen, strict=True) for place in places]
    assert batch.targets.tolist() == asked
    assert batch.units == len(logits) == len(asked)


@pytest.mark.parametrize("attention", ["auto", "eager"])
def test_a_new_head_is_tied_to_the_embeddings(tmp_path, encoder_folder, attention) -> None:
    model = bertsum.MaskedLM.for_training(plain_config(tmp_path, encoder_folder, f"model.attention={attention}"))
    assert {name for name in model.state_dict() if not name.startswith("encoder.")} == {
        f"head.{name}" for name in ("bias", "dense.weight", "dense.bias", "norm.weight", "norm.bias")
    }
    batch = model.collate([{"input_ids": [2, *range(10, 50), 3], "key": 5}])
    model.loss(model(**batch.inputs()), batch).backward()
    gradient = model.encoder.get_input_embeddings().weight.grad
    absent = sorted(set(range(100, 1500)) - set(batch.input_ids.flatten().tolist()))
    assert (gradient[absent].abs().sum(dim=1) > 0).all()  # as rows of the output matrix


def test_the_loss_is_the_mean_over_all_guessed_tokens(tmp_path, encoder_folder) -> None:
    """``-(1 / |M|) sum of log p(x_i | masked text)``: also over tokens that stayed as they were."""
    config = plain_config(tmp_path, encoder_folder, "model.hidden_dropout=0.0", "model.attention_dropout=0.0")
    model = bertsum.MaskedLM.for_training(config)
    rows = [{"input_ids": [2, *range(10, 60), 3], "key": key} for key in (1, 2, 3)]
    batch = model.collate(rows)
    total = 0.0
    for row in rows:
        ids, places = model.masker(row["input_ids"], (config.seed, 0, row["key"]))
        whole = model(torch.tensor(ids)[None]).double().log_softmax(-1)  # logits of all its tokens
        total -= sum(whole[place, row["input_ids"][place]].item() for place in places)
    assert model.loss(model(**batch.inputs()), batch).item() == pytest.approx(total, rel=1e-5)
    kept = batch.input_ids[batch.guessed] == batch.targets
    assert 0 < kept.sum() < batch.units == 3 * round(0.15 * 50)


def test_masks_change_with_the_epoch_and_not_in_validation(tmp_path, encoder_folder) -> None:
    model = bertsum.MaskedLM.for_training(plain_config(tmp_path, encoder_folder))
    rows = [{"input_ids": [2, *range(10, 60), 3], "key": key} for key in (1, 2)]

    def places(which: list[dict]) -> list[int]:
        return model.collate(which).guessed.tolist()

    first, alone = places(rows), places(rows[1:])
    assert [place - 52 for place in first if place >= 52] == alone  # whatever else is in the batch
    model.epoch = 1
    assert places(rows) != first
    model.eval()
    fixed = places(rows)
    model.epoch = 2
    assert places(rows) == fixed
    model.train()
    model.epoch = 0
    assert places(rows) == first
    model.seed = 1
    assert places(rows) != first


@MASKED
def test_an_interrupted_training_ends_with_the_same_bits(config_of) -> None:
    """In its second pass over the documents, where masks are new."""
    options = ("model.hidden_dropout=0.2", "train.max_tokens_per_batch=2048", "train.validate_every=5")
    whole, part = (config_of(*options, f"name={name}", "train.max_steps=16") for name in ("whole", "part"))
    bertsum.train(whole)
    bertsum.train(part.override({"train.max_steps": 11}))
    bertsum.train(part)
    assert comparable_metrics(whole.run_dir)[-1]["epoch"] >= 1
    first, second = (load_file(Run(run.run_dir).checkpoint(16) / "model.safetensors") for run in (whole, part))
    assert first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


# ---- perplexity


def test_perplexity_before_and_after(tmp_path, encoder_folder, capsys) -> None:
    config = plain_config(tmp_path, encoder_folder, "train.max_steps=30", "train.learning_rate=3e-3")
    after = bertsum.train(config).evaluation
    before = evaluate_untrained(config, "validation")
    assert before.perplexity["model"].score > 2 * after.perplexity["model"].score > 2
    assert before.documents == after.documents == 12
    lines = [json.loads(line) for line in (after.folder / "predictions.jsonl").read_text().splitlines()]
    figures = np.array([line["statistics"]["perplexity"] for line in lines])
    assert len(lines) == 12 and after.perplexity["model"].score == pytest.approx(
        math.exp(figures[:, 0].sum() / figures[:, 1].sum())
    )
    low, high = after.perplexity["model"].interval
    assert low < after.perplexity["model"].score < high
    validation = [line for line in comparable_metrics(config.run_dir) if line["split"] == "validation"]
    assert validation[-1]["perplexity"] == pytest.approx(after.perplexity["model"].score, rel=1e-4)
    assert Results.read(after.folder / "results.json").perplexity == after.perplexity
    assert not after.report.exists() and after.example == ""
    assert "perplexity" in (config.run_dir / "curves.svg").read_text()
    files = [folder / "predictions.jsonl" for folder in (before.folder, after.folder)]
    difference = compare(*files)["perplexity"]
    assert difference.a == pytest.approx(before.perplexity["model"].score) and difference.interval[1] < 0
    assert "PERPLEXITY" in comparison_table({"perplexity": difference})
    config.save(tmp_path / "adapt.yaml")
    capsys.readouterr()
    main(["eval", "--config", str(tmp_path / "adapt.yaml"), "--untrained", "--split", "validation"])
    printed = capsys.readouterr().out
    assert f"{before.perplexity['model'].score:.2f}" in printed and "Report" not in printed


def test_figures_that_are_none(tmp_path) -> None:
    good = {"id": "a", "statistics": {"perplexity": [3.5, 2]}}
    for wrong in ([3.5], [3.5, 0], [-1.0, 2], ["x", 2], [float("inf"), 2], None):
        write_jsonl(tmp_path / "a.jsonl", [good, {"id": "b", "statistics": {"perplexity": wrong}}])
        with pytest.raises(bertsum.BertsumError, match=r"a\.jsonl line 2: .*; expected a line of predictions"):
            compare(tmp_path / "a.jsonl", tmp_path / "a.jsonl")


# ---- its checkpoint is an encoder


@pytest.mark.parametrize(
    "family", ["bert", *(pytest.param(name, marks=pytest.mark.slow) for name in ("roberta", "distilbert"))]
)
def test_a_checkpoint_is_an_encoder(family, tmp_path, tokenizer, byte_tokenizer) -> None:
    """Of longer texts than the encoder was pretrained with; a summarizer is trained on it, alone and with adapters."""
    own = byte_tokenizer if family == "roberta" else tokenizer
    folder = save_encoder(tmp_path / family, own, family, **shape_of(family))
    adapted = bertsum.train(plain_config(tmp_path, folder, "encoding.max_length=150", "name=adapted")).checkpoint
    model = bertsum.MaskedLM.from_pretrained(adapted)
    trained = model.encoder.state_dict()
    for weights_alone in (False, family != "distilbert"):
        weights = load_encoder(ModelConfig(encoder=str(adapted)), 150, weights_alone).state_dict()
        assert all(torch.equal(weights[name], tensor) for name, tensor in trained.items())
    assert load_tokenizer(str(adapted)).get_vocab() == own.get_vocab()
    head = ("model.head_heads=4", "model.head_feedforward=32", f"model.encoder={adapted}", *EXTRACTIVE)
    results = []
    for name, settings in {"plain": ("encoding.max_length=160",), "low": ("model.adapters=2", "name=low")}.items():
        results.append(bertsum.train(plain_config(tmp_path, folder, f"name={name}", *head, *settings)))
        assert results[-1].evaluation.systems["model"]["rouge1"].fmeasure > 0
    assert bertsum.Summarizer.from_pretrained(results[1].checkpoint)("It rained. We left. They came back.").text
    with pytest.raises(
        bertsum.BertsumError, match="is a checkpoint with model.adapters, which does not hold an encoder"
    ):
        bertsum.train(plain_config(tmp_path, folder, "name=third", f"model.encoder={results[1].checkpoint}"))
    shutil.rmtree(tmp_path / "runs" / "adapted")  # the summarizer has its own copy
    assert bertsum.Summarizer.from_pretrained(results[0].checkpoint)("It rained. We left. They came back.").text


def test_a_checkpoint_goes_on_with_its_head(tmp_path, encoder_folder) -> None:
    first = bertsum.train(plain_config(tmp_path, encoder_folder)).checkpoint
    further = bertsum.MaskedLM.for_training(plain_config(tmp_path, first, "name=further", "seed=7"))
    before = load_file(first / "model.safetensors")
    assert all(torch.equal(tensor, before[name]) for name, tensor in further.state_dict().items())


def test_transformers_reads_the_encoder(tmp_path, encoder_folder) -> None:
    model = bertsum.MaskedLM.from_pretrained(bertsum.train(plain_config(tmp_path, encoder_folder)).checkpoint)
    model.encoder.save_pretrained(tmp_path / "plain")
    theirs = AutoModel.from_pretrained(tmp_path / "plain").state_dict()
    assert all(torch.equal(theirs[name], tensor) for name, tensor in model.encoder.state_dict().items())


# ---- what it is not


def test_it_summarizes_nothing(tmp_path, encoder_folder) -> None:
    checkpoint = bertsum.train(plain_config(tmp_path, encoder_folder)).checkpoint
    with pytest.raises(
        bertsum.BertsumError, match=r"model.kind masked_lm, which makes no summaries; .*--model.encoder"
    ):
        bertsum.Summarizer.from_pretrained(checkpoint)
    with pytest.raises(bertsum.BertsumError, match="only extractive models can be exported"):
        export_onnx(Model.from_pretrained(checkpoint), tmp_path / "exported")
    with pytest.raises(bertsum.BertsumError, match=r"is of model.kind masked_lm, .* read it with bertsum.MaskedLM"):
        bertsum.BertSum.from_pretrained(checkpoint)
    summarizing = plain_config(tmp_path, encoder_folder, *EXTRACTIVE, "name=other")
    with pytest.raises(bertsum.BertsumError, match=r"evaluation.metrics: got rouge, expected .perplexity. for"):
        bertsum.evaluate(summarizing, checkpoint, "validation")


def test_perplexity_is_for_it_alone(trained_run) -> None:
    config, result = trained_run
    asked = config.override({"evaluation.metrics": ["rouge", "perplexity"]}, training=False)
    with pytest.raises(bertsum.BertsumError, match=r"got rouge, perplexity, expected some of rouge, bleu, chrf"):
        bertsum.evaluate(asked, result.checkpoint, "validation")


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("evaluation.metrics=[rouge]", r"got \[rouge\], expected \[perplexity\] with model.kind masked_lm"),
        ("model.adapters=4", "model.adapters: is set, expected null with model.kind masked_lm"),
        ("train.validate_rouge=true", "train.validate_rouge: got true, expected false"),
        ("train.loss_reduction=sentence", "but the loss of model.kind masked_lm is not a sum over sentences"),
        ("train.label_smoothing=0.1", "train.label_smoothing: got 0.1, expected 0 with model.kind masked_lm"),
        ("model.kind=extractive", "evaluation.metrics: got .perplexity., expected some of rouge, bleu, chrf"),
    ],
)
def test_settings_that_do_not_fit(tmp_path, encoder_folder, override, expected) -> None:
    with pytest.raises(bertsum.BertsumError, match=expected):
        plain_config(tmp_path, encoder_folder, override)


def test_its_card(tmp_path, encoder_folder, monkeypatch) -> None:
    checkpoint = bertsum.train(plain_config(tmp_path, encoder_folder)).checkpoint
    card = bertsum.MaskedLM.from_pretrained(checkpoint).generate_model_card(str(checkpoint))
    assert (card.data.pipeline_tag, card.data.metrics) == ("fill-mask", ["perplexity"])
    assert "It makes no summaries" in card.text and "| **this model** |" in card.text and "ROUGE" not in card.text
    assert [result.metric_type for result in card.data.eval_results] == ["perplexity"]
    monkeypatch.chdir(tmp_path)
    exec(card.text.split("```python\n")[1].split("```")[0], {})
    assert load_encoder(ModelConfig(encoder="encoder"), 64).config.hidden_size == 32
