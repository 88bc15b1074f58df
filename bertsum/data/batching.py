"""Makes batches from rows: documents of similar length together, within a token budget, for any number of processes.

# B documents, W windows of them (W = B if no document is longer than the encoder's input), T tokens of the longest
# window, S the most sentences, N tokens of all windows
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bertsum.data.encoding import interval_segments
from bertsum.data.windows import windows

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class Batch:
    """Documents as the encoder reads them: padded side by side, or packed one after the other.

    A document longer than the encoder's input becomes several windows, and each window is read like a document.
    ``places`` tells which sentences of the windows are the document's.

    Attributes:
        input_ids: Tokens (W, T), padded with the encoder's padding token; packed (N).
        attention_mask: 1 for tokens, 0 for padding (W, T); None if packed.
        token_type_ids: Interval segments (W, T); packed (N).
        cls_positions: Position of each sentence's [CLS] in its window (W, S), 0 for padding.
        sentence_mask: True for sentences, False for padding (W, S).
        labels: Label of each sentence (B, S); zeros for documents without labels.
        lengths: Tokens of each window (W); None if padded.
        places: Place of each sentence of a document among the W x S sentences of all windows (B, S); None if each
            document is one window.
        document_mask: True for sentences, False for padding (B, S); None if each document is one window.
        answers: 1 for tokens that answer a query, 0 for a document's other tokens and its first [CLS], -1 elsewhere and
            in documents where it is not known (B, T). None if it is known of none, or one has several windows.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor | None
    token_type_ids: torch.Tensor
    cls_positions: torch.Tensor
    sentence_mask: torch.Tensor
    labels: torch.Tensor
    lengths: tuple[int, ...] | None = None
    places: torch.Tensor | None = None
    document_mask: torch.Tensor | None = None
    answers: torch.Tensor | None = None

    @property
    def units(self) -> int:
        """Number of sentences: the terms that the loss sums up."""
        return int(self.mask.sum())

    @property
    def mask(self) -> torch.Tensor:
        """True for the sentences of documents, False for padding (B, S)."""
        return self.sentence_mask if self.document_mask is None else self.document_mask

    def to(self, device: torch.device) -> Self:
        """The batch on another device; a GPU may still compute during the copy."""
        tensors: dict[str, Any] = {
            name: value for name, value in self._values().items() if isinstance(value, torch.Tensor)
        }
        if device.type == "cuda":
            tensors = {name: value.pin_memory() for name, value in tensors.items()}
        return replace(self, **{name: value.to(device, non_blocking=True) for name, value in tensors.items()})

    def inputs(self) -> dict[str, Any]:
        """The arguments of the model's forward pass."""
        targets = ("labels", "answers")
        return {name: value for name, value in self._values().items() if name not in targets and value is not None}

    def _values(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in fields(self)}


@dataclass(frozen=True)
class PairBatch(Batch):
    """Documents and their summaries, as a model that writes reads them.

    Attributes:
        target_ids: Tokens of the summaries (B, L), padded with the decoder's padding token; None without summaries.
        target_lengths: Tokens of each summary (B).
    """

    target_ids: torch.Tensor | None = None
    target_lengths: tuple[int, ...] = ()

    @property
    def units(self) -> int:
        """Number of tokens that are predicted: all but the first of each summary."""
        return sum(length - 1 for length in self.target_lengths)

    @property
    def predicted(self) -> torch.Tensor:
        """The tokens to predict, packed: all but the first of each summary (M)."""
        assert self.target_ids is not None
        places = torch.arange(self.target_ids.shape[1], device=self.target_ids.device)
        lengths = torch.tensor(self.target_lengths, device=self.target_ids.device)
        return self.target_ids[(places > 0) & (places < lengths[:, None])]

    def inputs(self) -> dict[str, Any]:
        """The arguments of the model's forward pass, without those that only a model that scores sentences takes."""
        names: tuple[str, ...] = ("input_ids", "attention_mask", "token_type_ids", "lengths")
        if self.target_ids is not None:
            names += ("target_ids", "target_lengths")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


@dataclass(frozen=True)
class MaskedBatch(Batch):
    """Windows of documents with some tokens hidden, as a masked language model reads them.

    Attributes:
        guessed: Places of the tokens to guess, ascending, among the N tokens of all windows without padding (M).
        targets: The original tokens at these places (M).
        counts: Number of tokens to guess in each window (B).
    """

    guessed: torch.Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.long))
    targets: torch.Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.long))
    counts: tuple[int, ...] = ()

    @property
    def units(self) -> int:
        """Number of tokens to guess."""
        return sum(self.counts)

    def inputs(self) -> dict[str, Any]:
        """The arguments of the forward pass."""
        names = ("input_ids", "attention_mask", "token_type_ids", "lengths", "guessed")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


def collate_masked(
    rows: Sequence[Mapping[str, Any]], hidden: Sequence[tuple[np.ndarray, np.ndarray]], pad_id: int, packed: bool
) -> MaskedBatch:
    """Makes a batch of windows with hidden tokens.

    Args:
        rows: Windows with ``input_ids``.
        hidden: For each window, the tokens as the model sees them, and the places of those to guess, ascending.
        pad_id: The encoder's padding token.
        packed: Whether windows follow each other without padding.
    """
    seen = [{"input_ids": ids.tolist(), "cls_positions": [0]} for ids, _ in hidden]
    begins = np.cumsum([0, *(len(ids) for ids, _ in hidden)])
    guessed = [begin + places for begin, (_, places) in zip(begins, hidden, strict=False)]
    targets = [np.asarray(row["input_ids"])[places] for row, (_, places) in zip(rows, hidden, strict=True)]
    return MaskedBatch(
        **vars(collate(seen, pad_id, packed=packed)),
        guessed=torch.from_numpy(np.concatenate(guessed)),
        targets=torch.from_numpy(np.concatenate(targets).astype(np.int64)),
        counts=tuple(len(places) for _, places in hidden),
    )


def collate_pairs(
    rows: Sequence[Mapping[str, Any]], pad_id: int, target_pad_id: int, packed: bool = False
) -> PairBatch:
    """Makes a batch of documents and summaries from rows.

    Args:
        rows: Documents with ``input_ids``, ``cls_positions`` and, if they have summaries, ``target_ids``.
        pad_id: The encoder's padding token.
        target_pad_id: The decoder's padding token.
        packed: Whether documents follow each other without padding.
    """
    batch = PairBatch(**vars(collate(rows, pad_id, packed=packed)))
    targets = [row.get("target_ids") for row in rows]
    written = [target for target in targets if target is not None]
    if len(written) < len(rows):
        return batch
    lengths = tuple(map(len, written))
    return replace(batch, target_ids=_padded(written, target_pad_id, np.int64), target_lengths=lengths)


def collate(
    rows: Sequence[Mapping[str, Any]], pad_id: int, max_length: int | None = None, packed: bool = False
) -> Batch:
    """Makes a batch from rows.

    Args:
        rows: Documents with ``input_ids``, ``cls_positions`` and, if they have any, ``labels`` and ``answer_tokens``.
        pad_id: The encoder's padding token.
        max_length: Tokens of a window: longer documents are cut into several windows. By default none is cut.
        packed: Whether windows follow each other without padding.
    """
    read, places = cut_rows(rows, max_length)
    lengths, most = [len(row["input_ids"]) for row in read], max(len(row["cls_positions"]) for row in read)  # T, S
    cls_positions = np.zeros((len(read), most), dtype=np.int64)
    mask = np.zeros((len(read), most), dtype=bool)
    for number, row in enumerate(read):
        count = len(row["cls_positions"])
        cls_positions[number, :count] = row["cls_positions"]
        mask[number, :count] = True
    segments = [interval_segments(row["cls_positions"], length) for row, length in zip(read, lengths, strict=True)]
    ids = [row["input_ids"] for row in read]
    batch = Batch(
        input_ids=_joined(ids) if packed else _padded(ids, pad_id, np.int64),
        attention_mask=None if packed else _padded([[1] * length for length in lengths], 0, np.int64),
        token_type_ids=_joined(segments) if packed else _padded(segments, 0, np.int64),
        cls_positions=torch.from_numpy(cls_positions),
        sentence_mask=torch.from_numpy(mask),
        labels=_padded([row.get("labels") or [0.0] * len(row["cls_positions"]) for row in rows], 0, np.float32),
        lengths=tuple(lengths) if packed else None,
    )
    if len(read) == len(rows):
        return replace(batch, answers=_answers(rows, lengths))
    flat = [[window * most + place for window, place in of_document] for of_document in places]
    document_mask = _padded([[1] * len(of_document) for of_document in places], 0, np.bool_)
    return replace(batch, places=_padded(flat, 0, np.int64), document_mask=document_mask)


def cut_rows(
    rows: Sequence[Mapping[str, Any]], max_length: int | None
) -> tuple[list[Mapping[str, Any]], list[list[tuple[int, int]]]]:
    """The windows of all documents; and for each sentence of a document its window and its place there.

    Args:
        rows: Documents with ``input_ids`` and ``cls_positions``.
        max_length: Tokens of a window; None: each document is one window.
    """
    read: list[Mapping[str, Any]] = []
    places: list[list[tuple[int, int]]] = []
    for row in rows:
        ids, positions = row["input_ids"], row["cls_positions"]
        if max_length is None or len(ids) <= max_length:
            places.append([(len(read), place) for place in range(len(positions))])
            read.append(row)
            continue
        places.append([])
        for window in windows(positions, len(ids), max_length):
            first, end = window.taken
            places[-1] += [(len(read), window.place + step) for step in range(end - first)]
            read.append(window.row(ids, positions))
    return read, places


def _answers(rows: Sequence[Mapping[str, Any]], lengths: Sequence[int]) -> torch.Tensor | None:
    """``Batch.answers`` of documents of one window each."""
    known = [(number, row) for number, row in enumerate(rows) if row.get("answer_tokens") is not None]
    if not known:
        return None
    answers = np.full((len(rows), max(lengths)), -1, dtype=np.int8)
    for number, row in known:
        answers[number, 0] = 0
        answers[number, row["cls_positions"][0] : lengths[number]] = 0
        answers[number, row["answer_tokens"]] = 1
    return torch.from_numpy(answers)


def _padded(lists: Sequence[Sequence[Any]], padding: int, kind: Any) -> torch.Tensor:
    array = np.full((len(lists), max(map(len, lists))), padding, dtype=kind)
    for number, values in enumerate(lists):
        array[number, : len(values)] = values
    return torch.from_numpy(array)


def _joined(lists: Sequence[Sequence[int]]) -> torch.Tensor:
    return torch.from_numpy(np.concatenate([np.asarray(values, dtype=np.int64) for values in lists]))


def length_batches(lengths: Sequence[int] | np.ndarray, max_tokens: int) -> list[np.ndarray]:
    """Documents sorted by length, cut where ``count x longest`` would exceed ``max_tokens``.

    A document longer than the budget is alone in a batch.
    """
    lengths = np.asarray(lengths)
    order = np.argsort(lengths, kind="stable")
    batches, start = [], 0
    for end in range(1, len(order) + 1):
        # documents are sorted, so the next one would be the longest
        if end == len(order) or (end - start + 1) * lengths[order[end]] > max_tokens:
            batches.append(order[start:end])
            start = end
    return batches


@dataclass(frozen=True)
class EpochPlan:
    """The batches of one pass over the documents, each document once; it stores at most two numbers a document.

    Attributes:
        epoch: Number of the pass.
        documents: Indices of all documents, batch after batch (N).
        ends: End of each batch in ``documents`` (batches).
    """

    epoch: int
    documents: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.ends)

    def batches(self, first: int, count: int) -> list[np.ndarray]:
        """``count`` batches from the ``first`` on; fewer at the end."""
        ends = self.ends[first : first + count]
        begins = [self.ends[first - 1] if first else 0, *ends[:-1]]
        return [self.documents[begin:end] for begin, end in zip(begins, ends, strict=True)]


def plan_epoch(lengths: np.ndarray, max_tokens: int, buffer_documents: int, seed: int, epoch: int) -> EpochPlan:
    """An epoch's batches, in an order that depends on ``(seed, epoch)``, not on the number of processes.

    An update takes the next processes x accumulation batches. So 2 processes with 1 batch each do the same as 1 process
    with 2, and a run can resume on another number of processes.
    """
    random = np.random.default_rng((seed, epoch))
    order = random.permutation(len(lengths))
    batches = []
    for start in range(0, len(order), buffer_documents):
        buffer = order[start : start + buffer_documents]
        batches += [buffer[batch] for batch in length_batches(lengths[buffer], max_tokens)]
    shuffled = [batches[position] for position in random.permutation(len(batches))]
    ends = np.cumsum([len(batch) for batch in shuffled])
    return EpochPlan(epoch, np.concatenate(shuffled).astype(np.int32), ends.astype(np.int32))
