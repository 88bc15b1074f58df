"""Prunes retrieved texts: keeps only the sentences that answer a query, so that a language model reads less."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bertsum.data.queries import sentence_spans
from bertsum.errors import BertsumError
from bertsum.inference.summary import Summary, running_text
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
    documents: Sequence[str | Sequence[str]],
    threshold: float | None,
    recall: float | None,
    keep_title: bool,
    max_words: int | None,
    **options: Any,
) -> list[Pruned]:
    """Prunes documents to the sentences that answer a query; :meth:`Summarizer.prune` describes the arguments.

    Raises:
        BertsumError: if the query is empty, or the model was not calibrated for that recall.
    """
    if not isinstance(query, str) or not query.strip():
        raise BertsumError(f"query: got {query!r:.80}, expected a text that sentences may answer")
    threshold = settled_threshold(summarizer, threshold, recall)
    if max_words is not None:
        options["max_words"] = max_words
    answered = summarizer(list(documents), query=query, threshold=threshold, **options)
    language = summarizer.model.config.language
    return [pruned(one, text, keep_title, language) for one, text in zip(answered, documents, strict=True)]


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
    calibrated = {one.recall: one.threshold for one in summarizer.model.config.calibration}
    if recall not in calibrated:
        known = ", ".join(map(str, calibrated)) or "nothing: bertsum calibrate was not run on it"
        raise BertsumError(f"recall: got {recall}, but the model is calibrated for {known}")
    return calibrated[recall]


def has_title(document: Sequence[str]) -> bool:
    """Whether a document's first sentence is a title: short, without a full stop, and followed by others.

    Args:
        document: Its sentences.
    """
    first = document[0].strip() if len(document) > 1 else ""
    return bool(first) and len(split_words(first)) <= _TITLE_WORDS and not _END.search(first)


def pruned(summary: Summary, given: str | Sequence[str], keep_title: bool, language: str) -> Pruned:
    """The pruned document.

    Args:
        summary: The sentences that answer.
        given: The document as it was given.
        keep_title: Whether its title is kept if any sentence is.
        language: ISO 639-1 code, for joining sentences.
    """
    indices, sentences, spans = list(summary.indices), list(summary.sentences), list(summary.spans)
    title = ""
    if keep_title and indices and has_title(summary.document):
        title = running_text(summary.document[:1], language) + "\n"
        if 0 not in indices:
            indices, sentences = [0, *indices], [summary.document[0], *sentences]
            of_title = sentence_spans(given, sentences[:1])[0] if isinstance(given, str) else None
            spans = spans if of_title is None else [of_title, *spans]
    words = [len(split_words(sentence)) for sentence in summary.document]
    rest = [sentence for index, sentence in zip(indices, sentences, strict=True) if not title or index]
    return Pruned(
        text=(title + running_text(rest, language)).strip(),
        sentences=sentences,
        indices=indices,
        spans=spans,
        share=sum(words[index] for index in indices) / max(1, sum(words)),
        score=max((score for score in summary.document_scores if score is not None), default=0.0),
    )
