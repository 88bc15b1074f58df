"""Turns given documents into sentences and encoder input, and warns about parts that are not read."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from bertsum.data.encoding import DocumentEncoder, Encoding
from bertsum.data.languages import AUTO, language_of, plainly_other
from bertsum.data.sentences import document_sentences
from bertsum.errors import BertsumError, EmptyDocumentError
from bertsum.inference.options import LongDocuments, Settled
from bertsum.inference.summary import without_sentences
from bertsum.models.selection import is_enough
from bertsum.models.storage import SavedConfig
from bertsum.reading.documents import FileText, read_document
from bertsum.structure.markdown import is_markdown
from bertsum.structure.pieces import Piece, pieces_of
from bertsum.text import kind_of, listed, plain

_NONE: Any = object()
_FILE_NAME = re.compile(r"[^\s\0]{1,200}\.\w{1,6}")  # what may be a file's name, of what people give as texts
_CUTS_NAMED = 10  # at most so many documents get a warning, because Python stores each warning
_told: ContextVar[Callable[[str], object] | None] = ContextVar("told", default=None)


@contextmanager
def warnings_told(told: Callable[[str], object]) -> Iterator[None]:
    """Tells what would be warned of in this thread to a function; to catch warnings would affect other threads."""
    before = _told.set(told)
    try:
        yield
    finally:
        _told.reset(before)


def _warn(message: str) -> None:
    if (told := _told.get()) is None:
        warnings.warn(message, stacklevel=4)
    else:
        told(message)


@dataclass(frozen=True)
class Asked:
    """A given document, and what its sentences are to answer."""

    document: Any
    query: str


@dataclass(frozen=True)
class Read:
    """A document, split and encoded.

    Attributes:
        text: The document as text, or as a list of sentences.
        query: What the sentences are to answer.
        sentences: Its sentences.
        encoding: What the model reads of them.
        language: Its language.
        unscored: Why the model does not read a sentence, by its place.
        encoder: The encoder of documents that has encoded it.
        structure: Places of the sentences that are structure, such as headings: the model does not read them.
        skipped: What was left out, each with the reason.
        markdown: Whether the document is Markdown.
    """

    text: str | list[str]
    query: str
    sentences: list[str]
    encoding: Encoding
    language: str
    unscored: dict[int, str]
    encoder: DocumentEncoder
    structure: frozenset[int] = frozenset()
    skipped: tuple[dict[str, str], ...] = ()
    markdown: bool = False

    def row(self) -> dict[str, Any]:
        """The row for the model."""
        return {
            "query": self.query,
            "sentences": self.sentences,
            "input_ids": self.encoding.input_ids,
            "cls_positions": self.encoding.cls_positions,
            "sentence_indices": self.encoding.sentence_indices,
        }


class Reader:
    """Splits and encodes documents for one model.

    Args:
        tokenizer: The model's tokenizer.
        config: The model's config.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, config: SavedConfig) -> None:
        self._tokenizer = tokenizer
        self._config = config
        self._encoders: dict[tuple[str, int], DocumentEncoder] = {}

    def encoder(self, long_documents: LongDocuments, min_sentence_words: int | None = None) -> DocumentEncoder:
        """The model's document encoder, changed for long documents or short sentences."""
        encoding = self._config.encoding
        least = encoding.min_sentence_words if min_sentence_words is None else min_sentence_words
        if (long_documents, least) not in self._encoders:
            config = replace(encoding, long_documents=long_documents, min_sentence_words=least)
            self._encoders[long_documents, least] = DocumentEncoder(self._tokenizer, config)
        return self._encoders[long_documents, least]

    def read(self, document: Any, settled: Settled) -> Read | BertsumError:
        """Splits and encodes a document, or returns why it cannot be summarised."""
        query = ""
        if isinstance(document, Asked):
            document, query = document.document, document.query.strip()
        try:
            given = _given(document)
            text = given.text if isinstance(given, FileText) else given
            language = self._language(text, settled)
            pieces = self._pieces(given, language, settled)
            sentences = [piece.text.strip() for piece in pieces]
            if not any(sentences):
                raise EmptyDocumentError("is empty")
        except BertsumError as error:
            return error
        structure = {place: piece.why for place, piece in enumerate(pieces) if piece.why}
        kept = without_sentences(sentences, structure)
        encoder = self.encoder(settled.long_documents)
        candidates = [kept[index] for index in encoder.candidates(kept, query)]
        if not settled.writes and not query and not is_enough(candidates, kept, settled.selection):
            encoder = self.encoder(settled.long_documents, 1)  # short sentences, too
        encoding = encoder.encode(kept, query)
        if not encoding.sentence_indices and structure:  # what is left has no token that the model knows
            structure, kept = {}, sentences
            encoding = encoder.encode(kept, query)
        if not encoding.sentence_indices:
            return EmptyDocumentError("has no token that the model knows")
        unscored = encoder.unread_reasons(kept, encoding, query) | {
            place: f"is left out ({why})" for place, why in structure.items()
        }
        skipped = [{"text": sentences[place], "why": why} for place, why in structure.items()]
        return Read(
            text,
            query,
            sentences,
            encoding,
            language,
            dict(sorted(unscored.items())),
            encoder,
            frozenset(structure),
            (*(given.skipped if isinstance(given, FileText) else ()), *skipped),
            isinstance(text, str) and (is_markdown(text) or (isinstance(given, FileText) and given.markdown)),
        )

    def _pieces(self, given: str | list[str] | FileText, language: str, settled: Settled) -> list[Piece]:
        """A document's sentences, each with the reason if it is structure and is left out.

        Structure is left out only if sentences are chosen from a text. A list of sentences is taken as it is, and a
        model that writes reads everything.
        """
        text = given.text if isinstance(given, FileText) else given
        split = self._config.encoding.split_sentences
        if isinstance(text, str) and split and not settled.writes:
            marks, markdown = (given.marks, given.markdown) if isinstance(given, FileText) else ((), False)
            return pieces_of(text, language, marks, markdown)
        return [Piece(sentence) for sentence in document_sentences(text, language, split)]

    def _language(self, document: str | list[str], settled: Settled) -> str:
        """The language of a document, to split it and to join its summary; of a translator, the one that it writes."""
        if not self._config.encoding.split_sentences:
            return self._config.language
        if settled.language_given or settled.language == AUTO:
            return language_of(document, settled.language)
        return plainly_other(document, settled.language) or settled.language

    def warn_of_languages(self, read: Sequence[Read | BertsumError], settled: Settled, first: int) -> bool:
        """Warns of the first document in another language than the model's; returns whether it found any."""
        if settled.language_given or settled.language == AUTO:
            return False
        for number, item in enumerate(read, first):
            if isinstance(item, Read) and item.language != settled.language:
                _warn(
                    f"document {number} is in another language ({item.language}) and is split by its rules; the model "
                    f"was trained on '{settled.language}', and may choose badly. If this guess is wrong, name the "
                    "language (language=)"
                )
                return True
        return False

    def warn_of_cuts(self, read: Sequence[Read | BertsumError], settled: Settled, first: int, before: int) -> int:
        """Warns of documents that are not read whole; returns their number so far."""
        encoder = self.encoder(settled.long_documents)
        for number, item in enumerate(read, first):
            if isinstance(item, BertsumError) or not item.encoding.cut:
                continue
            before += 1
            if before > _CUTS_NAMED:
                continue
            unread = encoder.unread_share(item.sentences, item.encoding, item.query)
            seen = len(item.encoding.sentence_indices)
            last = "; further ones are not named" if before == _CUTS_NAMED else ""
            limits = encoder.config
            reads = (
                f"{limits.max_sentence_words} words of a sentence, or {limits.max_length - 2} tokens of it"
                if limits.long_documents == "window"
                else f"{limits.max_length} tokens, {seen} of its {len(item.sentences)} sentences"
            )
            _warn(f"document {number}: {unread:.1%} of its words were not read: the model reads {reads}{last}")
        return before


def with_queries(documents: Iterable[Any], query: Any) -> Iterable[Any]:
    """Documents with what their sentences are to answer.

    Args:
        documents: Given documents.
        query: One query for all, or an iterable with one for each; None or empty: a summary.

    Raises:
        BertsumError: if a query is not text, or there are more or fewer than documents.
    """
    if query is None:
        return documents
    if isinstance(query, str):
        return (Asked(document, query) for document in documents)
    queries = query if isinstance(query, Iterator) else listed(query)
    if queries is None:
        raise BertsumError(f"query: got {kind_of(query)}, expected text, or one for each document")
    return _paired(documents, queries)


def _paired(documents: Iterable[Any], queries: Iterable[Any]) -> Iterator[Asked]:
    for number, (document, query) in enumerate(zip_longest(documents, queries, fillvalue=_NONE)):
        if document is _NONE or query is _NONE:
            less, more = ("documents", "queries") if document is _NONE else ("queries", "documents")
            raise BertsumError(f"query: {number} {less}, but more {more}; expected one query for each document, or one")
        if query is not None and not isinstance(query, str):
            raise BertsumError(f"query {number}: got {kind_of(query)}, expected text")
        yield Asked(document, query or "")


def _given(document: Any) -> str | list[str] | FileText:
    """A given document as text, a list of sentences, or the text of a file.

    Raises:
        BertsumError: if it is something else, or an error in place of a document, or a file that cannot be read.
    """
    if isinstance(document, BertsumError):
        raise document
    document = plain(document)
    if isinstance(document, Path):
        return read_document(document)
    if isinstance(document, str):
        if _FILE_NAME.fullmatch(document) and Path(document).is_file():
            _warn(f"'{document}' is taken for a text, but is the name of a file, too; a pathlib.Path is read as a file")
        return document
    if isinstance(document, FileText):
        return document
    sentences = listed(document)
    if sentences is None:
        raise BertsumError(f"got {kind_of(document)}, expected text or a list of sentences")
    for number, sentence in enumerate(sentences):
        if not isinstance(sentence, str):
            raise BertsumError(f"sentence {number}: got {kind_of(sentence)}, expected text")
    return sentences
