"""The results of an evaluation: ROUGE by system, their table, and results.json."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

from bertsum.errors import BertsumError
from bertsum.files import write_whole

METRICS = ("rouge1", "rouge2", "rougeL")
FIGURES = ("precision", "recall", "fmeasure")
RESULTS_FILE = "results.json"


@dataclass(frozen=True)
class RougeScore:
    """Means over documents, from 0 to 1, with 95% bootstrap intervals (low, high).

    Attributes:
        precision: Share of the summary's units (n-grams, or words of the longest common subsequence) that the reference
            has.
        recall: Share of the reference's units that the summary has.
        fmeasure: Mean over documents of the harmonic mean of precision and recall.
        precision_interval: Interval of precision.
        recall_interval: Interval of recall.
        fmeasure_interval: Interval of fmeasure.
    """

    precision: float
    recall: float
    fmeasure: float
    precision_interval: tuple[float, float]
    recall_interval: tuple[float, float]
    fmeasure_interval: tuple[float, float]


class Row(NamedTuple):
    """A line of the table, in percent.

    Attributes:
        system: Name of the system.
        cells: By metric, the figure to report with its 95% interval (low, high).
        recall: ROUGE-1 recall.
        precision: ROUGE-1 precision.
    """

    system: str
    cells: dict[str, tuple[float, float, float]]
    recall: float
    precision: float


@dataclass(frozen=True)
class Results:
    """The content of results.json.

    Attributes:
        checkpoints: The evaluated checkpoints, by name of the system.
        weights: Checksums of the checkpoints' weights. They identify a checkpoint; a name such as ``best`` may change.
        split: The evaluated split.
        source: Where its documents come from: ``dataset``, ``dataset_config``, ``documents``.
        documents: Number of documents.
        rouge: How ROUGE was counted: the fields of the config's section, the language, and a text about the
            ``tokenizer``.
        selection: How sentences were chosen; None without a model.
        baselines: What Lead and Oracle chose from: all of a document, or what the encoder read of it.
        long_documents: How documents longer than the encoder's input were read: truncate or window.
        precision: Arithmetic of the forward pass; None without a model.
        systems: ROUGE by system (``lead-3``, ``oracle``, ``model``), each by metric.
        seconds: Time of scoring, selection and ROUGE.
    """

    checkpoints: dict[str, str]
    weights: dict[str, str | None]
    split: str
    source: dict[str, Any]
    documents: int
    rouge: dict[str, Any]
    selection: dict[str, Any] | None
    baselines: str
    long_documents: str
    precision: str | None
    systems: dict[str, dict[str, RougeScore]]
    seconds: float

    @property
    def tokenizer(self) -> str:
        """How ROUGE counted words."""
        return str(self.rouge["tokenizer"])

    @property
    def limited(self) -> bool:
        """Whether summaries were cut to the reference's length; if so, recall is the figure to report."""
        return bool(self.rouge["limit_to_reference"])

    @property
    def figure(self) -> str:
        """Attribute name of the figure to report: recall or fmeasure."""
        return "recall" if self.limited else "fmeasure"

    @property
    def figure_name(self) -> str:
        """Readable name of the figure to report."""
        return "limited-length recall" if self.limited else "F1"

    def rows(self) -> Iterator[Row]:
        """The lines of the table, one for each system."""
        for system, scores in self.systems.items():
            cells = {}
            for metric in METRICS:
                low, high = getattr(scores[metric], f"{self.figure}_interval")
                cells[metric] = (100 * getattr(scores[metric], self.figure), 100 * low, 100 * high)
            yield Row(system, cells, 100 * scores["rouge1"].recall, 100 * scores["rouge1"].precision)

    def table(self) -> str:
        """The figure to report with 95% intervals, then ROUGE-1 recall and precision, in percent."""
        width = max(10, *(len(system) + 1 for system in self.systems))
        head = f"{'':<{width}}" + "".join(f"{metric.upper():>8}{'95% interval':>17}" for metric in METRICS)
        lines = [head + f"{'R-1 recall':>13}{'R-1 precision':>15}"]
        for system, cells, recall, precision in self.rows():
            shown = "".join(f"{mean:>8.2f}{f'({low:.2f}-{high:.2f})':>17}" for mean, low, high in cells.values())
            lines.append(f"{system:<{width}}{shown}{recall:>13.2f}{precision:>15.2f}")
        return "\n".join(lines)

    def __str__(self) -> str:
        counted = f"ROUGE {self.figure_name}, counts {self.tokenizer}"
        return f"{self.table()}\n{self.documents:,} documents of {self.split}; {counted}"

    def write(self, folder: Path) -> None:
        """Writes results.json.

        Raises:
            BertsumError: if it cannot be written.
        """
        values = {item.name: getattr(self, item.name) for item in fields(Results)}
        values["systems"] = {
            system: {metric: asdict(score) for metric, score in scores.items()}
            for system, scores in self.systems.items()
        }
        write_whole(folder / RESULTS_FILE, json.dumps(values, indent=2) + "\n")

    @staticmethod
    def read(file: Path) -> Results:
        """Reads a results.json of this or an earlier version.

        Raises:
            BertsumError: if it cannot be read, or a field is missing.
        """
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
            values = {"weights": {}, "precision": None, **values}
            values["systems"] = {
                system: {metric: _score(score) for metric, score in scores.items()}
                for system, scores in values["systems"].items()
            }
            results = Results(**{item.name: values[item.name] for item in fields(Results)})
            list(results.rows())
            return results
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise BertsumError(f"'{file}': cannot be read as the results of an evaluation: {error!r}") from error


def _score(values: dict[str, Any]) -> RougeScore:
    """A score from JSON, where intervals are lists."""
    tuples: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    return RougeScore(**tuples)
