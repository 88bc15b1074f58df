"""How the cost of each stage grows: with documents, with sentences of a document, with processes.

python benchmarks/growth.py --documents validation.jsonl.gz --most 100000
"""

import argparse
import contextlib
import json
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from sides import write_documents, write_model

from bertsum.config import Config
from bertsum.data.prepare import prepare
from bertsum.data.sources import read_documents
from bertsum.evaluation.rouge import document_rouge
from bertsum.inference.summarizer import Summarizer
from bertsum.models.extractive import BertSum
from bertsum.program import run

COUNTS = (1_000, 10_000, 100_000)
LENGTHS = (10, 100, 1_000)
SENTENCES = 8_000  # of all documents of a length


def by_documents(pool: list[dict[str, Any]], model: BertSum, most: int) -> Iterator[tuple[str, int, int, float]]:
    """Prepares more and more documents; yields the stage, documents, sentences and seconds."""
    for count in (number for number in COUNTS if number <= most):
        with tempfile.TemporaryDirectory() as folder:
            path = write(Path(folder), islice(cycle(pool), count))
            for workers in (1, 2):
                data = [f"data.train={path}", f"data.prepared_dir={folder}/{workers}", f"data.workers={workers}"]
                seconds, prepared = timed(partial(prepare, Config.load(None, data), "train", model.tokenizer))
                sentences = round(prepared.report.sentences_per_document * count)
                yield f"prepare {count:,}, {workers} process{'es' * (workers > 1)}", count, sentences, seconds


def by_sentences(pool: list[dict[str, Any]], model: BertSum) -> Iterator[tuple[str, int, int, float]]:
    """Runs every stage on longer and longer documents, with the same number of sentences in all."""
    sentences = [sentence for record in pool for sentence in record["document"]]
    summarizer = Summarizer(model)
    for length in LENGTHS:
        endless = cycle(sentences)
        records = [
            {"document": list(islice(endless, length)), "summary": record["summary"]}
            for record in islice(cycle(pool), SENTENCES // length)
        ]
        with tempfile.TemporaryDirectory() as folder:
            path = write(Path(folder), records)
            data = [f"data.train={path}", f"data.prepared_dir={folder}", "data.workers=1", "data.oracle=paper"]
            config = Config.load(None, [*data, "encoding.max_sentences=100000"])
            actions: dict[str, Callable[[], Any]] = {
                "read": partial(read_all, config),
                "prepare": partial(prepare, config, "train", model.tokenizer),
                "raw text to summary": partial(summarizer, [" ".join(record["document"]) for record in records]),
                "ROUGE of whole documents": partial(
                    document_rouge, [r["document"] for r in records], [r["summary"] for r in records]
                ),
            }
            for what, action in actions.items():
                seconds, _ = timed(action)
                yield f"{what}, {length:,} sentences each", len(records), length * len(records), seconds


def read_all(config: Config) -> int:
    return sum(1 for _ in read_documents(config.data, "train"))


def write(folder: Path, records: Any) -> Path:
    path = folder / "documents.jsonl"
    with open(path, "w", encoding="utf-8") as file:
        for record in records:
            file.write(json.dumps(record) + "\n")
    return path


def timed(action: Callable[[], Any]) -> tuple[float, Any]:
    with contextlib.redirect_stdout(None):  # hides the report of the preparation
        start = time.perf_counter()
        result = action()
        return time.perf_counter() - start, result


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--documents", help="documents with summaries; by default the bundled sample, repeated")
    arguments.add_argument("--encoder", default="minilm", help="by default minilm")
    arguments.add_argument("--most", type=int, default=10_000, help="documents that are prepared, by default 10000")
    given = arguments.parse_args()
    warnings.simplefilter("ignore")  # about parts of long documents that are not read
    with tempfile.TemporaryDirectory() as folder:
        write_documents(Path(folder) / "documents.jsonl", given.documents, 2_000)
        with open(Path(folder) / "documents.jsonl", encoding="utf-8") as lines:
            pool = [json.loads(line) for line in lines]
        write_model(Path(folder) / "model", given.encoder)
        model = BertSum.from_pretrained(Path(folder) / "model")
        print(f"{'':<46}{'documents/s':>13}{'sentences/s':>13}", flush=True)
        for rows in (by_documents(pool, model, given.most), by_sentences(pool, model)):
            for what, documents, sentences, seconds in rows:
                print(f"{what:<46}{documents / seconds:>13,.1f}{sentences / seconds:>13,.0f}", flush=True)


if __name__ == "__main__":
    run(main)
