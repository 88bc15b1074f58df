"""report.html: the results of an evaluation and some documents, on one page that loads no other files.

# N documents, 3 metrics (ROUGE-1, 2, L), 3 figures (precision, recall, F1)
"""

from __future__ import annotations

import functools
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from bertsum.by_place import ByPlace
from bertsum.pages.charts import bars, svg
from bertsum.pages.plots import positions_chart
from bertsum.pages.shading import CHOSEN, ORACLE, STYLE, document_html
from bertsum.results import FIGURES, METRICS, Results
from bertsum.text import one_line, split_words

BEST, SAMPLED = 3, 6  # documents shown
# Shown at most: sentences of a document, its references, sentences of a reference, characters of a sentence.
_MOST_SENTENCES, _MOST_REFERENCES, _MOST_OF_REFERENCE, _MOST_CHARACTERS = 120, 4, 30, 1000
_MOST_BINS, _LEAST_IN_BIN = 5, 4


@dataclass(frozen=True)
class Measured:
    """Data of the report: systems on the documents of one split.

    Attributes:
        rows: The documents, with ``id``, ``sentences`` and ``references`` (N).
        results: The figures of the table.
        choices: The sentences that each system, also ``oracle``, chose in each document (N).
        rouge: ROUGE of each document, by system (N, 3, 3); also for a mean of systems.
        probabilities: Scores of each document's sentences (N), by model; the first model is shown. None for baselines.
    """

    rows: ByPlace[dict[str, Any]]
    results: Results
    choices: Mapping[str, Sequence[Sequence[int]]]
    rouge: Mapping[str, np.ndarray]
    probabilities: Mapping[str, ByPlace[Sequence[float | None]]]

    @property
    def shown(self) -> str:
        """The system to show with documents: the first model, else the first baseline."""
        return next(iter(self.probabilities or self.choices))

    def of_documents(self, system: str) -> np.ndarray:
        """The figure to report in percent (N, 3)."""
        return 100 * self.rouge[system][:, :, FIGURES.index(self.results.figure)]


def report_html(measured: Measured, title: str, facts: Mapping[str, str], seed: int = 0) -> str:
    """The page. All its text is escaped, and it loads and runs nothing.

    Args:
        measured: The data. A long document is shown in part: its marked sentences and its first ones.
        title: Title, such as the run and the split.
        facts: Facts that a reader needs to judge the figures, such as how words are counted.
        seed: Seed for the sample of documents.
    """
    css = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")
    return _template().render(
        title=title,
        css=f"{css}\n{STYLE}",
        facts=facts,
        figures=_figures(measured),
        by_length=_by_length(measured),
        positions=_positions(measured),
        shown=measured.shown,
        has_scores=bool(measured.probabilities),
        chosen=CHOSEN,
        oracle=ORACLE,
        most_sentences=_MOST_SENTENCES,
        parts=_parts(measured, seed),
    )


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters["text"] = one_line
    return environment.from_string(Path(__file__).with_name("report.html.jinja").read_text(encoding="utf-8"))


# A cell of a table: its text, and the small text below it.
Cell = tuple[str, str]


def _line(name: str, cells: Iterable[Cell | str]) -> dict[str, Any]:
    return {"name": name, "cells": [(cell, "") if isinstance(cell, str) else cell for cell in cells]}


def _figures(measured: Measured) -> dict[str, Any]:
    """The figures of the printed table, with intervals below them."""
    lines = []
    for system, scores, *first in measured.results.rows():
        cells = [(f"{mean:.2f}", f"{low:.2f}–{high:.2f}") for mean, low, high in scores.values()]
        lines.append(_line(system, [*cells, *(f"{value:.2f}" for value in first)]))
    heads = [(metric.upper().replace("ROUGE", "ROUGE-"), _figure(measured)) for metric in METRICS]
    return {"heads": [*heads, ("ROUGE-1", "recall"), ("ROUGE-1", "precision")], "lines": lines}


def _figure(measured: Measured) -> str:
    return "recall" if measured.results.limited else "F1"


def _by_length(measured: Measured) -> dict[str, Any]:
    """Means over documents of similar length: ROUGE-1 as a chart, all metrics as a table."""
    lengths = np.array([sum(len(split_words(text)) for text in row["sentences"]) for row in measured.rows])
    bins = max(1, min(_MOST_BINS, len(lengths) // _LEAST_IN_BIN))
    ends = np.unique(np.quantile(lengths, np.arange(1, bins + 1) / bins, method="inverted_cdf"))
    place = np.searchsorted(ends, lengths)  # (N)
    names = _compared(measured)
    means = {
        name: np.stack([measured.of_documents(name)[place == number].mean(axis=0) for number in range(len(ends))])
        for name in names
    }  # (bins, 3) each
    chart = bars(
        [f"≤ {end:,}" for end in ends],
        {name: values[:, 0].tolist() for name, values in means.items()},
        "words of the document",
        f"ROUGE-1 {_figure(measured)}",
        "ROUGE-1 by length of the document",
    )
    lines = []
    for number in range(len(ends)):
        inside = lengths[place == number]
        cells = [" / ".join(f"{value:.1f}" for value in means[name][number]) for name in names]
        lines.append(_line(f"{inside.min():,} to {ends[number]:,}", [f"{len(inside):,}", *cells]))
    heads = [("documents", ""), *((one_line(name), "") for name in names)]
    return {"chart": svg([chart]), "heads": heads, "lines": lines}


def _compared(measured: Measured) -> list[str]:
    """The baselines, and the model or the mean of several."""
    models = [name for name in measured.rouge if name in measured.probabilities or name not in measured.choices]
    return [*(name for name in measured.rouge if name not in models), *models[-1:]]


def _positions(measured: Measured) -> str:
    chosen = {name: places for name, places in measured.choices.items() if name not in measured.probabilities}
    models = list(measured.probabilities)
    if models:  # of several, what all of them chose
        name = models[0] if len(models) == 1 else f"all {len(models)} models"
        chosen[name] = list(chain.from_iterable(measured.choices[model] for model in models))
    return svg([positions_chart(chosen)])


def _parts(measured: Measured, seed: int) -> list[dict[str, Any]]:
    """The best documents, the worst ones and some others."""
    ranking = np.argsort(-measured.of_documents(measured.shown).mean(axis=1), kind="stable").tolist()
    count = len(ranking)
    best, worst = ranking[: min(BEST, (count + 1) // 2)], ranking[count - min(BEST, count // 2) :][::-1]
    others = ranking[len(best) : count - len(worst)]
    sample = sorted(random.Random(seed).sample(others, min(SAMPLED, len(others))))
    titled = (("Best", best), ("Worst", worst), ("A random sample", sample))
    return [
        {"title": title, "documents": [_document(measured, place) for place in places]}
        for title, places in titled
        if places
    ]


def _document(measured: Measured, place: int) -> dict[str, Any]:
    row = measured.rows[place]
    sentences = [_cut(sentence) for sentence in row["sentences"]]
    probabilities = measured.probabilities.get(measured.shown)
    html = document_html(
        sentences,
        (probabilities[place] or None) if probabilities is not None else None,  # no scores for a newly written summary
        measured.choices[measured.shown][place],
        oracle=measured.choices["oracle"][place],
        limit=_MOST_SENTENCES,
        style=False,
    )
    lines = [
        _line(system, [f"{value:.1f}" for value in measured.of_documents(system)[place]]) for system in measured.rouge
    ]
    return {
        "id": _cut(row["id"], 80),
        "count": len(sentences),
        "figures": " / ".join(f"{value:.1f}" for value in measured.of_documents(measured.shown)[place]),
        "references": [_reference(row["references"], number) for number in range(len(row["references"]))][
            :_MOST_REFERENCES
        ],
        "html": html,
        "lines": lines,
    }


def _reference(references: Sequence[Sequence[str]], number: int) -> dict[str, Any]:
    reference = references[number]
    return {
        "title": f"Reference {number + 1} of {len(references):,}" if len(references) > 1 else "Reference",
        "sentences": [_cut(sentence) for sentence in reference[:_MOST_OF_REFERENCE]],
        "left_out": max(0, len(reference) - _MOST_OF_REFERENCE),
    }


def _cut(text: str, characters: int = _MOST_CHARACTERS) -> str:
    return text if len(text) <= characters else f"{text[:characters]}…"
