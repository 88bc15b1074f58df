"""Summarises raw text: with verbatim sentences of the text, or with written sentences, depending on the model.

summarizer = Summarizer.from_pretrained("runs/cnndm/best")
summary = summarizer(text)
for summary in summarizer.stream(texts):
    ...
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, overload

from bertsum.config import Precision
from bertsum.device import default_device, settle_precision
from bertsum.errors import BertsumError, EmptyDocumentError, check_whole
from bertsum.inference.options import Options, Settled, settle
from bertsum.inference.prune import Pruned, prune
from bertsum.inference.reading import Asked, Read, Reader, with_queries
from bertsum.inference.summary import Source, Summary
from bertsum.models.base import Model
from bertsum.models.contract import Prediction, PredictOptions
from bertsum.models.storage import packaged
from bertsum.parallel import chunks
from bertsum.reading.text import FileText
from bertsum.text import is_listed, kind_of, listed, split_words, text_size

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from bertsum.inference.explanation import Explanation

BUFFER = 256  # documents: with many to choose from, a batch has documents of similar length and little padding
_BUFFER_BYTES = 1 << 20  # or fewer large ones: an interruption costs a minute or two of work
Answer = TypeVar("Answer")
Given = str | Path | FileText | Sequence[str]  # one document


class Summarizer:
    """Summarises texts with a trained model.

    Attributes:
        model: The model.
        precision: Arithmetic of the forward pass; :attr:`arithmetic` tells what auto means.
    """

    def __init__(self, model: Model, precision: Precision = "auto") -> None:
        if precision not in get_args(Precision):
            raise BertsumError(f"precision: got '{precision}', expected {', '.join(get_args(Precision))}")
        if not isinstance(model, Model):
            raise BertsumError(f"model: got {kind_of(model)}, expected one that Summarizer.from_pretrained reads")
        if not model.summarizes:
            raise BertsumError(
                f"model: is of model.kind {model.kind}, which makes no summaries; train a summarizer on this "
                f"encoder: bertsum train --config NAME --model.encoder {model.folder or 'FOLDER'}"
            )
        self.model = model.eval()
        self.precision = precision
        self._reader = Reader(self.model.tokenizer, self.model.config)

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path | None = None,
        *,
        device: str | None = None,
        precision: Precision = "auto",
        **hub: Any,
    ) -> Summarizer:
        """Loads a model of either kind: one that chooses sentences, or one that writes.

        Args:
            path: A checkpoint folder or a hub id, or one of the two English models of the package. ``small`` needs
                nothing else. ``bundled`` needs its encoder, from the extra ``offline`` or from the hub; it is the
                default where that extra is installed, and elsewhere ``small``.
            device: Such as cpu or cuda; by default a GPU if the machine has one.
            precision: Arithmetic of the forward pass: auto, fp32, bf16 or fp16. auto is bf16 if the device has
                instructions for it, else fp32. In bf16 one summary in a hundred differs. A model that writes takes auto
                for fp32 (:attr:`arithmetic`).
            hub: ``revision``, ``cache_dir``, ``token``, ``local_files_only``.
        """
        device = device or str(default_device())
        model = Model.from_pretrained(packaged() if path is None else path, device=device, only_score=True, **hub)
        return cls(model, precision)

    @property
    def answers(self) -> bool:
        """Whether the model was trained with queries."""
        return self.model.config.selection.query_threshold is not None

    @property
    def arithmetic(self) -> str:
        """The arithmetic that ``precision`` stands for on this device: fp32, bf16 or fp16.

        For a model that writes, auto is fp32, so that a document has the same summary alone and among others. In bf16
        rounding can depend on the other documents of a batch. If two words are about equally probable, rounding then
        decides which one is written, and with it the rest of the text.
        """
        if self.precision == "auto" and self.model.writes:
            return "fp32"
        return settle_precision(self.precision, next(self.model.parameters()).device)

    @overload
    def __call__(  # type: ignore[overload-overlap]  # a string is a sequence of strings, too
        self, documents: str | Path | FileText, **options: Unpack[Options]
    ) -> Summary: ...

    @overload
    def __call__(self, documents: Sequence[Given], **options: Unpack[Options]) -> list[Summary]: ...

    def __call__(
        self, documents: str | Path | FileText | Sequence[Given], **options: Unpack[Options]
    ) -> Summary | list[Summary]:
        """Summarises one document or many.

        Args:
            documents: A string is one document; so are a ``pathlib.Path``, which is read, and what
                :func:`bertsum.read_document` returns. A list holds many, each one of these or a list of sentences; a
                tuple, a generator, an array or a column of a table also works.
            options: For a model that chooses sentences, ``sentences``: At most this many sentences.
                ``ratio``: At most this share of the document's sentences.
                ``max_words``: At most this many words; an error if every sentence is longer. With a query, no sentence
                is then chosen.
                ``threshold``: Only sentences of at least this probability; not for a model with a listwise loss. Any of
                these four replaces the model's limits; a summary then goes on up to them, also if the model knows when
                to stop (``selection.candidates``).
                ``order``: Order of the sentences, document or score; by default as trained.
                ``trigram_blocking``: Whether to skip a sentence that shares a trigram with a chosen one, or to write no
                trigram twice; by default as trained.
                For a model that writes, ``beam_size``: Hypotheses of the search; 1 is greedy and fastest.
                ``length_penalty``: Exponent of the length penalty; a larger one favours longer texts.
                ``min_length``, ``max_length``: Least and most tokens of the summary. By default these four are the
                values that the model was saved with.
                ``language``: ISO 639-1 code, for splitting; auto detects each document's language. By default the
                language that the model was trained on; a document plainly in another language is split by that
                language, with a warning. A model that reads each text as one sentence (a translator) does not need it.
                ``long_documents``: How to read a document longer than the encoder's input: all of it in windows
                (``window``, the default) or only its beginning (``truncate``, the paper). A model that writes always
                reads the beginning.
                ``max_tokens_per_batch``: Budget of a batch (4096).
                ``query``: What the sentences are to answer: one query for all documents, or a list with one for each.
                All sentences that answer it are chosen, or none. Only for a model that was trained with queries.

        Returns:
            A summary for a string; for a list, a list of summaries in the same order.

        Raises:
            BertsumError: if a document is empty or not text, or an option is out of its range or for another kind of
                model.
        """
        one = isinstance(documents, str | Path | FileText)
        many = [documents] if one else listed(documents)
        if many is None:
            raise BertsumError(f"documents: got {kind_of(documents)}, expected text or a list of documents")
        settled = self._settle(options)
        many = list(with_queries(many, options.get("query")))
        read = list(or_raise(self._reader.read(document, settled) for document in many))
        self._reader.warn_of_cuts(read, settled, 0, 0)
        self._reader.warn_of_languages(read, settled, 0)
        summaries = list(or_raise(self._answers(read, settled)))
        return summaries[0] if one else summaries

    def explain(self, document: Given, sentence: int | None = None, **options: Any) -> Explanation:
        """Summarises a document, and explains a sentence.

        Args:
            document: A string, a path or a list of sentences.
            sentence: The place of the sentence to explain, as in :meth:`Summary.explain`.
            options: Options of a call, and those of :meth:`Summary.explain`: method, leaving_out, samples.

        Raises:
            BertsumError: as a call, and as :meth:`Summary.explain`.
        """
        explains = {name: options.pop(name) for name in ("method", "leaving_out", "samples") if name in options}
        (summary,) = self([document], **options)
        return summary.explain(sentence, **explains)

    @overload
    def prune(
        self, query: str, documents: str | Path | FileText, *, threshold: float | None = ...,
        recall: float | None = ..., keep_title: bool = ..., max_words: int | None = ..., allow_empty: bool = ...,
        **options: Any,
    ) -> Pruned: ...  # fmt: skip

    @overload
    def prune(
        self, query: str, documents: Sequence[Given], *, threshold: float | None = ...,
        recall: float | None = ..., keep_title: bool = ..., max_words: int | None = ..., allow_empty: bool = ...,
        **options: Any,
    ) -> list[Pruned]: ...  # fmt: skip

    def prune(
        self, query: str, documents: Any, *, threshold: float | None = None, recall: float | None = None,
        keep_title: bool = True, max_words: int | None = None, allow_empty: bool = False, **options: Any,
    ) -> Pruned | list[Pruned]:  # fmt: skip
        """Prunes retrieved documents: keeps only the sentences that answer a query, or none.

        Args:
            query: What is asked.
            documents: As in a call: a string is one document, a list holds many.
            threshold: Keep sentences of at least this probability; by default as the model is saved.
            recall: In place of a threshold: of the documents with an answer, the share that is to keep a sentence with
                it. It must be one that the model is calibrated for (0.95, 0.98), and holds for texts and questions like
                those of the calibration.
            keep_title: Whether a title (a short first line without a full stop) is kept if any sentence is.
            max_words: Keep at most this many words of a document, the most probable sentences first; a title that
                ``keep_title`` keeps is not counted.
            allow_empty: Whether nothing is kept of a document without a word that the model knows; else it is an error.
            options: Other options of a call, but not ``order``.

        Returns:
            The pruned document for one document; for a list, a list of them in the same order.

        Raises:
            BertsumError: as a call; also if the model is not calibrated for that recall.
        """
        one = isinstance(documents, str | Path | FileText)
        many = [documents] if one else listed(documents)
        if many is None:
            raise BertsumError(f"documents: got {kind_of(documents)}, expected text or a list of documents")
        pruned = prune(self, query, many, threshold, recall, keep_title, max_words, allow_empty, **options)
        return pruned[0] if one else pruned

    @overload
    def stream(
        self,
        documents: Iterable[Given | BertsumError],
        *,
        buffer: int = ...,
        start: int = ...,
        errors: Literal["raise"] = ...,
        **options: Unpack[Options],
    ) -> Iterator[Summary]: ...

    @overload
    def stream(
        self,
        documents: Iterable[Given | BertsumError],
        *,
        buffer: int = ...,
        start: int = ...,
        errors: Literal["return"],
        **options: Unpack[Options],
    ) -> Iterator[Summary | BertsumError]: ...

    def stream(
        self,
        documents: Iterable[Given | BertsumError],
        *,
        buffer: int = BUFFER,
        start: int = 0,
        errors: Literal["raise", "return"] = "raise",
        **options: Unpack[Options],
    ) -> Iterator[Summary | BertsumError]:
        """Summarises any number of documents in bounded memory, in order.

        Args:
            documents: Each a string, a path or a list of sentences. A :class:`BertsumError` may stand for a document
                that could not be read; it is then returned or raised. Documents are read a buffer at a time, when
                needed.
            buffer: At most this many documents are read before the first summary; they are scored together, batched by
                length. Long documents (a million characters together) fill it earlier.
            start: Number of the first document, in messages.
            errors: What to do if a document cannot be summarised: ``raise`` the error in its turn, or ``return`` it in
                place of the summary and go on; the message then does not name the document.
            options: Options of a call.

        Yields:
            A summary for each document, as if it were summarised alone.

        Raises:
            BertsumError: if an option is out of its range.
        """
        if not is_listed(documents):
            raise BertsumError(
                f"documents: got {kind_of(documents)}, expected a list, a generator or the like of documents"
            )
        check_whole("buffer", buffer, of=" of documents")
        check_whole("start", start, 0)
        if errors not in ("raise", "return"):
            raise BertsumError(f"errors: got '{errors}', expected raise or return")
        settled = self._settle(options)
        asked = with_queries(documents, options.get("query"))
        return self._stream(chunks(asked, buffer, _size, _BUFFER_BYTES), start, errors, settled)

    def _settle(self, options: Options) -> Settled:
        return settle(options, self.model.config, self.model.writes)

    def _stream(
        self, parts: Iterable[list[Any]], first: int, errors: str, settled: Settled
    ) -> Iterator[Summary | BertsumError]:
        cuts, warned = 0, False
        for part in parts:
            read = [self._reader.read(document, settled) for document in part]
            cuts = self._reader.warn_of_cuts(read, settled, first, cuts)
            warned = warned or self._reader.warn_of_languages(read, settled, first)
            answers = self._answers(read, settled)
            yield from answers if errors == "return" else or_raise(answers, first)
            first += len(part)

    def _answers(self, read: Sequence[Read | BertsumError], settled: Settled) -> Iterator[Summary | BertsumError]:
        """Summarises documents together, batched by length; errors keep their places."""
        rows = [item.row() for item in read if isinstance(item, Read)]
        predictions = iter(self._predict(rows, settled))
        for item in read:
            yield self._summary(item, next(predictions), settled) if isinstance(item, Read) else item

    def _predict(self, rows: Sequence[dict[str, Any]], settled: Settled) -> list[Prediction | BertsumError]:
        """A prediction for each document; if one fails, the others do not."""
        options = PredictOptions(
            settled.selection,
            settled.answering,
            settled.generation,
            settled.max_tokens_per_batch,
            precision=self.arithmetic,
        )
        try:
            return [*sorted(self.model.predict(rows, options), key=lambda prediction: prediction.place)]
        except BertsumError as error:  # memory does not suffice for a batch, or half precision overflows in a document
            problem = str(error)  # keeping the error would keep its tensors in memory
        if len(rows) == 1:
            return [BertsumError(problem)]
        return [answer for row in rows for answer in self._predict([row], settled)]

    def _summary(self, read: Read, prediction: Prediction | BertsumError, settled: Settled) -> Summary | BertsumError:
        """What the model has made of a document: chosen sentences have places and scores, written ones have neither."""
        if isinstance(prediction, BertsumError):
            return prediction
        if (
            not prediction.sentences and not settled.writes and not read.query
        ):  # every sentence of the document exceeds the limit
            shortest = min(len(split_words(read.sentences[index])) for index in read.encoding.sentence_indices)
            return BertsumError(
                f"max_words: got {settled.selection.max_words}, but its shortest sentence has {shortest} words"
            )
        source = Source(
            self.model,
            read.encoder,
            self.arithmetic,
            settled.answering if read.query else settled.selection,
            read.query,
            read.structure,
            read.text,
            read.language,
            read.markdown,
        )
        return Summary(
            text=source.joined(prediction.sentences, read.sentences),
            sentences=prediction.sentences,
            indices=prediction.indices,
            scores=[prediction.scores[index] or 0.0 for index in prediction.indices],
            document=read.sentences,
            document_scores=prediction.scores or [None] * len(read.sentences),
            unscored=read.unscored,
            leans_on=prediction.leans_on,
            unsupported=prediction.unsupported,
            spans=source.spans(prediction.indices, read.sentences),
            query=read.query,
            skipped=list(read.skipped),
        ).made_with(source)


def _size(document: Any) -> int:
    return text_size(document.document if isinstance(document, Asked) else document)


def or_raise(answers: Iterable[Answer | BertsumError], first: int = 0) -> Iterator[Answer]:
    """Raises the first error, with the number of its document."""
    for number, answer in enumerate(answers, first):
        if isinstance(answer, BertsumError):
            kind = EmptyDocumentError if isinstance(answer, EmptyDocumentError) else BertsumError
            raise kind(f"document {number}: {answer}") from answer
        yield answer
