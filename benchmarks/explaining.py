"""How long an explanation takes.

python benchmarks/explaining.py --documents validation.jsonl.gz

It takes the first six documents with 27 to 33 sentences and 420 to 600 words of a file (JSON lines with document, a
list of sentences), and explains the chosen sentence with the best score of each. Nothing is warm before the first one.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from statistics import median

import torch

from bertsum.inference.summarizer import Summarizer
from bertsum.program import run

SENTENCES, WORDS = range(27, 34), range(420, 601)


def articles(file: Path) -> Iterator[str]:
    with (gzip.open if file.suffix == ".gz" else open)(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            document = json.loads(line)["document"]
            words = sum(len(sentence.split()) for sentence in document)
            if isinstance(document, list) and len(document) in SENTENCES and words in WORDS:
                yield "\n".join(document)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=Path, required=True)
    parser.add_argument("--count", type=int, default=6, help="how many documents (%(default)s)")
    parser.add_argument("--model", help="by default the one that comes with the package")
    given = parser.parse_args()
    summarizer = Summarizer.from_pretrained(given.model)
    taken = []
    for document in islice(articles(given.documents), given.count):
        summary = summarizer(document)
        begin = time.perf_counter()
        completeness = summary.explain().completeness
        taken.append(time.perf_counter() - begin)
        print(f"{taken[-1]:.1f} s, {completeness.passes} points, gap {100 * completeness.gap:.1f}%", flush=True)
    print(f"{torch.get_num_threads()} threads; the median is {median(taken):.1f} s")


if __name__ == "__main__":
    run(main)
