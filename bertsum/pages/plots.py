"""Pictures of measurements: where summaries come from, and how trainings went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bertsum.errors import BertsumError
from bertsum.files import read_json_lines, write_whole
from bertsum.pages.charts import Chart, bars, lines, svg
from bertsum.results import METRICS
from bertsum.runs import Run

_AS_THEY_ARE = ("loss", "perplexity")  # drawn as they are; other metrics are shares and drawn in percent
POSITIONS = 20  # shown one by one; later positions are shown together


def plot_positions(files: Sequence[str | Path], output: str | Path) -> None:
    """Draws the positions of chosen sentences in their documents, beside the oracle's (1908.08345, figure 2).

    Args:
        files: ``predictions.jsonl`` of systems on the same documents, each named by its run.
        output: Picture to write, an .svg.

    Raises:
        BertsumError: if a file cannot be read, or the picture cannot be written.
    """
    chosen: dict[str, list[list[int]]] = {}
    for file in map(Path, files):
        lines = list(read_json_lines(file))
        if not lines:
            raise BertsumError(f"'{file}' has no predictions")
        indices, oracle = (_whole_numbers(lines, field) for field in ("indices", "oracle"))
        if chosen.setdefault("oracle", oracle) != oracle:
            raise BertsumError(f"'{file}': its documents are not those of '{files[0]}'")
        if _run_name(file) in chosen:
            raise BertsumError(f"'{file}': another file has its name, '{_run_name(file)}', too")
        chosen[_run_name(file)] = indices
    _picture([positions_chart(chosen)], output)


def _whole_numbers(lines: Sequence[tuple[str, dict[str, Any]]], field: str) -> list[list[int]]:
    for place, line in lines:
        value = line.get(field)
        if not isinstance(value, list) or not all(type(item) is int for item in value):
            raise BertsumError(f"{place}: field '{field}': expected a list of whole numbers")
    return [line[field] for _, line in lines]


def positions_chart(chosen: Mapping[str, Sequence[Sequence[int]]]) -> Chart:
    """A chart of the positions of each system's chosen sentences in their documents."""
    places = [*map(str, range(1, POSITIONS + 1)), "later"]
    shares = {system: [100 * share for share in position_shares(indices)] for system, indices in chosen.items()}
    return bars(places, shares, "position of the sentence in its document", "share of all chosen sentences, %")


def position_shares(indices: Sequence[Sequence[int]]) -> list[float]:
    """Share of the chosen sentences at each of the first positions, and of all later ones together."""
    places = [min(index, POSITIONS) for document in indices for index in document]
    return [places.count(place) / max(1, len(places)) for place in range(POSITIONS + 1)]


def plot_curves(runs: Sequence[str | Path], output: str | Path, metric: str = "rouge1") -> None:
    """Draws a validation metric of runs over the documents seen.

    Args:
        runs: Run folders, with ``metrics.jsonl``.
        output: Picture to write, an .svg.
        metric: The metric: loss, perplexity, or a ROUGE measured with ``train.validate_rouge``.

    Raises:
        BertsumError: if a run has no such metric, or the picture cannot be written.
    """
    curves = {}
    for run in map(Path, runs):
        points = _points(Run(run).metrics(), "validation", metric)
        if not points:
            raise BertsumError(f"'{run}': its metrics.jsonl has no '{metric}' of a validation")
        curves[run.name] = points
    up = f"validation {metric if metric in _AS_THEY_ARE else metric.upper()}"
    _picture([lines(curves, "training documents seen", up)], output)


def plot_training(run: Run) -> None:
    """Draws a run's ``curves.svg``: losses, and the ROUGE or perplexity of validations, over the documents seen.

    Args:
        run: A run with ``metrics.jsonl``.

    Raises:
        BertsumError: if the metrics cannot be read, or the picture cannot be written.
    """
    metrics = run.metrics()
    losses = {split: _points(metrics, split, "loss") for split in ("train", "validation")}
    rouge = {metric.upper().replace("ROUGE", "ROUGE-"): _points(metrics, "validation", metric) for metric in METRICS}
    drawn = [lines(_drawn(losses), "training documents seen", "loss of a document")]
    if _drawn(rouge):
        drawn.append(lines(_drawn(rouge), "training documents seen", "validation ROUGE F1"))
    if perplexity := _points(metrics, "validation", "perplexity"):
        drawn.append(lines({"validation": perplexity}, "training windows seen", "perplexity of hidden words"))
    _picture(drawn, run.curves_file)


def _drawn(curves: dict[str, list[tuple[float, float]]]) -> dict[str, list[tuple[float, float]]]:
    return {name: points for name, points in curves.items() if points}


def _points(metrics: list[dict[str, Any]], split: str, metric: str) -> list[tuple[float, float]]:
    """A metric over the documents seen; ROUGE in percent."""
    scale = 1 if metric in _AS_THEY_ARE else 100
    values = ((line["documents"], line.get(metric)) for line in metrics if line["split"] == split)
    return [(documents, scale * value) for documents, value in values if isinstance(value, float)]


def _picture(charts: Sequence[Chart], output: str | Path) -> None:
    if Path(output).suffix != ".svg":
        raise BertsumError(f"'{output}': expected the name of a picture that ends in .svg")
    write_whole(Path(output), svg(charts) + "\n")


def _run_name(predictions: Path) -> str:
    """NAME of runs/NAME/eval/SPLIT/predictions.jsonl, else the file's name."""
    parents = predictions.absolute().parents
    return parents[2].name if len(parents) > 2 and parents[1].name == "eval" else predictions.stem
