"""What training, validation and evaluation get from a model of any kind, and how they ask for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from bertsum.config import GenerationConfig, SelectionConfig

if TYPE_CHECKING:
    from typing_extensions import Self


class Batch(Protocol):
    """What a model's ``collate`` returns."""

    @property
    def units(self) -> int:
        """The number of terms that the batch's loss sums up; train.loss_reduction sentence or token divides by it.

        A loss with a term for each document takes neither.
        """

    def to(self, device: torch.device) -> Self:
        """The batch on another device."""

    def inputs(self) -> dict[str, Any]:
        """The arguments of the forward pass."""


@dataclass(frozen=True)
class Prediction:
    """What a model made of one document.

    Attributes:
        place: The document's place among the given rows.
        sentences: The summary.
        indices: Places of these sentences in the document; empty if the model writes new sentences.
        scores: Score of each sentence of the document, from 0 to 1; None for those that were not read. It is the
            probability that the summary has the sentence. After train.loss listwise it is a share; the shares of a
            document add up to 1.
        loss: The document's loss, if asked for.
        units: Number of terms that this loss sums up, if the kind of model gives it.
        leans_on: For each written sentence, places of the sentences of the document that it has most of its words from.
        unsupported: Words of a written summary, such as numbers and names, that the document does not have.
    """

    place: int
    sentences: list[str]
    indices: list[int] = field(default_factory=list)
    scores: list[float | None] = field(default_factory=list)
    loss: float | None = None
    units: int = 0
    leans_on: list[list[int]] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class PredictOptions:
    """How predictions are made.

    Attributes:
        selection: How scores become summaries.
        answering: How scores become the sentences that answer a query; by default as ``selection`` says.
        generation: How summaries are written.
        max_tokens_per_batch: Budget of a batch, ``count x longest``.
        precision: auto, fp32, bf16 or fp16 arithmetic.
        lengths: Tokens of each row, if known without reading it.
        part: Index of this process and number of processes. Each takes its share of the batches, in equally many
            passes.
        loss: Whether to compute each document's loss too.
        summaries: Whether to make summaries; without them, only the loss is computed.
    """

    selection: SelectionConfig = field(default_factory=SelectionConfig)
    answering: SelectionConfig | None = None
    generation: GenerationConfig = field(default_factory=GenerationConfig)
    max_tokens_per_batch: int = 4096
    precision: str = "fp32"
    lengths: Sequence[int] | np.ndarray | None = None
    part: tuple[int, int] = (0, 1)
    loss: bool = False
    summaries: bool = True
