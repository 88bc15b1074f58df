"""Losses: logits and labels to a sum over sentences.

# B documents, S sentences
"""

from __future__ import annotations

import torch
from torch.nn import functional as F


def sentence_loss(
    logits: torch.Tensor, labels: torch.Tensor, sentence_mask: torch.Tensor, positive_weight: float = 1.0
) -> torch.Tensor:
    """Binary cross-entropy summed over the sentences of a batch.

    Args:
        logits: (B, S).
        labels: (B, S).
        sentence_mask: (B, S); padding does not count.
        positive_weight: Weight of sentences labelled 1.

    Returns:
        The sum, a scalar.
    """
    weight = torch.tensor(positive_weight, dtype=torch.float32, device=logits.device)
    losses = F.binary_cross_entropy_with_logits(logits.float(), labels, reduction="none", pos_weight=weight)
    return torch.where(sentence_mask, losses, 0.0).sum()
