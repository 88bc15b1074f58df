"""Losses: logits and labels to a sum over sentences; log-probabilities and targets to a loss of each token.

# B documents, S sentences, M tokens, V vocabulary
"""

from __future__ import annotations

import math

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


def token_losses(
    log_probabilities: torch.Tensor, targets: torch.Tensor, pad_id: int, smoothing: float = 0.0
) -> torch.Tensor:
    """The divergence ``KL(smoothed target || model)`` of each token, as the authors' code counts it.

    The smoothed target has ``1 - smoothing`` on the token, the rest in equal parts on all others but padding. Without
    smoothing this is the negative log-likelihood.

    Args:
        log_probabilities: (M, V).
        targets: Tokens, none of them padding (M).
        pad_id: Token of padding.
        smoothing: Share of probability on other tokens.

    Returns:
        A loss for each token (M).
    """
    of_target = log_probabilities.gather(1, targets[:, None])[:, 0]
    if not smoothing:
        return -of_target
    each = smoothing / (log_probabilities.shape[1] - 2)
    others = log_probabilities.sum(dim=1) - of_target - log_probabilities[:, pad_id]
    entropy = (1 - smoothing) * math.log(1 - smoothing) + smoothing * math.log(each)
    return entropy - (1 - smoothing) * of_target - each * others
