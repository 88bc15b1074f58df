"""The mean of the weights of a run's best checkpoints, as a model of its own.

Checkpoints of one training lie near each other, and their mean often does better than each of them (arXiv 1803.05407).
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import torch

from bertsum.encoders.tensors import read_tensors, write_tensors
from bertsum.files import remove_folder, whole_folder
from bertsum.runs import Run


def average_best(run: Run, metric: str, count: int) -> None:
    """Writes the mean of the best checkpoints into the run folder, and links ``best`` to it.

    Args:
        run: The run, after its training.
        metric: What ranks checkpoints.
        count: Number of checkpoints; of fewer than two there is no mean, and nothing is done.

    Raises:
        BertsumError: if the run has kept fewer checkpoints, or the folder cannot be written.
    """
    if count < 2:
        return
    checkpoints = run.best_checkpoints(metric, count)
    run.point_best(checkpoints[0])  # while there is no mean
    if run.mean.exists():
        remove_folder(run.mean)
    with whole_folder(run.mean) as beside:
        for file in filter(Path.is_file, checkpoints[0].iterdir()):
            if file.suffix == ".safetensors":
                write_tensors(beside / file.name, _mean([checkpoint / file.name for checkpoint in checkpoints]))
            else:
                shutil.copy2(file, beside)
    run.point_best(run.mean)


def _mean(files: Sequence[Path]) -> dict[str, torch.Tensor]:
    """The mean of the tensors of several files. Of adapters it is the mean of their factors."""
    weights = [read_tensors(file) for file in files]
    return {
        name: torch.stack([each[name].double() for each in weights]).mean(dim=0).to(weight.dtype)
        for name, weight in weights[0].items()
    }
