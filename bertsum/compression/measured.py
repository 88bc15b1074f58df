"""Compares a smaller model with its original: size, speed, ROUGE, and the share of equal summaries.

# N documents
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from bertsum.config import Config
from bertsum.data.prepare import prepare
from bertsum.evaluation.compare import Difference, compare
from bertsum.evaluation.evaluate import evaluate
from bertsum.evaluation.predictions import predict_split
from bertsum.files import read_json_lines
from bertsum.models.base import Model
from bertsum.models.storage import WEIGHTS_FILE

PREDICTIONS_FILE = "predictions.jsonl"


@dataclass(frozen=True)
class Size:
    """A model's size.

    Attributes:
        parameters: Weights of the whole model.
        bytes: Size of the weights file. It is small for a model with adapters, whose encoder is stored elsewhere.
    """

    parameters: int
    bytes: int


@dataclass(frozen=True)
class Comparison:
    """A smaller model beside its original, on the same documents. Prints as a table.

    Attributes:
        original: Size of the original.
        smaller: Size of the smaller model.
        speed: How many times as fast the smaller model is as the original: the median over pairs of timed passes.
        speeds: The ratio of each pair of passes.
        differences: The original (a) and the smaller model (b) by metric, with a paired test.
        equal: Share of documents with the same summary.
        documents: N.
        precision: Arithmetic of both.
        note: What a reader of the figures has to know.
    """

    original: Size
    smaller: Size
    speed: float
    speeds: list[float]
    differences: dict[str, Difference]
    equal: float
    documents: int
    precision: str
    note: str = ""

    def __str__(self) -> str:
        lines = [f"{self.documents:,} documents, {self.precision}", f"{'':<18}{'original':>10}{'smaller':>10}"]
        for name, a, b in (
            ("parameters, M", self.original.parameters, self.smaller.parameters),
            ("weights, MB", self.original.bytes, self.smaller.bytes),
        ):
            lines.append(f"{name:<18}{a / 1e6:>10.1f}{b / 1e6:>10.1f}{b / a:>10.2f} x")
        spread = f"({min(self.speeds):.2f} to {max(self.speeds):.2f} in {len(self.speeds)} pairs of passes)"
        lines.append(f"{'speed':<18}{1:>10.2f}{self.speed:>10.2f}{self.speed:>10.2f} x  {spread}")
        for metric, difference in self.differences.items():
            low, high = difference.interval
            lines.append(
                f"{metric.upper():<18}{difference.a:>10.2f}{difference.b:>10.2f}{difference.mean:>+10.2f}"
                f"    (95% {low:+.2f} to {high:+.2f}, p {difference.p_value:.4f})"
            )
        lines.append(f"{'equal summaries':<18}{'':>10}{100 * self.equal:>9.1f}%")
        return "\n".join([*lines, self.note] if self.note else lines)


def compare_models(
    config: Config,
    original: str | Path,
    smaller: str | Path,
    split: str = "validation",
    timed: int = 200,
    pairs: int = 5,
) -> Comparison:
    """Evaluates both models on a split, and times them in turn.

    The results of both lie in ``original`` and in ``eval`` of the run folder.

    Args:
        config: The smaller model's run.
        original: A checkpoint folder or hub id.
        smaller: A checkpoint folder.
        split: train, validation or test.
        timed: Number of documents in a timed pass: the first ones of the split.
        pairs: Number of timed passes of each model.

    Raises:
        BertsumError: if a model or the documents cannot be used.
    """
    beside = config.override({"output_dir": str(config.run_dir), "name": "original"}, training=False)
    of_original, of_smaller = evaluate(beside, original, split), evaluate(config, smaller, split)
    files = of_original.folder / PREDICTIONS_FILE, of_smaller.folder / PREDICTIONS_FILE
    models = [Model.from_pretrained(path, only_score=True) for path in (original, smaller)]
    speeds = _speeds(config, models, split, timed, pairs)
    return Comparison(
        original=_size(models[0]),
        smaller=_size(models[1]),
        speed=median(speeds),
        speeds=speeds,
        differences=compare(*files),
        equal=equal_summaries(*files),
        documents=of_smaller.documents,
        precision=str(of_smaller.precision),
    )


def equal_summaries(a: Path, b: Path) -> float:
    """The share of documents for which two ``predictions.jsonl`` have the same summary, whatever the order
    of its sentences. Both files have the same documents in the same order.
    """
    summaries = [[(record["id"], sorted(record["summary"])) for _, record in read_json_lines(path)] for path in (a, b)]
    return float(np.mean([one == other for one, other in zip(*summaries, strict=True)]))


def _speeds(config: Config, models: Sequence[Model], split: str, timed: int, pairs: int) -> list[float]:
    """How many times as fast the second model reads documents as the first, in each of the pairs of passes."""
    passes: list[Callable[[], float]] = [_timed_pass(config, model, split, timed) for model in models]
    for each in passes:
        each()  # warms up
    return [first / second for first, second in ([each() for each in passes] for _ in range(pairs))]


def _timed_pass(config: Config, model: Model, split: str, timed: int) -> Callable[[], float]:
    prepared = prepare(model.config.apply(config), split, model.tokenizer, model.target_tokenizer)
    places = range(min(timed, len(prepared)))

    def seconds() -> float:
        begin = time.perf_counter()
        for _ in predict_split(model, prepared, config, places):
            pass
        return time.perf_counter() - begin

    return seconds


def _size(model: Model) -> Size:
    assert model.folder is not None
    parameters = sum(weight.numel() for weight in model.parameters())
    return Size(parameters, (model.folder / WEIGHTS_FILE).stat().st_size)
