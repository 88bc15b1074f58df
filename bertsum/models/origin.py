"""Where a saved model comes from: what the files of its run tell of it.

Read are config.yaml, the checkpoint's state, the report of the preparation, and the eval/*/results.json that are of its
very weights.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bertsum.config import Config
from bertsum.data.store import Report
from bertsum.errors import BertsumError
from bertsum.models.storage import saved_checksum
from bertsum.results import RESULTS_FILE, Results
from bertsum.runs import Run


@dataclass(frozen=True)
class Origin:
    """The run that a model comes from, as far as its files tell.

    Attributes:
        config: Its configuration.
        trained: How far the training had come (``step``, ``documents``, ``tokens``, ``seconds``); empty for a model
            that was trained elsewhere.
        prepared: What became of the training documents; None where the preparation is not at hand.
        measured: What evaluations of these weights found, by split: of ``model`` and the baselines.
    """

    config: Config
    trained: dict[str, Any] = field(default_factory=dict)
    prepared: Report | None = None
    measured: dict[str, Results] = field(default_factory=dict)


def read_origin(checkpoint: Path) -> Origin | None:
    """What a run tells of one of its checkpoints; None where the folder is in no run.

    Args:
        checkpoint: ``checkpoints/step_...`` of the run folder.

    Raises:
        BertsumError: naming the file that cannot be read.
    """
    run = Run(checkpoint.parent.parent)
    if checkpoint.parent.name != "checkpoints" or not run.config_file.is_file():
        return None
    config = Config.load(run.config_file, training=False)
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
    for file in sorted((run.folder / "eval").glob(f"*/{RESULTS_FILE}")):  # test before test-average
        results = Results.read(file)
        systems = [name for name, checksum in results.weights.items() if checksum == weights]
        if systems and weights is not None and results.split not in measured:
            shown = {
                "model" if system == systems[0] else system: scores
                for system, scores in results.systems.items()
                if system in (systems[0], "oracle") or system.startswith("lead-")
            }
            measured[results.split] = replace(results, systems=shown)
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
