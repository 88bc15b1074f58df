"""ROUGE for the package evaluate, which this module needs: ``evaluate.load(bertsum.metric.__file__)``.

It has the interface of that package's ``rouge``, and the counts of ROUGE-1.5.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import datasets
import evaluate

from bertsum.errors import BertsumError
from bertsum.evaluation.rouge_scorer import RougeScorer
from bertsum.results import FIGURES

_DESCRIPTION = "ROUGE-1, 2, L and others, equal to ROUGE-1.5.5 document by document. Line ends separate sentences."
_CITATION = """\
@inproceedings{lin-2004-rouge,
    title = "{ROUGE}: A Package for Automatic Evaluation of Summaries",
    author = "Lin, Chin-Yew",
    booktitle = "Text Summarization Branches Out",
    year = "2004",
    url = "https://aclanthology.org/W04-1013",
}
"""
_INPUTS = """
Args:
    predictions: Summaries, one a document.
    references: One reference a document, or a list of several.
    rouge_types: Names of metrics; by default rouge1, rouge2, rougeL and rougeLsum.
    use_aggregator: Give means over documents. If False: a list with a figure for each document.
    use_stemmer: Compare the stems of words, as nearly all papers do.
    tokenizer: A function that splits a text into words; it replaces our tokenizer.
    language: ISO 639-1 code.
    figure: fmeasure, precision or recall.
    average: With several references: A is the Perl script's average, B takes the one with the best recall; by default
        the one with the best F counts.

Returns:
    Figures by the name of the metric, from 0 to 1.
"""
_TYPES = ("rouge1", "rouge2", "rougeL", "rougeLsum")


class _Words:
    """A function as a tokenizer."""

    def __init__(self, tokenize: Any) -> None:
        self.tokenize = tokenize


class Rouge155(evaluate.Metric):
    """ROUGE as a metric of the package evaluate."""

    def _info(self) -> evaluate.MetricInfo:
        text = datasets.Value("string")
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=[
                datasets.Features({"predictions": text, "references": datasets.Sequence(text)}),
                datasets.Features({"predictions": text, "references": text}),
            ],
            reference_urls=["https://aclanthology.org/W04-1013"],
        )

    def _compute(
        self,
        predictions: Sequence[str],
        references: Sequence[str] | Sequence[Sequence[str]],
        rouge_types: Sequence[str] | None = None,
        use_aggregator: bool = True,
        use_stemmer: bool = False,
        tokenizer: Any = None,
        language: str = "en",
        figure: str = "fmeasure",
        average: Any = None,
    ) -> dict[str, Any]:
        if figure not in FIGURES or not predictions:
            got = "no predictions" if figure in FIGURES else f"figure {figure!r}"
            raise BertsumError(f"rouge: got {got}, expected documents, and a figure of {', '.join(FIGURES)}")
        words = _Words(tokenizer) if tokenizer is not None and not hasattr(tokenizer, "tokenize") else tokenizer
        names = list(rouge_types or _TYPES)
        scorer = RougeScorer(names, use_stemmer, tokenizer=words, language=language, average=average)
        scores = [
            scorer.score_multi([reference] if isinstance(reference, str) else reference, prediction)
            for prediction, reference in zip(predictions, references, strict=True)
        ]
        figures = {name: [float(getattr(score[name], figure)) for score in scores] for name in names}
        if not use_aggregator:
            return figures
        return {name: sum(values) / len(values) for name, values in figures.items()}
