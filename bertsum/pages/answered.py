"""The page of an evaluation with queries: figures, the effect of thresholds, and some records with their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertsum.pages.charts import lines, svg
from bertsum.pages.report import template
from bertsum.pages.shading import CHOSEN, ORACLE, STYLE, document_html
from bertsum.results import Answers, CorpusScore

_MOST_SENTENCES = 60  # shown of a document
# Names in the chart, where there is little room.
_SHORT = {"answered": "answers", "recall": "sentences", "removed": "removed", "empty": "empty"}


@dataclass(frozen=True)
class Answered:
    """A record and what a model found in it.

    Attributes:
        id: The record's id.
        query: What was asked.
        sentences: The document.
        scores: Score of each sentence; None for one that was not read.
        chosen: Places of the sentences that the model chose.
        relevant: Places of the sentences that answer.
    """

    id: str
    query: str
    sentences: Sequence[str]
    scores: Sequence[float | None]
    chosen: Sequence[int]
    relevant: Sequence[int]

    @property
    def outcome(self) -> str:
        """What the model found in the record, in words."""
        if not self.relevant:
            return "no answer there, left empty" if not self.chosen else f"no answer there, {len(self.chosen)} chosen"
        found = len(set(self.chosen) & set(self.relevant))
        return f"{found} of {len(self.relevant)} answering sentences among {len(self.chosen)} chosen"


def answers_html(
    title: str, facts: Mapping[str, str], figures: Mapping[str, Answers], records: Mapping[str, Sequence[Answered]]
) -> str:
    """A self-contained page; all text is escaped, and nothing is loaded or run.

    Args:
        title: Title of the page.
        facts: What a reader of the figures must know.
        figures: Figures by system; models have a curve, baselines have none.
        records: Some records, by the system whose scores they show.
    """
    css = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    return template("answers.html.jinja").render(
        title=title,
        css=f"{css}\n{STYLE}",
        facts=facts,
        ranks=[(system, [_cell(rank) for rank in one.ranks]) for system, one in figures.items() if one.ranks],
        curves=[_curve(system, one) for system, one in figures.items() if one.curve],
        chosen=CHOSEN,
        relevant=ORACLE,
        systems=[
            (system, [{"one": one, "html": _document(one), "outcome": one.outcome} for one in some])
            for system, some in records.items()
        ],
    )


def _cell(rank: CorpusScore) -> tuple[str, str]:
    return f"{rank.score:.2f}", f"{rank.interval[0]:.2f}-{rank.interval[1]:.2f}"


def _curve(system: str, one: Answers) -> dict[str, Any]:
    """The effect of thresholds, as a table and as a chart."""
    names = {"answered": "answer kept", "recall": "sentences kept", "removed": "words removed", "empty": "left empty"}
    shares = {name: [(point.threshold, getattr(point, field)) for point in one.curve] for field, name in _SHORT.items()}
    drawn = {name: [(at, 100 * share) for at, share in some if share is not None] for name, some in shares.items()}
    known = {name: some for name, some in drawn.items() if some}
    rows = [
        (f"{point.threshold:.3f}", ["-" if (v := getattr(point, f)) is None else f"{100 * v:.1f}%" for f in names])
        for point in one.curve
    ]
    chart = svg([lines(known, "threshold", "percent", f"what thresholds keep, {system}")])
    return {"system": system, "heads": list(names.values()), "rows": rows, "chart": chart}


def _document(one: Answered) -> str:
    return document_html(one.sentences, one.scores, one.chosen, oracle=one.relevant, limit=_MOST_SENTENCES, style=False)
