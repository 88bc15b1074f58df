"""What held-back documents have set in a saved model, after its training: parts of config.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bertsum.errors import BertsumError
from bertsum.files import write_whole
from bertsum.models.expected_rouge import FEATURES, ExpectedRouge, NgramNetwork

FITTED = ("calibration", "expected_rouge")
_CONFIG_FILE = "config.json"


@dataclass(frozen=True)
class Calibrated:
    """A calibrated threshold for queries, set on held-back records (:mod:`bertsum.evaluation.calibration`).

    Attributes:
        recall: The share of records of the same kind that keep a sentence that answers.
        threshold: The least score of a sentence that is kept.
        interval: 95% interval of this share, given the records that set the threshold.
        records: Number of records with an answer that set the threshold.
    """

    recall: float
    threshold: float
    interval: tuple[float, float]
    records: int

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"A threshold of {self.threshold:.4f} keeps an answer in {self.recall:.0%} of such records "
            f"({low:.1%} to {high:.1%}, from {self.records:,})"
        )


def read_fitted(described: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The fields ``FITTED`` of a saved model's configuration; older models do not have them.

    Args:
        described: The content of config.json.
        folder: The model's folder, for messages.

    Raises:
        BertsumError: if one of them is broken.
    """
    readers = {"calibration": _calibration, "expected_rouge": _expected_rouge}
    made = {}
    for name in FITTED:
        try:
            made[name] = readers[name](described.get(name))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise BertsumError(f"model '{folder}': {_CONFIG_FILE} is broken: {name}: {error!r}") from error
    return made


def _calibration(described: Any) -> tuple[Calibrated, ...]:
    return tuple(
        Calibrated(float(one["recall"]), float(one["threshold"]), (low, high), int(one["records"]))
        for one in described or []
        for low, high in [one["interval"]]
    )


def _expected_rouge(described: Any) -> ExpectedRouge | None:
    if described is None:
        return None
    unigrams, bigrams = (_network(described[name]) for name in ("unigrams", "bigrams"))
    return ExpectedRouge(unigrams, bigrams, int(described["documents"]))


def _network(described: Any) -> NgramNetwork:
    values = {item.name: np.array(described[item.name], dtype=np.float64) for item in fields(NgramNetwork)}
    units = len(values["output"])
    shapes = {"hidden": (units, FEATURES), "hidden_bias": (units,), "output": (units,), "output_bias": (), "length": ()}
    for name, shape in shapes.items():
        if values[name].shape != shape or not np.isfinite(values[name]).all():
            raise ValueError(f"{name} has the shape {values[name].shape}, expected finite numbers of the shape {shape}")
    return NgramNetwork(
        tuple(map(tuple, values["hidden"].tolist())),
        tuple(values["hidden_bias"].tolist()),
        tuple(values["output"].tolist()),
        float(values["output_bias"]),
        float(values["length"]),
    )


def write_fitted(folder: Path, fitted: Mapping[str, Any], selection: Mapping[str, Any]) -> None:
    """Changes a saved model's config.json.

    Args:
        folder: The model's folder.
        fitted: Fields of ``FITTED`` and their new values.
        selection: Fields of its selection and their new values.
    """
    path = folder / _CONFIG_FILE
    described: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    described |= {name: _plain(value) for name, value in fitted.items()}
    described["selection"] |= selection
    write_whole(path, json.dumps(described, indent=2, ensure_ascii=False) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
