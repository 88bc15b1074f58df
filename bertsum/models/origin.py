"""Where a saved model comes from: what the files of its run tell of it.

Read are config.yaml, the checkpoint's state, the report of the preparation, and the eval/*/results.json that are of its
very weights.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bertsum.config import Config
from bertsum.data.prepared import Report
from bertsum.errors import BertsumError
from bertsum.models.saved import saved_checksum


@dataclass(frozen=True)
class Results:
    """ROUGE of the model and the baselines on one split.

    Attributes:
        split: train, validation or test.
        documents: Number of documents.
        source: Where they come from: ``dataset``, ``dataset_config``, ``documents``.
        model: The model's name among the systems.
        systems: ROUGE by system and metric: ``fmeasure``, ``fmeasure_interval``, ``recall`` and so on.
        rouge: How ROUGE was counted.
        selection: How sentences were chosen.
        baselines: What Lead and Oracle chose from, document or read.
        long_documents: How they were read, truncate or window.
    """

    split: str
    documents: int
    source: dict[str, Any]
    model: str
    systems: dict[str, dict[str, dict[str, Any]]]
    rouge: dict[str, Any]
    selection: dict[str, Any]
    baselines: str
    long_documents: str

    @property
    def figure(self) -> str:
        """The figure to report: recall where summaries were cut to their reference's length."""
        return "recall" if self.rouge["limit_to_reference"] else "fmeasure"

    @property
    def figure_name(self) -> str:
        """The same in words."""
        return "limited-length recall" if self.rouge["limit_to_reference"] else "F1"


@dataclass(frozen=True)
class Origin:
    """The run that a model comes from, as far as its files tell.

    Attributes:
        config: Its configuration.
        trained: How far the training had come (``step``, ``documents``, ``tokens``, ``seconds``); empty for a model
            that was trained elsewhere.
        prepared: What became of the training documents; None where the preparation is not at hand.
        measured: What evaluations of these weights found, by split.
    """

    config: Config
    trained: dict[str, Any] = field(default_factory=dict)
    prepared: Report | None = None
    measured: dict[str, Results] = field(default_factory=dict)


_TOLD = ("split", "documents", "source", "rouge", "selection", "baselines", "long_documents")


def read_origin(checkpoint: Path) -> Origin | None:
    """What a run tells of one of its checkpoints; None where the folder is in no run.

    Args:
        checkpoint: ``checkpoints/step_...`` of the run folder.

    Raises:
        BertsumError: naming the file that cannot be read.
    """
    run = checkpoint.parent.parent
    if checkpoint.parent.name != "checkpoints" or not (run / "config.yaml").is_file():
        return None
    config = Config.load(run / "config.yaml", training=False)
    trained: dict[str, Any] = {}
    prepared = None
    state = checkpoint / "state" / "trainer.json"
    if state.is_file():
        with _readable(state) as values:
            trained = {name: values[name] for name in ("step", "documents", "tokens", "seconds")}
            report = Path(config.data.prepared_dir) / values["data"] / "report.json"
        if report.is_file():
            with _readable(report) as values:
                prepared = Report(**values)
    measured: dict[str, Results] = {}
    weights = saved_checksum(checkpoint)
    for file in sorted((run / "eval").glob("*/results.json")):  # test before test-average
        with _readable(file) as values:
            systems = [name for name, of in values.get("weights", {}).items() if of == weights]
            if systems and weights is not None and values["split"] not in measured:
                measured[values["split"]] = Results(
                    model=systems[0],
                    **{name: values[name] for name in _TOLD},
                    systems={
                        name: scores
                        for name, scores in values["systems"].items()
                        if name in (systems[0], "oracle") or name.startswith("lead-")
                    },
                )
    return Origin(config, trained, prepared, measured)


@contextmanager
def _readable(file: Path) -> Iterator[dict[str, Any]]:
    """What a JSON file holds, to take values from.

    Raises:
        BertsumError: if it cannot be read, or one of them is not there.
    """
    try:
        yield json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise BertsumError(f"'{file}': cannot be read for the model card: {error!r}") from error
