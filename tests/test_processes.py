"""Several processes give what one gives: DDP by either launcher, and FSDP."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, is_initialized
from conftest import all_kinds, comparable_metrics, finish, run_accelerate, run_train, slow_writing
from test_resume import assert_same_run

import bertsum
from bertsum.encoders.tensors import read_tensors
from bertsum.models.base import Model
from bertsum.runs import Run

OPTIONS = (
    "train.max_steps=10",
    "train.max_tokens_per_batch=512",  # batches of 4: their number does not divide by 2
    "train.validate_every=5",
    "train.validate_rouge=true",
    "train.loss_reduction=document",
    "train.eps=1e-3",
    "train.max_grad_norm=1.0",
    "train.clip_apart=true",
    "train.log_every=1",
    "model.hidden_dropout=0.0",
    "model.attention_dropout=0.0",
    "model.head_dropout=0.0",
    "decoder.dropout=0.0",
    "evaluation.max_tokens_per_batch=640",
)


def largest_difference(one: Path, other: Path) -> float:
    first, second = (read_tensors(folder / "model.safetensors") for folder in (one, other))
    assert first.keys() == second.keys()
    return max(float((first[name] - second[name]).abs().max()) for name in first)


def assert_close(one: Path, other: Path) -> None:
    """Losses, ROUGE and weights to 1e-5."""
    records = [comparable_metrics(run) for run in (one, other)]
    assert len(records[0]) == len(records[1])
    for a, b in zip(*records, strict=True):
        assert a.keys() == b.keys()
        assert [a[name] for name in ("step", "documents", "split")] == [
            b[name] for name in ("step", "documents", "split")
        ]
        assert [a[name] for name in a if name != "split"] == pytest.approx(
            [b[name] for name in b if name != "split"], abs=1e-5, rel=1e-6
        )
    assert largest_difference(*(Run(run).checkpoint(10) for run in (one, other))) < 1e-5


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Path:
    """Folder for the run of one process, made by the first test that needs it."""
    return tmp_path_factory.mktemp("alone")


@pytest.fixture
def one_process(config_of, alone, kind):
    config = config_of(*OPTIONS, "train.accumulation=2", f"name={kind}", f"output_dir={alone}")
    bertsum.train(config)  # the second time nothing is left to do
    return config


@all_kinds
def test_two_processes_do_what_one_does(config_of, tmp_path, one_process) -> None:
    two = config_of(*OPTIONS, "name=two")
    two.save(tmp_path / "two.yaml")
    output = finish(run_train(tmp_path / "two.yaml", processes=2))
    assert_close(one_process.run_dir, two.run_dir)
    assert output.count("Best checkpoint") == 1


@pytest.mark.long
def test_accelerate_launch_of_several_processes_on_a_cpu(config_of, tmp_path) -> None:
    """Of them it leaves only a trace, and would train on one without a word."""
    config_of("train.max_steps=2", "data.validation=null").save(tmp_path / "tiny.yaml")
    launched = run_accelerate(2, "--config", str(tmp_path / "tiny.yaml"))
    assert launched.returncode != 0
    assert "start them with torchrun --nproc_per_node" in launched.stderr


@slow_writing
def test_validation_over_two_processes_is_that_over_one(config_of, tmp_path) -> None:
    """To the last bit, where neither documents nor batches divide; from one and the same checkpoint."""
    options = ("train.max_steps=1", "train.validate_rouge=true", "train.validate_documents=11",
               "evaluation.max_tokens_per_batch=300")  # fmt: skip
    config = config_of(*options, "train.save_every=1", "data.validation=null", "name=one", "train.validate_rouge=false")
    bertsum.train(config)
    figures = []
    for processes in (1, 2):
        config = config_of(*options, f"name=of{processes}")
        config.save(tmp_path / "tiny.yaml")
        Run(config.run_dir).checkpoint(1).parent.mkdir(parents=True)
        config.save(config.run_dir / "config.yaml")
        folder = Run(config.run_dir).checkpoint(1)
        shutil.copytree(Run(config_of("name=one").run_dir).checkpoint(1), folder)
        state = json.loads((folder / "state" / "trainer.json").read_text())
        state["ranking"]["step"] = 0  # its validation is still due
        (folder / "state" / "trainer.json").write_text(json.dumps(state))
        output = finish(run_train(tmp_path / "tiny.yaml", processes=processes))
        assert "Going on from" in output
        (record,) = comparable_metrics(config.run_dir)
        figures.append(record)
    assert figures[0]["split"] == "validation"
    assert figures[0] == figures[1]


needs_events = pytest.mark.skipif(
    not hasattr(torch.cpu.Stream, "record_event"), reason="this torch shards on GPUs only"
)


@pytest.mark.long
@needs_events
@pytest.mark.parametrize("kind", ["extractive", pytest.param("seq2seq", marks=pytest.mark.slow)])
def test_fsdp_trains_resumes_and_is_loaded_by_one_process(config_of, tmp_path, one_process, kind) -> None:
    config = config_of(*OPTIONS, "name=sharded", "train.fsdp=true")
    config.save(tmp_path / "sharded.yaml")
    for steps in ("6", "10") if kind == "extractive" else ("10",):
        finish(run_train(tmp_path / "sharded.yaml", "--train.max_steps", steps, processes=2))
    assert_close(one_process.run_dir, config.run_dir)
    model = Model.from_pretrained(config.run_dir / "best")
    assert all(bool(torch.isfinite(tensor).all()) for tensor in model.state_dict().values())
    # One process goes on from it, as it does from its own.
    own = config_of(*OPTIONS, "train.accumulation=2", "name=own")
    shutil.copytree(one_process.run_dir, own.run_dir, symlinks=True)  # other tests read the run of one process
    for run in (config, own):
        bertsum.train(run.override({"train.max_steps": 12, "train.accumulation": 2, "train.fsdp": False}))
    folders = [Run(run.run_dir).checkpoint(12) for run in (own, config)]
    assert largest_difference(*folders) < 1e-5


@needs_events
def test_fsdp_reads_windows_though_one_process_has_more(config_of, tmp_path) -> None:
    # each process calls the encoder equally often, or both would wait for ever
    windows = ["encoding.long_documents=window", "encoding.max_length=16", "encoding.max_sentence_words=8"]
    config = config_of(*windows, "name=windows", "train.fsdp=true", "train.max_steps=2")
    config.save(tmp_path / "windows.yaml")
    finish(run_train(tmp_path / "windows.yaml", processes=2))
    assert all(math.isfinite(record["loss"]) for record in comparable_metrics(config.run_dir))


@needs_events
def test_fsdp_in_one_process_changes_nothing(config_of) -> None:
    for name, value in (("plain", "false"), ("sharded", "true")):
        bertsum.train(config_of("train.max_steps=2", f"name={name}", f"train.fsdp={value}"))
    assert_same_run(*(config_of(f"name={name}").run_dir for name in ("plain", "sharded")))


@pytest.fixture
def no_accelerate() -> Iterator[None]:
    """A program that has nothing of accelerate set up."""
    AcceleratorState._reset_state()
    yield
    AcceleratorState._reset_state()


def test_a_program_keeps_its_own_accelerate(config_of, no_accelerate) -> None:
    """Its precision and accumulation stay, and have no part in a training."""
    bertsum.train(config_of("name=plain"))
    assert not is_initialized()  # a program may set it up as it likes afterwards
    own = Accelerator(mixed_precision="bf16", gradient_accumulation_steps=4)
    bertsum.train(config_of("name=inside"))
    assert (own.mixed_precision, AcceleratorState().mixed_precision) == ("bf16", "bf16")
    assert own.gradient_accumulation_steps == GradientState().num_steps == 4
    assert_same_run(*(config_of(f"name={name}").run_dir for name in ("plain", "inside")))
