"""report.html: the results of an evaluation and some documents, on one page that loads no other files.

# N documents, 3 metrics (ROUGE-1, 2, L), 3 figures (precision, recall, F1), M figures of each document
"""

from __future__ import annotations

import functools
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from bertsum.by_place import ByPlace
from bertsum.pages.charts import bars, svg
from bertsum.pages.plots import positions_chart
from bertsum.pages.shading import CHOSEN, ORACLE, STYLE, document_html
from bertsum.pages.written import LEGEND, WRITTEN_STYLE, Written, written_html
from bertsum.results import FIGURES, METRICS, TEXT_FIGURES, TRANSLATION_METRICS, Results
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
        choices: The sentences that each system, also ``oracle``, chose in each document (N); not of models that write.
        rouge: ROUGE of each document, by system (N, 3, 3); also for a mean of systems. Empty if it was not measured.
        probabilities: Scores of each document's sentences (N), by model, for models that choose; the first is shown.
        translation: BLEU and chrF of each document, by system (N, M), if ROUGE was not measured; in the order of the
            results' signatures.
        written: Each document's summary (N), by model, for models that write.
        explanations: Name of a page beside the report that explains some of the summaries.
    """

    rows: ByPlace[dict[str, Any]]
    results: Results
    choices: Mapping[str, Sequence[Sequence[int]]]
    rouge: Mapping[str, np.ndarray]
    probabilities: Mapping[str, ByPlace[Sequence[float | None]]]
    translation: Mapping[str, np.ndarray] = field(default_factory=dict)
    written: Mapping[str, ByPlace[Written]] = field(default_factory=dict)
    explanations: str | None = None

    @property
    def models(self) -> list[str]:
        """The systems that are no baselines."""
        return [*self.probabilities, *self.written]

    @property
    def shown(self) -> str:
        """The system to show with documents: the first model, else the first baseline."""
        return next(iter(self.models or self.choices))

    @property
    def systems(self) -> list[str]:
        """The systems with figures of each document."""
        return list(self.rouge or self.translation)

    @property
    def metrics(self) -> dict[str, str]:
        """The figures of each document (M): their names, and their short names."""
        if self.rouge:
            return {
                metric.upper().replace("ROUGE", "ROUGE-"): metric.upper().replace("OUGE", "-") for metric in METRICS
            }
        return {TRANSLATION_METRICS[metric]: TRANSLATION_METRICS[metric] for metric in self.results.signatures}

    def of_documents(self, system: str) -> np.ndarray:
        """The figures to report of each document, in percent (N, M)."""
        if not self.rouge:
            return self.translation[system]
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
    return template("report.html.jinja").render(
        title=title,
        css=f"{css}\n{STYLE}" + f"\n{WRITTEN_STYLE}" * bool(measured.written),
        facts=facts,
        explanations=measured.explanations,
        tables=[
            table
            for table in (_figures(measured), _translation(measured), _text_figures(measured), _novelty(measured))
            if table["lines"]
        ],
        by_length=_by_length(measured),
        positions=_positions(measured),
        shown=measured.shown,
        metrics=list(measured.metrics),
        best_by="ROUGE-1, 2 and L" if measured.rouge else " and ".join(measured.metrics),
        figures_of="ROUGE" if measured.rouge else " / ".join(measured.metrics),
        short=[(short, "") for short in measured.metrics.values()],
        legend=LEGEND if measured.shown in measured.written else None,
        has_scores=bool(measured.probabilities),
        has_oracle="oracle" in measured.choices,
        chosen=CHOSEN,
        oracle=ORACLE,
        most_sentences=_MOST_SENTENCES,
        parts=_parts(measured, seed),
    )


@functools.cache
def template(name: str) -> jinja2.Template:
    """A template of this folder, whose text is escaped."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters["text"] = one_line
    return environment.from_string(Path(__file__).with_name(name).read_text(encoding="utf-8"))


# A cell of a table: its text, and the small text below it.
Cell = tuple[str, str]


def _line(name: str, cells: Iterable[Cell | str]) -> dict[str, Any]:
    return {"name": name, "cells": [(cell, "") if isinstance(cell, str) else cell for cell in cells]}


def _figures(measured: Measured) -> dict[str, Any]:
    """ROUGE as in the printed table, with intervals below the figures."""
    lines = []
    for system, scores, *first in measured.results.rows():
        lines.append(_line(system, [*map(_with_interval, scores.values()), *(f"{value:.2f}" for value in first)]))
    heads = [(metric.upper().replace("ROUGE", "ROUGE-"), _figure(measured)) for metric in METRICS]
    heads += [("ROUGE-1", "recall"), ("ROUGE-1", "precision")]
    return {"title": "ROUGE", "heads": heads, "lines": lines, "note": ""}


def _translation(measured: Measured) -> dict[str, Any]:
    """BLEU and chrF of all documents together."""
    heads = [(TRANSLATION_METRICS[metric], "") for metric in measured.results.signatures]
    lines = [
        _line(system, [_with_interval((one.score, *one.interval)) for one in scores.values()])
        for system, scores in measured.results.translation.items()
    ]
    return {"title": " and ".join(name for name, _ in heads), "heads": heads, "lines": lines, "note": ""}


def _text_figures(measured: Measured) -> dict[str, Any]:
    """The table of figures beside ROUGE, such as coverage."""
    names = measured.results.text_figure_names()
    lines = []
    for system, figures in measured.results.text_figures.items():
        cells: list[Cell | str] = []
        for name in names:
            factor, one = TEXT_FIGURES[name][1], figures.get(name)
            ends = (one.score, *one.interval) if one else None
            cells.append(_with_interval((factor * ends[0], factor * ends[1], factor * ends[2])) if ends else "")
        lines.append(_line(system, cells))
    heads = [(title, unit) for title, _, unit in (TEXT_FIGURES[name][0].partition(", ") for name in names)]
    note = (
        "Means over documents. Coverage: words of the summary in pieces that the document has. Density: length of the "
        "piece that a word is in. Redundancy: repeated trigrams. P@k: sentences of the oracle among the best k."
    )
    return {"title": "Beside ROUGE", "heads": heads, "lines": lines, "note": note}


def _novelty(measured: Measured) -> dict[str, Any]:
    """The table about the text of written summaries: length, and words that the document does not have."""
    lines = []
    for system, one in measured.results.novelty.items():
        shares = (one.novel1, one.novel2, one.novel3, one.novel4, one.unsupported_words, one.unsupported_documents)
        cells = [f"{one.words:.1f}", f"{one.sentences:.1f}", *(f"{100 * share:.1f}" for share in shares)]
        lines.append(_line(system, cells))
    heads = [("words", ""), ("sentences", ""), ("novel", "words, %")]
    heads += [("novel", f"{size}-grams, %") for size in (2, 3, 4)]
    heads += [("unsupported", "words, %"), ("summaries with", "such words, %")]
    note = (
        "Means over documents. Novel: the document does not have it. Unsupported: a name, number or rare word that the "
        "document does not have."
    )
    return {"title": "The texts", "heads": heads, "lines": lines, "note": note}


def _with_interval(figure: tuple[float, float, float]) -> Cell:
    mean, low, high = figure
    return f"{mean:.2f}", f"{low:.2f}–{high:.2f}"


def _figure(measured: Measured) -> str:
    return "recall" if measured.results.limited else "F1"


def _by_length(measured: Measured) -> dict[str, Any]:
    """Means over documents of similar length: the first metric as a chart, all metrics as a table."""
    lengths = np.array([sum(len(split_words(text)) for text in row["sentences"]) for row in measured.rows])
    bins = max(1, min(_MOST_BINS, len(lengths) // _LEAST_IN_BIN))
    ends = np.unique(np.quantile(lengths, np.arange(1, bins + 1) / bins, method="inverted_cdf"))
    place = np.searchsorted(ends, lengths)  # (N)
    names, first = _compared(measured), next(iter(measured.metrics))
    means = {
        name: np.stack([measured.of_documents(name)[place == number].mean(axis=0) for number in range(len(ends))])
        for name in names
    }  # (bins, M) each
    chart = bars(
        [f"≤ {end:,}" for end in ends],
        {name: values[:, 0].tolist() for name, values in means.items()},
        "words of the document",
        f"{first} {_figure(measured)}" if measured.rouge else first,
        f"{first} by length of the document",
    )
    lines = []
    for number in range(len(ends)):
        inside = lengths[place == number]
        cells = [" / ".join(f"{value:.1f}" for value in means[name][number]) for name in names]
        lines.append(_line(f"{inside.min():,} to {ends[number]:,}", [f"{len(inside):,}", *cells]))
    heads = [("documents", ""), *((one_line(name), "") for name in names)]
    title = " / ".join(measured.metrics).replace("/ ROUGE-", "/ ")
    return {"chart": svg([chart]), "title": title, "heads": heads, "lines": lines}


def _compared(measured: Measured) -> list[str]:
    """The baselines, and the model or the mean of several."""
    models = [name for name in measured.systems if name in measured.models or name not in measured.choices]
    return [*(name for name in measured.systems if name not in models), *models[-1:]]


def _positions(measured: Measured) -> str | None:
    """The chart of where chosen sentences stand; None if no system chooses any."""
    chosen = {name: places for name, places in measured.choices.items() if name not in measured.probabilities}
    models = list(measured.probabilities)
    if models:  # with several models, the choices of all of them
        name = models[0] if len(models) == 1 else f"all {len(models)} models"
        chosen[name] = list(chain.from_iterable(measured.choices[model] for model in models))
    return svg([positions_chart(chosen)]) if chosen else None


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
    lines = [
        _line(system, [f"{value:.1f}" for value in measured.of_documents(system)[place]]) for system in measured.systems
    ]
    return {
        "id": _cut(row["id"], 80),
        "count": len(sentences),
        "figures": " / ".join(f"{value:.1f}" for value in measured.of_documents(measured.shown)[place]),
        "references": [_reference(row["references"], number) for number in range(len(row["references"]))][
            :_MOST_REFERENCES
        ],
        "html": _html(measured, place, sentences),
        "lines": lines,
    }


def _html(measured: Measured, place: int, sentences: list[str]) -> str:
    """The document as the shown system sees it: with its scores and choices, or beside what it wrote."""
    if measured.shown in measured.written:
        made = measured.written[measured.shown][place]
        summary = [_cut(sentence) for sentence in made.sentences]
        return written_html(summary, made.leans_on, made.unsupported, sentences, style=False, limit=_MOST_SENTENCES)
    probabilities = measured.probabilities.get(measured.shown)
    oracles = measured.choices.get("oracle")
    return document_html(
        sentences,
        probabilities[place] if probabilities is not None else None,
        measured.choices[measured.shown][place],
        oracle=oracles[place] if oracles is not None else (),
        limit=_MOST_SENTENCES,
        style=False,
    )


def _reference(references: Sequence[Sequence[str]], number: int) -> dict[str, Any]:
    reference = references[number]
    return {
        "title": f"Reference {number + 1} of {len(references):,}" if len(references) > 1 else "Reference",
        "sentences": [_cut(sentence) for sentence in reference[:_MOST_OF_REFERENCE]],
        "left_out": max(0, len(reference) - _MOST_OF_REFERENCE),
    }


def _cut(text: str, characters: int = _MOST_CHARACTERS) -> str:
    return text if len(text) <= characters else f"{text[:characters]}…"
