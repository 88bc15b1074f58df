"""BERTScore (Zhang et al. 2020, arXiv 1904.09675): how well the tokens of two texts match as vectors.

Each token is matched with the token of the other text whose vector has the largest cosine with its own. Precision is
the mean over the summary's tokens, recall over the reference's. The vectors come from the last layer of the
pretrained encoder that the config names, not from a trained model. So all systems, and all models on one encoder, are
judged by the same vectors. All tokens have the same weight, [CLS] and [SEP] have none, and scores are not rescaled.

# N documents, K tokens of a summary, L tokens of a reference, H hidden
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional as F

from bertsum.by_place import ByPlace
from bertsum.config import Config
from bertsum.data.batching import length_batches
from bertsum.data.encoding import special_ends
from bertsum.device import default_device
from bertsum.encoders.load import load_encoder, load_tokenizer
from bertsum.encoders.padded import encode_padded
from bertsum.evaluation.measure import Measures
from bertsum.models.contract import Prediction
from bertsum.progress import Progress

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from bertsum.encoders.load import Encoder

_CHUNK = 64  # documents whose vectors are in memory at once
Texts = Sequence[str]  # the sentences of one text


class BertScorer:
    """Scores texts by the vectors of one encoder.

    Args:
        encoder: The encoder.
        tokenizer: Its tokenizer.
        max_length: The encoder reads this many tokens of a text; the others do not count.
        max_tokens_per_batch: Budget of a batch.
    """

    def __init__(
        self, encoder: Encoder, tokenizer: PreTrainedTokenizerBase, max_length: int, max_tokens_per_batch: int = 4096
    ) -> None:
        self._encoder = encoder.eval()
        self._tokenizer = tokenizer
        self._max_length = max_length
        self._budget = max_tokens_per_batch

    def vectors(self, texts: Sequence[str]) -> list[torch.Tensor]:
        """Vectors of norm 1 for the tokens of each text (L, H), without [CLS] and [SEP], on the CPU."""
        begin, end = special_ends(self._tokenizer)
        found = self._tokenizer(list(texts), add_special_tokens=False, truncation=True, max_length=self._max_length - 2)
        encoded = [[begin, *ids, end] for ids in found["input_ids"]]
        device = next(self._encoder.parameters()).device
        made: dict[int, torch.Tensor] = {}
        for places in length_batches([len(ids) for ids in encoded], self._budget):
            lengths = [len(encoded[place]) for place in places]
            padding = self._tokenizer.pad_token_id or 0
            ids = torch.full((len(places), max(lengths)), padding)  # (N, T)
            for row, place in enumerate(places):
                ids[row, : lengths[row]] = torch.tensor(encoded[place])
            mask = torch.arange(ids.shape[1])[None] < torch.tensor(lengths)[:, None]
            with torch.inference_mode():
                hidden = encode_padded(self._encoder, ids.to(device), mask.long().to(device), None)
            for row, place in enumerate(places):
                made[place] = F.normalize(hidden[row, 1 : lengths[row] - 1].float().cpu(), dim=-1)
        return [made[place] for place in range(len(texts))]

    def __call__(
        self, systems: Mapping[str, Sequence[Texts]], references: Sequence[Sequence[Texts]], best: bool = False
    ) -> dict[str, np.ndarray]:
        """Precision, recall and F1 of each system's summaries (N, 3); nan where a text has no token.

        Args:
            systems: Each document's summary (N), by system.
            references: Each document's references (N).
            best: With several references: True for the one with the best F1, False for the mean over all.
        """
        given = [*systems.values(), *references]
        texts = list(dict.fromkeys(_joined(text) for several in given for text in several))
        vectors = dict(zip(texts, self.vectors(texts), strict=True))
        scores = {system: np.full((len(references), 3), np.nan) for system in systems}
        for system, summaries in systems.items():
            for place, (summary, several) in enumerate(zip(summaries, references, strict=True)):
                found = [matched(vectors[_joined(summary)], vectors[_joined(reference)]) for reference in several]
                known = [values for values in found if values is not None]
                if known:
                    best_or_mean = max(known, key=lambda values: values[2]) if best else np.mean(known, axis=0)
                    scores[system][place] = best_or_mean
        return scores


def matched(summary: torch.Tensor, reference: torch.Tensor) -> tuple[float, float, float] | None:
    """Precision, recall and F1 of one summary; None if a text has no token.

    Args:
        summary: Vectors of norm 1 (K, H).
        reference: Vectors of norm 1 (L, H).
    """
    if not len(summary) or not len(reference):
        return None
    similar = summary @ reference.T  # (K, L)
    precision, recall = similar.amax(dim=1).mean().item(), similar.amax(dim=0).mean().item()
    return precision, recall, 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def add_bertscores(
    config: Config,
    rows: ByPlace[dict[str, Any]],
    measures: Measures,
    predictions: Mapping[str, ByPlace[Prediction]],
) -> None:
    """Adds the F1 of each system's summaries to ``measures.text_figures``, as the last column.

    Args:
        config: Its encoder, and how several references count.
        rows: The documents (N), with ``sentences`` and ``references``.
        measures: What each system chose.
        predictions: Predictions for each document (N), by model.

    Raises:
        BertsumError: if the encoder cannot be loaded.
    """
    encoder = load_encoder(config.model, config.encoding.max_length)
    encoder.to(default_device())
    tokenizer = load_tokenizer(config.model.encoder)
    scorer = BertScorer(encoder, tokenizer, config.encoding.max_length, config.evaluation.max_tokens_per_batch)
    systems = list(dict.fromkeys([*measures.choices, *predictions]))
    made: dict[str, list[np.ndarray]] = {system: [] for system in systems}
    with Progress("BERTScore", len(rows)) as shown:
        for begin in range(0, len(rows), _CHUNK):
            places = range(begin, min(begin + _CHUNK, len(rows)))
            chunk = [rows[place] for place in places]
            summaries = {
                system: [
                    [row["sentences"][index] for index in measures.choices[system][place]]
                    if system in measures.choices
                    else predictions[system][place].sentences
                    for place, row in zip(places, chunk, strict=True)
                ]
                for system in systems
            }
            references = [row["references"] for row in chunk]
            for system, scores in scorer(summaries, references, config.rouge.references == "best").items():
                made[system].append(scores[:, 2:])
            shown.update(len(chunk))
    for system, parts in made.items():
        before = measures.text_figures.get(system, np.empty((len(rows), 0)))
        measures.text_figures[system] = np.concatenate([before, np.concatenate(parts)], axis=1)


def _joined(sentences: Texts) -> str:
    return " ".join(sentences)
