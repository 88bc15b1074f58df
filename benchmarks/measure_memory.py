"""Shows that memory stays constant: prepares, trains on and evaluates more and more documents.

python benchmarks/measure_memory.py --documents 10000 100000 1000000
python benchmarks/measure_memory.py --documents 2000 11490 --file train.jsonl.gz --updates 20

The documents are made up and have five sentences; with --file they are the first ones of a file. For each number of
documents, one process prepares them, a second trains on them, and a third evaluates them. With --updates, the training
has a validation on all documents half-way. Without --config, the encoder is tiny and has the vocabulary of minilm (from
the offline extra or the hub). Made-up documents, prepared data and the run lie in a temporary folder, about 2 GB for a
million documents.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from transformers import AutoModel, BertConfig

from bertsum.config import Config
from bertsum.encoders.load import load_tokenizer
from bertsum.program import run

WORDS = ["council", "bridge", "harbour", "rain", "school", "decided", "opened", "yesterday", "old", "new", "the", "of"]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--documents", type=int, nargs="+", default=[10_000, 100_000], help="numbers of documents")
    arguments.add_argument(
        "--updates", type=int, help="stop the training after so many updates; by default after one pass"
    )
    arguments.add_argument("--file", type=Path, help="take the first documents of this file of JSON lines")
    arguments.add_argument("--config", help="take encoder, recipe and evaluation from this config")
    arguments.add_argument("--set", nargs="*", default=[], metavar="FIELD=VALUE", help="other fields of the config")
    options = arguments.parse_args()
    columns = ("documents", "stage", "seconds", "peak RSS", "of it anonymous", "largest worker")
    print("".join(f"{column:>17}" for column in columns) + "  (MiB)", flush=True)
    with_validation = options.updates is not None and options.updates > 1
    for count in options.documents:
        with tempfile.TemporaryDirectory() as folder:
            config = write_config(Path(folder), count, options)
            metrics = Path(folder) / "memory" / "metrics.jsonl"
            parts = {"prepare": ["prepare"], "train": ["train"], "eval": ["evaluate"]}
            if with_validation:
                parts["train"] = ["to validation", "after it"]
            for stage, names in parts.items():
                for name, (seconds, peaks) in zip(names, measure(stage, config, metrics, len(names)), strict=True):
                    figures = (f"{count:,}", name, f"{seconds:.0f}", *(f"{peak / 2**20:.0f}" for peak in peaks))
                    print("".join(f"{figure:>17}" for figure in figures), flush=True)


def write_config(folder: Path, count: int, options: argparse.Namespace) -> Path:
    """Writes the config, and documents and an encoder if none are given; returns the config's file."""
    file = options.file or write_documents(folder / "train.jsonl", count)
    values = [
        "name=memory", f"output_dir={folder}", "data.dataset=null", "data.dataset_config=null", f"data.train={file}",
        f"data.validation={file if options.updates and options.updates > 1 else 'null'}", f"data.limit={count}",
        f"data.prepared_dir={folder / 'prepared'}", "tracking.trackers=[]",
    ]  # fmt: skip
    if options.config is None:
        values += [f"model.encoder={write_encoder(folder / 'encoder')}", "model.head=linear", "train.epochs=1",
                   "train.schedule=constant", "train.warmup_steps=0", "train.log_every=100"]  # fmt: skip
    if options.updates is not None:
        values += ["train.epochs=null", f"train.max_steps={options.updates}"]
        values += [f"train.validate_every={max(1, options.updates // 2)}", "train.validate_documents=null"]
    config = folder / "memory.yaml"
    Config.load(options.config, [*values, *options.set]).save(config)
    return config


def write_documents(path: Path, count: int) -> Path:
    """Writes this many made-up documents; returns the file."""
    with open(path, "w", encoding="utf-8") as file:
        for record in documents(count):
            file.write(json.dumps(record) + "\n")
    return path


def write_encoder(folder: Path) -> Path:
    """Writes a tiny encoder with a real vocabulary; returns its folder."""
    tokenizer = load_tokenizer("minilm")
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    AutoModel.from_config(BertConfig(vocab_size=len(tokenizer), **shape)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def documents(count: int) -> Iterator[dict[str, str]]:
    draw = random.Random(0)
    for number in range(count):
        sentences = [" ".join(draw.choices(WORDS, k=draw.randint(5, 12))).capitalize() + "." for _ in range(5)]
        yield {"id": str(number), "document": " ".join(sentences), "summary": sentences[number % 5]}


def measure(stage: str, config: Path, metrics: Path, parts: int) -> list[tuple[float, list[int]]]:
    """Seconds and peak memory of each part of a command.

    The peaks are in bytes: resident memory of the process, its anonymous part, and resident memory of any worker.

    Args:
        stage: The command: prepare, train or eval.
        config: Its config.
        metrics: The file of metrics that a training writes. The second part begins when it has a validation.
        parts: Number of parts: one or two.
    """
    split = "validation" if Config.load(config).data.has_split("validation") else "train"
    command = [sys.executable, "-m", "bertsum", stage, "--config", str(config)]
    command += ["--split", split] if stage == "eval" else []
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    begin = time.monotonic()
    measured = [(0.0, [0, 0, 0])]
    while process.poll() is None:
        if len(measured) < parts and metrics.is_file() and '"validation"' in metrics.read_text():
            begin = time.monotonic()
            measured.append((0.0, [0, 0, 0]))
        try:
            parent = psutil.Process(process.pid)
            memory = parent.memory_info()
            workers = [child.memory_info().rss for child in parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue  # the process or a worker has just ended
        now = [memory.rss, memory.rss - getattr(memory, "shared", 0), max(workers, default=0)]
        measured[-1] = (time.monotonic() - begin, [*map(max, zip(measured[-1][1], now, strict=True))])
        time.sleep(0.05)  # without a pause, these readings would take a core from the measured process
    if process.returncode:
        raise SystemExit(process.returncode)
    return measured


if __name__ == "__main__":
    run(main)
