"""The two sides of each stage that benchmark.py measures (ours and a naive one), and the documents that both read."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import naive
import numpy as np
import torch

from bertsum.config import Config
from bertsum.data.prepare import prepare, read_texts
from bertsum.device import autocast
from bertsum.evaluation.rouge import document_rouge
from bertsum.inference.summarizer import Summarizer
from bertsum.models.extractive import BertSum
from bertsum.models.losses import cross_entropy
from bertsum.models.storage import SavedConfig
from bertsum.program import keep_freed_memory


@dataclass(frozen=True)
class Options:
    """What is measured.

    Attributes:
        documents: JSON lines that each side reads; documents and summaries are lists of sentences.
        model: Folder of the model that both sides use.
        count: Documents of a repetition.
        repetitions: Number of repetitions.
        precision: Precision of our side.
    """

    documents: Path
    model: Path
    count: int
    repetitions: int
    precision: str


@dataclass(frozen=True)
class Work:
    """What a repetition has done: documents, tokens, bytes of text, and perhaps results to compare."""

    documents: int
    tokens: int = 0
    text: int = 0
    results: Any = None


Side = Callable[[Options], Callable[[], Work]]
SIDES: dict[str, Side] = {}


def side(function: Side) -> Side:
    """Registers a side by the name of its function, which sets up and returns the function that is timed."""
    SIDES[function.__name__] = function
    return function


def records(options: Options) -> list[dict[str, Any]]:
    """Documents and summaries as lists of sentences."""
    with open(options.documents, encoding="utf-8") as lines:
        return [json.loads(line) for line in islice(lines, options.count)]


def text_bytes(options: Options) -> int:
    """Bytes of the lines that are read."""
    with open(options.documents, "rb") as lines:
        return sum(map(len, islice(lines, options.count)))


def one_core() -> None:
    """Restricts this process to one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    torch.set_num_threads(1)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"


@side
def prepare_naive(options: Options) -> Callable[[], Work]:
    one_core()
    tokenizer = BertSum.from_pretrained(options.model).tokenizer
    text = text_bytes(options)

    def work() -> Work:
        examples = [naive.encode(record["document"], record["summary"], tokenizer) for record in records(options)]
        return Work(len(examples), sum(len(example[0]) for example in examples), text)

    return work


def own_preparation(options: Options, workers: int) -> Callable[[], Work]:
    model = BertSum.from_pretrained(options.model)
    text = text_bytes(options)

    def work() -> Work:
        with tempfile.TemporaryDirectory() as folder:
            data = [f"data.train={options.documents}", f"data.prepared_dir={folder}", f"data.workers={workers}"]
            prepared = prepare(Config.load(None, [*data, f"data.limit={options.count}"]), "train", model.tokenizer)
            return Work(len(prepared), int(prepared.lengths.sum()), text)

    return work


@side
def prepare_own(options: Options) -> Callable[[], Work]:
    one_core()
    return own_preparation(options, 1)


@side
def prepare_one_process(options: Options) -> Callable[[], Work]:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    return own_preparation(options, 1)


@side
def prepare_two_processes(options: Options) -> Callable[[], Work]:
    return own_preparation(options, 2)


def naive_model(options: Options) -> BertSum:
    model = BertSum.from_pretrained(options.model)
    model.reader.packs = False
    model.encoder.set_attn_implementation("eager")
    return model


def long_examples(options: Options, tokenizer: Any, tokens: int) -> list[naive.Example]:
    """Documents of about 512 tokens, else the longest ones; as many as make ``tokens`` tokens in all."""
    examples = [naive.encode(record["document"], record["summary"], tokenizer) for record in records(options)]
    examples.sort(key=lambda example: -len(example[0]))
    return examples[: max(1, tokens // len(examples[0][0]))]


@side
def train_naive(options: Options) -> Callable[[], Work]:
    model = naive_model(options).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-5, eps=1e-9)
    batch = long_examples(options, model.tokenizer, 3000)

    def work() -> Work:
        naive.train_step(model, optimizer, batch)
        return Work(len(batch), sum(len(example[0]) for example in batch))

    return work


def own_training(options: Options, dropout: float) -> Callable[[], Work]:
    keep_freed_memory()
    model = BertSum.from_pretrained(options.model).train()
    model.encoder.config.hidden_dropout_prob = model.encoder.config.attention_probs_dropout_prob = dropout
    for module in model.head.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = dropout
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
    rows = [
        {"input_ids": ids, "cls_positions": positions, "labels": labels}
        for ids, _, positions, labels in long_examples(options, model.tokenizer, 4096)
    ]

    def work() -> Work:
        batch = model.collate(rows)
        with autocast(torch.device("cpu"), options.precision):
            logits = model(**batch.inputs())
        cross_entropy(logits, batch.labels, batch.sentence_mask).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return Work(len(rows), sum(len(row["input_ids"]) for row in rows))

    return work


@side
def train_own(options: Options) -> Callable[[], Work]:
    return own_training(options, 0.0)


@side
def train_own_with_dropout(options: Options) -> Callable[[], Work]:
    return own_training(options, 0.1)


@side
def score_naive(options: Options) -> Callable[[], Work]:
    model = naive_model(options)
    examples = [naive.encode(record["document"], None, model.tokenizer) for record in records(options)]

    def work() -> Work:
        return Work(len(examples), sum(len(e[0]) for e in examples), results=naive.score(model, examples))

    return work


@side
def score_own(options: Options) -> Callable[[], Work]:
    model = BertSum.from_pretrained(options.model)
    examples = [naive.encode(record["document"], None, model.tokenizer) for record in records(options)]
    rows = [{"input_ids": ids, "cls_positions": positions} for ids, _, positions, _ in examples]

    def work() -> Work:
        logits = dict(model.score(rows, precision=options.precision))
        results = [logits[place].tolist() for place in range(len(rows))]
        return Work(len(rows), sum(len(row["input_ids"]) for row in rows), results=results)

    return work


@side
def score_onnx(options: Options) -> Callable[[], Work]:
    from onnxruntime import InferenceSession

    from bertsum.compression.onnx import export_onnx

    model = BertSum.from_pretrained(options.model)
    with tempfile.TemporaryDirectory() as folder:
        export_onnx(model, f"{folder}/exported")
        session = InferenceSession(f"{folder}/exported/model.onnx", providers=["CPUExecutionProvider"])
    examples = [naive.encode(record["document"], None, model.tokenizer) for record in records(options)]

    def work() -> Work:
        logits: dict[int, list[float]] = {}
        for batch in naive.batches(examples):
            inputs = {name: tensor.numpy() for name, tensor in naive.collate(batch)[0].items()}
            for example, scores in zip(batch, session.run(["logits"], inputs)[0].tolist(), strict=True):
                logits[id(example)] = scores[: len(example[2])]
        results = [logits[id(example)] for example in examples]
        return Work(len(examples), sum(len(example[0]) for example in examples), results=results)

    return work


@side
def summarize_naive(options: Options) -> Callable[[], Work]:
    model = naive_model(options)
    documents = [record["document"] for record in records(options)]

    def work() -> Work:
        examples = [naive.encode(document, None, model.tokenizer) for document in documents]
        for example, scores in zip(examples, naive.score(model, examples), strict=True):
            np.argsort(scores)[-3:]
            assert len(scores) == len(example[2])
        return Work(len(documents), sum(len(example[0]) for example in examples))

    return work


@side
def summarize_own(options: Options) -> Callable[[], Work]:
    summarizer = Summarizer(BertSum.from_pretrained(options.model), options.precision)  # type: ignore[arg-type]  # argparse's choices are the words of Precision
    texts = [" ".join(record["document"]) for record in records(options)]

    def work() -> Work:
        summaries = summarizer(texts, long_documents="truncate")  # as the other side reads them
        return Work(len(summaries), text=sum(map(len, texts)))

    return work


@side
def summarize_one(options: Options) -> Callable[[], Work]:
    summarizer = Summarizer(BertSum.from_pretrained(options.model), options.precision)  # type: ignore[arg-type]  # argparse's choices are the words of Precision
    sentences = [sentence for record in records(options) for sentence in record["document"]]
    texts = cycle(" ".join(sentences[start : start + 30]) for start in range(0, len(sentences) - 30, 30))

    def work() -> Work:
        text = next(texts)
        summarizer(text)
        return Work(1, text=len(text))

    return work


def rouge_pairs(options: Options) -> tuple[list[list[str]], list[list[str]]]:
    own = records(options)
    return [record["document"][:3] for record in own], [record["summary"] for record in own]


@side
def rouge_naive(options: Options) -> Callable[[], Work]:
    from rouge_score.rouge_scorer import RougeScorer

    one_core()
    candidates, references = rouge_pairs(options)

    def work() -> Work:
        scorer = RougeScorer(["rouge1", "rouge2", "rougeLsum"], use_stemmer=True)
        for candidate, reference in zip(candidates, references, strict=True):
            scorer.score("\n".join(reference), "\n".join(candidate))
        return Work(len(candidates))

    return work


@side
def rouge_own(options: Options) -> Callable[[], Work]:
    one_core()
    candidates, references = rouge_pairs(options)

    def work() -> Work:
        return Work(len(document_rouge(candidates, references)))

    return work


@side
def import_package(options: Options) -> Callable[[], Work]:
    def work() -> Work:
        subprocess.run([sys.executable, "-c", "import bertsum"], check=True)
        return Work(1)

    return work


# ---- what both read


def write_documents(path: Path, source: str | None, count: int) -> None:
    """Writes ``count`` documents as lists of sentences, as both sides read them; repeats them if there are fewer."""
    config = Config.load(None, [f"data.train={source or 'sample/english.train.jsonl'}", f"data.limit={count}"])
    rows = [{"document": row["sentences"], "summary": row["references"][0]} for row in read_texts(config, "train")]
    with open(path, "w", encoding="utf-8") as file:
        for row in islice(cycle(rows), count):
            file.write(json.dumps(row) + "\n")


def write_model(folder: Path, encoder: str) -> None:
    """Writes the paper's model with an untrained head."""
    torch.manual_seed(0)
    BertSum.from_config(SavedConfig.of(Config.load(None, [f"model.encoder={encoder}"]))).save_pretrained(folder)
