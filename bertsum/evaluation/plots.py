"""Pictures of what was measured: where summaries come from, and how a training went. They need the ``plots`` extra."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bertsum.errors import BertsumError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POSITIONS = 20  # shown one by one; what is beyond stands in one more


def plot_positions(files: Sequence[str | Path], output: str | Path) -> None:
    """Draws where in their documents the chosen sentences stand, beside the oracle's (1908.08345, figure 2).

    Args:
        files: ``predictions.jsonl`` of systems on the same documents, each named by its run.
        output: Picture to write; its suffix says in which format, such as .svg or .png.

    Raises:
        BertsumError: if a file cannot be read, or matplotlib is not installed.
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

    def draw(axes: Axes) -> None:
        width = 0.8 / len(chosen)
        for number, (system, indices) in enumerate(chosen.items()):
            heights = [100 * share for share in position_shares(indices)]
            places = [place + (number - (len(chosen) - 1) / 2) * width for place in range(1, POSITIONS + 2)]
            axes.bar(places, heights, width, label=system)
        axes.set_xticks(range(1, POSITIONS + 2), [*map(str, range(1, POSITIONS + 1)), "later"])
        axes.set_xlabel("position of the sentence in its document")
        axes.set_ylabel("share of all chosen sentences, %")

    _picture(draw, output)


def position_shares(indices: Sequence[Sequence[int]]) -> list[float]:
    """Share of the chosen sentences at each of the first positions, and of all later ones together."""
    places = [min(index, POSITIONS) for document in indices for index in document]
    return [places.count(place) / max(1, len(places)) for place in range(POSITIONS + 1)]


def plot_curves(runs: Sequence[str | Path], output: str | Path, metric: str = "rouge1") -> None:
    """Draws a validation metric of runs over the documents that they have seen.

    Args:
        runs: Run folders, with ``metrics.jsonl``.
        output: Picture to write, such as curves.svg.
        metric: What to draw: loss, or a ROUGE that ``train.validate_rouge`` measured.

    Raises:
        BertsumError: if a run has no such metric, or matplotlib is not installed.
    """
    curves = {}
    for run in map(Path, runs):
        lines = _lines(run / "metrics.jsonl", {"split": str, "documents": int})
        validations = [line for line in lines if line["split"] == "validation"]
        points = [(line["documents"], line[metric]) for line in validations if isinstance(line.get(metric), float)]
        if not points:
            raise BertsumError(f"'{run}': its metrics.jsonl has no '{metric}' of a validation")
        curves[run.name] = points

    def draw(axes: Axes) -> None:
        scale = 1 if metric == "loss" else 100
        for name, points in curves.items():
            axes.plot([x for x, _ in points], [scale * y for _, y in points], marker="o", label=name)
        axes.set_xlabel("training documents seen")
        axes.set_ylabel(f"validation {metric if metric == 'loss' else metric.upper()}")

    _picture(draw, output)


def _picture(draw: Any, output: str | Path) -> None:
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError as error:
        raise BertsumError("matplotlib is not installed: pip install 'bertsum[plots]'") from error
    # Text stays text, and the same figures give the same file.
    with pyplot.rc_context({"svg.fonttype": "none", "svg.hashsalt": "bertsum", "text.parse_math": False}):
        figure, axes = pyplot.subplots(figsize=(8, 4), layout="constrained")
        draw(axes)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        try:
            figure.savefig(output, metadata={"Date": None} if str(output).endswith(".svg") else None, dpi=150)
        except (OSError, ValueError) as error:
            raise BertsumError(f"'{output}' cannot be written: {error}") from error
        finally:
            pyplot.close(figure)


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
