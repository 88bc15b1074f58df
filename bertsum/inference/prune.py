"""Prunes retrieved texts: keeps only the sentences that answer a query, so that a language model reads less."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bertsum.errors import BertsumError, EmptyDocumentError
from bertsum.inference.summary import Summary
from bertsum.models.selection import select_sentences
from bertsum.text import split_words

if TYPE_CHECKING:
    from bertsum.inference.summarizer import Summarizer

_END = re.compile(r"[.!?…。！？؟।][\"'”’»」)\]]*\s*$")
_TITLE_WORDS = 20


@dataclass(frozen=True)
class Pruned:
    """A pruned document: the sentences that answer the query.

    Attributes:
        text: The sentences that are kept as one text; empty if none answers.
        sentences: These sentences, verbatim, in the document's order.
        indices: Their places in the document.
        spans: Where they stand in the text; empty for a document that was given as sentences.
        share: Share of the document's words that is kept, from 0 to 1.
        score: The best score of any sentence, to rank documents by: the probability that it answers.
    """

    text: str
    sentences: list[str]
    indices: list[int]
    spans: list[tuple[int, int]]
    share: float
    score: float


def prune(
    summarizer: Summarizer,
    query: str,
    documents: Sequence[Any],
    threshold: float | None,
    recall: float | None,
    keep_title: bool,
    max_words: int | None,
    allow_empty: bool,
    **options: Any,
) -> list[Pruned]:
    """Prunes documents to the sentences that answer a query; :meth:`Summarizer.prune` describes the arguments.

    Raises:
        BertsumError: if the query is empty, an order is asked for, or the model was not calibrated for that recall.
    """
    if not isinstance(query, str) or not query.strip():
        raise BertsumError(f"query: got {query!r:.80}, expected a text that sentences may answer")
    if "order" in options:
        raise BertsumError("order: got one, but what is left of a pruned document always keeps the document's order")
    for name, value in (("keep_title", keep_title), ("allow_empty", allow_empty)):
        if not isinstance(value, bool):
            raise BertsumError(f"{name}: got {value!r:.80}, expected True or False")
    threshold = settled_threshold(summarizer, threshold, recall)
    if max_words is not None:
        options["max_words"] = max_words
    answers = summarizer.stream(documents, query=query, threshold=threshold, errors="return", **options)
    return kept(answers, keep_title, allow_empty)


def kept(answers: Iterable[Summary | BertsumError], keep_title: bool, allow_empty: bool) -> list[Pruned]:
    """What documents keep of their answers.

    Args:
        answers: The sentences that answer, or why there are none.
        keep_title: Whether a title stays where any sentence does.
        allow_empty: Whether a document may have no word that the model knows.

    Raises:
        BertsumError: if there is no answer of a document.
    """
    left = []
    for number, one in enumerate(answers):
        if isinstance(one, Summary):
            left.append(pruned(one, keep_title))
        elif allow_empty and isinstance(one, EmptyDocumentError):
            left.append(Pruned("", [], [], [], 0.0, 0.0))
        else:
            raise BertsumError(f"document {number}: {one}") from one
    return left


def settled_threshold(summarizer: Summarizer, threshold: float | None, recall: float | None) -> float | None:
    """The threshold of a call, given as such or by a recall; None if the model's own threshold holds.

    Args:
        summarizer: The summarizer with the model.
        threshold: The threshold, if the call gives one.
        recall: Otherwise the share of documents that keep an answer, one that the model is calibrated for.

    Raises:
        BertsumError: if both are given, or the model is not calibrated for that share.
    """
    if recall is None:
        return threshold
    if threshold is not None:
        raise BertsumError("prune: got threshold and recall, expected one of them")
    calibration = summarizer.model.config.calibration
    for one in calibration:
        if one.recall == recall:
            return one.threshold
    known = ", ".join(str(one.recall) for one in calibration) or "nothing: bertsum calibrate was not run on it"
    raise BertsumError(f"recall: got {recall!r:.80}, but the model is calibrated for {known}")


def has_title(document: Sequence[str]) -> bool:
    """Whether a document's first sentence is a title: short, without a full stop, and followed by others.

    Args:
        document: Its sentences.
    """
    first = document[0].strip() if len(document) > 1 else ""
    return bool(first) and len(split_words(first)) <= _TITLE_WORDS and not _END.search(first)


def _answers_below(summary: Summary) -> list[int]:
    """The sentences that answer, chosen anew among those below the title."""
    selection, document = summary._model_source().selection, summary.document
    scored = [(place, score) for place, score in enumerate(summary.document_scores) if place > 0 and score is not None]
    chosen = select_sentences(
        [score for _, score in scored],
        [document[place] for place, _ in scored],
        sentences=selection.sentences,
        ratio=selection.ratio,
        max_words=selection.max_words,
        threshold=selection.threshold,
        document_sentences=len(document),
        may_be_empty=True,
    )
    return [scored[number][0] for number in chosen]


def pruned(summary: Summary, keep_title: bool) -> Pruned:
    """The pruned document.

    Args:
        summary: The sentences that answer, as a summarizer of this process made it.
        keep_title: Whether its title is kept if any sentence is.
    """
    source, document = summary._model_source(), summary.document
    indices = sorted(summary.indices)
    title = bool(indices) and has_title(document)
    if title:  # it is kept or dropped whatever its score is, and takes no room from the sentences that answer
        indices = [*([0] if keep_title else []), *_answers_below(summary)]
        title = keep_title
    words = [len(split_words(sentence)) for sentence in document]
    sentences = [document[index] for index in indices]
    parts = [sentences[:1], sentences[1:]] if title else [sentences]
    return Pruned(
        text="\n".join(source.joined(part, document) for part in parts).strip(),
        sentences=sentences,
        indices=indices,
        spans=source.spans(indices, document),
        share=sum(words[index] for index in indices) / max(1, sum(words)),
        score=max((score for score in summary.document_scores if score is not None), default=0.0),
    )
