"""report.html: what an evaluation measured, and documents to look at, on one page that needs nothing else.

# N documents, 3 metrics (ROUGE-1, 2, L), 3 figures (precision, recall, F1)
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from bertsum.by_place import ByPlace
from bertsum.pages.charts import bars, svg
from bertsum.pages.plots import positions_chart
from bertsum.pages.shading import CHOSEN, ORACLE, STYLE, document_html
from bertsum.results import FIGURES, METRICS, Results
from bertsum.text import one_line, split_words

BEST, SAMPLED = 3, 6  # documents shown
# Shown at most: sentences of a document, references of it, sentences of those, characters of a sentence.
_MOST_SENTENCES, _MOST_REFERENCES, _MOST_OF_REFERENCE, _MOST_CHARACTERS = 120, 4, 30, 1000
_MOST_BINS, _LEAST_IN_BIN = 5, 4


@dataclass(frozen=True)
class Measured:
    """What the report is about: systems on the documents of one split.

    Attributes:
        rows: The documents, with ``id``, ``sentences`` and ``references`` (N).
        results: The figures of the table.
        choices: The sentences that each system chose in each document (N); ``oracle`` is one of them.
        scores: ROUGE of each document, by system (N, 3, 3); also of what is only a mean of systems.
        probabilities: Score of each document's sentences (N) by model, the first of which is shown; none for baselines.
    """

    rows: ByPlace[dict[str, Any]]
    results: Results
    choices: Mapping[str, Sequence[Sequence[int]]]
    scores: Mapping[str, np.ndarray]
    probabilities: Mapping[str, ByPlace[Sequence[float | None]]]

    @property
    def shown(self) -> str:
        """The system whose documents are shown: the first model, else the first baseline."""
        return next(iter(self.probabilities or self.choices))

    def of_documents(self, system: str) -> np.ndarray:
        """The figure to report in percent (N, 3)."""
        return 100 * self.scores[system][:, :, FIGURES.index(self.results.figure)]


def report_html(measured: Measured, title: str, facts: Mapping[str, str], seed: int = 0) -> str:
    """The page. All text in it is escaped, and nothing is loaded or run by it.

    Args:
        measured: What to show. Of a long document those sentences are shown that are marked, and the first ones.
        title: Such as the run and the split.
        facts: What else a reader must know to judge the figures, such as how words are counted.
        seed: Of the sample of documents.
    """
    css = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")
    listed = "".join(f"<p><b>{_text(name)}</b> {_text(value)}</p>" for name, value in facts.items())
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{_text(title)}</title>
<style>
{css}
{STYLE}
</style>
</head>
<body>
<h1>{_text(title)}</h1>
{listed}
<h2>ROUGE</h2>
{_table(measured)}
<div class="charts">
<figure><figcaption>By length of the document</figcaption>{_by_length(measured)}</figure>
<figure><figcaption>Where the chosen sentences stand</figcaption>{_positions(measured)}</figure>
</div>
<h2>Documents</h2>
{_documents(measured, seed)}
</body>
</html>
"""


def _table(measured: Measured) -> str:
    """The figures of the printed table, intervals below."""
    lines = []
    for system, scores, *first in measured.results.rows():
        cells = [f"<td>{mean:.2f}<small>{low:.2f}–{high:.2f}</small></td>" for mean, low, high in scores.values()]
        lines.append(_line(system, [*cells, *(f"<td>{value:.2f}</td>" for value in first)]))
    heads = [f"{_named(metric)}<br>{_figure(measured)}" for metric in METRICS]
    return _grid([*heads, "ROUGE-1<br>recall", "ROUGE-1<br>precision"], lines)


def _figure(measured: Measured) -> str:
    return "recall" if measured.results.limited else "F1"


def _by_length(measured: Measured) -> str:
    """Means over documents of about the same length: ROUGE-1 as a chart, all as a table."""
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
        {name: of[:, 0].tolist() for name, of in means.items()},
        "words of the document",
        f"ROUGE-1 {_figure(measured)}",
        "ROUGE-1 by length of the document",
    )
    lines = []
    for number, end in enumerate(ends):
        inside = lengths[place == number]
        cells = [f"<td>{len(inside):,}</td>"]
        cells += [f"<td>{' / '.join(f'{value:.1f}' for value in means[name][number])}</td>" for name in names]
        lines.append(_line(f"{inside.min():,} to {end:,}", cells))
    table = _grid(["documents", *map(_text, names)], lines, "words")
    return f"{svg([chart])}<details><summary>ROUGE-1 / 2 / L as a table</summary>{table}</details>"


def _compared(measured: Measured) -> list[str]:
    """The baselines, and the model or the mean of several."""
    models = [name for name in measured.scores if name in measured.probabilities or name not in measured.choices]
    return [*(name for name in measured.scores if name not in models), *models[-1:]]


def _positions(measured: Measured) -> str:
    chosen = {name: of for name, of in measured.choices.items() if name not in measured.probabilities}
    models = list(measured.probabilities)
    if models:  # of several, what all of them chose
        name = models[0] if len(models) == 1 else f"all {len(models)} models"
        chosen[name] = list(chain.from_iterable(measured.choices[model] for model in models))
    return svg([positions_chart(chosen)])


def _documents(measured: Measured, seed: int) -> str:
    """The best, the worst and some others, the first of each open."""
    ranking = np.argsort(-measured.of_documents(measured.shown).mean(axis=1), kind="stable").tolist()
    count = len(ranking)
    best, worst = ranking[: min(BEST, (count + 1) // 2)], ranking[count - min(BEST, count // 2) :][::-1]
    others = ranking[len(best) : count - len(worst)]
    sample = sorted(random.Random(seed).sample(others, min(SAMPLED, len(others))))
    has_scores = bool(measured.probabilities)
    chosen = f"{CHOSEN} chosen by {_text(measured.shown)}" + ", with its score" * has_scores
    shade = " · shade: score, the strongest is the document's highest; point at a sentence for its own" * has_scores
    parts = [
        f'<p class="soft">{chosen} · {ORACLE} the oracle\'s{shade}. Best and worst by the mean of ROUGE-1, 2 '
        f"and L of {_text(measured.shown)}.</p>"
    ]
    for title, places in (("Best", best), ("Worst", worst), ("A random sample", sample)):
        if places:
            parts.append(f"<h3>{title}</h3>")
            parts += [_document(measured, place, number == 0) for number, place in enumerate(places)]
    return "\n".join(parts)


def _document(measured: Measured, place: int, is_open: bool) -> str:
    row = measured.rows[place]
    sentences = [_cut(sentence) for sentence in row["sentences"]]
    probabilities = measured.probabilities.get(measured.shown)
    text = document_html(
        sentences,
        (probabilities[place] or None) if probabilities is not None else None,  # none of a summary that is written
        measured.choices[measured.shown][place],
        oracle=measured.choices["oracle"][place],
        limit=_MOST_SENTENCES,
        style=False,
    )
    if len(sentences) > _MOST_SENTENCES:
        text += f'<p class="soft">Shown are {_MOST_SENTENCES} of its {len(sentences):,} sentences.</p>'
    figures = " / ".join(f"{value:.1f}" for value in measured.of_documents(measured.shown)[place])
    lines = [
        _line(system, [f"<td>{value:.1f}</td>" for value in measured.of_documents(system)[place]])
        for system in measured.scores
    ]
    references = "".join(
        _reference(row["references"], number) for number in range(min(len(row["references"]), _MOST_REFERENCES))
    )
    return (
        f"<details{' open' * is_open}><summary><b>{_text(_cut(row['id'], 80))}</b> <span>ROUGE {figures}</span> "
        f'<span>{len(sentences):,} sentences</span></summary><div class="document"><div class="side">'
        f"{references}<h3>ROUGE of this document</h3>{_grid(['R-1', 'R-2', 'R-L'], lines)}</div>"
        f'<div class="text">{text}</div></div></details>'
    )


def _reference(references: Sequence[Sequence[str]], number: int) -> str:
    reference, several = references[number], len(references) > 1
    items = "".join(f"<li>{_text(_cut(sentence))}</li>" for sentence in reference[:_MOST_OF_REFERENCE])
    if len(reference) > _MOST_OF_REFERENCE:
        items += f'<li dir="ltr">[… {len(reference) - _MOST_OF_REFERENCE:,} left out …]</li>'
    title = f"Reference {number + 1} of {len(references):,}" if several else "Reference"
    return f'<h3>{title}</h3><ul class="references" dir="auto">{items}</ul>'


def _grid(heads: Iterable[str], lines: Sequence[str], corner: str = "") -> str:
    """A table that scrolls by itself where it is wider than the screen."""
    head = "".join(f'<th scope="col">{name}</th>' for name in [corner, *heads])
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def _line(name: str, cells: Sequence[str]) -> str:
    return f'<tr><th scope="row">{_text(name)}</th>{"".join(cells)}</tr>'


def _named(metric: str) -> str:
    return metric.upper().replace("ROUGE", "ROUGE-")


def _text(text: str) -> str:
    return escape(one_line(text))


def _cut(text: str, characters: int = _MOST_CHARACTERS) -> str:
    return text if len(text) <= characters else f"{text[:characters]}…"
