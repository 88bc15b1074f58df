"""Raw text to summaries of verbatim sentences.

summarizer = Summarizer.from_pretrained("runs/cnndm/best")
summary = summarizer(text)
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args, overload

import torch

from bertsum.config import Config, Precision, SelectionConfig
from bertsum.data.encoding import DocumentEncoder
from bertsum.data.languages import base_language, language_of
from bertsum.data.sentences import split_sentences
from bertsum.errors import BertsumError
from bertsum.evaluation.evaluate import marked, select
from bertsum.models.bertsum import BertSum
from bertsum.models.saved import BUNDLED_FOLDER
from bertsum.shading import document_html, show_document

_JOINED_WITHOUT_SPACE = {"zh", "ja"}  # Thai writes none between words, but between sentences
_LIMITS = ("sentences", "ratio", "max_words", "threshold")


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
        return cls(BertSum.from_pretrained(path or BUNDLED_FOLDER, device=device, **hub), precision)

    @overload
    def __call__(self, documents: str, **options: Any) -> Summary: ...

    @overload
    def __call__(self, documents: Sequence[str | Sequence[str]], **options: Any) -> list[Summary]: ...

    def __call__(  # type: ignore[misc]  # the overloads leave the options to this signature
        self,
        documents: str | Sequence[str | Sequence[str]],
        *,
        sentences: int | None = None,
        ratio: float | None = None,
        max_words: int | None = None,
        threshold: float | None = None,
        trigram_blocking: bool | None = None,
        order: Literal["document", "score"] | None = None,
        language: str | None = None,
        long_documents: Literal["window", "truncate"] = "window",
        max_tokens_per_batch: int = 4096,
    ) -> Summary | list[Summary]:
        """Summarises one document or many.

        Args:
            documents: A string is one document. A list is many, each a string or a list of its sentences.
            sentences: At most this many sentences.
            ratio: At most this share of the document's sentences.
            max_words: At most this many words.
            threshold: Only sentences of at least this probability. Any of these four replaces the model's own limit.
            trigram_blocking: Whether to skip a sentence that shares a trigram with a chosen one; by default as trained.
            order: Order of the sentences; by default as trained.
            language: ISO 639-1 code, for splitting; auto is each document's own. By default the language that the
                model was trained on, which may be auto.
            long_documents: A document longer than the encoder's input is read in windows, all of it, or its beginning
                alone (the paper).
            max_tokens_per_batch: Budget of a batch.

        Returns:
            A summary for a string; for a list, a list of summaries in the same order.

        Raises:
            BertsumError: if a document is empty or not text, or an option is out of its range.
        """
        one = isinstance(documents, str)
        if not one and not isinstance(documents, Sequence):
            raise BertsumError(f"documents: got {type(documents).__name__}, expected text or a list of documents")
        language = language or self.model.config.language
        limits = {"sentences": sentences, "ratio": ratio, "max_words": max_words, "threshold": threshold}
        selection = self._selection(limits, trigram_blocking, order, language)
        split = [
            self._sentences(document, number, language)
            for number, document in enumerate([documents] if isinstance(documents, str) else documents)
        ]
        encoder = self._encoder(long_documents)
        encodings = [encoder.encode(document) for document in split]
        for number, (document, encoding) in enumerate(zip(split, encodings, strict=True)):
            if not encoding.sentence_indices:
                raise BertsumError(f"document {number}: has no token that the model knows")
            if encoding.cut:
                unread, read = encoder.unread_share(document, encoding), len(encoding.sentence_indices)
                limits_of = encoder.config
                reads = (
                    f"{limits_of.max_sentence_words} words of a sentence, or {limits_of.max_length - 2} tokens of it"
                    if long_documents == "window"
                    else f"{limits_of.max_length} tokens, {read} of its {len(document)} sentences"
                )
                warnings.warn(
                    f"document {number}: {unread:.1%} of its words were not read: the model reads {reads}", stacklevel=2
                )
        rows = [{"input_ids": e.input_ids, "cls_positions": e.cls_positions} for e in encodings]
        probabilities: list[list[float]] = [[]] * len(rows)
        for place, logits in self.model.score(rows, max_tokens_per_batch, self.precision):
            probabilities[place] = logits.sigmoid().tolist()
        summaries = []
        for document, encoding, scores in zip(split, encodings, probabilities, strict=True):
            prediction = select(scores, encoding.sentence_indices, document, selection)
            chosen = [document[index] for index in prediction.indices]
            separator = "" if base_language(language_of(document, language)) in _JOINED_WITHOUT_SPACE else " "
            summaries.append(
                Summary(
                    text=separator.join(chosen),
                    sentences=chosen,
                    indices=prediction.indices,
                    scores=[prediction.scores[index] or 0.0 for index in prediction.indices],
                    document=document,
                    document_scores=prediction.scores,
                )
            )
        return summaries[0] if one else summaries

    def _encoder(self, long_documents: Any) -> DocumentEncoder:
        """The model's reading of documents, with another way of long ones."""
        if long_documents not in ("window", "truncate"):
            raise BertsumError(f"long_documents: got {long_documents!r}, expected window or truncate")
        if long_documents not in self._encoders:
            config = replace(self.model.config.encoding, long_documents=long_documents)
            self._encoders[long_documents] = DocumentEncoder(self.model.tokenizer, config)
        return self._encoders[long_documents]

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

    def _sentences(self, document: Any, number: int, language: str) -> list[str]:
        if isinstance(document, str):
            sentences = [piece.strip() for piece in split_sentences(document, language)]
        elif isinstance(document, Sequence) and all(isinstance(item, str) for item in document):
            sentences = [item.strip() for item in document]
        else:
            raise BertsumError(
                f"document {number}: got {type(document).__name__}, expected text or a list of sentences"
            )
        if not any(sentences):
            raise BertsumError(f"document {number}: is empty")
        return sentences
