"""Writes explanations.html: which words and sentences led to the summaries of some documents of an evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from bertsum.config import Config
from bertsum.data.encoding import DocumentEncoder
from bertsum.files import write_whole
from bertsum.inference.summary import Source, Summary
from bertsum.models.base import Model
from bertsum.models.contract import Prediction
from bertsum.models.selection import answering
from bertsum.pages.explained import Shown, explanations_page
from bertsum.progress import Progress

FILE = "explanations.html"


def explain_documents(
    model: Model,
    rows: Iterable[Mapping[str, Any]],
    predictions: Iterable[Prediction],
    config: Config,
    folder: Path,
    title: str,
) -> None:
    """Explains each sentence of the summaries of the first documents, and writes the page.

    Args:
        model: The model.
        rows: The documents, with ``id``, ``sentences`` and, if they have one, a ``query``.
        predictions: What the model made of each.
        config: Its ``evaluation.explained`` is the number of documents.
        folder: Folder of the results.
        title: Title of the page.

    Raises:
        BertsumError: if the page cannot be written.
    """
    of_summaries = Source(
        model, DocumentEncoder(model.tokenizer, config.encoding), config.evaluation.precision, config.selection
    )
    of_answers = replace(of_summaries, selection=answering(config.selection))
    documents: list[tuple[str, list[Shown]]] = []
    count = config.evaluation.explained
    with Progress("explain", count) as progress:
        for row, prediction in islice(zip(rows, predictions, strict=True), count):
            query = row.get("query") or ""
            source = replace(of_answers, query=query) if query else of_summaries
            summary = Summary(
                text="",
                sentences=prediction.sentences,
                indices=prediction.indices,
                scores=[prediction.scores[index] or 0.0 for index in prediction.indices],
                document=row["sentences"],
                document_scores=prediction.scores or [None] * len(row["sentences"]),
            ).made_with(source)
            places = range(len(summary.sentences)) if summary.is_written else summary.indices
            documents.append((row["id"], [summary.explain(place).shown() for place in places]))
            progress.update()
    write_whole(folder / FILE, explanations_page(documents, title))
