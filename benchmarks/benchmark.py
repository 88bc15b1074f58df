"""Times every stage against a straightforward implementation (naive.py), and against the limits of this machine.

python benchmarks/benchmark.py --documents validation.jsonl.gz --model runs/cnndm-minilm/best
python benchmarks/benchmark.py --stages train score
python benchmarks/benchmark.py --profile score     # where the time of a stage goes

A stage has two sides: our code and the code that it is compared with. Each side runs in a process of its own, and the
two take turns. Times are medians over the repetitions; a ratio compares the two sides of the same run. Without
--documents the bundled sample is repeated. Without --model the encoder gets an untrained head.
"""

import argparse
import contextlib
import cProfile
import multiprocessing
import os
import pstats
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import sides_writing  # noqa: F401  # its import registers the sides of models that write
import torch
from sides import SIDES, Options, Work, write_documents, write_model

from bertsum.device import settle_precision
from bertsum.models.extractive import BertSum
from bertsum.program import run

# ---- the stages


@dataclass(frozen=True)
class Stage:
    """A stage: its two sides, and the ratio or the time that we aim at.

    Attributes:
        name: The stage's name in the table.
        own: Our side.
        against: The other side; None if we aim at a time.
        aim: How many times as fast our side should be; without another side, milliseconds.
        count: Documents of a repetition; 0 for the number that was asked for.
        scored: Whether the encoder reads the documents one by one.
        compute: Cost of the stage in forward passes of the encoder: 3 with the backward pass, 0 without the encoder.
    """

    name: str
    own: str
    against: str | None
    aim: float
    count: int = 0
    scored: bool = False
    compute: int = 0


STAGES = {
    "prepare": Stage("prepare, one core each", "prepare_own", "prepare_naive", 3.0),
    "processes": Stage("prepare, two processes / one", "prepare_two_processes", "prepare_one_process", 1.8, 10_000),
    "train": Stage("train", "train_own", "train_naive", 3.5, compute=3),
    "dropout": Stage("train, dropout 0.1", "train_own_with_dropout", "train_naive", 3.5, compute=3),
    "score": Stage("score", "score_own", "score_naive", 3.5, scored=True, compute=1),
    "onnx": Stage("score, ONNX Runtime in fp32", "score_onnx", "score_naive", 1.0, scored=True),
    "summarize": Stage("raw text to summary", "summarize_own", "summarize_naive", 3.0, scored=True),
    "one": Stage("30 sentences to summary, ms", "summarize_one", None, 60.0),
    "decoder": Stage("train with a decoder", "train_decoder_own", "train_decoder_naive", 2.0),
    "write": Stage("write 32 / one by one", "write_together", "write_one_by_one", 3.0),
    "written": Stage("write a summary of 60 tokens, ms", "write_one", None, 1000.0),
    "rouge": Stage("ROUGE-1/2/L, one core", "rouge_own", "rouge_naive", 4.0),
    "import": Stage("import bertsum, ms", "import_package", None, 300.0),
}


class Process:
    """A side in a process of its own, warm."""

    def __init__(self, name: str, options: Options) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=serve, args=(other, name, options))
        self.process.start()
        other.close()

    def measure(self) -> tuple[float, int, Work]:
        """Seconds, peak memory in bytes, and what was done."""
        self.connection.send(True)
        seconds, memory, work = self.connection.recv()
        return seconds, memory, work

    def stop(self) -> None:
        """Ends the process."""
        self.connection.close()
        self.process.join()


def serve(connection: Connection, name: str, options: Options) -> None:
    """Runs a side once for each request, and sends back the seconds, the peak memory and the work."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # it stays open until the process ends
    warnings.simplefilter("ignore")  # about parts of documents that are not read
    work = SIDES[name](options)
    with contextlib.suppress(EOFError):  # the other end is closed
        while connection.recv():
            forget_peak()
            start = time.perf_counter()
            done = work()
            connection.send((time.perf_counter() - start, peak_memory(), done))


def forget_peak() -> None:
    """Resets the peak memory of this process, if the system can."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_memory() -> int:
    """The peak memory of this process, in bytes."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return int(psutil.Process().memory_info().rss)


def compare(stage: Stage, options: Options, limits: dict[str, float]) -> Iterator[str]:
    """Measures both sides in turns, and yields the lines of the table."""
    options = replace(options, count=stage.count)
    names = [name for name in (stage.against, stage.own) if name is not None]
    processes = {name: Process(name, options) for name in names}
    measured: dict[str, list[tuple[float, int, Work]]] = {name: [] for name in names}
    try:
        for repetition in range(1 + options.repetitions):
            for name, process in processes.items():
                figures = process.measure()
                if repetition:  # the first one only warms up
                    measured[name].append(figures)
    finally:
        for process in processes.values():
            process.stop()
    rates = {}
    for name, several in measured.items():
        seconds = statistics.median(second for second, *_ in several)
        work = several[0][2]
        rates[name] = work.documents / seconds
        share = share_of_limit(stage, options, work, seconds, limits, name == stage.own)
        ratio = ""
        if name == stage.own and stage.against is not None:
            ratio = f"{rates[name] / rates[stage.against]:.2f} x (aim {stage.aim:g} x)"
        elif name == stage.own:
            ratio = f"{1000 * seconds:.0f} ms (aim {stage.aim:g} ms)"
        tokens = f"{work.tokens / seconds:,.0f}" if work.tokens else "-"
        memory = max(peak for _, peak, _ in several) / 2**20
        yield f"{stage.name:<30}{name:<24}{rates[name]:>13,.1f}{tokens:>11}{memory:>10,.0f}{share:>9}  {ratio}"
    results = [measured[name][0][2].results for name in names]
    if all(result is not None for result in results) and len(results) == 2:
        same = np.mean([set(np.argsort(a)[-3:]) == set(np.argsort(b)[-3:]) for a, b in zip(*results, strict=True)])
        yield f"{'':<30}the same three sentences chosen in {same:.1%} of documents"


def share_of_limit(
    stage: Stage, options: Options, work: Work, seconds: float, limits: dict[str, float], own: bool
) -> str:
    """The share of the machine's limit that a side reaches: of its matrix products, or of its memory bandwidth."""
    if stage.compute:
        config = BertSum.from_pretrained(options.model).encoder.config
        hidden, inner, layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers
        length = work.tokens / work.documents
        operations = layers * (2 * (4 * hidden * hidden + 2 * hidden * inner) + 4 * length * hidden) * work.tokens
        return f"{stage.compute * operations / seconds / limits[options.precision if own else 'fp32']:.0%}"
    return f"{work.text / seconds / limits['memory']:.2%}" if work.text else "-"


def measure_limits() -> dict[str, float]:
    """Operations per second in matrix products of the encoder's sizes, bytes per second in a copy; the best of ten."""

    def best(action: Callable[[], Any]) -> float:
        times = []
        for _ in range(10):
            start = time.perf_counter()
            action()
            times.append(time.perf_counter() - start)
        return min(times)

    limits = {}
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        vectors, weight = torch.randn(4096, 384, dtype=dtype), torch.randn(1536, 384, dtype=dtype)
        limits[name] = 2 * vectors.numel() * 1536 / best(lambda v=vectors, w=weight: torch.nn.functional.linear(v, w))
    source, target = torch.zeros(1 << 26), torch.zeros(1 << 26)
    limits["memory"] = 2 * source.numel() * 4 / best(lambda: target.copy_(source))
    return limits


# ---- the script


def profile(stage: Stage, options: Options) -> None:
    """Prints where the time of our side goes: by operation of torch if the encoder runs, else by function of Python."""
    options = replace(options, count=stage.count)
    work = SIDES[stage.own](options)
    work()
    if stage.compute:
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
            work()
        print(profiler.key_averages().table(sort_by="self_cpu_time_total", row_limit=20, max_name_column_width=45))
        return
    functions = cProfile.Profile()
    functions.runcall(work)
    pstats.Stats(functions).sort_stats("tottime").print_stats(25)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--documents", help="documents with summaries; by default the bundled sample, repeated")
    arguments.add_argument("--model", help="a checkpoint folder; by default the paper's model with an untrained head")
    arguments.add_argument("--encoder", default="minilm", help="encoder of the default model, by default minilm")
    arguments.add_argument("--count", type=int, default=2000, help="documents that are prepared, by default 2000")
    arguments.add_argument("--scored", type=int, default=200, help="documents that are scored, by default 200")
    arguments.add_argument("--repetitions", type=int, default=5, help="by default 5")
    arguments.add_argument("--precision", choices=["auto", "fp32", "bf16"], default="auto", help="of our side")
    what = arguments.add_mutually_exclusive_group()
    what.add_argument("--stages", nargs="+", choices=list(STAGES), default=list(STAGES))
    what.add_argument("--profile", choices=list(STAGES), help="show where the time of our side of a stage goes")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        documents, model = Path(folder) / "documents.jsonl", Path(given.model or f"{folder}/model")
        if given.model is None:
            write_model(model, given.encoder)
        stages = {
            name: replace(
                STAGES[name], count=given.scored if STAGES[name].scored else STAGES[name].count or given.count
            )
            for name in ([given.profile] if given.profile else given.stages)
        }
        write_documents(documents, given.documents, max(stage.count for stage in stages.values()))
        precision = settle_precision(given.precision, torch.device("cpu"))
        options = Options(documents, model, given.count, given.repetitions, precision)
        if given.profile:
            profile(stages[given.profile], options)
            return
        limits = measure_limits()
        print(
            f"Limits: matrix products {limits['fp32'] / 1e9:,.0f} GFLOP/s in fp32, "
            f"{limits['bf16'] / 1e9:,.0f} in bf16; memory {limits['memory'] / 1e9:,.0f} GB/s; "
            f"{torch.get_num_threads()} threads; our side in {precision}\n"
            f"{'stage':<30}{'side':<24}{'documents/s':>13}{'tokens/s':>11}{'peak MiB':>10}{'of limit':>9}  ratio",
            flush=True,
        )
        for stage in stages.values():
            for line in compare(stage, options, limits):
                print(line, flush=True)


if __name__ == "__main__":
    run(main)
