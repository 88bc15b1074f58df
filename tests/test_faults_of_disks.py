"""Disks, locks and files that fail a run: it ends with a message, and nothing is lost."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import fork_server
import psutil
import pytest
import torch
from conftest import finish, ranks_of, run_train, sentences_of, wait_for, write_jsonl
from test_faults import loss_that_is
from test_resume import assert_same_run

import bertsum
from bertsum import files
from bertsum.data import store as prepared_module
from bertsum.data.prepare import prepare
from bertsum.encoders.load import load_tokenizer
from bertsum.encoders.tensors import read_tensors, write_tensors
from bertsum.models.extractive import BertSum
from bertsum.parallel import map_in_order
from bertsum.runs import Run
from bertsum.training import loop as trainer_module
from bertsum.training.loop import Trainer
from bertsum.training.state import load_state, load_train_state

# ---- disks and locks


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 6 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def load_weights(disk: Path, left: int) -> Path:
    """Fills a disk up to so many bytes."""
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    ballast = disk / "ballast"
    ballast.write_bytes(b"0" * max(0, free - left))
    return ballast


@pytest.mark.parametrize("left", [0, 100_000, 700_000])
def test_a_full_disk_while_training(config_of, small_disk, left) -> None:
    options = ("train.max_steps=4", "train.save_every=1", "train.log_every=1", "tracking.trackers=[tensorboard]")
    whole = config_of(*options, "name=whole")
    bertsum.train(whole)
    part = config_of(*options, "name=part", f"output_dir={small_disk}")
    bertsum.train(config_of(*options, "name=part", f"output_dir={small_disk}", "train.max_steps=2"))
    before = Run(part.run_dir).last_checkpoint()
    ballast = load_weights(small_disk, left)
    with pytest.raises(bertsum.BertsumError, match="cannot be written.*No space left"):
        bertsum.train(part)
    assert Run(part.run_dir).last_checkpoint() == before
    BertSum.from_pretrained(part.run_dir / "best")
    load_state(before)
    ballast.unlink()
    bertsum.train(part)
    assert_same_run(whole.run_dir, part.run_dir)


def test_a_full_disk_while_preparing(config_of, tokenizer, small_disk, tmp_path) -> None:
    records = [{"id": n, "document": sentences_of(random.Random(n), 9), "summary": "A bridge."} for n in range(4000)]
    path = write_jsonl(tmp_path / "a.jsonl", records)
    config = config_of(f"data.train={path}", f"data.prepared_dir={small_disk / 'prepared'}")
    ballast = load_weights(small_disk, 1_000_000)
    with pytest.raises(bertsum.BertsumError, match="cannot be written.*No space left.*goes on from there"):
        prepare(config, "train", tokenizer)
    assert not list((small_disk / "prepared").glob("train-*"))
    ballast.unlink()
    subprocess.run(["mount", "-o", "remount,size=60m", str(small_disk)], check=True)
    again = prepare(config, "train", tokenizer)
    whole = prepare(config_of(f"data.train={path}"), "train", tokenizer)
    assert (again.folder / "data.arrow").read_bytes() == (whole.folder / "data.arrow").read_bytes()


def test_a_read_only_disk(config_of, tokenizer, small_disk) -> None:
    options = (f"output_dir={small_disk}", f"data.prepared_dir={small_disk / 'prepared'}")
    bertsum.train(config_of(*options, "train.max_steps=1"))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(bertsum.BertsumError, match="cannot be written"):
        bertsum.train(config_of(*options, "train.max_steps=2"))
    with pytest.raises(bertsum.BertsumError, match=r"data\.prepared_dir.*cannot be written"):
        prepare(config_of(*options, "encoding.max_length=64"), "train", tokenizer)
    encoder = load_tokenizer(config_of().model.encoder)
    assert len(prepare(config_of(*options), "train", encoder)) == 12  # what is there can be read
    assert Run(small_disk / "tiny").last_checkpoint().name == "step_000001"


def test_a_limit_on_file_sizes(config_of, tmp_path) -> None:
    """A quota is met in the middle of a file."""
    config = config_of("train.max_steps=2", "train.save_every=1")
    config.save(tmp_path / "tiny.yaml")
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
        "import bertsum; bertsum.train(bertsum.Config.load(sys.argv[1]))"
    )
    done = fork_server.run(["-c", code, str(tmp_path / "tiny.yaml")])
    assert done.returncode == 1
    assert "BertsumError" in done.stderr.splitlines()[-1]
    assert "cannot be written" in done.stderr.splitlines()[-1]
    assert not list(config.run_dir.glob("checkpoints/*"))


def test_the_second_of_two_runs_in_one_folder_is_refused(config_of, tmp_path) -> None:
    config = config_of("train.max_steps=100000", "train.log_every=1")
    config.save(tmp_path / "tiny.yaml")
    first = run_train(tmp_path / "tiny.yaml")
    wait_for(tmp_path, "runs/tiny/metrics.jsonl", first)
    output = finish(run_train(tmp_path / "tiny.yaml"), code=2)
    assert "another training is running there" in output
    first.kill()
    first.wait()
    assert bertsum.train(config_of("train.max_steps=1")).step >= 1  # the killed one's lock is gone


# ---- what a run leaves when something else fails


def test_a_failed_validation_loses_nothing(config_of, monkeypatch) -> None:
    options = ("train.validate_every=2", "train.max_steps=4", "model.hidden_dropout=0.2")
    whole = config_of(*options, "name=whole")
    bertsum.train(whole)
    part = config_of(*options, "name=part")

    def fail(self):
        raise bertsum.BertsumError("a worker was killed")

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "validate", fail)
        with pytest.raises(bertsum.BertsumError, match="a worker was killed"):
            bertsum.train(part)
    assert load_train_state(Run(part.run_dir).last_checkpoint()).step == 2
    bertsum.train(part)  # the validation is made up for
    assert_same_run(whole.run_dir, part.run_dir)


def test_divergence_keeps_the_checkpoint_before(config_of, monkeypatch) -> None:
    config = config_of("train.save_every=1", "train.max_steps=6", "data.validation=null")
    monkeypatch.setattr(BertSum, "loss", loss_that_is(float("nan"), 4, BertSum.loss))
    with pytest.raises(bertsum.BertsumError, match="remove it, and the run resumes from the checkpoint before it"):
        bertsum.train(config)
    assert Run(config.run_dir).last_checkpoint().name == "step_000003"
    shutil.rmtree(Run(config.run_dir).last_checkpoint())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer_module, "_MOST_SKIPPED", 2)
        patch.setattr(BertSum, "loss", lambda _, logits, batch: logits.sum() * float("nan"))
        with pytest.raises(bertsum.BertsumError, match="after 2 updates in a row that were skipped"):
            bertsum.train(
                config_of("train.save_every=1", "train.max_steps=9", "data.validation=null", "train.non_finite=skip")
            )


def test_out_of_memory_in_the_optimiser(config_of, monkeypatch) -> None:
    def fail(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(torch.optim.Adam, "step", fail)
    with pytest.raises(bertsum.BertsumError, match=r"out of memory .*lower train\.max_tokens_per_batch"):
        bertsum.train(config_of())


def test_a_full_disk_at_the_progress_keeps_what_is_prepared(config_of, tokenizer, tmp_path, monkeypatch) -> None:
    records = [
        {"id": n, "document": sentences_of(random.Random(n), 5), "summary": "The old bridge."} for n in range(300)
    ]
    config = config_of(f"data.train={write_jsonl(tmp_path / 'a.jsonl', records)}")
    monkeypatch.setattr(prepared_module, "_SAVED_BYTES", 1 << 14)
    calls, replace_text = [0], files.replace_text

    def full(path, text):
        calls[0] += 1
        if calls[0] == 3:
            raise OSError(28, "No space left on device")
        replace_text(path, text)

    monkeypatch.setattr(files, "replace_text", full)
    with pytest.raises(bertsum.BertsumError, match=r"data\.prepared_dir.*No space left.*goes on from there"):
        prepare(config, "train", tokenizer)
    (unfinished,) = (tmp_path / "prepared").glob(".train-*.unfinished")
    assert (unfinished / "progress.json").is_file()
    assert len(prepare(config, "train", tokenizer)) == 300


def test_an_old_checkpoint_that_cannot_be_removed(config_of, monkeypatch) -> None:
    config = config_of("train.save_every=1", "train.max_steps=3", "data.validation=null")
    rename = Path.rename

    def refused(self, target):
        if str(target).endswith(".removed"):
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refused)
    assert bertsum.train(config).step == 3


def test_large_items_wait() -> None:
    drawn = []

    def items():
        for number in range(20):
            drawn.append(number)
            yield number

    results = map_in_order(abs, items(), 2, size=lambda _: 1 << 27)
    assert next(results) == 0
    assert len(drawn) <= 4  # of which one is given out, and two fill what may be in flight
    assert list(results) == list(range(1, 20))


# ---- crafted checkpoints


@pytest.mark.parametrize(
    "change",
    [
        '[' * 100_000, "5", "null", {"step": "x"}, {"step": -1}, {"batch": 10**6}, {"epoch": -1}, {"since_log": {}},
        {"ranking": {"kept": [[1.0, float("inf")]], "best": 1.0, "not_improved": 0, "step": 1}}, {"ranking": 7},
        {"unknown": 1}, {"tokens": 1e400},
    ],
)  # fmt: skip
def test_crafted_states(config_of, change) -> None:
    bertsum.train(config_of("train.max_steps=1"))
    path = Run(config_of().run_dir).last_checkpoint() / "state" / "trainer.json"
    values = json.loads(path.read_text())
    path.write_text(change if isinstance(change, str) else json.dumps({**values, **change}))
    with pytest.raises(bertsum.BertsumError):
        bertsum.train(config_of("train.max_steps=2"))


def test_crafted_tensors(config_of) -> None:
    bertsum.train(config_of("train.max_steps=1"))
    path = Run(config_of().run_dir).last_checkpoint() / "state" / "tensors.safetensors"
    whole = read_tensors(path)
    first = next(name for name in whole if name.endswith("exp_avg"))
    for tensors in (
        {**whole, "noslashes": torch.ones(1)},
        {**whole, "random/x/cpu": torch.ones(1)},
        {name: tensor for name, tensor in whole.items() if name != first},
        {**whole, first: torch.ones(3)},
        {**whole, "optimizer/nothing/step": torch.ones(())},
    ):
        write_tensors(path, tensors)
        with pytest.raises(bertsum.BertsumError):
            bertsum.train(config_of("train.max_steps=2"))


def test_a_run_without_its_config(config_of) -> None:
    config = config_of("train.max_steps=1")
    bertsum.train(config)
    (config.run_dir / "config.yaml").unlink()
    with pytest.raises(bertsum.BertsumError, match="has checkpoints, but no config.yaml"):
        bertsum.train(config)


def test_a_killed_launcher_ends_its_processes(config_of, tmp_path) -> None:
    config = config_of("train.max_steps=100000", "train.log_every=1")
    config.save(tmp_path / "tiny.yaml")
    process = run_train(tmp_path / "tiny.yaml", processes=2)
    wait_for(tmp_path, "runs/tiny/metrics.jsonl", process)
    ranks = ranks_of(process)
    assert len(ranks) == 2
    process.kill()
    _, alive = psutil.wait_procs(ranks, timeout=60)
    assert not alive
    done = load_train_state(Run(config.run_dir).last_checkpoint()).step
    assert bertsum.train(config_of(f"train.max_steps={done + 1}", "train.log_every=1")).step == done + 1
