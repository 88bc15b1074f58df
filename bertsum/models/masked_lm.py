"""MaskedLM: trains a pretrained encoder further, on documents without summaries (arXiv 1810.04805, 2004.10964).

Words of a text are hidden, and the model guesses them. Its trained encoder can then be the ``model.encoder`` of another
model.

# B windows, T tokens of the longest, N tokens of all windows, M tokens to guess, H hidden, V vocabulary
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F
from transformers import PreTrainedTokenizerBase

from bertsum.config import Config
from bertsum.data.batching import MaskedBatch, collate_masked
from bertsum.data.masking import Masker
from bertsum.encoders.load import SCRATCH
from bertsum.encoders.token_head import TokenHead, load_token_head, output_matrix
from bertsum.models.base import Model
from bertsum.models.contract import Prediction, PredictOptions
from bertsum.models.storage import SavedConfig

if TYPE_CHECKING:
    from bertsum.encoders.load import Encoder


class MaskedLM(Model):
    """Guesses hidden words.

    Attributes:
        head: Turns vectors of tokens into logits; its output matrix is the encoder's word embeddings.
        masker: Chooses the words to hide; None without a tokenizer.
        seed: The seed of the masks in a training; they also depend on the epoch and the window.
    """

    kind = "masked_lm"
    summarizes = False
    sections = ("model", "encoding", "language")
    seed: int = 0

    def __init__(
        self,
        config: SavedConfig,
        encoder: Encoder,
        tokenizer: PreTrainedTokenizerBase | None,
        target_tokenizer: PreTrainedTokenizerBase | None = None,
    ) -> None:
        """A model of this encoder and a head with random weights.

        Args:
            config: The model's configuration.
            encoder: The encoder.
            tokenizer: The encoder's tokenizer; None for a model that only takes token ids.
            target_tokenizer: Not used; this kind writes nothing.

        Raises:
            BertsumError: if the tokenizer has no mask token.
        """
        super().__init__(config, encoder, tokenizer)
        self.head = TokenHead(encoder)
        self.masker = None if tokenizer is None else Masker(tokenizer)
        self.float()  # torch's default dtype may differ in the calling program

    @classmethod
    def for_training(cls, config: Config) -> MaskedLM:
        """The model of a run, with the seed of its masks.

        Args:
            config: The run's configuration.
        """
        model = super().for_training(config)
        model.seed = config.seed
        return model

    def initialize(self) -> None:
        """Gives a new model the head that its encoder was pretrained with, if the encoder's package has it."""
        name = self.config.model.encoder
        found = None if name == SCRATCH else load_token_head(name, self.encoder)
        if found is not None:
            self.head.load_state_dict(found)

    def collate(self, rows: Sequence[dict[str, Any]]) -> MaskedBatch:
        """Makes a batch of windows and hides words in it: in training, new ones in each epoch; otherwise the same ones.

        The draw depends on the seed, the epoch and the window alone. So it is the same in any batch, on any number of
        processes, and after a resume.

        Args:
            rows: Windows with ``input_ids`` and ``key``.
        """
        assert self.masker is not None, "a model without a tokenizer takes token ids alone"
        draw = (self.seed, self.epoch) if self.training else ()
        hidden = [self.masker(row["input_ids"], (*draw, row["key"])) for row in rows]
        packed = self.reader.packs_on(next(self.parameters()).device)
        return collate_masked(rows, hidden, self.encoder.config.pad_token_id or 0, packed)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        lengths: tuple[int, ...] | None = None,
        guessed: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Logits of the whole vocabulary for tokens, before the softmax.

        Args:
            input_ids: Tokens of the windows, padded (B, T) or packed (N).
            attention_mask: 1 for tokens, 0 for padding behind them (B, T); None if packed, or without padding.
            token_type_ids: Segments in the shape of ``input_ids``; zeros by default.
            lengths: Tokens of each window (B), if packed.
            guessed: Places among the N tokens of all windows, ascending (M): logits of these alone.

        Returns:
            Logits (M, V), or of all tokens without padding (N, V).
        """
        if attention_mask is None and lengths is None:
            attention_mask = torch.ones_like(input_ids)
        types = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
        vectors, _ = self.reader.tokens(input_ids, attention_mask, types, lengths, guessed)
        logits: torch.Tensor = self.head(vectors, output_matrix(self.encoder))
        return logits

    def loss(self, outputs: torch.Tensor, batch: MaskedBatch) -> torch.Tensor:
        """``-log p`` of the hidden tokens, summed.

        Args:
            outputs: Logits (M, V).
            batch: The batch that they belong to.
        """
        return F.cross_entropy(outputs.float(), batch.targets, reduction="sum")

    def predict(self, rows: Sequence[dict[str, Any]], options: PredictOptions) -> Iterator[Prediction]:
        """The loss of each window and the number of tokens that it is a sum of; no summaries.

        Args:
            rows: Windows with ``input_ids`` and ``key``.
            options: How they are read.

        Raises:
            BertsumError: if memory does not suffice for a batch.
        """
        for scored in self.outputs(rows, options, self._losses):
            loss, count = scored.output
            yield Prediction(scored.place, [], loss=loss, units=count)

    def _losses(self, batch: MaskedBatch) -> list[tuple[float, int]]:
        """Loss of each window, and its tokens to guess."""
        each = F.cross_entropy(self(**batch.inputs()).float(), batch.targets, reduction="none")
        return [(part.double().sum().item(), len(part)) for part in each.split(list(batch.counts))]
