"""metrics.jsonl and the trackers: figures that a training records while it runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import torch

from bertsum.config import TrainConfig
from bertsum.errors import BertsumError
from bertsum.files import write_whole
from bertsum.runs import Run
from bertsum.training.state import TrainState

if TYPE_CHECKING:
    from accelerate import Accelerator


def training_metrics(state: TrainState, optimizer: torch.optim.Optimizer, train: TrainConfig) -> dict[str, float]:
    """Loss per document and speed since the last line, and the learning rates of the last update."""
    since = state.since_log
    rates = {group["peak"]: group["lr"] for group in optimizer.param_groups}
    metrics = {"loss": since["loss"] / since["documents"]} if since["documents"] else {}
    metrics["learning_rate"] = rates.get(train.learning_rate, next(iter(rates.values())))
    metrics["documents_per_second"] = since["documents"] / since["seconds"]
    metrics["tokens_per_second"] = since["tokens"] / since["seconds"]
    if train.encoder_learning_rate in rates:
        metrics["encoder_learning_rate"] = rates[train.encoder_learning_rate]
    if state.skipped:
        metrics["skipped"] = state.skipped
    return metrics


def write_metrics(run: Run, state: TrainState, split: str, metrics: dict[str, float], accelerator: Accelerator) -> None:
    """Adds a line to metrics.jsonl and tells the trackers, in the first process.

    Raises:
        BertsumError: if it cannot be written.
    """
    if not accelerator.is_main_process:
        return
    record = {"step": state.step, "epoch": state.epoch, "documents": state.documents, "split": split, **metrics}
    try:
        with open(run.metrics_file, "a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        accelerator.log({f"{split}/{name}": value for name, value in metrics.items()}, step=state.step)
    except OSError as error:
        raise BertsumError(f"'{run.metrics_file}' cannot be written: {error}") from error


def forget_later_metrics(run: Run, last: dict[str, int]) -> None:
    """Drops lines that an interrupted run wrote after its last checkpoint, and a line that it wrote only in part.

    Args:
        run: The run.
        last: For each kind of line (its split), the last update whose line stays; later lines will be written again.
    """
    path = run.metrics_file
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = json.loads(line)
            stays = record["step"] <= last[record["split"]]
        except (ValueError, LookupError, TypeError):
            continue
        if stays:
            kept.append(line + "\n")
    write_whole(path, "".join(kept))
