"""Prepared documents to batches: a token budget, documents of like length together, the same plan for any number
of processes.

# B documents, T tokens of the longest, S sentences of the most
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch

from bertsum.data.encoding import interval_segments


@dataclass(frozen=True)
class Batch:
    """Documents padded beside each other.

    Attributes:
        input_ids: Tokens (B, T), padded with the encoder's padding token.
        attention_mask: 1 for tokens, 0 for padding (B, T).
        token_type_ids: Interval segments (B, T).
        cls_positions: Position of each sentence's [CLS] (B, S), 0 for padding.
        sentence_mask: True for sentences, False for padding (B, S).
        labels: 1 for oracle sentences (B, S); zeros where documents have no labels.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    token_type_ids: torch.Tensor
    cls_positions: torch.Tensor
    sentence_mask: torch.Tensor
    labels: torch.Tensor

    def to(self, device: torch.device) -> Batch:
        """The batch on another device; to a GPU it is copied while that still computes."""
        if device.type != "cuda":
            return Batch(**{item.name: getattr(self, item.name).to(device) for item in fields(self)})
        pinned = {item.name: getattr(self, item.name).pin_memory() for item in fields(self)}
        return Batch(**{name: tensor.to(device, non_blocking=True) for name, tensor in pinned.items()})

    def inputs(self) -> dict[str, torch.Tensor]:
        """The arguments of the model's forward pass."""
        return {item.name: getattr(self, item.name) for item in fields(self) if item.name != "labels"}


def collate(rows: Sequence[dict[str, Any]], pad_id: int) -> Batch:
    """Pads rows with ``input_ids``, ``cls_positions`` and, where there are any, ``labels``."""
    tokens = max(len(row["input_ids"]) for row in rows)  # T
    sentences = max(len(row["cls_positions"]) for row in rows)  # S
    input_ids = np.full((len(rows), tokens), pad_id, dtype=np.int64)
    segments, attention = np.zeros_like(input_ids), np.zeros_like(input_ids)
    cls_positions = np.zeros((len(rows), sentences), dtype=np.int64)
    mask = np.zeros((len(rows), sentences), dtype=bool)
    labels = np.zeros((len(rows), sentences), dtype=np.float32)
    for number, row in enumerate(rows):
        length, count = len(row["input_ids"]), len(row["cls_positions"])
        input_ids[number, :length] = row["input_ids"]
        attention[number, :length] = 1
        segments[number, :length] = interval_segments(row["cls_positions"], length)
        cls_positions[number, :count] = row["cls_positions"]
        mask[number, :count] = True
        labels[number, :count] = row.get("labels", 0)
    arrays = (input_ids, attention, segments, cls_positions, mask, labels)
    return Batch(*map(torch.from_numpy, arrays))


def length_batches(lengths: Sequence[int] | np.ndarray, max_tokens: int) -> list[np.ndarray]:
    """Documents sorted by length, cut where ``count x longest`` would exceed ``max_tokens``.

    A document that is longer than the budget is a batch of its own.
    """
    lengths = np.asarray(lengths)
    order = np.argsort(lengths, kind="stable")
    batches, start = [], 0
    for end in range(1, len(order) + 1):
        # sorted: the next document would be the longest
        if end == len(order) or (end - start + 1) * lengths[order[end]] > max_tokens:
            batches.append(order[start:end])
            start = end
    return batches


@dataclass(frozen=True)
class EpochPlan:
    """The batches of one pass over the documents, each document once; two numbers a document, however many there are.

    Attributes:
        epoch: Which pass.
        documents: Indices of all documents, batch after batch (N).
        ends: Where each batch ends among them (batches).
    """

    epoch: int
    documents: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.ends)

    def batches(self, first: int, count: int) -> list[np.ndarray]:
        """So many batches from the ``first`` on; fewer at the end."""
        ends = self.ends[first : first + count]
        begins = [self.ends[first - 1] if first else 0, *ends[:-1]]
        return [self.documents[begin:end] for begin, end in zip(begins, ends, strict=True)]


def plan_epoch(lengths: np.ndarray, max_tokens: int, buffer_documents: int, seed: int, epoch: int) -> EpochPlan:
    """An epoch's batches, in an order that depends on ``(seed, epoch)``, not on the number of processes.

    An update takes the next processes x accumulation of them, so that 2 processes with 1 batch each do as 1 process
    with 2, and a run resumes on another number of processes where it stopped.
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
