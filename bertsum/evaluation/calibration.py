"""Finds the threshold that keeps an answer in 95% or 98% of new records, by split conformal prediction.

The threshold is set on held-back records: records that the model was not trained on.

Vovk, Gammerman and Shafer 2005; Angelopoulos and Bates 2021 (arXiv 2107.07511), sections 1 and 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bertsum.errors import BertsumError
from bertsum.files import read_json_lines
from bertsum.models.fitted import Calibrated, write_fitted
from bertsum.models.storage import read_model, saved_checksum
from bertsum.results import RESULTS_FILE, Results

RECALLS = (0.95, 0.98)
_DRAWS = 100_000
_RAISING = ("word_weight", "similarity_weight")  # fields of the selection that change scores


def threshold_for(best: Sequence[float], recall: float) -> Calibrated:
    """The threshold that keeps an answer in at least a share ``recall`` of new records, on average over held-back sets.

    A record keeps an answer if the best score of its sentences that answer is not below the threshold. If N held-back
    records and a new one of the same kind are sorted by this score, the new one is equally likely at each place. So
    with ``k = floor((1 - recall) (N + 1))`` the k-th lowest best score is a threshold that a new record reaches with
    probability of at least ``1 - k / (N + 1)``. With a fixed held-back set this share is Beta(N + 1 - k, k)
    distributed.

    Args:
        best: For each held-back record that has an answer, the best score of its sentences that answer.
        recall: The share, above 0 and below 1.

    Raises:
        BertsumError: if it is no such share, or there are too few records for it.
    """
    if not 0 < recall < 1:
        raise BertsumError(f"calibration: recall: got {recall}, expected a share above 0 and below 1")
    place = int((1 - recall) * (len(best) + 1) + 1e-9)
    if place < 1:
        least = int(np.ceil(1 / (1 - recall) - 1e-9)) - 1
        raise BertsumError(
            f"calibration: {len(best)} records with an answer, expected {least} or more for a recall of {recall}"
        )
    shares = np.random.default_rng(0).beta(len(best) + 1 - place, place, _DRAWS)
    low, high = np.percentile(shares, [2.5, 97.5])
    threshold = float(np.sort(np.asarray(best))[place - 1])
    # Scores are written with six places; the threshold must not be above any of them.
    return Calibrated(recall, max(0.0, threshold - 5e-7), (round(float(low), 4), round(float(high), 4)), len(best))


def calibrate(model: str | Path, predictions: str | Path) -> list[Calibrated]:
    """Writes calibrated thresholds into a saved model; the one for 95% becomes its ``selection.query_threshold``.

    Args:
        model: The folder of a saved model.
        predictions: The predictions.jsonl of its evaluation on held-back records with the metric answers.

    Returns:
        A threshold for each of ``RECALLS``.

    Raises:
        BertsumError: if the files cannot be read, are of another model or scored in another way than it scores, or hold
            too few records.
    """
    folder, file = Path(model), Path(predictions)
    checksum = saved_checksum(folder)
    if not file.is_file():
        raise BertsumError(f"'{file}': does not exist, expected the predictions.jsonl of an evaluation")
    results = Results.read(file.with_name(RESULTS_FILE))
    if checksum not in results.weights.values():
        raise BertsumError(f"calibration: '{file}' is of another model than '{folder}'; evaluate this one first")
    saved = read_model(folder).config.selection
    for name in _RAISING:
        used, own = (results.selection or {}).get(name, 0.0), getattr(saved, name)
        if used != own:
            raise BertsumError(
                f"calibration: '{file}' was scored with selection.{name} {used}, but '{folder}' has {own}; evaluate it "
                f"with --selection.{name} {own}"
            )
    best = _best_scores(file)
    made = [threshold_for(best, recall) for recall in RECALLS]
    write_fitted(folder, {"calibration": made}, {"query_threshold": made[0].threshold})
    return made


def _best_scores(file: Path) -> list[float]:
    """Of each record with an answer, the best score of its sentences that answer; 0 if none was read."""
    best = []
    for place, record in read_json_lines(file):
        try:
            relevant, scores = record["relevant"], [score or 0.0 for score in record["scores"]]
            if not all(0 <= score <= 1 for score in scores):
                raise ValueError("scores: expected a probability or null for each sentence")
            if relevant:
                best.append(max(scores[number] for number in relevant))
        except (ValueError, LookupError, TypeError) as error:
            raise BertsumError(
                f"{place}: is no prediction for a query ({error!r}); expected the predictions.jsonl of an evaluation "
                "with evaluation.metrics [answers]"
            ) from error
    return best
