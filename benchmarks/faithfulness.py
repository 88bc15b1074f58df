"""Tests whether explanations are faithful: does a score change if the words or sentences that they name are removed?

python benchmarks/faithfulness.py --documents validation.jsonl.gz --figure docs/faithfulness.svg

The script takes documents that fit into one window, in their order in the file. It measures three things:

- Words: the chosen sentence with the best score is explained by integrated gradients. Words are taken out of the text,
  from the one that raised the score most to the one that lowered it most (deletion). Or all words are taken out first,
  and then put back in that order (insertion). Both are compared with a random order.
- Sentences: a sentence can be left out of the head or out of the text. How well do the two ways agree with each other,
  and with the sums of the values of the sentence's words (Spearman's rank correlation)?
- Choices: the model reads the document without three other sentences: those that an explanation names, or three at
  random. How often does it no longer choose the explained sentence? This is done for each chosen sentence.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr

from bertsum.inference.explain import choose_without, explained_score, leave_out
from bertsum.inference.explained import SentenceScore
from bertsum.inference.explanation import Word
from bertsum.inference.summarizer import Summarizer
from bertsum.inference.text_scorer import TextScorer
from bertsum.pages.charts import lines, svg

SHARES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)  # of a document's words
TOKENS = 512  # of a window


@cache
def summarizer(model: str | None) -> Summarizer:
    torch.set_num_threads(1)
    return Summarizer.from_pretrained(model)


def measure(task: tuple[str | None, int, list[str]]) -> dict[str, Any]:
    """All figures of one document."""
    model, number, document = task
    made = summarizer(model)
    (summary,) = made([document])
    source = summary._model_source()
    draw = random.Random(number)
    ranked = sorted(summary.indices, key=lambda index: -(summary.document_scores[index] or 0.0))
    best = ranked[0]
    start = time.process_time()
    explained = summary.explain(best)
    figures: dict[str, Any] = {"seconds": time.process_time() - start, "gap": explained.completeness.gap}
    figures["passes"] = explained.completeness.passes
    row = source.row(document)
    values = np.array([word.value for word in explained.words])
    orders = {"explained": np.argsort(-values), "random": np.array(draw.sample(range(len(values)), len(values)))}
    figures["curves"] = curves(summary.scorer(best), explained.words, orders)
    by_words = [None if value is None else 0.0 for value in explained.sentences]
    for word in explained.words:
        if by_words[word.sentence] is not None:
            by_words[word.sentence] += word.value
    choices = [choice(summary, source, row, index, by_words if index == best else None, draw) for index in ranked]
    return figures | {"choices": choices}


def choice(
    summary: Any, source: Any, row: Any, index: int, by_words: list[float | None] | None, draw: random.Random
) -> dict[str, float]:
    """Whether a sentence is no longer chosen without three others, and how the ways of leaving out agree."""
    score = explained_score(summary, source, row, index)
    assert isinstance(score, SentenceScore)
    head, by_head = leave_out(score, source, "head", summary.indices)
    text, by_text = leave_out(score, source, "text", summary.indices)
    others = [place for place in row["sentence_indices"] if place != index]

    def most(values: list[float | None], either: bool = False) -> list[int]:
        known = {place: values[place] or 0.0 for place in others}
        return sorted(others, key=lambda place: -abs(known[place]) if either else -known[place])[:3]

    named = {
        "three that raised it most, head": most(head),
        "three that raised it most, text": most(text),
        "three that did most either way, text": most(text, either=True),
        "three decisive, head": by_head.sentences if by_head else [],
        "three decisive, text": by_text.sentences if by_text else [],
        "three at random": draw.sample(others, 3),
    }
    figures = {"head and text agree": agreement(head, text)}
    if by_words is not None:
        figures["words and text agree"] = agreement(by_words, text)
        named["three whose words raised it most"] = most(by_words)
    return figures | {kind: index not in choose_without(score, source, places) for kind, places in named.items()}


def agreement(some: list[float | None], others: list[float | None]) -> float:
    """Spearman's rank correlation of two lists of what each sentence did to the score."""
    pairs = [(a, b) for a, b in zip(some, others, strict=True) if a is not None and b is not None]
    return float(spearmanr(*zip(*pairs, strict=True)).statistic)


def curves(scorer: TextScorer, words: list[Word], orders: dict[str, np.ndarray]) -> dict[str, list[float]]:
    """The score without more and more words (deletion), or with these words only (insertion), by name and order."""
    found: dict[str, list[float]] = {}
    for name, order in orders.items():
        variants = []
        for share in SHARES:
            first = set(order[: round(share * len(order))].tolist())
            variants += [without(scorer.text, words, first), without(scorer.text, words, set(order.tolist()) - first)]
        scores = scorer(variants).tolist()
        found[f"deletion, {name}"], found[f"insertion, {name}"] = scores[::2], scores[1::2]
    return found


def without(text: str, words: list[Word], left_out: set[int]) -> str:
    """A document, one sentence a line, without some of its words."""
    lines = text.split("\n")
    for number in sorted(left_out, key=lambda number: -words[number].begin):
        word = words[number]
        line = lines[word.sentence]
        lines[word.sentence] = line[: word.begin] + line[word.end :]
    return "\n".join(" ".join(line.split()) for line in lines)


def tasks(path: Path, model: str | None, count: int) -> list[tuple[str | None, int, list[str]]]:
    """The first documents that fit into a window, and have sentences to choose from."""
    found: list[tuple[str | None, int, list[str]]] = []
    made = summarizer(model)
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        for number, line in enumerate(file):
            document = json.loads(line)["document"]
            encoding = made._reader.encoder("window").encode(document)
            if len(encoding.input_ids) <= TOKENS and len(encoding.sentence_indices) >= 8:
                found.append((model, number, document))
            if len(found) == count:
                break
    return found


def report(figures: list[dict[str, Any]], figure: Path) -> None:
    """Prints the means, and draws the curves."""
    print(f"{len(figures)} documents")
    for name in ("gap", "passes", "seconds"):
        values = [one[name] for one in figures]
        print(f"{name}: median {np.median(values):.3f}, mean {np.mean(values):.3f}, largest {np.max(values):.3f}")
    print(f"gap of at most 2%: {np.mean([one['gap'] <= 0.02 for one in figures]):.0%}")
    means = {name: np.mean([one["curves"][name] for one in figures], axis=0) for name in figures[0]["curves"]}
    for name, curve in means.items():
        area = np.trapezoid(curve, SHARES)
        print(f"{name}: {' '.join(f'{value:+.2f}' for value in curve)}; mean height {area:+.3f}")
    by_rank = {
        "the chosen sentence of the best score": [one["choices"][0] for one in figures],
        "the chosen sentence of the lowest score": [one["choices"][-1] for one in figures],
        "all chosen sentences": [choice for one in figures for choice in one["choices"]],
    }
    for name, choices in by_rank.items():
        print(f"{name} ({len(choices)}):")
        for kind in (kind for kind in choices[0] if all(kind in one for one in choices)):
            values = [one[kind] for one in choices if one[kind] == one[kind]]
            print(f"  {kind}: {np.mean(values):.2f}")
    charts = [
        lines(
            {order: list(zip(np.multiply(SHARES, 100), means[f"{what}, {order}"], strict=True))
             for order in ("explained", "random")},
            f"words {'taken out' if what == 'deletion' else 'put back'}, %",
            "logit of the sentence", f"{what} of words",
        )
        for what in ("deletion", "insertion")
    ]  # fmt: skip
    figure.write_text(svg(charts) + "\n", encoding="utf-8")
    print(f"Figure: {figure}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=Path, required=True, help="JSON lines with documents as lists of sentences")
    parser.add_argument("--count", type=int, default=100, help="documents to take")
    parser.add_argument("--model", help="a checkpoint folder; by default the bundled model")
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    parser.add_argument(
        "--kept", type=Path, help="file that keeps each document's figures; the same command resumes from it"
    )
    parser.add_argument("--figure", type=Path, default=Path("docs/faithfulness.svg"))
    options = parser.parse_args()
    chosen = tasks(options.documents, options.model, options.count)
    figures = []
    if options.kept is not None and options.kept.exists():
        figures = [json.loads(line) for line in options.kept.read_text(encoding="utf-8").splitlines()]
    with ProcessPoolExecutor(options.workers, get_context("spawn")) as pool:
        for made in pool.map(measure, chosen[len(figures) :]):
            figures.append(made)
            print(f"{len(figures)} of {len(chosen)}", file=sys.stderr, flush=True)
            if options.kept is not None:
                with options.kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(made) + "\n")
    report(figures, options.figure)


if __name__ == "__main__":
    main()
