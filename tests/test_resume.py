"""Resume to the bit: weights, optimiser, random generators, metrics and the order of documents."""

from __future__ import annotations

import math
import os
import signal
import time
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from conftest import all_kinds, comparable_metrics, finish, run_torchrun, run_train, wait_for, write_jsonl

import bertsum
from bertsum import device
from bertsum.data.batching import plan_epoch
from bertsum.data.prepare import prepare
from bertsum.encoders.load import load_tokenizer
from bertsum.encoders.tensors import read_tensors
from bertsum.models.base import model_class
from bertsum.runs import Run
from bertsum.training.loop import Trainer
from bertsum.training.signals import StopSignals
from bertsum.training.state import Ranking, SavedState, load_state

# Epochs of 12 batches; metrics every 4 updates, a checkpoint every 3, validation every 5, dropout everywhere.
OPTIONS = (
    "train.max_tokens_per_batch=128",
    "train.buffer_documents=5",
    "train.log_every=4",
    "train.save_every=3",
    "train.validate_every=5",
    "train.validate_rouge=true",
    "train.metric=rouge_mean",
    "train.keep_best=2",
    "train.optimizer=adamw",
    "train.weight_decay=0.01",
    "train.max_grad_norm=1.0",
    "train.clip_apart=true",
    "train.schedule=noam",
    "train.warmup_steps=5",
    "train.encoder_warmup_steps=7",
    "model.hidden_dropout=0.2",
    "model.attention_dropout=0.1",
)


def state_of(state: SavedState) -> dict:
    values = asdict(state.train)
    values.pop("seconds")
    values["since_log"].pop("seconds")
    return values


def assert_same_run(one: Path, other: Path) -> None:
    """Weights, optimiser, random generators, place in the data and metrics are equal."""
    folders = [Run(run).last_checkpoint() for run in (one, other)]
    assert folders[0].name == folders[1].name
    for name in ("model.safetensors", "state/tensors.safetensors"):
        a, b = (read_tensors(folder / name) for folder in folders)
        assert a.keys() == b.keys()
        for key, tensor in a.items():
            assert torch.equal(tensor, b[key]), key
    states = [load_state(folder) for folder in folders]
    assert state_of(states[0]) == state_of(states[1])
    assert comparable_metrics(one) == comparable_metrics(other)
    assert (one / "best").readlink() == (other / "best").readlink()


@pytest.mark.parametrize(
    ("kind", "stop", "accumulation"),
    [
        ("extractive", 4, 1),  # inside an epoch
        ("extractive", 12, 1),  # at its end
        ("extractive", 10, 1),  # right after a validation, and 2 updates before the next line of metrics
        ("extractive", 5, 2),  # inside the third line's sums, and where validation is due
        ("extractive", 3, 5),  # at the end of an epoch whose last update has fewer batches
        pytest.param("seq2seq", 10, 1, marks=pytest.mark.slow),
        ("seq2seq", 5, 2),
    ],
)
def test_resume_is_exact(config_of, stop, accumulation) -> None:
    options = (*OPTIONS, f"train.accumulation={accumulation}")
    whole = config_of(*options, "train.max_steps=14", "name=whole")
    bertsum.train(whole)
    bertsum.train(config_of(*options, f"train.max_steps={stop}", "name=part"))
    part = config_of(*options, "train.max_steps=14", "name=part")
    bertsum.train(part)
    assert_same_run(whole.run_dir, part.run_dir)


def test_the_order_of_documents(config_of, monkeypatch) -> None:
    """What each update sees, over a stop at every update of the first two epochs."""
    seen: list[list[list[int]]] = []
    step = Trainer.train_step

    def recorded(self, update):
        seen.append([batch.tolist() for batch in update])
        return step(self, update)

    monkeypatch.setattr(Trainer, "train_step", recorded)
    options = ("train.max_tokens_per_batch=256", "train.accumulation=2", "data.validation=null")
    bertsum.train(config_of(*options, "train.epochs=2", "train.max_steps=null", "name=whole"))
    whole, steps = list(seen), len(seen)
    seen.clear()
    for stop in range(1, steps + 1):
        bertsum.train(config_of(*options, f"train.max_steps={stop}", "name=part"))
    assert seen == whole
    for epoch in (whole[: steps // 2], whole[steps // 2 :]):
        assert sorted(index for update in epoch for batch in update for index in batch) == list(range(12))


@pytest.mark.long
def test_two_processes_resume_exactly_and_so_does_one_after_them(config_of, tmp_path, capsys) -> None:
    config_of(*OPTIONS).save(tmp_path / "tiny.yaml")
    for name, steps in [("whole", 8), ("part", 5), ("part", 8)]:  # stopped inside an epoch of 6 updates
        arguments = ("--name", name, "--train.max_steps", str(steps))
        finish(run_train(tmp_path / "tiny.yaml", *arguments, processes=2))
    runs = [config_of("name=whole").run_dir, config_of("name=part").run_dir]
    assert_same_run(*runs)
    # From 2 processes to 1, in the middle of an epoch.
    seen: list[int] = []
    step = Trainer.train_step

    def recorded(self, update):
        seen.extend(index for batch in update for index in batch.tolist())
        return step(self, update)

    state = load_state(Run(runs[1]).last_checkpoint()).train
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "train_step", recorded)
        left = 12 - state.batch
        bertsum.train(config_of(*OPTIONS, "name=part", f"train.max_steps={state.step + left}"))
    after = load_state(Run(runs[1]).last_checkpoint()).train
    assert (after.epoch, after.batch, after.documents) == (state.epoch + 1, 0, 12 * (state.epoch + 1))
    assert len(seen) == len(set(seen))  # and the documents that the two processes had seen are none of them
    prepared = prepare(config_of(*OPTIONS), "train", load_tokenizer(config_of().model.encoder))
    before = plan_epoch(prepared.lengths, 128, 5, seed=0, epoch=state.epoch).batches(0, state.batch)
    assert sorted([*seen, *(index for batch in before for index in batch)]) == list(range(12))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals_save_and_say_how_to_go_on(config_of, tmp_path, number, code) -> None:
    options = ("train.max_steps=3000", "train.log_every=1")
    config = config_of(*options)
    config.save(tmp_path / "tiny.yaml")
    process = run_train(tmp_path / "tiny.yaml")
    wait_for(tmp_path, "runs/tiny/metrics.jsonl", process)
    process.send_signal(number)
    output = finish(process, code)
    last = Run(config.run_dir).last_checkpoint()
    assert f"which is saved in '{last}'; the same command goes on" in output
    assert "Traceback" not in output
    done = load_state(last).train.step
    assert comparable_metrics(config.run_dir)[-1]["step"] == done > 0
    result = bertsum.train(config_of(f"train.max_steps={done + 1}", "train.log_every=1"))
    assert result.step == done + 1


@all_kinds
def test_a_signal_in_a_validation_saves_at_once(config_of, tmp_path) -> None:
    """The update is saved without its validation, which is made up for; all is as without the signal."""
    options = ("train.max_steps=4", "train.validate_every=2", "train.validate_rouge=true", "model.hidden_dropout=0.2")
    whole = config_of(*options, "name=whole")
    bertsum.train(whole)
    part = config_of(*options, "name=part")
    validate = Trainer.validate

    def interrupted(self):
        if self.state.step == 2:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        return validate(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "validate", interrupted)
        with pytest.raises(bertsum.Stopped) as stopped:
            bertsum.train(part)
    assert stopped.value.signal == signal.SIGTERM
    assert load_state(Run(part.run_dir).last_checkpoint()).train.ranking.step == 0
    bertsum.train(part)
    assert_same_run(whole.run_dir, part.run_dir)


@pytest.mark.long
@pytest.mark.slow  # its processes start cold
def test_signals_end_every_process(config_of, tmp_path) -> None:
    config = config_of("train.max_steps=3000", "train.log_every=1")
    config.save(tmp_path / "tiny.yaml")
    process = run_torchrun(tmp_path / "tiny.yaml", processes=2)
    wait_for(tmp_path, "runs/tiny/metrics.jsonl", process)
    begin = time.monotonic()
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert time.monotonic() - begin < 60
    assert output.count("the same command goes on from there") == 2
    assert load_state(Run(config.run_dir).last_checkpoint()).train.step > 0


def test_a_changed_config_is_told_or_refused(config_of, capsys) -> None:
    bertsum.train(config_of("train.max_steps=1"))
    with pytest.raises(bertsum.BertsumError, match="model.head: was 'transformer', is 'linear'.*--train.overwrite"):
        bertsum.train(config_of("train.max_steps=2", "model.head=linear"))
    capsys.readouterr()
    bertsum.train(config_of("train.max_steps=2", "train.accumulation=2"))
    printed = capsys.readouterr().out
    assert "which is allowed (train.max_steps: was 1, is 2; train.accumulation: was 1, is 2)" in printed


def test_what_auto_was_is_written_down_and_kept(config_of, monkeypatch, capsys) -> None:
    """On a processor with bf16 instructions, and then on one without."""
    auto = ("train.precision=auto", "data.validation=null", "train.log_every=1")
    config, written = config_of(*auto), config_of().run_dir / "config.yaml"
    monkeypatch.setattr(device, "_processor_has_bf16", lambda: True)
    whole = bertsum.train(config_of(*auto, "name=whole", "train.max_steps=3"))
    bertsum.train(config_of(*auto, "train.max_steps=1"))
    settled = bertsum.Config.load(written)
    assert (settled.train.precision, settled.model.attention) == ("bf16", "packed")
    bertsum.train(config_of(*auto, "train.max_steps=2"))
    assert "Going on in" not in capsys.readouterr().out
    monkeypatch.setattr(device, "_processor_has_bf16", lambda: False)
    with pytest.raises(bertsum.BertsumError, match="train.precision: was 'bf16', is 'fp32'"):
        bertsum.train(config_of(*auto, "train.precision=fp32"))
    bertsum.train(config_of(*auto, "train.max_steps=3"))
    assert "Going on in bf16, as the run began (train.precision: auto is fp32 here)" in capsys.readouterr().out
    assert_same_run(whole.run_dir, config.run_dir)
    bertsum.train(bertsum.Config.load(written))  # what was written down is no change


def test_another_attention_is_told(config_of, capsys) -> None:
    config = config_of("train.max_steps=1", "data.validation=null")
    bertsum.train(config)
    written = config.run_dir / "config.yaml"
    config.override({"model.attention": "sdpa"}).save(written)  # as where it began on a GPU
    further = config.override({"train.max_steps": 2})
    bertsum.train(further)
    assert "model.attention: was sdpa, is packed; --model.attention sdpa keeps it" in capsys.readouterr().out
    config.override({"model.attention": "auto"}).save(written)  # as older versions wrote it
    bertsum.train(further.override({"train.max_steps": 3}))
    assert "model.attention" not in capsys.readouterr().out
    with pytest.raises(bertsum.BertsumError, match="model.attention: was 'packed', is 'eager'"):
        bertsum.train(further.override({"train.max_steps": 4, "model.attention": "eager"}))


@all_kinds
def test_smaller_batches_after_a_resume_make_the_same_updates(config_of) -> None:
    """What memory does not suffice for is computed in pieces: the same documents in an update, the same gradient."""
    options = ("model.hidden_dropout=0.0", "model.attention_dropout=0.0", "model.head_dropout=0.0",
               "decoder.dropout=0.0", "train.eps=1e-3", "train.max_tokens_per_batch=512")  # fmt: skip
    bertsum.train(config_of(*options, "name=whole", "train.max_steps=3"))
    bertsum.train(config_of(*options, "name=part", "train.max_steps=1"))
    bertsum.train(config_of(*options, "name=part", "train.max_steps=3", "train.max_tokens_per_batch=128"))
    runs = [config_of(f"name={name}").run_dir for name in ("whole", "part")]
    a, b = (read_tensors(Run(run).last_checkpoint() / "model.safetensors") for run in runs)
    assert all(torch.allclose(tensor, b[name], atol=1e-5) for name, tensor in a.items())
    documents = [[record["documents"] for record in comparable_metrics(run)] for run in runs]
    assert documents[0] == documents[1]


def test_output_that_nobody_reads_any_more(config_of, tmp_path) -> None:
    """As when Ctrl-C ends the ``tee`` behind a training, too."""
    config = config_of("train.max_steps=100000", "train.log_every=1")
    config.save(tmp_path / "tiny.yaml")
    process = run_train(tmp_path / "tiny.yaml")
    wait_for(tmp_path, "runs/tiny/metrics.jsonl", process)
    process.stdout.close()
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)  # and it comes twice
    assert process.wait(timeout=60) == 130
    assert (
        load_state(Run(config.run_dir).last_checkpoint()).train.step == comparable_metrics(config.run_dir)[-1]["step"]
    )


def test_a_signal_before_a_validation_is_not_forgotten() -> None:
    with StopSignals(alone=True) as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(bertsum.Stopped), stop.at_once():
            pytest.fail("it should not have begun")


def test_patience_does_not_count_the_validation_of_an_end(config_of) -> None:
    options = ("train.validate_every=5", "train.patience=1", "train.learning_rate=1e-12")
    whole = config_of(*options, "name=whole", "train.max_steps=12", "train.encoder_learning_rate=1e-3")
    bertsum.train(whole)
    for steps in (7, 12):
        bertsum.train(config_of(*options, "name=part", f"train.max_steps={steps}", "train.encoder_learning_rate=1e-3"))
    assert_same_run(whole.run_dir, config_of("name=part").run_dir)


def test_what_is_not_a_number_ranks_last() -> None:
    ranking = Ranking()
    for step, value in [(5, math.nan), (10, -1.0), (15, -0.5)]:
        ranking = ranking.add(value, step, keep=2)
    assert ranking == Ranking(((-0.5, 15), (-1.0, 10)), -0.5, 0, 15)


@all_kinds
def test_a_fault_that_passes_leaves_no_trace(config_of, monkeypatch, kind) -> None:
    """The random generators are those before the update that failed."""
    options = ("train.max_steps=6", "model.hidden_dropout=0.2", "train.log_every=1")
    whole = config_of(*options, "name=whole")
    bertsum.train(whole)
    model, calls = model_class(kind), [0]
    original = model.loss

    def loss(*arguments):
        calls[0] += 1
        return original(*arguments) * (math.nan if calls[0] == 4 else 1.0)

    part = config_of(*options, "name=part")
    with monkeypatch.context() as patch:
        patch.setattr(model, "loss", loss)
        with pytest.raises(bertsum.BertsumError, match="update 4 "):
            bertsum.train(part)
    bertsum.train(part)
    assert_same_run(whole.run_dir, part.run_dir)


def test_names_that_look_like_numbers(config_of) -> None:
    for name in ("2e-3", "1e5", "null", "true", "12"):
        config = config_of("train.max_steps=1", "data.validation=null").override({"name": name})
        bertsum.train(config)
        assert bertsum.train(config).step == 1
    for name in ("a\0b", "a\ud800"):
        with pytest.raises(bertsum.BertsumError, match="name: got"):
            config.override({"name": name})


def test_overwriting_is_not_written_down(config_of) -> None:
    config = config_of("train.max_steps=1", "train.overwrite=true", "train.resume=false")
    bertsum.train(config)
    written = bertsum.Config.load(config.run_dir / "config.yaml")
    assert (written.train.overwrite, written.train.resume) == (False, True)


def test_other_documents_are_refused_before_anything_is_written(config_of, tmp_path) -> None:
    records = [{"id": n, "document": ["It rained.", "We left."], "summary": "rain"} for n in range(4)]
    path = write_jsonl(tmp_path / "a.jsonl", records)
    config = config_of(f"data.train={path}", "train.max_steps=1")
    bertsum.train(config)
    written = (config.run_dir / "config.yaml").read_text()
    other = write_jsonl(tmp_path / "b.jsonl", records[:3])
    with pytest.raises(bertsum.BertsumError, match="other prepared training data"):
        bertsum.train(config_of(f"data.train={other}", "train.max_steps=2"))
    assert (config.run_dir / "config.yaml").read_text() == written
    (tmp_path / "elsewhere").mkdir()
    path.rename(tmp_path / "elsewhere" / "a.jsonl")
    assert bertsum.train(config_of(f"data.train={tmp_path}/elsewhere/a.jsonl", "train.max_steps=2")).step == 2
