"""What goes wrong inside a run, or around it: it ends with a message, and nothing is lost."""

from __future__ import annotations

import math
import os
import random
import signal
import subprocess
import sys
import time

import psutil
import pytest
import torch
from conftest import all_kinds, comparable_metrics, finish, ranks_of, run_train, sentences_of, wait_for, write_jsonl

import bertsum
from bertsum import parallel
from bertsum.data import store as prepared_module
from bertsum.data.prepare import prepare
from bertsum.data.rows import ExtractiveRows
from bertsum.device import explained_memory
from bertsum.models.base import model_class
from bertsum.models.extractive import BertSum
from bertsum.parallel import WorkerError, map_in_order
from bertsum.runs import Run
from bertsum.training.distributed import ParallelModel
from bertsum.training.failures import explained_lost_process
from bertsum.training.state import load_state

# ---- numbers that are none


def loss_that_is(value: float, at: int, original):
    """The loss, except that the so-many-th is not finite."""
    calls = [0]

    def loss(*arguments):
        calls[0] += 1
        return original(*arguments) * (value if calls[0] == at else 1.0)

    return loss


@pytest.mark.parametrize(
    ("kind", "value"),
    [("extractive", math.nan), ("extractive", math.inf), ("seq2seq", math.nan), ("masked_lm", math.inf)],
)
def test_a_loss_that_is_not_finite_stops(config_of, monkeypatch, value, kind) -> None:
    options = ("train.max_steps=6", "train.max_tokens_per_batch=128", "train.accumulation=2", "train.log_every=1")
    whole = config_of(*options, "name=whole")
    bertsum.train(whole)
    config, model = config_of(*options), model_class(kind)
    with monkeypatch.context() as patch:
        patch.setattr(model, "loss", loss_that_is(value, 6, model.loss))  # the second batch of update 3
        with pytest.raises(bertsum.BertsumError) as raised:
            bertsum.train(config)
    message = str(raised.value)
    assert "update 3 (batches 4 to 5 of epoch 0): the loss is not finite, for the documents 'en-" in message
    assert message.count("'en-") == 1  # the documents of that batch, not of the update
    assert "train.non_finite" in message
    last = Run(config.run_dir).last_checkpoint()
    assert str(last) in message
    assert load_state(last).train.step == 2
    bertsum.train(config)  # the fault is gone
    assert comparable_metrics(whole.run_dir)[-1]["step"] == comparable_metrics(config.run_dir)[-1]["step"] == 6


@all_kinds
def test_a_loss_that_is_not_finite_is_skipped_and_counted(config_of, monkeypatch, kind) -> None:
    config, model = config_of("train.non_finite=skip", "train.log_every=1"), model_class(kind)
    monkeypatch.setattr(model, "loss", loss_that_is(float("nan"), 2, model.loss))
    bertsum.train(config)
    records = [record for record in comparable_metrics(config.run_dir) if record["split"] == "train"]
    assert [record.get("skipped", 0) for record in records] == [0, 1, 1, 1]
    assert ["loss" in record for record in records] == [True, False, True, True]
    assert load_state(Run(config.run_dir).last_checkpoint()).train.skipped == 1
    weights = model.from_pretrained(config.run_dir / "best").state_dict()
    assert all(bool(torch.isfinite(tensor).all()) for tensor in weights.values())


def test_a_gradient_that_is_not_finite_stops(config_of, monkeypatch) -> None:
    monkeypatch.setattr(ParallelModel, "clip_gradients", lambda *_: float("nan"))
    with pytest.raises(bertsum.BertsumError, match="update 1 .*the gradient is not finite.*nothing was trained before"):
        bertsum.train(config_of())


@all_kinds
def test_a_model_of_its_own_accord(config_of) -> None:
    """Without any pretence: a learning rate that breaks it."""
    config = config_of("train.learning_rate=1e30", "train.max_steps=20")
    with pytest.raises(bertsum.BertsumError, match=r"(loss|gradient) is not finite"):
        bertsum.train(config)
    assert not any(path.name.startswith(".") for path in (config.run_dir / "checkpoints").iterdir())


# ---- memory


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried ..."),
        MemoryError(),
    ],
)
@all_kinds
def test_out_of_memory_in_training(config_of, monkeypatch, error) -> None:
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(ParallelModel, "__call__", fail)
    expected = (
        r"update 1, batch of the documents 'en-.*: out of memory for \d+ documents x \d+ tokens = \d+ tokens; lower "
        r"train.max_tokens_per_batch \(now 256"
    )
    with pytest.raises(bertsum.BertsumError, match=expected):
        bertsum.train(config_of())


def test_out_of_memory_in_scoring(trained_run, monkeypatch) -> None:
    config, _ = trained_run
    model = BertSum.from_pretrained(config.run_dir / "best")
    monkeypatch.setattr(BertSum, "forward", lambda *_, **__: torch.empty(10**15))
    rows = [{"input_ids": [2, 5, 3], "cls_positions": [0]}] * 2
    with pytest.raises(bertsum.BertsumError, match="2 documents x 3 tokens = 6 tokens; lower max_tokens_per_batch"):
        list(model.score(rows))


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="a bug"), explained_memory(lambda: "", torch.ones(1).numpy(), ""):
        raise RuntimeError("a bug")


# ---- workers and other processes


def die_of_large(item: bytes) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return len(item)


def test_a_killed_worker_ends_the_work_though_the_pipe_is_full() -> None:
    with pytest.raises(WorkerError, match="one of 2 worker processes was killed"):
        list(map_in_order(die_of_large, iter([bytes(1 << 20)] * 50), 2))


def test_a_killed_worker_ends_the_preparation_which_goes_on(config_of, tokenizer, tmp_path, monkeypatch) -> None:
    records = [
        {"id": n, "document": sentences_of(random.Random(n), 5), "summary": "The old bridge."} for n in range(3000)
    ]
    config = config_of(f"data.train={write_jsonl(tmp_path / 'a.jsonl', records)}", "data.workers=2")
    monkeypatch.setattr(prepared_module, "_SAVED_BYTES", 1 << 18)
    main, row = os.getpid(), ExtractiveRows.row

    def deadly(self, document):
        if document.id == "2500" and os.getpid() != main:
            os.kill(os.getpid(), signal.SIGKILL)
        return row(self, document)

    with monkeypatch.context() as patch:
        patch.setattr(ExtractiveRows, "row", deadly)
        begin = time.monotonic()
        with pytest.raises(WorkerError, match=r"one of 2 worker processes was killed.*data\.workers"):
            prepare(config, "train", tokenizer)
        assert time.monotonic() - begin < 60
    read: list[str] = []

    def noted(self, document):
        read.append(document.id)
        return row(self, document)

    monkeypatch.setattr(ExtractiveRows, "row", noted)
    again = prepare(config_of(f"data.train={tmp_path / 'a.jsonl'}"), "train", tokenizer)
    assert 0 < int(read[0]) <= 2500  # not from the beginning
    whole = prepare(
        config_of(f"data.train={tmp_path / 'a.jsonl'}", f"data.prepared_dir={tmp_path / 'whole'}"), "train", tokenizer
    )
    assert (again.folder / "data.arrow").read_bytes() == (whole.folder / "data.arrow").read_bytes()
    assert again.report == whole.report


def test_workers_end_with_a_killed_parent(tmp_path) -> None:
    """They hold its locks otherwise, and wait for ever."""
    script = tmp_path / "parent.py"
    script.write_text(
        "import time\n"
        "from bertsum.parallel import map_in_order\n"
        "def work(number):\n"
        "    time.sleep(0.05)\n"
        "    return number\n"
        "for number in map_in_order(work, iter(range(10_000)), 3):\n"
        "    print(number, flush=True)\n"
    )
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    parent.stdout.readline()
    workers = psutil.Process(parent.pid).children(recursive=True)
    assert len(workers) == 3
    parent.kill()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive


def test_a_failing_function_ends_the_workers() -> None:
    def fail(number: int) -> int:
        raise bertsum.BertsumError(f"number {number}")

    with pytest.raises(bertsum.BertsumError, match="number 0"):
        list(map_in_order(fail, iter(range(100)), 2))


def test_no_process_is_forked_on_macos(monkeypatch) -> None:
    assert parallel._start_method() == "fork"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert parallel._start_method() == "spawn"
    assert list(map_in_order(abs, iter(range(-50, 50)), 2)) == [abs(number) for number in range(-50, 50)]


NCCL = "NCCL error in: ProcessGroupNCCL.cpp:3763, {}, NCCL version 2.28.8\n{}: A call failed."


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("[gloo/transport/tcp/pair.cc:534] Connection closed by peer [10.0.0.1]:38121"),
        RuntimeError(NCCL.format("remote process exited or there was a network error", "ncclRemoteError")),
        torch.distributed.DistBackendError(NCCL.format("internal error", "ncclInternalError")),
        torch.distributed.DistBackendError("[Rank 0] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=3)"),
        torch.distributed.DistNetworkError("failed to recv, got 0 bytes"),
    ],
)
def test_a_lost_process_is_told(error) -> None:
    expected = pytest.raises(bertsum.BertsumError, match=r"update 7: another process .* has ended.* goes on")
    with expected as told, explained_lost_process(lambda: "update 7"):
        raise error
    assert str(error).splitlines()[0] in str(told.value)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        torch.distributed.DistBackendError(NCCL.format("invalid usage", "ncclInvalidUsage")),
    ],
)
def test_an_error_of_this_process_is_not_another_ones(error) -> None:
    with pytest.raises(type(error)) as raised, explained_lost_process(lambda: ""):
        raise error
    assert raised.value is error


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_rank_ends_the_others(config_of, tmp_path, rank) -> None:
    config = config_of("train.max_steps=100000", "train.log_every=1")
    config.save(tmp_path / "tiny.yaml")
    process = run_train(tmp_path / "tiny.yaml", processes=2)
    wait_for(tmp_path, "runs/tiny/metrics.jsonl", process)
    ranks = ranks_of(process)
    assert len(ranks) == 2
    begin = time.monotonic()
    ranks[rank].kill()
    output, _ = process.communicate(timeout=60)
    assert time.monotonic() - begin < 60
    assert process.returncode != 0
    assert f"rank {rank} ended with SIGKILL" in output
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in ranks)


def test_an_error_of_the_first_process_is_everybodys(config_of, tmp_path) -> None:
    config = config_of("train.max_steps=2", "train.save_every=1")
    config.save(tmp_path / "tiny.yaml")
    (config.run_dir / ".best.unfinished").mkdir(parents=True)  # in the way of the link
    begin = time.monotonic()
    output = finish(run_train(tmp_path / "tiny.yaml", processes=2), code=1)
    assert time.monotonic() - begin < 90
    assert "error: '" in output
    assert "best' cannot be written" in output
