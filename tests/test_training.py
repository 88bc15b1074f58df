"""Training: learns, keeps the best, resumes, does the same on two processes, and says what is wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from conftest import all_kinds, write_jsonl
from filelock import FileLock
from safetensors.torch import load_file

import bertsum
from bertsum.data.prepare import prepare
from bertsum.device import autocast
from bertsum.models.base import Model
from bertsum.runs import Run
from bertsum.training.state import load_state

OTHER_NETWORK = {
    "extractive": "model.head=linear",
    "seq2seq": "decoder.layers=2",
    "masked_lm": "encoding.max_length=150",
}


def metrics_of(run_dir: Path, split: str) -> list[dict]:
    lines = (run_dir / "metrics.jsonl").read_text().splitlines()
    return [record for record in map(json.loads, lines) if record["split"] == split]


def weights_of(checkpoint: Path) -> dict[str, torch.Tensor]:
    return load_file(checkpoint / "model.safetensors")


def assert_equal_weights(a: Path, b: Path, tolerance: float = 0.0) -> None:
    first, second = weights_of(a), weights_of(b)
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.allclose(tensor, second[name], atol=tolerance, rtol=0), name


def test_a_finished_run(trained_run) -> None:
    config, result = trained_run
    assert result.run_dir == config.run_dir
    settled = config.override({"model.attention": "packed"})  # what auto is on a CPU
    assert bertsum.Config.load(config.run_dir / "config.yaml") == settled
    assert (config.run_dir / "best").is_symlink()
    training = metrics_of(config.run_dir, "train")
    assert training[-1]["step"] == result.step
    assert {"loss", "learning_rate", "documents_per_second", "tokens_per_second"} <= set(training[-1])
    validation = metrics_of(config.run_dir, "validation")
    assert [record["documents"] for record in validation] == [12, 24]  # at the end of each epoch
    assert {"loss", "rouge1", "rouge2", "rougeL", "rouge_mean"} <= set(validation[-1])
    assert list((config.run_dir / "tensorboard").rglob("events.out.*"))
    kept = {folder.name for folder in (config.run_dir / "checkpoints").iterdir()}
    best = max(validation, key=lambda record: record["rouge_mean"])["step"]
    assert kept == {f"step_{step:06d}" for step in {best, result.step}}
    assert (config.run_dir / "best").resolve().name == f"step_{best:06d}"
    evaluated = result.evaluation.systems["model"]
    assert 100 * evaluated["rouge1"].fmeasure == pytest.approx(
        100 * max(record["rouge1"] for record in validation if record["step"] == best), abs=1e-6
    )


def test_whoever_may_read_other_files_may_read_those_of_a_run(trained_run, tmp_path) -> None:
    (tmp_path / "other").touch()
    usual = (tmp_path / "other").stat().st_mode
    files = [path for path in trained_run[1].run_dir.rglob("*") if path.is_file()]
    assert any(path.suffix == ".safetensors" for path in files)
    assert [path for path in files if path.stat().st_mode != usual] == []


def test_it_learns(config_of, tmp_path) -> None:
    """The position of the important sentence is told by a word, so a tiny model finds it."""
    records = []
    for number in range(48):
        sentences = [f"The weather was fine on day {number} of {place}." for place in ("May", "June", "July", "August")]
        sentences[number % 4] = f"The council decided the harbour question {number}."
        records.append({"id": str(number), "document": sentences, "summary": f"council decided the harbour {number}"})
    path = write_jsonl(tmp_path / "a.jsonl", records)
    config = config_of(
        f"data.train={path}",
        f"data.validation={path}",
        "train.max_steps=60",
        "model.head=linear",
        "train.loss_reduction=document",
        "model.sentence_vectors=mean",
        "selection.sentences=1",
        "train.learning_rate=3e-3",
        "train.log_every=20",
        "train.optimizer=adamw",
        "train.max_grad_norm=1.0",
    )
    result = bertsum.train(config)
    losses = [record["loss"] for record in metrics_of(config.run_dir, "train")]
    assert losses[-1] < losses[0] / 3
    assert result.evaluation.systems["model"]["rouge1"] == result.evaluation.systems["oracle"]["rouge1"]


@pytest.mark.parametrize("reduction", ["sum", "document", "sentence"])
def test_reductions_scale_the_same_gradient(config_of, reduction) -> None:
    """Accumulated batches give the gradient of the whole update; plain SGD shows it."""
    config = config_of(f"train.loss_reduction={reduction}", "train.max_steps=1", "train.accumulation=30")
    bertsum.train(config)
    (record,) = metrics_of(config.run_dir, "train")
    assert record["documents"] == 12
    assert record["loss"] > 0


@pytest.mark.parametrize("stop", [6, 7])  # inside an epoch and at its end
def test_resume_is_exact(config_of, stop) -> None:
    options = ("train.save_every=3", "train.keep_best=5", "model.hidden_dropout=0.2", "train.buffer_documents=5")
    whole = config_of(*options, "train.max_steps=9", "name=whole")
    bertsum.train(whole)
    part = config_of(*options, f"train.max_steps={stop}", "name=part")
    bertsum.train(part)
    state = load_state(Run(part.run_dir).last_checkpoint()).train
    assert (state.step, state.epoch, state.batch) == ((6, 0, 6) if stop == 6 else (7, 1, 0))
    result = bertsum.train(config_of(*options, "train.max_steps=9", "name=part", "train.resume=true"))
    assert result.step == 9
    assert_equal_weights(whole.run_dir / "checkpoints" / "step_000009", part.run_dir / "checkpoints" / "step_000009")
    losses = [[record["loss"] for record in metrics_of(run.run_dir, "train")] for run in (whole, part)]
    assert losses[0] == losses[1]


def test_resume_of_another_run(config_of, tmp_path) -> None:
    bertsum.train(config_of("train.max_steps=1"))
    for override, expected in [
        ("model.head=linear", "model.head: was 'transformer', is 'linear'"),
        ("train.learning_rate=5e-2", "train.learning_rate"),
        ("train.schedule=linear", "train.schedule: was 'constant', is 'linear'"),
        ("data.train=sample/english.train.jsonl", "other prepared training data"),
    ]:
        with pytest.raises(bertsum.BertsumError, match=expected):
            bertsum.train(config_of("train.max_steps=2", "train.resume=true", override))


def test_a_folder_in_use_and_a_copied_checkpoint(config_of) -> None:
    config = config_of("train.max_steps=1", "train.overwrite=true")
    bertsum.train(config)
    checkpoints = config.run_dir / "checkpoints"
    shutil.copytree(checkpoints / "step_000001", checkpoints / "step_000001_copy")
    bertsum.train(config_of("train.max_steps=2", "train.resume=true"))
    assert Run(config.run_dir).last_checkpoint().name == "step_000002"
    with (
        FileLock(Run(config.run_dir).lock_file),
        pytest.raises(bertsum.BertsumError, match="another training is running"),
    ):
        bertsum.train(config)


def test_resume_with_nothing_there_begins(config_of) -> None:
    assert bertsum.train(config_of("train.resume=true", "train.max_steps=1")).step == 1


@all_kinds
def test_two_steps_of_accumulation_are_one_bigger_step(config_of) -> None:
    """Same documents in an update, cut into other batches: the same weights."""
    options = (
        "train.max_steps=2",
        "train.buffer_documents=1000",
        "model.hidden_dropout=0.0",
        "model.attention_dropout=0.0",
        "model.head_dropout=0.0",
        "decoder.dropout=0.0",
        "train.eps=1e-3",
    )
    one = config_of(*options, "name=one", "train.max_tokens_per_batch=32768")
    many = config_of(*options, "name=many", "train.max_tokens_per_batch=256", "train.accumulation=200")
    for config in (one, many):
        bertsum.train(config)
    paths = [config.run_dir / "checkpoints" / "step_000002" for config in (one, many)]
    assert_equal_weights(*paths, tolerance=1e-5)


@all_kinds
def test_a_frozen_encoder_stays(config_of) -> None:
    first, last = (
        weights_of(bertsum.train(config_of("model.freeze_encoder=true", f"train.max_steps={steps}")).checkpoint)
        for steps in (1, 3)
    )
    for name, weight in first.items():
        assert torch.equal(weight, last[name]) is name.startswith("encoder."), name


@all_kinds
def test_early_stopping_and_validation_on_some_documents(config_of) -> None:
    config = config_of(
        "train.learning_rate=1e-12",
        "train.encoder_learning_rate=1e-12",
        "train.max_steps=50",
        "train.validate_every=1",
        "train.patience=2",
        "train.validate_documents=4",
        "model.hidden_dropout=0.0",
    )
    assert bertsum.train(config).step <= 10
    assert len(metrics_of(config.run_dir, "validation")) <= 10


@all_kinds
def test_without_validation_data_the_last_is_the_best(config_of) -> None:
    result = bertsum.train(config_of("data.validation=null", "train.max_steps=2"))
    assert result.evaluation is None
    assert result.checkpoint.resolve().name == "step_000002"


@pytest.mark.parametrize("precision", ["bf16"])
@all_kinds
def test_mixed_precision(config_of, precision) -> None:
    config = config_of(f"train.precision={precision}", "model.attention=eager", "train.schedule=cosine")
    bertsum.train(config)
    assert {weight.dtype for weight in weights_of(config.run_dir / "best").values()} == {torch.float32}


def loss_by_hand(model: Model, row: dict, precision: str) -> float:
    """A row's loss, alone in its batch: of sentences their cross-entropy, of tokens ``-log p``."""
    with torch.inference_mode(), autocast(torch.device("cpu"), precision):
        outputs = model(**model.collate([row]).inputs()).double()
    if "labels" in row:
        probabilities, labels = outputs[0].sigmoid(), torch.tensor(row["labels"], dtype=torch.float64)
        return -(labels * probabilities.log() + (1 - labels) * (1 - probabilities).log()).sum().item()
    if "key" in row:
        targets = model.collate([row]).targets.tolist()
        return -sum(outputs[place].softmax(-1)[token].log().item() for place, token in enumerate(targets))
    return -sum(outputs[place, token].item() for place, token in enumerate(row["target_ids"][1:]))


@all_kinds
@pytest.mark.parametrize("attention", ["auto", "eager"])
@pytest.mark.parametrize(("training", "evaluation"), [("bf16", "fp32"), ("fp32", "bf16")])
def test_a_validation_computes_as_its_training(config_of, attention, training, evaluation) -> None:
    """Whatever the attention, and whatever ``evaluation.precision``, which is for the evaluation at the end."""
    config = config_of(
        f"train.precision={training}", f"evaluation.precision={evaluation}", f"model.attention={attention}",
        "train.max_steps=1",
    )  # fmt: skip
    result = bertsum.train(config)
    (record,) = metrics_of(config.run_dir, "validation")
    model = Model.from_pretrained(result.checkpoint)
    rows = prepare(config, "validation", model.tokenizer, model.target_tokenizer).dataset.to_list()

    losses = {precision: [loss_by_hand(model, row, precision) for row in rows] for precision in ("bf16", "fp32")}
    assert max(abs(a - b) for a, b in zip(*losses.values(), strict=True)) > 1e-5  # their means may be equal by chance
    assert record["loss"] == pytest.approx(sum(losses[training]) / len(rows), rel=1e-6, abs=2e-6)
    results = json.loads((result.evaluation.folder / "results.json").read_text())
    assert results["precision"] == evaluation


@all_kinds
def test_fp16_scales_its_gradients_and_resumes(config_of) -> None:
    options = ("train.precision=fp16", "train.save_every=2", "model.hidden_dropout=0.2")
    whole = config_of(*options, "name=whole", "train.max_steps=4")
    bertsum.train(whole)
    for steps in (2, 4):
        bertsum.train(config_of(*options, "name=part", f"train.max_steps={steps}"))
    states = [load_state(Run(run.run_dir).last_checkpoint()).train for run in (whole, config_of("name=part"))]
    assert states[0].scaler["scale"] > 1 and states[0].scaler == states[1].scaler
    assert_equal_weights(*(Run(run.run_dir).last_checkpoint() for run in (whole, config_of("name=part"))))


def test_a_run_folder_that_is_taken(config_of, tmp_path) -> None:
    config = config_of("train.max_steps=1")
    bertsum.train(config)
    (config.run_dir / "notes.txt").write_text("mine")
    with pytest.raises(bertsum.BertsumError, match=r"already holds a run.*--train\.resume.*--train\.overwrite.*--name"):
        bertsum.train(config_of("train.max_steps=1", "train.resume=false"))
    bertsum.train(config_of("train.max_steps=2", "train.overwrite=true"))
    assert metrics_of(config.run_dir, "train")[-1]["step"] == 2
    assert (config.run_dir / "notes.txt").read_text() == "mine"


def test_a_folder_that_cannot_be_written(config_of, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(bertsum.BertsumError, match="cannot be written"):
        bertsum.train(config_of(f"output_dir={tmp_path / 'file'}"))


def test_a_failed_start_leaves_nothing(config_of, tmp_path) -> None:
    for override in ("model.encoder=no-such-model", "data.train=nothing.jsonl", "model.head_heads=5"):
        config = config_of(override)
        with pytest.raises(bertsum.BertsumError):
            bertsum.train(config)
        assert not config.run_dir.exists()


def test_no_length_and_unknown_trackers(config_of) -> None:
    with pytest.raises(bertsum.BertsumError, match="both are null"):
        bertsum.train(config_of("train.max_steps=null"))
    with pytest.raises(bertsum.BertsumError, match="tracking.trackers: got paper"):
        bertsum.train(config_of("tracking.trackers=[paper]", "name=other"))


def test_a_broken_state(config_of) -> None:
    config = config_of("train.max_steps=1")
    bertsum.train(config)
    state = config.run_dir / "checkpoints" / "step_000001" / "state"
    for name, message in [("tensors.safetensors", "is broken"), ("trainer.json", "its state cannot be read")]:
        (state / name).write_bytes(b"broken")
        with pytest.raises(bertsum.BertsumError, match=message):
            bertsum.train(config_of("train.max_steps=2"))


@pytest.mark.parametrize("adapters", ["null", "2"])
@all_kinds
def test_starting_from_a_trained_model(config_of, adapters, kind) -> None:
    if kind == "masked_lm" and adapters != "null":
        pytest.skip("its checkpoint is a whole encoder")
    same = (f"model.adapters={adapters}", "train.epochs=null")
    first = bertsum.train(config_of(*same, "train.max_steps=3")).checkpoint
    further = ("name=further", "train.max_steps=1", f"train.start_from={first}", "train.learning_rate=1e-12")
    assert_equal_weights(first, bertsum.train(config_of(*same, *further)).checkpoint, tolerance=1e-6)
    with pytest.raises(bertsum.BertsumError, match=r"its weights are of another architecture"):
        bertsum.train(config_of(*same, *further, "name=other", OTHER_NETWORK[kind]))
    with pytest.raises(bertsum.BertsumError, match="model 'me/none': no such folder, and the hub cannot give it"):
        bertsum.train(config_of(*same, *further, "name=other", "train.start_from=me/none"))


@pytest.mark.parametrize("adapters", ["null", "2"])  # a mean of adapters is adapters
def test_best_is_the_mean_of_the_best_checkpoints(config_of, adapters) -> None:
    options = (
        f"model.adapters={adapters}",
        "train.max_steps=6",
        "train.validate_every=2",
        "train.keep_best=3",
        "train.average=2",
        "train.metric=loss",
    )
    config = config_of(*options)
    run = Run.of(config)
    for expected in (6, 8):  # the second one goes on with the training
        result = bertsum.train(config)
        assert (result.step, run.best.resolve()) == (expected, run.mean.resolve())
        first, second = (load_file(path / "model.safetensors") for path in run.best_checkpoints("loss", 2))
        mean = load_file(run.best / "model.safetensors")
        assert mean.keys() == first.keys()
        for name, weight in mean.items():
            torch.testing.assert_close(weight, (first[name] + second[name]) / 2)
        assert result.evaluation is not None
        config = config_of(*options, "train.max_steps=8")
    with pytest.raises(bertsum.BertsumError, match="train.average: got 4, expected at most train.keep_best"):
        config_of("train.average=4", "train.keep_best=3")
