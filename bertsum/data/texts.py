"""Makes texts of documents: turns them back into prose if asked, splits them, and drops those that are too short."""

from __future__ import annotations

from dataclasses import replace
from typing import TypedDict

from bertsum.config import Config, DataConfig
from bertsum.data.augmentation import detokenize, random_of_id
from bertsum.data.documents import Document, EncodedDocument, Rejected
from bertsum.data.encoding import long_enough
from bertsum.data.labels import oracle_scheme
from bertsum.data.languages import language_of
from bertsum.data.sentences import document_sentences, summary_sentences
from bertsum.text import split_words

# Documents dropped for these reasons are dropped by choice of the config; any other reason is an error in the document.
FILTERED = ("fewer sentences than data.min_sentences", "summary shorter than data.min_summary_words")


class Texts(TypedDict):
    """A document as text, enough if no model reads it."""

    id: str
    query: str
    sentences: list[str]
    references: list[list[str]]


def as_it_comes(data: DataConfig) -> DataConfig:
    """The settings for documents that no model is trained on: no augmentation, and the oracle's labels.

    They hold for validation and test documents, and for training documents in an evaluation.
    """
    return replace(data, detokenized=0.0, joined=0.0, labels=oracle_scheme(data), teacher=None, teacher_weight=1.0)


def as_prose(document: Document, share: float) -> Document:
    """A document, turned back into ordinary prose if its id falls into the share."""
    if isinstance(document, EncodedDocument) or document.evidence is not None or random_of_id(document.id) >= share:
        return document
    references = [detokenize(reference) for reference in document.references]
    return replace(document, text=detokenize(document.text), references=references)


def texts_of(document: Document, config: Config, split: str) -> Texts | Rejected:
    """A document split into sentences, or why it is too short."""
    language, split_texts = language_of(document.text, config.language), config.encoding.split_sentences
    texts = Texts(
        id=document.id,
        query=document.query,
        sentences=document_sentences(document.text, language, split_texts),
        references=[summary_sentences(reference, language, split_texts) for reference in document.references],
    )
    if document.evidence is not None or (split != "train" and config.data.filtered_splits != "all"):
        return texts
    return _too_short(texts, config, document.place) or texts


def _too_short(texts: Texts, config: Config, place: str) -> Rejected | None:
    """Why a document or its summary is too short, if it is."""
    data = config.data
    usable = len(long_enough(texts["sentences"], config.encoding.min_sentence_words))
    if usable < data.min_sentences:
        return Rejected(place, FILTERED[0], f"{usable} sentences, expected {data.min_sentences} or more")
    words = max(sum(len(split_words(sentence)) for sentence in reference) for reference in texts["references"])
    if words < data.min_summary_words:
        problem = f"a summary of {words} words, expected {data.min_summary_words} or more"
        return Rejected(place, FILTERED[1], problem)
    return None
