"""Writes records whose document has nothing to do with their question, so that a model learns to answer with nothing.

python tools/unrelated.py questions.jsonl.gz news.jsonl.gz:2500 questions.jsonl.gz:1500 --out unrelated.jsonl.gz

So many documents of each file, evenly spaced, get a question of the first file, drawn at random from all of them; the
same command draws the same ones. A document that was asked something is not asked one of its own questions.
"""

import argparse
import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path

from bertsum.config import Config
from bertsum.data.documents import Document, Rejected
from bertsum.data.sources import read_documents
from bertsum.errors import BertsumError
from bertsum.program import run


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("questions", help="JSON lines with query and document")
    arguments.add_argument("documents", nargs="+", type=_file_and_count, help="FILE:COUNT, JSON lines with document")
    arguments.add_argument("--out", type=Path, required=True)
    options = arguments.parse_args()
    asked = [(one.query, one.text) for one in _documents(options.questions) if one.query]
    if not asked or all(text == asked[0][1] for _, text in asked):
        raise BertsumError(f"'{options.questions}': has no questions on several documents, expected some")
    draw = random.Random(0)
    records = []
    for name, count in options.documents:
        documents = [one.text for one in _documents(name)]
        for place in range(count):
            document = documents[place * len(documents) // count]
            query, its_own = draw.choice(asked)
            while its_own == document:
                query, its_own = draw.choice(asked)
            records.append({"id": f"{Path(name).name} {place}", "query": query, "document": document, "relevant": []})
    with gzip.open(options.out, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def _file_and_count(given: str) -> tuple[str, int]:
    name, _, count = given.rpartition(":")
    if not name or not count.isdigit():
        raise argparse.ArgumentTypeError(f"got {given!r}, expected FILE:COUNT, such as news.jsonl.gz:2500")
    return name, int(count)


def _documents(name: str) -> Iterator[Document]:
    config = Config.load(None, [f"data.train={name}"], training=False)
    for one in read_documents(config.data, "train"):
        if isinstance(one, Rejected):
            raise BertsumError(f"{one.place}: {one.problem}")
        yield one


if __name__ == "__main__":
    run(main)
