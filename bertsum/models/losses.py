"""Losses: of sentences, a sum over a batch from logits and labels; of tokens, from log-probabilities and targets.

A loss of an extractive model sees logits, labels and mask, and nothing else. Labels are from 0 to 1. docs/losses.md has
the formulas.

# B documents, S sentences, M tokens, V vocabulary
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Literal

import torch
from torch.nn import functional as F

from bertsum.config import TrainConfig

# Takes logits, labels and the mask of sentences (B, S each); returns a sum, a scalar.
SentenceLoss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
PositiveWeight = float | Literal["balanced"]


def cross_entropy(
    logits: torch.Tensor, labels: torch.Tensor, sentence_mask: torch.Tensor, positive_weight: PositiveWeight = 1.0
) -> torch.Tensor:
    """Binary cross-entropy summed over the sentences of a batch (the paper).

    Args:
        logits: (B, S).
        labels: (B, S).
        sentence_mask: (B, S); padding does not count.
        positive_weight: Weight of sentences labelled 1, or balanced.

    Returns:
        The sum, a scalar.
    """
    losses = _cross_entropies(logits, labels, sentence_mask, positive_weight)
    return torch.where(sentence_mask, losses, 0.0).sum()


def focal(
    logits: torch.Tensor,
    labels: torch.Tensor,
    sentence_mask: torch.Tensor,
    positive_weight: PositiveWeight = 1.0,
    gamma: float = 2.0,
) -> torch.Tensor:
    """Focal loss (arXiv 1708.02002) summed over the sentences of a batch: sentences that are scored well count less.

    For labels between 0 and 1 it is the quality focal loss (arXiv 2006.04388), whose minimum is the label; for 0 and 1
    the two are the same.

    Args:
        logits: (B, S).
        labels: (B, S).
        sentence_mask: (B, S); padding does not count.
        positive_weight: Weight of sentences labelled 1, or balanced.
        gamma: Exponent of the distance between probability and label, 1 or more.

    Returns:
        The sum, a scalar.
    """
    distances = (labels - logits.float().sigmoid()).abs()
    losses = distances**gamma * _cross_entropies(logits, labels, sentence_mask, positive_weight)
    return torch.where(sentence_mask, losses, 0.0).sum()


def listwise(logits: torch.Tensor, labels: torch.Tensor, sentence_mask: torch.Tensor) -> torch.Tensor:
    """Listwise cross-entropy, summed over documents (ListNet's top-one loss, Cao et al. 2007).

    It compares each document's labels, divided by their sum, with a softmax over its logits. A document whose labels
    are all 0 has the loss 0.

    Args:
        logits: (B, S).
        labels: (B, S).
        sentence_mask: (B, S); padding does not count.

    Returns:
        The sum, a scalar.
    """
    labels = torch.where(sentence_mask, labels, 0.0)
    shares = labels / labels.sum(dim=1, keepdim=True).clamp(min=_LEAST)  # (B, S)
    return -(shares * _masked(logits, sentence_mask).log_softmax(dim=1)).sum()


def combined(
    logits: torch.Tensor, labels: torch.Tensor, sentence_mask: torch.Tensor, positive_weight: PositiveWeight = 1.0
) -> torch.Tensor:
    """The sum of :func:`cross_entropy`, which learns probabilities, and :func:`listwise`, which learns the order;
    arguments as in the former.
    """
    return cross_entropy(logits, labels, sentence_mask, positive_weight) + listwise(logits, labels, sentence_mask)


def answer_spans(logits: torch.Tensor, answers: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of where answers begin and end, summed over documents (arXiv 1810.04805, sections 4.2 and 4.3).

    Two softmaxes over a document's tokens tell where an answer begins, and where one ends. Where a document has several
    answers, their probabilities are added up. Where it has none, both are at its first [CLS].

    Args:
        logits: Logits of begin and end (B, T, 2).
        answers: 1 for tokens that answer, 0 for others that could, -1 for those that cannot; a document whose first
            token has -1 does not count (B, T).

    Returns:
        The sum of the documents' losses, each the mean of both, a scalar.
    """
    inside, known = answers > 0, answers[:, 0] >= 0
    begins = inside & ~F.pad(inside, (1, 0))[:, :-1]
    ends = inside & ~F.pad(inside, (0, 1))[:, 1:]
    wanted = torch.stack([begins, ends], dim=2)  # (B, T, 2)
    wanted[:, 0] |= ~inside.any(dim=1, keepdim=True)
    least = torch.finfo(torch.float32).min
    shares = logits.float().masked_fill((answers < 0)[..., None], least).log_softmax(dim=1)
    losses = -shares.masked_fill(~wanted, least).logsumexp(dim=1).mean(dim=1)  # (B)
    return torch.where(known, losses, 0.0).sum()


_LEAST = 1e-9  # a sum of labels below this counts as 0


def _cross_entropies(
    logits: torch.Tensor, labels: torch.Tensor, sentence_mask: torch.Tensor, positive_weight: PositiveWeight
) -> torch.Tensor:
    """Binary cross-entropy of each sentence (B, S); that of padding means nothing."""
    if positive_weight == "balanced":
        weight = balanced_weights(labels, sentence_mask)
    else:
        weight = torch.tensor(positive_weight, dtype=torch.float32, device=logits.device)
    return F.binary_cross_entropy_with_logits(logits.float(), labels, reduction="none", pos_weight=weight)


def balanced_weights(labels: torch.Tensor, sentence_mask: torch.Tensor) -> torch.Tensor:
    """For each document, the weight of positives with which they count as much as its negatives (B, 1).

    It depends on the document alone. So it is the same in any batch, with any accumulation and number of processes, and
    in validation. Where all labels are 0, or all are 1, it is 1.

    Args:
        labels: (B, S); a label of 0.3 is 0.3 of a positive and 0.7 of a negative.
        sentence_mask: (B, S).
    """
    positives = torch.where(sentence_mask, labels, 0.0).sum(dim=1, keepdim=True)
    negatives = torch.where(sentence_mask, 1 - labels, 0.0).sum(dim=1, keepdim=True)
    both = (positives > _LEAST) & (negatives > _LEAST)
    return torch.where(both, negatives / positives.clamp(min=_LEAST), 1.0)


# Losses of extractive models, by train.loss; each is bound to its settings.
LOSSES: dict[str, Callable[[TrainConfig], SentenceLoss]] = {
    "cross_entropy": lambda train: functools.partial(cross_entropy, positive_weight=train.positive_weight),
    "focal": lambda train: functools.partial(focal, positive_weight=train.positive_weight, gamma=train.focal_gamma),
    "listwise": lambda train: listwise,
    "combined": lambda train: functools.partial(combined, positive_weight=train.positive_weight),
}


def scores_of(logits: torch.Tensor, scores: str) -> torch.Tensor:
    """Turns the logits of one document's sentences (S) into scores (S), by the function that belongs to the loss.

    Args:
        logits: The document's logits.
        scores: ``SavedConfig.scores``: sigmoid, for the probability that the summary has a sentence; or softmax, for a
            sentence's share among all, where shares add up to 1.
    """
    return logits.softmax(dim=0) if scores == "softmax" else logits.sigmoid()


def _masked(logits: torch.Tensor, sentence_mask: torch.Tensor) -> torch.Tensor:
    """Logits (B, S) in which padding is masked: it gets no share in a softmax, and no gradient."""
    return logits.float().masked_fill(~sentence_mask, torch.finfo(torch.float32).min)


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
