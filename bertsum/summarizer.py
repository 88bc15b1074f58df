"""Raw text to summaries of verbatim sentences.

summarizer = Summarizer.from_pretrained("runs/cnndm/best")
summary = summarizer(text)
for summary in summarizer.stream(texts):
    ...
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar, get_args, overload

import torch

from bertsum.config import Config, Precision, SelectionConfig
from bertsum.data.encoding import DocumentEncoder, Encoding
from bertsum.data.languages import base_language, language_of
from bertsum.data.sentences import split_sentences
from bertsum.errors import BertsumError
from bertsum.evaluation.evaluate import marked
from bertsum.evaluation.predictions import select
from bertsum.models.bertsum import BertSum
from bertsum.models.saved import BUNDLED_FOLDER
from bertsum.parallel import chunks
from bertsum.shading import document_html, show_document
from bertsum.text import text_size

if TYPE_CHECKING:
    from typing_extensions import Unpack

_JOINED_WITHOUT_SPACE = {"zh", "ja"}  # Thai writes none between words, but between sentences
_LIMITS = ("sentences", "ratio", "max_words", "threshold")
BUFFER = 256  # documents: with many of like length a batch holds little padding
_BUFFER_BYTES = 1 << 20  # or fewer large ones: a minute or two of work, which is what an interruption costs
_CUTS_NAMED = 10  # in warnings, which Python remembers one by one
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Summary:
    """A summary and where it comes from.

    Attributes:
        text: The chosen sentences as one text.
        sentences: The chosen sentences, verbatim, in document order unless asked otherwise.
        indices: Their places among the document's sentences.
        scores: The probability of each chosen sentence.
        document: All sentences of the document.
        document_scores: The probability of each of them; None for those that were not read.
    """

    text: str
    sentences: list[str]
    indices: list[int]
    scores: list[float]
    document: list[str]
    document_scores: list[float | None]

    def marked(self) -> str:
        """The whole document, a sentence a line, with the chosen ones marked."""
        return marked(self.document, self.indices)

    def show(self) -> None:
        """Shows the whole document, shaded by score, the chosen sentences marked: in a notebook, or printed."""
        show_document(self.document, self.document_scores, self.indices)

    def _repr_html_(self) -> str:
        return document_html(self.document, self.document_scores, self.indices)


class Options(TypedDict, total=False):
    """How a summary is made; :meth:`Summarizer.__call__` describes each."""

    sentences: int | None
    ratio: float | None
    max_words: int | None
    threshold: float | None
    trigram_blocking: bool | None
    order: Literal["document", "score"] | None
    language: str | None
    long_documents: Literal["window", "truncate"]
    max_tokens_per_batch: int


@dataclass(frozen=True)
class _Settled:
    """A call's options with the model's own in place of those that were not given."""

    selection: SelectionConfig
    language: str
    encoder: DocumentEncoder
    max_tokens_per_batch: int


@dataclass(frozen=True)
class _Read:
    """A document, split and encoded."""

    sentences: list[str]
    encoding: Encoding


class Summarizer:
    """Summarises texts with a trained model.

    Attributes:
        model: The model.
        precision: Arithmetic of its forward pass; auto is bf16 where the device has instructions for it.
    """

    def __init__(self, model: BertSum, precision: Precision = "auto") -> None:
        if precision not in get_args(Precision):
            raise BertsumError(f"precision: got '{precision}', expected {', '.join(get_args(Precision))}")
        self.model = model.eval()
        self.precision = precision
        self._encoders: dict[str, DocumentEncoder] = {}

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path | None = None,
        *,
        device: str | None = None,
        precision: Precision = "auto",
        **hub: Any,
    ) -> Summarizer:
        """Loads a model.

        Args:
            path: A checkpoint folder or a hub id; by default the English model that comes with the package, which needs
                its encoder from the extra ``offline``, or from the hub.
            device: Such as cpu or cuda; by default a GPU where there is one.
            precision: Arithmetic of the forward pass: auto, fp32, bf16 or fp16. auto is bf16 where the device has
                instructions for it, else fp32; in bf16 one summary of a hundred differs.
            hub: ``revision``, ``cache_dir``, ``token``, ``local_files_only``.
        """
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        model = BertSum.from_pretrained(path or BUNDLED_FOLDER, device=device, only_score=True, **hub)
        return cls(model, precision)

    @overload
    def __call__(  # type: ignore[overload-overlap]  # a string is a sequence of strings, too
        self, documents: str, **options: Unpack[Options]
    ) -> Summary: ...

    @overload
    def __call__(self, documents: Sequence[str | Sequence[str]], **options: Unpack[Options]) -> list[Summary]: ...

    def __call__(
        self, documents: str | Sequence[str | Sequence[str]], **options: Unpack[Options]
    ) -> Summary | list[Summary]:
        """Summarises one document or many.

        Args:
            documents: A string is one document. A list is many, each a string or a list of its sentences.
            options: ``sentences``: At most this many sentences.
                ``ratio``: At most this share of the document's sentences.
                ``max_words``: At most this many words.
                ``threshold``: Only sentences of at least this probability. Any of these four replaces the model's own
                limit.
                ``trigram_blocking``: Whether to skip a sentence that shares a trigram with a chosen one; by default as
                trained.
                ``order``: Order of the sentences, document or score; by default as trained.
                ``language``: ISO 639-1 code, for splitting; auto is each document's own. By default the language that
                the model was trained on, which may be auto.
                ``long_documents``: A document longer than the encoder's input is read in windows (``window``), all of
                it, as it is by default, or its beginning alone (``truncate``, the paper).
                ``max_tokens_per_batch``: Budget of a batch (4096).

        Returns:
            A summary for a string; for a list, a list of summaries in the same order.

        Raises:
            BertsumError: if a document is empty or not text, or an option is out of its range.
        """
        one = isinstance(documents, str)
        if not one and not isinstance(documents, Sequence):
            raise BertsumError(f"documents: got {type(documents).__name__}, expected text or a list of documents")
        settled = self._settle(options)
        read = list(_or_raise(self._read(document, settled) for document in ([documents] if one else documents)))
        self._warn_of_cuts(read, settled.encoder, 0, 0)
        summaries = list(_or_raise(self._answers(read, settled)))
        return summaries[0] if one else summaries

    @overload
    def stream(
        self,
        documents: Iterable[str | Sequence[str] | BertsumError],
        *,
        buffer: int = ...,
        start: int = ...,
        errors: Literal["raise"] = ...,
        **options: Unpack[Options],
    ) -> Iterator[Summary]: ...

    @overload
    def stream(
        self,
        documents: Iterable[str | Sequence[str] | BertsumError],
        *,
        buffer: int = ...,
        start: int = ...,
        errors: Literal["return"],
        **options: Unpack[Options],
    ) -> Iterator[Summary | BertsumError]: ...

    def stream(
        self,
        documents: Iterable[str | Sequence[str] | BertsumError],
        *,
        buffer: int = BUFFER,
        start: int = 0,
        errors: Literal["raise", "return"] = "raise",
        **options: Unpack[Options],
    ) -> Iterator[Summary | BertsumError]:
        """Summarises any number of documents in bounded memory, in their order.

        Args:
            documents: Each a string or a list of its sentences; or a :class:`BertsumError` in place of a document that
                could not be read, which is then its answer. Read as summaries are asked for, a buffer at a time.
            buffer: At most this many documents are read before the summary of the first is given; they are scored
                together, batched by length. Long ones (a million characters together) fill it earlier.
            start: Number of the first document, in messages.
            errors: What to do about a document that cannot be summarised: ``raise`` its error in its turn, or
                ``return`` it in place of its summary and go on; its message then does not say which document it was.
            options: As of a call.

        Yields:
            A summary for each document, the same as of a call with it alone.

        Raises:
            BertsumError: if an option is out of its range.
        """
        if isinstance(documents, str) or not isinstance(documents, Iterable):
            raise BertsumError(
                f"documents: got {type(documents).__name__}, expected a list, a generator or the like of documents"
            )
        if not isinstance(buffer, int) or buffer < 1:
            raise BertsumError(f"buffer: got {buffer!r}, expected a whole number of documents, 1 or more")
        if errors not in ("raise", "return"):
            raise BertsumError(f"errors: got '{errors}', expected raise or return")
        return self._stream(chunks(documents, buffer, text_size, _BUFFER_BYTES), start, errors, self._settle(options))

    def _stream(
        self, parts: Iterable[list[Any]], first: int, errors: str, settled: _Settled
    ) -> Iterator[Summary | BertsumError]:
        cuts = 0
        for part in parts:
            read = [self._read(document, settled) for document in part]
            cuts = self._warn_of_cuts(read, settled.encoder, first, cuts)
            answers = self._answers(read, settled)
            yield from answers if errors == "return" else _or_raise(answers, first)
            first += len(part)

    def _settle(self, options: Options) -> _Settled:
        unknown = options.keys() - Options.__annotations__
        if unknown:
            known = ", ".join(Options.__annotations__)
            raise TypeError(f"unknown option '{min(unknown)}', expected {known}")
        language = options.get("language") or self.model.config.language
        limits = {name: options.get(name) for name in _LIMITS}
        selection = self._selection(limits, options.get("trigram_blocking"), options.get("order"), language)
        encoder = self._encoder(options.get("long_documents", "window"))
        budget = options.get("max_tokens_per_batch", 4096)
        if not isinstance(budget, int) or budget < 1:
            raise BertsumError(f"max_tokens_per_batch: got {budget!r}, expected a whole number of tokens, 1 or more")
        return _Settled(selection, language, encoder, budget)

    def _encoder(self, long_documents: Any) -> DocumentEncoder:
        """The model's reading of documents, with another way of long ones."""
        if long_documents not in ("window", "truncate"):
            raise BertsumError(f"long_documents: got {long_documents!r}, expected window or truncate")
        if long_documents not in self._encoders:
            config = replace(self.model.config.encoding, long_documents=long_documents)
            self._encoders[long_documents] = DocumentEncoder(self.model.tokenizer, config)
        return self._encoders[long_documents]

    def _read(self, document: Any, settled: _Settled) -> _Read | BertsumError:
        """Splits and encodes a document, or tells why it cannot be summarised."""
        try:
            sentences = self._sentences(document, settled.language)
        except BertsumError as error:
            return error
        encoding = settled.encoder.encode(sentences)
        if not encoding.sentence_indices:
            return BertsumError("has no token that the model knows")
        return _Read(sentences, encoding)

    def _warn_of_cuts(
        self, read: Sequence[_Read | BertsumError], encoder: DocumentEncoder, first: int, before: int
    ) -> int:
        """Warns of documents that are not read whole; returns how many there have been."""
        for number, item in enumerate(read, first):
            if isinstance(item, BertsumError) or not item.encoding.cut:
                continue
            before += 1
            if before > _CUTS_NAMED:
                continue
            unread, seen = encoder.unread_share(item.sentences, item.encoding), len(item.encoding.sentence_indices)
            last = "; further ones are not named" if before == _CUTS_NAMED else ""
            limits = encoder.config
            reads = (
                f"{limits.max_sentence_words} words of a sentence, or {limits.max_length - 2} tokens of it"
                if limits.long_documents == "window"
                else f"{limits.max_length} tokens, {seen} of its {len(item.sentences)} sentences"
            )
            warnings.warn(
                f"document {number}: {unread:.1%} of its words were not read: the model reads {reads}{last}",
                stacklevel=3,
            )
        return before

    def _answers(self, read: Sequence[_Read | BertsumError], settled: _Settled) -> Iterator[Summary | BertsumError]:
        """Scores documents together, batched by length, and selects from each; errors stay in their places."""
        good = [item for item in read if isinstance(item, _Read)]
        rows = [{"input_ids": item.encoding.input_ids, "cls_positions": item.encoding.cls_positions} for item in good]
        scored = iter(self._score(rows, settled.max_tokens_per_batch))
        for item in read:
            yield self._summary(item, next(scored), settled) if isinstance(item, _Read) else item

    def _score(self, rows: Sequence[dict[str, Any]], max_tokens_per_batch: int) -> list[list[float] | BertsumError]:
        """Probabilities of each document's sentences; one that memory does not suffice for costs no other its own."""
        probabilities: list[list[float] | BertsumError] = [[]] * len(rows)
        try:
            for place, logits in self.model.score(rows, max_tokens_per_batch, self.precision):
                probabilities[place] = logits.sigmoid().tolist()
        except BertsumError as error:
            if len(rows) == 1:
                return [error]
            return [answer for row in rows for answer in self._score([row], max_tokens_per_batch)]
        return probabilities

    def _summary(
        self, read: _Read, probabilities: list[float] | BertsumError, settled: _Settled
    ) -> Summary | BertsumError:
        if isinstance(probabilities, BertsumError):
            return probabilities
        document = read.sentences
        try:
            prediction = select(probabilities, read.encoding.sentence_indices, document, settled.selection)
        except BertsumError as error:  # half precision may overflow in one document
            return error
        chosen = [document[index] for index in prediction.indices]
        language = base_language(language_of(document, settled.language))
        separator = "" if language in _JOINED_WITHOUT_SPACE else " "
        return Summary(
            text=separator.join(chosen),
            sentences=chosen,
            indices=prediction.indices,
            scores=[prediction.scores[index] or 0.0 for index in prediction.indices],
            document=document,
            document_scores=prediction.scores,
        )

    def _selection(
        self, limits: dict[str, Any], trigram_blocking: bool | None, order: str | None, language: str
    ) -> SelectionConfig:
        """The model's selection with a call's options, checked like any config."""
        own = self.model.config.selection
        values = asdict(own)
        if any(limit is not None for limit in limits.values()):
            values |= limits
        if trigram_blocking is not None:
            values["trigram_blocking"] = trigram_blocking
        if order is not None:
            values["order"] = order
        if values == asdict(own) and language == self.model.config.language:
            return own
        return Config.from_dict({"selection": values, "language": language}).selection

    def _sentences(self, document: Any, language: str) -> list[str]:
        if isinstance(document, BertsumError):
            raise document
        if isinstance(document, str):
            sentences = [piece.strip() for piece in split_sentences(document, language)]
        elif isinstance(document, Sequence) and all(isinstance(item, str) for item in document):
            sentences = [item.strip() for item in document]
        else:
            raise BertsumError(f"got {type(document).__name__}, expected text or a list of sentences")
        if not any(sentences):
            raise BertsumError("is empty")
        return sentences


def _or_raise(answers: Iterable[Answer | BertsumError], first: int = 0) -> Iterator[Answer]:
    """Raises the first error, named by the number of its document."""
    for number, answer in enumerate(answers, first):
        if isinstance(answer, BertsumError):
            raise BertsumError(f"document {number}: {answer}") from answer
        yield answer
