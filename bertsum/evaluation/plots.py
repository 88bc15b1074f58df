"""Pictures of what was measured: where summaries come from, and how trainings went."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bertsum.errors import BertsumError
from bertsum.evaluation.charts import Chart, bars, lines, svg
from bertsum.evaluation.rouge import METRICS
from bertsum.files import write_whole

POSITIONS = 20  # shown one by one; what is beyond stands in one more


def plot_positions(files: Sequence[str | Path], output: str | Path) -> None:
    """Draws where in their documents the chosen sentences stand, beside the oracle's (1908.08345, figure 2).

    Args:
        files: ``predictions.jsonl`` of systems on the same documents, each named by its run.
        output: Picture to write, an .svg.

    Raises:
        BertsumError: if a file cannot be read, or the picture not written.
    """
    chosen: dict[str, list[list[int]]] = {}
    for file in map(Path, files):
        lines = list(_lines(file, {"indices": list, "oracle": list}))
        oracle = chosen.setdefault("oracle", [line["oracle"] for line in lines])
        if oracle != [line["oracle"] for line in lines]:
            raise BertsumError(f"'{file}': its documents are not those of '{files[0]}'")
        if _run_name(file) in chosen:
            raise BertsumError(f"'{file}': another file has its name, '{_run_name(file)}', too")
        chosen[_run_name(file)] = [line["indices"] for line in lines]

    _picture([positions_chart(chosen)], output)


def positions_chart(chosen: Mapping[str, Sequence[Sequence[int]]]) -> Chart:
    """Where in their documents the sentences stand that each system chose."""
    places = [*map(str, range(1, POSITIONS + 1)), "later"]
    shares = {system: [100 * share for share in position_shares(indices)] for system, indices in chosen.items()}
    return bars(places, shares, "position of the sentence in its document", "share of all chosen sentences, %")


def position_shares(indices: Sequence[Sequence[int]]) -> list[float]:
    """Share of the chosen sentences at each of the first positions, and of all later ones together."""
    places = [min(index, POSITIONS) for document in indices for index in document]
    return [places.count(place) / max(1, len(places)) for place in range(POSITIONS + 1)]


def plot_curves(runs: Sequence[str | Path], output: str | Path, metric: str = "rouge1") -> None:
    """Draws a validation metric of runs over the documents that they have seen.

    Args:
        runs: Run folders, with ``metrics.jsonl``.
        output: Picture to write, an .svg.
        metric: What to draw: loss, or a ROUGE that ``train.validate_rouge`` measured.

    Raises:
        BertsumError: if a run has no such metric, or the picture cannot be written.
    """
    curves = {}
    for run in map(Path, runs):
        points = _points(_metrics(run), "validation", metric)
        if not points:
            raise BertsumError(f"'{run}': its metrics.jsonl has no '{metric}' of a validation")
        curves[run.name] = points
    up = f"validation {metric if metric == 'loss' else metric.upper()}"
    _picture([lines(curves, "training documents seen", up)], output)


def plot_training(run: str | Path, output: str | Path) -> None:
    """Draws the losses of one run, and the ROUGE that its validations measured, over the documents that it has seen.

    Args:
        run: A run folder, with ``metrics.jsonl``.
        output: Picture to write, an .svg.

    Raises:
        BertsumError: if the metrics cannot be read, or the picture not written.
    """
    metrics = _metrics(Path(run))
    losses = {split: _points(metrics, split, "loss") for split in ("train", "validation")}
    rouge = {metric.upper().replace("ROUGE", "ROUGE-"): _points(metrics, "validation", metric) for metric in METRICS}
    drawn = [lines(_drawn(losses), "training documents seen", "loss of a document")]
    if _drawn(rouge):
        drawn.append(lines(_drawn(rouge), "training documents seen", "validation ROUGE F1"))
    _picture(drawn, output)


def _drawn(curves: dict[str, list[tuple[float, float]]]) -> dict[str, list[tuple[float, float]]]:
    return {name: points for name, points in curves.items() if points}


def _metrics(run: Path) -> list[dict[str, Any]]:
    return list(_lines(run / "metrics.jsonl", {"split": str, "documents": int}))


def _points(metrics: list[dict[str, Any]], split: str, metric: str) -> list[tuple[float, float]]:
    """A metric over the documents seen; ROUGE in percent."""
    scale = 1 if metric == "loss" else 100
    found = ((line["documents"], line.get(metric)) for line in metrics if line["split"] == split)
    return [(documents, scale * value) for documents, value in found if isinstance(value, float)]


def _picture(charts: Sequence[Chart], output: str | Path) -> None:
    if Path(output).suffix != ".svg":
        raise BertsumError(f"'{output}': expected the name of a picture that ends in .svg")
    write_whole(Path(output), svg(charts) + "\n")


def _lines(path: Path, fields: dict[str, type]) -> Iterator[dict[str, Any]]:
    """The records of a file of JSON lines, each with these fields."""
    try:
        text = path.read_text(encoding="utf-8").rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BertsumError(f"'{path}' cannot be read: {error}") from error
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BertsumError(f"{path} line {number}: not JSON: {error}") from error
        for field, kind in fields.items():
            value = record.get(field) if isinstance(record, dict) else None
            if not isinstance(value, kind) or (isinstance(value, list) and not all(type(i) is int for i in value)):
                expected = "a list of whole numbers" if kind is list else kind.__name__
                raise BertsumError(f"{path} line {number}: field '{field}': expected {expected}")
        yield record


def _run_name(predictions: Path) -> str:
    """runs/NAME/eval/SPLIT/predictions.jsonl, else the file's own name."""
    parents = predictions.absolute().parents
    return parents[2].name if len(parents) > 2 and parents[1].name == "eval" else predictions.stem
