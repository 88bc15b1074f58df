"""Makes rows from documents, with a class for each kind of model. Rows are prepared once, stored, and read by a model.

Nothing here needs torch, because it runs in the processes that prepare.

# S sentences that are read, T tokens
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from bertsum.config import Config
from bertsum.data.augmentation import join_documents
from bertsum.data.documents import Document, EncodedDocument, Rejected
from bertsum.data.encoding import DocumentEncoder, Encoding, special_ends
from bertsum.data.fingerprints import describe_tokenizer
from bertsum.data.labels import label
from bertsum.data.languages import between_sentences, language_of
from bertsum.data.masking import Words, window_key
from bertsum.data.queries import answering_words, relevant_sentences
from bertsum.data.targets import TargetEncoder
from bertsum.data.teacher import TeacherScores, teacher_files
from bertsum.data.texts import Texts, as_it_comes, as_prose, texts_of
from bertsum.data.tokenization import TextTokenizer
from bertsum.errors import BertsumError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Columns of every row, for any kind of model: id, the query (mostly empty), sentences, references (each a list of
# sentences), the number of tokens that the encoder reads, and whether it leaves out some part of the document.
COMMON = {
    "id": pa.string(),
    "query": pa.string(),
    "sentences": pa.list_(pa.string()),
    "references": pa.list_(pa.list_(pa.string())),
    "length": pa.int32(),
    "cut": pa.bool_(),
}


class ExtractiveRow(Texts):
    """A document as an extractive model reads it.

    ``input_ids`` are T tokens. At each of the S ``cls_positions`` a sentence begins. ``sentence_indices`` are the
    places of these sentences in the document, ``labels`` the targets for training. ``relevant`` are the places of all
    sentences that answer a query, read or not; None if the document came without them. ``answer_tokens`` are the places
    of the tokens that answer it; None if they are not known.
    """

    length: int
    cut: bool
    input_ids: list[int]
    cls_positions: list[int]
    sentence_indices: list[int]
    labels: list[float] | None
    relevant: list[int] | None
    answer_tokens: list[int] | None


class Seq2SeqRow(Texts):
    """A document as a model that writes reads it: the columns of :class:`ExtractiveRow`, and a summary in place of
    labels.

    ``target_ids`` are the tokens of the first reference; ``target_cut`` tells whether it was cut.
    """

    length: int
    cut: bool
    input_ids: list[int]
    cls_positions: list[int]
    sentence_indices: list[int]
    target_ids: list[int]
    target_cut: bool


class MaskedRow(Texts):
    """A window of a document as a masked language model reads it; it has no ``sentences`` and ``references``.

    ``input_ids`` are T tokens: [CLS], a part of the document, [SEP]. ``key`` is a number for the draw of its masks.
    """

    length: int
    cut: bool
    input_ids: list[int]
    key: int


class Rows(ABC):
    """Makes the rows of one kind of model.

    Attributes:
        schema: Columns of a row: those of ``COMMON``, and those of this kind.
        inputs: The columns that the model reads; the others are for people and for ROUGE.
        labelled: Whether documents need reference summaries.
    """

    labelled: ClassVar[bool] = True
    schema: ClassVar[pa.Schema]
    inputs: ClassVar[tuple[str, ...]]

    @abstractmethod
    def __init__(
        self,
        config: Config,
        tokenizer: PreTrainedTokenizerBase,
        split: str,
        target_tokenizer: PreTrainedTokenizerBase | None = None,
    ) -> None:
        """Keeps the settings for a split; the object can be sent to other processes.

        Args:
            config: The configuration.
            tokenizer: The encoder's tokenizer.
            split: train, validation or test.
            target_tokenizer: The decoder's tokenizer, if it has another than the encoder.
        """

    @classmethod
    def describe(
        cls, config: Config, tokenizer: PreTrainedTokenizerBase, target_tokenizer: PreTrainedTokenizerBase | None
    ) -> dict[str, Any]:
        """What rows of this kind depend on beside the data, the encoding and the encoder's tokenizer."""
        return {}

    def open(self) -> None:  # noqa: B027  # not abstract: only kinds that read other files override it
        """Reads what rows are made of beside documents, once, before other processes get a copy of this object.

        Raises:
            BertsumError: if it cannot be read.
        """

    @abstractmethod
    def __call__(self, documents: Sequence[Document | Rejected]) -> Sequence[Mapping[str, Any] | Rejected]:
        """A row for each document, or why it has none; some kinds make several rows from one document."""

    @staticmethod
    def counts(row: Mapping[str, Any]) -> dict[str, int]:
        """Counts that only this kind of row adds to the report of a preparation."""
        return {}


class ExtractiveRows(Rows):
    """Rows of a model that scores sentences: the encoder's input, and a label for each sentence that is read."""

    schema = pa.schema(
        {
            **COMMON,
            "input_ids": pa.list_(pa.int32()),
            "cls_positions": pa.list_(pa.int32()),
            "sentence_indices": pa.list_(pa.int32()),
            "labels": pa.list_(pa.float32()),
            "relevant": pa.list_(pa.int32()),
            "answer_tokens": pa.list_(pa.int32()),
        }
    )
    inputs = ("input_ids", "cls_positions", "labels", "answer_tokens")

    def __init__(
        self,
        config: Config,
        tokenizer: PreTrainedTokenizerBase,
        split: str,
        target_tokenizer: PreTrainedTokenizerBase | None = None,
    ) -> None:
        self.config = config if split == "train" else replace(config, data=as_it_comes(config.data))
        self.split = split
        self.encoder = DocumentEncoder(tokenizer, config.encoding)
        self.teachers: list[TeacherScores] | None = None  # not opened yet

    def open(self) -> None:
        """Reads where the scores of ``data.teacher`` are."""
        self.teachers = [TeacherScores(file) for file in teacher_files(self.config.data)]

    def __call__(self, documents: Sequence[Document | Rejected]) -> list[ExtractiveRow | Rejected]:
        if self.teachers is None:
            self.open()
        assert self.teachers is not None
        rows = [item if isinstance(item, Rejected) else self.row(item) for item in documents]
        kept = [row for row in rows if not isinstance(row, Rejected)]
        label(kept, self.config.data, self.teachers)
        if self.split == "train":
            join_documents(kept, self.config.data.joined)
        return rows

    def row(self, document: Document) -> ExtractiveRow | Rejected:
        """A document's row; it has labels only if the document came with them."""
        read = read_document(document, self.config, self.split, self.encoder)
        if isinstance(read, Rejected):
            return read
        document, texts, encoding = read
        for teacher in self.teachers or ():
            problem = teacher.problem(texts["id"], len(texts["sentences"]))
            if problem is not None:
                return Rejected(document.place, "no scores of the teacher", problem, texts["id"])
        labels, relevant, answer_tokens = None, None, None
        if isinstance(document, EncodedDocument):
            labels = [float(document.labels[index]) for index in encoding.sentence_indices]
        elif document.evidence is not None:
            relevant = sorted(relevant_sentences(document, texts["sentences"]))
            labels = [float(index in relevant) for index in encoding.sentence_indices]
            answer_tokens = self._answer_tokens(document, texts["sentences"], encoding, relevant)
        return ExtractiveRow(
            **texts,
            length=len(encoding.input_ids),
            cut=encoding.cut,
            input_ids=encoding.input_ids,
            cls_positions=encoding.cls_positions,
            sentence_indices=encoding.sentence_indices,
            labels=labels,
            relevant=relevant,
            answer_tokens=answer_tokens,
        )

    def _answer_tokens(
        self, document: Document, sentences: Sequence[str], encoding: Encoding, relevant: Sequence[int]
    ) -> list[int] | None:
        """Places of the tokens that answer a query; none if nothing does, None if it is not known which do."""
        tokens: list[int] = []
        bounds = [*encoding.cls_positions, len(encoding.input_ids)]
        for (begin, end), index in zip(itertools.pairwise(bounds), encoding.sentence_indices, strict=True):
            places = answering_words(document, sentences[index]) if index in relevant else []
            if places:
                read = zip(range(begin + 1, end - 1), self.encoder.token_spans(sentences[index]), strict=False)
                tokens += [token for token, span in read if any(span[0] < to and at < span[1] for at, to in places)]
        return tokens if tokens or not relevant else None

    @staticmethod
    def counts(row: Mapping[str, Any]) -> dict[str, int]:
        """Number of sentences read, and whether none has a label above 0."""
        return {"sentences read": len(row["cls_positions"]), "unlabelled": int(not any(row["labels"]))}


class Seq2SeqRows(Rows):
    """Rows of a model that writes: the encoder's input, and the tokens of the first reference."""

    schema = pa.schema(
        {
            **COMMON,
            "input_ids": pa.list_(pa.int32()),
            "cls_positions": pa.list_(pa.int32()),
            "sentence_indices": pa.list_(pa.int32()),
            "target_ids": pa.list_(pa.int32()),
            "target_cut": pa.bool_(),
        }
    )
    inputs = ("input_ids", "cls_positions", "target_ids")

    def __init__(
        self,
        config: Config,
        tokenizer: PreTrainedTokenizerBase,
        split: str,
        target_tokenizer: PreTrainedTokenizerBase | None = None,
    ) -> None:
        self.config = config
        self.split = split
        self.encoder = DocumentEncoder(tokenizer, config.encoding)
        self.target = TargetEncoder(
            target_tokenizer or tokenizer, config.decoder.max_length, words=config.encoding.words
        )
        self.shares_tokens = target_tokenizer is None

    @classmethod
    def describe(
        cls, config: Config, tokenizer: PreTrainedTokenizerBase, target_tokenizer: PreTrainedTokenizerBase | None
    ) -> dict[str, Any]:
        target = describe_tokenizer(target_tokenizer or tokenizer)
        return {"target": {"max_length": config.decoder.max_length, "tokenizer": target}}

    def __call__(self, documents: Sequence[Document | Rejected]) -> list[Seq2SeqRow | Rejected]:
        return [item if isinstance(item, Rejected) else self.row(item) for item in documents]

    def row(self, document: Document) -> Seq2SeqRow | Rejected:
        """A document's row; a summary that is too long is cut."""
        read = read_document(document, self.config, self.split, self.encoder, with_empty=True)
        if isinstance(read, Rejected):
            return read
        document, texts, encoding = read
        if isinstance(document, EncodedDocument) and document.target_ids and self.shares_tokens:
            target = document.target_ids
            if target[0] != self.target.start_id or max(target) >= len(self.target.continues):
                problem = f"'tgt' does not begin with token {self.target.start_id}, or has tokens beyond the vocabulary"
                return Rejected(document.place, "another vocabulary", problem)
        else:
            target = self.target.whole(texts["references"][0])
        target_ids = self.target.cut(target)
        return Seq2SeqRow(
            **texts,
            length=len(encoding.input_ids),
            cut=encoding.cut,
            input_ids=encoding.input_ids,
            cls_positions=encoding.cls_positions,
            sentence_indices=encoding.sentence_indices,
            target_ids=target_ids,
            target_cut=target_ids != target,
        )

    @staticmethod
    def counts(row: Mapping[str, Any]) -> dict[str, int]:
        """Number of sentences read, and whether the summary was cut."""
        return {"sentences read": len(row["cls_positions"]), "targets cut": int(row["target_cut"])}


class MaskedRows(Rows):
    """Rows of a masked language model: windows of a document's plain text, each as full as whole words allow.

    No sentences are split or left out, and nothing is cut off: a document of any length becomes windows of at most
    ``encoding.max_length`` tokens. No window holds parts of two documents (DOC-SENTENCES in arXiv 1907.11692, which
    found it slightly better than joining them): a batch is filled by tokens, so short windows leave no room unused.
    """

    labelled = False
    schema = pa.schema({**COMMON, "input_ids": pa.list_(pa.int32()), "key": pa.int64()})
    inputs = ("input_ids", "key")

    def __init__(
        self,
        config: Config,
        tokenizer: PreTrainedTokenizerBase,
        split: str,
        target_tokenizer: PreTrainedTokenizerBase | None = None,
    ) -> None:
        self.config = config
        self.split = split
        self.ends = special_ends(tokenizer)
        self.words = Words(tokenizer)
        self.text_tokens = TextTokenizer(tokenizer, config.encoding.words)

    def __call__(self, documents: Sequence[Document | Rejected]) -> list[MaskedRow | Rejected]:
        return [row for item in documents for row in ([item] if isinstance(item, Rejected) else self.rows(item))]

    def rows(self, document: Document) -> list[MaskedRow] | list[Rejected]:
        """A document's windows."""
        if self.split == "train":
            document = as_prose(document, self.config.data.detokenized)
        text = document.text
        if not isinstance(text, str):
            text = between_sentences(language_of(text, self.config.language)).join(text)
        tokens = np.array(next(self.text_tokens([text])), dtype=np.int64)
        if not len(tokens):
            return [Rejected(document.place, "no tokens", "the document has no token that the encoder knows")]
        (begin, end), texts = self.ends, Texts(id=document.id, query="", sentences=[], references=[])
        windows = self.words.windows(tokens, self.config.encoding.max_length - 2)
        return [
            MaskedRow(**texts, length=len(ids), cut=False, input_ids=ids, key=window_key(document.id, number))
            for number, ids in enumerate([begin, *window.tolist(), end] for window in windows)
        ]

    @staticmethod
    def counts(row: Mapping[str, Any]) -> dict[str, int]:
        """Counts each row as a window."""
        return {"windows": 1}


# Classes that make rows, by kind of model (``model.kind``).
ROWS: dict[str, type[Rows]] = {"extractive": ExtractiveRows, "seq2seq": Seq2SeqRows, "masked_lm": MaskedRows}


def read_document(
    document: Document, config: Config, split: str, encoder: DocumentEncoder, with_empty: bool = False
) -> tuple[Document, Texts, Encoding] | Rejected:
    """The document that a model is given, its texts, and what the encoder reads of it; or why it has no row.

    Args:
        document: The document as read.
        config: The configuration.
        split: train, validation or test.
        encoder: Its ``max_length`` cuts the document.
        with_empty: As in :meth:`DocumentEncoder.cut`, for documents that come encoded.
    """
    if split == "train":
        document = as_prose(document, config.data.detokenized)
    texts = texts_of(document, config, split)
    if isinstance(texts, Rejected):
        return texts
    if isinstance(document, EncodedDocument):  # encoded by the authors' code; only cut to the encoder's length here
        try:
            encoding = encoder.cut(document.input_ids, document.cls_positions, with_empty)
        except BertsumError as error:
            return Rejected(document.place, "another vocabulary", str(error))
    else:
        encoding = encoder.encode(texts["sentences"], texts["query"] if config.model.kind == "extractive" else "")
    if not encoding.sentence_indices:
        return Rejected(document.place, "no tokens", "the document has no token that the encoder knows")
    return document, texts, encoding


def as_rows(columns: Mapping[str, Iterable[Any]]) -> list[dict[str, Any]]:
    """A slice of a dataset, which is a dict of columns, as rows."""
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
