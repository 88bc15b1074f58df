"""Shows how much packages for ROUGE differ from the Perl script ROUGE-1.5.5, on your documents.

python benchmarks/rouge_packages.py validation.jsonl.gz --count 500

The summaries are the first sentences of each document (Lead). The Perl script's figures (-m, -f A) are those of
``bertsum.RougeScorer``, whose tests compare it with the script. A line of the table is a package and a way to call it.
It shows the mean F1 in percent and its difference from the script's, the number of documents whose F1 differs in the
first 5 digits, and the largest difference of a document. rouge-score has to be installed; rouge and torchmetrics are
measured if they are.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
from rouge_score import rouge_scorer

from bertsum import RougeScorer
from bertsum.config import Config
from bertsum.data.documents import Document
from bertsum.data.sentences import split_sentences
from bertsum.data.sources import read_documents
from bertsum.evaluation.rouge155 import Rouge155Tokenizer
from bertsum.program import run

NAMES = ("rouge1", "rouge2", "rougeLsum")
TITLES = ("ROUGE-1", "ROUGE-2", "ROUGE-L")

Pair = tuple[list[str], list[list[str]]]  # the sentences of a summary, and those of each reference
Score = Callable[[Pair], Sequence[float]]  # F1 of ROUGE-1, 2 and L


def read_pairs(path: str, count: int, lead: int) -> list[Pair]:
    """The first documents of a file: their first sentences, and their references."""
    config = Config.load(None, [f"data.validation={path}"])
    documents = (item for item in read_documents(config.data, "validation") if isinstance(item, Document))
    return [
        (sentences_of(document.text)[:lead], [*map(sentences_of, document.references)])
        for document in islice(documents, count)
    ]


def sentences_of(text: str | list[str]) -> list[str]:
    sentences = split_sentences(text, "en") if isinstance(text, str) else text
    return [" ".join(sentence.split()) for sentence in sentences]


def perl(pair: Pair) -> Sequence[float]:
    scores = RougeScorer(NAMES, use_stemmer=True, average="A").score_multi(pair[1], pair[0])
    return [score.fmeasure for score in scores.values()]


def by_rouge_score(names: Sequence[str] = NAMES, join: str = "\n", **options: Any) -> Score:
    scorer = rouge_scorer.RougeScorer(names, **options)

    def score(pair: Pair) -> Sequence[float]:
        scores = scorer.score_multi([join.join(reference) for reference in pair[1]], join.join(pair[0]))
        return [scores[name].fmeasure for name in names]

    return score


def by_rouge(pair: Pair) -> Sequence[float]:
    """The package rouge, which has no stemmer, with the mean over references."""
    from rouge import Rouge

    prediction = "\n".join(pair[0])
    each = [Rouge().get_scores(prediction, "\n".join(reference))[0] for reference in pair[1]]
    return [float(np.mean([one[name]["f"] for one in each])) for name in ("rouge-1", "rouge-2", "rouge-l")]


def by_torchmetrics(pair: Pair) -> Sequence[float]:
    from torchmetrics.functional.text.rouge import rouge_score

    targets = ["\n".join(reference) for reference in pair[1]]
    scores = rouge_score(["\n".join(pair[0])], [targets], use_stemmer=True, rouge_keys=NAMES)
    return [float(scores[f"{name}_fmeasure"]) for name in NAMES]


def calls() -> Iterator[tuple[str, Score]]:
    """The installed packages, and the ways to call them."""
    yield "rouge-score, `use_stemmer`, a sentence a line, `rougeLsum`", by_rouge_score(use_stemmer=True)
    yield "the same with our tokenizer", by_rouge_score(tokenizer=Rouge155Tokenizer())
    yield "the same on one line", by_rouge_score(join=" ", use_stemmer=True)
    yield "the same with `rougeL`", by_rouge_score((*NAMES[:2], "rougeL"), use_stemmer=True)
    yield "without `use_stemmer`, the default", by_rouge_score()
    for name, score in (("rouge", by_rouge), ("torchmetrics", by_torchmetrics)):
        if importlib.util.find_spec(name) is not None:
            yield name, score


def table(pairs: list[Pair]) -> Iterator[str]:
    """The lines of the table, as Markdown."""
    yield (
        "| package | F1 of " + " | ".join(f"{title}, documents that differ, most" for title in TITLES) + " | seconds |"
    )
    yield "|---|---|---|---|---|"
    expected, seconds = measured(perl, pairs)
    means = " | ".join(f"{100 * mean:.2f}" for mean in expected.mean(axis=0))
    yield f"| ROUGE-1.5.5 `-m` (bertsum) | {means} | {seconds:.2f} |"
    for name, score in calls():
        figures, seconds = measured(score, pairs)
        differences = np.abs(figures - expected)
        cells = [
            f"{100 * mean:.2f} ({difference(mean, right)}), {count}, {100 * most:.2f}"
            for mean, right, count, most in zip(
                figures.mean(axis=0),
                expected.mean(axis=0),
                (differences > 1.5e-5).sum(axis=0),  # more than what rounding to 5 digits does
                differences.max(axis=0),
                strict=True,
            )
        ]
        yield f"| {name} | {' | '.join(cells)} | {seconds:.2f} |"


def difference(mean: float, right: float) -> str:
    """The difference of two means in percent, as text; one too small to show has no sign."""
    shown = f"{100 * (mean - right):+.2f}"
    return shown if shown.strip("+-0.") else "0.00"


def measured(score: Score, pairs: list[Pair]) -> tuple[np.ndarray, float]:
    """F1 of each document (N documents, 3 metrics), and the seconds on one core."""
    score(pairs[0])
    start = time.process_time()
    figures = np.array([score(pair) for pair in pairs])
    return figures, time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("documents", help="documents with references: .jsonl, .jsonl.gz")
    parser.add_argument("--count", type=int, default=500, help="the first so many documents")
    parser.add_argument("--lead", type=int, default=3, help="sentences of a summary")
    options = parser.parse_args()
    pairs = read_pairs(options.documents, options.count, options.lead)
    print(f"{len(pairs):,} documents of {options.documents}\n")
    for line in table(pairs):
        print(line, flush=True)


if __name__ == "__main__":
    run(main)
