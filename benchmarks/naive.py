"""The code that benchmark.py compares bertsum with: a simple BERTSUM, in the manner of the authors' code.

It handles one document after the other: the tokenizer reads it sentence by sentence, and the oracle compares Python
sets. The encoder is transformers' eager attention in float32 over padded batches, with the encoder's own dropout.
"""

import re
from collections.abc import Iterable, Iterator

import torch
from torch.nn import functional as F
from transformers import PreTrainedTokenizerBase

from bertsum.models.extractive import BertSum

Example = tuple[list[int], list[int], list[int], list[float]]  # tokens, segments, positions of [CLS], labels


def oracle(sentences: list[str], summary: list[str], most: int = 3) -> list[int]:
    """The greedy oracle; it tries each sentence at each step."""

    def grams(text: str, size: int) -> set[tuple[str, ...]]:
        words = re.sub("[^a-zA-Z0-9 ]", "", text).split()
        return {tuple(words[start : start + size]) for start in range(len(words) - size + 1)}

    def f1(own: set[tuple[str, ...]], wanted: set[tuple[str, ...]]) -> float:
        hits = len(own & wanted)
        precision, recall = hits / max(len(own), 1), hits / max(len(wanted), 1)
        return 2 * precision * recall / (precision + recall + 1e-8)

    wanted = [grams(" ".join(summary), size) for size in (1, 2)]
    every = [[grams(sentence, size) for sentence in sentences] for size in (1, 2)]
    chosen: list[int] = []
    best = 0.0
    while len(chosen) < most:
        pick = None
        for index in range(len(sentences)):
            if index in chosen:
                continue
            unions = [set().union(*(own[place] for place in [*chosen, index])) for own in every]
            score = sum(f1(union, target) for union, target in zip(unions, wanted, strict=True))
            if score > best:
                best, pick = score, index
        if pick is None:
            break
        chosen.append(pick)
    return sorted(chosen)


def encode(
    sentences: list[str], summary: list[str] | None, tokenizer: PreTrainedTokenizerBase, most: int = 512
) -> Example:
    """A document as the model's input, with labels if there is a summary."""
    labels = oracle(sentences, summary) if summary is not None else []
    example: Example = ([], [], [], [])
    ids, segments, positions, targets = example
    for index, sentence in enumerate(sentences):
        if len(ids) + 3 > most:
            break
        tokens = tokenizer.encode(sentence, add_special_tokens=False)[: most - len(ids) - 2]
        positions.append(len(ids))
        targets.append(float(index in labels))
        segments += [index % 2] * (len(tokens) + 2)
        ids += [tokenizer.cls_token_id, *tokens, tokenizer.sep_token_id]
    return example


def batches(examples: Iterable[Example], most: int = 3000) -> Iterator[list[Example]]:
    """Sorted by length, ``count x longest`` tokens at most."""
    batch: list[Example] = []
    for example in sorted(examples, key=lambda example: len(example[0])):
        if batch and len(example[0]) * (len(batch) + 1) > most:
            yield batch
            batch = []
        batch.append(example)
    if batch:
        yield batch


def collate(batch: list[Example]) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """The model's inputs and the labels, padded."""

    def padded(field: int) -> torch.Tensor:
        longest = max(len(example[field]) for example in batch)
        return torch.tensor([example[field] + [0] * (longest - len(example[field])) for example in batch])

    counts = torch.tensor([len(example[2]) for example in batch])
    positions = padded(2)
    lengths = torch.tensor([len(example[0]) for example in batch])
    ids = padded(0)
    inputs = {
        "input_ids": ids,
        "attention_mask": (torch.arange(ids.shape[1]) < lengths[:, None]).long(),
        "token_type_ids": padded(1),
        "cls_positions": positions,
        "sentence_mask": torch.arange(positions.shape[1]) < counts[:, None],
    }
    return inputs, padded(3)


def train_step(model: BertSum, optimizer: torch.optim.Optimizer, batch: list[Example]) -> float:
    """One update; its loss."""
    inputs, labels = collate(batch)
    losses = F.binary_cross_entropy_with_logits(model(**inputs), labels, reduction="none")
    loss = (losses * inputs["sentence_mask"]).sum()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


@torch.no_grad()
def score(model: BertSum, examples: list[Example]) -> list[list[float]]:
    """Logits of each example's sentences, in the order given."""
    logits: dict[int, list[float]] = {}
    for batch in batches(examples):
        inputs, _ = collate(batch)
        for example, scores in zip(batch, model(**inputs).tolist(), strict=True):
            logits[id(example)] = scores[: len(example[2])]
    return [logits[id(example)] for example in examples]
