"""Fits what estimates which n-grams a reference has (:mod:`bertsum.models.expected_rouge`), on held-back documents.

# S sentences that were read, N n-grams of all documents, F features, H hidden units
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from bertsum.config import Config, SelectionConfig
from bertsum.data.prepare import prepare
from bertsum.device import default_device
from bertsum.errors import BertsumError
from bertsum.evaluation.predictions import predict_split
from bertsum.models.base import Model
from bertsum.models.expected_rouge import FEATURES, ExpectedRouge, NgramNetwork, Ngrams, words_of
from bertsum.models.fitted import write_fitted
from bertsum.progress import Progress
from bertsum.text import ngrams

DOCUMENTS = 2000  # at most; more of them change nothing, 500 are nearly as good
LEAST_DOCUMENTS = 20
CANDIDATES = 8  # a document's best sentences, whose n-grams count; those of more of them fit no better
_HIDDEN, _UPDATES, _NGRAMS_AT_ONCE, _LEARNING_RATE = 8, 1000, 4096, 0.01


class ScoredDocument(NamedTuple):
    """A document that a model has scored, and its references.

    Attributes:
        scores: Score of each sentence that was read (S).
        texts: These sentences (S).
        places: Their places in the document (S).
        references: One text or several.
    """

    scores: Sequence[float]
    texts: Sequence[str]
    places: Sequence[int]
    references: Sequence[str]


def fit_expected_rouge(documents: Iterable[ScoredDocument]) -> ExpectedRouge:
    """Fits the networks by cross-entropy: the target of an n-gram is the share of references that have it. The same
    documents give the same networks.

    Args:
        documents: Documents that the model was not trained on.

    Raises:
        BertsumError: if there are too few documents with n-grams.
    """
    features: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    targets: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    lengths: tuple[list[float], list[float]] = ([], [])
    for document in documents:
        scores, places = np.asarray(document.scores, dtype=np.float64), np.asarray(document.places)
        best = np.sort(np.argsort(-scores, kind="stable")[:CANDIDATES])
        words = [words_of(text) for text in document.texts]
        references = [words_of(text) for text in document.references]
        for n in (1, 2):
            of_references = [[*ngrams(reference, n)] for reference in references]
            of_document = Ngrams(words, n)
            _, used = of_document.members(best)
            if not len(used) or not any(of_references):
                continue
            having = Counter(ngram for one in of_references for ngram in set(one))
            shares = np.array([having[ngram] for ngram in of_document.number]) / len(references)
            features[n - 1].append(of_document.features(scores, places)[used])
            targets[n - 1].append(shares[used])
            lengths[n - 1].append(float(np.mean([len(one) for one in of_references])))
    count = min(map(len, lengths))
    if count < LEAST_DOCUMENTS:
        raise BertsumError(f"expected ROUGE: {count} documents to fit it on, expected {LEAST_DOCUMENTS} or more")
    made = [
        _fit(np.concatenate(known), np.concatenate(wanted), float(np.mean(length)))
        for known, wanted, length in zip(features, targets, lengths, strict=True)
    ]
    return ExpectedRouge(made[0], made[1], count)


def _fit(features: np.ndarray, targets: np.ndarray, length: float) -> NgramNetwork:
    """A network from features (N, F) and targets (N)."""
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-3
    known = torch.tensor((features - mean) / scale, dtype=torch.float32)
    wanted = torch.tensor(targets, dtype=torch.float32)
    with torch.random.fork_rng([]), torch.enable_grad():
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(FEATURES, _HIDDEN), nn.Tanh(), nn.Linear(_HIDDEN, 1))
        optimizer = torch.optim.AdamW(network.parameters(), _LEARNING_RATE, weight_decay=1e-4)
        for update in range(_UPDATES):
            optimizer.param_groups[0]["lr"] = _LEARNING_RATE * (1 - update / _UPDATES)
            drawn = torch.randint(len(known), (_NGRAMS_AT_ONCE,))
            loss = F.binary_cross_entropy_with_logits(network(known[drawn])[:, 0], wanted[drawn])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    hidden, hidden_bias, output, output_bias = (one.detach().double().numpy() for one in network.parameters())
    hidden = hidden / scale  # so that it takes features as they are
    hidden_bias = hidden_bias - hidden @ mean
    return NgramNetwork(
        tuple(map(tuple, hidden.tolist())),
        tuple(hidden_bias.tolist()),
        tuple(output[0].tolist()),
        float(output_bias[0]),
        length,
    )


def fit_selection(checkpoint: str | Path, config: Config) -> ExpectedRouge:
    """Fits a saved model's expected ROUGE on validation documents, and saves it with the model, which then chooses
    extracts by it.

    Args:
        checkpoint: The folder of a model of the extractive kind; its config.json is changed.
        config: Its ``data`` has the documents, up to 2,000 of them are taken, evenly spaced. ``selection.candidates``
            is how many sentences extracts are made of, by default 8.

    Raises:
        BertsumError: if the model is of another kind or not a folder, documents cannot be used, or there are too few.
    """
    if not Path(checkpoint).is_dir():
        raise BertsumError(f"checkpoint '{checkpoint}': is no folder; expected one, because its config.json is changed")
    model = Model.from_pretrained(checkpoint, device=str(default_device()), only_score=True)
    if model.kind != "extractive":
        raise BertsumError(f"'{checkpoint}': is of model.kind {model.kind}, expected extractive")
    config = model.config.apply(config)
    prepared = prepare(config, "validation", model.tokenizer, model.target_tokenizer)
    chosen = prepared.spread(DOCUMENTS)
    rows = prepared.dataset.select(chosen)

    def documents() -> Iterable[ScoredDocument]:
        with Progress("score validation for expected ROUGE", len(chosen)) as progress:
            for made in predict_split(model, prepared, config, chosen, progress):
                row = rows[made.place]
                if row.get("query"):
                    continue
                read = [(place, score) for place, score in enumerate(made.scores) if score is not None]
                yield ScoredDocument(
                    [score for _, score in read],
                    [row["sentences"][place] for place, _ in read],
                    [place for place, _ in read],
                    [" ".join(reference) for reference in row["references"]],
                )

    fitted = fit_expected_rouge(documents())
    candidates = config.selection.candidates or CANDIDATES
    chosen_by = {"candidates": candidates, "threshold": None, "trigram_blocking": False}
    write_fitted(Path(checkpoint), {"expected_rouge": fitted}, chosen_by)
    return fitted


def tell_choice(model: Model, selection: SelectionConfig) -> None:
    """Says that sentences are taken by score, where extracts were asked for and the model is not fitted for them."""
    if model.kind == "extractive" and selection.candidates is not None and model.config.expected_rouge is None:
        print("selection.candidates: nothing is fitted (bertsum calibrate); sentences are taken by score", flush=True)
