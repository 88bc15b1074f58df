"""What a query adds to the logits of sentences: the words that they share, and what the pretrained encoder says.

# S sentences
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from bertsum.config import SelectionConfig
from bertsum.models.contract import PredictOptions
from bertsum.models.shared_words import shared_words
from bertsum.models.similarity import AskedDocument, Similarity
from bertsum.models.storage import SavedConfig

_LOCK = threading.Lock()  # held while a pretrained encoder is read


class Asked:
    """Raises logits where sentences are like a query; it reads the pretrained encoder when a query needs it.

    Args:
        config: The model's configuration.
    """

    def __init__(self, config: SavedConfig) -> None:
        self._config = config
        self._similarity: Similarity | None = None

    def __call__(
        self,
        rows: Sequence[Mapping[str, Any]],
        logits: Sequence[torch.Tensor],
        selection: SelectionConfig,
        options: PredictOptions,
        device: torch.device,
    ) -> list[torch.Tensor]:
        """Logits of documents (S each); those of documents without a query stay.

        Args:
            rows: The documents, with ``input_ids``, ``cls_positions``, ``sentences``, ``sentence_indices`` and, if they
                have one, a ``query``.
            logits: The model's (S each).
            selection: ``word_weight`` and ``similarity_weight`` are read.
            options: ``precision`` and ``max_tokens_per_batch`` are read, for the pretrained encoder.
            device: Where the pretrained encoder reads.

        Raises:
            BertsumError: if the pretrained encoder is needed and cannot be loaded, or memory does not suffice.
        """
        raised = list(logits)
        asked = [place for place, row in enumerate(rows) if row.get("query") and len(logits[place])]
        if selection.word_weight:
            for place in asked:
                row = rows[place]
                shared = shared_words(row["query"], row["sentences"])
                raised[place] = raised[place] + selection.word_weight * torch.tensor(
                    [shared[index] for index in row["sentence_indices"]]
                )
        if selection.similarity_weight and asked:
            documents = [
                AskedDocument(raised[place], rows[place]["input_ids"], rows[place]["cls_positions"]) for place in asked
            ]
            again = self._pretrained(device).raised(documents, selection.similarity_weight, options)
            for place, values in zip(asked, again, strict=True):
                raised[place] = values
        return raised

    def _pretrained(self, device: torch.device) -> Similarity:
        """The pretrained encoder on this device."""
        with _LOCK:  # threads that ask at once share it
            if self._similarity is None or self._similarity.device != device:
                self._similarity = Similarity(self._config.model, self._config.encoding.max_length, device)
            return self._similarity

    def __getstate__(self) -> dict[str, Any]:
        """Leaves out the pretrained encoder, which another process can read itself."""
        return {**self.__dict__, "_similarity": None}
