"""How many paragraphs a second are pruned to what answers a question: many in one call, beside one call for each.

python benchmarks/answering.py --documents validation.jsonl.gz --paragraphs 300

The paragraphs are cut from the documents of a file (JSON lines with document, a text or a list of sentences): sentences
in a row up to 150 words. Both ways take turns, three times, each with paragraphs of its own, since vectors of sentences
are kept; printed are medians and their ratio.
"""

import argparse
import gzip
import json
import statistics
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import torch

import bertsum
from bertsum.errors import BertsumError
from bertsum.program import run

WORDS, ROUNDS = 150, 3
QUESTIONS = ("Who decided it?", "How much did it cost?", "When did it begin?", "Why was it closed?")


def paragraphs(file: Path) -> Iterator[str]:
    """Sentences in a row, of 150 words or a little less."""
    held: list[str] = []
    with (gzip.open if file.suffix == ".gz" else open)(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            document = json.loads(line)["document"]
            for sentence in bertsum.split_sentences(document) if isinstance(document, str) else document:
                if sum(len(one.split()) for one in [*held, sentence]) > WORDS and held:
                    yield " ".join(held)
                    held = []
                held.append(sentence)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=Path, required=True)
    parser.add_argument(
        "--paragraphs", type=int, default=300, help="how many at a time (%(default)s), of six times as many"
    )
    parser.add_argument("--model", help="by default the one that comes with the package")
    given = parser.parse_args()
    summarizer = bertsum.Summarizer.from_pretrained(given.model)
    wanted = 2 * ROUNDS * given.paragraphs + 20
    every = list(islice(paragraphs(given.documents), wanted))
    if len(every) < wanted:
        raise BertsumError(
            f"'{given.documents}': has {len(every)} paragraphs, expected {wanted}; --paragraphs takes fewer"
        )
    lists = [every[20 + n * given.paragraphs :][: given.paragraphs] for n in range(2 * ROUNDS)]
    summarizer.prune(QUESTIONS[0], every[:20])
    together, alone = [], []
    for turn in range(ROUNDS):
        question = QUESTIONS[turn % len(QUESTIONS)]
        texts = lists[2 * turn]
        begin = time.perf_counter()
        summarizer.prune(question, texts)
        together.append(len(texts) / (time.perf_counter() - begin))
        texts = lists[2 * turn + 1]
        begin = time.perf_counter()
        for text in texts:
            summarizer.prune(question, text)
        alone.append(len(texts) / (time.perf_counter() - begin))
    many, one = statistics.median(together), statistics.median(alone)
    words = statistics.mean(len(text.split()) for text in every)
    print(f"{given.paragraphs} paragraphs of {words:.0f} words, {torch.get_num_threads()} threads")
    print(f"in one call: {many:.0f} a second; a call for each: {one:.0f}; ratio {many / one:.2f}")


if __name__ == "__main__":
    run(main)
