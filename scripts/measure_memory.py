"""Shows that memory stays flat: prepares, and trains one pass on, made-up documents, ever more of them.

python scripts/measure_memory.py --documents 10000 100000 1000000

For each number, one process prepares and another trains: a tiny encoder with the vocabulary of minilm (from the offline
extra or the hub). Documents, prepared data and run lie in a temporary folder, about 2 GB for a million documents.
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

from bertsum.command_line import run
from bertsum.models.encoder import load_tokenizer

WORDS = ["council", "bridge", "harbour", "rain", "school", "decided", "opened", "yesterday", "old", "new", "the", "of"]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--documents", type=int, nargs="+", default=[10_000, 100_000], help="numbers of documents")
    arguments.add_argument("--updates", type=int, help="stop the training after so many; by default after one pass")
    options = arguments.parse_args()
    columns = ("documents", "stage", "seconds", "peak RSS", "of it anonymous", "largest worker")
    print("".join(f"{column:>17}" for column in columns) + "  (MiB)", flush=True)
    for count in options.documents:
        with tempfile.TemporaryDirectory() as folder:
            config = write_everything(Path(folder), count)
            for stage in ("preprocess", "train"):
                steps = ["--train.max_steps", str(options.updates), "--train.epochs", "null"]
                seconds, peaks = measure(stage, config, steps if options.updates else [])
                figures = (f"{count:,}", stage, f"{seconds:.0f}", *(f"{peak / 2**20:.0f}" for peak in peaks))
                print("".join(f"{figure:>17}" for figure in figures), flush=True)


def write_everything(folder: Path, count: int) -> Path:
    """Documents, encoder and config; returns the config."""
    with open(folder / "train.jsonl", "w", encoding="utf-8") as file:
        for record in documents(count):
            file.write(json.dumps(record) + "\n")
    tokenizer = load_tokenizer("minilm")
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    AutoModel.from_config(BertConfig(vocab_size=len(tokenizer), **shape)).save_pretrained(folder / "encoder")
    tokenizer.save_pretrained(folder / "encoder")
    config = folder / "memory.yaml"
    config.write_text(
        f"""
output_dir: {folder}
data: {{train: {folder / "train.jsonl"}, prepared_dir: {folder / "prepared"}}}
model: {{encoder: {folder / "encoder"}, head: linear}}
train: {{epochs: 1, schedule: constant, warmup_steps: 0, log_every: 100}}
tracking: {{trackers: []}}
"""
    )
    return config


def documents(count: int) -> Iterator[dict[str, str]]:
    draw = random.Random(0)
    for number in range(count):
        sentences = [" ".join(draw.choices(WORDS, k=draw.randint(5, 12))).capitalize() + "." for _ in range(5)]
        yield {"id": str(number), "document": " ".join(sentences), "summary": sentences[number % 5]}


def measure(stage: str, config: Path, arguments: list[str]) -> tuple[float, tuple[int, int, int]]:
    """Seconds, and the peaks in bytes: resident memory of the process, the part that is no file's, any worker's."""
    begin = time.monotonic()
    script = Path(__file__).with_name(f"{stage}.py")
    command = [sys.executable, str(script), "--config", str(config), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    resident = anonymous = worker = 0
    while process.poll() is None:
        try:
            parent = psutil.Process(process.pid)
            memory = parent.memory_info()
            resident, anonymous = max(resident, memory.rss), max(anonymous, memory.rss - getattr(memory, "shared", 0))
            worker = max([worker, *(child.memory_info().rss for child in parent.children(recursive=True))])
        except psutil.NoSuchProcess:
            pass  # it has just ended
        time.sleep(0.05)
    if process.returncode:
        raise SystemExit(process.returncode)
    return time.monotonic() - begin, (resident, anonymous, worker)


if __name__ == "__main__":
    run(main)
