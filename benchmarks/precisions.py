"""How quick models are in different arithmetic, and how many of their summaries stay the same.

python benchmarks/precisions.py --documents validation.jsonl.gz bundled:fp32 bundled:bf16 runs/bundled-int8/best:fp32

Each model is given as MODEL:PRECISION. The first one is what the others are compared with. All take turns with 40
documents, five times; printed are the median ratio of the times, the smallest and the largest. Then the share of 300
documents whose summary is the same. JSON lines with document (a list of sentences, or a text) are read.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from itertools import islice
from pathlib import Path
from statistics import median

import torch

from bertsum.inference.summarizer import Summarizer
from bertsum.program import run

TIMED, ROUNDS = 40, 5


def read(file: Path, count: int) -> list[str]:
    with (gzip.open if file.suffix == ".gz" else open)(file, "rt", encoding="utf-8") as lines:
        documents = [json.loads(line)["document"] for line in islice(lines, count)]
    return [document if isinstance(document, str) else "\n".join(document) for document in documents]


def seconds(summarizer: Summarizer, documents: list[str]) -> float:
    begin = time.perf_counter()
    summarizer(documents)
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL:PRECISION")
    parser.add_argument("--documents", type=Path, required=True)
    parser.add_argument("--count", type=int, default=300, help="documents whose summaries are compared (%(default)s)")
    given = parser.parse_args()
    documents = read(given.documents, given.count)
    summarizers = {}
    for name in given.models:
        model, _, precision = name.rpartition(":")
        summarizers[name] = Summarizer.from_pretrained(model, precision=precision)
        seconds(summarizers[name], documents[:TIMED])  # warms up
    times = [{name: seconds(one, documents[:TIMED]) for name, one in summarizers.items()} for _ in range(ROUNDS)]
    summaries = {name: [summary.indices for summary in one(documents)] for name, one in summarizers.items()}
    first, *_ = given.models
    print(f"{torch.get_num_threads()} threads; speed of {TIMED} documents, equal summaries of {len(documents)}")
    for name in given.models:
        ratios = [taken[first] / taken[name] for taken in times]
        equal = sum(a == b for a, b in zip(summaries[first], summaries[name], strict=True)) / len(documents)
        print(f"{name}: {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), {100 * equal:.1f}% equal")


if __name__ == "__main__":
    run(main)
